"""Routes of a Gateway, served by istiod and the ingress Envoy: its clients and the mesh's are split and given back."""

import contextlib
import fcntl
import time
from collections.abc import Iterator

import pytest

from deploy import kinds
from deploy.kinds import Kind
from sandbox import cluster, load, ports, tally
from tests.e2e import promises, stage

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

PLAN = {"steps": "20,50,pause"}
"""It waits at half and half, so that requests can be counted."""


@pytest.fixture(autouse=True)
def front() -> Iterator[None]:
    """The Gateway, as long as a test lasts that needs it; what it opens at the ingress Envoy is gone after the last."""
    box = cluster.current()
    with (box.home.root / "front.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        box.kubectl("apply", "-f", "-", text=FRONT)
        box.kubectl("wait", "gateway/front", "-n", "istio-system", "--for=condition=Programmed", stage.WAITS)
        yield
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            box.kubectl("delete", "-f", "-", text=FRONT)


def begin(play: stage.Stage, route: str) -> None:
    """Requests of the gateway's clients, once it knows the route, which is now the user's."""
    host = f"{play.namespace}.example.com"
    play.apply(route.replace("HOST", host))
    play.originals.clear()
    stage.remember(play)
    play.send(url=ports.url(ports.GATEWAY), host=host)


def weights(play: stage.Stage, kind: Kind, name: str = "front") -> list[int]:
    """Of the last rule's refs."""
    return [ref["weight"] for ref in play.get(kind, name)["spec"]["rules"][-1]["backendRefs"]]


def shares(*loads: load.Load | None, requests: int = 400) -> list[float]:
    """What part of each load's next requests the new version answers, once the weights have settled."""
    time.sleep(2)
    begun = int(time.time()) + 1

    def counts() -> list[tally.Tally]:
        return [one.counts().within(range(begun, int(time.time()) + 1)) for one in loads if one is not None]

    stage.wait("requests are sent", lambda: all(count.requests >= requests for count in counts()))
    return [count.share("v2") for count in counts()]


def check_half(found: list[float]) -> None:
    assert all(0.38 < share < 0.62 for share in found), f"the new version had {found} of the requests, not half"


def test_clients_of_a_gateway_and_of_the_mesh_are_split() -> None:
    """The user's route for those from outside, a temporary one for those inside; no request of either fails."""
    with stage.opened(plan=PLAN, virtual_service="") as play:
        begin(play, HTTP_ROUTE)
        with play.sending() as inner:
            play.set_image("v2")
            play.wait_weight("50")
            stage.wait("half of the outer", lambda: weights(play, kinds.HTTP_ROUTE) == [50, 50])
            stage.wait("half of the inner", lambda: weights(play, kinds.HTTP_ROUTE, "web-rampart-80") == [50, 50])
            check_half(shares(play.traffic, inner))
            assert play.status()["weight"] == "50"
            play.resume()
            assert play.wait_phase("Promoted")["router"] == "gateway"
            play.check_none_failed()
            promises.none_failed(inner.stop())
        play.check_rest("v2")


def test_one_route_of_both_parents_needs_no_other() -> None:
    """A Gateway and the Service itself."""
    with stage.opened(plan=PLAN, virtual_service="") as play:
        begin(play, BOTH_PARENTS)
        with play.sending() as inner:
            play.set_image("v2")
            play.wait_weight("50")
            stage.wait("half", lambda: weights(play, kinds.HTTP_ROUTE) == [50, 50])
            routes = play.cluster.list(kinds.HTTP_ROUTE, play.namespace).items
            assert [item["metadata"]["name"] for item in routes] == ["front"]
            check_half(shares(play.traffic, inner))
            play.resume()
            play.wait_phase("Promoted")
            play.check_none_failed()
            promises.none_failed(inner.stop())
        play.check_rest("v2")


def test_bad_version_is_taken_from_the_gateway_s_clients() -> None:
    """Only its own requests failed, and no more of them come once it is down."""
    with stage.opened(virtual_service="") as play:
        begin(play, HTTP_ROUTE)
        play.set_image("v2-errors20")
        assert play.wait_phase("RolledBack")["reason"] == "SuccessRateLow"
        assert shares(play.traffic, requests=80) == [0]
        play.check_only_failed("v2")
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
            play.resume()
        play.wait_phase(phase)
        found = set(play.finish_load().failures)
        promises.keep(found <= failures, f"failed: {found}")
        assert found == failures
        play.check_rest(tag, paused=phase == "RolledBack")
