"""What a pod's proxy would export on Linkerd: the classic metrics of the receiving side.

Names, labels, bucket edges and what counts as a failure are those of Linkerd's proxy; `deployment` is what the scrape
rules of linkerd-viz add, from a label that the injector gives each pod. `namespace` and `pod` are added here by
Prometheus too.
"""

import itertools
from collections.abc import Mapping
from typing import Any

from sandbox.pods import telemetry

Json = Mapping[str, Any]

INJECT = "linkerd.io/inject"
DEPLOYMENT = "linkerd.io/proxy-deployment"
EDGES = tuple(factor * scale for scale, factor in itertools.product((10, 100, 1_000, 10_000), (1, 2, 3, 4, 5)))
EDGES = (1, 2, 3, 4, 5, *EDGES)
GRPC_FAILURES = frozenset({"2", "4", "7", "13", "14", "15"})
"""Unknown, DeadlineExceeded, PermissionDenied, Internal, Unavailable, DataLoss."""

RESPONSES = "response_total"
LATENCY = "response_latency_ms"


def is_meshed(pod: Json) -> bool:
    """Whether the injector would have given the pod a proxy."""
    return (pod["metadata"].get("annotations") or {}).get(INJECT) == "enabled"


def render(counted: telemetry.Telemetry, pod: Json) -> str:
    """The exposition of a pod whose replies were counted over EDGES. A client that left first is not in it."""
    families: dict[str, list[str]] = {RESPONSES: [], LATENCY: []}
    for outcome, series in counted.series:
        if outcome.code == "0":
            continue
        own = {"direction": "inbound", "tls": "true", "deployment": deployment(pod), "status_code": outcome.code}
        ended = own | {"classification": classification(outcome), "grpc_status": outcome.grpc_status}
        families[RESPONSES].append(f"{RESPONSES}{{{telemetry.written(ended)}}} {sum(series.counts)}")
        timed = own | {"grpc_status": outcome.grpc_status}
        families[LATENCY].extend(telemetry.histogram(LATENCY, EDGES, series, telemetry.written(timed)))
    lines = [f"# TYPE {RESPONSES} counter", *families[RESPONSES]]
    return "\n".join([*lines, f"# TYPE {LATENCY} histogram", *families[LATENCY], ""])


def classification(outcome: telemetry.Outcome) -> str:
    failed = outcome.grpc_status in GRPC_FAILURES if outcome.grpc_status else int(outcome.code) >= 500
    return "failure" if failed else "success"


def deployment(pod: Json) -> str:
    """What the injector's label says where the template has it already, else the owner's name."""
    marks = pod["metadata"].get("labels") or {}
    return str(marks.get(DEPLOYMENT) or telemetry.owner_name(pod))
