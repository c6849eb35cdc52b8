"""The whole controller over an empty cluster on the loopback: leading, standing by, handing over, being told no."""

import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from deploy.leases import Leases
from rollout.controller import Controller
from rollout.settings import Settings
from tests.deploy.api_server import Asked, Reply, Stream, door, serving, status
from tests.deploy.one_lease import OneLease

SECONDS = 3
PATIENCE = 60.0


def eventually(what: str, holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not within the time: {what}"
        time.sleep(0.02)


@dataclass
class EmptyCluster:
    """An API server that knows every kind and has no object but one Lease; `refuses` are plurals without a right."""

    lease: OneLease = field(default_factory=OneLease)
    refuses: set[str] = field(default_factory=set)
    listed: list[str] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    def answer(self, asked: Asked) -> Reply | Stream:
        plural = next((part for part in reversed(asked.path.split("/")) if part.isalpha()), "")
        if "/leases" in asked.path:
            return status(403, no_right("leases")) if "leases" in self.refuses else self.lease.answer(asked)
        if re.fullmatch(r"/apis/[a-z.]+", asked.path):
            return Reply(body={"versions": [{"version": "v1"}], "preferredVersion": {"version": "v1"}})
        if plural in self.refuses:
            return status(403, no_right(plural))
        if "watch" in asked.query:
            return Stream(self.silence())
        self.listed.append(plural)
        return Reply(body={"apiVersion": "v1", "kind": "AnyList", "metadata": {"resourceVersion": "1"}, "items": []})

    def silence(self) -> Iterator[bytes]:
        self.ending.wait(300)
        yield b""


def no_right(plural: str) -> str:
    return f'{plural} is forbidden: User "x" cannot list resource "{plural}"'


@dataclass
class Running:
    """A controller in a thread of its own."""

    controller: Controller
    thread: threading.Thread
    port: int

    def ask(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()
        except OSError:
            return 0, ""

    @property
    def state(self) -> str:
        """The line of /readyz that says whether it leads."""
        return next(
            (line for line in self.ask("/readyz")[1].splitlines() if line.startswith(("leader", "standby"))), ""
        )

    def stop(self) -> None:
        self.controller.stop()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@contextmanager
def running(url: str, directory: Path, **given: object) -> Iterator[Running]:
    kubeconfig = directory / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": url}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    user = {"name": "u", "user": {"token": "t"}}
    content = {"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "c"}
    kubeconfig.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **content}))
    settings = Settings(
        prometheus_url="http://127.0.0.1:9",
        kubeconfig=kubeconfig,
        listen="127.0.0.1:0",
        lease_namespace="sys",
        **{"lease_seconds": SECONDS, **given},  # type: ignore[arg-type]
    )
    controller = Controller(settings)
    found = Running(controller, threading.Thread(target=controller.run), controller.port)
    found.thread.start()
    try:
        yield found
    finally:
        found.stop()


@contextmanager
def cluster() -> Iterator[tuple[EmptyCluster, str]]:
    empty = EmptyCluster()
    with serving(empty.answer) as url:
        yield empty, url
        empty.ending.set()


def test_alone_it_leads_at_once_and_writes_no_lease(tmp_path: Path) -> None:
    """With a kubeconfig nobody is elected."""
    with cluster() as (empty, url), running(url, tmp_path) as one:
        eventually("it leads", lambda: one.state == "leader")
        assert "rampart_leader 1.0" in one.ask("/metrics")[1]
        assert empty.lease.stored is None
        empty.ending.set()


def test_of_two_one_leads_and_hands_over_when_it_stops(tmp_path: Path) -> None:
    """Long before the lease runs out; the one that stopped holds nothing any more."""
    long: dict[str, object] = {"leader_elect": True, "lease_seconds": 45}
    with cluster() as (empty, url), running(url, tmp_path, **long) as one:
        eventually("the first leads", lambda: one.state == "leader")
        with running(url, tmp_path, **long) as two:
            eventually("the second waits", lambda: two.state == f"standby: {empty.lease.holder()} leads")
            assert "rampart_leader 0.0" in two.ask("/metrics")[1]
            before = empty.lease.holder()
            empty.ending.set()
            began = time.monotonic()
            threading.Thread(target=one.stop).start()
            eventually("the second leads", lambda: two.state == "leader")
            assert time.monotonic() - began < 25
            assert empty.lease.holder() != before


def test_a_lease_taken_by_force_makes_a_standby_of_the_leader(tmp_path: Path) -> None:
    """It stays ready, and leads again when it is let go."""
    with cluster() as (empty, url), running(url, tmp_path, leader_elect=True) as one, door(empty.answer) as rescue:
        eventually("it leads", lambda: one.state == "leader")
        leases = Leases(rescue, "sys", "rampart")
        seizure = leases.seize("restore", 60, datetime.now(UTC))
        eventually("it stands by", lambda: one.state == "standby: restore leads")
        assert one.ask("/readyz")[0] == 200
        leases.release(seizure.record, datetime.now(UTC))
        eventually("it leads again", lambda: one.state == "leader")
        empty.ending.set()


@pytest.mark.parametrize(
    ("plural", "code"),
    [
        pytest.param("virtualservices", 200, id="needed by some"),
        pytest.param("releasepolicies", 200, id="needed by few"),
        pytest.param("deployments", 503, id="needed by all"),
        pytest.param("leases", 503, id="needed to lead"),
    ],
)
def test_a_missing_right_is_a_line_of_readyz(tmp_path: Path, plural: str, code: int) -> None:
    """And whether the process is ready depends on who needs it."""
    with cluster() as (empty, url):
        empty.refuses.add(plural)
        with running(url, tmp_path, leader_elect=True) as one:
            eventually("it says so", lambda: f"{plural}." in one.ask("/readyz")[1])
            eventually("and is ready or not", lambda: one.ask("/readyz")[0] == code)
            empty.ending.set()
