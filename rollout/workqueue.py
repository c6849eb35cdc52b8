"""A queue of names: waiting at most once, in hand at most once, and again if touched meanwhile.

The same promise as client-go's workqueue: a name that is added while a worker has it is handed out again after `done`.
Urgent names are handed out first, whenever they became urgent.
"""

import collections
import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)


class Queue(Generic[Name]):
    """Safe for many threads."""

    def __init__(self) -> None:
        self._waiting: collections.OrderedDict[Name, None] = collections.OrderedDict()
        self._again: dict[Name, bool] = {}
        """Names in hand that were touched meanwhile, and whether that was urgent."""
        self._in_hand: set[Name] = set()
        self._closed = False
        self._change = threading.Condition()

    def add(self, name: Name, urgent: bool = False) -> None:
        """Ask for a look at `name`."""
        with self._change:
            if self._closed:
                return
            if name in self._in_hand:
                self._again[name] = urgent or self._again.get(name, False)
            else:
                self._put(name, urgent)

    def _put(self, name: Name, urgent: bool) -> None:
        self._waiting.setdefault(name)
        if urgent:
            self._waiting.move_to_end(name, last=False)
        self._change.notify()

    def take(self) -> Name | None:
        """The next name, as soon as there is one; None when the queue is closed."""
        with self._change:
            while not self._waiting and not self._closed:
                self._change.wait()
            if self._closed:
                return None
            name, _ = self._waiting.popitem(last=False)
            self._in_hand.add(name)
            return name

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
            return len(self._waiting)

    @property
    def in_hand(self) -> int:
        with self._change:
            return len(self._in_hand)
