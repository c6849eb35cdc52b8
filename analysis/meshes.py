"""The table by mesh: how each of them tells what a workload was asked and how that ended."""

from collections.abc import Mapping
from dataclasses import replace

from analysis.mesh import Mesh, Naming, Unit

ISTIO = Mesh(
    requests="istio_requests_total",
    latency="istio_request_duration_milliseconds_bucket",
    namespace="destination_workload_namespace",
    workload="destination_workload",
    always=('reporter="destination"', 'response_code!="0"'),
    failures=(
        ('request_protocol!="grpc"', 'response_code=~"5.."'),
        ('request_protocol="grpc"', 'grpc_response_status!~"|0|1|3|5|6|9|11|16"'),
        ('request_protocol="grpc"', 'grpc_response_status=""', 'response_flags!="DC"'),
    ),
)
"""Sidecars of the receiving side: they name the workload from their own metadata, the sender only learns it.

response_code 0: the client went away before there was an answer; it counts neither as request nor as failure.
HTTP fails by 5xx. gRPC answers 200 whatever happens and fails by its status, unless that is OK (0) or the client's
own doing: CANCELLED 1, INVALID_ARGUMENT 3, NOT_FOUND 5, ALREADY_EXISTS 6, FAILED_PRECONDITION 9, OUT_OF_RANGE 11,
UNAUTHENTICATED 16. No status at all is a broken stream, unless the client hung up in mid-stream (flag DC).
A canary that takes no connection is not seen from here at all: it looks like no traffic.
"""

ISTIO_WAYPOINT = replace(ISTIO, always=('reporter="waypoint"', 'response_code!="0"'))
"""Ambient: the receiving Service's waypoint reports, with the labels of both sides. ztunnels count no requests.

The series are the waypoint's: they outlive the canary's pods, and the pod that counts is one of the waypoint's.
"""

ISTIO_SOURCE = replace(ISTIO, always=('reporter="source"', 'response_code!="0"'))
"""Gateways and the sidecars of clients: for receivers without a sidecar, or that are reached by gateways alone.

Refused connections (flag UF) and time-outs (UT) count, and a request that was retried counts once. But the workload's
name is learned from the chosen endpoint: what failed before one was chosen (flags NC, UH, NR) has
destination_workload="unknown" and is neither leg's. Where the legs are Services, destination_service_name and
destination_service_namespace as `workload` and `namespace` bring those failures back (not those of NC).
"""

LINKERD = Mesh(
    requests="response_total",
    latency="response_latency_ms_bucket",
    namespace="namespace",
    workload="deployment",
    always=('direction="inbound"',),
    failures=(('classification="failure"',),),
)
"""Proxies of the receiving side; `namespace` and `deployment` come from the scrape's relabelling (linkerd-viz).

The proxy classifies: HTTP fails by 5xx, gRPC by UNKNOWN, DEADLINE_EXCEEDED, PERMISSION_DENIED, INTERNAL, UNAVAILABLE
and DATA_LOSS. Its latency is that of the first byte.
"""

LINKERD_ROUTE = Mesh(
    requests="outbound_http_route_backend_response_statuses_total",
    latency="outbound_http_route_backend_response_duration_seconds_bucket",
    namespace="backend_namespace",
    workload="backend_name",
    always=('backend_kind="Service"',),
    failures=(('http_status=~"5.."',), ('error!=""',)),
    unit=Unit.SECONDS,
    naming=Naming.SERVICE,
)
"""Proxies of the clients, by the Service that an HTTPRoute's weight chose: only where each leg is a Service.

Not there while a ServiceProfile overrides the route. Edges in seconds: 0.025, 0.05, 0.1, 0.25, 0.5, 1, 10.
"""

APPLICATION = Mesh(
    requests="http_requests_total",
    latency="http_request_duration_seconds_bucket",
    namespace="namespace",
    workload="deployment",
    always=(),
    failures=(
        ('code=~"5.."',),
        ('status=~"5.."',),
        ('status_code=~"5.."',),
        ('http_response_status_code=~"5.."',),
    ),
    unit=Unit.SECONDS,
)
"""What applications count by themselves, with a label of the scrape that holds the Deployment's name.

The status has several names among client libraries; 5.. also meets 5xx. Probes and scrapes of the application count
too, unless `always` leaves them out.
"""

APPLICATION_PODS = replace(APPLICATION, workload="pod", naming=Naming.POD)
"""The same, where of the workload only its pods' names are known, as Prometheus finds them by itself."""

MESHES: Mapping[str, Mesh] = {
    "istio": ISTIO,
    "istio-waypoint": ISTIO_WAYPOINT,
    "istio-source": ISTIO_SOURCE,
    "linkerd": LINKERD,
    "linkerd-route": LINKERD_ROUTE,
    "application": APPLICATION,
    "application-pods": APPLICATION_PODS,
}
"""What settings choose from."""
