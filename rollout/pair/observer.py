"""Observe a pair: both Deployments, the Releases between them, and the routes that share traffic among them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from deploy import kinds, names, pairs, services, traffic, workload
from deploy.cluster import Cluster
from deploy.traffic import WHOLE, Json, Split
from deploy.workload import Canary, Revision, Workload
from rollout.observer import Observer
from rollout.pair import machine
from rollout.pair.sides import Flying, Resting, Side
from rollout.plan import Plan
from rollout.routes import Routes
from rollout.seen import Seen
from rollout.status import Phase, Release
from rollout.views import read_releases


@dataclass(frozen=True)
class PairView:
    """What was read of a pair. annotated: the Deployment that carries the plan; None where it is gone."""

    namespace: str
    name: str
    annotated: Side
    other: Side
    bodies: Mapping[str, Json] = field(hash=False)
    """The Deployments that are there, by name."""
    revisions: Mapping[str, tuple[Revision, ...]] = field(hash=False)
    releases: tuple[Release, ...]
    """The oldest first."""
    malformed: tuple[str, ...]
    pair: pairs.Pair
    """What the routes are read for."""

    @property
    def release(self) -> Release | None:
        """The newest release that has not ended."""
        return next((item for item in reversed(self.releases) if not item.is_ended), None)

    @property
    def ended(self) -> tuple[Release, ...]:
        return tuple(item for item in self.releases if item.is_ended)

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.annotated, self.other

    @property
    def is_pair(self) -> bool:
        """Whether it is opted in as a pair now."""
        work = self.annotated.work
        return work is not None and work.opted_in and work.canary_of == self.other.name

    def side(self, name: str) -> Side:
        return self.annotated if name == self.annotated.name else self.other

    def against(self, name: str) -> Side:
        return self.other if name == self.annotated.name else self.annotated


class PairObserver:
    """Reads the world of a pair; decides nothing and writes nothing."""

    def __init__(
        self,
        cluster: Cluster,
        routes: Routes,
        observer: Observer,
        now: Callable[[], datetime],
        read: Callable[[Json], Workload] = workload.read,
    ) -> None:
        self._cluster = cluster
        self._routes = routes
        self._observer = observer
        self._now = now
        self._read = read

    def view(self, namespace: str, name: str) -> PairView | None:
        """The pair whose annotated Deployment is `name`; None where it is no pair and has no release of one."""
        found = self._cluster.list(kinds.RELEASE, namespace).items
        releases, malformed, _ = read_releases(item for item in found if (item.get("spec") or {}).get("pair") == name)
        body = self._cluster.find(kinds.DEPLOYMENT, name, namespace)
        work = self._read(body) if body is not None else None
        other = other_of(name, work, releases)
        if other is None:
            return None
        both = {name: body}
        if other:
            both[other] = self._cluster.find(kinds.DEPLOYMENT, other, namespace)
        bodies = {each: item for each, item in both.items() if item is not None}
        revisions = {each: self._revisions(item) for each, item in bodies.items()}
        annotated, second = (self._side(each, bodies.get(each), revisions.get(each, ())) for each in (name, other))
        sides = tuple(pairs.Side(side.name, side.work.labels if side.work else {}) for side in (annotated, second))
        beside = self._cluster.list(kinds.SERVICE, namespace).items
        pair = pairs.Pair(namespace, (sides[0], sides[1]), beside, self._observer.cluster_domain)
        return PairView(namespace, name, annotated, second, bodies, revisions, releases, malformed, pair)

    def _revisions(self, body: Json) -> tuple[Revision, ...]:
        namespace = body["metadata"]["namespace"]
        found = self._cluster.list(kinds.REPLICA_SET, namespace, labels=services.selector(body["spec"])).items
        return workload.revisions(found, body["metadata"]["uid"])

    def _side(self, name: str, body: Json | None, revisions: tuple[Revision, ...]) -> Side:
        if body is None:
            return Side(name, None)
        namespace = body["metadata"]["namespace"]
        pods = self._cluster.list(kinds.POD, namespace, labels=services.selector(body["spec"])).items
        seen = workload.read_canary(body, [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]])
        digests = frozenset(item.digest for item in revisions if item.replicas > 0)
        return Side(name, self._read(body), seen.ready, seen.dead, seen.waiting, digests)

    def resting(self, view: PairView) -> Resting:
        """A pair without a release in flight."""
        work = view.annotated.work
        plan = self._observer.plan(work) if work is not None else ()
        route, _ = self._routes.pair_survey(view.pair)
        idle = Resting(view.annotated, view.other, route, plan, view.ended)
        active = idle.active
        telemetry: tuple[str, ...] = ()
        if active is not None and active.work is not None and isinstance(plan, Plan):
            telemetry = self._observer.telemetry(active.work, plan, "")
        return replace(idle, telemetry=telemetry)

    def flying(self, view: PairView, release: Release) -> Flying:
        """All that the look at `release` needs; the judge is asked last, and only if nothing more urgent is seen."""
        new, old = view.side(release.spec.deployment), view.against(release.spec.deployment)
        route, age = self._routes.pair_survey(view.pair)
        plan, missing = self._observer.planned(view.annotated.work, release)
        seen = Seen(
            now=self._now(),
            workload=wished(new.work, view),
            revisions=view.revisions.get(new.name, ()),
            canary=canary_of(new),
            route=traffic.Survey(split=split_of(release, route, new, old)),
            route_age=age,
            plan=plan,
            policy_missing=missing,
            release_deleting=release.deleting,
        )
        flying = Flying(seen, new, old, route, opted_out=not view.is_pair)
        judged = release.status.phase in (Phase.STEPPING, Phase.BAKING) and release.status.since is not None
        if not judged or machine.is_urgent(release, flying):
            return flying
        return replace(flying, seen=self._observer.judged(release, seen, (new.name, old.name)))


def other_of(name: str, work: Workload | None, releases: tuple[Release, ...]) -> str | None:
    """The second Deployment: that of a release in flight, or the one that the annotation names; None: it is no pair.

    Empty where it is known no more, and a release is still to be let go: one that ended, or whose traffic was not
    moved yet when the annotations went.
    """
    for item in releases:
        for side in (item.spec.deployment, *(share.value for share in item.status.stable)):
            if not item.is_ended and side != name:
                return side
    if work is not None and work.opted_in:
        return work.canary_of
    bound = any(not item.is_ended or names.FINALIZER in item.finalizers for item in releases)
    return ((work.canary_of if work is not None else None) or "") if bound else None


def wished(work: Workload | None, view: PairView) -> Workload | None:
    """The new side's Deployment with what a person asks for on either side."""
    if work is None or work.wish:
        return work
    wish = next((side.work.wish for side in view.sides if side.work is not None and side.work.wish), None)
    return replace(work, annotations={**work.annotations, names.DO: wish}) if wish else work


def canary_of(new: Side) -> Canary | None:
    """The new side as the rules of a release look at a canary."""
    if new.work is None:
        return None
    return Canary(new.name, new.work.replicas, new.ready, new.dead, new.waiting, deleting=False)


def split_of(release: Release, route: pairs.Survey, new: Side, old: Side) -> Split | None:
    """The shares as those of the release's legs."""
    if route.parts is None:
        return None
    parts = route.parts[new.name]
    return Split(((old.pin, WHOLE - parts), (release.pin, parts)))
