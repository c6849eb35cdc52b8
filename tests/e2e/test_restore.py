"""Break-glass on real parts: `rampart restore` in mid-step under load, whatever became of the controller."""

import os
import signal
import subprocess
import sys

from deploy import kinds, names
from tests.e2e import stage

SLOW_PLAN = {"interval": "60s", "bake": "20s"}


def rampart(play: stage.Stage, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as a person with the administrator's kubeconfig."""
    command = [sys.executable, "-m", "rollout", *words, "-n", play.namespace]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=stage.COMMAND, env={**os.environ, "NO_COLOR": "1"}
    )


def in_mid_step(play: stage.Stage) -> None:
    """Users are on both versions."""
    play.send()
    play.set_image("v2")
    play.wait_weight("20")
    stage.wait("v2 is served", lambda: play.served("v2") > 5)


def check_restored(play: stage.Stage) -> None:
    """No request failed, nothing is left, the template is paused and its owner's again."""
    assert play.get(kinds.DEPLOYMENT)["metadata"]["annotations"][names.HELD] == "left"
    managers = {item["manager"] for item in play.get(kinds.VIRTUAL_SERVICE)["metadata"]["managedFields"]}
    assert "rampart" not in managers
    play.check_rest("v2", paused=True)
    play.check_none_failed()


def test_restore_with_the_controller_killed_in_mid_step() -> None:
    """Traffic is back, the way out is said, and it works: the old image, opted out, resumed."""
    with stage.opened(plan=SLOW_PLAN) as play:
        in_mid_step(play)
        play.controller.end(signal.SIGKILL)
        done = rampart(play, "restore", "--all")
        assert done.returncode == 0, done.stderr + done.stdout
        assert play.status()["phase"] == "Cancelled"
        assert "kubectl -n" in done.stdout
        assert f"set image deployment/web web=web:v1; kubectl -n {play.namespace} annotate" in done.stdout
        stage.wait("only v1 is served", lambda: play.served("v1") > 50)
        check_restored(play)
        play.kubectl("set", "image", "deployment/web", "web=web:v1")
        play.kubectl("annotate", "deployment/web", f"{names.STRATEGY}-")
        play.kubectl("rollout", "resume", "deployment/web")
        play.rolled_out()


def test_restore_without_any_release() -> None:
    """Case 66: the Release is gone by force, as when its definition is deleted; the split and a canary stay."""
    with stage.opened(plan=SLOW_PLAN) as play:
        in_mid_step(play)
        play.controller.end(signal.SIGKILL)
        name = play.releases()[0]["metadata"]["name"]
        play.cluster.patch(kinds.RELEASE, name, play.namespace, {"metadata": {"finalizers": None}})
        play.cluster.delete(kinds.RELEASE, name, play.namespace)
        foretold = rampart(play, "restore", "--all", "--dry-run")
        assert "all traffic back to stable" in foretold.stdout
        done = rampart(play, "restore", "web")
        assert done.returncode == 0, done.stderr + done.stdout
        check_restored(play)


def test_restore_past_the_first_rolled_pod_finishes_the_roll_out() -> None:
    """Users stay on the canary until the new pods are whole (law 11)."""
    with stage.opened(plan={"steps": "50", "interval": "4s", "bake": "3s"}) as play:
        slow = [{"op": "add", "path": "/spec/minReadySeconds", "value": 4}]
        play.cluster.patch(kinds.DEPLOYMENT, "web", play.namespace, slow)
        play.originals["Deployment", "web"]["spec"]["minReadySeconds"] = 4
        play.send()
        play.set_image("v2")
        play.wait_phase("Promoting")
        stage.wait("the first new pod is there", lambda: play.get(kinds.DEPLOYMENT)["status"].get("updatedReplicas"))
        play.controller.end(signal.SIGKILL)
        done = rampart(play, "restore", "--all")
        assert done.returncode == 0, done.stderr + done.stdout
        assert play.status()["phase"] == "Promoted"
        play.check_rest("v2")
        play.check_none_failed()
