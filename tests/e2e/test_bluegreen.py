"""Blue-green on real parts: a preview before any user, the switch, the bake, and the way back."""

import contextlib
from collections.abc import Iterator

from deploy import kinds, names, preview
from sandbox import load
from tests.e2e import promises, stage

PLAN = {"strategy": "blue-green", "steps": "", "interval": "6s", "bake": "5s"}


@contextlib.contextmanager
def previewing(play: stage.Stage) -> Iterator[load.Load]:
    """Requests to the preview as a tester's, once it is said to be there."""
    play.told("Previewing")
    with play.sending(20, host=f"{preview.name('web')}.{play.namespace}.svc.cluster.local") as traffic:
        yield traffic


def green_size(play: stage.Stage) -> int:
    found = play.cluster.list(kinds.DEPLOYMENT, play.namespace, labels=names.RELEASE).items
    return sum(item["status"].get("readyReplicas", 0) for item in found)


def test_green_is_reached_by_testers_before_any_user_and_switched_to_as_a_whole() -> None:
    """Full size, judged by its preview, switched, baked, promoted; no request fails (promises 1, 5, 7; case 3)."""
    with stage.opened(plan=PLAN) as play:
        play.send()
        play.set_image("v2")
        with previewing(play) as tests:
            stage.wait("testers meet the new version", lambda: tests.counts().share("v2") == 1)
            assert green_size(play) == 3
            promises.keep(play.served("v2") == 0 or play.status()["phase"] != "Preparing", "users met the preview")
            play.wait_phase("Baking")
        promises.none_failed(tests.stop())
        play.told("Baking", "the preview passed")
        assert play.status()["weight"] == "100"
        play.kubectl("scale", "deployment/web", "--replicas=4")
        stage.wait("green grows with blue", lambda: green_size(play) == 4 or play.status()["phase"] != "Baking")
        play.kubectl("scale", "deployment/web", "--replicas=3")
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def test_green_that_is_bad_in_its_preview_meets_no_user() -> None:
    """It falls before the switch (promise 3)."""
    with stage.opened(plan={**PLAN, "interval": "30s"}) as play:
        play.send()
        play.set_image("v2-errors50")
        with previewing(play):
            play.wait_phase("RolledBack")
        play.check_unmet("v2")
        play.check_none_failed()
        play.check_rest("v2-errors50", paused=True)


def test_without_requests_to_the_preview_the_switch_is_made_and_the_bake_takes_it_back() -> None:
    """That nothing was judged before the switch is said."""
    with stage.opened(plan={**PLAN, "bake": "60s"}) as play:
        play.send()
        play.set_image("v2-errors50")
        play.wait_phase("Baking")
        play.told("Baking", "not judged before the switch")
        play.wait_phase("RolledBack")
        assert play.finish_load().failed > 0, "the bad version had users"
        play.check_rest("v2-errors50", paused=True)


PORTS = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: http-calls, port: 7070, targetPort: 7070}
"""


def test_every_port_of_a_service_follows_the_split() -> None:
    """Two ports, with the gRPC statuses that the pods answer, meet the new version alike (case 19).

    The pods speak HTTP/1.1 only, so both ports are named http.
    """
    deployment = stage.DEPLOYMENT.replace("containerPort: 8080", "containerPort: 8080}, {containerPort: 7070")
    plan = {"steps": "50", "interval": "60s"}
    with stage.opened(image="v1-grpc", plan=plan, service=PORTS, deployment=deployment) as play:
        host = f"web.{play.namespace}.svc.cluster.local"
        play.send(url="http://127.0.0.1:80", host=host)
        with play.sending(url="http://127.0.0.1:7070", host=host) as calls:
            stage.wait("the other port is served", lambda: calls.counts().share("v1") == 1)
            play.set_image("v2-grpc")
            play.wait_weight("50")
            stage.wait("the first port meets it", lambda: play.served("v2") > 100)
            stage.wait("the second port meets it", lambda: served(calls, "v2") > 100)
            play.wish("promote")
            play.wait_phase("Promoted")
        promises.none_failed(calls.stop())
        play.check_none_failed()
        play.check_rest("v2-grpc")


def served(traffic: load.Load, version: str) -> int:
    return sum(number for (_, seen, _), number in traffic.counts().counts.items() if seen == version)


ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{group: "", kind: Service, name: web}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""


def test_blue_green_on_a_route_of_the_gateway_api() -> None:
    """The same on another router: preview, switch as a whole, bake, and the route as it was."""
    with stage.opened(ROUTE, plan={**PLAN, "router": "gateway"}, virtual_service="") as play:
        before = stage.content(play.get(kinds.HTTP_ROUTE))
        play.send()
        play.set_image("v2")
        with previewing(play) as tests:
            stage.wait("testers meet the new version", lambda: tests.counts().share("v2") == 1)
            play.wait_phase("Baking")
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")
        assert stage.content(play.get(kinds.HTTP_ROUTE)) == before
