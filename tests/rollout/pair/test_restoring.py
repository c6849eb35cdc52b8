"""A pair that is taken out of Rampart's hands: by restore, and by its annotations."""

from typing import cast

import pytest

from deploy import kinds, names
from deploy.cluster import Cluster
from rollout import settings
from rollout.leftovers import Scope
from rollout.restoring import Restorer
from rollout.seen import Told
from rollout.settings import Settings
from rollout.status import Phase
from tests.rollout.a_shop import at_rest
from tests.rollout.pair.a_pair_shop import ROUTE, PairShop, a_pair_shop
from tests.rollout.test_restoring import in_phase

KEY = "shop/web-v2"


def restorer(shop: PairShop, said: list[str] | None = None) -> Restorer:
    found = settings.load({"prometheus_url": "http://p", "settle": 0.01, "drain": 0.01}, {})
    assert isinstance(found, Settings)

    def say(key: str, told: Told) -> None:
        if said is not None:
            said.append(f"{key} {told.message}")

    return Restorer(cast(Cluster, shop.cluster), found, say)


def restore(shop: PairShop, scope: Scope = Scope(), seconds: float = 5) -> dict[str, str]:  # noqa: B008 frozen
    """All of it, as the command does it."""
    hand = restorer(shop)
    waiting = {**hand.bring_to_rest(hand.inventory.concerned(scope), seconds)}
    waiting = waiting or {**hand.clear_strays(scope, seconds)}
    if not waiting:
        hand.disown()
    return waiting


def check_old_side(shop: PairShop) -> None:
    """All traffic to web-v1, the release ended and let go, and both Deployments as they were."""
    assert shop.route == ROUTE
    assert [release.finalizers for release in shop.releases] == [()]
    assert shop.phases == ["Cancelled"]
    for name in ("web-v1", "web-v2"):
        found = shop.side(name)
        assert not found["spec"].get("paused")
        assert found["spec"]["replicas"] == 4
    assert names.STRATEGY in shop.side("web-v2")["metadata"]["annotations"]


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.STEPPING, Phase.BAKING])
@pytest.mark.parametrize("scope", [Scope(), Scope(("shop",), ("web-v2",))])
def test_a_pairs_release_falls_to_the_old_side(phase: Phase, scope: Scope) -> None:
    """As for an opt-out, while the annotations stay."""
    shop = a_pair_shop()
    shop.live(in_phase(phase))
    assert restore(shop, scope) == {}
    check_old_side(shop)
    assert "rampart restore takes Rampart out" in shop.releases[0].status.message
    managers = [each["manager"] for each in shop.cluster.get(kinds.VIRTUAL_SERVICE, "web")["metadata"]["managedFields"]]
    assert managers == ["kubectl"]


def test_either_side_names_the_pair() -> None:
    """The release in flight has one key, the annotated Deployment."""
    shop = a_pair_shop()
    shop.live(in_phase(Phase.STEPPING))
    inventory = restorer(shop).inventory
    for name in ("web-v1", "web-v2"):
        assert inventory.concerned(Scope(("shop",), (name,))) == (KEY,)
    assert inventory.concerned(Scope(("shop",), ("web",))) == ()


def test_what_would_be_done_is_foretold() -> None:
    """Nothing is written."""
    shop = a_pair_shop()
    shop.live(in_phase(Phase.STEPPING))
    shop.cluster.writes.clear()
    release = shop.releases[0].name
    wished = f"release {release} is Stepping at 20 %: traffic to the old side; both Deployments stay"
    assert restorer(shop).prospect(KEY) == wished
    assert shop.cluster.writes == []


def test_traffic_stays_where_nobody_could_answer() -> None:
    """The old side was scaled down: it is said, and the time is over."""
    shop = a_pair_shop()
    shop.live(in_phase(Phase.STEPPING))
    shop.cluster.objects["Deployment", "web-v1"]["status"] = {}
    assert "no ready pod to go back to" in restore(shop, seconds=0.6)[KEY]
    assert shop.parts == [80, 20]


def test_a_release_that_ended_is_let_go_after_the_opt_out() -> None:
    """Its finalizer would hold up its namespace for ever."""
    shop = a_pair_shop()
    shop.live(in_phase(Phase.STEPPING))
    ours = {names.STRATEGY: None, names.CANARY_OF: None}
    shop.cluster.edit(kinds.DEPLOYMENT, "web-v2", {"metadata": {"annotations": ours}})
    shop.live(at_rest)
    shop.look()
    assert shop.phases == ["Cancelled"]
    assert shop.releases[0].finalizers == ()
    assert shop.route == ROUTE


def test_a_release_that_moved_nothing_is_let_go_after_the_opt_out() -> None:
    """It does not say yet which the other side is, and neither do the annotations."""
    shop = a_pair_shop()
    shop.live(in_phase(Phase.PENDING))
    ours = {names.STRATEGY: None, names.CANARY_OF: None}
    shop.cluster.edit(kinds.DEPLOYMENT, "web-v2", {"metadata": {"annotations": ours}})
    shop.live(at_rest)
    shop.look()
    assert shop.phases == ["Cancelled"]
    assert shop.releases[0].finalizers == ()
    assert shop.route == ROUTE


def test_a_release_that_can_not_be_read_is_let_go() -> None:
    """It keeps nobody waiting."""
    shop = a_pair_shop()
    spec = {"deployment": "web-v2", "pair": "web-v2", "revision": 7}
    shop.cluster.seed(kinds.RELEASE, "broken", metadata={"finalizers": [names.FINALIZER]}, spec=spec)
    assert restore(shop) == {}
    assert not shop.cluster.get(kinds.RELEASE, "broken")["metadata"].get("finalizers")
    assert shop.route == ROUTE


def test_a_release_that_ended_under_a_killed_controller_is_let_go() -> None:
    """Before its finalizer went."""
    shop = a_pair_shop()
    shop.live(at_rest)
    held = {"metadata": {"finalizers": [names.FINALIZER]}}
    shop.cluster.edit(kinds.RELEASE, shop.releases[0].name, held)
    assert restore(shop) == {}
    assert shop.phases == ["Promoted"]
    assert not shop.releases[0].finalizers
    assert shop.parts == [0, 100]
