"""Somebody else's admission webhook against the hold: held or refused, never rolled."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import errors, hold
from deploy.traffic import Json
from tests.e2e import webhooks
from tests.e2e.hold_fixtures import (
    FREE,
    HELD,
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


SIDECAR = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:meddled"}
SEEN = {"op": "add", "path": "/metadata/labels", "value": {"seen": "yes"}}
UNPAUSE = {"op": "add", "path": "/spec/paused", "value": False}
UNMARK = {"op": "add", "path": "/metadata/annotations", "value": {}}


@contextlib.contextmanager
def meddled(shop: Shop, directory: Path, reinvocation: str, *patch: Json) -> Iterator[None]:
    """Another's webhook at work, seen to act: it labels every Deployment, too."""
    with webhooks.meddling(shop.user, shop.namespace, directory, reinvocation, SEEN, *patch):
        eventually("the webhook acts", lambda: has_acted(shop))
        yield


def has_acted(shop: Shop) -> bool:
    """Whether it labels, or makes the write be refused."""
    try:
        return "seen" in shop.patch({"spec": {"replicas": 2}}, dry_run=True)["metadata"].get("labels", {})
    except errors.Invalid:
        return True


def test_a_webhook_that_changes_the_template_afterwards_is_held(shop: Shop, tmp_path: Path) -> None:
    """The write changed only the size, the webhook the image: the policy looks again and holds it (case 62)."""
    shop.create()
    with meddled(shop, tmp_path, "Never", SIDECAR):
        scaled = shop.patch({"spec": {"replicas": 3}})
    assert scaled["spec"]["template"]["spec"]["containers"][0]["image"] == "web:meddled"
    assert held(scaled) == HELD


def test_a_webhook_that_un_pauses_once_is_overruled(shop: Shop, tmp_path: Path) -> None:
    """The policy runs again after it (case 62)."""
    shop.create()
    with meddled(shop, tmp_path, "Never", UNPAUSE):
        assert held(shop.patch(image("web:v2"))) == HELD


def test_a_webhook_that_takes_all_annotations_away_is_overruled(shop: Shop, tmp_path: Path) -> None:
    """Opted in before the write counts, whatever is left of the annotations after it."""
    shop.create()
    with meddled(shop, tmp_path, "Never", UNMARK, UNPAUSE):
        assert held(shop.patch(image("web:v2"))) == HELD


def test_a_webhook_that_always_has_the_last_word_is_refused(shop: Shop, tmp_path: Path) -> None:
    """Where it un-pauses after the policy again, nothing is written at all: never rolled (case 62)."""
    shop.create()
    with meddled(shop, tmp_path, "IfNeeded", UNPAUSE):
        with pytest.raises(errors.Invalid, match="HoldEscaped"):
            shop.patch(image("web:v2"))
        assert held(shop.patch({"metadata": {"annotations": {"note": "x"}}})) == FREE
        assert "another admission webhook" in str(hold.prove(shop.controller, shop.read()))
    assert shop.read()["spec"]["template"]["spec"]["containers"][0]["image"] == "web:v1"


def test_a_webhook_can_not_un_pause_what_is_held(shop: Shop, tmp_path: Path) -> None:
    """No write of a held Deployment passes with such a webhook, rather than roll it."""
    shop.create()
    shop.patch(image("web:v2"))
    with meddled(shop, tmp_path, "IfNeeded", UNPAUSE), pytest.raises(errors.Invalid, match="HoldEscaped"):
        shop.patch({"spec": {"replicas": 3}})
    assert held(shop.read()) == HELD
