"""Carry out what was decided about a pair: records and marks as for any release, weights in the routes of both."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from deploy import kinds, names, workload
from deploy.cluster import Cluster
from deploy.traffic import Json, Split
from rollout.actor import Actor, Hand, Stale
from rollout.pair.observer import PairView
from rollout.routes import Routes
from rollout.seen import Act, BeginSide, ClearWish, Refresh, Retire, Steer
from rollout.status import Release, Spec
from rollout.views import View


@dataclass
class PairHand:
    """One look's hand on a pair: `hands` are those on its Deployments, by name."""

    view: PairView
    hands: dict[str, Hand]
    release: Release | None

    @property
    def new(self) -> Hand:
        """The hand on the side that is released."""
        return self.hands[self.release.spec.deployment if self.release is not None else self.view.name]


def hand_of(view: PairView) -> PairHand:
    hands = {side.name: Hand(view_of(view, side.name), view.release, None) for side in view.sides}
    return PairHand(view, hands, view.release)


def view_of(view: PairView, side: str) -> View:
    """One side as the view of a Deployment."""
    work = view.side(side).work
    revisions = view.revisions.get(side, ())
    return View(view.namespace, side, view.bodies.get(side), work, revisions, view.releases, view.malformed)


class PairActor:
    """Writes what a decision about a pair says; decides nothing."""

    def __init__(self, cluster: Cluster, routes: Routes, actor: Actor) -> None:
        self._cluster = cluster
        self._routes = routes
        self._actor = actor

    def perform(self, act: Act, hand: PairHand) -> None:
        """Do one act. Raises ClusterError, or Stale where the world is not the one that was decided about."""
        match act:
            case Steer(split):
                self._steer(hand, split)
            case BeginSide(side, uid, digest, attempt, plan):
                spec = Spec(
                    deployment=side,
                    deployment_uid=uid,
                    revision=digest,
                    attempt=attempt,
                    pair=hand.view.name,
                    plan=plan.texts(),
                    metrics=plan.metrics,
                )
                self._actor.begin(view_of(hand.view, side), spec)
            case Retire(side, digest):
                self._annotate(hand, side, {names.RETIRED: digest, names.FAILED: None})
            case Refresh(side):
                self._annotate(hand, side, {names.RETIRED: None, names.FAILED: None})
            case ClearWish():
                for each in hand.hands.values():
                    self._actor.perform(act, each)
            case _:
                self._actor.perform(act, hand.new)
                hand.release = hand.new.release

    def _steer(self, hand: PairHand, split: Split) -> None:
        release = hand.release
        if release is None:
            raise Stale("there is no release whose traffic is to move")
        saved = {key: int(value) for key, value in (release.status.saved or {}).items()}
        self._routes.pair_steer(hand.view.pair, release.spec.deployment, split.share(release.pin), saved)

    def _annotate(self, hand: PairHand, side: str, notes: Mapping[str, str | None]) -> None:
        """One patch of a side's annotations, at the version at which it was read; none where nothing changes."""
        held = hand.hands[side]
        work = held.view.work
        if work is None or all(work.annotations.get(key) == value for key, value in notes.items()):
            return
        patch: Json = {"metadata": {"annotations": dict(notes), "resourceVersion": work.resource_version}}
        after = self._cluster.patch(kinds.DEPLOYMENT, side, work.namespace, patch)
        held.view = replace(held.view, deployment=after, work=workload.read(after))
