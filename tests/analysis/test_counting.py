"""The queries' arithmetic on a real Prometheus: births, resets, departures and gaps count as they should."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from analysis import histogram, judge, outcome, preflight, prometheus, queries, threshold, verdict
from tests.analysis import telemetry

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def sidecars() -> telemetry.Sidecars:
    """What the Prometheus of this module scrapes; each test shows workloads of its own."""
    return telemetry.Sidecars()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, sidecars: telemetry.Sidecars) -> Iterator[prometheus.Prometheus]:
    """A door to a Prometheus that scrapes each second."""
    with telemetry.scraping(tmp_path_factory.mktemp("prometheus"), sidecars) as opened:
        yield opened


def series(workload: str, pod: str = "a", code: str = "200", **more: str) -> str:
    """One series of Istio's request counter at the receiving sidecar."""
    labels = {
        "reporter": "destination",
        "destination_workload": workload,
        "destination_workload_namespace": "shop",
        "response_code": code,
        "request_protocol": "http",
        "grpc_response_status": "",
        "response_flags": "-",
        "pod": pod,
        **more,
    }
    return queries.selector("istio_requests_total", tuple(f'{name}="{value}"' for name, value in labels.items()))


def grpc(workload: str, status: str, flags: str = "-", code: str = "200") -> str:
    """A series of gRPC requests."""
    return series(workload, code=code, request_protocol="grpc", grpc_response_status=status, response_flags=flags)


def bucket(workload: str, edge: str) -> str:
    """One series of Istio's latency histogram."""
    return series(workload, le=edge).replace("istio_requests_total", queries.ISTIO.latency)


Shown = dict[str, float]
Show = Callable[[Shown | None], datetime]


@pytest.fixture(scope="module")
def show(door: prometheus.Prometheus, sidecars: telemetry.Sidecars) -> Show:
    """Export these series, or fail, and give the time from which on Prometheus has seen it."""
    flag = "shown_total"
    calls = [0]

    def shown(counters: Shown | None) -> datetime:
        if counters is None:
            sidecars.series = None
            return telemetry.until(door, "sum(up)", 0)
        calls[0] += 1
        sidecars.series = {**counters, flag: calls[0]}
        return telemetry.until(door, f"sum({flag}) + 0 * sum(up == 1)", calls[0])

    return shown


def counted(door: prometheus.Prometheus, workload: str, since: datetime, now: datetime) -> tuple[float, float]:
    """Requests and failures between two moments, as the judge reads them; -1 where there is no row."""
    requests, failures, _ = counts(door, workload, since, now)
    return requests, failures


def counts(door: prometheus.Prometheus, workload: str, since: datetime, now: datetime) -> tuple[float, float, float]:
    """All three kinds of rows: requests, failures, and how many series went dark."""
    answer = door.query(queries.counts(queries.ISTIO, "shop", (workload, "other.v2"), now - since), now)

    def value(kind: str) -> float:
        found = outcome.cell(answer, {queries.ISTIO.workload: workload, queries.COUNTED: kind})
        return found.value if isinstance(found, outcome.Number) else -1

    return value(queries.REQUESTS), value(queries.FAILURES), value(queries.DARK)


ROWS: dict[str, tuple[Shown, Shown, tuple[float, float]]] = {
    "what was counted before does not count": ({series("w0"): 100}, {series("w0"): 130}, (30, -1)),
    "the first errors of a new pod count": ({}, {series("w1", code="500"): 3}, (3, 3)),
    "the first errors of an old pod count": (
        {series("w2"): 100},
        {series("w2"): 110, series("w2", code="503"): 2},
        (12, 2),
    ),
    "a restarted container counts from zero": ({series("w3"): 100}, {series("w3"): 7}, (7, -1)),
    "pods are differenced one by one": (
        {series("w4"): 5, series("w4", "b"): 50},
        {series("w4"): 9, series("w4", "b", code="500"): 1},
        (5, 1),
    ),
    "a client that went away is no request": (
        {series("w5"): 5, series("w5", code="0", response_flags="DC"): 1},
        {series("w5"): 9, series("w5", code="0", response_flags="DC"): 100},
        (4, -1),
    ),
    "grpc fails by its status": ({}, {grpc("w6", str(status)): 1 for status in range(17)}, (17, 9)),
    "a grpc stream that breaks is a failure unless the client broke it": (
        {},
        {grpc("w7", "", "DC"): 1, grpc("w7", "", "UC"): 10, grpc("w7", "", code="503"): 100},
        (111, 110),
    ),
    "no traffic is zero requests": ({series("w8"): 5}, {series("w8"): 5}, (0, -1)),
    "the sender's view does not count": ({}, {series("w9", reporter="source"): 5}, (-1, -1)),
    "nor another namespace": ({}, {series("w10", destination_workload_namespace="bar"): 5}, (-1, -1)),
    "nor a longer name": ({}, {series("w11-canary"): 5}, (-1, -1)),
    "a dot in a name is a dot": ({}, {series("otherxv2"): 5, series("w12"): 1}, (1, -1)),
}
"""Counters of a workload of its own each, before and after; requests and failures, -1 where there is no row."""


@pytest.fixture(scope="module")
def span(show: Show) -> tuple[datetime, datetime]:
    """All rows' counters shown at once, before and after."""
    before = show({name: value for row, _, _ in ROWS.values() for name, value in row.items()})
    after = show({name: value for _, row, _ in ROWS.values() for name, value in row.items()})
    return before, after


@pytest.mark.parametrize("claim", ROWS)
def test_counters_are_differenced_exactly(
    door: prometheus.Prometheus, span: tuple[datetime, datetime], claim: str
) -> None:
    """Requests and failures between two states of the counters are whole numbers."""
    workload = f"w{list(ROWS).index(claim)}"
    assert counts(door, workload, *span) == (*ROWS[claim][2], -1)


def test_a_pod_that_went_away_in_the_window_still_counts(door: prometheus.Prometheus, show: Show) -> None:
    """A crashed pod takes no errors with it; a window that begins later knows nothing of it."""
    since = show({series("gone"): 10})
    show({series("gone"): 14, series("gone", code="500"): 2})
    away = show({})
    later = show({series("gone", "other"): 1, series("else"): 1})
    assert counts(door, "gone", since, later) == (7, 2, -1)
    assert counted(door, "gone", away, later) == (1, -1)


def test_a_gap_in_scraping_is_bridged(door: prometheus.Prometheus, show: Show) -> None:
    """A window that begins while scrapes fail counts from the last sample before, and not from zero."""
    show({series("gap"): 1000})
    since = show(None)
    now = show({series("gap"): 1030})
    assert counted(door, "gap", since, now) == (30, -1)


def test_a_workload_that_is_no_longer_scraped_is_dark(door: prometheus.Prometheus, show: Show) -> None:
    """What was counted until then still counts, and is marked; a later window has nothing at all."""
    since = show({series("dark"): 1000})
    show({series("dark"): 1000, series("dark", code="500"): 8})
    away = show(None)
    assert counts(door, "dark", since, away) == (8, 8, 2)
    assert counts(door, "dark", away, away + timedelta(seconds=1)) == (-1, -1, -1)


def test_a_quantile_is_that_of_the_window(door: prometheus.Prometheus, show: Show) -> None:
    """Latencies from before the window do not count either."""
    slow_past: Shown = {bucket("lat", "100"): 0, bucket("lat", "500"): 0, bucket("lat", "+Inf"): 1000}
    since = show(slow_past)
    now = show({bucket("lat", "100"): 98, bucket("lat", "500"): 100, bucket("lat", "+Inf"): 1100})
    answer = door.query(queries.latencies(queries.ISTIO, "shop", ("lat", "other"), now - since), now)
    buckets = histogram.buckets(answer.rows)
    assert buckets == {100: 98, 500: 100, float("inf"): 100}
    assert histogram.quantile(buckets, Decimal("0.99")) == histogram.Quantile(100, 500, 300)


def test_the_judge_sees_through_prometheus(door: prometheus.Prometheus, show: Show) -> None:
    """From counters to a verdict: a canary with a fifth of errors, beside a stable that is well."""
    since = show({series("web"): 5000, bucket("web", "500"): 5000, bucket("web", "+Inf"): 5000})
    now = show(
        {
            series("web"): 5300,
            series("web-canary"): 80,
            series("web-canary", code="500"): 20,
            **{bucket("web", edge): 5300 for edge in ("500", "+Inf")},
            **{bucket("web-canary", edge): 100 for edge in ("500", "+Inf")},
        }
    )
    limits = threshold.Thresholds(
        interval=now - since, max_failures=1, latency=threshold.Latency(Decimal("0.99"), timedelta(milliseconds=500))
    )
    bad = judge.Question("shop", "web-canary", "web", since, since, now, limits)
    good = judge.Question("shop", "web", "web-canary", since, since, now, limits)
    said = judge.judge(bad, door.ask)
    assert (said.verdict, said.reason) == (verdict.Verdict.FAIL, verdict.Reason.SUCCESS_RATE_LOW)
    assert (said.success, said.requests, said.seen_share) == (80, 100, 0.25)
    assert said.last_bad == now
    assert judge.judge(good, door.ask).verdict is verdict.Verdict.PASS


@pytest.mark.parametrize(
    ("mesh", "workload", "words"),
    [
        pytest.param(queries.ISTIO, "pre", None, id="all well"),
        pytest.param(queries.ISTIO, "perl", 'has destination_workload="perl"', id="another workload's name"),
    ],
)
def test_an_empty_selector_is_named(
    door: prometheus.Prometheus,
    show: Show,
    mesh: queries.Mesh,
    workload: str,
    words: str | None,
) -> None:
    """Preflight finds on a real Prometheus what the judge would take for no traffic."""
    now = show({series("pre"): 1})
    said = preflight.faults("shop", workload, door.ask, now, mesh=mesh)
    assert (words is None and said == ()) or (words is not None and words in said[0])


def test_a_query_that_prometheus_cannot_parse_is_quoted(door: prometheus.Prometheus) -> None:
    """Its own words, and the query."""
    found = door.ask("sum(", datetime.now(UTC))
    assert isinstance(found, outcome.Broken)
    assert found.fault == "PrometheusBadQuery"
    assert "the query was sum(" in found.text
