"""Pair mode on real parts: two Deployments of the user's, weights of the user's VirtualService, and nothing of ours."""

import contextlib
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from deploy import kinds, names
from deploy.traffic import Json
from rollout.status import parse_time
from sandbox.smi.definitions import Flavour
from tests.e2e import smi_stage, stage
from tests.e2e.stage import Stage, content, wait

SIDE = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web-{version}, annotations: {{}}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web, version: {version}}}}}
  template:
    metadata: {{labels: {{app: web, version: {version}}}}}
    spec:
      terminationGracePeriodSeconds: 10
      containers:
      - name: web
        image: web:{image}
        ports: [{{containerPort: 8080}}]
        lifecycle: {{preStop: {{sleep: {{seconds: 2}}}}}}
"""

RULE = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
"""

ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - retries: {attempts: 0}
    route:
    - {destination: {host: web, subset: v1}, weight: 100}
    - {destination: {host: web, subset: v2}, weight: 0}
"""

PLAN = ("strategy=canary", "canary-of=web-v1", "judge=threshold", "steps=20,50", "interval=6s", "bake=5s")


SPLIT = """
apiVersion: split.smi-spec.io/v1alpha4
kind: TrafficSplit
metadata: {name: web}
spec:
  service: web
  backends:
  - {service: one, weight: 100}
  - {service: two, weight: 0}
"""


def test_weights_of_a_traffic_split_move_alone() -> None:
    """Two Services in the place of two subsets; real requests follow the split."""
    services = (
        smi_stage.a_service("one", app="web", version="v1"),
        smi_stage.a_service("two", app="web", version="v2"),
    )
    one = SIDE.format(version="v1", image="v1")
    with (
        smi_stage.defined(Flavour.UPSTREAM),
        stage.opened(one, *services, SPLIT, plan={"strategy": "canary"}, virtual_service="") as found,
    ):
        found.kubectl("delete", "deployment", "web", "--wait=true")
        found.rolled_out("web-v1")
        found.send()
        apply_new(found, "v2")
        found.wait_phase("Promoted")
        backends = found.get(kinds.TRAFFIC_SPLIT)["spec"]["backends"]
        assert [entry["weight"] for entry in backends] == [0, 100]
        served = found.served("v1")
        wait("only the new one is met", lambda: found.served("v2") > 300)
        assert found.served("v1") - served < 20
        found.check_none_failed()


@contextlib.contextmanager
def opened() -> Iterator[Stage]:
    """`web-v1` has all the traffic; `web` itself, of the usual stage, is out of the way."""
    one = SIDE.format(version="v1", image="v1")
    with stage.opened(RULE, one, plan={"strategy": "canary"}, virtual_service=ROUTE) as found:
        found.kubectl("delete", "deployment", "web", "--wait=true")
        found.rolled_out("web-v1")
        found.send()
        yield found


def apply_new(play: Stage, image: str) -> None:
    """The second Deployment, as its user writes it."""
    play.apply(SIDE.format(version="v2", image=image))
    play.kubectl("annotate", "deployment", "web-v2", *(f"{names.GROUP}/{pair}" for pair in PLAN))


def weights(play: Stage) -> list[int]:
    spec = play.get(kinds.VIRTUAL_SERVICE)["spec"]
    return [entry["weight"] for entry in spec["http"][0]["route"]]


def only_weights_moved(play: Stage, before: Json) -> None:
    """The route is as it was but for its weights, and nothing of ours is there."""
    after = content(play.get(kinds.VIRTUAL_SERVICE))
    for body in (before, after):
        for entry in body["spec"]["http"][0]["route"]:
            entry.pop("weight", None)
    assert after == before
    rules = play.cluster.list(kinds.DESTINATION_RULE, play.namespace).items
    assert [item["metadata"]["name"] for item in rules] == ["web"]
    assert play.cluster.list(kinds.DEPLOYMENT, play.namespace, labels=names.RELEASE).items == []


def test_second_deployment_takes_over_and_the_next_release_goes_the_other_way() -> None:
    """100/0 becomes 0/100 by the plan's steps; then the idle one gets a new template, and it is its turn."""
    with opened() as play:
        before = content(play.get(kinds.VIRTUAL_SERVICE))
        apply_new(play, "v2")
        wait("20 %", lambda: weights(play) == [80, 20])
        play.wait_phase("Promoted")
        assert weights(play) == [0, 100]
        only_weights_moved(play, before)
        assert play.get(kinds.DEPLOYMENT, "web-v1")["spec"]["replicas"] == 2
        play.kubectl("set", "image", "deployment/web-v1", "web=web:v3")
        wait("web-v1 is released", lambda: len(play.releases()) == 2)
        assert play.releases()[-1]["spec"]["deployment"] == "web-v1"
        play.wait_phase("Promoted")
        assert weights(play) == [100, 0]
        assert play.served("v3") > 0
        play.check_none_failed()


def test_bad_second_deployment_is_taken_back_and_stays_down() -> None:
    """All traffic to the first again; a retry is a person's word."""
    with opened() as play:
        before = content(play.get(kinds.VIRTUAL_SERVICE))
        apply_new(play, "v2-errors20")
        status = play.wait_phase("RolledBack")
        assert weights(play) == [100, 0]
        assert status["reason"] == "SuccessRateLow"
        only_weights_moved(play, before)
        play.check_only_failed("v2")
        play.kubectl("set", "image", "deployment/web-v2", "web=web:v3")
        wait("the mended template is released", lambda: len(play.releases()) == 2)


def test_template_that_changes_in_mid_release_loses_its_traffic() -> None:
    """Nobody judged it: weight to zero first, and then its own release from the first step (case 38)."""
    with opened() as play:
        apply_new(play, "v2")
        wait("20 %", lambda: weights(play) == [80, 20])
        play.kubectl("set", "image", "deployment/web-v2", "web=web:v3")
        wait("the first release is superseded", lambda: play.releases()[0]["status"].get("phase") == "Superseded")
        wait("the second one begins", lambda: len(play.releases()) == 2)
        play.wait_phase("Promoted")
        assert weights(play) == [0, 100]
        play.check_none_failed()


def test_abort_and_opting_out_bring_the_traffic_back() -> None:
    with opened() as play:
        apply_new(play, "v2")
        wait("20 %", lambda: weights(play) == [80, 20])
        play.kubectl("annotate", "deployment", "web-v2", f"{names.DO}=abort")
        play.wait_phase("Cancelled")
        assert weights(play) == [100, 0]
        wait(
            "the wish is cleared",
            lambda: names.DO not in play.get(kinds.DEPLOYMENT, "web-v2")["metadata"]["annotations"],
        )
        play.kubectl("annotate", "deployment", "web-v2", f"{names.DO}=retry")
        wait("20 %", lambda: weights(play) == [80, 20])
        play.kubectl("annotate", "deployment", "web-v2", f"{names.STRATEGY}-")
        play.wait_phase("Cancelled")
        assert weights(play) == [100, 0]
        play.check_none_failed()


def test_second_deployment_that_is_too_small_waits() -> None:
    """Half of two pods' load needs one ready pod, all of it two: said, and gone on when it is scaled."""
    with opened() as play:
        play.apply(SIDE.format(version="v2", image="v2").replace("replicas: 2", "replicas: 1"))
        play.kubectl("annotate", "deployment", "web-v2", *(f"{names.GROUP}/{pair}" for pair in PLAN))
        wait("it waits for pods", lambda: play.status().get("holding") == "CanaryTooSmall")
        assert weights(play) == [50, 50]
        play.kubectl("scale", "deployment/web-v2", "--replicas=2")
        play.wait_phase("Promoted")
        play.check_none_failed()


def test_killed_controller_goes_on_where_it_was() -> None:
    """At a step: nothing but the records and the weights is needed to go on."""
    with opened() as play:
        apply_new(play, "v2")
        wait("20 %", lambda: weights(play) == [80, 20])
        play.controller.end(signal.SIGKILL)
        play.controller.start()
        play.wait_phase("Promoted")
        assert weights(play) == [0, 100]
        assert len(play.releases()) == 1
        play.check_none_failed()


def test_weights_that_a_tool_puts_back_are_written_again() -> None:
    """Once is drift; again and again, and the traffic goes back (case 12)."""
    with opened() as play:
        apply_new(play, "v2")
        play.kubectl("annotate", "deployment", "web-v2", f"{names.GROUP}/interval=60s", "--overwrite")
        wait("20 %", lambda: weights(play) == [80, 20])
        for nth in range(1, 5):
            wait("the step is old enough to tell a rise that was cut short from drift", lambda: is_at_rest(play))
            play.apply(ROUTE)
            wait("it is seen", partial(is_noticed, play, nth))
        play.wait_phase("Cancelled")
        assert play.status()["reason"] == "RouteContested"
        assert weights(play) == [100, 0]
        play.check_none_failed()


def is_at_rest(play: Stage) -> bool:
    """Longer than a write takes to be seen, since the step began."""
    since = play.status().get("since")
    return since is not None and (datetime.now(UTC) - parse_time(since)).total_seconds() > 8


def is_noticed(play: Stage, times: int) -> bool:
    status = play.status()
    return len(status.get("drifts") or ()) >= times or status.get("phase") in ("RollingBack", "Cancelled")
