"""What a pod's sidecar would export, and the application itself, in Prometheus' text format.

The sidecar's names, labels and bucket edges are those of Istio's stats filter and of Envoy's default histogram
(milliseconds).
"""

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EDGES = (
    0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
    3_600_000,
)  # fmt: skip

REQUESTS = "istio_requests_total"
DURATION = "istio_request_duration_milliseconds"
OWN_REQUESTS = "http_requests_total"
OWN_DURATION = "http_request_duration_seconds"

Json = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Outcome:
    """The labels that differ from reply to reply."""

    protocol: str
    code: str
    flags: str = "-"
    grpc_status: str = ""


class Series:
    """Replies of one outcome: how many fell between two edges each, and their latencies' sum."""

    def __init__(self, edges: int) -> None:
        self.counts = [0] * (edges + 1)
        self.sum = 0.0


class Telemetry:
    """The counters of one pod; they live as long as the pod, over restarts of its containers. edges: milliseconds."""

    def __init__(self, edges: Sequence[float] = EDGES) -> None:
        self._edges = edges
        self._series: dict[Outcome, Series] = {}

    @property
    def series(self) -> list[tuple[Outcome, Series]]:
        return sorted(self._series.items(), key=lambda item: item[0])

    @property
    def requests(self) -> int:
        return sum(sum(series.counts) for series in self._series.values())

    def record(self, outcome: Outcome, milliseconds: float) -> None:
        """Count one reply."""
        series = self._series.setdefault(outcome, Series(len(self._edges)))
        series.counts[bisect.bisect_left(self._edges, milliseconds)] += 1
        series.sum += milliseconds

    def render(self, labels: Mapping[str, str]) -> str:
        """The exposition; `labels` are the ones that all of the pod's series share."""
        families: dict[str, list[str]] = {REQUESTS: [], DURATION: []}
        for outcome, series in self.series:
            own = {
                "request_protocol": outcome.protocol,
                "response_code": outcome.code,
                "grpc_response_status": outcome.grpc_status,
                "response_flags": outcome.flags,
            }
            text = written({**labels, **own})
            families[REQUESTS].append(f"{REQUESTS}{{{text}}} {sum(series.counts)}")
            families[DURATION].extend(histogram(DURATION, self._edges, series, text))
        lines = [f"# TYPE {REQUESTS} counter", *families[REQUESTS]]
        lines += [f"# TYPE {DURATION} histogram", *families[DURATION]]
        return "\n".join([*lines, *self._own(), ""])

    def _own(self) -> list[str]:
        """What the application itself would export: by status code, with no label of a mesh. Seconds."""
        counts, seconds = [f"# TYPE {OWN_REQUESTS} counter"], [f"# TYPE {OWN_DURATION} histogram"]
        for code in sorted({outcome.code for outcome in self._series}):
            own = [series for outcome, series in self._series.items() if outcome.code == code]
            merged = [sum(column) for column in zip(*(series.counts for series in own), strict=True)]
            text, total = f'code="{code}"', sum(merged)
            counts.append(f"{OWN_REQUESTS}{{{text}}} {total}")
            for edge, seen in zip((*EDGES, math.inf), itertools.accumulate(merged), strict=True):
                le = "+Inf" if edge == math.inf else f"{edge / 1000:g}"
                seconds.append(f'{OWN_DURATION}_bucket{{{text},le="{le}"}} {seen}')
            seconds.append(f"{OWN_DURATION}_sum{{{text}}} {sum(series.sum for series in own) / 1000:.6f}")
            seconds.append(f"{OWN_DURATION}_count{{{text}}} {total}")
        return counts + seconds


def written(labels: Mapping[str, str]) -> str:
    """Labels as they stand in an exposition."""
    return ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())


def histogram(name: str, edges: Sequence[float], series: Series, labels: str) -> list[str]:
    """The lines of one histogram."""
    lines = []
    seen = 0
    for edge, count in zip((*edges, "+Inf"), series.counts, strict=True):
        seen += count
        lines.append(f'{name}_bucket{{{labels},le="{edge}"}} {seen}')
    return [*lines, f"{name}_sum{{{labels}}} {series.sum:.3f}", f"{name}_count{{{labels}}} {seen}"]


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def labels(pod: Json, service: str) -> dict[str, str]:
    """The labels that all replies of a pod share. `service`: name of the Service that leads to it, "" for none."""
    metadata = pod["metadata"]
    marks = metadata.get("labels") or {}
    namespace = metadata["namespace"]
    workload = workload_name(pod)
    app = marks.get("app", "unknown")
    revision = first(marks, "service.istio.io/canonical-revision", "app.kubernetes.io/version", "version") or "latest"
    canonical = first(marks, "service.istio.io/canonical-name", "app.kubernetes.io/name", "app") or workload
    host = f"{service}.{namespace}.svc.cluster.local" if service else "unknown"
    return {
        "reporter": "destination",
        **_unknown_source(),
        "destination_workload": workload,
        "destination_workload_namespace": namespace,
        "destination_principal": "unknown",
        "destination_app": app,
        "destination_version": marks.get("version", "unknown"),
        "destination_service": host,
        "destination_service_name": service or "unknown",
        "destination_service_namespace": namespace,
        "destination_canonical_service": canonical,
        "destination_canonical_revision": revision,
        "destination_cluster": "Kubernetes",
        "connection_security_policy": "none",
    }


def _unknown_source() -> dict[str, str]:
    """The client's Envoy sends no peer metadata: Istio then says so."""
    fields = ("workload", "workload_namespace", "principal", "app", "version", "canonical_service", "cluster")
    return {f"source_{name}": "unknown" for name in fields} | {"source_canonical_revision": "latest"}


def workload_name(pod: Json) -> str:
    """The label that names the workload, else the owner's name."""
    named = (pod["metadata"].get("labels") or {}).get("service.istio.io/workload-name")
    return str(named) if named else owner_name(pod)


def owner_name(pod: Json) -> str:
    """The Deployment's name, told as meshes do from the ReplicaSet's name; else the owner's, or the pod's own."""
    metadata = pod["metadata"]
    marks = metadata.get("labels") or {}
    owner = next((owner for owner in metadata.get("ownerReferences") or () if owner.get("controller")), None)
    if owner is None:
        return str(metadata["name"])
    template_hash = marks.get("pod-template-hash")
    if owner["kind"] == "ReplicaSet" and template_hash:
        return str(owner["name"]).removesuffix(f"-{template_hash}")
    return str(owner["name"])


def first(marks: Mapping[str, str], *names: str) -> str | None:
    """The value of the first of these labels that is there."""
    return next((marks[name] for name in names if name in marks), None)
