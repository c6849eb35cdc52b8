"""An office: all that looks and writes during one reign, put together anew for each."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from deploy.cluster import Cluster
from deploy.traffic import Json
from rollout import team
from rollout.elector import Reign
from rollout.glances import Glances
from rollout.observer import Judge, Observer
from rollout.reconciler import Audience, Reconciler
from rollout.routes import Index, Routes
from rollout.seen import Pace
from rollout.settings import Settings


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Office:
    """What looks and writes during one reign. What it remembers of the world is as old as the reign, and no older."""

    reign: Reign
    reconciler: Reconciler


class Known(Index, Protocol):
    """What the watches know: routes of a kind by its name, and the signs by which a glance is believed."""

    def routes(self, kind: str) -> Sequence[Json]: ...

    def signs(self, namespace: str, name: str) -> Hashable | None: ...


@dataclass(frozen=True)
class Premises:
    """What outlives reigns, and of which each office is made.

    door: the API server's, asking before each write what it is given; watches: what is known of the cluster; judge: a
    new one, with an empty memory.
    """

    settings: Settings
    door: Callable[[Callable[[], None]], Cluster]
    watches: Known
    judge: Callable[[], Judge]
    audience: Audience

    def open(self, reign: Reign) -> Office:
        """An office with a fresh memory: another one led until now."""
        cluster, settings = self.door(reign.check), self.settings
        routes = Routes(cluster, self.watches.routes, self.watches)
        observer = Observer(cluster, routes, self.judge(), settings, now)
        pace = Pace(settle=settings.settle, drain=settings.drain, look=settings.look)
        crew = replace(team.around(observer, cluster, routes, now), glances=Glances(self.watches.signs))
        return Office(reign, Reconciler(cluster, crew, self.audience, pace, settings.keep))
