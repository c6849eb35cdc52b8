"""A pod's status as a kubelet would write it, computed from its containers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def timestamp(moment: datetime) -> str:
    """RFC 3339 in whole seconds, as metav1.Time is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def waiting(reason: str, message: str = "") -> Json:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def started(at: datetime) -> Json:
    return {"running": {"startedAt": timestamp(at)}}


def ended(code: int, start: datetime, end: datetime) -> Json:
    """A container that has come to its end; the reasons are the kubelet's."""
    reason = "Completed" if code == 0 else "Error"
    return {
        "terminated": {
            "exitCode": code,
            "reason": reason,
            "startedAt": timestamp(start),
            "finishedAt": timestamp(end),
        }
    }


@dataclass(frozen=True)
class Container:
    """What is known of one container."""

    name: str
    image: str
    state: Json = field(default_factory=lambda: waiting("ContainerCreating"))
    last_state: Json = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False

    @property
    def has_run(self) -> bool:
        return "waiting" not in self.state or bool(self.last_state)

    @property
    def exit_code(self) -> int | None:
        """The code with which it ended for good; None while it runs, waits or will be started again."""
        code: int | None = self.state.get("terminated", {}).get("exitCode")
        return code


def phase(containers: Iterable[Container]) -> str:
    """Pending until every container has run; Succeeded or Failed when none will run again."""
    known = list(containers)
    codes = [container.exit_code for container in known]
    if all(code is not None for code in codes):
        return "Succeeded" if not any(codes) else "Failed"
    return "Running" if all(container.has_run for container in known) else "Pending"


def conditions(containers: Iterable[Container], reason: str = "ContainersNotReady") -> Json:
    """Condition type to (status, reason, message)."""
    unready = [container.name for container in containers if not container.ready]
    verdict = ("False", reason, f"containers with unready status: [{' '.join(unready)}]")
    readiness = verdict if unready else ("True", "", "")
    done = ("True", "", "")
    return {
        "PodReadyToStartContainers": done,
        "Initialized": done,
        "Ready": readiness,
        "ContainersReady": readiness,
        "PodScheduled": done,
    }


class Transitions:
    """Remembers since when each condition has the status it has."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[str, str]] = {}

    def render(self, found: Mapping[str, tuple[str, str, str]], now: datetime) -> list[Json]:
        rendered = []
        for kind, (status, reason, message) in found.items():
            if self._since.get(kind, ("", ""))[0] != status:
                self._since[kind] = (status, timestamp(now))
            condition = {"type": kind, "status": status, "lastTransitionTime": self._since[kind][1]}
            # null removes what an earlier patch set
            rendered.append({**condition, "reason": reason or None, "message": message or None})
        return rendered


def container_status(container: Container) -> Json:
    return {
        "name": container.name,
        "image": container.image,
        "imageID": f"sandbox://{container.image}" if container.has_run else "",
        "state": container.state,
        "lastState": container.last_state,
        "restartCount": container.restarts,
        "ready": container.ready,
        "started": "running" in container.state,
    }


@dataclass(frozen=True)
class Addresses:
    """A pod's own address and its node's."""

    pod: str
    node: str


def whole(addresses: Addresses, started_at: datetime, containers: Iterable[Container], rendered: list[Json]) -> Json:
    """The body of a strategic merge patch of a pod's status."""
    known = list(containers)
    return {
        "phase": phase(known),
        "hostIP": addresses.node,
        "hostIPs": [{"ip": addresses.node}],
        "podIP": addresses.pod,
        "podIPs": [{"ip": addresses.pod}],
        "startTime": timestamp(started_at),
        "conditions": rendered,
        "containerStatuses": [container_status(container) for container in known],
    }
