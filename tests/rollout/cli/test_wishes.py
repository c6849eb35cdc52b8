"""Wishes: asked where they make sense, refused with the reason where they do not."""

import argparse
from collections.abc import Callable
from typing import cast

import pytest

from deploy import errors, kinds, names
from deploy.cluster import Cluster
from rollout.cli import restart, wishes
from rollout.plan import Wish
from rollout.status import Phase
from tests.rollout.a_shop import Shop, a_shop, at_rest


def express(shop: Shop, wish: Wish) -> int:
    given = argparse.Namespace(namespace="shop", name="web", wish=wish)
    return wishes.express(cast(Cluster, shop.cluster), given)


def in_phase(phase: Phase) -> Shop:
    shop = a_shop()
    shop.change("v2")
    shop.live(lambda shop: bool(shop.phases) and shop.phases[-1] == phase)
    return shop


def stepping() -> Shop:
    return in_phase(Phase.STEPPING)


def falling() -> Shop:
    shop = stepping()
    shop.annotate(do="abort")
    shop.look()
    return shop


def stays_down() -> Shop:
    shop = in_phase(Phase.STEPPING)
    shop.annotate(do="abort")
    shop.live(at_rest)
    shop.look()
    return shop


def rolling() -> Shop:
    shop = a_shop()
    shop.cluster.rolls = False
    shop.change("v2")
    shop.live(lambda shop: bool(shop.phases) and shop.phases[-1] == Phase.PROMOTING)
    shop.look()
    return shop


@pytest.mark.parametrize("wish", [Wish.PROMOTE, Wish.ABORT, Wish.PAUSE, Wish.REVERT])
def test_a_wish_for_a_release_in_flight_is_written(wish: Wish, capsys: pytest.CaptureFixture[str]) -> None:
    """And what follows is said."""
    shop = in_phase(Phase.STEPPING)
    assert express(shop, wish) == 0
    assert shop.notes["do"] == wish
    said = capsys.readouterr().out
    assert f"{wish} is asked of release {shop.releases[0].name}: {wishes.NEXT[wish]}" in said
    assert "rampart status web -n shop --watch" in said


@pytest.mark.parametrize(
    ("made", "wish", "reason"),
    [
        pytest.param(a_shop, Wish.PROMOTE, "no release is in flight", id="promote at rest"),
        pytest.param(a_shop, Wish.ABORT, "no release is in flight", id="abort at rest"),
        pytest.param(a_shop, Wish.RETRY, "has not failed", id="retry at rest"),
        pytest.param(a_shop, Wish.REVERT, "runs already", id="revert at rest"),
        pytest.param(stepping, Wish.RETRY, "does not fit a release in phase Stepping", id="retry in flight"),
        pytest.param(stepping, Wish.RESUME, "is not paused", id="resume what goes on"),
        pytest.param(rolling, Wish.ABORT, "too late", id="abort when pods roll"),
        pytest.param(rolling, Wish.PAUSE, "whose pods roll already", id="pause when pods roll"),
        pytest.param(stays_down, Wish.PROMOTE, "rampart retry web -n shop, or rampart revert web -n shop", id="down"),
        pytest.param(falling, Wish.PROMOTE, "does not fit a release in phase RollingBack", id="promote what falls"),
    ],
)  # fmt: skip
def test_a_wish_that_makes_no_sense_is_refused_with_the_reason(
    made: Callable[[], Shop], wish: Wish, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written; exit code 1."""
    shop = made()
    before = shop.deployment
    assert express(shop, wish) == 1
    assert shop.deployment == before
    assert reason in capsys.readouterr().err


def test_a_template_that_stays_down_may_be_tried_again_or_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    """Also while its release still falls."""
    for wish in (Wish.RETRY, Wish.REVERT):
        shop = stays_down()
        assert express(shop, wish) == 0
        assert shop.notes["do"] == wish
    assert express(falling(), Wish.REVERT) == 0


def test_what_is_not_opted_in_is_not_asked_anything(capsys: pytest.CaptureFixture[str]) -> None:
    """It says how to opt in."""
    shop = a_shop()
    shop.annotate(strategy=None)
    assert express(shop, Wish.PROMOTE) == 1
    assert (
        "not opted in: kubectl -n shop annotate deployment web rampart.dev/strategy=canary" in capsys.readouterr().err
    )


def test_a_deployment_that_is_not_there_is_said() -> None:
    """As the server says it."""
    with pytest.raises(errors.Missing):
        wishes.express(
            cast(Cluster, a_shop().cluster), argparse.Namespace(namespace="shop", name="none", wish=Wish.ABORT)
        )


def test_a_change_between_reading_and_writing_is_read_again() -> None:
    """The wish is written at the version at which it was found sensible."""
    shop = in_phase(Phase.STEPPING)
    times = iter([True, False])

    def change(written: tuple[str, str, str]) -> None:
        if written[1] == "Deployment" and next(times, False):
            shop.cluster.edit(kinds.DEPLOYMENT, "web", {"metadata": {"labels": {"other": "one"}}})

    shop.cluster.before = change
    assert express(shop, Wish.ABORT) == 0
    assert shop.notes["do"] == "abort"


@pytest.mark.parametrize(("paused", "said"), [(False, "its pods restart"), (True, "when it is un-paused")])
def test_restart_is_written_into_the_template(paused: bool, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where kubectl refuses, too; it is no new version."""
    shop = a_shop(paused=paused)
    assert restart.run(cast(Cluster, shop.cluster), argparse.Namespace(namespace="shop", name="web")) == 0
    assert names.RESTARTED_AT in shop.deployment["spec"]["template"]["metadata"]["annotations"]
    assert said in capsys.readouterr().out
