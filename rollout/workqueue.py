"""A queue of names: waiting at most once, in hand at most once, and again if touched meanwhile.

The same promise as client-go's workqueue: a name that is added while a worker has it is handed out again after `done`.
Names of greater haste are handed out first, whenever they got it, and among equals the one that waits longest.
"""

import collections
import enum
import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)


class Haste(enum.IntEnum):
    """What a look is for, the last one first: what merely rests, what is due or called for, what users may notice."""

    REST = 0
    DUE = 1
    URGENT = 2


HUMBLE = 4
"""One turn in so many is of the next lower haste, so that under too much work nothing waits for ever."""


class Queue(Generic[Name]):
    """Safe for many threads."""

    def __init__(self) -> None:
        self._waiting: dict[Haste, collections.OrderedDict[Name, None]] = {
            haste: collections.OrderedDict() for haste in Haste
        }
        self._again: dict[Name, Haste] = {}
        """Names in hand that were touched meanwhile, and how urgently."""
        self._in_hand: set[Name] = set()
        self._turn = 0
        self._closed = False
        self._change = threading.Condition()

    def add(self, name: Name, haste: Haste = Haste.DUE) -> None:
        """Ask for a look at `name`."""
        with self._change:
            if self._closed:
                return
            if name in self._in_hand:
                self._again[name] = max(haste, self._again.get(name, haste))
            else:
                self._put(name, haste)

    def _put(self, name: Name, haste: Haste) -> None:
        """A name waits once, among those of its greatest haste, behind those that were there before."""
        for other in Haste:
            if name in self._waiting[other]:
                if other >= haste:
                    return
                del self._waiting[other][name]
        self._waiting[haste][name] = None
        self._change.notify()

    def take(self) -> Name | None:
        """The next name, as soon as there is one; None when the queue is closed."""
        with self._change:
            while not len(self) and not self._closed:
                self._change.wait()
            if self._closed:
                return None
            name, _ = self._next().popitem(last=False)
            self._in_hand.add(name)
            return name

    def _next(self) -> "collections.OrderedDict[Name, None]":
        """The names of the greatest haste; at times of a lower one."""
        self._turn += 1
        order = sorted(Haste, reverse=True)
        if self._turn % HUMBLE == 0:
            order = [Haste.DUE, Haste.URGENT, Haste.REST]
        if self._turn % HUMBLE**2 == 0:
            order = sorted(Haste)
        return next(self._waiting[haste] for haste in order if self._waiting[haste])

    def done(self, name: Name) -> None:
        """The look at `name` is over."""
        with self._change:
            self._in_hand.discard(name)
            again = self._again.pop(name, None)
            if again is not None and not self._closed:
                self._put(name, again)

    def close(self) -> None:
        """No name is handed out any more; workers that wait are let go."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def __len__(self) -> int:
        with self._change:
            return sum(len(names) for names in self._waiting.values())

    @property
    def in_hand(self) -> int:
        with self._change:
            return len(self._in_hand)
