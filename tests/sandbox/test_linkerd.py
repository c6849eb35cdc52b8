"""Linkerd's metrics of a pod, as text that Prometheus reads."""

from typing import Any

import pytest

from sandbox.pods import linkerd, telemetry

Json = dict[str, Any]


def a_pod(annotations: Json | None = None, **labels: str) -> Json:
    """A pod of the canary Deployment `web-canary`."""
    marks = {"app": "web", "pod-template-hash": "5d4f"} | labels
    owners: list[Json] = [{"kind": "ReplicaSet", "name": "web-canary-5d4f", "controller": True}]
    metadata: Json = {"name": "web-canary-5d4f-x", "namespace": "shop", "labels": marks, "ownerReferences": owners}
    return {"metadata": metadata | {"annotations": annotations or {}}, "spec": {"containers": []}}


@pytest.mark.parametrize(
    ("outcome", "classified"),
    [
        pytest.param(telemetry.Outcome("http", "404"), "success", id="the client's own doing"),
        pytest.param(telemetry.Outcome("http", "503"), "failure", id="5xx"),
        pytest.param(telemetry.Outcome("grpc", "200", "-", "0"), "success", id="grpc ok"),
        pytest.param(telemetry.Outcome("grpc", "200", "-", "14"), "failure", id="grpc unavailable"),
        pytest.param(telemetry.Outcome("grpc", "200", "-", "5"), "success", id="grpc not found"),
    ],
)
def test_replies_are_classified_as_the_proxy_does(outcome: telemetry.Outcome, classified: str) -> None:
    """By status, and gRPC by its own."""
    assert linkerd.classification(outcome) == classified


def test_replies_are_counted_with_the_deployments_own_name() -> None:
    """Of the canary: its own Deployment, so that the legs can be told apart; edges are Linkerd's."""
    counted = telemetry.Telemetry(linkerd.EDGES)
    counted.record(telemetry.Outcome("http", "200"), 45)
    counted.record(telemetry.Outcome("http", "0", "DC"), 0)
    lines = linkerd.render(counted, a_pod()).splitlines()
    own = 'direction="inbound",tls="true",deployment="web-canary",status_code="200"'
    assert f'response_total{{{own},classification="success",grpc_status=""}} 1' in lines
    assert f'response_latency_ms_bucket{{{own},grpc_status="",le="40"}} 0' in lines
    assert f'response_latency_ms_bucket{{{own},grpc_status="",le="50"}} 1' in lines
    assert not [line for line in lines if 'status_code="0"' in line]


@pytest.mark.parametrize(
    ("pod", "meshed", "deployment"),
    [
        (a_pod(), False, "web-canary"),
        (a_pod({"linkerd.io/inject": "enabled"}), True, "web-canary"),
        (a_pod(None, **{"linkerd.io/proxy-deployment": "named"}), False, "named"),
    ],
)
def test_a_pod_is_meshed_by_its_annotation(pod: Json, meshed: bool, deployment: str) -> None:
    """As the injector decides; a label of the template's own names the Deployment."""
    assert (linkerd.is_meshed(pod), linkerd.deployment(pod)) == (meshed, deployment)


def test_edges_are_those_of_the_proxy() -> None:
    """In milliseconds."""
    assert linkerd.EDGES[:12] == (1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200)
    assert linkerd.EDGES[-1] == 50_000
