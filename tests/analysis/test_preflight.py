"""What is said at opt-in about telemetry that could not be judged."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from analysis import errors, outcome, preflight, queries, threshold

NOW = datetime(2026, 11, 3, tzinfo=UTC)
REQUESTS, LATENCY = queries.ISTIO.requests, queries.ISTIO.latency
REPORTER, CODE, NAMESPACE, WORKLOAD = queries.receiver(queries.ISTIO, "shop", "web")
ALL = (REPORTER, CODE, NAMESPACE, WORKLOAD)
EDGES = ("250", "500", "1000", "+Inf")
BROKEN = outcome.Broken(errors.Fault.BUSY, "Prometheus is busy")


class Stock:
    """A Prometheus that has a metric's series as far as these matchers, and these edges."""

    def __init__(self, found: dict[str, tuple[str, ...]], edges: tuple[str, ...] = EDGES, broken: str = "?") -> None:
        self.found, self.edges, self.broken = found, edges, broken

    def ask(self, promql: str, _: datetime) -> outcome.Answer:
        """Answer the queries of preflight."""
        if promql.startswith(self.broken):
            return BROKEN
        if promql.startswith("count by"):
            return outcome.Table(tuple(outcome.Row({"le": edge}, 1.0) for edge in self.edges))
        for metric, matchers in self.found.items():
            if any(promql == queries.series(metric, matchers[:length]) for length in range(len(matchers) + 1)):
                return outcome.Table((outcome.Row({}, 7.0),))
        return outcome.Table()


def limit(milliseconds: int) -> threshold.Latency:
    """p99 below so much."""
    return threshold.Latency(Decimal("0.99"), timedelta(milliseconds=milliseconds))


@pytest.mark.parametrize(
    ("stock", "latency", "said"),
    [
        pytest.param(Stock({REQUESTS: ALL}), None, (), id="all well"),
        pytest.param(Stock({REQUESTS: ALL, LATENCY: ALL}), limit(500), (), id="all well with a limit at an edge"),
        pytest.param(
            Stock({}),
            None,
            (
                "Prometheus has no series of istio_requests_total in the last 60 min:"
                " is the mesh scraped, and is this its metric's name?",
            ),
            id="misspelt metric",
        ),
        pytest.param(
            Stock({REQUESTS: (REPORTER, CODE)}),
            None,
            (
                'no series of istio_requests_total{reporter="destination",response_code!="0"} has'
                ' destination_workload_namespace="shop" in the last 60 min:'
                " has it had traffic, and is this the label's name?",
            ),
            id="wrong namespace label",
        ),
        pytest.param(
            Stock({REQUESTS: (REPORTER, CODE, NAMESPACE)}),
            None,
            (
                'no series of istio_requests_total{reporter="destination",response_code!="0",'
                'destination_workload_namespace="shop"} has destination_workload="web" in the last 60 min:'
                " has it had traffic, and is this the label's name?",
            ),
            id="no traffic of this workload",
        ),
        pytest.param(
            Stock({REQUESTS: ALL}),
            limit(500),
            (
                "Prometheus has no series of istio_request_duration_milliseconds_bucket in the last 60 min:"
                " is the mesh scraped, and is this its metric's name?",
            ),
            id="no histogram",
        ),
        pytest.param(
            Stock({REQUESTS: ALL, LATENCY: ALL}),
            limit(600),
            ("p99<600 ms lies between the histogram's edges: only above 1,000 ms it is judged high",),
            id="limit between edges",
        ),
        pytest.param(
            Stock({REQUESTS: ALL, LATENCY: ALL}),
            limit(2000),
            ("p99<2,000 ms lies above the histogram's last edge, so that no latency will be judged high",),
            id="limit above all edges",
        ),
        pytest.param(Stock({}, broken="count(last"), None, ("Prometheus is busy",), id="prometheus is away"),
        pytest.param(
            Stock({REQUESTS: ALL, LATENCY: ALL}, broken="count by"),
            limit(500),
            ("Prometheus is busy",),
            id="edges away",
        ),
    ],
)
def test_what_is_missing_is_named(stock: Stock, latency: threshold.Latency | None, said: tuple[str, ...]) -> None:
    """The first selector that finds nothing, or the limit that no edge meets."""
    assert preflight.faults("shop", "web", stock.ask, NOW, latency=latency) == said


def test_a_fault_on_the_way_does_not_hide_the_selector() -> None:
    """While one narrower question breaks, the others still tell."""

    def ask(promql: str, _: datetime) -> outcome.Answer:
        if promql == queries.series(REQUESTS, ()):
            return BROKEN
        return outcome.Table()

    (said,) = preflight.faults("shop", "web", ask, NOW)
    assert said.startswith('no series of istio_requests_total{} has reporter="destination"')
