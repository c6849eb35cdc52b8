"""A world of routes for the Gateway API router: objects in memory, and an apply that does what the API server does."""

import copy
from collections.abc import Iterable
from typing import Any

from deploy import backends, traffic
from deploy.gateway import router
from deploy.traffic import Change, Json, Verb

MESHES = ("DestinationRule", "ServiceProfile")
TARGET = traffic.Target("shop", "web", {"app": "web"}, {"app": "web"}, router="gateway")
STABLE = traffic.replica_set("5d4c")
NEW = traffic.replica_set("77ff")
CANARY = traffic.canary("web-v2")
PINS = frozenset({STABLE, CANARY})


def split(*shares: tuple[traffic.Pin, int]) -> traffic.Split:
    return traffic.Split(shares)


PINNED = split((STABLE, 10_000), (CANARY, 0))
STEP = split((STABLE, 9_500), (CANARY, 500))
FINE = split((STABLE, 9_950), (CANARY, 50))
DOWN = split((STABLE, 10_000))


def a_service(name: str = "web", **spec: Any) -> Json:
    body = {"selector": {"app": name}, "clusterIP": "10.0.0.7", "ports": [{"name": "http", "port": 80}], **spec}
    meta = {"name": name, "namespace": "shop", "uid": f"uid-{name}"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": body}


def a_ref(name: str = "web", weight: int | None = 1, **more: Any) -> Json:
    weighed = {} if weight is None else {"weight": weight}
    return {"group": "", "kind": "Service", "name": name, "port": 80, **weighed, **more}


def a_route(
    *refs: Json, name: str = "web", namespace: str = "shop", kind: str = "HTTPRoute", parent: Json | None = None
) -> Json:
    """A route with one rule; its parent is a Gateway."""
    parent = parent or {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "front"}
    rule = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": [*refs] or [a_ref()]}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"parentRefs": [parent], "rules": [rule]},
    }


SERVICE_PARENT: Json = {"group": "", "kind": "Service", "name": "web"}


def a_mesh_route(*refs: Json, **more: Any) -> Json:
    return a_route(*refs, parent=dict(SERVICE_PARENT), **more)


def a_grant(*, to: Json, namespace: str = "infra", kind: str = "HTTPRoute") -> Json:
    given = {"group": "gateway.networking.k8s.io", "kind": kind, "namespace": namespace}
    meta = {"name": "grant", "namespace": "shop"}
    return {"apiVersion": "x", "kind": "ReferenceGrant", "metadata": meta, "spec": {"from": [given], "to": [to]}}


class World:
    """Objects by kind and name; uid, generation and resourceVersion as a server would count them."""

    def __init__(self, *bodies: Json, mesh: bool = False) -> None:
        self.store: dict[tuple[str, str], Json] = {}
        self.version = 0
        self.mesh = mesh
        for body in (a_service(), *bodies):
            self.put(copy.deepcopy(body))

    @property
    def objects(self) -> dict[str, list[Json]]:
        found: dict[str, list[Json]] = {kind: [] for kind in router.KINDS if kind not in MESHES or self.mesh}
        for (kind, _), body in sorted(self.store.items()):
            found.setdefault(kind, []).append(copy.deepcopy(body))
        return found

    def put(self, body: Json) -> None:
        self.version += 1
        key = (body["kind"], f"{body['metadata']['namespace']}/{body['metadata']['name']}")
        before = self.store.get(key)
        meta = body["metadata"]
        meta.setdefault("uid", f"uid-{self.version}")
        if body["kind"] != "Service":
            same = before is not None and before.get("spec") == body.get("spec")
            meta["generation"] = (before or {}).get("metadata", {}).get("generation", 0) + (0 if same else 1)
        meta["resourceVersion"] = str(self.version)
        self.store[key] = body

    def apply(self, changes: Iterable[Change]) -> list[Verb]:
        """Write; returns what was done."""
        done = []
        for change in changes:
            body = copy.deepcopy(change.body)
            key = (body["kind"], f"{body['metadata']['namespace']}/{body['metadata']['name']}")
            assert (change.verb is Verb.CREATE) == (key not in self.store), key
            if change.verb is not Verb.CREATE:
                assert body["metadata"]["resourceVersion"] == self.store[key]["metadata"]["resourceVersion"], key
            if change.verb is Verb.DELETE:
                del self.store[key]
            else:
                self.put(body)
            done.append(change.verb)
        return done

    def endpoints(self, *pins: traffic.Pin) -> None:
        """Ready endpoints for the legs of these pins."""
        for pin in pins:
            name = backends.name("web", pin)
            meta = {"name": f"{name}-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": name}}
            self.put({"kind": "EndpointSlice", "metadata": meta, "endpoints": [{"conditions": {"ready": True}}]})

    def specs(self) -> dict[tuple[str, str], Json]:
        """What users see of every object."""
        return {key: copy.deepcopy(body["spec"]) for key, body in self.store.items() if "spec" in body}

    def refs(self, name: str = "web", rule: int = 0, kind: str = "HTTPRoute", namespace: str = "shop") -> list[Json]:
        found: list[Json] = self.store[kind, f"{namespace}/{name}"]["spec"]["rules"][rule]["backendRefs"]
        return found

    def weights(self, **where: Any) -> list[tuple[str, int]]:
        """Each ref's role, or its name where it is no leg, and its weight."""
        return [(role(ref["name"]), ref.get("weight", 1)) for ref in self.refs(**where)]

    # What a release does.

    def survey(self) -> traffic.Survey:
        return router.survey(TARGET, self.objects)

    def define(self, pins: Iterable[traffic.Pin]) -> list[Verb]:
        return self.apply(router.define(TARGET, self.objects, frozenset(pins)))

    def steer(self, wished: traffic.Split, saved: Json | None = None) -> list[Verb]:
        return self.apply(router.steer(TARGET, self.objects, wished, saved or {}))

    def restore(self, saved: Json | None = None) -> list[Verb]:
        return self.apply(router.restore(TARGET, self.objects, saved or {}))


def role(name: str) -> str:
    root, joint, leg = name.partition("-rampart-")
    return leg.partition("-")[0] if joint else root
