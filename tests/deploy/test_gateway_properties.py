"""Laws of one rule's backendRefs, for lists and splits of any kind."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from deploy import traffic
from deploy.gateway import places, refs, router
from deploy.traffic import WHOLE, Json
from tests.deploy import gateway_world
from tests.deploy.gateway_world import CANARY, PINS, STABLE, TARGET, World

CART = traffic.Target("shop", "cart", {"app": "cart"}, {"app": "cart"}, router="gateway")

weights = st.integers(0, 3) | st.integers(0, 100) | st.integers(0, 10_000)


@st.composite
def a_list(draw: st.DrawFn) -> list[Json]:
    """One to four refs, as a server keeps them: each with a weight."""
    count = draw(st.integers(1, 4))
    names = draw(st.lists(st.sampled_from(["web", "cart", "old"]), min_size=count, max_size=count))
    more: list[Json] = [{}, {"filters": [{"type": "ExtensionRef"}]}, {"later": [1]}]
    return [gateway_world.a_ref(name, draw(weights), **draw(st.sampled_from(more))) for name in names]


def is_fit(found: list[Json]) -> bool:
    """Whether neither release would be refused."""
    objects = a_shop(found).objects
    return not router.survey(TARGET, objects).faults and not router.survey(CART, objects).faults


lists = a_list().filter(lambda found: sum(ref["weight"] for ref in found) > 0).filter(lambda found: is_fit(found))
parts = st.integers(0, 100).map(lambda percent: percent * 100) | st.integers(0, WHOLE // 10).map(lambda part: part * 10)
splits = parts.map(lambda share: traffic.Split(((STABLE, WHOLE - share), (CANARY, share))))


def a_shop(found: list[Json]) -> World:
    return World(gateway_world.a_service("cart"), gateway_world.a_route(*found))


def share(found: list[Json], service: str) -> Fraction:
    """The part of a list's requests that goes to a Service and its legs."""
    total = sum(places.weight_of(ref) for ref in found)
    mine = (ref for ref in found if ref["name"].partition("-rampart-")[0] == service)
    return Fraction(sum(places.weight_of(ref) for ref in mine), total)


def released(world: World, target: traffic.Target, split: traffic.Split) -> Json:
    """Legs defined, the list split; returns what was saved."""
    saved = router.survey(target, world.objects).saved
    world.apply(router.define(target, world.objects, PINS))
    world.apply(router.steer(target, world.objects, split, saved))
    return saved


def over(world: World, target: traffic.Target, saved: Json) -> None:
    world.apply(router.restore(target, world.objects, saved))
    world.apply(router.define(target, world.objects, ()))


@given(found=lists, split=splits)
def test_nobody_elses_share_moves(found: list[Json], split: traffic.Split) -> None:
    """And each weight is one that the API takes."""
    world = a_shop(found)
    saved = released(world, TARGET, split)
    now = world.refs()
    assert [share(now, name) for name in ("web", "cart", "old")] == [share(found, n) for n in ("web", "cart", "old")]
    assert all(0 <= ref["weight"] <= refs.HEAVIEST for ref in now)
    shown = world.survey()
    if shown.split is not None:
        assert (shown.split, shown.agreed) == (split, True)
    assert router.foreign(TARGET, world.objects, saved, shown.shown) is None
    assert world.steer(split, saved) == []
    over(world, TARGET, saved)
    assert world.refs() == found


@given(found=lists, first=splits, second=splits, third=splits)
def test_releases_in_one_list_come_and_go_in_any_order(
    found: list[Json], first: traffic.Split, second: traffic.Split, third: traffic.Split
) -> None:
    """Each reads back its own split, and the last to leave puts the user's numbers back."""
    world = a_shop(found)
    webs = released(world, TARGET, first)
    carts = released(world, CART, second)
    world.apply(router.steer(TARGET, world.objects, third, webs))
    for target, split in ((TARGET, third), (CART, second)):
        shown = router.survey(target, world.objects)
        assert shown.split in (None, split)
        assert shown.agreed
    assert share(world.refs(), "old") == share(found, "old")
    over(world, TARGET, webs)
    assert router.survey(CART, world.objects).split in (None, second)
    over(world, CART, carts)
    now = world.refs()
    assert [share(now, name) for name in ("web", "cart", "old")] == [share(found, n) for n in ("web", "cart", "old")]
    assert [places.unweighted(ref) for ref in now] == [places.unweighted(ref) for ref in found]
