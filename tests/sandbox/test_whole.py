"""The whole sandbox, on its real parts: up, used from outside and inside, and gone without a trace."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import cluster, errors, home, inside, load, ports, standing

pytestmark = pytest.mark.e2e

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "web:v1", ports: [{containerPort: 8080}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ingress, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 15081, name: http, protocol: HTTP}, bind: 127.0.0.1, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: default}
spec:
  hosts: [web.default.svc.cluster.local]
  gateways: [mesh, istio-system/ingress]
  http: [{route: [{destination: {host: web.default.svc.cluster.local}}]}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: reader, namespace: default}]
"""

API = """
apiVersion: v1
kind: Service
metadata: {name: api, namespace: default}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: default}
spec:
  parentRefs: [{group: "", kind: Service, name: api, port: 80}]
  rules:
  - backendRefs: [{name: api, port: 80}]
    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-routed, value: "yes"}]}}]
"""

HOST = "web.default.svc.cluster.local"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cluster.Box]:
    """A sandbox with one Deployment, three pods, behind mesh and gateway."""
    with cluster.running(tmp_path_factory.mktemp("sandbox")) as box:
        box.kubectl("apply", "--filename", "-", text=WEB)
        box.kubectl("rollout", "status", "deployment/web", "--timeout=300s")
        until(lambda: status_through(box, ports.CLIENT_PROXY) == "200", "the mesh knows web")
        until(lambda: status_through(box, ports.GATEWAY) == "200", "the gateway knows web")
        yield box


def until(claim: Callable[[], bool], what: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.2)


def curl(box: cluster.Box, *arguments: str) -> str:
    return box.run(["curl", "--silent", "--max-time", "30", *arguments], capture_output=True).stdout


def status_through(box: cluster.Box, port: int) -> str:
    """The HTTP status of one request to web."""
    written = ("--output", "/dev/null", "--write-out", "%{http_code}")
    return curl(box, *written, "--header", f"Host: {HOST}", ports.url(port))


def query(box: cluster.Box, promql: str) -> list[Any]:
    said = curl(box, "--get", "--data-urlencode", f"query={promql}", f"{ports.url(ports.PROMETHEUS)}/api/v1/query")
    return list(json.loads(said)["data"]["result"]) if said else []


def in_network(network: int) -> list[int]:
    """Every process that is in that network."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.stat(entry / "ns/net").st_ino == network:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize(
    "port", [pytest.param(ports.CLIENT_PROXY, id="mesh"), pytest.param(ports.GATEWAY, id="gateway")]
)
def test_requests_reach_the_pods_through_envoy(box: cluster.Box, port: int) -> None:
    """100 requests a second for three seconds, none failed, and the rate is what was asked for."""
    traffic = load.Load(ports.url(port), HOST, rate=100, seconds=3, box=box).start()
    until(lambda: traffic.counts().requests == 300, "all sent")
    whole = traffic.stop()
    assert str(whole) == "0 failed of 300 (v1 300)"
    assert whole.within(whole.seconds[1:-1]).requests == 100 * (len(whole.seconds) - 2)


def test_a_rollout_under_load_fails_no_request(box: cluster.Box) -> None:
    """Old pods drain, new ones take over; the load sees both versions and no failure."""
    with load.Load(ports.url(ports.CLIENT_PROXY), HOST, rate=50, box=box) as traffic:
        until(lambda: traffic.counts().versions.get("v1", 0) > 20, "v1 answers")
        box.kubectl("set", "image", "deployment/web", "web=web:v2")
        until(lambda: traffic.counts().within([int(time.time()) - 1]).share("v2") == 1, "all is v2")
    counted = traffic.stop()
    assert counted.failed == 0, str(counted)
    assert set(counted.versions) == {"v1", "v2"}


def test_a_route_that_names_a_port_holds_at_that_port(box: cluster.Box) -> None:
    """The sidecar listens at the Service's own port, where an HTTPRoute for that port is followed."""
    box.kubectl("apply", "--filename", "-", text=API)
    asked = ("--include", "--header", "Host: api.default.svc.cluster.local", ports.url(80))
    until(lambda: "x-routed: yes" in curl(box, *asked), "the HTTPRoute is followed")


def test_prometheus_sees_what_the_pods_answered(box: cluster.Box) -> None:
    """Found by discovery, named by Deployment, with the labels `namespace` and `pod`."""
    selector = 'istio_requests_total{reporter="destination",destination_workload="web",response_code="200"}'
    status_through(box, ports.CLIENT_PROXY)
    until(lambda: len(query(box, selector)) > 0, "counted")
    labels = query(box, selector)[0]["metric"]
    assert labels["namespace"] == "default"
    assert labels["pod"].startswith("web-")
    assert labels["destination_service_name"] == "web"
    assert query(box, "count(istio_request_duration_milliseconds_bucket)") != []


def test_a_service_account_may_what_its_role_allows(box: cluster.Box) -> None:
    """Its kubeconfig lists pods in its namespace, and is refused elsewhere."""
    who = ("--kubeconfig", str(box.kubeconfig_for("default", "reader")))
    until(lambda: _may_list(box, *who), "the role is aggregated")
    with pytest.raises(errors.SandboxError, match=r"Forbidden.*system:serviceaccount:default:reader"):
        box.kubectl(*who, "get", "pods", "--namespace", "kube-system")


def _may_list(box: cluster.Box, *who: str) -> bool:
    try:
        return "web-" in box.kubectl(*who, "get", "pods")
    except errors.SandboxError:
        return False


def test_a_part_can_be_away_for_a_while(box: cluster.Box) -> None:
    """Prometheus stopped answers nobody; started again it answers."""
    box.stop("prometheus")
    assert query(box, "up") == []
    box.start("prometheus")
    until(lambda: query(box, "up") != [], "scrapes again")


def test_a_killed_node_is_seen(box: cluster.Box) -> None:
    """Its pods are unready and their requests go elsewhere; revived, they are ready again."""
    box.kubelet("POST", "/nodes/sandbox-node/kill")
    try:
        until(lambda: "Unknown" in box.kubectl("get", "node", "sandbox-node", "-o", "json"), "the node is Unknown")
        until(lambda: status_through(box, ports.CLIENT_PROXY) == "200", "the rest answers")
    finally:
        box.kubelet("POST", "/nodes/sandbox-node/revive")
    until(lambda: all(pod["ready"] for pod in box.kubelet("GET", "/pods")["pods"]), "all ready")


def test_a_process_inside_speaks_to_the_parts_directly(box: cluster.Box) -> None:
    """As pytest under `sandbox exec` does: the same Box works there without entering anything."""
    program = (
        "from sandbox import cluster, inside\n"
        "box = cluster.current()\n"
        "assert inside.is_here(box.home)\n"
        "print(box.kubectl('get', 'nodes', '-o', 'name'), end='')\n"
    )
    ran = box.run([sys.executable, "-c", program], capture_output=True)
    assert (ran.stdout, ran.stderr) == ("node/sandbox-node\nnode/sandbox-node-2\n", "")


def test_killed_outright_nothing_survives(tmp_path: Path) -> None:
    """SIGKILL to the outermost process of a detached sandbox; then `down` finds who was brought in and stayed."""
    command = [sys.executable, "-m", "sandbox", "--dir", str(tmp_path)]
    subprocess.run([*command, "up", "--detach"], check=True, stdout=subprocess.DEVNULL)
    place = home.Home(tmp_path)
    state = standing.load(place)
    assert state is not None
    visitor = subprocess.Popen([*command, "exec", "--", "sleep", "600"])
    try:
        until(lambda: visitor.pid in in_network(state.network), "the visitor is in")
        assert len(in_network(state.network)) > len(state.records) - 2
        os.kill(place.pid, signal.SIGKILL)
        until(lambda: in_network(state.network) == [visitor.pid], "only the visitor is left")
        subprocess.run([*command, "down"], check=True, stdout=subprocess.DEVNULL)
        assert visitor.wait(60) == -signal.SIGKILL
        assert inside.inhabitants(place) == []
    finally:
        visitor.kill()
        visitor.wait()
        cluster.down(place)
