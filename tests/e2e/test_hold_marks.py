"""The marks on a Deployment, true, rolling and left: who may move them on, and what each of them keeps."""

import pytest

from deploy import errors, names
from deploy.traffic import Json
from tests.e2e.hold_fixtures import (
    CHANGES,
    FREE,
    HELD,
    INNOCENT,
    Shop,
    controller,
    eventually,
    held,
    image,
    in_force,
    installed,
    shop,
    user,
    window,
)

__all__ = ["controller", "in_force", "installed", "shop", "user", "window"]

pytestmark = pytest.mark.e2e


def test_the_controller_lets_a_held_template_roll(shop: Shop) -> None:
    """A real write of the controller's ServiceAccount is exempt."""
    shop.create()
    shop.patch(image("web:v2"))
    assert held(shop.let_roll()) == (False, "rolling")
    eventually("rolled", lambda: len(shop.sets()) == 2)


def rolling(shop: Shop) -> None:
    shop.create()
    shop.patch(image("web:v2"))
    shop.let_roll()


@pytest.mark.parametrize("change", INNOCENT[:5])
def test_innocent_writes_pass_while_rolling(shop: Shop, change: Json) -> None:
    """A native roll-out under way is not stopped by labels, size or a restart, and keeps its mark."""
    rolling(shop)
    assert held(shop.patch(change)) == (False, "rolling")


@pytest.mark.parametrize("change", CHANGES)
def test_a_newer_template_while_rolling_is_held(shop: Shop, change: Json) -> None:
    """A second version in mid-promotion does not roll unjudged (law 4)."""
    rolling(shop)
    change = change if change["spec"]["template"] != image("web:v2")["spec"]["template"] else image("web:v3")
    assert held(shop.patch(change)) == HELD


def test_a_newer_template_while_rolling_is_held_also_when_opting_out(shop: Shop) -> None:
    """The mark counts, not only the opt-in (law 4)."""
    rolling(shop)
    shop.annotate(strategy=None)
    assert held(shop.read()) == (False, "rolling")
    assert held(shop.patch(image("web:v3"))) == HELD


def test_the_rolling_mark_survives_its_removal(shop: Shop) -> None:
    """A file without our annotations does not wipe the mark of a roll-out under way."""
    rolling(shop)

    def forget(body: Json) -> None:
        del body["metadata"]["annotations"]

    assert held(shop.replace(forget)) == (False, "rolling")


def test_an_owner_may_pause_a_roll_out(shop: Shop) -> None:
    """Pausing and resuming the judged template is the owner's."""
    rolling(shop)
    assert held(shop.patch({"spec": {"paused": True}})) == (True, "rolling")
    assert held(shop.patch({"spec": {"paused": False}})) == (False, "rolling")


def left(shop: Shop) -> None:
    """What the controller makes of a held Deployment after opt-out."""
    shop.create()
    shop.patch(image("web:v2"))
    shop.annotate(strategy=None)
    shop.controls({"metadata": {"annotations": {names.HELD: "left"}}})


def test_a_left_template_may_be_resumed_freely(shop: Shop) -> None:
    """After opt-out the owner decides, and the mark goes with the resumption."""
    left(shop)
    assert held(shop.read()) == (True, "left")
    assert held(shop.patch({"spec": {"paused": False}})) == FREE


def test_a_left_template_may_be_changed_freely(shop: Shop) -> None:
    """It stays paused, as its owner would expect of a paused Deployment, and says so."""
    left(shop)
    said = shop.kubectl("set", "image", "deployment/web", "web=web:v3")
    assert "kubectl rollout resume deployment/web" in said.err
    assert held(shop.read()) == (True, "left")


def test_a_left_template_is_held_again_when_opted_in_and_resumed(shop: Shop) -> None:
    """Opted in again, it is released like any other change."""
    left(shop)
    shop.annotate(strategy="canary")
    assert held(shop.patch({"spec": {"paused": False}})) == HELD


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(names.HELD, "true", id="held true"),
        pytest.param(names.HELD, "rolling", id="held rolling"),
        pytest.param(names.HELD, "left", id="held left"),
        pytest.param(names.FAILED, "abc", id="failed"),
    ],
)
def test_a_user_can_not_write_our_marks(shop: Shop, key: str, value: str) -> None:
    """They are refused, with what to do instead."""
    shop.create()
    with pytest.raises(errors.Invalid, match="rampart's own mark"):
        shop.patch({"metadata": {"annotations": {key: value}}})


@pytest.mark.parametrize("value", ["rolling", "left", "false", None])
def test_a_user_can_not_change_a_held_mark(shop: Shop, value: str | None) -> None:
    """On a held Deployment whatever is written there is put right."""
    shop.create()
    shop.patch(image("web:v2"))
    assert held(shop.annotate(held=value)) == HELD


def test_the_record_of_a_bad_version_survives_its_removal(shop: Shop) -> None:
    """A user's file without it does not let a bad version start again (law 3)."""
    shop.create()
    shop.controls({"metadata": {"annotations": {names.FAILED: "abc"}}})
    shop.replace(lambda body: body["metadata"]["annotations"].pop(names.FAILED))
    assert shop.read()["metadata"]["annotations"][names.FAILED] == "abc"


def test_a_template_written_between_read_and_un_pause_is_not_rolled_out(shop: Shop) -> None:
    """The controller's patch names the version that it read; a newer one makes it a conflict (case 61)."""
    shop.create()
    judged = shop.patch(image("web:v2"))
    shop.patch(image("web:v3"))
    version = judged["metadata"]["resourceVersion"]
    with pytest.raises(errors.Conflict):
        shop.controls({"metadata": {"resourceVersion": version}, "spec": {"paused": False}})
    assert held(shop.read()) == HELD
