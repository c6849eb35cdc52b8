"""The evidence judge's own queries on a real Prometheus: samples of both legs, and the edges of their histograms."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from analysis import evidence, judge, prometheus, queries, samples, threshold
from analysis.verdict import Judgement
from tests.analysis import telemetry

pytestmark = pytest.mark.e2e

P99 = threshold.Latency(Decimal("0.99"), timedelta(milliseconds=500))
EDGES = ("5", "100", "250", "500", "1000", "2500", "+Inf")


@pytest.fixture
def sidecars() -> telemetry.Sidecars:
    """What is scraped each second."""
    return telemetry.Sidecars()


@pytest.fixture
def door(tmp_path_factory: pytest.TempPathFactory, sidecars: telemetry.Sidecars) -> Iterator[prometheus.Prometheus]:
    """A door to a Prometheus of its own."""
    with telemetry.scraping(tmp_path_factory.mktemp("prometheus"), sidecars) as opened:
        yield opened


def counters(workload: str, good: int, bad: int) -> dict[str, float]:
    """One pod's counters; all requests take between 100 and 250 ms."""
    found: dict[str, float] = {}
    for code, value in (("200", good), ("503", bad)):
        labels = (
            'reporter="destination"',
            f'destination_workload="{workload}"',
            'destination_workload_namespace="shop"',
            f'response_code="{code}"',
            'request_protocol="http"',
            f'pod="{workload}-1"',
        )
        if not value:
            continue
        found[queries.selector(queries.ISTIO.requests, labels)] = value
        for edge in EDGES:
            below = value if float(edge) >= 250 else 0
            found[queries.selector(queries.ISTIO.latency, (*labels, f'le="{edge}"'))] = below
    return found


def asked(door: prometheus.Prometheus, began: datetime, checkpoint: str | None = None) -> Judgement:
    """A look now."""
    limits = threshold.Thresholds(interval=timedelta(minutes=5), latency=P99)
    question = judge.Question("shop", "web-canary", "web", began, began, datetime.now(UTC), limits)
    return evidence.judge(
        evidence.EvidenceQuestion(question, began, Decimal(25), Decimal(50), checkpoint=checkpoint), door.read
    )


def test_a_bad_canary_is_convicted_from_real_samples(door: prometheus.Prometheus, sidecars: telemetry.Sidecars) -> None:
    """Counters that a real Prometheus scraped, every second; births included, from a checkpoint or not."""
    sidecars.series = counters("web", 1000, 1)
    telemetry.until(door, "count(count_over_time(istio_requests_total[1m]) > 2)", 2)
    began = datetime.now(UTC)
    said, checkpoint = asked(door, began), None
    for second in range(1, 120):
        sidecars.series = {
            **counters("web", 1000 + 30 * second, 1),
            **counters("web-canary", 8 * second, 2 * second),
        }
        time.sleep(1)
        said = asked(door, began, checkpoint)
        checkpoint = said.checkpoint if second % 3 == 0 else checkpoint
        if said.verdict == "Fail":
            break
    assert (said.verdict, said.reason) == ("Fail", "SuccessRateLow"), said.text
    assert said.text.startswith("errors 20 % of ")
    assert "stable 0 %" in said.text
    assert "p99 between 100 ms and 250 ms, limit 500 ms" in said.text


def test_edges_of_a_real_histogram_are_read(door: prometheus.Prometheus, sidecars: telemetry.Sidecars) -> None:
    """A subquery answers like a range selector."""
    sidecars.series = counters("web", 10, 0)
    telemetry.until(door, "count(count_over_time(istio_requests_total[1m]) > 1)", 1)
    now = datetime.now(UTC)
    found = door.read(queries.shared_edges(queries.ISTIO, "shop", ("web", "web-canary")), now)
    assert isinstance(found, samples.Matrix)
    assert {float(one.labels[queries.EDGE]) for one in found.series} == {float(edge) for edge in EDGES}
