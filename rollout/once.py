"""What is read once in a look, however many of its questions need it."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Subject = TypeVar("Subject")
Answer = TypeVar("Answer")


class Once(Generic[Subject, Answer]):
    """The answer about the very object that this thread asked about last; about any other one it is asked anew.

    A look reads its Deployment into objects of its own, so nothing of one look is an answer in another.
    """

    def __init__(self) -> None:
        self._last = threading.local()

    def of(self, subject: Subject, ask: Callable[[], Answer]) -> Answer:
        """What `ask` says, or said of the same object. An error is no answer, and is raised each time."""
        known: tuple[Subject, Answer] | None = getattr(self._last, "known", None)
        if known is None or known[0] is not subject:
            self._last.known = known = (subject, ask())
        return known[1]
