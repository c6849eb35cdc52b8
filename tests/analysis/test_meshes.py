"""Every row of the table by mesh on a real Prometheus: both judges' queries count its series exactly."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from analysis import evidence, histogram, judge, meshes, preflight, prometheus, queries, threshold
from analysis.mesh import Mesh, Naming, Unit
from analysis.verdict import Judgement
from tests.analysis import telemetry

pytestmark = pytest.mark.e2e

Labels = dict[str, str]
SHOP = "shop"
GRPC = {"request_protocol": "grpc", "response_code": "200", "response_flags": "-"}
ISTIO = {"request_protocol": "http", "grpc_response_status": "", "response_flags": "-"}
P99 = threshold.Latency(Decimal("0.99"), timedelta(milliseconds=500))


@dataclass(frozen=True)
class Spoken:
    """How one mesh speaks. good: labels of requests that went well. bad: of each kind of failure.
    other: of requests that are not counted. timed: of its histogram, where that has not the labels of `good`.
    """

    good: Labels
    bad: tuple[Labels, ...]
    other: tuple[Labels, ...] = ()
    timed: Labels | None = None


def istio(reporter: str) -> Spoken:
    """Istio, as one kind of its proxies reports."""
    by = {"reporter": reporter}
    return Spoken(
        good={**by, **ISTIO, "response_code": "404"},
        bad=({**by, **ISTIO, "response_code": "503"}, {**by, **GRPC, "grpc_response_status": "14"}),
        other=({**by, **ISTIO, "response_code": "0"}, {"reporter": "other", **ISTIO, "response_code": "500"}),
    )


SPOKEN = {
    "istio": istio("destination"),
    "istio-waypoint": istio("waypoint"),
    "istio-source": istio("source"),
    "linkerd": Spoken(
        good={"direction": "inbound", "classification": "success", "status_code": "404", "tls": "true"},
        bad=({"direction": "inbound", "classification": "failure", "status_code": "500", "tls": "true"},),
        other=({"direction": "outbound", "classification": "failure", "status_code": "500", "tls": "true"},),
        timed={"direction": "inbound", "status_code": "404", "tls": "true"},
    ),
    "linkerd-route": Spoken(
        good={"backend_kind": "Service", "http_status": "404", "error": ""},
        bad=(
            {"backend_kind": "Service", "http_status": "500", "error": ""},
            {"backend_kind": "Service", "http_status": "", "error": "FAIL_FAST"},
        ),
        other=({"backend_kind": "default", "http_status": "500", "error": ""},),
        timed={"backend_kind": "Service"},
    ),
    "application": Spoken(
        good={"code": "404", "method": "get"},
        bad=({"code": "500"}, {"status": "5xx"}, {"status_code": "503"}, {"http_response_status_code": "504"}),
    ),
    "application-pods": Spoken(
        good={"status": "200", "method": "get"},
        bad=({"status": "500"}, {"code": "502", "status": "502"}),
    ),
}
"""One for each row of the table."""

EDGES = {Unit.MILLISECONDS: ("100", "500", "+Inf"), Unit.SECONDS: ("0.1", "0.5", "+Inf")}
FAILED = 50
"""Requests of the canary, all of which fail."""


def legs(name: str) -> tuple[str, str]:
    """Canary and stable; the rows that share metrics and labels share workloads, too."""
    stable = "web" if name.startswith("istio") else f"{name}.v1"
    return f"{stable}-canary", stable


def grown(name: str) -> int:
    """By how much stable's good requests grow: of each row by another number."""
    return 40 + list(meshes.MESHES).index(name)


def place(mesh: Mesh, workload: str, namespace: str = SHOP) -> Labels:
    """The labels that say where a series belongs."""
    pod = f"{workload}-5d4f8c7b9d-x2zkq"
    return {mesh.namespace: namespace, "pod": pod, **({} if mesh.naming is Naming.POD else {mesh.workload: workload})}


def written(metric: str, labels: Labels) -> str:
    """A series as it stands in an exposition."""
    return queries.selector(metric, tuple(f'{label}="{value}"' for label, value in sorted(labels.items())))


def counted(mesh: Mesh, where: Labels, counts: list[tuple[Labels, int]]) -> dict[str, float]:
    return {written(mesh.requests, {**where, **labels}): count for labels, count in counts}


def timed(mesh: Mesh, labels: Labels, below: tuple[int, int, int]) -> dict[str, float]:
    edges = EDGES[mesh.unit]
    return {written(mesh.latency, {**labels, "le": edge}): count for edge, count in zip(edges, below, strict=True)}


def before(name: str, mesh: Mesh) -> dict[str, float]:
    """Stable alone: a thousand requests, all of them slow, and some that are nobody's."""
    _, stable = legs(name)
    spoken, where = SPOKEN[name], place(mesh, stable)
    slow = timed(mesh, {**where, **(spoken.timed or spoken.good)}, (0, 0, 1000))
    return {**counted(mesh, where, [(spoken.good, 1000), *((one, 7) for one in spoken.other)]), **slow}


def after(name: str, mesh: Mesh) -> dict[str, float]:
    """Stable with quick requests and one more of each failure than of the one before; a canary that only fails."""
    canary, stable = legs(name)
    spoken, own, where = SPOKEN[name], place(mesh, canary), place(mesh, stable)
    more, failed = grown(name), [(one, rank) for rank, one in enumerate(spoken.bad, start=1)]
    return {
        **counted(mesh, where, [(spoken.good, 1000 + more), *failed, *((one, 99) for one in spoken.other)]),
        **timed(mesh, {**where, **(spoken.timed or spoken.good)}, (more - 5, more, 1000 + more)),
        **counted(mesh, own, [(spoken.bad[0], FAILED)]),
        **timed(mesh, {**own, **(spoken.timed or spoken.bad[0])}, (0, FAILED, FAILED)),
        **counted(mesh, place(mesh, stable, "elsewhere"), [(spoken.bad[0], 500)]),
        **counted(mesh, place(mesh, f"{stable}-other"), [(spoken.bad[0], 500)]),
    }


@dataclass(frozen=True)
class Seen:
    """A Prometheus that has scraped all rows' series before `since` and, grown, before `now`."""

    door: prometheus.Prometheus
    since: datetime
    now: datetime


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """All rows at once, by one Prometheus that scrapes each second."""
    sidecars = telemetry.Sidecars()
    with telemetry.scraping(tmp_path_factory.mktemp("prometheus"), sidecars) as door:
        times = []
        for stage, show in enumerate((before, after), start=1):
            series = {key: value for name, mesh in meshes.MESHES.items() for key, value in show(name, mesh).items()}
            sidecars.series = {**series, "shown_total": stage}
            times.append(telemetry.until(door, "sum(shown_total)", stage))
            telemetry.until(door, "sum(count_over_time(shown_total[1h]))", 3 * stage)
        yield Seen(door, times[0], datetime.now(UTC))


rows = pytest.mark.parametrize(
    ("name", "mesh"), [pytest.param(name, row, id=name) for name, row in meshes.MESHES.items()]
)


@rows
def test_requests_and_failures_are_exact(seen: Seen, name: str, mesh: Mesh) -> None:
    """Of both legs: births and growth, each alternative of failure once, and nothing of others."""
    canary, stable = legs(name)
    answer = seen.door.query(queries.counts(mesh, SHOP, (canary, stable), seen.now - seen.since), seen.now)
    failed = sum(range(1, len(SPOKEN[name].bad) + 1))
    found = {(row.labels[mesh.key], row.labels[queries.COUNTED]): row.value for row in answer.rows}
    assert found == {
        (canary, queries.REQUESTS): FAILED,
        (canary, queries.FAILURES): FAILED,
        (stable, queries.REQUESTS): grown(name) + failed,
        (stable, queries.FAILURES): failed,
    }


@rows
def test_latencies_are_in_milliseconds(seen: Seen, name: str, mesh: Mesh) -> None:
    """Whatever the unit of the mesh's edges; what was slow before the window does not count."""
    canary, stable = legs(name)
    answer = seen.door.query(queries.latencies(mesh, SHOP, (canary, stable), seen.now - seen.since), seen.now)
    more = grown(name)
    for workload, below in ((canary, (0, FAILED, FAILED)), (stable, (more - 5, more, more))):
        own = [row for row in answer.rows if row.labels[mesh.key] == workload]
        assert histogram.buckets(own, mesh.unit) == dict(zip((100, 500, float("inf")), below, strict=True))


@rows
def test_the_threshold_judge_fails_a_bad_canary(seen: Seen, name: str, mesh: Mesh) -> None:
    """Through the door, with a latency limit."""
    canary, stable = legs(name)
    limits = threshold.Thresholds(interval=seen.now - seen.since, latency=P99)
    names, services = ((canary, stable), None) if mesh.naming is not Naming.SERVICE else (("b", "a"), (canary, stable))
    question = judge.Question(SHOP, *names, seen.since, seen.since, seen.now, limits, services=services)
    said = judge.judge(question, seen.door.ask, mesh)
    assert (said.verdict, said.reason, said.requests) == ("Fail", "NoSuccess", FAILED), said.text


def weighed(seen: Seen, mesh: Mesh, canary: str, stable: str) -> Judgement:
    """The evidence judge's word on a release that began between the first scrapes and the growth."""
    began = seen.since + timedelta(seconds=0.5)
    limits = threshold.Thresholds(interval=timedelta(minutes=5), latency=P99)
    question = judge.Question(SHOP, canary, stable, began, began, datetime.now(UTC), limits)
    return evidence.judge(evidence.EvidenceQuestion(question, began, Decimal(25), Decimal(50)), seen.door.read, mesh)


@rows
def test_the_evidence_judge_counts_raw_samples(seen: Seen, name: str, mesh: Mesh) -> None:
    """A canary that only fails; and, were it the canary, the other workload with its requests and latency."""
    canary, stable = legs(name)
    bad, other = weighed(seen, mesh, canary, stable), weighed(seen, mesh, stable, canary)
    assert (bad.verdict, bad.reason, bad.requests) == ("Fail", "NoSuccess", FAILED), bad.text
    assert other.requests == grown(name) + sum(range(1, len(SPOKEN[name].bad) + 1))
    assert "p99 between 100 ms and 500 ms, limit 500 ms" in other.text


@rows
def test_nothing_is_amiss_before_a_release(seen: Seen, name: str, mesh: Mesh) -> None:
    """Preflight finds the running version's series, and the limit among the edges."""
    _, stable = legs(name)
    assert preflight.faults(SHOP, stable, seen.door.ask, seen.now, latency=P99, mesh=mesh) == ()
    coarse = threshold.Latency(Decimal("0.99"), timedelta(milliseconds=300))
    assert preflight.faults(SHOP, stable, seen.door.ask, seen.now, latency=coarse, mesh=mesh) == (
        "p99<300 ms lies between the histogram's edges: only above 500 ms it is judged high",
    )


@rows
def test_a_workload_without_series_is_named_by_its_matcher(seen: Seen, name: str, mesh: Mesh) -> None:
    """Where the general matchers are met, and the namespace's, the workload's own is what is missing."""
    (said,) = preflight.faults(SHOP, "nobody", seen.door.ask, seen.now, mesh=mesh)
    assert f" has {queries.receiver(mesh, SHOP, 'nobody')[-1]} in the last 60 min" in said
