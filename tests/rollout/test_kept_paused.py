"""A Deployment's life where no policy holds a changed template: paused at rest, held when its change is seen."""

from deploy import kinds, names
from deploy.workload import Held
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
