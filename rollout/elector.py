"""Leadership: of several controllers one writes, and none writes when another one might.

The law: nothing is written once the lease may be another's. Who leads may write until two thirds of the lease's
duration have passed since it *began* to send its last renewal that succeeded; who waits takes the lease no sooner than
a whole duration after it *received* the holder's last sign of life. Both count by clocks of their own that never go
back and go on while a process or a machine sleeps; no two clocks are compared. So it needs no thread that works at the
right moment: a leader that hangs, is stopped or can not reach the API server finds its reign over when it wakes.
"""

import random
import secrets
import socket
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy import errors, lease
from deploy.cluster import Cluster, own_namespace
from deploy.lease import Record
from deploy.leases import Leases
from rollout.settings import Settings

Seconds = Callable[[], float]
"""A clock that never goes back."""


def boot_time() -> float:
    """Seconds that go on while the machine sleeps, where the system counts them (Linux), else monotonic ones."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Reign:
    """One unbroken time of leading. Once it is over it never begins again: the next one is another."""

    def __init__(self, until: float, clock: Seconds) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until = until

    def holds(self) -> bool:
        """Whether the lease is certainly ours now."""
        with self._lock:
            if self._clock() >= self._until:
                self._until = float("-inf")
            return self._until > float("-inf")

    def extend(self, until: float) -> bool:
        """The lease was renewed in time; False where that came too late."""
        if not self.holds():
            return False
        with self._lock:
            self._until = max(self._until, until) if self._until > float("-inf") else self._until
        return self.holds()

    def end(self) -> None:
        with self._lock:
            self._until = float("-inf")

    def check(self) -> None:
        """Stands before each write: raises Fenced when the reign is over."""
        if not self.holds():
            raise errors.Fenced("not written: this process does not lead, or could not make sure in time that it does")


def unopposed() -> Reign:
    """The reign of a controller that was told to elect nobody."""
    return Reign(float("inf"), boot_time)


@dataclass(frozen=True)
class Candidate:
    """Who stands for the lease, and for how long it takes it (whole seconds)."""

    identity: str
    seconds: int = 15

    @property
    def patience(self) -> float:
        """How long one request may take."""
        return min(2.0, self.seconds / 5)

    @property
    def safe(self) -> float:
        """From the beginning of a renewal on, the lease is taken for ours for so long."""
        return self.seconds * 2 / 3

    @property
    def renewal(self) -> float:
        """Between two renewals."""
        return self.seconds / 5

    @property
    def retry(self) -> float:
        """After a failure, and between two looks of who waits."""
        return self.seconds / 10


@dataclass(frozen=True)
class Court:
    """Who hears of a reign: that it began, that it is over and why, and what hinders it (each trouble once)."""

    gained: Callable[[Reign], None]
    lost: Callable[[str], None]
    tell: Callable[[str], None]


class Elector:
    """Stands for one Lease until it is closed; one thread, and steps that can be taken without it."""

    def __init__(
        self,
        leases: Leases,
        candidate: Candidate,
        court: Court,
        now: Callable[[], datetime],
        clock: Seconds = boot_time,
    ) -> None:
        self._leases = leases
        self._candidate = candidate
        self._court = court
        self._now = now
        self._clock = clock
        self._sight: lease.Sight | None = None
        self._mine: Record | None = None
        """What we last wrote while it is ours, as far as we know."""
        self._reign: Reign | None = None
        self._trouble: errors.ClusterError | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="elector", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def leads(self) -> bool:
        return self._reign is not None and self._reign.holds()

    @property
    def forbidden(self) -> str:
        """The right that is missing, if one is; empty otherwise."""
        return str(self._trouble) if isinstance(self._trouble, errors.Forbidden) else ""

    @property
    def leader(self) -> str:
        """Who holds the lease, as far as this process saw; empty where nobody does, or nothing was read yet."""
        if self.leads:
            return self._candidate.identity
        record = self._sight.record if self._sight is not None else None
        return record.holder if record is not None else ""

    def close(self) -> None:
        """Stand no more, and write no more; the lease stays ours until `release`."""
        self._stopping.set()
        if self._reign is not None:
            self._reign.end()
        if self._thread.is_alive():
            self._thread.join(4 * self._candidate.patience)

    def release(self) -> None:
        """Let go of the lease, once nothing of ours is being written any more: whoever waits takes it at once."""
        if self._mine is None or self._thread.is_alive():
            return
        try:
            self._leases.release(self._mine, self._now())
        except errors.ClusterError as error:
            self._court.tell(f"the lease is not released and will run out: {error}")
        self._mine = None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                pause = self.step()
            except Exception:  # noqa: BLE001 a defect ends this reign, and not for ever all leading of this process
                self._court.tell(traceback.format_exc())
                self._depose("a defect")
                pause = self._candidate.seconds
            self._stopping.wait(pause)

    def step(self) -> float:
        """Renew or stand; returns the seconds until the next step, jittered so that no two go in step."""
        candidate = self._candidate
        self._depose_late()
        try:
            if self._reign is not None and self._mine is not None:
                self._renew(self._reign, self._mine)
            else:
                self._stand()
        except errors.ClusterError as error:
            self._hear(error)
            self._depose_late()
            return candidate.retry * random.uniform(0.8, 1.2)
        self._hear(None)
        return (candidate.renewal if self._reign is not None else candidate.retry) * random.uniform(0.8, 1.2)

    def _renew(self, reign: Reign, mine: Record) -> None:
        began = self._clock()
        try:
            self._mine = self._leases.renew(mine, self._candidate.seconds, self._now())
        except (errors.Conflict, errors.Missing):
            found = self._leases.read()
            if found is None or found.holder != self._candidate.identity:
                self._sight = lease.observed(self._sight, found, self._clock())
                self._depose(f"{found.holder or 'nobody'} holds it" if found is not None else "it was deleted")
                return
            began = self._clock()
            self._mine = self._leases.renew(found, self._candidate.seconds, self._now())
        if not reign.extend(began + self._candidate.safe):
            self._depose("it was renewed too late")

    def _stand(self) -> None:
        """Look who leads; take the lease where it is free, or is ours already (the answer to our write was lost)."""
        found = self._leases.read()
        self._sight = lease.observed(self._sight, found, self._clock())
        is_ours = found is not None and found.holder == self._candidate.identity
        if self._stopping.is_set() or not (is_ours or self._sight.is_free(self._clock())):
            return
        began = self._clock()
        try:
            self._mine = self._leases.take(found, self._candidate.identity, self._candidate.seconds, self._now())
        except errors.Conflict:
            return  # another one was faster
        self._sight = None
        reign = Reign(began + self._candidate.safe, self._clock)
        if reign.holds() and not self._stopping.is_set():
            self._reign = reign
            self._court.gained(reign)

    def _depose_late(self) -> None:
        if self._reign is not None and not self._reign.holds():
            self._depose("it could not be renewed in time")

    def _depose(self, why: str) -> None:
        if self._stopping.is_set():
            return  # what was written last is still to be released
        if self._reign is not None:
            self._reign.end()
        self._reign, self._mine = None, None
        self._court.lost(why)

    def _hear(self, error: errors.ClusterError | None) -> None:
        """Tell a trouble once, until it is another or over."""
        before, self._trouble = self._trouble, error
        if error is not None and type(error) is not type(before):
            self._court.tell(f"the lease can not be read or written, which will be tried again: {error}")
        elif error is None and before is not None:
            self._court.tell("the lease can be read and written again")


def of(settings: Settings, cluster: Cluster, court: Court) -> Elector | None:
    """The elector that the settings ask for; None where nobody is to be elected. `cluster` writes without a fence.

    Unreachable where the lease's namespace is not known.
    """
    if not settings.elects:
        return None
    namespace = settings.lease_namespace or own_namespace()
    candidate = Candidate(f"{socket.gethostname()}_{secrets.token_hex(4)}", settings.lease_seconds)
    leases = Leases(cluster.within(candidate.patience), namespace, settings.lease_name)
    return Elector(leases, candidate, court, lambda: datetime.now(UTC))
