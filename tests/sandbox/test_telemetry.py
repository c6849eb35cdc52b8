"""Istio's destination telemetry, as text that Prometheus reads."""

from typing import Any

import pytest

from sandbox.pods import telemetry

Json = dict[str, Any]


def a_pod(owner: str = "ReplicaSet", **labels: str) -> Json:
    """A pod of Deployment `web`, unless labels or owner say otherwise."""
    marks = {"app": "web", "pod-template-hash": "5d4f"} | labels
    owners = [{"kind": owner, "name": "web-5d4f", "controller": True}] if owner else []
    return {
        "metadata": {"name": "web-5d4f-x", "namespace": "shop", "labels": marks, "ownerReferences": owners},
        "spec": {"containers": []},
    }


def test_replies_are_counted_by_outcome() -> None:
    """Each outcome has a counter and a cumulative histogram of its own, with Istio's label names."""
    counters = telemetry.Telemetry()
    counters.record(telemetry.Outcome("http", "200"), 0.4)
    counters.record(telemetry.Outcome("http", "200"), 30.0)
    counters.record(telemetry.Outcome("grpc", "200", "-", "14"), 7e6)
    lines = counters.render({"destination_workload": "web"}).splitlines()
    http = (
        'destination_workload="web",request_protocol="http",response_code="200",'
        'grpc_response_status="",response_flags="-"'
    )
    grpc = http.replace('"http"', '"grpc"').replace('grpc_response_status=""', 'grpc_response_status="14"')
    assert f"istio_requests_total{{{http}}} 2" in lines
    assert f"istio_requests_total{{{grpc}}} 1" in lines
    duration = "istio_request_duration_milliseconds"
    assert [line.rsplit(" ", 1)[1] for line in lines if line.startswith(f"{duration}_bucket{{{http}")] == (
        ["1"] * 4 + ["1"] + ["2"] * 15
    )
    assert f'{duration}_bucket{{{grpc},le="3600000"}} 0' in lines
    assert f'{duration}_bucket{{{grpc},le="+Inf"}} 1' in lines
    assert f"{duration}_sum{{{http}}} 30.400" in lines
    assert f"{duration}_count{{{http}}} 2" in lines


def test_the_application_counts_by_itself() -> None:
    """By status, in seconds, whatever the protocol was, and without a mesh's labels."""
    counters = telemetry.Telemetry()
    counters.record(telemetry.Outcome("http", "200"), 400.0)
    counters.record(telemetry.Outcome("grpc", "200", "-", "14"), 0.4)
    counters.record(telemetry.Outcome("http", "500"), 1.0)
    lines = counters.render({"destination_workload": "web"}).splitlines()
    assert 'http_requests_total{code="200"} 2' in lines
    assert 'http_requests_total{code="500"} 1' in lines
    assert 'http_request_duration_seconds_bucket{code="200",le="0.25"} 1' in lines
    assert 'http_request_duration_seconds_bucket{code="200",le="0.5"} 2' in lines
    assert 'http_request_duration_seconds_bucket{code="200",le="+Inf"} 2' in lines
    assert 'http_request_duration_seconds_sum{code="200"} 0.400400' in lines


@pytest.mark.parametrize(
    ("milliseconds", "edge"),
    [
        pytest.param(0.5, "0.5", id="an edge counts below itself"),
        pytest.param(0.51, "1", id="just above an edge"),
        pytest.param(500.0, "500", id="a round threshold"),
        pytest.param(501.0, "1000", id="interpolated up to the next edge"),
    ],
)
def test_a_reply_falls_into_istios_bucket(milliseconds: float, edge: str) -> None:
    """`le` means at most."""
    counters = telemetry.Telemetry()
    counters.record(telemetry.Outcome("http", "200"), milliseconds)
    first = next(line for line in counters.render({}).splitlines() if "_bucket" in line and line.endswith(" 1"))
    assert f'le="{edge}"' in first


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        pytest.param(a_pod(), "web", id="deployment, from the ReplicaSet's name"),
        pytest.param(a_pod(**{"service.istio.io/workload-name": "canary"}), "canary", id="named by label"),
        pytest.param(a_pod(owner="StatefulSet"), "web-5d4f", id="another kind of owner"),
        pytest.param(a_pod(owner=""), "web-5d4f-x", id="a pod of its own"),
    ],
)
def test_the_workload_is_named_as_istio_names_it(pod: Json, workload: str) -> None:
    """The Deployment's name, or what the workload-name label says."""
    assert telemetry.labels(pod, "web")["destination_workload"] == workload


def test_labels_name_service_and_revision() -> None:
    """The pod's labels and its Service give the rest."""
    labels = telemetry.labels(a_pod(version="v2"), "web")
    assert labels["destination_service"] == "web.shop.svc.cluster.local"
    assert labels["destination_service_name"] == "web"
    assert labels["destination_version"] == labels["destination_canonical_revision"] == "v2"
    assert labels["reporter"] == "destination"


def test_a_pod_without_service_has_no_service_name() -> None:
    """No Service: the labels say unknown, as Istio's do."""
    assert telemetry.labels(a_pod(), "")["destination_service"] == "unknown"


def test_label_values_are_escaped() -> None:
    """Quotes, backslashes and newlines cannot break the exposition."""
    counters = telemetry.Telemetry()
    counters.record(telemetry.Outcome("http", "200"), 1)
    assert r'odd="a\"b\\c\nd"' in counters.render({"odd": 'a"b\\c\nd'})
