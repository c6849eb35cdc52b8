"""`rampart wait`: the exit code tells how the release of the present template ended."""

import argparse
import time
from typing import cast

import pytest

from deploy import errors
from deploy.cluster import Cluster
from rollout import cli
from rollout.cli import absent, reading, wait
from rollout.cli.codes import Code
from rollout.cli.reading import Sight
from rollout.status import Phase
from tests.rollout.a_shop import Shop, a_shop, at_rest


def look(shop: Shop) -> Sight:
    return reading.sight(cast(Cluster, shop.cluster), "shop", "web")


def verdict(shop: Shop, revision: str | None = None) -> wait.Verdict:
    sight = look(shop)
    return wait.judge(sight, revision or sight.work.digest)


def until(shop: Shop, phase: Phase) -> None:
    shop.live(lambda shop: bool(shop.phases) and shop.phases[-1] == phase)


def test_a_good_release_is_waited_for_to_its_end() -> None:
    """Not done at any look before nothing of it is left."""
    shop = a_shop()
    shop.change("v2")
    assert verdict(shop).code is None
    while not at_rest(shop):
        assert verdict(shop).code is None
        shop.look()
    assert verdict(shop).code is Code.DONE


def test_an_aborted_release_is_cancelled_and_both_ways_on_are_said() -> None:
    """Retry, or revert."""
    shop = a_shop()
    shop.change("v2")
    until(shop, Phase.STEPPING)
    shop.annotate(do="abort")
    shop.live(at_rest)
    found = verdict(shop)
    assert found.code is Code.CANCELLED
    assert "rampart retry web -n shop" in found.text
    assert "rampart revert web -n shop" in found.text


def test_an_earlier_end_of_the_same_template_does_not_answer_for_a_new_try() -> None:
    """Aborted, then asked again: it is waited for."""
    shop = a_shop()
    shop.change("v2")
    until(shop, Phase.STEPPING)
    shop.annotate(do="abort")
    shop.live(at_rest)
    shop.look()
    shop.annotate(do="retry")
    assert verdict(shop).code is None
    shop.live(lambda shop: len(shop.phases) == 2)
    assert verdict(shop).code is None
    shop.live(at_rest)
    assert verdict(shop).code is Code.DONE


def test_a_promotion_of_yesterday_does_not_answer_for_the_same_template_today() -> None:
    """v2, v1, and v2 again: the template is held, so its release is still to come."""
    shop = a_shop()
    for version in ("v2", "v3"):
        shop.change(version)
        shop.live(lambda shop: not look(shop).is_held and at_rest(shop))
    shop.change("v2")
    assert look(shop).of(look(shop).work.digest) is not None
    assert verdict(shop).code is None


def test_a_newer_template_supersedes_the_one_that_is_followed() -> None:
    """By its release's own end."""
    shop = a_shop()
    shop.change("v2")
    until(shop, Phase.STEPPING)
    followed = look(shop).work.digest
    shop.change("v3")
    assert verdict(shop, followed).code is None
    shop.live(lambda shop: shop.phases[0] == "Superseded")
    assert verdict(shop, followed).code is Code.SUPERSEDED


def test_a_revert_is_told_apart() -> None:
    """The template is the old one again."""
    shop = a_shop()
    shop.change("v2")
    until(shop, Phase.STEPPING)
    followed = look(shop).work.digest
    shop.annotate(do="revert")
    shop.live(at_rest)
    assert verdict(shop, followed).code is Code.REVERTED


def test_a_template_that_never_got_a_release_was_superseded() -> None:
    """Somebody was faster."""
    assert verdict(a_shop(), "0123456789").code is Code.SUPERSEDED


def test_an_opt_out_cancels() -> None:
    """The template stays paused."""
    shop = a_shop()
    shop.change("v2")
    until(shop, Phase.STEPPING)
    shop.annotate(strategy=None)
    shop.live(at_rest)
    assert verdict(shop).code is Code.CANCELLED


def test_a_template_that_runs_needs_no_release() -> None:
    """Nothing was changed: the pipeline goes on."""
    assert verdict(a_shop()).code is Code.DONE


def test_a_time_out_and_a_missing_deployment_have_codes_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    """And the last state is said."""
    shop = a_shop()
    shop.change("v2")
    assert wait.follow(lambda: look(shop), None, time.monotonic() - 1, lambda text: None) is Code.TIMED_OUT
    assert "the time was over; last: shop/web: the template is held" in capsys.readouterr().err
    assert wait.follow(missing, None, time.monotonic() + 9, lambda text: None) is Code.NOT_FOUND


def missing() -> Sight:
    raise absent.Absent("there is no Deployment web in namespace shop")


def undefined() -> Sight:
    raise errors.Missing("the definition of Releases is not installed")


def test_only_an_absent_deployment_has_the_code_of_one() -> None:
    """What the cluster lacks besides is a failure like any other."""
    with pytest.raises(errors.Missing, match="definition"):
        wait.follow(undefined, None, time.monotonic() + 9, lambda text: None)


def test_a_server_that_is_away_for_a_moment_is_asked_again() -> None:
    """No verdict is made of it."""
    sight = look(a_shop())
    away = iter([True])
    told: list[str] = []

    def ask() -> Sight:
        if next(away, False):
            raise errors.Unreachable("away")
        return sight

    assert wait.follow(ask, None, time.monotonic() + 9, told.append) is Code.DONE
    assert told == ["no API server answers (away); --kubeconfig and --context name another"]


def test_every_end_is_good_for_who_waits_for_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """--for ended."""
    shop = a_shop()
    shop.change("v2")
    until(shop, Phase.STEPPING)
    shop.annotate(do="abort")
    shop.live(at_rest)
    for goal, code in (("promoted", Code.CANCELLED), ("ended", Code.DONE)):
        given = argparse.Namespace(namespace="shop", name="web", revision=None, timeout=5, quiet=True, goal=goal)
        assert wait.run(cast(Cluster, shop.cluster), given) == code


def test_bad_flags_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2."""
    with pytest.raises(SystemExit) as left:
        cli.main(["wait", "web", "--for", "ever"])
    assert left.value.code == 2
