"""What a leg gets beside its share on the Gateway API: requests with a header, and mirrors."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import traffic
from deploy.gateway import rivals, router
from deploy.traffic import WHOLE, Json, Mirror, Only, Split
from tests.deploy.gateway_world import (
    CANARY,
    PINNED,
    PINS,
    STABLE,
    STEP,
    TARGET,
    World,
    a_mesh_route,
    a_ref,
    a_route,
    a_service,
    role,
)

HEADER = Only(CANARY, "x-canary", "1")
COOKIE = Only(CANARY, "beta", "yes", cookie=True)
TENTH = Mirror(CANARY, 1000)
FINE = Mirror(CANARY, 25)
CART = traffic.Target("shop", "cart", {"app": "cart"}, {"app": "cart"}, router="gateway")
CONDITION = {"type": "Exact", "name": "x-canary", "value": "1"}
ME = {"type": "Exact", "name": "x-user", "value": "me"}
OWN_MIRROR = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "log", "port": 80}}}
LINKERD = {"parents": [{"controllerName": "linkerd.io/policy-controller"}]}


def aside(what: traffic.Aside) -> Split:
    """All traffic on stable, and this for the canary."""
    return Split(((STABLE, WHOLE), (CANARY, 0)), what)


def at(value: str, *headers: Json, **more: Any) -> Json:
    found = {"headers": [*headers]} if headers else {}
    return {"path": {"type": "PathPrefix", "value": value}, **found, **more}


def a_rule(*matches: Json, to: str = "web", **more: Any) -> Json:
    return {"matches": [*matches] or [at("/")], "backendRefs": [a_ref(to)], **more}


def routed(*rules: Json, kind: str = "HTTPRoute", **more: Any) -> Json:
    body = a_mesh_route(kind=kind)
    body["spec"]["rules"] = copy.deepcopy([*rules])
    return {**body, **more}


def rules(world: World, name: str = "web", kind: str = "HTTPRoute") -> list[Json]:
    found: list[Json] = world.store[kind, f"shop/{name}"]["spec"]["rules"]
    return found


def steered(world: World, split: Split) -> Json:
    """Legs defined and the routes split; returns what was saved."""
    saved = world.survey().saved
    world.define(PINS)
    world.steer(split, saved)
    return saved


def edited(world: World, change: Any) -> World:
    """The user's route after `change` was made to its rules."""
    body = copy.deepcopy(world.store["HTTPRoute", "shop/web"])
    change(body["spec"]["rules"])
    world.put(body)
    return world


def test_copies_of_the_users_rules_with_one_more_header_come_first() -> None:
    """Each of the rule's matches gets the condition; all else is the user's, and rules that lead elsewhere stay."""
    other = a_rule(at("/b"), to="cart")
    ref = a_ref(weight=7, filters=[{"type": "ResponseHeaderModifier"}])
    mine = {**a_rule(at("/a"), at("/c", ME), name="mine", timeouts={"request": "2s"}), "backendRefs": [ref]}
    world = World(routed(other, mine))
    steered(world, aside(HEADER))
    first, copied, kept = rules(world)
    assert first == other
    (leg,) = copied["backendRefs"]
    assert {**copied, "name": "mine", "matches": 0, "backendRefs": 0} == {**mine, "matches": 0, "backendRefs": 0}
    assert "name" not in copied
    assert copied["matches"] == [at("/a", CONDITION), at("/c", ME, CONDITION)]
    assert (role(leg["name"]), {**leg, "name": "web"}) == ("canary", {**ref, "weight": 1})
    assert {**kept, "backendRefs": [ref]} == mine
    assert [entry["weight"] for entry in kept["backendRefs"]] == [100, 0]


@pytest.mark.parametrize(
    ("what", "part"),
    [
        pytest.param(TENTH, {"percent": 10}, id="whole percents"),
        pytest.param(FINE, {"fraction": {"numerator": 25, "denominator": 10_000}}, id="a quarter of a percent"),
    ],
)
def test_a_mirror_stands_at_the_users_rule(what: Mirror, part: Json) -> None:
    """A filter behind the user's, to the canary's Service; the answers are stable's."""
    own = {"type": "RequestHeaderModifier"}
    world = World(routed(a_rule(filters=[own])))
    steered(world, aside(what))
    (rule,) = rules(world)
    first, second = rule["filters"]
    leg = second["requestMirror"].pop("backendRef")
    assert (first, second) == (own, {"type": "RequestMirror", "requestMirror": part})
    assert (role(leg.pop("name")), leg) == ("canary", {"group": "", "kind": "Service", "port": 80})
    assert world.weights() == [("stable", 100), ("canary", 0)]


def test_a_grpc_route_has_headers_and_no_mirrors() -> None:
    """A rule without matches, which takes every call, is narrowed too."""
    route = routed({"backendRefs": [a_ref()]}, kind="GRPCRoute")
    (told,) = router.unfit(TARGET, World(route).objects, [HEADER, TENTH])
    assert told.startswith("GRPCRoute shop/web routes streams of messages")
    world = World(route)
    saved = steered(world, aside(HEADER))
    assert rules(world, kind="GRPCRoute")[0]["matches"] == [{"headers": [CONDITION]}]
    assert (world.survey().split, world.survey().agreed) == (aside(HEADER), True)
    world.steer(aside(TENTH), saved)
    assert "filters" not in str(rules(world, kind="GRPCRoute"))


def test_a_route_without_rules_stays_as_it_is() -> None:
    """A GRPCRoute may have none; it leads its callers to its parent, and so to no leg."""
    route = routed(kind="GRPCRoute")
    del route["spec"]["rules"]
    world = World(route)
    steered(world, aside(HEADER))
    assert world.store["GRPCRoute", "shop/web"]["spec"] == route["spec"]


@pytest.mark.parametrize("what", [HEADER, TENTH], ids=str)
def test_callers_without_a_route_have_it_too(what: traffic.Aside) -> None:
    """The temporary route gets it when it is made or later, keeps it while legs are mended, and loses it."""
    for defined in (True, False):
        world = World(mesh=True)
        saved = world.survey().saved
        if defined:
            world.define(PINS)
        world.steer(aside(what), saved)
        assert world.survey().split == aside(what)
        assert world.steer(aside(what), saved) == []
        world.define(PINS)
        assert (world.survey().split, world.survey().agreed) == (aside(what), True)
        world.steer(STEP, saved)
        (rule,) = rules(world, "web-rampart-80")
        assert [ref["weight"] for ref in rule["backendRefs"]] == [95, 5]
        assert "filters" not in rule
        world.restore(saved)
        world.define(())
        assert world.specs().keys() == World().specs().keys()


MANY = [a_rule(at(f"/{nth}")) for nth in range(9)]
FULL = [at("/", *({**ME, "name": f"x-{nth}"} for nth in range(16)))]


@pytest.mark.parametrize(
    ("route", "wanted", "words"),
    [
        pytest.param(routed(a_rule()), (HEADER, TENTH, FINE), (), id="a plain rule"),
        pytest.param(routed(a_rule(at("/", ME))), (HEADER, TENTH), (), id="conditions on others"),
        pytest.param(routed(a_rule()), (COOKIE,), ("Service shop/web: no route knows cookies",), id="a cookie"),
        pytest.param(
            routed({**a_rule(), "backendRefs": [a_ref(), a_ref("cart")]}),
            (HEADER, TENTH),
            (
                "HTTPRoute shop/web rules[0] leads to several destinations: a step by header:x-canary=1 needs",
                "HTTPRoute shop/web rules[0] leads to several destinations: a mirror needs",
            ),
            id="several destinations",
        ),
        pytest.param(
            routed(a_rule(at("/", {**ME, "name": "X-Canary"}), name="main")),
            (HEADER,),
            ("HTTPRoute shop/web rules[0] main has a condition on x-canary itself",),
            id="the same header",
        ),
        pytest.param(
            routed(a_rule(*FULL)), (HEADER,), ("HTTPRoute shop/web rules[0] has a match with 16 headers",), id="headers"
        ),
        pytest.param(
            routed(*MANY),
            (HEADER, TENTH),
            ("HTTPRoute shop/web has 9 rules, and a step by header:x-canary=1 needs 9 more: at most 16",),
            id="too many rules",
        ),
        pytest.param(
            routed(a_rule(*[at(f"/{nth}") for nth in range(64)]), a_rule(at("/x"))),
            (HEADER,),
            ("HTTPRoute shop/web has 65 matches, and a step by header:x-canary=1 needs 65 more: at most 128",),
            id="too many matches",
        ),
        pytest.param(
            routed(a_rule(), a_rule(at("/", ME), to="cart")),
            (HEADER, TENTH),
            ("HTTPRoute shop/web rules[0] with one more header would take requests from rules[1], which leads",),
            id="a rule that would lose its requests",
        ),
        pytest.param(
            routed(a_rule(filters=[OWN_MIRROR])),
            (TENTH, HEADER),
            ("HTTPRoute shop/web rules[0] has a mirror of its own",),
            id="a mirror",
        ),
        pytest.param(
            routed({**a_rule(), "backendRefs": [a_ref(filters=[OWN_MIRROR])]}),
            (TENTH,),
            ("HTTPRoute shop/web rules[0] has a mirror of its own",),
            id="a mirror of the ref",
        ),
        pytest.param(
            routed(a_rule(filters=[{"type": "CORS"}] * 16)),
            (TENTH,),
            ("HTTPRoute shop/web rules[0] has 16 filters",),
            id="filters",
        ),
        pytest.param(
            routed(a_rule(), status=LINKERD),
            (TENTH, HEADER),
            ("HTTPRoute shop/web is served by Linkerd, which takes no route with a mirror",),
            id="linkerd",
        ),
        pytest.param(
            routed({**a_rule(), "backendRefs": [a_ref(weight=0)]}, a_rule(at("/b"))), (HEADER,), (), id="no requests"
        ),
        pytest.param(routed(a_rule(), a_rule(at("/b"), to="cart", filters=[OWN_MIRROR])), (TENTH,), (), id="another's"),
    ],
)
def test_what_a_route_can_not_have_is_said(
    route: Json, wanted: tuple[traffic.Aside, ...], words: tuple[str, ...]
) -> None:
    """Case 6: refused, nothing is sent to the canary; and if it is steered all the same, that rule gets nothing."""
    found = router.unfit(TARGET, World(route).objects, wanted)
    assert len(found) == len(words)
    assert all(one.startswith(sentence) for one, sentence in zip(found, words, strict=True))
    for what in wanted:
        if router.unfit(TARGET, World(route).objects, [what]):
            world = World(route)
            saved = steered(world, aside(what))
            before = [{**rule, "backendRefs": 0} for rule in route["spec"]["rules"]]
            assert [{**rule, "backendRefs": 0} for rule in rules(world)] == before
            assert router.foreign(TARGET, world.objects, saved, PINS) is None


def test_a_mesh_of_linkerd_takes_no_mirror() -> None:
    """Said where no route of the user's stands yet, of which a status could be read."""
    objects = {**World().objects, "ServiceProfile": []}
    (told,) = router.unfit(TARGET, objects, [HEADER, TENTH])
    assert told == "Service shop/web: the cluster's mesh is Linkerd, which takes no route with a mirror"
    assert router.unfit(TARGET, {**objects, "DestinationRule": []}, [HEADER, TENTH]) == ()


@pytest.mark.parametrize(
    ("other", "mine", "lost"),
    [
        pytest.param(at("/"), at("/"), (True, False), id="alike: the one before has them all"),
        pytest.param(at("/", ME), at("/"), (False, True), id="one header more"),
        pytest.param(at("/", ME, ME), at("/"), (False, False), id="two headers more"),
        pytest.param(at("/", queryParams=[1]), at("/"), (True, True), id="a query"),
        pytest.param(at("/", ME, queryParams=[1]), at("/"), (False, False), id="a header and a query"),
        pytest.param(at("/a", ME), at("/"), (False, False), id="another path"),
        pytest.param(at("/a/", ME), at("/a"), (False, True), id="the same path"),
        pytest.param(at("/", ME, method="GET"), at("/"), (False, False), id="a method"),
        pytest.param(at("/"), at("/", ME), (False, False), id="loses today"),
    ],
)
def test_who_would_lose_requests_to_a_copy(other: Json, mine: Json, lost: tuple[bool, bool]) -> None:
    """With the other rule before mine, and behind it."""
    found = [rivals.would_lose(a_rule(other), a_rule(mine), stands_first=first) for first in (True, False)]
    assert tuple(found) == lost


def test_regular_expressions_may_meet() -> None:
    """Nobody can say of two of them which requests match both."""
    one, two = ({"path": {"type": "RegularExpression", "value": value}} for value in ("/a.*", "/.*"))
    assert rivals.would_lose(a_rule({**one, "headers": [ME]}), a_rule(two), stands_first=False)


@pytest.mark.parametrize("what", [HEADER, TENTH, FINE], ids=str)
def test_what_somebody_took_away_is_written_again(what: traffic.Aside) -> None:
    """The copy or the mirror alone was removed: the route does not show what is wished."""
    world = World(routed(a_rule()), a_route(name="front"))
    saved = steered(world, aside(what))
    whole = copy.deepcopy(rules(world))

    def take(found: list[Json]) -> None:
        found[:] = [{key: value for key, value in found[-1].items() if key != "filters"}]

    found = edited(world, take).survey()
    assert (found.split, found.agreed) == (aside(what), False)
    world.steer(aside(what), saved)
    assert rules(world) == whole


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda found: found[0].pop("matches"), id="for everybody"),
        pytest.param(lambda found: found[0]["matches"][0].pop("headers"), id="without the header"),
        pytest.param(lambda found: found[0]["matches"][0]["headers"][0].update(value="2"), id="another value"),
        pytest.param(lambda found: found[0].update(timeouts={"request": "1s"}), id="a timeout"),
    ],
)
def test_a_copy_that_somebody_edited_is_made_anew(change: Any) -> None:
    """Whoever takes the condition off our copy would send everybody to the canary; it goes with a fall in any case."""
    world = World(routed(a_rule()))
    saved = steered(world, aside(HEADER))
    whole = copy.deepcopy(rules(world))
    found = edited(world, change).survey()
    assert (found.split == aside(HEADER) and found.agreed) is False
    world.steer(aside(HEADER), saved)
    assert rules(world) == whole
    edited(world, change)
    world.steer(PINNED, saved)
    assert (len(rules(world)), world.weights()) == (1, [("stable", 100), ("canary", 0)])


def test_a_copy_of_an_earlier_release_is_no_leg_of_this_one() -> None:
    """It is shown, so that a fall takes it out, and written over by the next split."""
    old = traffic.canary("web-older")
    world = World(routed(a_rule()))
    saved = world.survey().saved
    world.define({*PINS, old})
    world.steer(Split(((STABLE, WHOLE), (old, 0)), Only(old, "x-canary", "1")), saved)
    kept = rules(world)[0]
    world.steer(PINNED, saved)
    found = edited(world, lambda found: found.insert(0, kept)).survey()
    assert (found.split, found.agreed) == (PINNED, False)
    assert old in found.shown


def test_without_legs_nothing_of_ours_is_left() -> None:
    """Who defines no pins takes copies and mirrors out too, whatever came before."""
    for what in (HEADER, TENTH):
        world = World(routed(a_rule()))
        steered(world, aside(what))
        world.define(())
        assert "x-canary" not in str(rules(world))
        assert "filters" not in str(rules(world))


def test_another_services_copies_are_not_ours() -> None:
    """Two releases in one route come and go without knowing each other."""
    world = World(a_service("cart"), routed(a_rule(at("/cart"), to="cart"), a_rule()))
    before = copy.deepcopy(rules(world))
    carts = router.survey(CART, world.objects).saved
    world.apply(router.define(CART, world.objects, PINS))
    cart = Split(((STABLE, WHOLE), (CANARY, 0)), Only(CANARY, "x-canary", "2"))
    world.apply(router.steer(CART, world.objects, cart, carts))
    alone = copy.deepcopy(rules(world))
    saved = steered(world, aside(HEADER))
    assert len(rules(world)) == 4
    assert router.survey(CART, world.objects).split == cart
    assert router.survey(CART, world.objects).agreed
    world.restore(saved)
    world.define(())
    assert rules(world) == alone
    world.apply(router.restore(CART, world.objects, carts))
    assert rules(world) == before


def filters() -> st.SearchStrategy[Json]:
    more: list[Json] = [{}, {"timeouts": {"request": "1s"}}, {"filters": [{"type": "CORS"}]}, {"filters": [OWN_MIRROR]}]
    return st.sampled_from(more)


matches = st.lists(
    st.sampled_from([at("/"), at("/", ME), at("/a", queryParams=[{"name": "q"}]), {"later": [1]}]), max_size=3
)
targets = st.sampled_from([["web"], ["cart"], ["web", "cart"]])
some_rules = st.builds(
    lambda names, found, more: {
        **({"matches": found} if found else {}),
        "backendRefs": [a_ref(name) for name in names],
        **more,
    },
    targets,
    matches,
    filters(),
)
splits = st.builds(
    lambda share, what: Split(((STABLE, WHOLE - share), (CANARY, share)), what),
    st.integers(0, 100).map(lambda percent: percent * 100),
    st.none() | st.sampled_from([HEADER, COOKIE, TENTH, FINE]),
)


@given(st.lists(some_rules, min_size=1, max_size=4), st.lists(splits, min_size=1, max_size=4))
def test_any_order_of_splits_reads_back_and_restores_to_the_byte(found: list[Json], written: list[Split]) -> None:
    """What can have it has it, exactly; the user's rules stay but for their weights; and the end is the beginning."""
    world = World(a_service("cart"), routed(*found))
    before = copy.deepcopy(rules(world))
    saved = world.survey().saved
    world.define(PINS)
    for split in written:
        world.steer(split, saved)
        shown = world.survey()
        assert shown.agreed
        assert shown.split is None or shown.split.shares == split.shares
        assert (world.steer(split, saved), world.define(PINS)) == ([], [])
        assert router.foreign(TARGET, world.objects, saved, PINS) is None
        ours = [rule for rule in rules(world) if [ref["weight"] for ref in rule["backendRefs"]] == [1]]
        ours = [rule for rule in ours if role(rule["backendRefs"][0]["name"]) == "canary"]
        users = [rule for rule in rules(world) if rule not in ours]
        assert [{**rule, "backendRefs": 0, "filters": 0} for rule in users] == [
            {**rule, "backendRefs": 0, "filters": 0} for rule in before
        ]
        assert all(match["headers"][-1] == CONDITION for rule in ours for match in rule["matches"])
        assert split.aside == HEADER or ours == []
        refused = split.aside and router.unfit(TARGET, World(routed(*found)).objects, [split.aside])
        if split.aside and not refused and shown.split:
            assert shown.split == split
    world.restore(saved)
    world.define(())
    assert rules(world) == before
