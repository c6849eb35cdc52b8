"""What people ask for in mid-release: abort, revert, pause, promote, another template, opting out, deleting."""

from deploy import kinds, names
from tests.e2e import stage

SLOW_PLAN = {"interval": "60s", "bake": "20s"}


def test_abort_takes_all_traffic_back_without_a_failed_request() -> None:
    """The wish is cleared, the version stays down, nothing failed (promises 3 and 5)."""
    with stage.opened(plan=SLOW_PLAN) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        stage.wait("v2 is served", lambda: play.served("v2") > 5)
        play.wish("abort")
        assert play.wait_phase("Cancelled")["reason"] == "Aborted"
        play.check_none_failed()
        play.check_rest("v2", paused=True)


def test_template_put_back_ends_the_release_at_once() -> None:
    """A revert needs no analysis and leaves no mark (case 39)."""
    with stage.opened(plan=SLOW_PLAN) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        play.set_image("v1")
        play.wait_phase("Reverted")
        stage.wait("the hold is off", lambda: names.HELD not in play.get(kinds.DEPLOYMENT)["metadata"]["annotations"])
        play.check_none_failed()
        play.check_rest("v1")


def test_wish_to_revert_puts_the_template_back() -> None:
    """kubectl refuses `rollout undo` on a held Deployment; `do=revert` stands in."""
    with stage.opened(plan=SLOW_PLAN) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        play.wish("revert")
        play.wait_phase("Reverted")
        play.check_none_failed()
        play.check_rest("v1")


def test_newer_template_starts_from_its_own_first_step() -> None:
    """The untested one never inherits the weight (case 38)."""
    with stage.opened() as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("50")
        play.set_image("v3")
        stage.wait("two releases", lambda: len(play.releases()) == 2)
        stage.wait("the first is over", lambda: play.releases()[0]["status"].get("phase") == "Superseded")
        play.wait_weight("20")
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v3")


def test_pause_holds_and_resume_goes_on() -> None:
    """While a person holds, the weight stays."""
    with stage.opened() as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        play.wish("pause")
        stage.wait("it says paused", lambda: play.status()["holding"] == "Paused")
        play.wish("resume")
        play.wait_phase("Promoted")
        assert play.status()["pausedSeconds"] > 0
        play.check_none_failed()
        play.check_rest("v2")


def test_promote_skips_the_analysis_and_not_the_order() -> None:
    """A person promotes; still no request fails and the Deployment rolls only without users."""
    with stage.opened(plan={"interval": "300s", "bake": "300s"}) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        play.wish("promote")
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def test_opting_out_in_mid_release_brings_traffic_back_and_leaves_the_template_paused() -> None:
    """The template that nobody judged stays paused and says so; its owner may resume it (promise 7)."""
    with stage.opened(plan=SLOW_PLAN) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        play.kubectl("annotate", "deployment", "web", f"{names.STRATEGY}-")
        assert play.wait_phase("Cancelled")["reason"] == "OptedOut"
        play.check_rest("v2", paused=True)
        play.kubectl("rollout", "resume", "deployment/web")
        play.rolled_out()
        stage.wait("no mark is left", lambda: names.HELD not in play.get(kinds.DEPLOYMENT)["metadata"]["annotations"])
        play.check_none_failed()


def test_deleting_the_release_brings_traffic_back_first() -> None:
    """The finalizer holds the Release until traffic is back (case 46)."""
    with stage.opened(plan=SLOW_PLAN) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        play.kubectl("delete", "releases", "--all", stage.WAITS)
        assert play.releases() == []
        play.check_none_failed()
        play.check_rest("v2", paused=True)


def test_deleting_the_deployment_leaves_nothing() -> None:
    """Route and canary go with it, and nothing hangs (case 46)."""
    with stage.opened(plan=SLOW_PLAN) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        play.kubectl("delete", "deployment", "web", stage.WAITS)
        play.originals = {key: item for key, item in play.originals.items() if key[0] != "Deployment"}
        stage.wait("no release is left", lambda: play.releases() == [])
        play.check_rest("v2")


def test_deleting_the_namespace_in_mid_release_does_not_hang() -> None:
    """The controller lets go of what is being deleted (case 46)."""
    with stage.opened(plan=SLOW_PLAN) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        play.cluster.delete(kinds.NAMESPACE, play.namespace)
        stage.wait("no release is left", lambda: play.releases() == [])


SLOW_ROLL = [{"op": "add", "path": "/spec/minReadySeconds", "value": 6}]


def test_newer_template_in_the_native_roll_out_stands_on_the_canary() -> None:
    """Users stay on the canary of the interrupted version until the newer one is judged (laws 11 and 13)."""
    with stage.opened() as play:
        play.cluster.patch(kinds.DEPLOYMENT, "web", play.namespace, SLOW_ROLL)
        play.originals["Deployment", "web"]["spec"]["minReadySeconds"] = 6
        play.send()
        play.set_image("v2")
        play.wait_phase("Promoting")
        stage.wait("the first new pod is there", lambda: play.get(kinds.DEPLOYMENT)["status"].get("updatedReplicas"))
        play.set_image("v3")
        stage.wait("two releases", lambda: len(play.releases()) == 2)
        play.wait_phase("Promoted")
        assert [item["status"]["phase"] for item in play.releases()] == ["Superseded", "Promoted"]
        play.check_none_failed()
        play.check_rest("v3")


def test_revert_in_the_native_roll_out_rolls_back_under_nobody() -> None:
    """The old template rolls natively while users stay on the canary (law 11)."""
    with stage.opened() as play:
        play.cluster.patch(kinds.DEPLOYMENT, "web", play.namespace, SLOW_ROLL)
        play.originals["Deployment", "web"]["spec"]["minReadySeconds"] = 6
        play.send()
        play.set_image("v2")
        play.wait_phase("Promoting")
        stage.wait("the first new pod is there", lambda: play.get(kinds.DEPLOYMENT)["status"].get("updatedReplicas"))
        play.set_image("v1")
        play.wait_phase("Reverted")
        play.check_none_failed()
        play.check_rest("v1")
