"""What of Rampart's is in a cluster: which Deployments it concerns, and which routes still show something of it."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from deploy import errors, kinds, names, routers, services, workload
from deploy.cluster import Cluster
from deploy.kinds import Kind
from deploy.traffic import Json, Target
from rollout import routes, salvage, status, views
from rollout.routes import Routes

FRESH_SECONDS = 0.5
"""For how long a list of all routes is taken to be the present one; our own writes are seen at once anyway."""


@dataclass(frozen=True)
class Scope:
    """Which Deployments are meant: no namespaces means all of them, no names all in those."""

    namespaces: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def has(self, namespace: str, name: str) -> bool:
        return (not self.namespaces or namespace in self.namespaces) and (not self.names or name in self.names)


@dataclass
class Lists:
    """All route objects, as they are read from the server again and again; a kind that is not served has none.

    Who may not read those of all namespaces sees those of `namespaces`.
    """

    cluster: Cluster
    namespaces: tuple[str, ...] = ()
    known: dict[str, tuple[float, Sequence[Json]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def watched(self, kind: str) -> Sequence[Json]:
        with self.lock:
            moment, items = self.known.get(kind, (0.0, ()))
            if time.monotonic() - moment > FRESH_SECONDS:
                items = self.read(kind)
                self.known[kind] = time.monotonic(), items
            return items

    def read(self, name: str) -> Sequence[Json]:
        """All of a router's kind, from the server."""
        kind = routers.KINDS[name]
        try:
            return listed(self.cluster, kind)
        except errors.Forbidden:
            if not self.namespaces:
                raise
            return [item for namespace in self.namespaces for item in listed(self.cluster, kind, namespace)]


def listed(cluster: Cluster, kind: Kind, namespace: str | None = None, labels: str = "") -> Sequence[Json]:
    """All objects; none where the server does not know the kind."""
    try:
        return cluster.list(kind, namespace, labels=labels).items
    except errors.Missing:
        return ()


def sides_of(release: Json) -> Iterator[str]:
    """The Deployments that a Release is about; of a pair both, as far as it says so."""
    yield str((release.get("spec") or {}).get("deployment"))
    if (release.get("spec") or {}).get("pair"):
        yield from (str(share.get("value")) for share in (release.get("status") or {}).get("stable") or ())


@dataclass(frozen=True)
class Trace:
    """What one router finds of ours for a target: a split, something to put back, legs, something to remove."""

    target: Target
    rank: tuple[bool, bool, bool, bool]


class Inventory:
    """Reads what there is; writes nothing."""

    def __init__(self, cluster: Cluster, routes: Routes, lists: Lists, domain: str) -> None:
        self._cluster = cluster
        self._routes = routes
        self._lists = lists
        self._domain = domain
        self._touched: tuple[float, frozenset[tuple[str, str]]] = (-FRESH_SECONDS, frozenset())

    def concerned(self, scope: Scope) -> tuple[str, ...]:
        """`namespace/name` of every Deployment that has a release in flight, a mark or a canary of ours.

        Of a pair it is the annotated one, whichever of the two the scope names.
        """
        found: dict[tuple[str, str], set[str]] = {}
        for item in self.all(kinds.RELEASE, scope):
            about, phase, spec = item["metadata"], (item.get("status") or {}).get("phase"), item.get("spec") or {}
            name = spec.get("pair") or spec.get("deployment")
            if name and (phase not in status.ENDED or names.FINALIZER in (about.get("finalizers") or ())):
                found.setdefault((about["namespace"], name), set()).update({name, *sides_of(item)})
        for item in self.all(kinds.DEPLOYMENT, scope):
            about = item["metadata"]
            held = names.HELD in (about.get("annotations") or {})
            owner = str(views.owner_name(item)) if names.RELEASE in (about.get("labels") or {}) else ""
            for name in filter(None, (about["name"] if held else "", owner)):
                found.setdefault((about["namespace"], name), set()).add(name)
        mine = (key for key, meant in found.items() if any(scope.has(key[0], each) for each in meant))
        return tuple(sorted(f"{space}/{name}" for space, name in mine))

    def all(self, kind: Kind, scope: Scope) -> Iterator[Json]:
        """All objects of a kind in the scope's namespaces."""
        for namespace in scope.namespaces or (None,):
            yield from listed(self._cluster, kind, namespace)

    def strays(self, scope: Scope) -> tuple[tuple[str, str], ...]:
        """Namespace and name of Services of which a route or a leg still shows something of ours."""
        mine = [each for each in self._services() if not scope.namespaces or each[0] in scope.namespaces]
        return tuple(sorted(each for each in mine if self.trace(salvage.target(*each, self._domain))))

    def everything(self) -> Mapping[str, Sequence[Json]]:
        """All route objects, and all Services, as they are now: nothing lays our own writes over these."""
        return {**self._routes.everything(), salvage.SERVICE: self._lists.read(salvage.SERVICE)}

    def trace(self, target: Target) -> Trace | None:
        """What of ours is there for a Service, by the router that has most of it; None where none has anything.

        One that shows a split comes before one that would only find legs: two routers may have the same kind of legs.
        """
        if (target.namespace, target.service) not in self._services():
            return None
        served = [name for name in routers.TABLE if self._routes.serves(routers.NEEDED[name])]
        traces = [self._trace(replace(target, router=name)) for name in served]
        return max((each for each in traces if any(each.rank)), key=lambda each: each.rank, default=None)

    def shows_ours(self, body: Json) -> bool:
        """Whether something of ours is left of a Service that a route object, or the Service itself, is about."""
        found = salvage.services({body["kind"]: [body]}) if salvage.is_touched(body) else ()
        return any(self.trace(salvage.target(*each, self._domain)) for each in found)

    def _services(self) -> frozenset[tuple[str, str]]:
        """Of which something touched is there; not asked anew at each of many looks."""
        moment, found = self._touched
        if time.monotonic() - moment > FRESH_SECONDS:
            found = salvage.services(self.everything())
            self._touched = time.monotonic(), found
        return found

    def _trace(self, target: Target) -> Trace:
        router, objects = routes.router_of(target), self._routes.bodies(target)
        seen = router.survey(target, objects)
        written, made = router.restore(target, objects, {}), router.define(target, objects, ())
        return Trace(target, (bool(seen.shown), bool(written), bool(seen.legs), bool(made)))

    def left_paused(self, scope: Scope) -> tuple[Json, ...]:
        """Deployments whose held template stays paused."""
        return tuple(
            item
            for item in self.all(kinds.DEPLOYMENT, scope)
            if scope.has(item["metadata"]["namespace"], item["metadata"]["name"])
            and item["spec"].get("paused")
            and names.HELD in (item["metadata"].get("annotations") or {})
        )

    def running(self, deployment: Json) -> workload.Revision | None:
        """The ReplicaSet that has the most pods."""
        work = workload.read(deployment)
        found = self._cluster.list(kinds.REPLICA_SET, work.namespace, labels=services.selector(work.spec)).items
        return next(iter(workload.revisions(found, work.uid)), None)
