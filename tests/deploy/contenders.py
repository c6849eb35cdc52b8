"""The rows of the contract: for each router a cluster with a route of a user's, and what is peculiar to it."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from deploy import names, routers, traffic
from deploy.traffic import Change, Json, Verb
from tests.deploy import gateway_world, istio_world, smi_world

STABLE, CANARY, NEW = traffic.replica_set("5d4c"), traffic.canary("web-v2"), traffic.replica_set("77ff")
ADDED = ("uid", "generation", "resourceVersion")
"""What a server adds to metadata."""

Key = tuple[str, str, str]


def key_of(body: Json) -> Key:
    return body["kind"], body["metadata"]["namespace"], body["metadata"]["name"]


def plain(body: Json) -> Json:
    """What its owner sees of an object."""
    shown = copy.deepcopy(body)
    for added in ADDED:
        shown["metadata"].pop(added, None)
    return shown


@dataclass(frozen=True)
class Contender:
    """One router, the objects of a user, and how its lists are looked at.

    route: the user's route among `bodies`, with unknown fields wherever the API allows them. foreign: what somebody
    else makes of it in mid-release. lists: the weights of each list of the route.
    """

    name: str
    bodies: tuple[Json, ...] = field(hash=False)
    route: Key
    foreign: Callable[[Json], None]
    lists: Callable[[Json], list[list[int]]]

    @property
    def router(self) -> routers.Router:
        return routers.TABLE[self.name]

    @property
    def target(self) -> traffic.Target:
        labels = {"app": "web"}
        return traffic.Target("shop", "web", labels, labels, router=self.name)


class Cluster:
    """What a server would keep: it counts versions, and refuses a write of a version that is not the present one."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self.router, self.target = contender.router, contender.target
        self.store: dict[Key, Json] = {}
        self.counted = 0
        for body in contender.bodies:
            self.put(copy.deepcopy(body))

    @property
    def objects(self) -> dict[str, list[Json]]:
        """Copies, so that a router which changes its input is found out."""
        found: dict[str, list[Json]] = {kind: [] for kind in self.router.KINDS}
        for key, body in sorted(self.store.items()):
            if key[0] in found:
                found[key[0]].append(copy.deepcopy(body))
        return found

    @property
    def route(self) -> Json:
        return self.store[self.contender.route]

    def put(self, body: Json) -> None:
        self.counted += 1
        meta, before = body["metadata"], self.store.get(key_of(body))
        same = before is not None and before.get("spec") == body.get("spec")
        generation = before["metadata"]["generation"] if before else 0
        meta |= {"resourceVersion": str(self.counted), "generation": generation + (0 if same else 1)}
        meta.setdefault("uid", f"uid-{self.counted}")
        self.store[key_of(body)] = body

    def apply(self, changes: Iterable[Change], most: int = 1_000) -> int:
        """Write the first `most` of them; how many there are."""
        listed = [*changes]
        for change in listed[:most]:
            key = key_of(change.body)
            if change.verb is Verb.CREATE:
                assert key not in self.store, f"{key} exists"
            else:
                read = change.body["metadata"]["resourceVersion"]
                assert read == self.store[key]["metadata"]["resourceVersion"], f"{key}: 409"
            if change.verb is Verb.DELETE:
                del self.store[key]
            else:
                self.put(copy.deepcopy(change.body))
        return len(listed)

    def survey(self) -> traffic.Survey:
        return self.router.survey(self.target, self.objects)

    def define(self, *pins: traffic.Pin, most: int = 1_000) -> int:
        return self.apply(self.router.define(self.target, self.objects, frozenset(pins)), most)

    def steer(self, split: traffic.Split, saved: Json, most: int = 1_000) -> int:
        return self.apply(self.router.steer(self.target, self.objects, split, saved), most)

    def restore(self, saved: Json, most: int = 1_000) -> int:
        return self.apply(self.router.restore(self.target, self.objects, saved), most)

    def drift(self, saved: Json, *pins: traffic.Pin) -> str | None:
        return self.router.foreign(self.target, self.objects, saved, frozenset(pins))

    def seen(self) -> dict[Key, Json]:
        """Everything as people see it."""
        return {key: plain(body) for key, body in self.store.items()}

    def ours(self) -> list[Key]:
        return [key for key, body in self.store.items() if names.MANAGED in (body["metadata"].get("labels") or {})]

    def lose_legs(self) -> None:
        """Somebody deletes everything that routes lead to and that we made."""
        for key in self.ours():
            if routers.is_leg(self.store[key]):
                del self.store[key]


def istio() -> Contender:
    future: dict[str, Any] = {"future": {"kept": True}}
    body = istio_world.a_route(istio_world.to("web", 3) | future, istio_world.to("old", 1))
    body["spec"]["http"][0] |= {"timeout": "3s", **future}
    body["spec"] |= future

    def foreign(route: Json) -> None:
        route["spec"]["http"][0]["route"] = [istio_world.to("web", 9) | future, istio_world.to("old", 1)]

    def lists(route: Json) -> list[list[int]]:
        return [[entry.get("weight", 0) for entry in rule["route"]] for rule in route["spec"]["http"]]

    return Contender("istio", (body,), key_of(body), foreign, lists)


def gateway() -> Contender:
    future: dict[str, Any] = {"future": {"kept": True}}
    body = gateway_world.a_mesh_route(gateway_world.a_ref(weight=3, **future), gateway_world.a_ref("old", 1))
    body["spec"]["rules"][0] |= future
    body["spec"] |= future

    def foreign(route: Json) -> None:
        route["spec"]["rules"][0]["backendRefs"] = [gateway_world.a_ref(weight=9, **future)]

    def lists(route: Json) -> list[list[int]]:
        return [[ref.get("weight", 1) for ref in rule["backendRefs"]] for rule in route["spec"]["rules"]]

    return Contender("gateway", (gateway_world.a_service(), body), key_of(body), foreign, lists)


def smi() -> Contender:
    future: dict[str, Any] = {"future": {"kept": True}}
    mine = {"service": "web", "weight": 3} | future
    body = smi_world.a_ts(mine, ("old", 1), **future)

    def foreign(route: Json) -> None:
        """As `kubectl replace` does, which knows of no note beside the list."""
        route["metadata"].pop("annotations", None)
        route["spec"]["backends"] = [mine | {"weight": 9}, {"service": "old", "weight": 1}]

    def lists(route: Json) -> list[list[int]]:
        return [[entry["weight"] for entry in route["spec"]["backends"]]]

    return Contender("smi", (smi_world.a_service(), smi_world.a_service("old"), body), key_of(body), foreign, lists)


def grpc() -> Contender:
    """A GRPCRoute of a Gateway, whose only ref is the Service."""
    future: dict[str, Any] = {"future": {"kept": True}}
    body = gateway_world.a_route(gateway_world.a_ref(weight=3, **future), kind="GRPCRoute")
    body["spec"]["rules"][0]["matches"] = [{"method": {"type": "Exact", "service": "shop.Web"}}]

    def foreign(route: Json) -> None:
        route["spec"]["rules"][0]["backendRefs"] = [gateway_world.a_ref(weight=9, **future)]

    def lists(route: Json) -> list[list[int]]:
        return [[ref.get("weight", 1) for ref in rule["backendRefs"]] for rule in route["spec"]["rules"]]

    return Contender("gateway", (gateway_world.a_service(), body), key_of(body), foreign, lists)


def service() -> Contender:
    future: dict[str, Any] = {"future": {"kept": True}}
    body: Json = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "annotations": {"team": "shop"}},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, **future}], "clusterIP": "10.0.0.1", **future},
    }

    def foreign(route: Json) -> None:
        route["metadata"]["annotations"] = {"team": "shop"}
        route["spec"]["selector"] = {"app": "web", "tier": "front"}

    return Contender("service", (body,), key_of(body), foreign, lambda route: [])


ROWS: tuple[Callable[[], Contender], ...] = (istio, gateway, grpc, smi, service)
"""At least one row for each router of `routers.TABLE`, in its order."""
