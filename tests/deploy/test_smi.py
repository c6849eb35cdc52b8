"""The SMI router's face: what it finds, writes, mends and takes back."""

import json
from typing import Any

import pytest

from deploy import backends, traffic
from deploy.smi import router
from deploy.traffic import Json, Verb
from tests.deploy import smi_world
from tests.deploy.smi_world import CANARY, STABLE, TARGET, World, a_profile, a_service, a_slice, a_split, a_ts, a_world

FIVE = a_split(5)
WEB = a_service()
BARE = a_world(WEB)
STABLE_LEG, CANARY_LEG = backends.name("web", STABLE), backends.name("web", CANARY)
OVERRIDES = [{"authority": "web-v1.shop.svc.cluster.local:80", "weight": "1"}]


def a_http_route(kind: str = "Service", name: str = "web", **parent: str) -> Json:
    """An HTTPRoute for those who call the Service by its name."""
    spec = {"parentRefs": [{"kind": kind, "name": name, **parent}]}
    return {"kind": "HTTPRoute", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


def foreign(world: World, saved: Json, *pins: traffic.Pin) -> str | None:
    return router.foreign(TARGET, smi_world.objects(world), saved, pins)


def test_unsplit_service_shows_nothing() -> None:
    """At rest there is no split, no leg, no fault, and nothing to keep."""
    found = smi_world.survey(BARE)
    assert (found.split, found.agreed, found.legs, found.faults, found.saved) == (None, True, frozenset(), (), {})


def test_service_without_a_split_gets_a_temporary_one() -> None:
    """Zero is written as zero; the legs are Services; all of it goes again."""
    world = smi_world.steered(BARE, a_split(0))
    assert smi_world.backends(world, "web-rampart") == [(STABLE_LEG, 100), (CANARY_LEG, 0)]
    assert smi_world.survey(world).split == a_split(0)
    assert smi_world.restored(world, {}).plain == BARE.plain


def test_legs_have_the_ports_of_the_root_and_the_pin() -> None:
    """A split names no port, so a leg has the root's own numbers."""
    world = smi_world.steered(BARE, FIVE)
    leg = world.get("Service", CANARY_LEG)["spec"]
    assert leg["ports"] == WEB["spec"]["ports"]
    assert leg["selector"] == {"app": "web", CANARY.label: CANARY.value}


@pytest.mark.parametrize(
    ("version", "before", "share", "after"),
    [
        pytest.param("v1alpha4", [("web", 1)], 5, [("S", 95), ("C", 5)], id="root as its only backend"),
        pytest.param("v1alpha4", [("web", 100)], 0.5, [("S", 9950), ("C", 50)], id="half a percent"),
        pytest.param("v1alpha4", [("web", 80), ("x", 20)], 5, [("S", 76), ("C", 4), ("x", 20)], id="others stay"),
        pytest.param("v1alpha4", [("x", 20), ("web", 80)], 0, [("x", 20), ("S", 80), ("C", 0)], id="zero is written"),
        pytest.param("v1alpha4", [("web", 80), ("x", 20)], 1, [("S", 396), ("C", 4), ("x", 100)], id="scaled by five"),
        pytest.param("v1alpha1", [("web", 80), ("x", 20)], 1, [("S", "79200m"), ("C", "800m"), ("x", 20)], id="milli"),
        pytest.param("v1alpha1", [("web", "500m"), ("x", "0.5")], 10, [("S", "450m"), ("C", "50m"), ("x", "0.5")]),
        pytest.param("v1alpha2", [("web", 9), ("x", 0)], 50, [("S", 9), ("C", 9), ("x", 0)], id="others' zero"),
        pytest.param("v1alpha4", [("web", 80.0), ("x", 20.0)], 50, [("S", 40), ("C", 40), ("x", 20.0)], id="floats"),
    ],
)
def test_backend_becomes_legs_of_its_weight(version: str, before: Any, share: float, after: Any) -> None:
    """W becomes W x share; a list is multiplied only where a version cannot hold that, and put back as it was."""
    world = a_world(a_ts(*before, version=version), WEB, a_service("x"))
    saved = smi_world.survey(world).saved
    split = smi_world.steered(world, a_split(share))
    names = {"S": STABLE_LEG, "C": CANARY_LEG}
    assert smi_world.backends(split) == [(names.get(name, name), weight) for name, weight in after]
    assert smi_world.survey(split).split == a_split(share)
    assert smi_world.restored(split, json.loads(json.dumps(saved))).plain == world.plain


def test_apex_of_another_name_and_direct_callers_are_both_split() -> None:
    """Splits do not nest: callers of the Service itself get a temporary split beside the user's."""
    world = smi_world.steered(a_world(a_ts(("web", 9), ("x", 1), apex="shop"), WEB, a_service("shop")), FIVE)
    assert smi_world.backends(world)[2] == ("x", 20)
    assert smi_world.backends(world, "web-rampart") == [(STABLE_LEG, 95), (CANARY_LEG, 5)]
    assert smi_world.survey(world).agreed


def test_narrower_backend_is_split_by_legs_of_its_own() -> None:
    """The root may lead to backends that select some of its pods: these keep what they select."""
    narrow = a_service("web-v1", app="web", version="v1")
    world = smi_world.steered(a_world(a_ts(("web-v1", 100)), WEB, narrow), FIVE)
    leg = backends.name("web-v1", STABLE)
    assert smi_world.backends(world)[0] == (leg, 95)
    assert world.get("Service", leg)["spec"]["selector"] == {"app": "web", "version": "v1", STABLE.label: STABLE.value}


def test_matches_and_unknown_fields_are_kept() -> None:
    """A split for some requests is split too, beside the one that holds for the rest."""
    some = a_ts(
        {"service": "web", "weight": 1, "later": 2}, name="some", matches=[{"kind": "HTTPRouteGroup", "name": "x"}]
    )
    some["spec"]["later"] = {"a": [1]}
    some["metadata"]["annotations"] = {"a": "b"}
    world = a_world(some, a_ts(("web", 1)), WEB)
    now = smi_world.steered(world, FIVE).get("TrafficSplit", "some")
    assert now["spec"]["matches"] == some["spec"]["matches"]
    assert now["spec"]["later"] == {"a": [1]}
    assert now["spec"]["backends"][0] == {"service": STABLE_LEG, "weight": 95, "later": 2}
    assert now["metadata"]["annotations"] == {"a": "b"}


def test_long_form_of_a_name_is_kept() -> None:
    """Some meshes took full names: a leg is written in the same form."""
    world = smi_world.steered(a_world(a_ts(("web.shop", 1), apex="web.shop.svc.cluster.local"), WEB), FIVE)
    assert smi_world.backends(world) == [(f"{STABLE_LEG}.shop", 95), (f"{CANARY_LEG}.shop", 5)]
    assert smi_world.survey(world).agreed


def test_namesake_in_another_namespace_is_left_alone() -> None:
    """The same names elsewhere are other Services."""
    world = a_world(a_ts(("web", 1), namespace="store"), a_service(namespace="store"), a_ts(("web.store", 1)), WEB)
    assert smi_world.survey(world).saved == {}


SKIPPED = a_profile()
SKIPPED["metadata"]["annotations"] = {"smi.linkerd.io/skip": "true"}


@pytest.mark.parametrize(
    ("bodies", "sentence"),
    [
        pytest.param([a_ts(("web", 0)), WEB], "no backend with a weight above 0", id="all zero"),
        pytest.param([a_ts(("web", -1), ("x", 2)), WEB], "negative weight: -1 of backend web", id="negative"),
        pytest.param([a_ts(("web", "half")), WEB], "'half' of backend web, which is no number", id="no number"),
        pytest.param([a_ts(("web", 0.5), ("x", 1)), WEB], "use whole numbers", id="fraction"),
        pytest.param([a_ts(("web", 300_001), ("x", 1)), WEB], "too large to be split", id="int overflow"),
        pytest.param([a_ts(("web", 429_497), ("x", 1), version="v1alpha1"), WEB], "too large", id="Linkerd's uint32"),
        pytest.param([a_ts(("web", 1), ("web", 1)), WEB], "names backend web twice", id="twice"),
        pytest.param([a_ts(("x", 1)), WEB, a_service("x")], "sends the calls of Service shop/web elsewhere", id="away"),
        pytest.param([a_ts(("web", 0), ("x", 1)), WEB], "elsewhere", id="weight 0"),
        pytest.param([a_ts(("web", 1)), a_ts(("web", 1), name="b"), WEB], "takes only one of them", id="two"),
        pytest.param(
            [a_ts(("web", 1), matches=[{"name": "x"}]), WEB], "write one without `matches`", id="matches only"
        ),
        pytest.param([a_ts(("web", 1), name="web-rampart"), WEB], "rename it", id="our name"),
        pytest.param([WEB, a_service(CANARY_LEG)], f"Service shop/{CANARY_LEG} has a leg's name", id="a leg's name"),
        pytest.param([], "Service shop/web is not there", id="no Service"),
        pytest.param(
            [a_ts(("web", 1), apex="shop"), WEB, a_service("shop", 8080)],
            "splits port 8080 of Service shop/shop, and its backend shop/web has no such port",
            id="other port",
        ),
        pytest.param(
            [a_profile(dstOverrides=OVERRIDES), WEB],
            "ServiceProfile shop/web.shop.svc.cluster.local has dstOverrides",
            id="own",
        ),
        pytest.param([a_profile(namespace="client"), WEB], "move it to namespace shop", id="client's profile"),
        pytest.param([a_http_route(), WEB], "HTTPRoute shop/web routes the calls of Service shop/web", id="HTTPRoute"),
        pytest.param([SKIPPED, WEB], "smi.linkerd.io/skip", id="extension told to stay away"),
    ],
)
def test_what_can_not_be_split_is_named(bodies: list[Json], sentence: str) -> None:
    """Each fault is one sentence that names the object and what would be right."""
    found = smi_world.survey(a_world(*bodies)).faults
    assert len(found) == 1
    assert sentence in found[0]


def test_headless_service_is_refused() -> None:
    """Only calls of a cluster IP are split."""
    headless = a_service()
    headless["spec"]["clusterIP"] = "None"
    assert "is headless" in smi_world.survey(a_world(headless)).faults[0]


def test_held_template_that_a_backend_does_not_take_is_refused() -> None:
    """The canary would get no endpoint there."""
    target = traffic.Target("shop", "web", {"app": "web", "version": "v1"}, {"app": "web", "version": "v2"})
    world = a_world(a_ts(("web-v1", 1)), WEB, a_service("web-v1", app="web", version="v1"))
    assert "does not take the held template's labels" in smi_world.survey(world, target).faults[0]


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(a_profile(routes=[{"name": "/", "isRetryable": True, "timeout": "5s"}]), id="retries"),
        pytest.param(
            a_profile(dstOverrides=[{"authority": f"{CANARY_LEG}.shop.svc.cluster.local", "weight": "5"}]),
            id="what the extension wrote for an earlier release",
        ),
        pytest.param(a_profile("other.shop.svc.cluster.local", dstOverrides=OVERRIDES), id="another Service's"),
    ],
)
def test_profile_that_follows_the_split_is_left_alone(profile: Json) -> None:
    """Retries and time-outs stay the user's; the extension's own overrides are no fault."""
    world = a_world(profile, WEB)
    assert smi_world.survey(world).faults == ()
    assert smi_world.steered(world, FIVE).get("ServiceProfile", profile["metadata"]["name"]) == profile


def test_foreign_list_is_drift() -> None:
    """Somebody puts the user's list back, or writes another one."""
    world = a_world(a_ts(("web", 80), ("x", 20)), WEB)
    saved = smi_world.survey(world).saved
    split = smi_world.steered(world, FIVE)
    assert foreign(split, saved, *FIVE.pins) is None
    assert "shows no legs" in (foreign(split.edited(a_ts(("web", 80), ("x", 20))), saved, *FIVE.pins) or "")
    assert "leads elsewhere" in (foreign(split.edited(a_ts(("web", 70), ("x", 30))), saved, *FIVE.pins) or "")
    renamed = a_ts({"service": "web", "weight": 80, "later": 1}, ("x", 20))
    assert "leads elsewhere" in (foreign(split.edited(renamed), saved, *FIVE.pins) or "")
    other = split.get("TrafficSplit", "web")
    other["spec"]["backends"][2]["weight"] = 30
    assert foreign(split.edited(other), saved, *FIVE.pins) is None


def test_foreign_list_beside_an_old_note_is_read_as_it_stands() -> None:
    """`kubectl apply` replaces the list and leaves our annotation: it then means nothing, and goes with the end."""
    world = a_world(a_ts(("web", 80), ("x", 20)), WEB)
    saved = smi_world.survey(world).saved
    split = smi_world.steered(world, a_split(1))
    again = split.get("TrafficSplit", "web")
    assert again["metadata"]["annotations"] == {"rampart.dev/scale": "5"}
    again["spec"]["backends"] = [{"service": "web", "weight": 80}, {"service": "x", "weight": 20}]
    drifted = split.edited(again)
    assert smi_world.survey(drifted).saved == saved
    assert smi_world.restored(smi_world.steered(drifted, FIVE), saved).plain == world.plain


def test_temporary_split_that_is_gone_is_drift() -> None:
    """Direct callers would meet every pod."""
    split = smi_world.steered(BARE, FIVE).without("TrafficSplit", "web-rampart")
    assert "TrafficSplit shop/web-rampart is gone" in (foreign(split, {}, *FIVE.pins) or "")


def test_missing_leg_is_made_again_before_the_list() -> None:
    """A backend that is not there has no answer: make before break."""
    split = smi_world.steered(BARE, FIVE).without("Service", CANARY_LEG)
    assert smi_world.survey(split).split == FIVE
    assert not smi_world.survey(split).agreed
    changes = router.steer(TARGET, smi_world.objects(split), FIVE, {})
    assert [(change.verb, change.body["kind"]) for change in changes] == [(Verb.CREATE, "Service")]


def test_deeper_than_the_weights_the_legs_of_others_stay() -> None:
    """Without pins only what is the target's goes."""
    cart, stable, canary = smi_world.other_target("cart", "85c9c7f4d8", "cart-0a1b2c3d")
    both = smi_world.steered(a_world(WEB, a_service("cart")), FIVE)
    both = smi_world.steered(both, a_split(5, stable, canary), cart)
    left = smi_world.restored(both, {})
    assert smi_world.survey(left, cart).split == a_split(5, stable, canary)
    assert not [body for body in left.bodies if body["metadata"]["name"].startswith("web-")]


def test_versions_tell_a_change_of_what_matters() -> None:
    """A Service has no generation: its content counts."""
    world = a_world(a_ts(("web", 1)), WEB, a_service("other"))
    before = smi_world.survey(world).versions
    assert smi_world.survey(world.edited(a_service("other", 81))).versions == before
    changed = a_service()
    changed["spec"]["ports"][0]["targetPort"] = 9
    assert smi_world.survey(world.edited(changed)).versions != before


@pytest.mark.parametrize(
    ("body", "names"),
    [
        pytest.param(a_ts(("web", 1), ("x.shop", 1), apex="shop"), {"web", "x", "shop"}, id="split"),
        pytest.param(a_profile(), {"web"}, id="profile"),
        pytest.param(WEB, {"web"}, id="service"),
        pytest.param(a_slice("web-leg"), {"web-leg"}, id="endpoints"),
        pytest.param(backends.wished(WEB, CANARY), {"web", CANARY_LEG}, id="leg"),
        pytest.param(a_http_route(), {"web"}, id="route of the Gateway API"),
    ],
)
def test_objects_are_found_by_the_services_that_they_name(body: Json, names: set[str]) -> None:
    """What an index of thousands needs."""
    assert router.mentions(body) == names


def test_what_legs_hide_is_remembered() -> None:
    """An only backend's weight, and how weights were spelt, are kept from the first survey."""
    world = a_world(a_ts(("web", "1500m"), version="v1alpha1"), WEB)
    saved = smi_world.survey(world).saved
    split = smi_world.steered(world, FIVE)
    fresh = smi_world.survey(split).saved
    assert fresh == {"shop/web": {"backends": [{"service": "web"}], "weights": {}}}
    assert router.remember(saved, fresh) == saved
    assert router.remember({}, fresh) == fresh
    other = smi_world.survey(world.edited(a_ts(("web", "2"), version="v1alpha1"))).saved
    assert router.remember(saved, other) == other


def test_split_of_the_users_ends_the_temporary_one() -> None:
    """Two for one apex would be two truths."""
    split = smi_world.steered(BARE, FIVE).edited(a_ts(("web", 1)))
    assert not smi_world.survey(split).agreed
    steered = smi_world.steered(split, FIVE)
    assert smi_world.survey(steered).agreed
    assert ("TrafficSplit", "shop", "web-rampart") not in steered.plain


@pytest.mark.parametrize(
    ("bodies", "found"),
    [
        pytest.param([], (), id="none"),
        pytest.param([a_ts(("x", 1), name="by-apex")], ("TrafficSplit shop/by-apex",), id="as an apex"),
        pytest.param([a_ts(("web", 1), apex="shop")], ("TrafficSplit shop/web",), id="as a backend"),
        pytest.param([a_ts((STABLE_LEG, 1), apex="shop")], ("TrafficSplit shop/web",), id="by a leg"),
        pytest.param([a_ts(("x", 1), apex="shop"), a_profile()], (), id="another Service's"),
        pytest.param([a_ts(("web", 1), namespace="store")], (), id="another namespace's"),
    ],
)
def test_routes_are_the_splits_that_lead_to_the_service(bodies: list[Json], found: tuple[str, ...]) -> None:
    """By them a router is chosen, before any Service is read."""
    assert router.routes(TARGET, smi_world.objects(a_world(*bodies))) == found


def test_temporary_split_is_a_route_too() -> None:
    """A release in flight stays with its router."""
    split = smi_world.steered(BARE, FIVE)
    assert router.routes(TARGET, smi_world.objects(split)) == ("TrafficSplit shop/web-rampart",)


def test_legs_without_a_ready_endpoint_are_told() -> None:
    """A rise waits for them; a slice of another Service, or one that is not ready, does not help."""
    split = smi_world.steered(BARE, FIVE)
    assert smi_world.survey(split).bare == {STABLE, CANARY}
    world = split.edited(a_slice(STABLE_LEG)).edited(a_slice(CANARY_LEG, ready=False)).edited(a_slice("web"))
    assert smi_world.survey(world).bare == {CANARY}


@pytest.mark.parametrize(
    "bodies",
    [
        pytest.param([a_http_route(), a_ts(("web", 1))], id="a split of the user's holds already"),
        pytest.param([a_http_route("Gateway")], id="of a gateway"),
        pytest.param([a_http_route(namespace="store")], id="of a namesake"),
        pytest.param([a_http_route(name="x")], id="of another Service"),
    ],
)
def test_routes_that_no_split_replaces_are_no_fault(bodies: list[Json]) -> None:
    """Only a split made beside them would take their place."""
    assert smi_world.survey(a_world(*bodies, WEB)).faults == ()


def test_legs_follow_the_service_as_its_owner_edits_it() -> None:
    """A port that is new is called through the legs too; a selector that leaves out a version is not followed."""
    split = smi_world.steered(BARE, FIVE)
    edited = a_service()
    edited["spec"]["ports"].append({"name": "more", "port": 81})
    grown = split.without("Service", "web").after([traffic.Change(traffic.Verb.CREATE, edited)])
    found = smi_world.survey(grown)
    assert (found.split, found.legs, found.agreed) == (FIVE, frozenset(), False)
    mended = grown.after(router.define(TARGET, smi_world.objects(grown), FIVE.pins))
    assert [port["port"] for port in mended.get("Service", CANARY_LEG)["spec"]["ports"]] == [80, 81]
    assert smi_world.survey(mended).agreed
    narrow = a_service(app="web", nobody="has")
    kept = split.without("Service", "web").after([traffic.Change(traffic.Verb.CREATE, narrow)])
    assert smi_world.survey(kept).agreed


def test_a_split_beside_the_temporary_one_is_not_agreed_even_when_both_show_the_same() -> None:
    """The user's came while a release ran, and the write that took the temporary one away was refused."""
    split = smi_world.steered(a_world(WEB, a_ts(("web", 1))), FIVE)
    legs = [(STABLE_LEG, 95), (CANARY_LEG, 5)]
    own = a_ts(*legs, name="web-rampart")
    own["metadata"]["labels"] = {"rampart.dev/managed-by": "rampart"}
    both = split.after([traffic.Change(traffic.Verb.CREATE, own)])
    assert (smi_world.survey(split).agreed, smi_world.survey(both).agreed) == (True, False)
