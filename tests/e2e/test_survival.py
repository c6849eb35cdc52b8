"""What a release lives through: a killed controller, a Prometheus that goes away, and foreign writers."""

import signal
import time

import pytest

from deploy import kinds
from tests.e2e import prometheus_of_own, stage

PORT = 19090


@pytest.mark.parametrize("moment", ["Preparing", "Stepping", "Baking", "Promoting", "Finishing"])
def test_controller_killed_in_mid_release_finds_its_way(moment: str) -> None:
    """SIGKILL in a phase; the next one goes on, no request fails (promise 6)."""
    with stage.opened() as play:
        play.send()
        play.set_image("v2")
        play.wait_phase(moment)
        play.controller.end(signal.SIGKILL)
        play.controller.start()
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def test_controller_killed_while_rolling_back_finds_its_way() -> None:
    """The fall was done; what remains is cleaned up by the next one."""
    with stage.opened(plan={"max-failures": "1"}) as play:
        play.send()
        play.set_image("v2-errors50")
        play.wait_phase("RollingBack")
        play.controller.end(signal.SIGKILL)
        play.controller.start()
        play.wait_phase("RolledBack")
        play.check_only_failed("v2")
        play.check_rest("v2-errors50", paused=True)


def test_prometheus_away_and_back_holds_and_goes_on() -> None:
    """Stopped, hung and started again in mid-step: a verdict of its own, never the canary's fault (promise 4)."""
    flags = {"prometheus-url": f"http://127.0.0.1:{PORT}", "prometheus-timeout": "2"}
    plan = {"interval": "15s"}
    with prometheus_of_own.opened(PORT) as prometheus, stage.opened(plan=plan, flags=flags) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        prometheus.end()
        stage.wait("it holds", lambda: play.status()["holding"] == "PrometheusUnreachable")
        assert play.status()["weight"] == "20"
        prometheus.start()
        play.wait_weight("50")
        prometheus.process.send_signal(signal.SIGSTOP)
        stage.wait("it holds", lambda: play.status()["holding"] == "PrometheusUnreachable")
        prometheus.process.send_signal(signal.SIGCONT)
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def test_no_traffic_holds_and_is_cancelled_at_the_deadline() -> None:
    """Silence is neither a pass nor a failure (case 20)."""
    with stage.opened(plan={"deadline": "60s"}) as play:
        play.set_image("v2")
        stage.wait("it holds", lambda: play.status().get("holding") == "NoRequests")
        assert play.wait_phase("Cancelled")["reason"] == "DeadlinePassed"
        play.check_rest("v2", paused=True)


def test_edit_of_another_rule_is_kept_by_the_restored_route() -> None:
    """The user's own change in mid-release is there afterwards, and disturbs nothing."""
    with stage.opened() as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        play.kubectl(
            "patch", "virtualservice", "web", "--type=json",
            '-p=[{"op":"add","path":"/spec/http/0/timeout","value":"7s"}]',
        )  # fmt: skip
        play.originals["VirtualService", "web"]["spec"]["http"][0]["timeout"] = "7s"
        play.wait_phase("Promoted")
        assert play.events("RouteDrift") == []
        play.check_none_failed()
        play.check_rest("v2")


def test_route_put_back_by_a_foreign_writer_is_split_again() -> None:
    """A GitOps tool applies its manifest once: seen, said, split again (case 12)."""
    with stage.opened(plan={"interval": "10s"}) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        wait_split(play, 20)
        put_back(play)
        play.told("RouteDrift")
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def wait_split(play: stage.Stage, weight: int) -> None:
    """A rise is recorded first, then done: wait until it is done, so that what is put back is a drift."""

    def is_split() -> bool:
        route = play.get(kinds.VIRTUAL_SERVICE)["spec"]["http"][0]["route"]
        return [leg.get("weight") for leg in route] == [100 - weight, weight]

    stage.wait(f"the route shows {weight}", is_split)


def put_back(play: stage.Stage) -> None:
    """Replace the route's rules by the original ones, as a tool does that knows nothing of us."""
    rules = play.originals["VirtualService", "web"]["spec"]["http"]
    patch = [{"op": "replace", "path": "/spec/http", "value": rules}]
    play.cluster.patch(kinds.VIRTUAL_SERVICE, "web", play.namespace, patch)


def test_route_put_back_from_the_first_split_on_is_no_fight() -> None:
    """A GitOps tool with self-heal: four splits, and the release gives way (case 12)."""
    with stage.opened(plan={"interval": "60s", "bake": "20s"}) as play:
        play.send()
        play.set_image("v2")
        deadline = time.monotonic() + stage.PATIENCE
        while play.status().get("phase") != "Cancelled" and time.monotonic() < deadline:
            put_back(play)
            time.sleep(0.5)
        assert play.wait_phase("Cancelled")["reason"] == "RouteContested"
        assert len(play.events("RouteDrift")) <= 3
        play.check_none_failed()
        play.check_rest("v2", paused=True)


def test_server_side_apply_after_a_release_meets_no_conflict() -> None:
    """What the API server noted as ours in the route is given up at the end (promise 7)."""
    with stage.opened() as play:
        play.send()
        play.set_image("v2")
        play.wait_phase("Promoted")
        route = stage.VIRTUAL_SERVICE.replace("attempts: 0", "attempts: 1")
        play.kubectl("apply", "--server-side", "--field-manager=tool", "-f", "-", given=route)
        managers = {item["manager"] for item in play.get(kinds.VIRTUAL_SERVICE)["metadata"]["managedFields"]}
        assert "rampart" not in managers
        play.check_none_failed()


def test_release_that_vanished_in_mid_step_is_swept() -> None:
    """Its object removed by force: traffic comes back, the canary goes, the template is released anew (case 66)."""
    with stage.opened(plan={"interval": "60s", "bake": "20s"}) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        name = play.releases()[0]["metadata"]["name"]
        play.controller.end(signal.SIGKILL)
        play.cluster.patch(kinds.RELEASE, name, play.namespace, {"metadata": {"finalizers": None}})
        play.cluster.delete(kinds.RELEASE, name, play.namespace)
        play.controller.start()
        play.told("Swept")
        play.wait_weight("20")
        play.wish("abort")
        play.wait_phase("Cancelled")
        play.check_rest("v2", paused=True)


def test_route_put_back_again_and_again_ends_the_release() -> None:
    """There is no fight: after three times all traffic is stable's and the canary goes."""
    with stage.opened(plan={"interval": "60s", "bake": "20s"}) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        wait_split(play, 20)
        for times in range(1, 4):
            put_back(play)
            stage.wait(f"drift {times} is answered", lambda times=times: len(play.status()["drifts"]) >= 1 + times)  # type: ignore[misc]
            wait_split(play, 20)
        put_back(play)
        assert play.wait_phase("Cancelled")["reason"] == "RouteContested"
        play.check_rest("v2", paused=True)
