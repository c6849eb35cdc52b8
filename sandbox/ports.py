"""Where each part listens: fixed numbers, since every sandbox has a network of its own."""

LOOPBACK = "127.0.0.1"

ETCD = 2379
ETCD_PEERS = 2380
API_SERVER = 6443
PROMETHEUS = 9090
KUBELET_CONTROL = 10255

ISTIOD_XDS = 15010
ISTIOD_DEBUG = 15014
ISTIOD_HTTP = 18080
ISTIOD_CONTROLZ = 9876

CLIENT_PROXY = 15080
"""Envoy as the client's sidecar: an HTTP proxy that follows the mesh's routes for any Host.

Rules that name a port hold only at that port: the same Envoy listens on 127.0.0.1 at each Service's own port too.
"""
CLIENT_ADMIN = 15000

GATEWAY = 15081
"""Envoy as the ingress gateway: what a Gateway's `servers[].port.number` has to say, with `bind: 127.0.0.1`."""
GATEWAY_ADMIN = 15001

POD_TELEMETRY = 15020
"""On each pod's own address: Istio's merged metrics endpoint, at /stats/prometheus."""
POD_DEFAULT = 8080
"""Where a container without `ports` serves."""

POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.0.0.0/16"

CLIENT_ADDRESS = "10.244.200.1"
GATEWAY_ADDRESS = "10.244.200.2"


def url(port: int) -> str:
    """Plain HTTP at a part's port."""
    return f"http://{LOOPBACK}:{port}"


API_SERVER_URL = f"https://{LOOPBACK}:{API_SERVER}"
