"""A cluster of TrafficSplits, ServiceProfiles and Services for tests: builders of a few words each."""

import copy
from collections.abc import Sequence
from typing import Any

from deploy import traffic
from deploy.smi import router
from deploy.traffic import Json
from tests.deploy.istio_world import CANARY, STABLE, TARGET, World, a_split, a_world, fallen

__all__ = ["CANARY", "STABLE", "TARGET", "World", "a_split", "a_world", "fallen"]

Weight = int | float | str | None


def a_service(name: str = "web", port: int = 80, namespace: str = "shop", **labels: str) -> Json:
    """A Service that selects pods by labels, `app=<name>` where none are given."""
    spec = {
        "clusterIP": "10.0.0.7",
        "selector": labels or {"app": name},
        "ports": [{"name": "http", "port": port, "targetPort": 8080}],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def a_ts(
    *backends: tuple[str, Weight] | Json,
    apex: str = "web",
    name: str = "web",
    namespace: str = "shop",
    version: str = "v1alpha4",
    **spec: Any,
) -> Json:
    """A TrafficSplit whose backends are pairs of a Service and a weight, or whole entries."""
    return {
        "apiVersion": f"split.smi-spec.io/{version}",
        "kind": "TrafficSplit",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"service": apex, "backends": [entry(each) for each in backends], **spec},
    }


def entry(backend: tuple[str, Weight] | Json) -> Json:
    if isinstance(backend, dict):
        return copy.deepcopy(backend)
    service, weight = backend
    return {"service": service} | ({} if weight is None else {"weight": weight})


def a_profile(name: str = "web.shop.svc.cluster.local", namespace: str = "shop", **spec: Any) -> Json:
    """A ServiceProfile."""
    return {
        "apiVersion": "linkerd.io/v1alpha2",
        "kind": "ServiceProfile",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def a_slice(service: str, ready: bool = True) -> Json:
    """An EndpointSlice of a Service with one endpoint."""
    labels = {"kubernetes.io/service-name": service}
    endpoints = [{"addresses": ["10.244.0.9"], "conditions": {"ready": ready}}]
    metadata = {"name": f"{service}-x", "namespace": "shop", "labels": labels}
    return {"kind": "EndpointSlice", "metadata": metadata, "spec": {}, "endpoints": endpoints}


def objects(world: World) -> dict[str, list[Json]]:
    """What is handed to the router: copies, so that a router which changes its input is found out."""
    return {kind: [copy.deepcopy(body) for body in world.bodies if body["kind"] == kind] for kind in router.KINDS}


def survey(world: World, target: traffic.Target = TARGET) -> traffic.Survey:
    return router.survey(target, objects(world))


def backends(world: World, name: str = "web") -> list[tuple[str, Any]]:
    """The list of a TrafficSplit as pairs."""
    found: Sequence[Json] = world.get("TrafficSplit", name)["spec"]["backends"]
    return [(each["service"], each.get("weight")) for each in found]


def steered(world: World, split: traffic.Split, target: traffic.Target = TARGET, saved: Json | None = None) -> World:
    """The world after the legs were defined and the lists show the split."""
    found = survey(world, target)
    kept = found.saved if saved is None else saved
    defined = world.after(router.define(target, objects(world), found.legs.union(split.pins)))
    return defined.after(router.steer(target, objects(defined), split, kept))


def restored(world: World, saved: Json, target: traffic.Target = TARGET) -> World:
    """The world after the release is over."""
    routed = world.after(router.restore(target, objects(world), saved))
    return routed.after(router.define(target, objects(routed), ()))


def other_target(service: str, stable: str, canary: str) -> tuple[traffic.Target, traffic.Pin, traffic.Pin]:
    """Another Deployment's release in the same namespace."""
    labels = {"app": service}
    return traffic.Target("shop", service, labels, labels), traffic.replica_set(stable), traffic.canary(canary)
