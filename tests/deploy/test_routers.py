"""Which router a Service needs."""

from dataclasses import replace

import pytest

from deploy import routers, traffic
from deploy.traffic import Json

TARGET = traffic.Target("shop", "web", {"app": "web"}, {"app": "web"})
ROUTE: Json = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"hosts": ["web"], "http": [{"route": [{"destination": {"host": "web"}}]}]},
}
SPLIT: Json = {
    "apiVersion": "split.smi-spec.io/v1alpha4",
    "kind": "TrafficSplit",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"service": "web", "backends": [{"service": "web", "weight": 1}]},
}
SMI: dict[str, list[Json]] = {"TrafficSplit": []}
ISTIO: dict[str, list[Json]] = {"VirtualService": [], "DestinationRule": []}


@pytest.mark.parametrize(
    ("objects", "wanted", "chosen"),
    [
        pytest.param({**ISTIO, "VirtualService": [ROUTE]}, None, "istio", id="what routes it"),
        pytest.param(ISTIO, None, "istio", id="what the cluster has"),
        pytest.param(ISTIO, "istio", "istio", id="what was asked for"),
        pytest.param({**ISTIO, "TrafficSplit": [SPLIT]}, None, "smi", id="a split routes it"),
        pytest.param(SMI, None, "smi", id="splits are all that the cluster has"),
        pytest.param({**ISTIO, **SMI}, None, "istio", id="the first of two"),
        pytest.param({**ISTIO, **SMI}, "smi", "smi", id="splits were asked for"),
        pytest.param({"Service": []}, None, "service", id="no mesh: the Service itself"),
        pytest.param({**ISTIO, "Service": []}, None, "istio", id="a mesh goes before the Service itself"),
        pytest.param({**ISTIO, "VirtualService": [ROUTE], "Service": []}, "service", "service", id="asked for by name"),
    ],
)
def test_router_is_chosen(objects: dict[str, list[Json]], wanted: str | None, chosen: str) -> None:
    """The annotation, else the route, else the cluster."""
    assert routers.choose(TARGET, objects, wanted) == chosen


@pytest.mark.parametrize(
    ("objects", "wanted", "words"),
    [
        pytest.param({}, None, "the cluster serves no kind of route", id="nothing served"),
        pytest.param({}, "istio", "needs the kind VirtualService, which the cluster does not serve", id="not served"),
        pytest.param(ISTIO, "smi", "needs the kind TrafficSplit, which the cluster does not serve", id="no splits"),
        pytest.param(
            {"VirtualService": [ROUTE], "TrafficSplit": [SPLIT]},
            None,
            "is routed by VirtualService shop/web (istio) and TrafficSplit shop/web (smi): name the one to move",
            id="two meshes",
        ),
        pytest.param(ISTIO, "nginx", "nginx is not supported by this version", id="not built"),
    ],
)
def test_what_can_not_be_chosen_is_said(objects: dict[str, list[Json]], wanted: str | None, words: str) -> None:
    """With what was found."""
    found = routers.choose(TARGET, objects, wanted)
    assert isinstance(found, tuple)
    assert words in found[0]


@pytest.mark.parametrize(
    ("kind", "managed", "is_leg"),
    [
        pytest.param("VirtualService", True, False, id="a route of ours"),
        pytest.param("DestinationRule", True, True, id="legs"),
        pytest.param("Service", True, True, id="a leg"),
        pytest.param("Service", False, False, id="the user's own Service"),
    ],
)
def test_legs_are_told_from_routes(kind: str, managed: bool, is_leg: bool) -> None:
    """Without a leg no route is written."""
    labels = {"rampart.dev/managed-by": "rampart"} if managed else {}
    assert routers.is_leg({"kind": kind, "metadata": {"name": "web", "labels": labels}}) is is_leg


@pytest.mark.parametrize(
    ("router", "wanted", "words"),
    [
        pytest.param(
            "istio", True, "VirtualService shop/web http[0] has a mirror of its own", id="asked of the router"
        ),
        pytest.param(
            "smi", True, "mirror steps need the router istio or gateway; Service shop/web is moved by smi", id="unable"
        ),
        pytest.param("smi", False, "", id="nothing wanted"),
    ],
)
def test_what_a_router_can_not_give_a_leg_is_said(router: str, wanted: bool, words: str) -> None:
    """Case 6: refused before anything is sent to the canary."""
    spec = {"hosts": ["web"], "http": [{**ROUTE["spec"]["http"][0], "mirror": {"host": "log"}}]}
    asides = [traffic.Mirror(traffic.canary("web-1"), 1000)] if wanted else []
    objects = {"VirtualService": [{**ROUTE, "spec": spec}], "DestinationRule": []}
    found = routers.unfit(replace(TARGET, router=router), objects, asides)
    assert "; ".join(found).endswith(words)
    assert bool(found) is wanted
