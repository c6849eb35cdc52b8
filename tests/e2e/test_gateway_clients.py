"""Routes of a Gateway, served by istiod and the ingress Envoy: its clients and the mesh's are split and given back."""

import time
from collections.abc import Iterator

import pytest

from deploy import kinds
from deploy.kinds import Kind
from sandbox import cluster, load, ports
from tests.e2e import stage

# What the people have who look after the cluster: clients come by port 80, the gateway's pods listen elsewhere. Those
# pods are no pods here but an Envoy of the sandbox, so its address is written by hand.
FRONT = f"""
apiVersion: v1
kind: Service
metadata: {{name: front, namespace: istio-system}}
spec:
  selector: {{istio: ingressgateway}}
  ports: [{{name: http, port: 80, targetPort: {ports.GATEWAY}}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: front, namespace: istio-system, labels: {{kubernetes.io/service-name: front}}}}
addressType: IPv4
ports: [{{name: http, port: {ports.GATEWAY}}}]
endpoints: [{{addresses: [{ports.GATEWAY_ADDRESS}], conditions: {{ready: true}}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: front, namespace: istio-system}}
spec:
  gatewayClassName: istio
  addresses: [{{type: Hostname, value: front.istio-system.svc.cluster.local}}]
  listeners: [{{name: http, port: 80, protocol: HTTP, allowedRoutes: {{namespaces: {{from: All}}}}}}]
"""

HTTP_ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: front}
spec:
  parentRefs: [{name: front, namespace: istio-system}]
  hostnames: [HOST]
  rules:
  - name: probes
    matches: [{path: {type: PathPrefix, value: /probe}}]
    filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /}}}]
  - name: main
    backendRefs: [{name: web, port: 80}]
"""

BOTH_PARENTS = HTTP_ROUTE.replace("istio-system}]", "istio-system}, {group: '', kind: Service, name: web}]")

GRPC_ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: front}
spec:
  parentRefs: [{name: front, namespace: istio-system}]
  hostnames: [HOST]
  rules: [{name: main, backendRefs: [{name: web, port: 80}]}]
"""

PLAN = {"interval": "12s"}


@pytest.fixture(autouse=True)
def front() -> Iterator[None]:
    """The Gateway, as long as a test lasts; what it opens at the ingress Envoy is gone after it."""
    box = cluster.current()
    box.kubectl("apply", "-f", "-", text=FRONT)
    programmed = ("gateway/front", "-n", "istio-system", "--for=condition=Programmed", "--timeout=60s")
    box.kubectl("wait", *programmed)
    yield
    box.kubectl("delete", "-f", "-", text=FRONT)


def begin(play: stage.Stage, route: str) -> None:
    """Requests of the gateway's clients, by a route that is now the user's."""
    host = f"{play.namespace}.example.com"
    play.apply(route.replace("HOST", host))
    play.originals.clear()
    stage.remember(play)
    stage.wait("the gateway knows the route", lambda: is_served(host))
    play.send(url=ports.url(ports.GATEWAY), host=host)


def is_served(host: str) -> bool:
    """One request of its own: before the gateway has the route, requests fail by right."""
    with load.Load(ports.url(ports.GATEWAY), host, rate=5, seconds=0.2) as one:
        return one.stop().share("v1") == 1


def weights(play: stage.Stage, kind: Kind, name: str = "front") -> list[int]:
    """Of the last rule's refs."""
    return [ref["weight"] for ref in play.get(kind, name)["spec"]["rules"][-1]["backendRefs"]]


def shares(*loads: load.Load | None, seconds: float = 5) -> list[float]:
    """What part of each load's next requests the new version answers, once the weights have settled."""
    time.sleep(2)
    begun = int(time.time()) + 1
    time.sleep(seconds + 2)
    span = range(begun, begun + int(seconds))
    counts = [one.counts().within(span) for one in loads if one is not None]
    assert all(count.requests > 20 * seconds for count in counts), f"too few requests: {[str(one) for one in counts]}"
    return [count.share("v2") for count in counts]


def check_half(found: list[float]) -> None:
    assert all(0.38 < share < 0.62 for share in found), f"the new version had {found} of the requests, not half"


def test_clients_of_a_gateway_and_of_the_mesh_are_split() -> None:
    """The user's route for those from outside, a temporary one for those inside; no request of either fails."""
    with stage.opened(plan=PLAN, virtual_service="") as play:
        begin(play, HTTP_ROUTE)
        inner = load.Load(ports.url(ports.CLIENT_PROXY), f"web.{play.namespace}.svc.cluster.local", 40, box=play.box)
        with inner:
            play.set_image("v2")
            play.wait_weight("50")
            stage.wait("half of the outer", lambda: weights(play, kinds.HTTP_ROUTE) == [50, 50])
            stage.wait("half of the inner", lambda: weights(play, kinds.HTTP_ROUTE, "web-rampart-80") == [50, 50])
            check_half(shares(play.traffic, inner))
            assert play.status()["weight"] == "50"
            assert play.wait_phase("Promoted")["router"] == "gateway"
            play.check_none_failed()
            assert inner.stop().failed == 0
        play.check_rest("v2")


def test_one_route_of_both_parents_needs_no_other() -> None:
    """A Gateway and the Service itself."""
    with stage.opened(plan=PLAN, virtual_service="") as play:
        begin(play, BOTH_PARENTS)
        inner = load.Load(ports.url(ports.CLIENT_PROXY), f"web.{play.namespace}.svc.cluster.local", 40, box=play.box)
        with inner:
            play.set_image("v2")
            play.wait_weight("50")
            stage.wait("half", lambda: weights(play, kinds.HTTP_ROUTE) == [50, 50])
            routes = play.cluster.list(kinds.HTTP_ROUTE, play.namespace).items
            assert [item["metadata"]["name"] for item in routes] == ["front"]
            check_half(shares(play.traffic, inner))
            play.wait_phase("Promoted")
            play.check_none_failed()
            assert inner.stop().failed == 0
        play.check_rest("v2")


def test_bad_version_is_taken_from_the_gateway_s_clients() -> None:
    """Only its own requests failed, and no more of them come once it is down."""
    with stage.opened(virtual_service="") as play:
        begin(play, HTTP_ROUTE)
        play.set_image("v2-errors20")
        assert play.wait_phase("RolledBack")["reason"] == "SuccessRateLow"
        assert shares(play.traffic, seconds=2) == [0]
        total = play.finish_load()
        assert {version for version, _ in total.failures} == {"v2"}, total.failures
        play.check_rest("v2-errors20", paused=True)


@pytest.mark.parametrize(
    ("tag", "phase", "failures"),
    [
        pytest.param("v2-grpc", "Promoted", set(), id="good"),
        pytest.param("v2-grpcerror20", "RolledBack", {("v2", "grpc-13")}, id="bad"),
    ],
)
def test_grpc_route_of_a_gateway_is_split(tag: str, phase: str, failures: set[tuple[str, str]]) -> None:
    """Weights, and gRPC's own telemetry; the requests themselves are HTTP/1.1 that carry a grpc-status."""
    with stage.opened(image="v1-grpc", plan=PLAN, virtual_service="") as play:
        begin(play, GRPC_ROUTE)
        play.set_image(tag)
        if phase == "Promoted":
            play.wait_weight("50")
            stage.wait("half", lambda: weights(play, kinds.GRPC_ROUTE) == [50, 50])
            check_half(shares(play.traffic))
        play.wait_phase(phase)
        assert set(play.finish_load().failures) == failures
        play.check_rest(tag, paused=phase == "RolledBack")
