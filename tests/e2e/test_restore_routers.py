"""Break-glass on other routes than Istio's: Gateway API, SMI, and a pair, with the controller killed in mid-step."""

import signal

import pytest

from deploy import kinds, names
from sandbox.smi.definitions import Flavour
from tests.e2e import smi_stage, stage, test_gateway, test_pair, test_smi
from tests.e2e.test_restore import SLOW_PLAN, in_mid_step, rampart

ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{group: "", kind: Service, name: web}]
  rules: [{timeouts: {request: 5s}, backendRefs: [{name: web, port: 80}]}]
"""


def forget(play: stage.Stage) -> None:
    """The controller is killed, and the Release removed by force, as when its definition is deleted (case 66)."""
    play.controller.end(signal.SIGKILL)
    name = play.releases()[0]["metadata"]["name"]
    play.cluster.patch(kinds.RELEASE, name, play.namespace, {"metadata": {"finalizers": None}})
    play.cluster.delete(kinds.RELEASE, name, play.namespace)


def check_nothing_left(play: stage.Stage) -> None:
    """No leg and no temporary route; the user's own is nobody's but its user's."""
    for kind in (kinds.SERVICE, kinds.HTTP_ROUTE):
        assert play.cluster.list(kind, play.namespace, labels=names.MANAGED).items == []
    assert play.get(kinds.DEPLOYMENT)["metadata"]["annotations"][names.HELD] == "left"
    play.check_rest("v2", paused=True)
    play.check_none_failed()


@pytest.mark.parametrize("knows", [pytest.param(True, id="its release"), pytest.param(False, id="nothing")])
def test_a_route_of_the_gateway_api_is_put_back(knows: bool) -> None:
    """By the Release, and without it by what the route shows."""
    with stage.opened(plan=SLOW_PLAN, virtual_service=ROUTE) as play:
        in_mid_step(play)
        stage.wait("the route shows it", lambda: test_gateway.weights(play, rule=0) == [80, 20])
        play.controller.end(signal.SIGKILL) if knows else forget(play)
        foretold = rampart(play, "restore", "--all", "--dry-run")
        assert ("traffic to stable" if knows else "all traffic back to stable") in foretold.stdout, foretold.stdout
        done = rampart(play, "restore", "--all")
        assert done.returncode == 0, done.stderr + done.stdout
        assert "rollout resume deployment/web" in done.stdout
        managers = {item["manager"] for item in play.get(kinds.HTTP_ROUTE)["metadata"]["managedFields"]}
        assert "rampart" not in managers
        check_nothing_left(play)


def test_splits_that_nobody_remembers_are_put_back() -> None:
    """SMI: the user's own TrafficSplit, with its spelling of weights; the leg Services go last."""
    split = smi_stage.a_split(("web", "800m"), ("legacy", "0.2"), version="v1alpha1")
    extra = (test_smi.OTHER, smi_stage.a_service("legacy", app="legacy"), split)
    with test_smi.opened(Flavour.LINKERD, *extra, interval="60s") as play:
        play.rolled_out("legacy")
        del play.originals["Deployment", "legacy"]
        before = test_smi.split_of(play)
        play.send(80)
        play.set_image("v2")
        play.wait_weight("20")
        stage.wait("v2 is served", lambda: play.served("v2") > 5)
        forget(play)
        done = rampart(play, "restore", "--all")
        assert done.returncode == 0, done.stderr + done.stdout
        test_smi.check_rest(play, "v2", before, paused=True)
        play.check_none_failed()


def test_strays_without_any_deployment_are_removed() -> None:
    """Everything but a temporary route and its legs is gone: the Deployment too, by force."""
    with stage.opened(plan={**SLOW_PLAN, "router": "gateway"}, virtual_service="") as play:
        play.send(40)
        play.set_image("v2")
        play.wait_weight("20")
        play.finish_load()
        forget(play)
        play.kubectl("delete", "deployment", "web", "--wait=true")
        foretold = rampart(play, "restore", "--all", "--dry-run")
        assert f"{play.namespace}/web  the Service's route shows something of ours" in foretold.stdout
        done = rampart(play, "restore", "--all")
        assert done.returncode == 0, done.stderr + done.stdout
        for kind in (kinds.SERVICE, kinds.HTTP_ROUTE, kinds.DEPLOYMENT):
            assert play.cluster.list(kind, play.namespace, labels=names.MANAGED).items == []


def test_a_pair_goes_back_to_its_old_side() -> None:
    """Its release is ended and let go; both Deployments stay as they are."""
    with test_pair.opened() as play:
        before = stage.content(play.get(kinds.VIRTUAL_SERVICE))
        test_pair.apply_new(play, "v2")
        stage.wait("20 %", lambda: test_pair.weights(play) == [80, 20])
        play.kubectl("annotate", "deployment", "web-v2", "rampart.dev/interval=60s", "--overwrite")
        stage.wait("v2 is served", lambda: play.served("v2") > 5)
        play.controller.end(signal.SIGKILL)
        foretold = rampart(play, "restore", "web-v1", "--dry-run")
        assert "traffic to the old side" in foretold.stdout, foretold.stdout
        done = rampart(play, "restore", "web-v1")
        assert done.returncode == 0, done.stderr + done.stdout
        assert test_pair.weights(play) == [100, 0]
        test_pair.only_weights_moved(play, before)
        release = play.releases()[0]
        assert release["status"]["phase"] == "Cancelled"
        assert not release["metadata"].get("finalizers")
        for name in ("web-v1", "web-v2"):
            assert not play.get(kinds.DEPLOYMENT, name)["spec"].get("paused")
        play.check_none_failed()
