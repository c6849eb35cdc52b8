"""A queue of names: waiting at most once, in hand at most once, and again if touched meanwhile.

The same promise as client-go's workqueue: a name that is added while a worker has it is handed out again after `done`.
Urgent names are handed out first.
"""

import collections
import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)


class Queue(Generic[Name]):
    """Safe for many threads."""

    def __init__(self) -> None:
        self._waiting: collections.deque[Name] = collections.deque()
        self._wanted: set[Name] = set()
        self._in_hand: set[Name] = set()
        self._closed = False
        self._change = threading.Condition()

    def add(self, name: Name, urgent: bool = False) -> None:
        """Ask for a look at `name`."""
        with self._change:
            if self._closed or name in self._wanted:
                return
            self._wanted.add(name)
            if name not in self._in_hand:
                (self._waiting.appendleft if urgent else self._waiting.append)(name)
                self._change.notify()

    def take(self) -> Name | None:
        """The next name, as soon as there is one; None when the queue is closed."""
        with self._change:
            while not self._waiting and not self._closed:
                self._change.wait()
            if self._closed:
                return None
            name = self._waiting.popleft()
            self._wanted.discard(name)
            self._in_hand.add(name)
            return name

    def done(self, name: Name) -> None:
        """The look at `name` is over."""
        with self._change:
            self._in_hand.discard(name)
            if name in self._wanted and not self._closed:
                self._waiting.append(name)
                self._change.notify()

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
