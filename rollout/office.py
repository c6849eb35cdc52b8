"""An office: all that looks and writes during one reign, put together anew for each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.cluster import Cluster
from deploy.traffic import Json
from rollout import team
from rollout.elector import Reign
from rollout.observer import Judge, Observer
from rollout.reconciler import Audience, Reconciler
from rollout.routes import Routes
from rollout.seen import Pace
from rollout.settings import Settings


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Office:
    """What looks and writes during one reign. What it remembers of the world is as old as the reign, and no older."""

    reign: Reign
    reconciler: Reconciler


@dataclass(frozen=True)
class Premises:
    """What outlives reigns, and of which each office is made.

    door: the API server's, asking before each write what it is given; watched: the objects of a kind that are known,
    by the kind's name; judge: a new one, with an empty memory.
    """

    settings: Settings
    door: Callable[[Callable[[], None]], Cluster]
    watched: Callable[[str], Sequence[Json]]
    judge: Callable[[], Judge]
    audience: Audience

    def open(self, reign: Reign) -> Office:
        """An office with a fresh memory: another one led until now."""
        cluster, settings = self.door(reign.check), self.settings
        routes = Routes(cluster, self.watched)
        observer = Observer(cluster, routes, self.judge(), settings, now)
        pace = Pace(settle=settings.settle, drain=settings.drain, look=settings.look)
        crew = team.around(observer, cluster, routes, now)
        return Office(reign, Reconciler(cluster, crew, self.audience, pace, settings.keep))
