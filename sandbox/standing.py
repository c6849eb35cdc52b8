"""What the supervisor knows about each part: the one record that `up`, `status` and the tests read."""

import json
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from sandbox import home


class Standing(StrEnum):
    """Where one part stands."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    STOPPED = "stopped"
    EXITED = "exited"


SETTLED = {Standing.READY, Standing.DONE}


@dataclass(frozen=True)
class Record:
    """One part: its standing, its process as numbered inside the sandbox, seconds from start to ready."""

    standing: Standing = Standing.WAITING
    pid: int | None = None
    took: float | None = None
    exit_code: int | None = None


class Phase(StrEnum):
    """Where the whole sandbox stands."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    STOPPING = "stopping"


@dataclass(frozen=True)
class State:
    """The sandbox. `culprit` and `failure` name the part that did not start, and what it did instead."""

    phase: Phase = Phase.STARTING
    seconds: float = 0.0
    culprit: str = ""
    failure: str = ""
    network: int = 0
    """The inode of the network namespace: equal for all processes inside."""
    records: dict[str, Record] = field(default_factory=dict)

    def with_record(self, name: str, **changes: Any) -> "State":
        record = replace(self.records.get(name, Record()), **changes)
        return replace(self, records={**self.records, name: record})

    @property
    def is_up(self) -> bool:
        return all(record.standing in SETTLED for record in self.records.values())


def save(place: home.Home, state: State) -> None:
    home.write(place.state_file, json.dumps(asdict(state), indent=2))


def load(place: home.Home) -> State | None:
    """None before the supervisor's first word."""
    try:
        raw = json.loads(place.state_file.read_text())
    except FileNotFoundError:
        return None
    records = {
        name: Record(**{**record, "standing": Standing(record["standing"])}) for name, record in raw["records"].items()
    }
    return State(**{**raw, "phase": Phase(raw["phase"]), "records": records})
