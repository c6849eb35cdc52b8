"""A Deployment's life where no policy holds a changed template: paused at rest, held when its change is seen."""

import argparse
from typing import cast

import pytest

from deploy import kinds, names
from deploy.cluster import Cluster
from deploy.workload import Held
from rollout.cli import reading, restart, wait, wishes
from rollout.cli.codes import Code
from rollout.plan import Wish
from rollout.status import Phase
from tests.rollout.a_shop import Shop, a_shop, at_rest
from tests.rollout.pair.a_pair_shop import a_pair_shop


def a_paused_shop() -> Shop:
    shop = a_shop()
    shop.settings = {"hold": "pause"}
    shop.cluster.holds = False
    shop.restart()
    shop.live(rests)
    return shop


def rests(shop: Shop) -> bool:
    return bool(shop.deployment["spec"].get("paused")) and shop.notes.get("held") == Held.REST


def test_opted_in_it_is_paused_and_says_so_once() -> None:
    """Without a dry run: the pause is its own proof. Then nothing is written any more."""
    shop = a_paused_shop()
    assert (shop.reasons, shop.cluster.dry_runs) == (["KeptPaused"], 0)
    version = shop.cluster.version
    for _ in range(3):
        shop.look()
    assert (shop.cluster.version, shop.reasons) == (version, ["KeptPaused"])


def test_a_changed_template_is_released_and_rests_paused_again() -> None:
    """From the change to the promotion."""
    shop = a_paused_shop()
    shop.slip("v2")
    shop.live(lambda shop: at_rest(shop) and rests(shop))
    assert shop.phases == [Phase.PROMOTED]
    assert shop.deployment["spec"]["template"]["metadata"]["labels"]["version"] == "v2"


def test_a_write_that_arrives_while_users_leave_the_canary_waits() -> None:
    """In Finishing it is paused already, so that the new template is the next release's."""
    shop = a_paused_shop()
    shop.slip("v2")
    shop.live(lambda shop: shop.phases == [Phase.FINISHING])
    assert rests(shop)
    shop.slip("v3")
    shop.live(lambda shop: shop.phases == [Phase.PROMOTED, Phase.PROMOTED] and rests(shop))


def test_a_native_restart_un_pauses_until_it_is_over() -> None:
    """It is no release."""
    shop = a_paused_shop()
    moment = {"metadata": {"annotations": {names.RESTARTED_AT: "2026-02-01T00:00:00Z"}}}
    shop.cluster.edit(kinds.DEPLOYMENT, "web", {"spec": {"template": moment}})
    shop.look()
    assert (shop.reasons[-1], shop.releases) == ("Restarting", [])
    shop.live(rests)
    assert shop.reasons.count("Restarting") == 1


def test_opted_out_it_is_as_its_owner_wrote_it() -> None:
    """No pause, no mark."""
    shop = a_paused_shop()
    shop.annotate(strategy=None)
    shop.live(lambda shop: "held" not in shop.notes)
    assert not shop.deployment["spec"].get("paused")


def test_one_that_comes_to_be_of_a_pair_is_let_go() -> None:
    """Both of a pair roll natively."""
    shop = a_pair_shop()
    rest = {"metadata": {"annotations": {names.HELD: Held.REST.value}}, "spec": {"paused": True}}
    shop.cluster.edit(kinds.DEPLOYMENT, "web-v2", rest)
    shop.look()
    side = shop.side("web-v2")
    assert (side["spec"].get("paused"), names.HELD in side["metadata"]["annotations"]) == (None, False)


def express(shop: Shop, wish: Wish) -> int:
    given = argparse.Namespace(namespace="shop", name="web", wish=wish)
    return wishes.express(cast(Cluster, shop.cluster), given)


def test_a_person_can_restart_and_go_back(capsys: pytest.CaptureFixture[str]) -> None:
    """What kubectl refuses of a paused Deployment."""
    shop = a_paused_shop()
    assert express(shop, Wish.REVERT) == Code.FAILED
    assert "the present template runs already" in capsys.readouterr().err
    restart.run(cast(Cluster, shop.cluster), argparse.Namespace(namespace="shop", name="web"))
    assert "the controller, which keeps it paused, restarts its pods" in capsys.readouterr().out
    shop.slip("v2")
    shop.live(lambda shop: at_rest(shop) and rests(shop))
    assert express(shop, Wish.REVERT) == Code.DONE
    assert "is put back, which is released like any other change" in capsys.readouterr().out
    shop.live(lambda shop: len(shop.phases) == 2 and at_rest(shop) and rests(shop))
    assert shop.deployment["spec"]["template"]["metadata"]["labels"]["version"] == "v1"


def test_who_waits_for_a_template_is_not_told_that_its_owner_paused_it() -> None:
    """At rest the running template runs; a changed one is about to be held."""
    shop = a_paused_shop()
    seen = {"observedGeneration": shop.deployment["metadata"]["generation"]}
    shop.cluster.edit(kinds.DEPLOYMENT, "web", {"status": seen})
    sight = reading.sight(cast(Cluster, shop.cluster), "shop", "web")
    assert wait.judge(sight, sight.work.digest).code is Code.DONE
    shop.slip("v2")
    sight = reading.sight(cast(Cluster, shop.cluster), "shop", "web")
    found = wait.judge(sight, sight.work.digest)
    assert (found.code, found.text) == (None, "shop/web: the template waits until it is held for its release")
