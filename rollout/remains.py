"""What is left of a Deployment's releases where none is in flight: its route, canaries and their addresses."""

import contextlib
from collections.abc import Callable
from dataclasses import replace

from deploy import backends, errors, kinds, names, services, workload
from deploy.cluster import Cluster
from deploy.traffic import Json, Survey, Target
from deploy.workload import Workload
from rollout import observer as observing
from rollout import routes, views
from rollout.leftovers import Inventory, Trace
from rollout.observer import Observer
from rollout.routes import Routes
from rollout.salvage import Left
from rollout.views import View


class Remains:
    """Reads it; decides nothing and writes nothing."""

    def __init__(
        self,
        cluster: Cluster,
        routes: Routes,
        observer: Observer,
        inventory: Inventory,
        read: Callable[[Json], Workload],
    ) -> None:
        self._cluster = cluster
        self._routes = routes
        self._observer = observer
        self._inventory = inventory
        self._read = read
        self._canaries: dict[str, set[str]] = {}

    def view(self, key: str) -> View:
        """As the controller sees it; without Releases where their definition is gone."""
        namespace, _, name = key.partition("/")
        with contextlib.suppress(errors.Missing):
            view = self._observer.view(namespace, name)
            return view if view.release is not None else self._with_orphans(view)
        found = self._cluster.find(kinds.DEPLOYMENT, name, namespace)
        work = self._read(found) if found is not None else None
        return self._with_orphans(View(namespace, name, found, work, (), ()))

    def _with_orphans(self, view: View) -> View:
        work, revisions = view.work, view.revisions
        if work is not None:
            sets = self._cluster.list(kinds.REPLICA_SET, view.namespace, labels=services.selector(work.spec)).items
            revisions = workload.revisions(sets, work.uid)
        canaries = self._cluster.list(kinds.DEPLOYMENT, view.namespace, labels=names.RELEASE).items
        previews = self._cluster.list(kinds.SERVICE, view.namespace, labels=names.PREVIEW).items
        ours = tuple(item for item in (*canaries, *previews) if views.owner_name(item) == view.name)
        return replace(view, revisions=revisions, orphans=ours)

    def left(self, view: View) -> tuple[Left, Target | None]:
        trace = self._trace(view)
        target = trace.target if trace is not None else self._observer.target(view, None)
        route, age = self._routes.survey(target, None) if target else (Survey(), 0.0)
        going = [item for item in view.orphans if "deletionTimestamp" not in item["metadata"]]
        leavers = self._leavers(view, route)
        return Left(view.work, view.revisions, route, age, len(going), leavers, trace is not None), target

    def _trace(self, view: View) -> Trace | None:
        """Where a Service in front of the Deployment shows something of ours, whichever router it would get today."""
        if view.work is None:
            return None
        running = views.running_labels(view)
        for item in self._cluster.list(kinds.SERVICE, view.namespace).items:
            if backends.read(item) is None and services.matches(services.users_selector(item), running):
                name = item["metadata"]["name"]
                target = routes.target_of(
                    view.namespace, name, running, view.work.labels, self._observer.cluster_domain
                )
                if (trace := self._inventory.trace(target)) is not None:
                    return trace
        return None

    def _leavers(self, view: View, route: Survey) -> int:
        """Addresses of canaries that still serve, and pods of theirs that nobody has told to go."""
        known = self._canaries.setdefault(f"{view.namespace}/{view.name}", set())
        labels = [item["metadata"]["labels"] for item in view.orphans]
        known |= {each[names.RELEASE] for each in labels if names.RELEASE in each}
        known |= {pin.value for pin in route.legs if pin.label == names.RELEASE}
        if not known:
            return 0
        chosen = f"{names.RELEASE} in ({','.join(sorted(known))})"
        pods = self._cluster.list(kinds.POD, view.namespace, labels=chosen).items
        slices = self._cluster.list(kinds.ENDPOINT_SLICE, view.namespace).items
        ours = {pod["metadata"]["name"] for pod in pods}
        serving = sum(
            (item.get("targetRef") or {}).get("name") in ours and (item.get("conditions") or {}).get("serving", True)
            for each in slices
            for item in each.get("endpoints") or ()
        )
        return serving or observing.unready_leavers(pods)
