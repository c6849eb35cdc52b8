"""Laws of one list of destinations, for lists and splits of any kind."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from deploy import traffic
from deploy.istio import router
from deploy.traffic import WHOLE, Json
from tests.deploy import istio_world
from tests.deploy.istio_world import CANARY, STABLE, TARGET, World

CART = traffic.Target("shop", "cart", {"app": "cart"}, {"app": "cart"})
CART_STABLE = traffic.replica_set("85c9c7f4d8")
CART_CANARY = traffic.canary("cart-0a1b2c3d")

hosts = st.sampled_from(["web", "web.shop.svc.cluster.local", "cart", "partner"])
weights = st.none() | st.integers(0, 3) | st.integers(0, 40_000)


@st.composite
def destinations(draw: st.DrawFn) -> Json:
    host = draw(hosts)
    subset = draw(st.sampled_from([None, "current", "old"])) if host.startswith("web") else None
    more: Json = draw(st.sampled_from([{}, {"headers": {"request": {"set": {"x-a": "1"}}}}, {"later": [1]}]))
    return istio_world.to(host, draw(weights), subset, **more)


def sane(route: list[Json]) -> bool:
    return len(route) == 1 or sum(entry.get("weight", 0) for entry in route) > 0


routes = st.lists(destinations(), min_size=1, max_size=5).filter(sane)


def splits(stable: traffic.Pin, canary: traffic.Pin) -> st.SearchStrategy[traffic.Split]:
    parts = st.integers(0, 100).map(lambda percent: percent * 100) | st.integers(0, WHOLE)
    both = parts.map(lambda share: traffic.Split(((stable, WHOLE - share), (canary, share))))
    return both | st.just(traffic.Split(((stable, WHOLE),)))


WEB_SPLITS = splits(STABLE, CANARY)
CART_SPLITS = splits(CART_STABLE, CART_CANARY)


def a_shop(route: list[Json]) -> World:
    rule = istio_world.a_rule(
        subsets=[istio_world.a_subset("current", version="v1"), istio_world.a_subset("old", version="v0")]
    )
    return istio_world.a_world(istio_world.a_route(*route, name="shop", hosts=["shop"]), rule)


def shares(route: list[Json], host: str) -> Fraction:
    """The part of a list's traffic that goes to a host, as Istio counts."""
    if len(route) == 1:
        return Fraction(int(route[0]["destination"]["host"] == host))
    total = sum(entry.get("weight", 0) for entry in route)
    return Fraction(sum(e.get("weight", 0) for e in route if e["destination"]["host"] == host), total)


def is_ours(entry: Json) -> bool:
    destination = entry["destination"]
    return bool(destination["host"].startswith("web") and destination.get("subset") != "old")


def is_others(entry: Json) -> bool:
    leg = str(entry["destination"].get("subset")).startswith("rampart-")
    return not leg and not is_ours(entry)


def without_weight(entry: Json) -> Json:
    return {key: value for key, value in entry.items() if key != "weight"}


@given(routes, st.lists(WEB_SPLITS, min_size=1, max_size=4))
def test_what_was_written_reads_back(route: list[Json], written: list[traffic.Split]) -> None:
    """After any sequence of splits the list shows the last one, exactly, and nothing is left to write."""
    world = a_shop(route)
    saved = router.survey(TARGET, world.objects).saved
    for split in written:
        world = istio_world.steered(world, split, saved=saved)
        found = router.survey(TARGET, world.objects)
        assert (found.split, found.agreed) == (split, True)
        assert router.steer(TARGET, world.objects, split, saved) == ()
        assert router.foreign(TARGET, world.objects, saved, split.pins) is None


@given(routes, st.lists(WEB_SPLITS, max_size=3))
def test_restoring_gives_back_the_list(route: list[Json], written: list[traffic.Split]) -> None:
    """Absent weights are absent again, and every number is the one that the user wrote."""
    before = a_shop(route)
    saved = router.survey(TARGET, before.objects).saved
    world = before
    for split in written:
        world = istio_world.steered(world, split, saved=saved)
    assert istio_world.restored(world, saved).plain == before.plain


@given(routes, WEB_SPLITS)
def test_restoring_without_memory_loses_an_only_weight_at_most(route: list[Json], split: traffic.Split) -> None:
    """The legs alone tell all but the weight of an only destination, which means nothing."""
    before = a_shop(route)
    after = istio_world.restored(istio_world.steered(before, split), {}).route("shop")
    if len(route) == 1 and is_ours(route[0]):
        assert after == [without_weight(route[0])]
    else:
        assert after == route


@given(routes, WEB_SPLITS)
def test_nobody_elses_share_moves(route: list[Json], split: traffic.Split) -> None:
    """Each host of the list gets exactly what it got before, and the others stand in the same order."""
    now = istio_world.steered(a_shop(route), split).route("shop")
    for host in ("web", "web.shop.svc.cluster.local", "cart", "partner"):
        assert shares(now, host) == shares(route, host)
    assert [without_weight(entry) for entry in now if is_others(entry)] == [
        without_weight(entry) for entry in route if is_others(entry)
    ]


@given(routes, WEB_SPLITS)
def test_written_weights_are_sane(route: list[Json], split: traffic.Split) -> None:
    """No list of several is all zero, no weight is negative, or more than Istio and Envoy can hold."""
    now = istio_world.steered(a_shop(route), split).route("shop")
    written = [entry.get("weight", 0) for entry in now]
    assert min(written) >= 0
    assert len(now) == 1 or 0 < sum(written) < 2**32
    assert max(written) < 2**31


@given(routes, WEB_SPLITS)
def test_fallen_canary_has_no_entry(route: list[Json], split: traffic.Split) -> None:
    """A split without the canary leaves no trace of it in the list."""
    world = istio_world.steered(a_shop(route), split)
    now = istio_world.steered(world, istio_world.fallen()).route("shop")
    assert CANARY.name not in str(now)


acts = st.lists(
    WEB_SPLITS.map(lambda split: (TARGET, split))
    | CART_SPLITS.map(lambda split: (CART, split))
    | st.sampled_from([(TARGET, None), (CART, None)]),
    max_size=8,
)


@given(routes, acts, st.booleans())
def test_two_releases_in_one_list_leave_it_as_it_was(
    route: list[Json], played: list[tuple[traffic.Target, traffic.Split | None]], web_first: bool
) -> None:
    """Come and go in any order: each reads its own split, third parties keep their share, the end is the beginning."""
    before = a_shop(route)
    world = before
    kept: dict[str, Json] = {}
    ends = [(TARGET, None), (CART, None)]
    for target, split in (*played, *(ends if web_first else reversed(ends))):
        if split is None:
            world = istio_world.restored(world, kept.pop(target.service, {}), target)
        else:
            saved = kept.setdefault(target.service, router.survey(target, world.objects).saved)
            world = istio_world.steered(world, split, target, saved)
            assert router.survey(target, world.objects).split == split
        for host in ("cart", "partner"):
            assert shares(world.route("shop"), host) == shares(route, host)
    assert world.plain == before.plain
