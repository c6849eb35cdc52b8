"""One look's view of the world, and what may be done about it: the values between observe, decide and act."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from analysis.verdict import Judgement
from deploy.traffic import Pin, Split, Survey
from deploy.workload import Canary, Held, Revision, Workload
from rollout.plan import Plan
from rollout.status import Phase, Status


@dataclass(frozen=True)
class Pace:
    """How long things are given, in seconds."""

    settle: float = 1.0
    """From a route's write until every proxy is taken to follow it."""
    drain: float = 2.0
    """From the last request that may begin until the pods may go; their own grace period follows."""
    look: float = 5.0
    """Between two looks at a step."""
    poll: float = 1.0
    """Between two looks at something that usually announces itself."""


@dataclass(frozen=True)
class Base:
    """The earlier release on whose canary the users are: its native roll-out was interrupted by a newer template."""

    name: str
    revision: str
    in_flight: bool
    attempt: int = 1
    saved: Mapping[str, object] = field(hash=False, default_factory=dict)
    canary: Canary | None = None


@dataclass(frozen=True)
class Endpoints:
    """Ready addresses of the Service: those of the canary, and all of them."""

    canary: int
    every: int


@dataclass(frozen=True)
class Seen:
    """All that one look reads."""

    now: datetime
    workload: Workload | None
    revisions: tuple[Revision, ...] = ()
    canary: Canary | None = None
    canary_age: float = 0.0
    """Seconds since the canary was first seen with as many ready pods as now."""
    endpoints: Endpoints | None = None
    """Read where shares are numbers of pods."""
    previewed: bool = False
    """A preview Service leads to the canary."""
    preview_left: bool = False
    """There is one that is to go with the release."""
    leavers: int = 0
    """Pods and endpoint addresses of canaries that are to go (this release's, and its base's once it ended)."""
    base: Base | None = None
    predecessor: str | None = None
    """A release of the same Deployment that has not ended yet and is no base."""
    service: str = ""
    pod_labels: Mapping[str, str] = field(hash=False, default_factory=dict)
    """The one Service in front of the Deployment, and the labels of the pods that run now."""
    router: str = "istio"
    route: Survey = field(default_factory=Survey)
    route_age: float = 0.0
    """Seconds since the present content of the route's objects was first seen."""
    drift: str | None = None
    plan: Plan | tuple[str, ...] = ()
    policy_missing: str = ""
    """The sentence that the ReleasePolicy of a release in flight is gone; `plan` is then the recorded one."""
    judgement: Judgement | None = None
    refusals: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    """Why the route can not give the canary what header, cookie or mirror steps ask for."""
    release_deleting: bool = False


class Level(StrEnum):
    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True)
class Told:
    """One decision for people: an Event, a line in the status and a line in the log."""

    reason: str
    message: str
    level: Level = Level.NORMAL


@dataclass(frozen=True)
class Record:
    """Write the release's status."""

    status: Status = field(hash=False)


@dataclass(frozen=True)
class Replan:
    """Write the release's plan."""

    plan: Plan


@dataclass(frozen=True)
class Define:
    """Make leg objects for exactly these pins."""

    pins: frozenset[Pin]


@dataclass(frozen=True)
class Steer:
    """Give the legs these shares."""

    split: Split


@dataclass(frozen=True)
class Restore:
    """Put the route back as the user wrote it."""


@dataclass(frozen=True)
class Disown:
    """Give up what the API server noted as ours in the owner's route objects."""


@dataclass(frozen=True)
class Raise:
    """Create this release's canary, or change its size."""

    replicas: int


@dataclass(frozen=True)
class Preview:
    """Make the Service by which the canary is reached before users are on it."""


@dataclass(frozen=True)
class Unpreview:
    """Delete that Service."""


@dataclass(frozen=True)
class RaiseBase:
    """Change the size of the canary of the base release, on which users are."""

    name: str
    replicas: int


@dataclass(frozen=True)
class Sweep:
    """Delete canaries, and their previews, that belong to no release in flight."""


@dataclass(frozen=True)
class Remove:
    """Delete the canary of this release, and its base's."""

    base: bool = False


@dataclass(frozen=True)
class Unpause:
    """Let the Deployment roll: one patch, only at the resourceVersion at which the digest was read."""

    digest: str
    held: Held | None
    """The mark that stays: ROLLING while the roll-out matters, None where nothing rolls."""


@dataclass(frozen=True)
class RevertTemplate:
    """Put the template of a ReplicaSet back, with what Unpause does."""

    hash: str
    held: Held | None = None


@dataclass(frozen=True)
class Mark:
    """Write on the Deployment that this digest must not start by itself again."""

    digest: str


@dataclass(frozen=True)
class Unhold:
    """Take our marks off a Deployment that is at rest."""


@dataclass(frozen=True)
class Rest:
    """Keep the Deployment paused at rest; what it runs is what its template says."""


@dataclass(frozen=True)
class Leave:
    """Leave the Deployment paused, free for its owner to resume."""


@dataclass(frozen=True)
class ClearWish:
    """Remove the `do` annotation if it still says this."""

    wish: str


@dataclass(frozen=True)
class EndBase:
    """Record the end of the base release."""

    name: str
    phase: Phase = Phase.SUPERSEDED


@dataclass(frozen=True)
class HandOver:
    """Give what is known of the original route to the base release (law 5)."""

    name: str
    saved: Mapping[str, object] = field(hash=False)


@dataclass(frozen=True)
class Hold:
    """Mark a paused template as held, for its release."""


@dataclass(frozen=True)
class Begin:
    """Make the Release for the held template."""

    digest: str
    attempt: int
    plan: Plan


@dataclass(frozen=True)
class BeginSide:
    """Pair mode: make the Release for what a side runs."""

    side: str
    uid: str
    digest: str
    attempt: int
    plan: Plan


@dataclass(frozen=True)
class Retire:
    """Pair mode: write on a side that this digest has had its turn, and is not new any more."""

    side: str
    digest: str


@dataclass(frozen=True)
class Refresh:
    """Pair mode: take our marks off a side that was promoted."""

    side: str


Act = (
    Record
    | Replan
    | Define
    | Steer
    | Restore
    | Disown
    | Raise
    | Preview
    | Unpreview
    | RaiseBase
    | Sweep
    | Remove
    | Unpause
    | RevertTemplate
    | Mark
    | Unhold
    | Rest
    | Leave
    | ClearWish
    | EndBase
    | HandOver
    | Hold
    | Begin
    | BeginSide
    | Retire
    | Refresh
)


@dataclass(frozen=True)
class Decision:
    """What one look decided: acts in their order, what is told, and when to look again (seconds; None: when called)."""

    acts: tuple[Act, ...] = ()
    told: tuple[Told, ...] = ()
    look_again: float | None = None
