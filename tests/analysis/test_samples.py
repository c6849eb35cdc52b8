"""To whom a series belongs, and what it counts."""

import pytest

from analysis import queries, samples


@pytest.mark.parametrize(
    ("labels", "pod"),
    [
        pytest.param({"pod": "web-1", "instance": "10.0.0.1:15020"}, "web-1", id="by its name"),
        pytest.param({"kubernetes_pod_name": "web-1"}, "web-1", id="by an older convention"),
        pytest.param({"instance": "10.0.0.1:15020"}, "10.0.0.1", id="by its address without the port"),
        pytest.param({"instance": "web-1"}, "web-1", id="by an instance that has no port"),
        pytest.param({"job": "pods"}, "", id="by nothing"),
    ],
)
def test_a_series_belongs_to_a_pod(labels: dict[str, str], pod: str) -> None:
    """The best label that names a pod is taken."""
    assert samples.Series(labels, (1.0,), (2.0,)).pod == pod


def test_a_series_needs_a_value_for_each_time() -> None:
    """What does not fit together is refused."""
    with pytest.raises(ValueError, match="a value for each time, got 1 for 2"):
        samples.Series({}, (1.0, 2.0), (3.0,))


@pytest.mark.parametrize(
    ("matcher", "matched"),
    [
        pytest.param('code="200"', True, id="equal"),
        pytest.param('code="20"', False, id="not equal"),
        pytest.param('code!="500"', True, id="unlike"),
        pytest.param('code!="200"', False, id="not unlike"),
        pytest.param('code=~"2.."', True, id="pattern"),
        pytest.param('code=~"2"', False, id="a pattern meets all of it"),
        pytest.param('code!~"2..|3.."', False, id="not unlike a pattern"),
        pytest.param('code!~"5.."', True, id="unlike a pattern"),
        pytest.param(r'code=~"\\d+"', True, id="an escaped pattern"),
        pytest.param('flags=""', True, id="a missing label is empty"),
        pytest.param('flags!~"|0"', False, id="a missing label meets an empty pattern"),
    ],
)
def test_matchers_mean_what_they_mean_in_promql(matcher: str, matched: bool) -> None:
    """All four operators, on labels that are there and that are not."""
    assert samples.matches({"code": "200"}, matcher) is matched


def test_what_is_no_matcher_is_refused() -> None:
    """A slip in a mesh's table is told at once."""
    with pytest.raises(ValueError, match="written as label="):
        samples.matches({}, "code=200")


@pytest.mark.parametrize(
    ("labels", "failed"),
    [
        pytest.param({"request_protocol": "http", "response_code": "503"}, True, id="http 503"),
        pytest.param({"request_protocol": "http", "response_code": "404"}, False, id="http 404"),
        pytest.param({"request_protocol": "grpc", "grpc_response_status": "14"}, True, id="grpc unavailable"),
        pytest.param({"request_protocol": "grpc", "grpc_response_status": "5"}, False, id="grpc not found"),
        pytest.param({"request_protocol": "grpc", "response_flags": "UPE"}, True, id="grpc without a status"),
        pytest.param({"request_protocol": "grpc", "response_flags": "DC"}, False, id="grpc, the client hung up"),
    ],
)
def test_failures_are_those_of_the_queries(labels: dict[str, str], failed: bool) -> None:
    """The table by mesh is the same for PromQL and for raw samples."""
    assert samples.fails(labels, queries.ISTIO) is failed


@pytest.mark.parametrize(
    ("labels", "values", "said"),
    [
        pytest.param({}, (0.0, 2.0**53), "", id="sound"),
        pytest.param({}, (1.0, -1.0, 5.0), "runs from 0 to 9e+15, got -1 in", id="below zero"),
        pytest.param({}, (1.0, 1e300), "runs from 0 to 9e+15, got 1e+300 in", id="absurdly many"),
        pytest.param({"__name__": queries.ISTIO.latency, "le": "500"}, (1.0, 2.0), "", id="a bucket"),
        pytest.param({"__name__": queries.ISTIO.latency}, (1.0, 2.0), "has a number in le", id="a bucket without edge"),
        pytest.param({"__name__": queries.ISTIO.latency, "le": "x"}, (1.0, 2.0), "le=x", id="an edge that is none"),
        pytest.param({"__name__": queries.ISTIO.latency, "le": "NaN"}, (1.0, 2.0), "le=NaN", id="an edge that is NaN"),
    ],
)
def test_what_no_counter_counts_is_named(labels: dict[str, str], values: tuple[float, ...], said: str) -> None:
    """With the value and the series."""
    series = samples.Series({"pod": "web-1", **labels}, tuple(map(float, range(len(values)))), values)
    found = samples.fault(series, queries.ISTIO)
    assert said in found
    assert bool(said) == bool(found)
    assert "web-1" in found or not said
