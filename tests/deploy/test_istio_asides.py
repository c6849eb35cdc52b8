"""What a leg gets beside its share: requests that match, and mirrors."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import traffic
from deploy.istio import router
from deploy.traffic import WHOLE, Json, Mirror, Only, Split
from tests.deploy import istio_world
from tests.deploy.istio_world import CANARY, STABLE, TARGET, World, a_route, a_rule, a_world, to

HEADER = Only(CANARY, "x-canary", "1")
COOKIE = Only(CANARY, "beta", "yes", cookie=True)
TENTH = Mirror(CANARY, 1000)
CART = traffic.Target("shop", "cart", {"app": "cart"}, {"app": "cart"})
CART_CANARY = traffic.canary("cart-0a1b2c3d")
CART_PINS = (traffic.replica_set("85c9c7f4d8"), CART_CANARY)


def aside(what: traffic.Aside) -> Split:
    """All traffic on stable, and this for the canary."""
    return Split(((STABLE, WHOLE), (CANARY, 0)), what)


def leg(weight: int | None = 100) -> Json:
    return to(weight=weight, subset=CANARY.name)


def http(world: World, name: str = "web") -> list[Json]:
    rules: list[Json] = world.get("VirtualService", name)["spec"]["http"]
    return rules


MATCHED = {"match": [{"uri": {"prefix": "/a"}}, {"headers": {"x-user": {"exact": "me"}}}], "timeout": "2s"}
LONE = a_world(a_route(to()))


def test_copies_of_the_users_rules_with_one_more_condition_come_first() -> None:
    """Each of the rule's matches gets the condition; all else is the user's, and rules that lead elsewhere stay."""
    mine = {**MATCHED, "name": "mine", "fault": {"abort": {"httpStatus": 500}}, "route": [to(weight=100)]}
    other = {"match": [{"uri": {"prefix": "/b"}}], "route": [to("cart")]}
    world = istio_world.steered(a_world(a_route(http=[other, mine])), aside(HEADER))
    first, copied, kept = http(world)
    assert first == other
    assert copied == {
        **mine,
        "name": "rampart-only header:x-canary=1 mine",
        "match": [
            {"uri": {"prefix": "/a"}, "headers": {"x-canary": {"exact": "1"}}},
            {"headers": {"x-user": {"exact": "me"}, "x-canary": {"exact": "1"}}},
        ],
        "route": [leg()],
    }
    assert {**kept, "route": mine["route"]} == mine
    assert [entry["weight"] for entry in kept["route"]] == [100, 0]


@pytest.mark.parametrize(
    ("sent", "met"),
    [
        pytest.param("beta=yes", True, id="alone"),
        pytest.param("a=1; beta=yes; b=2", True, id="among others"),
        pytest.param("a=1;beta=yes", True, id="without a space"),
        pytest.param("beta=yess", False, id="a longer value"),
        pytest.param("alphabeta=yes", False, id="a longer name"),
        pytest.param("a=beta=yes", False, id="within a value"),
    ],
)
def test_a_cookie_is_one_of_a_list(sent: str, met: bool) -> None:
    """Istio matches the whole header by the expression."""
    copied = http(istio_world.steered(LONE, aside(COOKIE)))[0]
    (match,) = copied["match"]
    assert (re.fullmatch(match["headers"]["cookie"]["regex"], sent) is not None) is met


def test_a_mirror_stands_at_the_users_rule() -> None:
    """It sends a copy of its percentage to the canary's leg; the answers are stable's."""
    (rule,) = http(istio_world.steered(LONE, aside(TENTH)))
    assert rule["mirrors"] == [{"destination": {"host": "web", "subset": CANARY.name}, "percentage": {"value": 10}}]
    assert [entry["weight"] for entry in rule["route"]] == [100, 0]


def test_mesh_clients_without_a_route_have_it_too() -> None:
    """The temporary VirtualService gets the copy, and loses it."""
    world = istio_world.steered(a_world(), aside(HEADER))
    assert len(http(world, "web-rampart")) == 2
    assert router.survey(TARGET, world.objects).split == aside(HEADER)
    assert len(http(istio_world.steered(world, istio_world.a_split(5)), "web-rampart")) == 1


@pytest.mark.parametrize(
    ("rule", "wanted", "words"),
    [
        pytest.param({"route": [to()]}, (HEADER, COOKIE, TENTH), (), id="a plain rule"),
        pytest.param({**MATCHED, "route": [to()]}, (HEADER, COOKIE, TENTH), (), id="conditions on others"),
        pytest.param(
            {"route": [to(weight=80), to("cart", 20)]},
            (HEADER,),
            ("VirtualService shop/web http[0] leads to several destinations: a step by header:x-canary=1 needs",),
            id="several destinations",
        ),
        pytest.param(
            {"route": [to()], "match": [{"headers": {"X-Canary": {"exact": "2"}}}]},
            (HEADER, COOKIE),
            ("VirtualService shop/web http[0] has a condition on x-canary itself",),
            id="the same header",
        ),
        pytest.param(
            {"route": [to()], "match": [{"withoutHeaders": {"cookie": {"exact": "a"}}}]},
            (HEADER, COOKIE),
            ("VirtualService shop/web http[0] has a condition on cookie itself",),
            id="without cookies",
        ),
        pytest.param(
            {"route": [to()], "mirror": {"host": "log"}},
            (TENTH, HEADER),
            ("VirtualService shop/web http[0] has a mirror of its own",),
            id="a mirror",
        ),
        pytest.param(
            {"route": [to()], "mirrors": [{"destination": {"host": "log"}}]},
            (TENTH,),
            ("VirtualService shop/web http[0] has a mirror of its own",),
            id="mirrors",
        ),
        pytest.param(
            {"route": [to("cart")], "mirror": {"host": "log"}}, (TENTH,), (), id="a rule that leads elsewhere"
        ),
    ],
)
def test_what_a_rule_can_not_have_is_said(rule: Json, wanted: tuple[Any, ...], words: tuple[str, ...]) -> None:
    """Case 6: refused, nothing is sent to the canary; and if it is steered all the same, that rule gets nothing."""
    world = a_world(a_route(http=[rule]))
    found = router.unfit(TARGET, world.objects, wanted)
    assert len(found) == len(words)
    assert all(one.startswith(sentence) for one, sentence in zip(found, words, strict=True))
    for what in wanted if words else ():
        if router.unfit(TARGET, world.objects, [what]):
            saved = router.survey(TARGET, world.objects).saved
            steered = istio_world.steered(world, aside(what))
            assert len(http(steered)) == 1
            assert router.foreign(TARGET, steered.objects, saved, (STABLE, CANARY)) is None


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param({"tls": [{"match": [{"sniHosts": ["web"]}], "route": [to()]}]}, "tls[0] routes connec", id="tls"),
        pytest.param({"tcp": [{"route": [to()]}]}, "tcp[0] routes connections, not requests", id="tcp"),
        pytest.param({"hosts": [], "http": [{"route": [to()]}]}, "http[0] is a delegate", id="a delegate"),
    ],
)
def test_what_knows_no_requests_is_said(spec: Json, words: str) -> None:
    """A step by header is for http rules of a VirtualService of its own; others get none, whoever steers them."""
    body = a_route(to())
    del body["spec"]["http"]
    body["spec"] |= spec
    world = a_world(body)
    (found,) = router.unfit(TARGET, world.objects, [HEADER])
    assert found.startswith(f"VirtualService shop/web {words}")
    steered = istio_world.steered(world, aside(HEADER)).get("VirtualService", "web")
    assert "rampart-only" not in str(steered)
    assert "rampart-canary" in str(steered)


@pytest.mark.parametrize("what", [HEADER, COOKIE, TENTH], ids=str)
def test_what_somebody_took_away_is_written_again(what: traffic.Aside) -> None:
    """The copy or the mirror alone was edited or removed: the route does not show what is wished."""
    whole = istio_world.steered(a_world(a_route(to()), a_route(to(), name="two", hosts=["two"])), aside(what))
    body = whole.get("VirtualService", "web")
    body["spec"]["http"] = [{"route": http(whole)[-1]["route"]}]
    edited = whole.edited(body)
    found = router.survey(TARGET, edited.objects)
    assert (found.split, found.agreed) == (aside(what), False)
    assert istio_world.steered(edited, aside(what), saved=found.saved).plain == whole.plain


def test_a_copy_that_somebody_widened_is_narrowed_again() -> None:
    """Whoever takes the condition off our copy would send everybody to the canary."""
    whole = istio_world.steered(LONE, aside(HEADER))
    body = whole.get("VirtualService", "web")
    body["spec"]["http"][0].pop("match")
    found = router.survey(TARGET, whole.edited(body).objects)
    assert not found.agreed
    assert istio_world.steered(whole.edited(body), aside(HEADER), saved=found.saved).plain == whole.plain


def test_a_copy_whose_name_can_not_be_read_is_ours_all_the_same() -> None:
    """It leads to our leg: it goes with the fall."""
    whole = istio_world.steered(LONE, aside(HEADER))
    body = whole.get("VirtualService", "web")
    body["spec"]["http"][0]["name"] = "rampart-only something"
    edited = whole.edited(body)
    assert router.survey(TARGET, edited.objects).agreed is False
    assert http(istio_world.steered(edited, istio_world.fallen())) == [{"route": [to(weight=100, subset=STABLE.name)]}]


def test_a_copy_of_an_earlier_release_is_no_leg_of_this_one() -> None:
    """It is shown, so that a fall takes it out, and written over by the next split."""
    old = traffic.canary("web-older")
    split = Split(((STABLE, WHOLE), (old, 0)), Only(old, "x-canary", "1"))
    world = istio_world.steered(LONE, split)
    kept = http(world)[0]
    body = istio_world.steered(world, istio_world.a_split(0)).get("VirtualService", "web")
    body["spec"]["http"].insert(0, kept)
    found = router.survey(TARGET, world.edited(body).objects)
    assert (found.split, found.agreed) == (istio_world.a_split(0), False)
    assert old in found.shown


def test_what_goes_aside_must_go_to_a_leg() -> None:
    """A rule to a leg that is not there answers 503."""
    with pytest.raises(ValueError, match="goes to one of the legs"):
        Split(((STABLE, WHOLE),), HEADER)


def test_another_services_copies_are_not_ours() -> None:
    """Two releases in one VirtualService come and go without knowing each other."""
    before = a_world(a_route(http=[{"route": [to("cart")], "name": "c"}, {"route": [to()]}], hosts=["shop"]))
    saved = router.survey(CART, before.objects).saved
    cart = Split(((CART_PINS[0], WHOLE), (CART_CANARY, 0)), Only(CART_CANARY, "x-canary", "2"))
    world = istio_world.steered(before, cart, CART)
    both = istio_world.steered(world, aside(HEADER))
    assert len(http(both)) == 4
    assert router.survey(CART, both.objects).split == cart
    alone = istio_world.restored(both, router.survey(TARGET, world.objects).saved)
    assert alone.plain == world.plain
    assert istio_world.restored(both, saved, CART).plain == istio_world.steered(before, aside(HEADER)).plain


asides = st.none() | st.sampled_from([HEADER, COOKIE, TENTH])
splits = st.builds(
    lambda share, what: Split(((STABLE, WHOLE - share), (CANARY, share)), what), st.integers(0, WHOLE), asides
)
matches = st.lists(
    st.sampled_from([{}, {"uri": {"exact": "/"}}, {"headers": {"x-a": {"exact": "1"}}}, {"later": [1]}]), max_size=3
)


@st.composite
def rules(draw: st.DrawFn) -> Json:
    weights = st.none() | st.integers(1, 100)
    names = st.sampled_from(["web", "cart", "web.shop.svc.cluster.local"])
    route = draw(st.lists(st.builds(to, names, weights), min_size=1, max_size=2))
    if len(route) == 2:
        route = [{**entry, "weight": entry.get("weight") or 1} for entry in route]
    more: Json = draw(st.sampled_from([{}, {"timeout": "1s"}, {"mirror": {"host": "log"}}, {"name": "n"}]))
    found = draw(matches)
    return {"route": route, **more, **({"match": found} if found else {})}


worlds = st.lists(rules(), min_size=1, max_size=4).map(
    lambda found: a_world(a_route(http=found, name="shop", hosts=["shop"]), a_rule())
)


@given(worlds, st.lists(splits, min_size=1, max_size=4))
def test_any_order_of_splits_reads_back_and_restores_to_the_byte(before: World, written: list[Split]) -> None:
    """What can have it has it, exactly; the user's rules stay but for their weights; and the end is the beginning."""
    saved = router.survey(TARGET, before.objects).saved
    world = before
    for split in written:
        world = istio_world.steered(world, split, saved=saved)
        found = router.survey(TARGET, world.objects)
        assert found.agreed
        assert found.split is None or found.split.shares == split.shares
        assert router.steer(TARGET, world.objects, split, saved) == ()
        assert router.foreign(TARGET, world.objects, saved, split.pins) is None
        ours = [rule for rule in http(world, "shop") if str(rule.get("name")).startswith("rampart-only")]
        users = [rule for rule in http(world, "shop") if rule not in ours]
        asked = [{**rule, "route": 0, "mirrors": 0} for rule in http(before, "shop")]
        assert [{**rule, "route": 0, "mirrors": 0} for rule in users] == asked
        assert all(entry["destination"]["subset"] == CANARY.name for rule in ours for entry in rule["route"])
        wished = split.aside if isinstance(split.aside, Only) else None
        name = "cookie" if wished and wished.cookie else "x-canary"
        assert all(name in match["headers"] for rule in ours for match in rule["match"])
        assert wished is not None or ours == []
    assert istio_world.restored(world, saved).plain == before.plain
