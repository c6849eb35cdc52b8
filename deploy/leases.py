"""The door to one Lease: read it, take it, renew it, release it, and take it by force.

Whoever takes it by force need not ask whom it belongs to: its holder finds another name in it at its next renewal and
stops writing, or stops because it can not renew. It is certain to write no more once the duration that it had asked
for has passed (`Seizure.seconds_until_safe`).

    before = leases.Leases(cluster, "rampart-system", "rampart").seize("restore-ab12", seconds=600, now=now)
    wait(before.seconds_until_safe)   # the former leader has stopped, whatever its state
    …                                 # no controller takes the lease for 600 s after the last renewal
    leases.release(before.record, now)
"""

from dataclasses import dataclass, replace
from datetime import datetime

from deploy import errors, kinds, lease
from deploy.cluster import Cluster
from deploy.lease import Record

TRIES = 10
"""A holder that renews at the same moment is in our way once; no Lease changes so often."""


@dataclass(frozen=True)
class Seizure:
    """What was found when the lease was taken by force, and what stands there now."""

    before: Record | None
    record: Record

    @property
    def seconds_until_safe(self) -> float:
        """After so long the former holder writes no more, even if it hangs: its own lease has run out by then."""
        if self.before is None or not self.before.holder or self.before.holder == self.record.holder:
            return 0.0
        return float(min(self.before.seconds, lease.LONGEST_SECONDS))


class Leases:
    """One Lease by namespace and name. Give it a Cluster without `allow`: who may write is decided by this very Lease.

    Raises ClusterError: Conflict where another wrote first, Forbidden where a right is missing (get, create and update
    of leases), Unreachable where no answer came in time (the write may have happened).
    """

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self._cluster = cluster
        self.namespace = namespace
        self.name = name

    def read(self) -> Record | None:
        """What the Lease says now; None where there is none."""
        found = self._cluster.find(kinds.LEASE, self.name, self.namespace)
        return lease.read(found) if found is not None else None

    def take(self, before: Record | None, holder: str, seconds: int, now: datetime) -> Record:
        """Write `holder` into what was read as `before`; creates the Lease where there was none."""
        return self._write(lease.taken(before, holder, seconds, now))

    def renew(self, before: Record, seconds: int, now: datetime) -> Record:
        """Say that the holder lives."""
        return self._write(lease.renewed(before, seconds, now))

    def release(self, before: Record, now: datetime) -> Record:
        """Let go of it at once."""
        return self._write(lease.released(before, now))

    def seize(self, holder: str, seconds: int, now: datetime) -> Seizure:
        """Take it by force, whoever holds it, for `seconds` from now."""
        for _ in range(TRIES - 1):
            before = self.read()
            try:
                return Seizure(before, self.take(before, holder, seconds, now))
            except (errors.Conflict, errors.Missing):
                continue
        before = self.read()
        return Seizure(before, self.take(before, holder, seconds, now))

    def _write(self, record: Record) -> Record:
        """The labels of a chart, and fields that a newer server knows, stay as they were read."""
        body = lease.written(record)
        if record.stored:
            return replace(record, stored=self._cluster.replace(kinds.LEASE, body))
        body["metadata"] = {"name": self.name, "namespace": self.namespace}
        return replace(record, stored=self._cluster.create(kinds.LEASE, body))
