"""Istio's routes as people have them: gateway and mesh, subsets, none at all, and what can not be split."""

import copy

import pytest

from deploy import kinds, names
from deploy.traffic import Json
from sandbox import ports
from tests.e2e import promises, stage

RULE = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  trafficPolicy: {loadBalancer: {simple: RANDOM}}
  subsets:
  - name: all
    labels: {app: web}
    trafficPolicy: {connectionPool: {http: {http1MaxPendingRequests: 77}}}
"""

SUBSET_ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - name: probes
    match: [{uri: {prefix: /probe}}]
    directResponse: {status: 204}
  - name: main
    timeout: 5s
    retries: {attempts: 0}
    headers: {response: {set: {x-route: main}}}
    route: [{destination: {host: web, subset: all, port: {number: 80}}, weight: 100}]
"""


def test_service_without_a_route_gets_a_temporary_one() -> None:
    """No VirtualService at all: one is made, and gone at the end."""
    with stage.opened(virtual_service="") as play:
        play.send()
        play.set_image("v2")
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def test_subset_with_its_own_policy_is_split_and_restored() -> None:
    """The user's DestinationRule, its subset and policies are used and kept (case 18)."""
    with stage.opened(RULE, plan={"steps": "20,50,pause"}, virtual_service=SUBSET_ROUTE) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("50")
        stage.wait("the route shows it", lambda: [leg.get("weight") for leg in legs_of(play)] == [50, 50])
        rules = play.cluster.list(kinds.DESTINATION_RULE, play.namespace).items
        ours = next(item for item in rules if item["metadata"]["name"] != "web")
        subsets = {subset["name"]: subset for subset in ours["spec"]["subsets"]}
        for leg in legs_of(play):
            assert subsets[leg["destination"]["subset"]]["trafficPolicy"]["connectionPool"], leg
        play.resume()
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def legs_of(play: stage.Stage) -> list[Json]:
    found: list[Json] = play.get(kinds.VIRTUAL_SERVICE)["spec"]["http"][1]["route"]
    return found


def test_gateway_and_mesh_clients_are_both_split() -> None:
    """One VirtualService for the gateway, none for the mesh: both kinds of clients meet the canary (case 16)."""
    with stage.opened(virtual_service="") as play:
        host = f"{play.namespace}.example.com"
        play.apply(
            f"""
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: front}}
spec:
  selector: {{istio: ingressgateway}}
  servers: [{{port: {{number: {ports.GATEWAY}, name: http, protocol: HTTP}}, hosts: ["{host}"], bind: 127.0.0.1}}]
""",
            f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: front}}
spec:
  hosts: ["{host}"]
  gateways: [front]
  http: [{{retries: {{attempts: 0}}, route: [{{destination: {{host: web}}}}]}}]
""",
        )
        play.originals.clear()
        stage.remember(play)
        play.send(url=ports.url(ports.GATEWAY), host=host)
        with play.sending() as inner:
            play.set_image("v2")
            play.wait_weight("50")
            stage.wait("gateway clients meet v2", lambda: play.served("v2") > 10)
            stage.wait("mesh clients meet v2", lambda: inner.counts().share("v2") > 0)
            play.wait_phase("Promoted")
            play.check_none_failed()
            promises.none_failed(inner.stop())
        play.check_rest("v2")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param("service", "no Service", id="no service"),
        pytest.param("second", "name one with rampart.dev/service", id="two services"),
        pytest.param("neighbour", "also selects the pods of", id="two deployments behind one service"),
        pytest.param("recreate", "Recreate", id="strategy recreate"),
    ],
)
def test_what_can_not_be_released_is_said_and_disturbs_nothing(change: str, words: str) -> None:
    """Refused with the reason, at opt-in already; traffic goes on (case 49)."""
    with stage.opened() as play:
        disturb(play, change)
        play.set_image("v2")
        stage.wait("it is refused", lambda: any(words in item["message"] for item in play.events("Refused")))
        assert play.status().get("phase") in (None, "Pending")
        assert play.get(kinds.DEPLOYMENT)["spec"]["paused"] is True
        play.set_image("v1")
        stage.wait("the hold is off", lambda: names.HELD not in play.get(kinds.DEPLOYMENT)["metadata"]["annotations"])


def disturb(play: stage.Stage, change: str) -> None:
    match change:
        case "service":
            play.kubectl("delete", "service", "web")
        case "second":
            second = copy.deepcopy(play.originals["Service", "web"])
            second["metadata"]["name"] = "web-too"
            second["spec"] = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
            play.cluster.create(kinds.SERVICE, second)
        case "neighbour":
            neighbour = copy.deepcopy(play.originals["Deployment", "web"])
            neighbour["metadata"] = {"name": "web-b", "namespace": play.namespace}
            neighbour["spec"]["replicas"] = 0
            play.cluster.create(kinds.DEPLOYMENT, neighbour)
        case "recreate":
            strategy = {"op": "replace", "path": "/spec/strategy", "value": {"type": "Recreate"}}
            play.cluster.patch(kinds.DEPLOYMENT, "web", play.namespace, [strategy])
