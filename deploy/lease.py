"""A Lease: who holds it and whether it has run out, thought purely; `deploy.leases` reads and writes it.

Whether another's lease has run out is told by no clock but our own: the whole duration that the record itself names
must pass, by a monotonic clock of ours, without any change of the record. The times in it are for people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from deploy.traffic import Json

LONGEST_SECONDS = 86_400
"""What a record's duration is capped at: a typing error must not keep everybody out for ever."""


@dataclass(frozen=True)
class Record:
    """What a Lease says. Without a holder it was released, or never taken."""

    holder: str = ""
    seconds: int = 0
    """How long the holder may be silent."""
    transitions: int = 0
    """How often the holder became another one."""
    acquired: str = ""
    renewed: str = ""
    stored: Json = field(default_factory=dict, hash=False, compare=False)
    """The object as it was read or written; a write succeeds only at its resourceVersion. Empty: there is none."""


@dataclass(frozen=True)
class Sight:
    """A record, and since when (seconds of a monotonic clock) this process sees it so; None: there is no Lease."""

    record: Record | None
    since: float

    def runs_out(self) -> float:
        """When it may be taken (seconds of the same clock), if its record does not change before."""
        if self.record is None or not self.record.holder:
            return self.since
        return self.since + min(max(self.record.seconds, 0), LONGEST_SECONDS)

    def is_free(self, now: float) -> bool:
        """Whether anybody may take it: there is none, it was released, or its holder was silent for too long."""
        return now >= self.runs_out()


def observed(before: Sight | None, record: Record | None, now: float) -> Sight:
    """The sight after reading; only a change of what the Lease says counts, not an edited label."""
    if before is not None and before.record == record:
        return Sight(record, before.since)
    return Sight(record, now)


def read(item: Json) -> Record:
    """What a Lease object says; a field that is not there says nothing."""
    spec: Mapping[str, object] = item.get("spec") or {}
    return Record(
        holder=_text(spec.get("holderIdentity")),
        seconds=_number(spec.get("leaseDurationSeconds")),
        transitions=_number(spec.get("leaseTransitions")),
        acquired=_text(spec.get("acquireTime")),
        renewed=_text(spec.get("renewTime")),
        stored=item,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def written(record: Record) -> Json:
    """The object to write: what stood there, with the record in it. No holder is left out, as client-go does."""
    texts = {"holderIdentity": record.holder, "acquireTime": record.acquired, "renewTime": record.renewed}
    numbers = {"leaseDurationSeconds": max(record.seconds, 1), "leaseTransitions": record.transitions}
    spec = {**(record.stored.get("spec") or {}), **numbers, **texts}
    return {**record.stored, "spec": {key: value for key, value in spec.items() if value != ""}}


def taken(before: Record | None, holder: str, seconds: int, now: datetime) -> Record:
    """The record after `holder` took the lease; a change of holder is counted."""
    moment = micro_time(now)
    if before is None:
        return Record(holder, seconds, 0, moment, moment)
    changes = before.transitions + (before.holder != holder)
    return Record(holder, seconds, changes, moment, moment, before.stored)


def renewed(before: Record, seconds: int, now: datetime) -> Record:
    """The record after its holder spoke again."""
    return replace(before, seconds=seconds, renewed=micro_time(now))


def released(before: Record, now: datetime) -> Record:
    """The record after its holder let go: anybody may take it at once."""
    moment = micro_time(now)
    return replace(before, holder="", seconds=1, acquired=moment, renewed=moment)


def micro_time(moment: datetime) -> str:
    """A MicroTime as the API server reads it: six digits always, and UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
