"""Two real controllers that stand for one Lease, each at a port of its own."""

import json
import re
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy import kinds
from deploy.leases import Leases
from sandbox import cluster, ports
from tests.e2e import stage
from tests.e2e.stage import Stage

SECONDS = 10
"""The lease: short, so that a test is; long enough for a busy machine."""

SAFE = SECONDS * 2 / 3
HOME = "rampart-system"
WRITES = re.compile(
    r'rampart_api_requests_total\{code="\d+",kind="(\w+)",verb="(?:create|replace|patch|delete)"\} (\S+)'
)


@dataclass
class Member:
    """One controller of the pair."""

    controller: stage.Controller

    def ask(self, path: str) -> tuple[int, str]:
        return self.controller.ask(path)

    @property
    def leads(self) -> bool:
        return "rampart_leader 1.0" in self.ask("/metrics")[1]

    def writes(self) -> dict[str, float]:
        """Writes it sent by now, by kind, without those to the Lease."""
        found: dict[str, float] = {}
        for kind, number in WRITES.findall(self.ask("/metrics")[1]):
            if kind not in ("leases", "selfsubjectaccessreviews"):
                found[kind] = found.get(kind, 0) + float(number)
        return found

    def signal(self, number: int) -> None:
        assert self.controller.process is not None
        self.controller.process.send_signal(number)

    def told(self, event: str) -> list[dict[str, object]]:
        """Its log's lines of that event."""
        lines = [json.loads(line) for line in self.controller.words().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]


@dataclass
class Pair:
    """What a test acts on."""

    play: Stage
    members: tuple[Member, Member]
    leases: Leases

    def leader(self) -> Member:
        """The one that leads, waited for."""
        found: list[Member] = []

        def leads() -> bool:
            found[:] = [one for one in self.members if one.leads]
            return bool(found)

        stage.wait("one leads", leads)
        return found[0]

    def other(self, one: Member) -> Member:
        return self.members[1] if one is self.members[0] else self.members[0]

    def seconds_until(self, one: Member) -> float:
        """How long until that one leads."""
        began = time.monotonic()
        stage.wait("it leads", lambda: one.leads)
        return time.monotonic() - began


def last_led(one: Member, over: Callable[[], bool]) -> float:
    """Watch it until something is over; the seconds until it was last seen leading: at least then it did."""
    began, last = time.monotonic(), 0.0
    deadline = began + stage.PATIENCE
    while not over():
        asked = time.monotonic()
        last = asked - began if one.leads else last
        assert asked < deadline, "nothing has changed"
        time.sleep(0.02)
    return last


def through(kubeconfig: Path, port: int, directory: Path) -> Path:
    """The same kubeconfig, by way of another port of the loopback."""
    found = yaml.safe_load(kubeconfig.read_text())
    for one in found["clusters"]:
        one["cluster"]["server"] = re.sub(r":\d+$", f":{port}", one["cluster"]["server"].rstrip("/"))
    path = directory / f"kubeconfig-{port}"
    path.write_text(yaml.safe_dump(found))
    return path


@contextmanager
def opened(api_ports: Sequence[int] = (ports.API_SERVER, ports.API_SERVER), **options: object) -> Iterator[Pair]:
    """A stage whose controller and another one elect a leader; each speaks to the API server at its own port."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    flags = {"leader-elect": "true", "lease-namespace": HOME, "lease-name": name, "lease-seconds": str(SECONDS)}
    with tempfile.TemporaryDirectory() as directory:
        kubeconfig = cluster.kubeconfig_for(HOME, "rampart")
        kubeconfigs = [through(kubeconfig, port, Path(directory)) for port in api_ports]
        with stage.opened(flags=flags, kubeconfig=kubeconfigs[0], **options) as play:  # type: ignore[arg-type]
            second = stage.Controller(play.namespace, kubeconfigs[1], flags, Path(directory) / "second.log")
            members = (Member(play.controller), Member(second))
            second.start()
            try:
                stage.wait("the second one watches", lambda: '"event":"started"' in second.words())
                yield Pair(play, members, Leases(play.cluster, HOME, name))
            except BaseException:
                print(f"--- the second controller's log\n{second.words()}")
                raise
            finally:
                if second.process is not None:
                    second.end(signal.SIGKILL)
                play.cluster.delete(kinds.LEASE, name, HOME)
