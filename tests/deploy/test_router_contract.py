"""The contract of a router: what every one of them must do, in one table."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import routers, traffic
from deploy.traffic import WHOLE, Json
from tests.deploy import contenders, gateway_world, istio_world
from tests.deploy.contenders import CANARY, NEW, STABLE, Cluster, Contender

PINNED = traffic.Split(((STABLE, WHOLE), (CANARY, 0)))
STEP = traffic.Split(((STABLE, 9_500), (CANARY, 500)))
ALL = traffic.Split(((STABLE, 0), (CANARY, WHOLE)))
DOWN = traffic.Split(((STABLE, WHOLE),))

every_router = pytest.mark.parametrize(
    "contender", [pytest.param(make(), id=make.__name__) for make in contenders.ROWS]
)


def splits() -> st.SearchStrategy[traffic.Split]:
    parts = st.integers(0, 100).map(lambda percent: percent * 100) | st.integers(0, WHOLE)
    return parts.map(lambda share: traffic.Split(((STABLE, WHOLE - share), (CANARY, share))))


def a_split_cluster(contender: Contender, split: traffic.Split = STEP) -> tuple[Cluster, Json]:
    """Legs defined, the route split; and what was saved before."""
    cluster = Cluster(contender)
    saved = cluster.survey().saved
    cluster.define(STABLE, CANARY)
    cluster.steer(split, saved)
    return cluster, saved


def test_every_router_has_a_row() -> None:
    """Adding a router means adding one file and one row."""
    assert [*dict.fromkeys(make().name for make in contenders.ROWS)] == [*routers.TABLE]


def test_no_split_is_all_zero() -> None:
    """There is no value for it, so no router can be asked to write it."""
    with pytest.raises(ValueError, match="sum to"):
        traffic.Split(((STABLE, 0), (CANARY, 0)))


@every_router
def test_at_rest_nothing_is_split(contender: Contender) -> None:
    """Survey and choice at opt-in."""
    cluster = Cluster(contender)
    found = cluster.survey()
    assert (found.split, found.shown, found.legs, found.faults) == (None, frozenset(), frozenset(), ())
    assert cluster.drift(found.saved) is None
    kind, namespace, name = contender.route
    assert routers.choose(cluster.target, cluster.objects, None) == contender.name
    if kind in routers.ROUTES:
        assert cluster.router.routes(cluster.target, cluster.objects) == (f"{kind} {namespace}/{name}",)


@every_router
@given(split=splits())
def test_split_is_read_back(contender: Contender, split: traffic.Split) -> None:
    """Exactly, whatever the share; done again it changes nothing, and no list weighs nothing at all."""
    cluster, saved = a_split_cluster(contender, split)
    found = cluster.survey()
    assert (found.split, found.agreed, found.shown) == (split, True, frozenset(split.pins))
    assert found.legs >= frozenset(split.pins)
    assert cluster.drift(saved, *split.pins) is None
    assert cluster.router.remember(saved, found.saved) == saved
    assert (cluster.define(STABLE, CANARY), cluster.steer(split, saved)) == (0, 0)
    assert all(sum(weights) > 0 for weights in contender.lists(cluster.route))


@every_router
@given(split=splits())
def test_route_is_restored_byte_for_byte(contender: Contender, split: traffic.Split) -> None:
    """From any split, and by way of a fall; nothing of ours is left."""
    cluster, saved = a_split_cluster(contender, split)
    before = Cluster(contender).seen()
    cluster.steer(DOWN, saved)
    assert CANARY not in cluster.survey().shown
    cluster.restore(saved)
    found = cluster.survey()
    assert (found.split, found.shown) == (None, frozenset())
    cluster.define()
    assert cluster.survey().legs == frozenset()
    assert cluster.seen() == before
    assert cluster.ours() == []


@every_router
def test_what_nobody_knows_is_kept(contender: Contender) -> None:
    """Unknown fields of the route, its rules and the entry that is split."""
    before = str(contenders.plain(Cluster(contender).route)).count("'future'")
    cluster, _ = a_split_cluster(contender)
    assert str(contenders.plain(cluster.route)).count("'future'") >= before


@every_router
def test_the_leg_of_a_third_version_takes_over(contender: Contender) -> None:
    """Finishing: the new ReplicaSet's leg, beside those that leave."""
    cluster, saved = a_split_cluster(contender, ALL)
    cluster.define(STABLE, CANARY, NEW)
    found = cluster.survey()
    assert found.legs == {STABLE, CANARY, NEW}
    assert found.split is not None
    assert found.split.share(CANARY) == WHOLE
    cluster.steer(traffic.Split(((NEW, WHOLE),)), saved)
    assert cluster.survey().shown == {NEW}
    cluster.restore(saved)
    cluster.define()
    assert cluster.seen() == Cluster(contender).seen()


@every_router
def test_what_somebody_else_writes_is_drift(contender: Contender) -> None:
    """A sentence; afterwards the new content is split, and put back as it is now."""
    cluster, saved = a_split_cluster(contender)
    contender.foreign(cluster.route)
    cluster.put(cluster.route)
    theirs = cluster.seen()[contender.route]
    assert cluster.drift(saved, STABLE, CANARY)
    fresh = cluster.router.remember(saved, cluster.survey().saved)
    cluster.define(STABLE, CANARY)
    cluster.steer(STEP, fresh)
    found = cluster.survey()
    assert (found.split, found.agreed) == (STEP, True)
    cluster.steer(DOWN, fresh)
    cluster.restore(fresh)
    cluster.define()
    assert cluster.seen()[contender.route] == theirs


@every_router
def test_a_lost_leg_is_seen_and_made_before_the_route_is_written(contender: Contender) -> None:
    """Make before break, also where somebody deletes our objects."""
    cluster, saved = a_split_cluster(contender)
    if not any(routers.is_leg(cluster.store[key]) for key in cluster.ours()):
        assert cluster.survey().legs == {STABLE, CANARY}
        return
    cluster.lose_legs()
    found = cluster.survey()
    assert not found.agreed
    assert found.legs == frozenset()
    (first, *_) = cluster.router.steer(cluster.target, cluster.objects, PINNED, saved)
    assert routers.is_leg(first.body)
    cluster.steer(PINNED, saved)
    found = cluster.survey()
    assert (found.split, found.agreed) == (PINNED, True)


@every_router
def test_any_change_is_another_version(contender: Contender) -> None:
    """What settles is told by it."""
    cluster = Cluster(contender)
    seen = [cluster.survey().versions]
    saved = cluster.survey().saved
    cluster.define(STABLE, CANARY)
    seen.append(cluster.survey().versions)
    cluster.steer(PINNED, saved)
    seen.append(cluster.survey().versions)
    cluster.steer(STEP, saved)
    seen.append(cluster.survey().versions)
    assert len(set(seen)) == 4


@every_router
@pytest.mark.parametrize("most", range(6))
def test_a_kill_between_any_two_writes_is_mended(contender: Contender, most: int) -> None:
    """Each of a release's writes cut short after some of its objects, and done again (promise 6)."""
    cluster, before = Cluster(contender), Cluster(contender).seen()
    saved = cluster.survey().saved
    cluster.define(STABLE, CANARY, most=most)
    cluster.define(STABLE, CANARY)
    cluster.steer(STEP, saved, most=most)
    assert cluster.drift(saved) is None
    cluster.steer(STEP, saved)
    assert (cluster.survey().split, cluster.survey().agreed) == (STEP, True)
    cluster.steer(DOWN, saved, most=most)
    cluster.restore(saved, most=most)
    cluster.restore(saved)
    cluster.define(most=most)
    cluster.define()
    assert cluster.seen() == before


LONE = {
    "istio": (istio_world.a_route(istio_world.to()),),
    "gateway": (gateway_world.a_mesh_route(), gateway_world.a_service()),
}
"""A user's route with one rule that leads to the Service alone, first of a row's bodies."""


@every_router
@pytest.mark.parametrize("what", [traffic.Only(CANARY, "x-canary", "1"), traffic.Mirror(CANARY, 1_000)], ids=str)
def test_what_a_leg_gets_beside_its_share_is_read_back_or_refused(contender: Contender, what: traffic.Aside) -> None:
    """Exactly; a fall takes it out, and the route is as it was."""
    if contender.name not in routers.ASIDES:
        cluster = Cluster(contender)
        assert routers.unfit(cluster.target, cluster.objects, [what])
        return
    bodies = LONE[contender.name]
    contender = replace(contender, bodies=bodies, route=contenders.key_of(bodies[0]))
    split = replace(PINNED, aside=what)
    cluster, saved = a_split_cluster(contender, split)
    assert routers.unfit(cluster.target, cluster.objects, [what]) == ()
    found = cluster.survey()
    assert (found.split, found.agreed, cluster.drift(saved, STABLE, CANARY)) == (split, True, None)
    assert (cluster.define(STABLE, CANARY), cluster.steer(split, saved)) == (0, 0)
    cluster.steer(DOWN, saved)
    assert (cluster.survey().split, cluster.survey().shown) == (DOWN, frozenset({STABLE}))
    cluster.restore(saved)
    cluster.define()
    assert cluster.seen() == Cluster(contender).seen()
