"""The route of a release, live: a router's pure answers over watched objects, and its writes, tried again at once."""

import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from deploy import errors, kinds, names, pairs, routers
from deploy.cluster import Cluster
from deploy.kinds import Kind
from deploy.traffic import Aside, Change, Json, Pin, Split, Survey, Target, Verb
from rollout.overlay import Overlay

TRIES = 6
ENDPOINTS = kinds.ENDPOINT_SLICE.kind
SERVED_SECONDS = 60.0
"""For how long a kind that the cluster does not serve is taken to stay so."""

Objects = Mapping[str, Sequence[Json]]

INDEXED = frozenset({kinds.VIRTUAL_SERVICE.kind, kinds.DESTINATION_RULE.kind})
"""Kinds of which the Istio router needs only the objects that mention the target's Service, or any."""


class Index(Protocol):
    """What is watched, found without a walk over all of it."""

    def route(self, kind: str, namespace: str, name: str) -> Json | None: ...

    def mentioning(self, kind: str, services: Collection[str]) -> Sequence[Json]: ...


class Routes:
    """Reads routes from what is watched and writes them; `watched` gives all objects of a kind, `index` some.

    What a target needs is asked of its own router; reading and writing are the same for all.
    """

    def __init__(self, cluster: Cluster, watched: Callable[[str], Sequence[Json]], index: Index | None = None) -> None:
        self._cluster = cluster
        self._watched = watched
        self._index = index
        self._overlay = Overlay()
        self._sightings: dict[tuple[str, str], tuple[tuple[tuple[str, int], ...], float]] = {}
        self._unserved: dict[str, float] = {}
        self._served: set[str] = set()

    def choose(self, target: Target, wanted: str | None) -> Target | tuple[str, ...]:
        """The target with the router that moves it, or sentences that say why there is none.

        Of a router that was asked for by name the others' kinds are not looked at, nor the rights to them needed.
        """
        needed = routers.NEEDED.get(wanted or "", "")
        served = [needed] if needed in routers.WATCHED and self._is_served(needed) else self._served_kinds()
        found = {**dict.fromkeys(routers.NEAR, ()), **{kind: self._about(kind, target) for kind in served}}
        chosen = routers.choose(target, found, wanted)
        return chosen if isinstance(chosen, tuple) else replace(target, router=chosen)

    def objects(self, target: Target) -> Objects:
        """All that the target's router needs to see what is."""
        served = [kind for kind in router_of(target).KINDS if self._is_served(kind)]
        return {kind: self._about(kind, target) for kind in served}

    def bodies(self, target: Target) -> Objects:
        """All that it needs to write: no endpoints, for a fall waits for nothing."""
        served = [kind for kind in router_of(target).KINDS if kind != ENDPOINTS and self._is_served(kind)]
        return {kind: self._about(kind, target) for kind in served}

    def everything(self) -> Objects:
        """All objects of all kinds that are watched and served."""
        return {kind: self._items(kind, "") for kind in self._served_kinds()}

    def survey(self, target: Target, saved: Json | None) -> tuple[Survey, float]:
        """What the route shows, and for how many seconds it has been so (as far as this process saw).

        Its `saved` is completed from what was saved before, where our legs hide what the user wrote.
        """
        router = router_of(target)
        found = router.survey(target, self.objects(target))
        if saved:
            found = replace(found, saved=router.remember(saved, found.saved))
        return found, self._unchanged_for((target.namespace, target.service), found.versions)

    def pair_survey(self, pair: pairs.Pair) -> tuple[pairs.Survey, float]:
        """What the routes show of a pair, and for how many seconds it has been so."""
        found = pairs.survey(pair, self._of_pairs())
        return found, self._unchanged_for((pair.namespace, "/".join(side.name for side in pair.sides)), found.versions)

    def pair_steer(self, pair: pairs.Pair, side: str, parts: int, saved: Mapping[str, int]) -> None:
        """Give `side` so many parts of the pair's traffic, in parts of WHOLE."""
        self._write(self._of_pairs, lambda objects: pairs.steer(pair, objects, side, parts, saved))

    def pair_foreseen(self, pair: pairs.Pair, side: str, parts: int) -> tuple[Change, ...]:
        """What would be written to give `side` so many parts of the pair's traffic; nothing is."""
        return pairs.steer(pair, self._of_pairs(), side, parts, {})

    def _of_pairs(self) -> Objects:
        return {
            kind: self._items(kind, "") for kind in pairs.KINDS if kind in routers.WATCHED and self._is_served(kind)
        }

    def _unchanged_for(self, key: tuple[str, str], versions: tuple[tuple[str, int], ...]) -> float:
        known, now = self._sightings.get(key), time.monotonic()
        if known is None or known[0] != versions:
            self._sightings[key] = known = (versions, now)
        return now - known[1]

    def drift(self, target: Target, saved: Json | None, pins: frozenset[Pin]) -> str | None:
        return router_of(target).foreign(target, self.bodies(target), saved or {}, pins)

    def foreseen(self, target: Target, split: Split) -> tuple[Change, ...]:
        """What would be written, legs first, for the route to show a split; nothing is."""
        return router_of(target).steer(target, self.bodies(target), split, {})

    def unfit(self, target: Target, wanted: Sequence[Aside]) -> tuple[str, ...]:
        """Why the canary can not be given this beside its share."""
        return routers.unfit(target, self.objects(target), wanted) if wanted else ()

    def define(self, target: Target, pins: frozenset[Pin]) -> None:
        self._write(partial(self.bodies, target), lambda objects: router_of(target).define(target, objects, pins))

    def steer(self, target: Target, split: Split, saved: Json | None) -> None:
        self._write(
            partial(self.bodies, target), lambda objects: router_of(target).steer(target, objects, split, saved or {})
        )

    def restore(self, target: Target, saved: Json | None) -> None:
        self._write(
            partial(self.bodies, target), lambda objects: router_of(target).restore(target, objects, saved or {})
        )

    def disown(self, target: Target | None, saved: Json | None) -> None:
        """In the owner's routes that were split; temporary ones are gone."""
        if target is None:
            return
        for kind in router_of(target).KINDS:
            for item in self._items(kind, target.namespace):
                about = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
                if f"{kind} {about}" in (saved or {}) or (kind in routers.ROUTES and about in (saved or {})):
                    live = self._cluster.find(
                        routers.KINDS[kind], item["metadata"]["name"], item["metadata"]["namespace"]
                    )
                    if live is not None:  # what is watched does not say who wrote which field
                        self._keep(kind, disown(self._cluster, routers.KINDS[kind], live))

    def _served_kinds(self) -> Sequence[str]:
        return [kind for kind in routers.WATCHED if self._is_served(kind)]

    def serves(self, kind: str) -> bool:
        """Whether the cluster has a kind of a router's."""
        return self._is_served(kind)

    def _is_served(self, kind: str) -> bool:
        """Asked again after a while where it is not: a definition may come at any time."""
        if kind in routers.NEAR or kind in self._served:
            return True
        if self._unserved.get(kind, 0) > time.monotonic():
            return False
        if self._watched(kind) or self._cluster.serves(routers.KINDS[kind]):
            self._served.add(kind)
            return True
        self._unserved[kind] = time.monotonic() + SERVED_SECONDS
        return False

    def _about(self, kind: str, target: Target) -> Sequence[Json]:
        """What a target's router needs of a kind: for Istio a few of thousands, for others all."""
        index = self._index
        if index is None or kind not in INDEXED or target.router != "istio":
            return self._items(kind, target.namespace)
        wanted = frozenset({target.service.lower(), routers.ANY})
        return self._overlay.over_some(kind, lambda key: index.route(*key), lambda: index.mentioning(kind, wanted))

    def _items(self, kind: str, namespace: str) -> Sequence[Json]:
        """All objects of a watched kind; of one that is read at each look, those in the namespace.

        Of the EndpointSlices only those of our own Services, whose labels they have.
        """
        if kind in routers.WATCHED:
            return self._overlay.over(kind, self._watched(kind))
        chosen = names.MANAGED if kind == ENDPOINTS else ""
        return self._cluster.list(routers.KINDS[kind], namespace, labels=chosen).items

    def _write(self, read: Callable[[], Objects], think: Callable[[Objects], tuple[Change, ...]]) -> None:
        """Write what is missing; after a conflict think again at once over what stands there now (case 5)."""
        for _ in range(TRIES - 1):
            with contextlib.suppress(errors.Conflict):
                self._write_once(read, think)
                return
        self._write_once(read, think)

    def _write_once(self, read: Callable[[], Objects], think: Callable[[Objects], tuple[Change, ...]]) -> None:
        """All that is missing: one refused route does not keep the others from falling (promise 10).

        Legs come before routes: without them no route is written.
        """
        refused: list[errors.ClusterError] = []
        for change in think(read()):
            try:
                self._carry_out(change)
            except errors.ClusterError as error:
                if routers.is_leg(change.body):
                    raise
                refused.append(error)
        if refused:
            raise next((error for error in refused if not isinstance(error, errors.Conflict)), refused[0])

    def _carry_out(self, change: Change) -> None:
        kind = change.body["kind"]
        namespace, name = change.body["metadata"]["namespace"], change.body["metadata"]["name"]
        try:
            match change.verb:
                case Verb.CREATE:
                    after = self._cluster.create(routers.KINDS[kind], change.body)
                case Verb.REPLACE:
                    after = self._cluster.replace(routers.KINDS[kind], change.body)
                case Verb.DELETE:
                    self._delete(kind, change.body)
                    return
        except (errors.Conflict, errors.Missing) as error:
            if change.verb is Verb.CREATE and isinstance(error, errors.Missing):
                raise
            self._refresh(kind, namespace, name, change.body)
            raise errors.Conflict(f"{kind} {namespace}/{name} changed since it was read") from None
        self._keep(kind, after)

    def _delete(self, kind: str, body: Json) -> None:
        metadata = body["metadata"]
        with contextlib.suppress(errors.Missing):
            self._cluster.delete(
                routers.KINDS[kind],
                metadata["name"],
                metadata["namespace"],
                uid=metadata.get("uid"),
                resource_version=metadata.get("resourceVersion"),
            )
        self._drop(kind, body)

    def _keep(self, kind: str, item: Json) -> None:
        if kind in routers.WATCHED:
            self._overlay.keep(kind, item)

    def _drop(self, kind: str, item: Json) -> None:
        if kind in routers.WATCHED:
            self._overlay.drop(kind, item)

    def _refresh(self, kind: str, namespace: str, name: str, stale: Json) -> None:
        live = self._cluster.find(routers.KINDS[kind], name, namespace)
        if live is not None:
            self._keep(kind, live)
        elif stale["metadata"].get("uid"):
            self._drop(kind, stale)


def disown(cluster: Cluster, kind: Kind, item: Json) -> Json:
    """Give up what the server noted as ours, or the owner's next server-side apply would meet a conflict."""
    metadata = item["metadata"]
    entries = metadata.get("managedFields") or ()
    kept = [entry for entry in entries if entry["manager"] != names.FIELD_MANAGER or entry.get("subresource")]
    if len(kept) == len(entries):
        return item
    patch: list[Json] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": kept or [{}]},
    ]
    return cluster.patch(kind, metadata["name"], metadata["namespace"], patch)


def router_of(target: Target) -> routers.Router:
    """The router of a target; Invalid for one that this version does not have (a newer one began the release)."""
    found = routers.TABLE.get(target.router)
    if found is None:
        raise errors.Invalid(f"router {target.router} is not known, this version has {', '.join(routers.TABLE)}")
    return found


def target_of(namespace: str, service: str, running: Mapping[str, str], new: Mapping[str, str], domain: str) -> Target:
    """The target of a release, without the labels that only mark a ReplicaSet."""
    return Target(namespace, service, dict(running), dict(new), domain)
