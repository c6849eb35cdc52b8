"""What people type at a held Deployment: it stays held, and kubectl says so."""

import json

import pytest

from deploy import names
from deploy.traffic import Json
from tests.e2e.hold_fixtures import (
    FREE,
    HELD,
    Shop,
    a_deployment,
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


def test_replace_without_our_annotations_stays_held(shop: Shop) -> None:
    """`kubectl replace` with a file that knows nothing of rampart does not free a held template (case 63)."""
    shop.create()
    shop.patch(image("web:v2"))

    def forget(body: Json) -> None:
        del body["metadata"]["annotations"]
        body["spec"]["paused"] = False

    assert held(shop.replace(forget)) == HELD


def test_replace_without_our_annotations_and_with_another_version_is_held(shop: Shop) -> None:
    """The same file with a new image, on a Deployment that was not held: held (case 63)."""
    shop.create()

    def forget(body: Json) -> None:
        del body["metadata"]["annotations"]
        body["spec"]["template"]["spec"]["containers"][0]["image"] = "web:v2"

    assert held(shop.replace(forget)) == HELD


def test_forced_server_side_apply_stays_held(shop: Shop) -> None:
    """An applier that owns `paused` and says false is overruled."""
    shop.create()
    shop.patch(image("web:v2"))
    body = a_deployment(shop.namespace)
    body["spec"]["paused"] = False
    said = shop.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", given=json.dumps(body))
    assert said.code == 0
    assert "rampart holds web" in said.err
    assert held(shop.read()) == HELD


def test_rollout_resume_stays_held_and_says_what_to_do(shop: Shop) -> None:
    """kubectl itself tells the user that it is held and how to promote."""
    shop.create()
    shop.patch(image("web:v2"))
    said = shop.kubectl("rollout", "resume", "deployment/web")
    assert "rampart.dev/do=promote" in said.err
    assert held(shop.read()) == HELD


def test_set_image_says_that_it_is_held(shop: Shop) -> None:
    """The write that begins a release is told so."""
    shop.create()
    said = shop.kubectl("set", "image", "deployment/web", "web=web:v2")
    assert said.code == 0
    assert (
        f"rampart holds web until its new version is judged; watch: kubectl get releases -n {shop.namespace}"
        in said.err
    )


def test_after_a_failure_the_warning_says_retry_or_revert(shop: Shop) -> None:
    """A template that failed waits for no judgement; the write that brings another one is told of its release."""
    shop.create()
    shop.patch(image("web:v2"))
    said = shop.kubectl("label", "deployment", "web", "team=a")
    assert "rampart.dev/do=promote (or abort)" in said.err
    shop.controls({"metadata": {"annotations": {names.FAILED: "d1gest"}}})
    said = shop.kubectl("label", "deployment", "web", "team=b", "--overwrite")
    assert "a version of web has failed, and rampart holds it" in said.err
    assert "rampart.dev/do=retry (or revert; while a newer version is judged: promote or abort)" in said.err
    said = shop.kubectl("set", "image", "deployment/web", "web=web:v3")
    assert "rampart holds web until its new version is judged" in said.err


def test_rollout_status_waits_for_a_held_deployment(shop: Shop) -> None:
    """Scripts that wait for the roll-out do not pass before it is one."""
    shop.create()
    shop.patch(image("web:v2"))
    assert shop.kubectl("rollout", "status", "deployment/web", "--timeout=2s").code != 0


def test_rollout_restart_stays_native(shop: Shop) -> None:
    """Restarting is no new version."""
    shop.create()
    assert shop.kubectl("rollout", "restart", "deployment/web").code == 0
    assert held(shop.read()) == FREE
    eventually("a second ReplicaSet", lambda: len(shop.sets()) == 2)


def test_rollout_undo_is_held_and_its_old_marks_are_not_believed(shop: Shop) -> None:
    """Undo brings back the old revision's annotations, our marks among them; none of them is taken over (case 65)."""
    shop.create()
    shop.patch(image("web:v2"))
    shop.let_roll()
    eventually("rolled", lambda: len(shop.sets()) == 2)
    shop.controls({"metadata": {"annotations": {names.FAILED: "0ld"}}})
    eventually("the old revision carries it", lambda: any(has_failed(item) for item in shop.sets()))
    shop.controls({"metadata": {"annotations": {names.FAILED: None, names.HELD: None}}})
    shop.patch(image("web:v3"))
    shop.let_roll()
    eventually("rolled", lambda: len(shop.sets()) == 3)
    shop.controls({"metadata": {"annotations": {names.HELD: None}}})
    said = shop.kubectl("rollout", "undo", "deployment/web", "--to-revision=2")
    assert said.code == 0, said.err
    assert shop.read()["spec"]["template"]["spec"]["containers"][0]["image"] == "web:v2"
    assert held(shop.read()) == HELD
    assert names.FAILED not in shop.read()["metadata"]["annotations"]


def has_failed(item: Json) -> bool:
    return names.FAILED in (item["metadata"].get("annotations") or {})


def test_undo_behind_zero_replicas_brings_no_false_mark(shop: Shop) -> None:
    """Where nothing is held, a mark from an old revision is dropped."""
    shop.create()
    shop.patch(image("web:v2"))
    shop.let_roll()
    eventually("rolled", lambda: len(shop.sets()) == 2)
    shop.controls({"metadata": {"annotations": {names.HELD: None}}})
    shop.patch({"spec": {"replicas": 0}})
    shop.patch(image("web:v3"))
    eventually("rolled", lambda: len(shop.sets()) == 3)
    assert shop.kubectl("rollout", "undo", "deployment/web", "--to-revision=2").code == 0
    assert held(shop.read()) == FREE


def test_a_backup_taken_while_held_can_be_restored(shop: Shop) -> None:
    """The marks are part of what is created anew (case 64)."""
    body = a_deployment(shop.namespace, held="true", failed="abc")
    body["spec"]["paused"] = True
    assert held(shop.create(body)) == HELD
