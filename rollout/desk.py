"""Questions that may take long are asked beside the looks: a look takes an answer that is there, or goes on without.

So a Prometheus that hangs delays no abort, and no other Deployment's look.
"""

import concurrent.futures
import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class Desk:
    """One open question for each name and topic; `touch(name)` is called when a late answer has come."""

    def __init__(self, touch: Callable[[str], None], patience: float = 1.0, clerks: int = 8) -> None:
        self._touch = touch
        self._patience = patience
        self._clerks = concurrent.futures.ThreadPoolExecutor(clerks, thread_name_prefix="desk")
        self._open: dict[tuple[str, str], tuple[Hashable, concurrent.futures.Future[Any]]] = {}
        self._lock = threading.Lock()

    def ask(self, name: str, topic: str, about: Hashable, work: Callable[[], Answer]) -> Answer | None:
        """The answer to `work`, waited for at most `patience` seconds; None where it will come later.

        Asked again about the same, a late answer is taken up; about something else, it is let go.
        """
        key = (name, topic)
        with self._lock:
            known = self._open.get(key)
            if known is None or known[0] != about:
                self._open[key] = known = (about, self._clerks.submit(work))
        future: concurrent.futures.Future[Answer] = known[1]
        try:
            answer = future.result(self._patience)
        except concurrent.futures.TimeoutError:
            future.add_done_callback(lambda _: self._touch(name))
            return None
        finally:
            if future.done():
                self._forget(key, known)
        return answer

    def _forget(self, key: tuple[str, str], known: tuple[Hashable, concurrent.futures.Future[Any]]) -> None:
        with self._lock:
            if self._open.get(key) is known:
                del self._open[key]

    def close(self) -> None:
        self._clerks.shutdown(wait=False, cancel_futures=True)
