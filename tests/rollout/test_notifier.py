"""Sending to a real receiver: in order, once each, with patience that ends, and never in anybody's way."""

import collections
import contextlib
import io
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
import structlog

from rollout import notice as notices
from rollout import notifier
from rollout.notifier import Notifier, Patience, Receiver, Result
from rollout.seen import Told
from tests.rollout import receiver
from tests.rollout.receiver import Delivery, Inbox, in_turn
from tests.rollout.test_notice import a_notice

QUICK = Patience(connect=30, read=30, least=0.05, most=0.2, asked=2, whole=2)
BUSY: receiver.Answer = (503, {})


@dataclass
class Desk:
    """A notifier, its files, and what it counted and said."""

    notifier: Notifier
    url_file: Path
    secret_file: Path
    counts: collections.Counter[str]
    log: list[structlog.typing.EventDict] = field(default_factory=list)

    def tell(self, *messages: str) -> None:
        for message in messages:
            self.notifier.tell(a_notice(Told("Stepping", message)))

    def wait(self, result: Result, number: int = 1) -> None:
        deadline = time.monotonic() + 60
        while self.counts[result] < number:
            assert time.monotonic() < deadline, f"{result} is not {number}: {self.counts}"
            time.sleep(0.01)


@contextlib.contextmanager
def a_desk(
    url: str, directory: Path, patience: Patience = QUICK, room: int = 100, wished: tuple[str, ...] = ("all",)
) -> Iterator[Desk]:
    """A notifier that is not started yet."""
    url_file, secret_file = directory / "url", directory / "secret"
    url_file.write_text(f"{url}\n")
    secret_file.write_text("one\n")
    counts: collections.Counter[str] = collections.Counter()
    with structlog.testing.capture_logs() as log:
        mine = Notifier(Receiver(url_file, secret_file, wished), lambda result: counts.update([result]), patience, room)
        desk = Desk(mine, url_file, secret_file, counts, log)
        try:
            yield desk
        finally:
            mine.stop(0)
        assert "s3cret" not in str(log), "the address is in the log"


@contextlib.contextmanager
def meeting(directory: Path, *answers: receiver.Answer, **more: object) -> Iterator[tuple[Desk, Inbox]]:
    """A started notifier and its receiver."""
    with receiver.receiving(in_turn(*answers)) as inbox, a_desk(inbox.url, directory, **more) as desk:  # type: ignore[arg-type]
        desk.notifier.start()
        yield desk, inbox


def test_notices_arrive_in_order_and_signed(tmp_path: Path) -> None:
    """Twenty, one after the other."""
    with meeting(tmp_path) as (desk, inbox):
        words = [f"{number} %" for number in range(20)]
        desk.tell(*words)
        desk.wait(Result.DELIVERED, 20)
        assert inbox.messages == words
        for item in inbox.deliveries:
            signed = notices.sign(b"one", item.headers["webhook-id"], int(item.headers["webhook-timestamp"]), item.body)
            assert item.headers["webhook-signature"] == signed
            assert item.headers["webhook-id"] == item.event["id"]
            assert item.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
            assert abs(int(item.headers["webhook-timestamp"]) - time.time()) < 300


def test_what_was_told_already_is_not_sent_again(tmp_path: Path) -> None:
    with meeting(tmp_path) as (desk, inbox):
        desk.tell("5 %", "5 %", "25 %", "5 %", "last")
        inbox.wait(3)
        desk.wait(Result.DELIVERED, 3)
        assert inbox.messages == ["5 %", "25 %", "last"]


def test_only_what_is_wished_for_is_sent(tmp_path: Path) -> None:
    with meeting(tmp_path, wished=("Baking",)) as (desk, inbox):
        desk.tell("5 %")
        desk.notifier.tell(a_notice(Told("Baking", "100 %")))
        desk.wait(Result.DELIVERED)
        assert inbox.messages == ["100 %"]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_receiver_is_asked_again_later(status: int, tmp_path: Path) -> None:
    """The same name, waits that grow, and nothing overtakes."""
    with meeting(tmp_path, (status, {}), (status, {}), patience=Patience(least=0.2, most=1)) as (desk, inbox):
        desk.tell("5 %", "25 %")
        desk.wait(Result.DELIVERED, 2)
        assert inbox.messages == ["5 %", "5 %", "5 %", "25 %"]
        assert len({item.event["id"] for item in inbox.deliveries}) == 2
        first, second, third, _ = (item.at for item in inbox.deliveries)
        assert (second - first >= 0.1, third - second >= 0.2) == (True, True)
        once, again = desk.log
        assert 0.1 <= once["again_in"] <= 0.2 <= again["again_in"] <= 0.4
        assert once["what"] == again["what"] == f"HTTP {status}"


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 405, 408, 410, 422])
def test_what_a_receiver_refuses_is_not_sent_again(status: int, tmp_path: Path) -> None:
    """A redirect is not followed: the secret is for one address only."""
    with meeting(tmp_path, (status, {"Location": "/elsewhere"})) as (desk, inbox):
        desk.tell("5 %", "25 %")
        desk.wait(Result.DELIVERED)
        assert inbox.messages == ["5 %", "25 %"]
        assert {item.path for item in inbox.deliveries} == {"/hooks/s3cret"}
        assert desk.counts == {Result.REFUSED: 1, Result.DELIVERED: 1}
        (line,) = desk.log
        assert (line["result"], line["what"], line["log_level"]) == ("refused", f"HTTP {status}", "warning")


def in_a_minute() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        pytest.param("1", 1.0, 1.5, id="seconds"),
        pytest.param("", 0.0, 0.5, id="nothing"),
        pytest.param("soon", 0.0, 0.5, id="nonsense"),
        pytest.param("-5", 0.0, 0.5, id="a negative number"),
        pytest.param("3600", 2.0, 2.5, id="too long: at most what patience allows"),
    ],
)
def test_retry_after_is_waited_for(asked: str, least: float, most: float, tmp_path: Path) -> None:
    patience = Patience(least=0.05, asked=2, whole=30)
    with meeting(tmp_path, (503, {"Retry-After": asked}), patience=patience) as (desk, inbox):
        desk.tell("5 %")
        desk.wait(Result.DELIVERED)
        first, second = (item.at for item in inbox.deliveries)
        assert second - first >= least
        assert desk.log[0]["again_in"] <= most


def test_retry_after_may_be_a_date(tmp_path: Path) -> None:
    """Dates are whole seconds."""
    assert 0 < notifier.asked_wait(in_a_minute()) <= 60
    assert notifier.asked_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0


def test_a_receiver_that_stays_away_is_given_up(tmp_path: Path) -> None:
    """After `whole`, and then the next one has its turn."""
    with meeting(tmp_path, *[BUSY] * 50) as (desk, inbox):
        desk.tell("5 %")
        desk.wait(Result.GIVEN_UP)
        assert len(inbox.deliveries) < 50
        assert desk.log[-1]["event"] == "notification lost"


def hang_up(delivery: Delivery) -> receiver.Answer:
    raise ConnectionResetError


def test_a_connection_that_breaks_is_no_answer(tmp_path: Path) -> None:
    """Tried again; the log says of what kind it was, and not where."""
    with receiver.receiving(hang_up) as inbox, a_desk(inbox.url, tmp_path) as desk:
        desk.notifier.start()
        desk.tell("5 %")
        desk.wait(Result.GIVEN_UP)
        assert len(inbox.deliveries) > 1
        assert {line["what"] for line in desk.log} == {"ConnectionError"}


def test_a_rotated_secret_and_address_are_used_at_once(tmp_path: Path) -> None:
    """Also for what was tried already: an unreadable file is no answer."""
    with meeting(tmp_path, patience=Patience(least=0.05, most=0.1)) as (desk, inbox):
        desk.tell("5 %")
        desk.wait(Result.DELIVERED)
        desk.secret_file.unlink()
        desk.url_file.write_text("nothing")
        desk.tell("25 %")
        while not desk.log:
            time.sleep(0.01)
        desk.secret_file.write_text("two\none\n")
        desk.url_file.write_text(inbox.url.replace("s3cret", "moved"))
        desk.wait(Result.DELIVERED, 2)
        last = inbox.deliveries[-1]
        assert last.path == "/hooks/moved"
        moment = int(last.headers["webhook-timestamp"])
        signed = [notices.sign(secret, last.event["id"], moment, last.body) for secret in (b"two", b"one")]
        assert last.headers["webhook-signature"].split(" ") == signed


@contextlib.contextmanager
def hanging() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/s3cret"


def test_a_receiver_that_hangs_delays_nobody(tmp_path: Path) -> None:
    """`tell` returns at once while the thread waits; the queue has an end, and the oldest go."""
    with hanging() as url, a_desk(url, tmp_path, room=3) as desk:
        desk.notifier.start()
        desk.tell("0")
        while desk.notifier._waiting:
            time.sleep(0.001)
        began = time.monotonic()
        desk.tell(*map(str, range(1, 11)))
        assert time.monotonic() - began < QUICK.read / 2, "they waited for an answer"
        assert desk.counts[Result.DROPPED] == 7
        assert [item.told.message for item in desk.notifier._waiting] == ["8", "9", "10"]
        dropped = [line for line in desk.log if line["event"] == "notification dropped"]
        assert len(dropped) == 7
        assert dropped[0]["id"] == a_notice(Told("Stepping", "1")).id


def test_stopping_ends_within_its_bound(tmp_path: Path) -> None:
    """Whatever the receiver does; what is left is counted and told."""
    with hanging() as url, a_desk(url, tmp_path, Patience(read=30)) as desk:
        desk.notifier.start()
        desk.tell("0", "1", "2")
        while len(desk.notifier._waiting) > 2:
            time.sleep(0.001)
        began = time.monotonic()
        desk.notifier.stop(0.3)
        assert 0.3 <= time.monotonic() - began < 15, "it waited for an answer"
        assert desk.counts == {Result.UNSENT: 2}
        assert desk.log[-1] == {
            "event": "notifications not sent",
            "log_level": "warning",
            "part": "notifier",
            "waiting": 2,
            "in_hand": True,
        }


def test_stopping_sends_what_can_be_sent(tmp_path: Path) -> None:
    """The last word of a controller is not lost where the receiver is well; a wait for another try is cut short."""
    with meeting(tmp_path, BUSY, patience=Patience(least=60)) as (desk, inbox):
        desk.tell("0")
        inbox.wait(1)
        desk.tell("1", "2")
        began = time.monotonic()
        desk.notifier.stop(60)
        assert time.monotonic() - began < 30, "it waited out the wait for another try"
        assert inbox.messages == ["0", "1", "2"]
        assert desk.counts == {Result.UNSENT: 1, Result.DELIVERED: 2}
        desk.tell("3")
        assert not desk.notifier._waiting


def test_what_was_sent_is_not_remembered_for_ever(tmp_path: Path) -> None:
    """Months of running: memory stays flat (case 56)."""
    with a_desk("http://127.0.0.1:9", tmp_path, room=5) as desk:
        desk.tell(*map(str, range(100)))
        assert len(desk.notifier._known) == 10
        assert len(desk.notifier._waiting) == 5


@pytest.fixture
def whole_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that libraries log; the log is the process's own and is put back as it was."""
    handlers, level = logging.root.handlers[:], logging.root.level
    text = io.StringIO()
    logging.basicConfig(handlers=[logging.StreamHandler(text)], level=logging.DEBUG, force=True)
    yield text
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def serve_malformed(server: socket.socket) -> None:
    """Success, with headers that make urllib3 warn."""
    with contextlib.suppress(OSError):
        while True:
            line, _ = server.accept()
            line.recv(65536)
            line.sendall(b"HTTP/1.1 204 No Content\r\n: nonsense\r\n broken\r\n\r\n")
            line.close()


def test_no_library_writes_the_address_into_the_log(tmp_path: Path, whole_log: io.StringIO) -> None:
    """urllib3 would, at DEBUG always, and at WARNING where an answer's headers are malformed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve_malformed, args=(server,), daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/s3cret"
        with a_desk(address, tmp_path) as desk:
            desk.notifier.start()
            desk.tell("5 %")
            desk.wait(Result.DELIVERED)
        assert whole_log.getvalue() == ""
        requests.get(address, timeout=30).close()
        assert "s3cret" in whole_log.getvalue(), "urllib3 has become discreet, and the filter is not needed"
