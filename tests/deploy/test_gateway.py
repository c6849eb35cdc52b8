"""The Gateway API router: routes of users prepared, split, read back and restored."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from deploy import backends, traffic
from deploy.gateway import router
from deploy.traffic import Json
from tests.deploy.gateway_world import (
    CANARY,
    DOWN,
    FINE,
    NEW,
    PINNED,
    PINS,
    SERVICE_PARENT,
    STABLE,
    STEP,
    TARGET,
    World,
    a_grant,
    a_mesh_route,
    a_ref,
    a_route,
    a_service,
    split,
)

FILTERED = a_ref(weight=9, filters=[{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": []}}])


def test_a_leg_is_known_to_the_route_before_it_has_requests() -> None:
    """Prepared: the user's ref as it is, zeros beside it; read as not split."""
    world = World(a_route(FILTERED, a_ref("old")))
    before = world.survey()
    assert (before.split, before.legs, before.faults) == (None, frozenset(), ())
    world.define(PINS)
    assert world.weights() == [("web", 9), ("stable", 0), ("canary", 0), ("old", 1)]
    found = world.survey()
    assert (found.split, found.shown, found.legs) == (None, frozenset(), PINS)
    assert found.bare == PINS
    assert world.define(PINS) == []
    world.endpoints(STABLE)
    after = world.survey()
    assert after.bare == {CANARY}
    assert after.versions != found.versions


@pytest.mark.parametrize(
    ("refs", "wished", "weights"),
    [
        pytest.param([a_ref()], PINNED, [("stable", 100), ("canary", 0)], id="alone"),
        pytest.param([a_ref(weight=None)], STEP, [("stable", 95), ("canary", 5)], id="alone, no weight"),
        pytest.param([a_ref()], FINE, [("stable", 9950), ("canary", 50)], id="alone, half a percent"),
        pytest.param(
            [a_ref(weight=3), a_ref("old", 1)],
            STEP,
            [("stable", 285), ("canary", 15), ("old", 100)],
            id="beside another",
        ),
        pytest.param(
            [a_ref("old", 1), a_ref(weight=1)],
            FINE,
            [("old", 10000), ("stable", 9950), ("canary", 50)],
            id="beside another, half a percent",
        ),
        pytest.param(
            [a_ref(weight=150), a_ref("old", 50)],
            FINE,
            [("stable", 14925), ("canary", 75), ("old", 5000)],
            id="weights too large for ten thousandths",
        ),
        pytest.param([a_ref(weight=0), a_ref("old", 1)], STEP, [("web", 0), ("old", 1)], id="no requests to split"),
        pytest.param(
            [a_ref(weight=1), a_ref(weight=1, port=81), a_ref("old", 2)],
            STEP,
            [("stable", 95), ("canary", 5), ("stable", 95), ("canary", 5), ("old", 200)],
            id="two ports of the Service",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_route_is_split_read_and_restored(kind: str, refs: list[Json], wished: Any, weights: Any) -> None:
    """By any way through; byte for byte at the end."""
    world = World(a_route(*refs, kind=kind))
    before, saved = world.specs(), world.survey().saved
    world.define(PINS)
    world.steer(wished, saved)
    assert world.weights(kind=kind) == weights
    found = world.survey()
    if found.split is not None:
        assert (found.split, found.agreed, found.legs) == (wished, True, PINS)
    assert router.foreign(TARGET, world.objects, saved, found.shown) is None
    assert router.remember(saved, found.saved) == saved
    assert world.steer(wished, saved) == []
    world.steer(DOWN, saved)
    world.restore(saved)
    world.define(())
    assert world.specs() == before


def test_what_stands_beside_our_refs_is_kept() -> None:
    """Filters of a ref, other rules, unknown fields: case 16 and 18 for this kind."""
    body = a_route(FILTERED)
    body["spec"]["rules"].append(
        {"matches": [], "filters": [{"type": "RequestRedirect"}], "timeouts": {"request": "3s"}}
    )
    body["spec"]["rules"].insert(0, {"backendRefs": [a_ref("other")], "future": {"x": 1}})
    world = World(body)
    world.define(PINS)
    world.steer(STEP)
    spec = world.store["HTTPRoute", "shop/web"]["spec"]
    assert [spec["rules"][0], spec["rules"][2]] == [body["spec"]["rules"][0], body["spec"]["rules"][2]]
    assert all(ref["filters"] == FILTERED["filters"] and ref["port"] == 80 for ref in world.refs(rule=1))


def test_a_third_leg_takes_over_and_the_others_leave() -> None:
    """Finishing: the new ReplicaSet's leg is prepared beside legs, then has everything."""
    world = World(a_route(a_ref(weight=2), a_ref("old", 1)))
    saved = world.survey().saved
    world.define(PINS)
    world.steer(split((STABLE, 0), (CANARY, 10_000)), saved)
    world.define(PINS | {NEW})
    found = world.survey()
    assert found.legs == PINS | {NEW}
    assert found.split == split((STABLE, 0), (CANARY, 10_000), (NEW, 0))
    world.steer(split((NEW, 10_000)), saved)
    assert world.weights() == [("stable", 200), ("old", 100)]
    world.restore(saved)
    world.define(())
    assert world.weights() == [("web", 2), ("old", 1)]


def test_two_releases_share_a_list_in_any_order() -> None:
    """Nobody's share moves; the last to leave divides the weights again."""
    cart = traffic.Target("shop", "cart", {"app": "cart"}, {"app": "cart"}, router="gateway")
    world = World(a_service("cart"), a_route(a_ref(weight=3), a_ref("cart", 1)))
    before, saved = world.specs(), world.survey().saved
    carts = router.survey(cart, world.objects).saved
    world.define(PINS)
    world.steer(STEP, saved)
    world.apply(router.define(cart, world.objects, PINS))
    world.apply(router.steer(cart, world.objects, FINE, carts))
    assert world.survey().split == STEP
    assert router.survey(cart, world.objects).split == FINE
    assert sum(weight for name, weight in world.weights()[:2]) == 3 * 10_000
    world.restore(saved)
    world.define(())
    assert router.survey(cart, world.objects).split == FINE
    world.apply(router.restore(cart, world.objects, carts))
    world.apply(router.define(cart, world.objects, ()))
    assert world.specs() == before


@pytest.mark.parametrize("ports", [[80], [80, 81]], ids=["one port", "two ports"])
def test_callers_without_a_route_get_a_temporary_one(ports: list[int]) -> None:
    """One for each port, with the Service as parent; nothing of it is left."""
    world = World(a_service(ports=[{"name": f"p{port}", "port": port} for port in ports]))
    before = world.specs()
    world.define(PINS)
    assert world.survey().legs == PINS
    assert world.weights(name="web-rampart-80") == [("web", 1), ("stable", 0), ("canary", 0)]
    world.steer(STEP)
    found = world.survey()
    assert (found.split, found.agreed, found.saved) == (STEP, True, {})
    for port in ports:
        spec = world.store["HTTPRoute", f"shop/web-rampart-{port}"]["spec"]
        assert spec["parentRefs"] == [SERVICE_PARENT if len(ports) == 1 else {**SERVICE_PARENT, "port": port}]
        assert all(ref["port"] == port for ref in spec["rules"][0]["backendRefs"])
    world.restore()
    world.define(())
    assert world.specs() == before


def test_callers_of_a_port_that_is_new_get_a_route_before_the_next_rise() -> None:
    """Until then they would meet every pod; legs that stand are not counted, and not taken away either."""
    world = World(a_service(ports=[{"name": "http", "port": 80}]))
    world.define(PINS)
    world.steer(STEP)
    world.put(a_service(ports=[{"name": "http", "port": 80}, {"name": "more", "port": 81}]))
    for name in {backends.name("web", pin) for pin in PINS}:
        world.store["Service", f"shop/{name}"]["spec"]["ports"].append({"name": "more", "port": 81})
    found = world.survey()
    assert (found.agreed, found.legs, found.shown) == (False, frozenset(), PINS)
    world.define(PINS)
    world.steer(STEP)
    assert world.weights(name="web-rampart-81") == [("stable", 95), ("canary", 5)]
    assert (world.survey().agreed, world.survey().legs) == (True, PINS)


@pytest.mark.parametrize(
    ("bodies", "mesh", "made"),
    [
        pytest.param([a_route()], False, False, id="a gateway, and no mesh"),
        pytest.param([a_route()], True, True, id="a gateway, and Istio"),
        pytest.param([a_mesh_route()], True, False, id="a route of the mesh"),
        pytest.param([a_mesh_route(namespace="shoppers")], True, True, id="a route of one client namespace"),
        pytest.param([a_route(a_ref("other"))], False, True, id="routes of others"),
    ],
)
def test_temporary_route_is_for_the_mesh_alone(bodies: list[Json], mesh: bool, made: bool) -> None:
    """Where no mesh is, nobody would ever accept it."""
    world = World(*bodies, mesh=mesh)
    world.define(PINS)
    assert (("HTTPRoute", "shop/web-rampart-80") in world.store) is made
    assert world.survey().faults == ()


@pytest.mark.parametrize(
    ("to", "words"),
    [
        pytest.param({"group": "", "kind": "Service"}, None, id="all Services"),
        pytest.param({"group": "", "kind": "Service", "name": "web"}, "temporary Services beside it", id="by name"),
        pytest.param({"group": "", "kind": "Service", "name": "x"}, "no ReferenceGrant in shop allows", id="another"),
        pytest.param({"group": "", "kind": "Secret"}, "no ReferenceGrant in shop allows", id="no Service"),
    ],
)
def test_route_of_another_namespace_needs_a_grant_for_the_legs(to: Json, words: str | None) -> None:
    """Refused with what is missing."""
    route = a_route(a_ref(namespace="shop"), namespace="infra")
    world = World(route, a_grant(to=to))
    found = world.survey().faults
    assert (words is None and found == ()) or (words is not None and words in found[0])
    world.define(PINS)
    world.steer(STEP)
    assert [ref["namespace"] for ref in world.refs(namespace="infra")] == ["shop", "shop"]


@pytest.mark.parametrize(
    ("bodies", "words"),
    [
        pytest.param([a_route(a_ref(), *(a_ref(f"b{n}") for n in range(13)))], "at most 16", id="too many refs"),
        pytest.param([a_route(a_ref(weight=20_000), a_ref("old"))], "numbers of at most 10000", id="too heavy"),
        pytest.param([a_route(a_ref(weight=1), a_ref("old", 9000))], "too small to be split", id="too light"),
        pytest.param([a_route(a_ref(weight=1), a_ref(weight=2))], "join the two", id="twice"),
        pytest.param([a_service(clusterIP="None")], "is headless", id="headless"),
        pytest.param(
            [a_route(), a_service(backends.name("web", CANARY))], "is not Rampart's", id="a Service with a leg's name"
        ),
        pytest.param([a_mesh_route(a_ref("old"))], "leads its callers elsewhere", id="leads elsewhere"),
        pytest.param(
            [a_mesh_route(a_ref(weight=0), a_ref("old"))], "no backendRef with a weight above 0", id="weight of 0"
        ),
        pytest.param([a_service(selector={"app": "web", "v": "1"})], "does not take the held", id="another selector"),
        pytest.param(
            [a_mesh_route(name="web-rampart-81"), a_service(ports=[{"port": 80}])], None, id="a name that is not needed"
        ),
        pytest.param(
            [a_route(name="web-rampart-80", kind="HTTPRoute"), a_ref], "rename it", id="a name that is needed"
        ),
    ],
)
def test_what_can_not_be_split_is_said(bodies: list[Any], words: str | None) -> None:
    """With the object's name."""
    world = World(*[body for body in bodies if isinstance(body, dict)], mesh=a_ref in bodies)
    found = world.survey().faults
    assert (not found) if words is None else any(words in text for text in found), found


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param({}, None, id="empty"),
        pytest.param({"dstOverrides": [{"authority": "x", "weight": "0"}]}, None, id="weighs nothing"),
        pytest.param({"dstOverrides": [{"authority": "x", "weight": "500m"}]}, "has dstOverrides", id="overrides"),
        pytest.param({"routes": [{"name": "GET /"}]}, "has routes", id="routes"),
    ],
)
@pytest.mark.parametrize("namespace", ["shop", "shoppers"])
def test_profile_that_linkerd_follows_instead_is_refused(spec: Json, words: str | None, namespace: str) -> None:
    """In the Service's namespace, and in a client's."""
    meta = {"name": "web.shop.svc.cluster.local", "namespace": namespace}
    profile = {"apiVersion": "linkerd.io/v1alpha2", "kind": "ServiceProfile", "metadata": meta, "spec": spec}
    other = copy.deepcopy(profile) | {
        "metadata": {**meta, "name": "api.shop.svc.cluster.local"},
        "spec": {"routes": [{}]},
    }
    found = World(a_mesh_route(), profile, other).survey().faults
    assert (not found) if words is None else (len(found) == 1 and words in found[0])


def test_service_that_is_gone_is_said_and_its_legs_can_go() -> None:
    """Nothing can be made after it."""
    world = World(a_route())
    world.define(PINS)
    del world.store["Service", "shop/web"]
    assert "is not there" in world.survey().faults[0]
    assert world.define(PINS) == []
    world.define(())
    assert [key for key in world.store if key[0] == "Service"] == []


def test_what_hangs_on_the_service_hangs_on_its_legs() -> None:
    """BackendTLSPolicy and DestinationRule are copied, followed, and taken away."""
    ref = {"group": "", "kind": "Service", "name": "web", "sectionName": "https"}
    policy = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "BackendTLSPolicy",
        "metadata": {"name": "tls", "namespace": "shop"},
        "spec": {"targetRefs": [ref, {**ref, "name": "other"}], "validation": {"hostname": "web.example.com"}},
    }
    rule = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"host": "web", "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}}},
    }
    world = World(a_route(), policy, rule)
    before = world.specs()
    world.define(PINS)
    copied = world.store["BackendTLSPolicy", "shop/tls-rampart"]["spec"]
    assert {one["name"] for one in copied["targetRefs"]} == {backends.name("web", pin) for pin in PINS}
    assert all(one["sectionName"] == "https" for one in copied["targetRefs"])
    hosts = {body["spec"]["host"] for (kind, _), body in world.store.items() if kind == "DestinationRule"}
    assert hosts == {"web"} | {f"{backends.name('web', pin)}.shop.svc.cluster.local" for pin in PINS}
    policy_now = world.store["BackendTLSPolicy", "shop/tls"]
    policy_now["spec"]["validation"]["hostname"] = "new.example.com"
    world.define(PINS)
    assert world.store["BackendTLSPolicy", "shop/tls-rampart"]["spec"]["validation"]["hostname"] == "new.example.com"
    policy_now["spec"]["validation"]["hostname"] = "web.example.com"
    world.define(())
    assert world.specs() == before
    far = copy.deepcopy(rule)
    far["metadata"]["namespace"], far["spec"]["host"] = "istio-system", "web.shop.svc.cluster.local"  # type: ignore[index]
    assert "another namespace" in World(a_route(), far).survey().faults[0]


ENTRY: Json = {"parentRef": {"kind": "Gateway", "name": "front"}, "controllerName": "x"}


def conditions(*said: tuple[str, str, int | None]) -> Json:
    found = [
        {"type": kind, "status": status, "reason": "R", "message": "m"}
        | ({} if generation is None else {"observedGeneration": generation})
        for kind, status, generation in said
    ]
    return {**ENTRY, "conditions": found}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        pytest.param([], None, id="nobody serves a user's route"),
        pytest.param([conditions(("Accepted", "True", 3), ("ResolvedRefs", "True", 3))], None, id="accepted"),
        pytest.param(
            [conditions(("Accepted", "True", None), ("ResolvedRefs", "True", None))], None, id="as Linkerd does"
        ),
        pytest.param([conditions(("Accepted", "True", 2))], "parent Gateway front has not been told", id="old news"),
        pytest.param(
            [conditions(("Accepted", "True", 3), ("ResolvedRefs", "False", 3))], "ResolvedRefs False, R: m", id="refs"
        ),
        pytest.param([conditions(("Accepted", "False", 3))], "Accepted False", id="by nobody"),
        pytest.param(
            [conditions(("Accepted", "False", 3)), conditions(("Accepted", "True", 3))], None, id="by one of two"
        ),
        pytest.param(
            [
                {**conditions(("Accepted", "True", 1)), "parentRef": {"kind": "Gateway", "name": "old"}},
                conditions(("Accepted", "True", 3)),
            ],
            None,
            id="old news of a parent that it has no more",
        ),
        pytest.param(
            [{**conditions(("Accepted", "True", 2)), "parentRef": {"name": "front", "namespace": "shop"}}],
            "parent Gateway front has not been told",
            id="old news of a parent that is named otherwise",
        ),
    ],
)
def test_a_rise_waits_for_those_who_implement_the_route(entries: list[Json], words: str | None) -> None:
    """Accepted and ResolvedRefs, of the present generation where one is said."""
    world = World(a_route())
    world.define(PINS)
    world.steer(PINNED)
    body = world.store["HTTPRoute", "shop/web"]
    assert body["metadata"]["generation"] == 3
    body["status"] = {"parents": entries}
    found = world.survey().waiting
    assert (words is None and found == ()) or (words is not None and words in found[0]), found


@pytest.mark.parametrize("bodies", [[], [a_mesh_route()]], ids=["temporary", "the user's"])
def test_a_route_of_the_mesh_is_waited_for_until_some_mesh_accepts_it(bodies: list[Json]) -> None:
    """Nobody else keeps the Service's callers from every pod."""
    world = World(*bodies)
    world.define(PINS)
    world.steer(PINNED)
    assert "no mesh has accepted it" in world.survey().waiting[0]
    route = world.store["HTTPRoute", "shop/web" if bodies else "shop/web-rampart-80"]
    said = conditions(("Accepted", "True", None), ("ResolvedRefs", "True", None))
    route["status"] = {"parents": [{**said, "parentRef": SERVICE_PARENT}]}
    assert world.survey().waiting == ()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param([a_ref(weight=7)], "shows no legs", id="legs taken out"),
        pytest.param([a_ref("old")], "routes the calls of Service web", id="leads elsewhere altogether"),
        pytest.param([a_ref(port=81)], "leads elsewhere than what was saved", id="another port"),
    ],
)
def test_what_somebody_else_writes_is_drift(edit: list[Json], words: str) -> None:
    """A sentence that says what was found."""
    world = World(a_route(a_ref(weight=7)))
    saved = world.survey().saved
    world.define(PINS)
    world.steer(STEP, saved)
    world.store["HTTPRoute", "shop/web"]["spec"]["rules"][0]["backendRefs"] = edit
    found = router.foreign(TARGET, world.objects, saved, frozenset(STEP.pins))
    assert found is not None
    assert words in found


def test_a_leg_that_was_lost_is_told_by_its_name_and_made_again() -> None:
    """Somebody deleted the canary's Service: the route still shows the leg."""
    world = World(a_route())
    world.define(PINS)
    world.steer(STEP)
    del world.store["Service", f"shop/{backends.name('web', CANARY)}"]
    found = world.survey()
    assert (found.split, found.agreed, found.legs) == (STEP, False, frozenset({STABLE}))
    world.steer(STEP)
    assert world.survey().agreed


def test_routes_name_what_leads_to_the_service() -> None:
    """Of all kinds and namespaces, and what they mention."""
    mesh, other = a_mesh_route(a_ref("x"), name="mesh"), a_route(a_ref("other"), name="o")
    world = World(a_route(), mesh, other, a_route(kind="GRPCRoute"))
    assert router.routes(TARGET, world.objects) == ("GRPCRoute shop/web", "HTTPRoute shop/mesh", "HTTPRoute shop/web")
    assert router.mentions(mesh) == {"web", "x"}
    assert router.mentions(a_service()) == {"web"}


def test_what_a_gateway_accepts_is_not_accepted_by_the_mesh() -> None:
    """A route with both parents: callers of the Service meet every pod until the mesh takes it."""
    route = a_mesh_route()
    route["spec"]["parentRefs"].append({"name": "front"})
    world = World(route)
    world.define(PINS)
    world.steer(PINNED)
    refused = {**conditions(("Accepted", "False", 3)), "parentRef": SERVICE_PARENT}
    world.store["HTTPRoute", "shop/web"]["status"] = {"parents": [conditions(("Accepted", "True", 3)), refused]}
    assert "parent Service web says Accepted False" in world.survey().waiting[0]


def a_tls_policy(hostname: str) -> Json:
    spec = {"targetRefs": [{"group": "", "kind": "Service", "name": "web"}], "validation": {"hostname": hostname}}
    meta = {"name": "tls", "namespace": "shop"}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "BackendTLSPolicy", "metadata": meta, "spec": spec}


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(a_service(ports=[{"name": "http", "port": 80, "targetPort": 9090}]), id="the port of its pods"),
        pytest.param(a_service(selector={"app": "web", "tier": "front"}), id="a selector that takes both"),
        pytest.param(a_tls_policy("new.example.com"), id="what hangs on it"),
    ],
)
def test_legs_follow_the_service_as_its_owner_edits_it(edit: Json) -> None:
    """In the midst of a release: without it they would be reached as the Service was."""
    labels = {"app": "web", "tier": "front"}
    target = replace(TARGET, pod_labels=labels, new_pod_labels=labels)
    world = World(a_route(), a_tls_policy("web.example.com"))
    world.define(PINS)
    world.steer(STEP)
    assert (world.survey().legs, world.survey().agreed) == (PINS, True)
    world.put(copy.deepcopy(edit))
    found = router.survey(target, world.objects)
    assert (found.split, found.legs, found.agreed) == (STEP, frozenset(), False)
    assert world.apply(router.define(target, world.objects, PINS))
    found = router.survey(target, world.objects)
    assert (found.split, found.legs, found.agreed) == (STEP, PINS, True)


def test_legs_keep_their_pods_when_the_selector_leaves_out_a_version() -> None:
    """The leg of that version would lose all of them, with users on it."""
    world = World(a_route())
    world.define(PINS)
    world.steer(STEP)
    world.put(a_service(selector={"app": "web", "v": "1"}))
    assert (world.survey().legs, world.survey().agreed) == (PINS, True)


@pytest.mark.parametrize(
    ("refs", "grain"),
    [
        pytest.param([a_ref(weight=7)], 1, id="alone"),
        pytest.param([a_ref(weight=1), a_ref("old", 100)], 1, id="fine enough"),
        pytest.param([a_ref(weight=1), a_ref("old", 999)], 10, id="a tenth of a percent"),
        pytest.param([a_ref(weight=5), a_ref("old", 999)], 2, id="a fiftieth"),
        pytest.param([a_ref(weight=0), a_ref("old", 999)], 1, id="nothing to split"),
    ],
)
def test_how_fine_a_share_can_be_is_told(refs: list[Json], grain: int) -> None:
    """What is a multiple of it is seen as it was asked for, and the next finer is not."""
    world = World(a_mesh_route(*refs))
    assert world.survey().grain == grain
    world.define(PINS)
    world.steer(split((STABLE, 10_000 - grain), (CANARY, grain)))
    shown = world.survey().split
    assert shown is None or shown.share(CANARY) == grain


def test_a_grant_for_others_allows_nothing() -> None:
    """Of another kind, or another namespace."""
    every = {"group": "", "kind": "Service"}
    route = a_route(a_ref(namespace="shop"), namespace="infra")
    for grant in (a_grant(to=every, kind="GRPCRoute"), a_grant(to=every, namespace="elsewhere")):
        assert "no ReferenceGrant" in World(route, grant).survey().faults[0]


def test_a_weight_that_its_owner_wrote_anew_is_drift() -> None:
    """In a list of several each weight tells; it is saved and split anew."""
    world = World(a_route(a_ref(weight=3), a_ref("old", 1)))
    saved = world.survey().saved
    world.put(a_route(a_ref(weight=2), a_ref("old", 1)))
    found = router.foreign(TARGET, world.objects, saved, ())
    assert found is not None
    assert "leads elsewhere than what was saved" in found


def test_a_leg_with_requests_stays_in_the_list_until_the_route_has_left_it() -> None:
    """Make before break: defined anew for others, the list loses none that has weight."""
    world = World(a_route())
    world.define(PINS)
    world.steer(STEP)
    world.define({STABLE, NEW})
    assert world.weights()[:2] == [("stable", 95), ("canary", 5)]


def test_every_port_of_a_policy_is_followed() -> None:
    """A policy may name the Service once for each of its ports."""
    policy = a_tls_policy("web.example.com")
    (ref,) = policy["spec"]["targetRefs"]
    policy["spec"]["targetRefs"] = [{**ref, "sectionName": name} for name in ("https", "admin")]
    world = World(a_route(), policy)
    world.define(PINS)
    copied = world.store["BackendTLSPolicy", "shop/tls-rampart"]["spec"]["targetRefs"]
    assert sorted((ref["name"], ref["sectionName"]) for ref in copied) == sorted(
        (backends.name("web", pin), name) for pin in PINS for name in ("https", "admin")
    )
