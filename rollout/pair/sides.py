"""What one look sees of a pair, and what may be done about it."""

from dataclasses import dataclass

from deploy import pairs, traffic
from deploy.workload import Workload
from rollout.plan import Plan
from rollout.seen import Seen
from rollout.status import Release

LABEL = "deployment"
"""A pin with this label stands for a Deployment of a pair, whatever tells its pods apart."""


@dataclass(frozen=True)
class Side:
    """One Deployment of the pair as one look sees it; None for `work` where it is gone."""

    name: str
    work: Workload | None
    ready: int = 0
    dead: str | None = None
    """Why its pods can not come up, in their own words."""
    waiting: str | None = None
    digests: frozenset[str] = frozenset()
    """The templates of which it runs pods."""

    @property
    def is_whole(self) -> bool:
        """Rolled out, with pods that are ready."""
        return self.work is not None and self.work.rolled_out and self.ready > 0

    @property
    def pin(self) -> traffic.Pin:
        return traffic.Pin(LABEL, self.name)


@dataclass(frozen=True)
class Resting:
    """A pair without a release in flight. annotated: the side that carries the plan; other: the one that it names."""

    annotated: Side
    other: Side
    route: pairs.Survey
    plan: Plan | tuple[str, ...]
    ended: tuple[Release, ...] = ()
    telemetry: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()

    @property
    def idle(self) -> Side | None:
        """The side that waits for traffic; of two that share it, the annotated one. None while no route is readable."""
        if self.route.parts is None:
            return None
        return self.other if self.route.parts[self.other.name] == 0 else self.annotated

    @property
    def active(self) -> Side | None:
        idle = self.idle
        return None if idle is None else self.annotated if idle is self.other else self.other


@dataclass(frozen=True)
class Flying:
    """A release in flight. `seen` is what any release's look sees, with the new side as its canary."""

    seen: Seen
    new: Side
    old: Side
    route: pairs.Survey
    opted_out: bool = False

    @property
    def parts(self) -> int | None:
        """The new side's share, in parts of WHOLE; None where the routes do not agree."""
        return None if self.route.parts is None else self.route.parts[self.new.name]
