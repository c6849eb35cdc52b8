"""The hold on a real API server: what is held, what is let through, what is refused, and what is said."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy import errors, events, hold, kinds, names
from deploy.traffic import Json
from tests.e2e import webhooks
from tests.e2e.hold_fixtures import (
    Shop,
    a_deployment,
    controller,
    eventually,
    image,
    in_force,
    installed,
    is_paused,
    mark,
    shop,
    user,
)

__all__ = ["controller", "in_force", "installed", "shop", "user"]

pytestmark = pytest.mark.e2e


def held(deployment: Json) -> tuple[bool, str | None]:
    return is_paused(deployment), mark(deployment)


HELD = (True, "true")
FREE = (False, None)


CHANGES = [
    pytest.param(image("web:v2"), id="image"),
    pytest.param({"spec": {"template": {"metadata": {"labels": {"tier": "gold"}}}}}, id="pod label"),
    pytest.param({"spec": {"template": {"metadata": {"annotations": {"note": "new"}}}}}, id="pod annotation"),
    pytest.param({"spec": {"template": {"spec": {"priorityClassName": None, "hostNetwork": True}}}}, id="pod spec"),
    pytest.param({"spec": {"replicas": 5, **image("web:v2")["spec"]}}, id="image and size at once"),
    pytest.param({"spec": {"replicas": 0, **image("web:v2")["spec"]}}, id="image and size zero at once"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_template_is_held(shop: Shop, change: Json) -> None:
    """Whatever part of the template changed, the same write comes back paused and marked."""
    shop.create()
    assert held(shop.patch(change)) == HELD


INNOCENT = [
    pytest.param({"spec": {"replicas": 3}}, id="size"),
    pytest.param({"metadata": {"labels": {"team": "a"}}}, id="label"),
    pytest.param({"metadata": {"annotations": {"note": "x"}}}, id="annotation"),
    pytest.param({"spec": {"minReadySeconds": 5}}, id="min ready seconds"),
    pytest.param(
        {"spec": {"template": {"metadata": {"annotations": {names.RESTARTED_AT: "2026-01-01T00:00:00Z"}}}}},
        id="restart",
    ),
    pytest.param(
        {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [{"name": "web", "image": "web:v1", "resources": {"requests": {"cpu": "1000m"}}}]
                    }
                }
            }
        },
        id="another spelling of the same quantity",
    ),
    pytest.param({"spec": {"template": {"spec": {"restartPolicy": "Always"}}}}, id="a default spelt out"),
]


@pytest.mark.parametrize("change", INNOCENT)
def test_what_is_no_new_version_is_not_held(shop: Shop, change: Json) -> None:
    """Size, metadata, restarts and other spellings of the same template pass as if rampart were not there."""
    shop.create()
    assert held(shop.patch(change)) == FREE


@pytest.mark.parametrize("change", INNOCENT)
def test_a_held_deployment_stays_held_under_innocent_writes(shop: Shop, change: Json) -> None:
    """No other write frees a template that waits."""
    shop.create()
    shop.patch(image("web:v2"))
    assert held(shop.patch(change)) == HELD


def test_deployments_that_are_not_opted_in_are_left_alone(shop: Shop) -> None:
    """Without the strategy annotation nothing is held."""
    body = a_deployment(shop.namespace)
    del body["metadata"]["annotations"]
    shop.create(body)
    assert held(shop.patch(image("web:v2"))) == FREE


def test_opting_in_and_changing_in_one_write_is_held(shop: Shop) -> None:
    """Opted in after the write counts."""
    body = a_deployment(shop.namespace)
    del body["metadata"]["annotations"]
    shop.create(body)
    both = {"metadata": {"annotations": {names.STRATEGY: "canary"}}, **image("web:v2")}
    assert held(shop.patch(both)) == HELD


def test_opting_out_and_changing_in_one_write_is_held(shop: Shop) -> None:
    """Opted in before the write counts: a changed template does not slip out with the annotation."""
    shop.create()
    both = {"metadata": {"annotations": {names.STRATEGY: None}}, **image("web:v2")}
    assert held(shop.patch(both)) == HELD


def test_opting_out_alone_is_free(shop: Shop) -> None:
    """After opting out, the Deployment is as any other."""
    shop.create()
    shop.annotate(strategy=None)
    assert held(shop.patch(image("web:v2"))) == FREE


def test_a_held_deployment_stays_held_after_opting_out(shop: Shop) -> None:
    """The mark holds, not only the opt-in: un-pausing would roll out what nobody judged."""
    shop.create()
    shop.patch(image("web:v2"))
    shop.annotate(strategy=None)
    assert held(shop.patch({"spec": {"paused": False}})) == HELD


def test_a_held_deployment_keeps_and_scales_its_old_replica_set(shop: Shop) -> None:
    """Only the running version's ReplicaSet exists, and it follows the size."""
    shop.create()
    shop.patch(image("web:v2"))
    shop.patch({"spec": {"replicas": 4}})
    eventually("the old ReplicaSet scaled", lambda: [item["spec"]["replicas"] for item in shop.sets()] == [4])


def test_scaled_to_zero_and_back_while_held_brings_the_stable_version(shop: Shop) -> None:
    """The held version does not start by way of zero (case 67)."""
    shop.create()
    shop.patch(image("web:v2"))
    assert held(shop.patch({"spec": {"replicas": 0}})) == HELD
    eventually("no replicas", lambda: [item["spec"]["replicas"] for item in shop.sets()] == [0])
    assert held(shop.patch(image("web:v3"))) == HELD
    assert held(shop.patch({"spec": {"replicas": 3}})) == HELD
    eventually("the stable version again", lambda: [item["spec"]["replicas"] for item in shop.sets()] == [3])
    assert shop.sets()[0]["spec"]["template"]["spec"]["containers"][0]["image"] == "web:v1"


def test_behind_zero_replicas_nothing_is_held(shop: Shop) -> None:
    """A Deployment without pods has no users to protect."""
    body = a_deployment(shop.namespace)
    body["spec"]["replicas"] = 0
    shop.create(body)
    assert held(shop.patch(image("web:v2"))) == FREE


def test_holding_touches_nothing_else(shop: Shop) -> None:
    """Repeated variables and ports, which people do write, stay as they are; so does everything around them."""
    body = a_deployment(shop.namespace)
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    container["ports"] = [{"name": "a", "containerPort": 80}, {"name": "b", "containerPort": 80}]
    before = shop.create(body)
    after = shop.patch([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:v2"}])
    assert held(after) == HELD
    before["spec"]["template"]["spec"]["containers"][0]["image"] = "web:v2"
    assert after["spec"] == {**before["spec"], "paused": True}


def test_an_owners_own_pause_is_theirs_until_they_resume(shop: Shop) -> None:
    """Changes under an owner's pause are not ours; resuming them is the release."""
    shop.create()
    assert held(shop.patch({"spec": {"paused": True}})) == (True, None)
    assert held(shop.patch(image("web:v2"))) == (True, None)
    assert held(shop.patch({"spec": {"paused": False}})) == HELD


def test_a_pause_that_comes_with_the_change_is_the_owners(shop: Shop) -> None:
    """Paused by the same write that changes the template: not held until resumed."""
    shop.create()
    assert held(shop.patch({"spec": {"paused": True, **image("web:v2")["spec"]}})) == (True, None)
    assert held(shop.patch({"spec": {"paused": False}})) == HELD


def test_an_equal_write_while_held_changes_nothing(shop: Shop) -> None:
    """Applying the same manifest again leaves the generation as it is."""
    shop.create()
    first = shop.patch(image("web:v2"))
    again = shop.patch(image("web:v2"))
    assert again["metadata"]["generation"] == first["metadata"]["generation"]


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
    shop.settle()
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


def test_the_controller_lets_a_held_template_roll(shop: Shop) -> None:
    """A real write of the controller's ServiceAccount is exempt."""
    shop.create()
    shop.patch(image("web:v2"))
    assert held(shop.let_roll()) == (False, "rolling")
    eventually("rolled", lambda: len(shop.sets()) == 2)


def test_a_dry_run_of_the_controller_is_not_exempt(shop: Shop) -> None:
    """So that the controller can prove the hold."""
    shop.create()
    answer = shop.controller.patch(kinds.DEPLOYMENT, "web", shop.namespace, image("web:v2"), dry_run=True)
    assert held(answer) == HELD
    assert held(shop.read()) == FREE


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


def test_a_backup_taken_while_held_can_be_restored(shop: Shop) -> None:
    """The marks are part of what is created anew (case 64)."""
    body = a_deployment(shop.namespace, held="true", failed="abc")
    body["spec"]["paused"] = True
    assert held(shop.create(body)) == HELD


def test_a_template_written_between_read_and_un_pause_is_not_rolled_out(shop: Shop) -> None:
    """The controller's patch names the version that it read; a newer one makes it a conflict (case 61)."""
    shop.create()
    judged = shop.patch(image("web:v2"))
    shop.patch(image("web:v3"))
    version = judged["metadata"]["resourceVersion"]
    with pytest.raises(errors.Conflict):
        shop.controls({"metadata": {"resourceVersion": version}, "spec": {"paused": False}})
    assert held(shop.read()) == HELD


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


def test_the_proof_holds_whatever_state_the_deployment_is_in(shop: Shop) -> None:
    """Plain, owner-paused, held, rolling: a dry run shows the hold each time, and writes nothing."""
    shop.create()
    assert hold.prove(shop.controller, shop.read()) is None
    shop.patch({"spec": {"paused": True}})
    assert hold.prove(shop.controller, shop.read()) is None
    shop.patch({"spec": {"paused": False}})
    assert hold.prove(shop.controller, shop.read()) is None
    shop.let_roll()
    assert hold.prove(shop.controller, shop.read()) is None
    assert held(shop.read()) == (False, "rolling")


def test_the_proof_fails_where_the_hold_does_not_act(shop: Shop) -> None:
    """A Deployment that no policy matches stands for a cluster without the hold."""
    body = a_deployment(shop.namespace)
    del body["metadata"]["annotations"]
    shop.create(body)
    assert "paused false and rampart.dev/held missing" in str(hold.prove(shop.controller, shop.read()))


def bad(**note: str) -> Any:
    ((key, value),) = note.items()
    return pytest.param(key.replace("_", "-"), value, id=f"{key} {value}".strip())


REFUSED = [
    *(bad(strategy=value) for value in ("", "Canary", "rolling")),
    *(
        bad(steps=value)
        for value in ("20,40,40", "0", "100,50", "5,,10", "5%", "101", "", "0,5", "5,", "1e1", "-5", "5.555")
    ),
    *(bad(interval=value) for value in ("60", "1d", "", "0s", "5 m", "1.5h")),
    *(bad(bake=value) for value in ("", "x")),
    *(bad(deadline=value) for value in ("0m", "forever")),
    *(bad(success_rate=value) for value in ("101", "-1", "99%", "", "NaN", "100.5")),
    *(bad(latency=value) for value in ("500ms", "p99", "p99<500", "p99<0ms", "p0<5ms", "p100<5ms", "p99>500ms")),
    *(bad(max_failures=value) for value in ("0", "101", "1.5", "")),
    *(bad(judge=value) for value in ("", "oracle")),
    *(bad(on_failure=value) for value in ("", "ignore")),
    *(bad(on_no_data=value) for value in ("", "fail")),
    *(bad(router=value) for value in ("", "nginx")),
    *(bad(do=value) for value in ("", "Promote", "explode")),
    *(bad(service=value) for value in ("", "Web", "web.shop", "w" * 64)),
    *(bad(canary_of=value) for value in ("", "web_v1")),
    *(bad(policy=value) for value in ("", "Strict!")),
]


@pytest.mark.parametrize(("key", "value"), REFUSED)
def test_a_bad_value_is_refused_with_key_and_value(shop: Shop, key: str, value: str) -> None:
    """The cluster says at write time which key is wrong, what was found and what is right (case 48)."""
    body = a_deployment(shop.namespace)
    body["metadata"]["annotations"][f"{names.GROUP}/{key}"] = value
    with pytest.raises(errors.Invalid) as refused:
        shop.user.create(kinds.DEPLOYMENT, body, dry_run=True)
    assert f"rampart.dev/{key} must" in str(refused.value)
    assert f"got {value}".strip() in str(refused.value)


ACCEPTED = {
    "strategy": ("canary", "blue-green"),
    "steps": ("5,25,50", "0.5", "0.01,1,99.99", "100", "5,100"),
    "interval": ("30s", "5m", "1h30m"),
    "bake": ("0s", "10m"),
    "deadline": ("2h",),
    "success-rate": ("0", "99", "99.95", "100", "100.0"),
    "latency": ("p99<500ms", "p99.9<2s", "p50<10ms", "p0.5<10ms"),
    "max-failures": ("1", "100"),
    "judge": ("evidence", "threshold"),
    "on-failure": ("rollback", "hold"),
    "on-no-data": ("hold", "cancel", "promote"),
    "router": ("istio", "gateway", "smi", "service"),
    "do": ("promote", "abort", "pause", "resume", "retry", "revert"),
    "service": ("web", "w" * 63),
    "canary-of": ("web-v1",),
    "policy": ("strict",),
}


@pytest.mark.parametrize("key", ACCEPTED)
def test_good_values_are_accepted(shop: Shop, key: str) -> None:
    """Every form that the documentation names."""
    for value in ACCEPTED[key]:
        body = a_deployment(shop.namespace)
        body["metadata"]["annotations"][f"{names.GROUP}/{key}"] = value
        shop.user.create(kinds.DEPLOYMENT, body, dry_run=True)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        pytest.param("step", "the nearest is rampart.dev/steps", id="missing letter"),
        pytest.param("latncy", "the nearest is rampart.dev/latency", id="misspelt"),
        pytest.param("xyz", "known after rampart.dev/ are strategy, steps", id="nothing near"),
        pytest.param("", "known after rampart.dev/ are strategy, steps", id="empty"),
    ],
)
def test_an_unknown_key_is_refused_and_the_known_ones_named(shop: Shop, key: str, words: str) -> None:
    """Also on a Deployment that is not opted in: the misspelt key may have been to opt in."""
    body = a_deployment(shop.namespace)
    body["metadata"]["annotations"] = {f"{names.GROUP}/{key}": "1"}
    with pytest.raises(errors.Invalid) as refused:
        shop.user.create(kinds.DEPLOYMENT, body, dry_run=True)
    if key:
        assert f"rampart.dev/{key} is not a known key; {words}" in str(refused.value)


def test_only_keys_that_a_write_changes_are_judged(shop: Shop) -> None:
    """A value that was written under older rules locks nobody out."""
    shop.create()
    shop.controls({"metadata": {"annotations": {f"{names.GROUP}/steps": "5%", f"{names.GROUP}/ancient": "1"}}})
    assert held(shop.patch({"spec": {"replicas": 3}})) == FREE
    with pytest.raises(errors.Invalid, match="steps must"):
        shop.annotate(steps="6%")


def test_a_huge_template_is_held_within_the_cost_limits(shop: Shop) -> None:
    """A pod template near the largest that etcd takes (1 MB) does not exhaust the policies' budget."""
    body = a_deployment(shop.namespace)
    variables = [{"name": f"VARIABLE_{number}", "value": "x" * 100} for number in range(300)]
    body["spec"]["template"]["spec"]["containers"] = [
        {"name": f"part-{number}", "image": "web:v1", "env": variables} for number in range(20)
    ]
    body["spec"]["template"]["metadata"]["annotations"] = {f"example.com/{number}": "y" * 500 for number in range(300)}
    body["metadata"]["annotations"].update({f"example.com/{number}": "z" * 200 for number in range(300)})
    body["spec"]["replicas"] = 1
    patient = replace(shop, user=shop.user.within(60))
    patient.create(body)
    last = "/spec/template/spec/containers/19/env/299/value"
    assert held(patient.patch([{"op": "replace", "path": last, "value": "new"}])) == HELD
    assert held(patient.patch({"spec": {"replicas": 2}})) == HELD


RIGHTS = [
    *(("patch", kinds.DEPLOYMENT, ""), ("create", kinds.DEPLOYMENT, ""), ("delete", kinds.DEPLOYMENT, "")),
    *((verb, kind, "") for verb in ("get", "list", "watch") for kind in (
        kinds.DEPLOYMENT, kinds.REPLICA_SET, kinds.POD, kinds.SERVICE, kinds.ENDPOINT_SLICE, kinds.NAMESPACE,
        kinds.RELEASE, kinds.VIRTUAL_SERVICE, kinds.DESTINATION_RULE,
        kinds.MUTATING_POLICY, kinds.MUTATING_BINDING, kinds.VALIDATING_POLICY, kinds.VALIDATING_BINDING)),
    *((verb, kind, "") for verb in ("get", "list") for kind in (kinds.HPA, kinds.PDB)),
    *((verb, kind, "") for verb in ("create", "update", "patch", "delete") for kind in (
        kinds.RELEASE, kinds.VIRTUAL_SERVICE, kinds.DESTINATION_RULE)),
    ("patch", kinds.RELEASE, "status"), ("update", kinds.RELEASE, "status"), ("update", kinds.RELEASE, "finalizers"),
    ("create", kinds.EVENT, ""), ("patch", kinds.EVENT, ""),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "kind", "subresource"), RIGHTS, ids=str)
def test_the_controller_has_the_rights_it_needs(shop: Shop, verb: str, kind: kinds.Kind, subresource: str) -> None:
    """Everywhere, since users' namespaces are not known beforehand."""
    assert shop.controller.may(verb, kind, subresource=subresource)


def test_the_controller_may_write_leases_in_its_own_namespace_only(shop: Shop) -> None:
    """A Role, not a ClusterRole."""
    for verb in ("get", "create", "update"):
        assert shop.controller.may(verb, kinds.LEASE, "rampart-system")
        assert not shop.controller.may(verb, kinds.LEASE, shop.namespace)


@pytest.mark.parametrize("plural", ["secrets", "configmaps", "serviceaccounts", "pods/exec"])
@pytest.mark.parametrize("verb", ["get", "list", "create", "patch"])
def test_the_controller_has_no_rights_beyond(shop: Shop, verb: str, plural: str) -> None:
    """No Secrets above all (case 59)."""
    resource, _, subresource = plural.partition("/")
    assert not shop.controller.may(verb, kinds.Kind("", "v1", resource, resource), subresource=subresource)


def test_events_are_shown_by_kubectl_and_said_once(shop: Shop) -> None:
    """Under the Deployment, with type, reason and words; a repeat is no second Event (case 57)."""
    web, troubles = shop.create(), list[str]()
    herald = events.Herald(shop.controller, troubles.append)
    words = events.Words("RolledBack", "success 91.2 % is below 99 % over 60s", events.WARNING, "abc")
    for _ in range(3):
        assert herald.say(web, words, datetime.now(UTC))
    assert troubles == []
    shown = shop.kubectl("events", "--for", "deployment/web", "--types=Warning").out
    assert shown.count("success 91.2 % is below 99 % over 60s") == 1
    assert "RolledBack" in shop.kubectl("describe", "deployment", "web").out


def test_releases_live_as_the_controller_needs(shop: Shop) -> None:
    """Created with a finalizer, status by its subresource, shown in columns, found by the short name, deleted."""
    release: Json = {
        "metadata": {"name": "web-1", "namespace": shop.namespace, "finalizers": [names.FINALIZER]},
        "spec": {"deployment": "web", "deploymentUid": "u", "revision": "abc", "plan": {"steps": "5,25"}},
    }
    made = shop.controller.create(kinds.RELEASE, release)
    assert made["spec"]["attempt"] == 1
    condition = {
        "type": "Complete", "status": "True", "reason": "Promoted", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    status = {"phase": "Promoted", "stepText": "2/2", "weight": "100", "novel": {"x": 1}, "conditions": [condition]}
    shop.controller.patch(kinds.RELEASE, "web-1", shop.namespace, {"status": status}, subresource="status")
    assert shop.user.get(kinds.RELEASE, "web-1", shop.namespace)["status"]["novel"] == {"x": 1}
    assert shop.kubectl("get", "rel").out.split()[:8] == [
        "NAME", "DEPLOYMENT", "PHASE", "STEP", "WEIGHT", "SUCCESS", "LATENCY", "REASON",
    ]  # fmt: skip
    assert shop.kubectl("wait", "--for=condition=Complete", "rel/web-1", "--timeout=5s").code == 0
    shop.controller.patch(kinds.RELEASE, "web-1", shop.namespace, {"metadata": {"finalizers": None}})
    shop.controller.delete(kinds.RELEASE, "web-1", shop.namespace, uid=made["metadata"]["uid"])
    assert shop.user.find(kinds.RELEASE, "web-1", shop.namespace) is None
