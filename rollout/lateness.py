"""How late looks begin: when each name was due, planned or called for, against when a worker took it up."""

import threading
from collections.abc import Callable, Collection


class Lateness:
    """Safe for many threads; all times are seconds of `clock`, which must never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._planned: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._begun: dict[str, float] = {}

    def plan(self, name: str, seconds: float) -> None:
        """It will be due so many seconds from now; the last plan counts."""
        with self._lock:
            self._planned[name] = self._clock() + max(0.0, seconds)

    def call(self, name: str) -> None:
        """It is due now: something changed. It is not due later because it is called for twice."""
        with self._lock:
            self._due.setdefault(name, self._clock())

    def ring(self, name: str) -> None:
        """The time that was planned has come."""
        with self._lock:
            now = self._clock()
            self._due.setdefault(name, min(now, self._planned.pop(name, now)))

    def begin(self, name: str) -> float:
        """A look begins; returns how many seconds late, 0 if nobody called for it."""
        with self._lock:
            now = self._begun[name] = self._clock()
            return now - self._due.pop(name, now)

    def silent(self, names: Collection[str], seconds: float) -> list[str]:
        """Those of the names at which no look began for so long; of all others nothing is remembered any more."""
        with self._lock:
            now = self._clock()
            self._begun = {name: self._begun[name] for name in names if name in self._begun}
            return [name for name in names if now - self._begun.get(name, float("-inf")) >= seconds]

    def clear(self) -> None:
        """Nothing is due: another process leads."""
        with self._lock:
            self._planned.clear()
            self._due.clear()
            self._begun.clear()
