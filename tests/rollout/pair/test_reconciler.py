"""What a look at a pair tells, and what it does not forget to."""

from typing import Any

import pytest

from deploy import errors, kinds, names
from rollout.pair.actor import PairActor
from rollout.seen import Act, ClearWish
from rollout.status import Phase
from tests.rollout.pair.a_pair_shop import PairShop, a_pair_shop
from tests.rollout.small_cluster import Written


def in_phase(phase: Phase) -> Any:
    return lambda shop: shop.releases and shop.releases[-1].status.phase is phase


def abort(shop: PairShop) -> None:
    shop.cluster.edit(kinds.DEPLOYMENT, "web-v2", {"metadata": {"annotations": {names.DO: "abort"}}})


class Refusing:
    """Stands before the writes of a pair, and is refused when a wish is to be cleared."""

    def __init__(self, actor: PairActor) -> None:
        self._actor = actor

    def perform(self, act: Act, hand: Any) -> None:
        if isinstance(act, ClearWish):
            raise errors.Unreachable("the server does not answer")
        self._actor.perform(act, hand)


def test_end_that_was_recorded_and_not_told_is_told_later() -> None:
    """The end stands in the Release, and then the cluster does not answer."""
    shop = a_pair_shop()
    shop.live(in_phase(Phase.STEPPING))
    abort(shop)
    pairs = shop.reconciler._pairs
    actor = pairs._pair_actor
    pairs._pair_actor = Refusing(actor)  # type: ignore[assignment]
    with pytest.raises(errors.Unreachable):
        shop.live(in_phase(Phase.CANCELLED))
    assert shop.phases == ["Cancelled"]
    assert "Cancelled" not in shop.reasons
    pairs._pair_actor = actor
    shop.look()
    assert shop.reasons.count("Cancelled") == 1


def test_decision_that_a_killed_controller_recorded_is_told_by_the_next() -> None:
    shop = a_pair_shop()
    shop.live(in_phase(Phase.STEPPING))
    last = shop.releases[-1].status.decisions[-1]
    shop.told.clear()
    shop.restart()
    shop.look()
    assert shop.told[0].message == last.message


def test_nothing_is_shown_of_a_pair_at_rest() -> None:
    """Its series go, also where nobody was told of the end."""
    shop = a_pair_shop()
    shown: list[object] = []
    shop.looked = lambda view, seen: shown.append((view.name, seen is None))
    shop.restart()
    shop.live(in_phase(Phase.PROMOTED))
    shown.clear()
    shop.look()
    assert set(shown) == {("web-v1", True), ("web-v2", True)}


def test_look_at_a_side_under_its_own_name_takes_no_series_of_its_release_away() -> None:
    """`web-v2` is released for the pair; what is seen of it is shown under its name."""
    shop = a_pair_shop()
    shop.live(in_phase(Phase.STEPPING))
    shown: list[str] = []
    shop.looked = lambda view, seen: shown.append(view.name)
    shop.restart()
    release = shop.releases[-1]
    assert release.spec.deployment == "web-v2"
    free = {"spec": {"pair": "web-v1"}}
    shop.cluster.edit(kinds.RELEASE, release.name, free)
    bare = {"metadata": {"annotations": {names.CANARY_OF: None, names.STRATEGY: None}}}
    shop.cluster.edit(kinds.DEPLOYMENT, "web-v2", bare)
    shop.reconciler.reconcile("shop", "web-v2")
    assert shown == []


def test_fall_of_a_pair_that_is_refused_is_told_and_tried_again_within_a_second() -> None:
    """Promise 3, in the words that any release has."""
    shop = a_pair_shop()
    shop.live(in_phase(Phase.STEPPING))
    assert shop.parts == [80, 20]
    abort(shop)

    def away(written: Written) -> None:
        if written[1] == "VirtualService":
            raise errors.Invalid("refused by a policy")

    shop.cluster.before = away
    assert shop.look() == 1
    told = shop.told[-1]
    assert (told.reason, told.message) == ("FallRefused", "tried again at once: refused by a policy")
    assert shop.phases == ["Stepping"]
