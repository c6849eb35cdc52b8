"""The PromQL that goes out, as a person would read it; its arithmetic is tested on a real Prometheus."""

import dataclasses
from datetime import timedelta

import pytest

from analysis import queries
from analysis.mesh import Naming

MINUTE = timedelta(minutes=1)
MESH = queries.Mesh(
    requests="hits",
    latency="millis",
    namespace="ns",
    workload="app",
    always=('side="in"',),
    failures=(('code="bad"',), ('grpc="1"', 'flag!="x"')),
)
SCOPE = 'side="in",ns="shop",app=~"web|web-canary"'


def test_a_difference_is_the_end_less_the_start_if_there_was_one_before() -> None:
    """The formula of the module, written out."""
    assert queries.difference('hits{app="web"}', MINUTE) == (
        '(last_over_time(hits{app="web"}[60000ms]) - last_over_time(hits{app="web"}[900000ms] offset 60000ms) >= 0'
        ' or last_over_time(hits{app="web"}[60000ms]))'
    )


def test_counts_are_one_query_for_both_legs_and_both_kinds() -> None:
    """Rows by workload; the alternatives of failure are united."""
    found = f"hits{{{SCOPE}}}"
    total = queries.difference(found, MINUTE)
    bad = queries.difference(f'hits{{{SCOPE},code="bad"}}', MINUTE)
    broken = queries.difference(f'hits{{{SCOPE},grpc="1",flag!="x"}}', MINUTE)
    assert queries.counts(MESH, "shop", ("web", "web-canary"), MINUTE) == (
        f'label_replace(sum by (app) ({total}), "counted", "requests", "", "")'
        f' or label_replace(sum by (app) ({bad} or {broken}), "counted", "failures", "", "")'
        f" or label_replace(count by (app) (last_over_time({found}[60000ms])) unless count by (app) ({found}),"
        ' "counted", "dark", "", "")'
    )


def test_latencies_are_rows_by_workload_and_edge() -> None:
    """Cumulative buckets of the window."""
    buckets = queries.difference(f"millis{{{SCOPE}}}", MINUTE)
    assert queries.latencies(MESH, "shop", ("web", "web-canary"), MINUTE) == f"sum by (app, le) ({buckets})"


def test_signs_of_life_are_looked_for_over_an_hour() -> None:
    """A count of series, and of each edge's."""
    assert queries.series("hits", ('side="in"',)) == 'count(last_over_time(hits{side="in"}[3600000ms]))'
    found = 'millis{side="in",ns="shop",app="web"}'
    assert queries.edges(MESH, "shop", "web") == f"count by (le) (last_over_time({found}[3600000ms]))"


@pytest.mark.parametrize(
    ("workloads", "matcher"),
    [
        pytest.param(("web",), 'app="web"', id="one"),
        pytest.param(("web.v1",), 'app="web.v1"', id="one with a dot"),
        pytest.param(("web.v1", "web"), r'app=~"web\\.v1|web"', id="a dot is no wildcard"),
        pytest.param(('a"b',), r'app="a\"b"', id="a quote cannot end the string"),
    ],
)
def test_a_workload_is_matched_by_its_whole_name(workloads: tuple[str, ...], matcher: str) -> None:
    """Names are data and never syntax."""
    assert matcher in queries.counts(MESH, "shop", workloads, MINUTE)


def test_workloads_that_only_their_pods_tell_are_written_onto_the_series() -> None:
    """Each by the pattern of its pods' names; rows come under a label of our own."""
    mesh = dataclasses.replace(MESH, workload="pod", naming=Naming.POD)
    marks = "[bcdfghjklmnpqrstvwxz2456789]"
    web, canary = (f"{name}-{marks}{{1,10}}-{marks}{{5}}" for name in ("web", "web-canary"))
    found = f'millis{{side="in",ns="shop",pod=~"{web}|{canary}"}}'
    assert queries.latencies(mesh, "shop", ("web", "web-canary"), MINUTE) == (
        f'sum by (rampart_leg, le) (label_replace(label_replace({queries.difference(found, MINUTE)}, "rampart_leg",'
        f' "web", "pod", "{web}"), "rampart_leg", "web-canary", "pod", "{canary}"))'
    )


def test_samples_are_one_range_selector() -> None:
    """Raw counters of both legs."""
    asked = queries.samples(queries.ISTIO, "shop", ("web-canary", "web"), timedelta(seconds=90))
    assert asked == (
        'istio_requests_total{reporter="destination",response_code!="0",destination_workload_namespace="shop",'
        'destination_workload=~"web-canary|web"}[90000ms]'
    )


def test_samples_of_a_histogram_are_of_the_asked_edges_alone() -> None:
    """However a client spells an edge; the counter of requests has none."""
    asked = queries.samples(queries.ISTIO, "shop", ("web",), timedelta(seconds=90), (0.5, 500.0, 2e6))
    assert asked == (
        '{__name__=~"istio_requests_total|istio_request_duration_milliseconds_bucket",reporter="destination",'
        'response_code!="0",destination_workload_namespace="shop",destination_workload="web",'
        r'le=~"|0\\.5|500|500\\.0|2000000|2000000\\.0|2e\\+06|\\+Inf"}[90000ms]'
    )


def test_edges_are_asked_for_as_samples() -> None:
    """One door for everything that the evidence judge reads."""
    asked = queries.shared_edges(queries.ISTIO, "shop", ("web",))
    assert asked.startswith("count by (destination_workload, le) (last_over_time(")
    assert asked.endswith("[3600000ms]))[1s:1s]")
