"""The Istio router's face: what it finds, writes, mends and takes back."""

import dataclasses
import json

import pytest

from deploy import names, traffic
from deploy.istio import router
from deploy.traffic import Json, Verb
from tests.deploy import istio_golden, istio_world
from tests.deploy.istio_world import (
    CANARY,
    HOST,
    STABLE,
    TARGET,
    World,
    a_route,
    a_rule,
    a_split,
    a_subset,
    a_world,
    to,
)

FIVE = a_split(5)
LONE = a_world(a_route(to()))
NEXT = traffic.canary("web-next")


def saved_of(world: World) -> Json:
    return router.survey(TARGET, world.objects).saved


def test_unsplit_route_shows_no_split() -> None:
    """At rest there is no split, no leg, no fault, and what would be replaced is known."""
    found = router.survey(TARGET, LONE.objects)
    assert (found.split, found.agreed, found.legs, found.faults) == (None, True, frozenset(), ())
    assert found.saved == {"shop/web": {"http[0]": [to()]}}


def test_saved_holds_only_our_destinations() -> None:
    """What is kept is small: neither other rules nor other destinations, and it is JSON."""
    world = a_world(
        a_route(
            to(weight=80), to("partner", 20), http=[{"route": [to("cart")]}, {"name": "n", "route": [to(weight=7)]}]
        )
    )
    saved = saved_of(world)
    assert saved == {"shop/web": {"http[1] n": [to(weight=7)]}}
    assert json.loads(json.dumps(saved)) == saved


def test_saved_is_the_same_during_the_split() -> None:
    """What a list is without us can be read at any time."""
    world = a_world(a_route(to(weight=80), to("partner", 20)))
    assert saved_of(istio_world.steered(world, FIVE)) == saved_of(world)


@pytest.mark.parametrize(
    ("percent", "written"),
    [
        pytest.param(0, [100, 0], id="a leg without traffic stands with weight 0"),
        pytest.param(5, [95, 5], id="whole percents sum to 100"),
        pytest.param(0.5, [9950, 50], id="half a percent sums to 10000"),
        pytest.param(0.01, [9999, 1], id="the smallest share"),
        pytest.param(100, [0, 100], id="stable stays in the list without traffic"),
    ],
)
def test_weights_of_an_only_destination(percent: float, written: list[int]) -> None:
    """A person can read them, and every one of them is written out."""
    route = istio_world.steered(LONE, a_split(percent)).route()
    assert [entry["weight"] for entry in route] == written


def test_lone_leg_takes_everything() -> None:
    """A fallen route is one entry, whatever it weighs."""
    world = istio_world.steered(istio_world.steered(LONE, FIVE), istio_world.fallen())
    assert world.route() == [to(subset=STABLE.name, weight=100)]
    assert router.survey(TARGET, world.objects).split == istio_world.fallen()


def test_only_destination_of_weight_zero_is_split() -> None:
    """Istio sends everything to it, so while it is whole, not every list shows the split."""
    public = a_route(to(weight=0), name="public", hosts=["x.y"], gateways=["edge/gw"])
    half = istio_world.steered(LONE, FIVE).edited(public)
    assert not router.survey(TARGET, half.objects).agreed
    assert istio_world.steered(half, FIVE).route("public") == istio_world.steered(half, FIVE).route()


def test_leg_can_stand_on_another_releases_canary() -> None:
    """A predecessor's canary is a stable leg like any other."""
    split = a_split(25, stable=CANARY, to=NEXT)
    world = istio_world.steered(istio_world.steered(LONE, a_split(100)), split)
    found = router.survey(TARGET, world.objects)
    assert (found.split, found.legs) == (split, frozenset({CANARY, NEXT}))


def test_weight_zero_dropped_by_an_encoder_counts_as_zero() -> None:
    """A writer that omits zeroes changes nothing of what the route says."""
    world = istio_world.steered(LONE, a_split(0))
    body = world.get("VirtualService", "web")
    del body["spec"]["http"][0]["route"][1]["weight"]
    assert router.survey(TARGET, world.edited(body).objects).split == a_split(0)


def test_cut_short_write_is_not_agreed() -> None:
    """One VirtualService is split and the other not yet: the split is told, and that it is not everywhere."""
    before = a_world(a_route(to()), a_route(to(), name="public", hosts=["example.com"], gateways=["edge/public"]))
    half = before.edited(istio_world.steered(before, FIVE).get("VirtualService", "public"))
    found = router.survey(TARGET, half.objects)
    assert (found.split, found.agreed) == (FIVE, False)
    assert router.survey(TARGET, istio_world.steered(half, FIVE).objects).agreed


def test_rounded_share_is_not_agreed() -> None:
    """Weights that somebody changed to thirds are told as near as parts can, and asked to be written again."""
    world = istio_world.steered(LONE, FIVE)
    body = world.get("VirtualService", "web")
    for entry, weight in zip(body["spec"]["http"][0]["route"], (2, 1), strict=True):
        entry["weight"] = weight
    found = router.survey(TARGET, world.edited(body).objects)
    assert found.split == traffic.Split(((STABLE, 6667), (CANARY, 3333)))
    assert not found.agreed


def test_versions_change_with_every_object_that_matters() -> None:
    """Routes, the user's rules and the temporary objects count; strangers do not."""
    world = istio_world.steered(a_world(a_route(to()), a_rule()), FIVE)
    versions = router.survey(TARGET, world.objects).versions
    stranger = world.edited(a_route(to("cart"), name="cart", hosts=["cart"]))
    assert router.survey(TARGET, stranger.objects).versions == versions
    for kind, name in (("VirtualService", "web"), ("DestinationRule", "web"), ("DestinationRule", "web-rampart")):
        touched = world.edited(world.get(kind, name))
        assert router.survey(TARGET, touched.objects).versions != versions


CURRENT = a_rule(subsets=[a_subset("current", version="v1")])


def test_legs_are_found_only_when_complete() -> None:
    """A pin that lacks the variant for a subset that a new list names has still to be defined."""
    world = istio_world.steered(a_world(a_route(to()), CURRENT), FIVE)
    edited = world.edited(a_route(to(subset="current"), name="late", hosts=["x.y"], gateways=["edge/gw"]))
    assert router.survey(TARGET, world.objects).legs == {STABLE, CANARY}
    assert router.survey(TARGET, edited.objects).legs == frozenset()
    again = edited.after(router.define(TARGET, edited.objects, [STABLE, CANARY]))
    assert router.survey(TARGET, again.objects).legs == {STABLE, CANARY}


def test_legs_that_are_left_over_are_found() -> None:
    """When no route shows a split, every pin that has any subset is told, so that it can be removed."""
    world = a_world(a_route(to()), CURRENT)
    defined = world.after(router.define(TARGET, world.objects, [STABLE, CANARY]))
    edited = defined.edited(a_route(to(subset="current")))
    assert router.survey(TARGET, edited.objects).legs == {STABLE, CANARY}


@pytest.mark.parametrize("split", [FIVE, istio_world.fallen()])
def test_route_never_names_a_leg_that_is_not_there(split: traffic.Split) -> None:
    """If somebody deleted the temporary rule, that is told, and it is written before any route."""
    world = istio_world.steered(LONE, FIVE).without("DestinationRule", "web-rampart")
    assert not router.survey(TARGET, world.objects).agreed
    changes = router.steer(TARGET, world.objects, split, {})
    assert (changes[0].verb, changes[0].body["kind"]) == (Verb.CREATE, "DestinationRule")
    mended = router.survey(TARGET, world.after(changes).objects)
    assert (mended.split, mended.agreed) == (split, True)


def test_removing_legs_removes_everything_temporary() -> None:
    """A temporary route whose legs somebody took out is not left behind."""
    world = istio_world.steered(a_world(), FIVE)
    body = world.get("VirtualService", "web-rampart")
    body["spec"]["http"] = [{"route": [to(HOST)]}]
    edited = world.edited(body)
    assert router.survey(TARGET, edited.objects).split is None
    assert edited.after(router.define(TARGET, edited.objects, [])).plain == {}


def test_fall_that_was_cut_short_is_no_drift() -> None:
    """One list lost the canary and the other not yet: both are ours."""
    before = a_world(a_route(to()), a_route(to(), name="public", hosts=["x.y"], gateways=["edge/gw"]))
    world = istio_world.steered(before, FIVE)
    half = world.edited(istio_world.steered(world, istio_world.fallen()).get("VirtualService", "public"))
    assert not router.survey(TARGET, half.objects).agreed
    for pins in (FIVE.pins, istio_world.fallen().pins):
        assert router.foreign(TARGET, half.objects, saved_of(before), pins) is None


def test_versions_change_with_a_route_that_leads_elsewhere() -> None:
    """A VirtualService that holds the host for itself decides whether a temporary one is needed."""
    world = a_world(a_route(to("cart")))
    touched = world.edited(world.get("VirtualService", "web"))
    assert router.survey(TARGET, world.objects).versions != router.survey(TARGET, touched.objects).versions


def test_legs_are_reduced_and_removed() -> None:
    """Exactly the pins asked for exist; with none, the rule is deleted, and a second time there is nothing to do."""
    both = LONE.after(router.define(TARGET, LONE.objects, [STABLE, CANARY]))
    one = both.after(router.define(TARGET, both.objects, [STABLE]))
    assert router.survey(TARGET, one.objects).legs == {STABLE}
    none = one.after(router.define(TARGET, one.objects, []))
    assert none.plain == LONE.plain
    assert router.define(TARGET, none.objects, []) == ()


def test_temporary_rule_follows_the_users_rule() -> None:
    """Where the user exports the rule or changes a subset in mid-release, the legs follow."""
    world = istio_world.steered(
        a_world(a_route(to(subset="current")), a_rule(subsets=[a_subset("current", version="v1")])), FIVE
    )
    policy = {"loadBalancer": {"simple": "RANDOM"}}
    changed = a_subset("current", app="web") | {"trafficPolicy": policy}
    edited = world.edited(a_rule(exportTo=["*"], subsets=[changed]))
    (change,) = router.define(TARGET, edited.objects, [STABLE, CANARY])
    assert change.verb is Verb.REPLACE
    assert change.body["spec"]["exportTo"] == ["*"]
    assert change.body["spec"]["subsets"][1] == {
        "name": f"{STABLE.name}-current",
        "labels": {"app": "web", "pod-template-hash": STABLE.value},
        "trafficPolicy": policy,
    }


def test_first_of_merged_rules_counts() -> None:
    """Like istiod: of several rules for one host the oldest gives policy and subset, the others what it lacks."""
    policy = {"tls": {"mode": "ISTIO_MUTUAL"}}
    rules = [
        a_rule(name="b", host="*.local", subsets=[a_subset("current", version="v1")], trafficPolicy=policy),
        a_rule(name="c", host="*.local", subsets=[a_subset("current", version="v2"), a_subset("more", app="x")]),
        a_rule(name="a", host="*.local"),
    ]
    for rule, year in zip(rules, ("2025", "2026", "2024"), strict=True):
        rule["metadata"]["creationTimestamp"] = f"{year}-01-01T00:00:00Z"
    world = istio_world.steered(a_world(a_route(to(subset="current")), *rules), FIVE)
    spec = world.get("DestinationRule", "web-rampart")["spec"]
    assert spec["trafficPolicy"] == policy
    assert spec["subsets"][:2] == [a_subset("current", version="v1"), a_subset("more", app="x")]
    assert router.survey(TARGET, world.objects).split == FIVE


def test_users_edit_in_mid_release_is_kept() -> None:
    """A new timeout and a new rule before ours survive the end of the release, and are no drift."""
    before = a_world(a_route(http=[{"name": "web", "route": [to(weight=100)]}]))
    saved = saved_of(before)
    world = istio_world.steered(before, FIVE)
    body = world.get("VirtualService", "web")
    body["spec"]["http"][0]["timeout"] = "3s"
    body["spec"]["http"].insert(0, {"match": [{"uri": {"prefix": "/cart"}}], "route": [to("cart")]})
    body["metadata"]["labels"] = {"team": "shop"}
    edited = world.edited(body)
    assert router.foreign(TARGET, edited.objects, saved, FIVE.pins) is None
    body["spec"]["http"][1]["route"] = [to(weight=100)]
    assert istio_world.restored(edited, saved).get("VirtualService", "web") == body


def test_moved_rule_without_a_name_is_found_by_its_content() -> None:
    """A list whose place changed is put back with the weight that it had."""
    before = a_world(a_route(to(weight=100)))
    saved = saved_of(before)
    world = istio_world.steered(before, FIVE)
    body = world.get("VirtualService", "web")
    body["spec"]["http"].insert(0, {"match": [{"port": 81}], "route": [to("cart")]})
    assert istio_world.restored(world.edited(body), saved).route(rule=1) == [to(weight=100)]


def test_rules_that_differ_in_an_only_weight_are_told_apart() -> None:
    """Each list gets back the weight that stood in its own place."""
    rules = [{"match": [{"port": 81}], "route": [to()]}, {"match": [{"port": 82}], "route": [to(weight=0)]}]
    before = a_world(a_route(http=[*rules, {"route": [to(weight=100)]}]))
    assert istio_world.restored(istio_world.steered(before, FIVE), saved_of(before)).plain == before.plain


def test_lost_rule_still_leaves_the_legs_readable() -> None:
    """Somebody deleted the temporary rule: the split is read from the names, the legs are missing, restore works."""
    before = a_world(a_route(to(subset="current", weight=60), to("partner", 40)), CURRENT)
    lost = istio_world.steered(before, FIVE).without("DestinationRule", "web-rampart")
    found = router.survey(TARGET, lost.objects)
    assert (found.split, found.legs) == (FIVE, frozenset())
    assert istio_world.restored(lost, {}).plain == before.plain


def test_subset_that_the_user_deleted_is_still_put_back() -> None:
    """What stood in the route is saved; that its rule is gone is the user's own doing."""
    long = "a-subset-with-a-name-of-more-than-forty-characters"
    before = a_world(a_route(to(subset=long)), a_rule(subsets=[a_subset(long, version="v1")]))
    saved = saved_of(before)
    edited = istio_world.steered(before, FIVE).edited(a_rule())
    assert istio_world.restored(edited, saved).route() == [to(subset=long)]


def test_names_fit_and_stay_apart() -> None:
    """Long Services, releases and subsets give valid names of at most 63 characters, and read back."""
    service = "s" * 63
    target = dataclasses.replace(TARGET, service=service)
    subsets = [f"{'x' * 59}-{nth}" for nth in "ab"]
    long = traffic.canary("r" * 63)
    before = a_world(
        a_route(*(to(service, 50, subset) for subset in subsets), hosts=[service]),
        a_rule(host=service, subsets=[a_subset(subset, app="web") for subset in subsets]),
    )
    split = a_split(30, to=long)
    world = istio_world.steered(before, split, target)
    rule = world.get("DestinationRule", names.fit(service, "rampart"))
    written = [subset["name"] for subset in rule["spec"]["subsets"]]
    assert len(set(written)) == len(written) == 6
    assert max(map(len, written)) <= names.LABEL_LIMIT
    found = router.survey(target, world.objects)
    assert (found.split, found.legs) == (split, frozenset(split.pins))
    assert istio_world.restored(world, {}, target).plain == before.plain


def test_temporary_route_goes_when_the_user_writes_one() -> None:
    """Two VirtualServices for one host are undefined: ours makes room."""
    world = istio_world.steered(a_world(), FIVE)
    written = world.edited(a_route(to()))
    assert not router.survey(TARGET, written.objects).agreed
    now = istio_world.steered(written, FIVE)
    assert {name for _, _, name in now.plain} == {"web", "web-rampart"}
    assert ("VirtualService", "shop", "web-rampart") not in now.plain
    assert router.survey(TARGET, now.objects).agreed


def test_temporary_route_comes_back_when_the_users_goes() -> None:
    """The user deletes the only VirtualService in mid-release: mesh clients stay split."""
    world = istio_world.steered(LONE, FIVE).without("VirtualService", "web")
    now = istio_world.steered(world, FIVE)
    assert now.get("VirtualService", "web-rampart")["spec"]["hosts"] == [HOST]


def test_old_api_version_is_written_as_it_was_read() -> None:
    """A cluster that serves v1beta1 gets v1beta1."""
    body = a_route(to(), gateways=["edge/public"]) | {"apiVersion": "networking.istio.io/v1beta1"}
    world = istio_world.steered(a_world(body), FIVE)
    assert {body["apiVersion"] for body in world.bodies} == {"networking.istio.io/v1beta1"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"spec": None}, id="no spec"),
        pytest.param({"spec": {"http": None, "hosts": None, "gateways": None}}, id="nulls"),
        pytest.param(
            {"spec": {"http": [{}, {"route": None}, {"route": [{}, {"destination": None}]}]}}, id="empty rules"
        ),
        pytest.param({"spec": {"http": [{"route": [{"destination": {"host": None}, "weight": None}]}]}}, id="no host"),
    ],
)
def test_malformed_stranger_stops_nobody(body: Json) -> None:
    """Another object's absurd content is passed over."""
    metadata = {"name": "absurd", "namespace": "shop", "labels": None}
    world = LONE.edited({"kind": "VirtualService", "metadata": metadata} | body)
    world = world.edited({"kind": "DestinationRule", "metadata": metadata, "spec": {"host": None, "subsets": None}})
    assert router.survey(TARGET, world.objects).faults == ()
    assert istio_world.steered(world, FIVE).route()[1]["weight"] == 5


def drifted(route: list[Json]) -> World:
    world = istio_world.steered(a_world(a_route(to(weight=80), to("partner", 20))), FIVE)
    body = world.get("VirtualService", "web")
    body["spec"]["http"][0]["route"] = route
    return world.edited(body)


SAVED: Json = {"shop/web": {"http[0]": [to(weight=80)]}}


@pytest.mark.parametrize(
    ("route", "pins", "sentence"),
    [
        pytest.param(
            [to(weight=80), to("partner", 20)],
            FIVE.pins,
            "VirtualService shop/web http[0] shows no legs: somebody else wrote the list",
            id="put back by gitops",
        ),
        pytest.param([to(weight=80), to("partner", 20)], (), None, id="not split yet"),
        pytest.param(
            [to(weight=60), to("partner", 40)],
            FIVE.pins,
            "VirtualService shop/web http[0] leads elsewhere than what was saved:"
            " [{'destination': {'host': 'web'}, 'weight': 60}]",
            id="other weights",
        ),
        pytest.param(
            [to(subset=NEXT.name, weight=800_000), to("partner", 200_000)],
            FIVE.pins,
            "VirtualService shop/web http[0] has legs that nobody defined: rampart-canary-web-next",
            id="a leg that nobody knows",
        ),
        pytest.param(
            [
                to(subset=STABLE.name, weight=600_000),
                to(subset=CANARY.name, weight=200_000),
                to("partner", 200_000, "rampart-stable-abc"),
            ],
            FIVE.pins,
            None,
            id="another release joins the list, and the weight of ours is another step",
        ),
        pytest.param([to("partner", 100)], FIVE.pins, None, id="the list is not ours any more"),
    ],
)
def test_drift(route: list[Json], pins: tuple[traffic.Pin, ...], sentence: str | None) -> None:
    """What a foreign writer did is told in a sentence; what a release did is no drift."""
    assert router.foreign(TARGET, drifted(route).objects, SAVED, pins) == sentence


def test_deleted_temporary_route_is_drift() -> None:
    """Mesh clients that lost their split are told of."""
    world = istio_world.steered(a_world(), FIVE).without("VirtualService", "web-rampart")
    drift = router.foreign(TARGET, world.objects, {}, FIVE.pins)
    assert drift == f"VirtualService shop/web-rampart is gone: no other one routes the mesh's calls of {HOST}"


def test_drifted_route_is_split_anew_and_restored_to_its_new_content() -> None:
    """Law 17: save, split again; the end is what the foreign writer wrote."""
    drifting = drifted([to(weight=60), to("partner", 40)])
    kept = router.remember(SAVED, saved_of(drifting))
    world = istio_world.steered(drifting, FIVE, saved=kept)
    assert router.foreign(TARGET, world.objects, kept, FIVE.pins) is None
    assert istio_world.restored(world, kept).route() == [to(weight=60), to("partner", 40)]


def test_saving_anew_keeps_a_weight_that_legs_hide() -> None:
    """One list drifted, the other is split: its only weight is remembered from the first saving."""
    before = a_world(a_route(to(weight=100)), a_route(to(), name="public", hosts=["x.y"], gateways=["edge/gw"]))
    saved = saved_of(before)
    world = istio_world.steered(before, FIVE)
    drifting = world.edited(a_route(to(retries={}), name="public", hosts=["x.y"], gateways=["edge/gw"]))
    kept = router.remember(saved, saved_of(drifting))
    assert kept == {"shop/web": {"http[0]": [to(weight=100)]}, "shop/public": {"http[0]": [to(retries={})]}}


def test_objects_are_indexed_by_the_services_they_mention() -> None:
    """A caller with thousands of routes hands over those of one Service, and finds nothing else out."""
    bodies = [
        a_route(to("CART"), to("web.shop.svc.cluster.local"), hosts=["www.example.com"]),
        a_rule(host="*.cluster.local"),
        {"kind": "VirtualService", "metadata": {}, "spec": None},
        a_route(to("cart"), name="web-rampart", hosts=["cart"]),
    ]
    mentioned = [router.mentions(body) for body in bodies]
    assert mentioned == [{"www", "cart", "web"}, {router.ANY}, frozenset(), {"cart", "web"}]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.path.stem) for case in istio_golden.cases()])
def test_indexed_objects_are_enough(case: istio_golden.Case) -> None:
    """Only objects that mention the Service, or any, matter to what is found."""
    world = istio_world.steered(case.before, FIVE, case.target)
    wanted = {case.target.service, router.ANY}
    few = {kind: [body for body in bodies if router.mentions(body) & wanted] for kind, bodies in world.objects.items()}
    assert router.survey(case.target, few) == router.survey(case.target, world.objects)
