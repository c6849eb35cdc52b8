"""A cluster of Istio objects for tests: builders of a few words each, and writes applied as an API server would."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploy import traffic
from deploy.istio import router
from deploy.traffic import Change, Json, Verb

STABLE = traffic.replica_set("5d4f8c7b9d")
CANARY = traffic.canary("web-7c9f1a2b")
LABELS = {"app": "web", "version": "v1"}
TARGET = traffic.Target("shop", "web", LABELS, LABELS)
HOST = "web.shop.svc.cluster.local"


def a_split(canary: float, stable: traffic.Pin = STABLE, to: traffic.Pin = CANARY) -> traffic.Split:
    """A split with `canary` percent for the new pods."""
    parts = round(canary * 100)
    return traffic.Split(((stable, traffic.WHOLE - parts), (to, parts)))


def fallen(stable: traffic.Pin = STABLE) -> traffic.Split:
    """All traffic on stable, no canary leg."""
    return traffic.Split(((stable, traffic.WHOLE),))


def to(host: str = "web", weight: int | None = None, subset: str | None = None, **more: Any) -> Json:
    """A destination in a list."""
    destination: Json = {"host": host} | ({"subset": subset} if subset else {})
    return {"destination": destination, **more} | ({"weight": weight} if weight is not None else {})


def a_route(
    *entries: Json, name: str = "web", namespace: str = "shop", hosts: Sequence[str] = ("web",), **spec: Any
) -> Json:
    """A VirtualService with one http rule."""
    rules = {"hosts": list(hosts), "http": [{"route": list(entries)}]}
    return _object("VirtualService", namespace, name, rules | spec)


def a_rule(name: str = "web", namespace: str = "shop", host: str = "web", **spec: Any) -> Json:
    """A DestinationRule."""
    return _object("DestinationRule", namespace, name, {"host": host} | spec)


def a_subset(name: str, **labels: str) -> Json:
    return {"name": name, "labels": labels}


def _object(kind: str, namespace: str, name: str, spec: Json) -> Json:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def key(body: Json) -> tuple[str, str, str]:
    return body["kind"], body["metadata"]["namespace"], body["metadata"]["name"]


def plain(body: Json) -> Json:
    """An object without what the API server adds to it."""
    shown = copy.deepcopy(body)
    for added in ("uid", "generation", "resourceVersion"):
        shown["metadata"].pop(added, None)
    return shown


@dataclass(frozen=True)
class World:
    """The objects of a cluster after a number of writes."""

    bodies: tuple[Json, ...]
    writes: int = 0

    @property
    def objects(self) -> dict[str, list[Json]]:
        """What is handed to the router: copies, so that a router which changes its input is found out."""
        listed: dict[str, list[Json]] = {kind: [] for kind in router.KINDS}
        for body in self.bodies:
            listed[body["kind"]].append(copy.deepcopy(body))
        return listed

    @property
    def plain(self) -> dict[tuple[str, str, str], Json]:
        return {key(body): plain(body) for body in self.bodies}

    def get(self, kind: str, name: str, namespace: str = "shop") -> Json:
        return self.plain[kind, namespace, name]

    def route(self, name: str = "web", rule: int = 0, namespace: str = "shop", protocol: str = "http") -> list[Json]:
        route: list[Json] = self.get("VirtualService", name, namespace)["spec"][protocol][rule]["route"]
        return route

    def after(self, changes: Sequence[Change]) -> "World":
        """The world with these writes; refuses what an API server would refuse."""
        world = self
        for change in changes:
            world = world._after(change)
        return world

    def edited(self, body: Json) -> "World":
        """Somebody else writes an object."""
        kept = tuple(other for other in self.bodies if key(other) != key(body))
        return World((*kept, self._stored(body)), self.writes + 1)

    def without(self, kind: str, name: str, namespace: str = "shop") -> "World":
        """Somebody else deletes an object."""
        return World(tuple(body for body in self.bodies if key(body) != (kind, namespace, name)), self.writes + 1)

    def _after(self, change: Change) -> "World":
        standing = next((body for body in self.bodies if key(body) == key(change.body)), None)
        if change.verb is Verb.CREATE:
            assert standing is None, f"{key(change.body)} exists"
            return self.edited(change.body)
        assert standing is not None, f"{key(change.body)} does not exist"
        assert standing["metadata"]["resourceVersion"] == change.body["metadata"]["resourceVersion"]
        if change.verb is Verb.DELETE:
            return self.without(*key(change.body)[::2], key(change.body)[1])
        return self.edited(change.body)

    def _stored(self, body: Json) -> Json:
        stored = copy.deepcopy(body)
        meta = stored["metadata"]
        meta["resourceVersion"] = str(self.writes + 1)
        meta["generation"] = meta.get("generation", 0) + 1
        meta.setdefault("uid", f"uid-{self.writes + 1}")
        return stored


def a_world(*bodies: Json) -> World:
    world = World(())
    for body in bodies:
        world = world.edited(body)
    return world


def steered(world: World, split: traffic.Split, target: traffic.Target = TARGET, saved: Json | None = None) -> World:
    """The world after the legs were defined and the routes show the split."""
    kept = router.survey(target, world.objects).saved if saved is None else saved
    defined = world.after(router.define(target, world.objects, split.pins))
    return defined.after(router.steer(target, defined.objects, split, kept))


def restored(world: World, saved: Json, target: traffic.Target = TARGET) -> World:
    """The world after the release is over."""
    routed = world.after(router.restore(target, world.objects, saved))
    return routed.after(router.define(target, routed.objects, ()))
