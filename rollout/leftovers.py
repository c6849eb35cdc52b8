"""What of Rampart's is in a cluster: which Deployments it concerns, and which routes still show something of it."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from deploy import errors, kinds, names, services, workload
from deploy.cluster import Cluster
from deploy.kinds import Kind
from deploy.traffic import Json
from rollout import observer, routes, salvage, status
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
                items = self._read(routes.KINDS[kind])
                self.known[kind] = time.monotonic(), items
            return items

    def _read(self, kind: Kind) -> Sequence[Json]:
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


class Inventory:
    """Reads what there is; writes nothing."""

    def __init__(self, cluster: Cluster, routes: Routes, domain: str) -> None:
        self._cluster = cluster
        self._routes = routes
        self._domain = domain

    def concerned(self, scope: Scope) -> tuple[str, ...]:
        """`namespace/name` of every Deployment that has a release in flight, a mark or a canary of ours."""
        found: set[tuple[str, str]] = set()
        for item in self.all(kinds.RELEASE, scope):
            about, phase = item["metadata"], (item.get("status") or {}).get("phase")
            name = (item.get("spec") or {}).get("deployment")
            if name and (phase not in status.ENDED or names.FINALIZER in (about.get("finalizers") or ())):
                found.add((about["namespace"], name))
        for item in self.all(kinds.DEPLOYMENT, scope):
            about = item["metadata"]
            if names.HELD in (about.get("annotations") or {}):
                found.add((about["namespace"], about["name"]))
            if names.RELEASE in (about.get("labels") or {}):
                found.add((about["namespace"], str(observer.owner_name(item))))
        return tuple(sorted(f"{space}/{name}" for space, name in found if scope.has(space, name)))

    def all(self, kind: Kind, scope: Scope) -> Iterator[Json]:
        """All objects of a kind in the scope's namespaces."""
        for namespace in scope.namespaces or (None,):
            yield from listed(self._cluster, kind, namespace)

    def strays(self, scope: Scope) -> tuple[tuple[str, str], ...]:
        """Namespace and name of Services whose routes still show something of ours."""
        found = salvage.services_with_legs(self._routes.objects(), self._domain)
        return tuple(sorted(each for each in found if not scope.namespaces or each[0] in scope.namespaces))

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
