"""Those who see, decide and write, for Deployments and for pairs: made together, as they share what they know."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from deploy import cluster as door
from deploy import traffic, workload
from rollout import actor, observer, resting, routes
from rollout.glances import Glances
from rollout.pair import actor as pair_actor
from rollout.pair import observer as pair_observer


@dataclass(frozen=True)
class Team:
    """One door, one memory of the routes, one clock."""

    observer: observer.Observer
    actor: actor.Actor
    pair_observer: pair_observer.PairObserver
    pair_actor: pair_actor.PairActor
    mind: resting.Mind
    glances: Glances | None = None
    """None: every look reads anew."""


def around(
    eyes: observer.Observer,
    cluster: door.Cluster,
    routes: routes.Routes,
    now: Callable[[], datetime],
    read: Callable[[traffic.Json], workload.Workload] = workload.read,
) -> Team:
    """The team of an observer; `read` reads a Deployment for pairs as the observer's own does for it."""
    hand = actor.Actor(cluster, routes, now)
    return Team(
        eyes,
        hand,
        pair_observer.PairObserver(cluster, routes, eyes, now, read),
        pair_actor.PairActor(cluster, routes, hand),
        resting.MINDS[eyes.mode],
    )
