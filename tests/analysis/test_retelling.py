"""The threshold judge's own queries, answered from counters."""

import math
from datetime import timedelta

import pytest

from analysis import outcome, queries
from analysis.counters import Counter
from analysis.retelling import Retelling
from tests.analysis.traffic import START, at

WORKLOADS = ("web-canary", "web")
WINDOW = timedelta(seconds=30)


def counter(workload: str, points: dict[float, float], fails: bool = False, edge: float | None = None) -> Counter:
    return Counter(workload, [START.timestamp() + time for time in points], list(points.values()), fails, edge)


TOLD = Retelling(
    queries.ISTIO,
    "shop",
    WORKLOADS,
    (
        counter("web-canary", {15: 10, 30: 20, 45: 35, 60: 50}),
        counter("web-canary", {60: 2}, fails=True),
        counter("web", {15: 100, 30: 200}),
        counter("web-canary", {30: 20, 60: 44}, edge=500.0),
        counter("web-canary", {30: 20, 60: 50}, edge=math.inf),
    ),
    scrape=15.0,
)


def test_counts_are_those_of_the_window() -> None:
    """Requests and failures, those of a counter that was born in it too."""
    found = TOLD.ask(queries.counts(queries.ISTIO, "shop", WORKLOADS, WINDOW), at(60))
    values = {row.labels[queries.COUNTED]: row.value for row in found.rows if "web-canary" in row.labels.values()}
    assert values == {queries.REQUESTS: 32.0, queries.FAILURES: 2.0}


def test_a_workload_that_is_not_scraped_any_more_is_dark() -> None:
    """After two and a half intervals without a sample, though it has some in the window."""
    asked = queries.counts(queries.ISTIO, "shop", WORKLOADS, timedelta(seconds=60))
    dark = {queries.ISTIO.workload: "web", queries.COUNTED: queries.DARK}
    assert outcome.cell(TOLD.ask(asked, at(60)), dark) is None
    assert outcome.cell(TOLD.ask(asked, at(70)), dark) == outcome.Number(1.0)


def test_latencies_are_cumulative_by_edge() -> None:
    """Of the one workload that has a histogram."""
    found = TOLD.ask(queries.latencies(queries.ISTIO, "shop", WORKLOADS, WINDOW), at(60))
    assert {row.labels[queries.EDGE]: row.value for row in found.rows} == {"500": 24.0, "inf": 30.0}


def test_any_other_query_is_refused() -> None:
    """An answer to what was not understood would be made up."""
    with pytest.raises(ValueError, match="cannot be retold: up"):
        TOLD.ask("up", at(60))
