"""Send decisions to a webhook, beside the looks: a thread of its own, a queue with an end, and patience with an end.

No look waits for it: `tell` puts a notice into a queue and returns. They arrive in the order of the decisions. A
receiver that is away is tried again for a while; what does not fit into the queue meanwhile pushes out the oldest.
The address is a secret: it is in no log line, nor is the text of an error, which may show it.
"""

import collections
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import requests
import urllib3

from rollout import notice as notices
from rollout import telemetry
from rollout.notice import Notice

THREAD = "notifier"
ROOM = 1000


class Result(StrEnum):
    """How one notice ended, for the metric."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The receiver answered that it will not have it: any answer but success, 429 and 5xx."""
    GIVEN_UP = "given_up"
    """Tried again and again, for as long as `Patience.whole`."""
    DROPPED = "dropped"
    """Pushed out by newer ones."""
    UNSENT = "unsent"
    """Left over when the controller stopped."""


@dataclass(frozen=True)
class Receiver:
    """Where notices go: files, read for each try, so that a rotated Secret is used at once."""

    url_file: Path
    secret_file: Path
    wished: tuple[str, ...] = ("all",)


@dataclass(frozen=True)
class Patience:
    """Seconds."""

    connect: float = 3.0
    read: float = 5.0
    least: float = 1.0
    """From the first try to the second; each further wait is twice as long."""
    most: float = 60.0
    asked: float = 300.0
    """The longest Retry-After that is waited for."""
    whole: float = 900.0
    """From the first try until a notice is given up."""


@dataclass(frozen=True)
class Answer:
    """What became of one try: an end, or what to say and how long the receiver asked to wait (seconds)."""

    result: Result | None
    what: str
    wait: float = 0.0


class Notifier:
    """One thread that sends; `tell` from any thread, also before `start`."""

    def __init__(
        self, receiver: Receiver, count: Callable[[str], None], patience: Patience = Patience(), room: int = ROOM
    ) -> None:
        self._receiver = receiver
        self._count = count
        self._patience = patience
        self._room = room
        self._log: Any = telemetry.log(THREAD)
        self._waiting: collections.deque[Notice] = collections.deque()
        self._known: collections.OrderedDict[str, None] = collections.OrderedDict()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._until = float("inf")
        self._thread = threading.Thread(target=self._work, name=THREAD, daemon=True)

    def start(self) -> None:
        for logger in talkative():
            logger.addFilter(is_not_ours)
        self._thread.start()

    def tell(self, notice: Notice) -> None:
        """Queue it, if it is wished for and was not queued before. Does not block."""
        if not notices.is_wished(notice, self._receiver.wished):
            return
        with self._changed:
            if notice.id in self._known or self._stopping.is_set():
                return
            self._remember(notice.id)
            self._waiting.append(notice)
            lost = self._waiting.popleft() if len(self._waiting) > self._room else None
            self._changed.notify()
        if lost is not None:
            self._count(Result.DROPPED)
            self._log.warning("notification dropped", why="the queue is full", id=lost.id, reason=lost.told.reason)

    def stop(self, seconds: float) -> None:
        """Send what waits for at most so long; the rest is counted and told. Returns within `seconds`."""
        with self._changed:
            self._until = time.monotonic() + seconds
            self._stopping.set()
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(seconds)
        with self._changed:
            left = len(self._waiting)
            self._waiting.clear()
        for _ in range(left):
            self._count(Result.UNSENT)
        if left or self._thread.is_alive():
            self._log.warning("notifications not sent", waiting=left, in_hand=self._thread.is_alive())
        for logger in talkative():
            logger.removeFilter(is_not_ours)

    def _remember(self, id_: str) -> None:
        """Twice as many as can wait."""
        self._known[id_] = None
        if len(self._known) > 2 * self._room:
            self._known.popitem(last=False)

    def _work(self) -> None:
        while (notice := self._next()) is not None:
            self._count(self._deliver(notice))

    def _next(self) -> Notice | None:
        """The oldest that waits; None when it is time to go."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping.is_set())
            if not self._waiting or time.monotonic() > self._until:
                return None
            return self._waiting.popleft()

    def _deliver(self, notice: Notice) -> Result:
        """Try until it is taken, refused, or too old; waits grow, half of each is random."""
        given_up = time.monotonic() + self._patience.whole
        pause = self._patience.least
        while True:
            answer = self._try(notice)
            if answer.result is Result.DELIVERED:
                return answer.result
            wait = max(min(answer.wait, self._patience.asked), pause * random.uniform(0.5, 1.0))
            end = answer.result or (Result.GIVEN_UP if time.monotonic() + wait > given_up else None)
            fields = {"id": notice.id, "reason": notice.told.reason, "what": answer.what}
            if end is None:
                self._log.warning("notification not taken", again_in=round(wait, 1), **fields)
                end = Result.UNSENT if self._stopping.wait(wait) else None
            if end is not None:
                self._log.warning("notification lost", result=end.value, **fields)
                return end
            pause = min(self._patience.most, 2 * pause)

    def _try(self, notice: Notice) -> Answer:
        """One request. Whatever goes wrong is no answer, and only its kind is told: its text may hold the address."""
        sent = notices.body(notice)
        try:
            url = notices.read_url(self._receiver.url_file.read_text())
            secrets = notices.read_secrets(self._receiver.secret_file.read_text())
            headers = notices.headers(notice, sent, secrets, int(time.time()))
            limits = (self._patience.connect, self._patience.read)
            with requests.post(
                url, sent, headers=headers, timeout=limits, allow_redirects=False, stream=True
            ) as response:
                return judged(response.status_code, response.headers.get("Retry-After", ""))
        except Exception as error:  # noqa: BLE001 the thread goes on, and no text of an error is shown
            return Answer(None, type(error).__name__)


def judged(status: int, retry_after: str) -> Answer:
    """What an HTTP status means for a notice."""
    what = f"HTTP {status}"
    if 200 <= status < 300:
        return Answer(Result.DELIVERED, what)
    if status == 429 or status >= 500:
        return Answer(None, what, asked_wait(retry_after))
    return Answer(Result.REFUSED, what)


def asked_wait(retry_after: str) -> float:
    """Seconds that a Retry-After header asks for, as a number or as a date; 0 where there is none to read."""
    try:
        return urllib3.Retry().parse_retry_after(retry_after)
    except urllib3.exceptions.InvalidHeader:
        return 0.0


def talkative() -> tuple[logging.Logger, ...]:
    """The loggers of urllib3: some of its warnings show addresses."""
    return tuple(
        logging.getLogger(name) for name in list(logging.root.manager.loggerDict) if name.startswith("urllib3")
    )


def is_not_ours(record: logging.LogRecord) -> bool:
    """What libraries say of this thread's requests is not passed on."""
    return record.threadName != THREAD
