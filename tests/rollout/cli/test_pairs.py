"""What the command line says of a pair, under either name."""

import argparse
import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from deploy import kinds, names
from deploy.cluster import Cluster
from rollout.cli import listing, measuring, reading, wait, wishes
from rollout.cli import status as status_command
from rollout.cli.codes import Code
from rollout.plan import Wish
from rollout.status import Phase
from tests.rollout.a_shop import Shop, at_rest
from tests.rollout.pair.a_pair_shop import PairShop, a_pair_shop
from tests.rollout.test_restoring import in_phase

EITHER = pytest.mark.parametrize("name", ["web-v1", "web-v2"])


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAMPART_PROMETHEUS_URL", "RAMPART_MESH"):
        monkeypatch.delenv(name, raising=False)


def call(shop: Shop, command: Callable[[Cluster, argparse.Namespace], int], **changes: Any) -> int:
    values = {"namespace": "shop", "all_namespaces": False, "watch": False, "output": "table", "every": 0.0}
    given = argparse.Namespace(**{**values, "prometheus_url": None, "mesh": None, **changes})
    return command(cast(Cluster, shop.cluster), given)


def look(shop: Shop, name: str) -> reading.Sight:
    return reading.sight(cast(Cluster, shop.cluster), "shop", name)


def verdict(shop: Shop, name: str) -> wait.Verdict:
    sight = look(shop, name)
    return wait.judge(sight, wait.followed(sight))


def stepping() -> PairShop:
    shop = a_pair_shop()
    shop.live(in_phase(Phase.STEPPING))
    return shop


def promoted() -> PairShop:
    shop = a_pair_shop()
    shop.live(at_rest)
    shop.look()
    return shop


def aborted() -> PairShop:
    shop = stepping()
    shop.cluster.edit(kinds.DEPLOYMENT, "web-v2", {"metadata": {"annotations": {names.DO: "abort"}}})
    shop.live(at_rest)
    shop.look()
    return shop


def rewrite(shop: Shop, name: str, image: str) -> None:
    """A new template, rolled out at once."""
    shop.cluster.objects["Deployment", name]["spec"]["template"]["spec"]["containers"][0]["image"] = image


@EITHER
def test_the_card_shows_the_pairs_release(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And who takes over from whom."""
    shop = stepping()
    assert call(shop, status_command.run, name=name) == 0
    text = capsys.readouterr().out
    assert f"shop/{name}  {shop.releases[0].name}  Stepping" in text
    assert "pair      web-v2 takes over from web-v1" in text


@EITHER
def test_a_pair_without_a_release_says_with_whom_it_takes_turns(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """There is none yet."""
    call(a_pair_shop(), status_command.run, name=name)
    assert "none yet; it takes turns with web-v" in capsys.readouterr().out


def test_lists_show_a_pair_once(capsys: pytest.CaptureFixture[str]) -> None:
    """By its annotated Deployment, whichever side is released."""
    shop = promoted()
    rewrite(shop, "web-v1", "web:v3")
    shop.live(lambda shop: len(shop.releases) == 2 and in_phase(Phase.STEPPING)(shop))
    call(shop, listing.list_all, output="json")
    found = json.loads(capsys.readouterr().out)
    assert [(each["deployment"], each["state"]) for each in found] == [("web-v2", "Stepping")]
    assert found[0]["release"]["pair"] == "web-v2"
    call(shop, status_command.run, name=None, output="json")
    assert [each["deployment"] for each in json.loads(capsys.readouterr().out)] == ["web-v1"]
    call(shop, listing.history, name="web-v2", output="json")
    assert [each["deployment"] for each in json.loads(capsys.readouterr().out)] == ["web-v1", "web-v2"]


@EITHER
def test_wait_follows_the_side_that_is_released(name: str) -> None:
    """From before its release to its end."""
    shop = a_pair_shop()
    assert verdict(shop, name).code is None
    while not at_rest(shop):
        assert verdict(shop, name).code is None
        shop.look()
    assert verdict(shop, "web-v2").code is Code.DONE


@EITHER
def test_wait_follows_the_side_that_comes_next(name: str) -> None:
    """The idle side has a new template, which is not released yet."""
    shop = promoted()
    rewrite(shop, "web-v1", "web:v3")
    found = verdict(shop, name)
    assert found.code is None
    assert found.text == "shop/web-v1: its release has not begun; see: rampart check"
    shop.cluster.objects["Deployment", "web-v1"]["status"]["updatedReplicas"] = 1
    assert verdict(shop, name).text == "shop/web-v1: rolls natively, its release begins when that is over"


def test_wait_says_what_rests() -> None:
    """The side that had its turn, and the one that failed; a retry is waited for."""
    assert "had its turn before and rests" in verdict(promoted(), "web-v1").text
    shop = aborted()
    found = verdict(shop, "web-v2")
    assert (found.code, "rampart retry web-v2 -n shop" in found.text) == (Code.CANCELLED, True)
    assert verdict(shop, "web-v1").code is Code.DONE
    del shop.cluster.objects["Release", shop.releases[0].name]
    assert "failed before and stays down" in verdict(shop, "web-v2").text
    shop.cluster.edit(kinds.DEPLOYMENT, "web-v2", {"metadata": {"annotations": {names.DO: "retry"}}})
    assert verdict(shop, "web-v2").code is None


def test_wait_says_that_the_template_is_another_by_now() -> None:
    """On neither side."""
    sight = look(stepping(), "web-v2")
    assert wait.judge(sight, "0000000000").code is Code.SUPERSEDED


@EITHER
@pytest.mark.parametrize("wish", [Wish.PROMOTE, Wish.ABORT, Wish.PAUSE, Wish.REVERT])
def test_a_wish_may_be_written_on_either(name: str, wish: Wish, capsys: pytest.CaptureFixture[str]) -> None:
    """What follows is said in a pair's words."""
    shop = stepping()
    assert call(shop, wishes.express, name=name, wish=wish) == 0
    assert shop.side(name)["metadata"]["annotations"][names.DO] == wish
    assert "the Deployment rolls natively" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("shop", "wish", "said"),
    [
        pytest.param(a_pair_shop, Wish.ABORT, "no release is in flight", id="nothing to abort"),
        pytest.param(a_pair_shop, Wish.RETRY, "so there is nothing to release", id="nothing to retry"),
        pytest.param(aborted, Wish.PROMOTE, "rampart retry web-v2", id="a failed one"),
        pytest.param(stepping, Wish.RESUME, "is not paused", id="not paused"),
    ],
)
def test_a_wish_without_sense_is_refused(
    shop: Callable[[], PairShop], wish: Wish, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written."""
    found = shop()
    assert call(found, wishes.express, name="web-v1", wish=wish) == Code.FAILED
    assert said in capsys.readouterr().err
    assert names.DO not in (found.side("web-v1")["metadata"].get("annotations") or {})


def test_what_failed_may_be_tried_again_and_what_ends_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A retry is written; a release that falls already takes no wish."""
    assert call(aborted(), wishes.express, name="web-v1", wish=Wish.RETRY) == 0
    shop = stepping()
    shop.cluster.edit(kinds.DEPLOYMENT, "web-v2", {"metadata": {"annotations": {names.DO: "abort"}}})
    shop.live(in_phase(Phase.ROLLING_BACK))
    assert call(shop, wishes.express, name="web-v2", wish=Wish.PROMOTE) == Code.FAILED
    assert "is about to end" in capsys.readouterr().err


def test_the_legs_of_a_pair_are_its_deployments() -> None:
    """As telemetry names them."""
    assert measuring.legs(stepping().releases[0]) == ("web-v2", "web-v1")
