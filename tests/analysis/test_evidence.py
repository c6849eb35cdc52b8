"""The evidence judge from the samples on: what is read, what is said, and what each makeshift is."""

import dataclasses
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from analysis import charges, errors, evidence, factors, judge, outcome, samples, threshold
from analysis.evidence import EvidenceQuestion
from analysis.verdict import Judgement
from tests.analysis.scrapes import Cluster, Pod, between, constant, series
from tests.analysis.traffic import START, at

P99 = threshold.Latency(Decimal("0.99"), timedelta(milliseconds=500))
MINUTE = timedelta(seconds=60)
HALF: dict[str, Any] = {"weight": Decimal(50), "next_weight": Decimal(100), "limits": {"interval": 10 * MINUTE}}
"""A long stay at the step that asks for most proof."""


def a_question(now: float, *, since: float = 0, warm_until: float = 30, **more: Any) -> EvidenceQuestion:
    """A question at a second after the start about web-canary beside web, at 5 %."""
    limits = threshold.Thresholds(**{"interval": MINUTE, **more.pop("limits", {})})
    asked = judge.Question("shop", "web-canary", "web", at(since), at(warm_until), at(now), limits)
    known: dict[str, Any] = {"began": at(0), "weight": Decimal(5), "next_weight": Decimal(25), **more}
    return EvidenceQuestion(asked, **known)


def legs(
    own: float | Callable[[float], float] = 0.001,
    other: float | Callable[[float], float] = 0.001,
    *,
    rate: float = 2.5,
    beside: float = 47.5,
    **more: Any,
) -> tuple[Pod, ...]:
    """One canary pod and three of stable, that many requests a second in sum, and these shares of failures."""
    failing = own if callable(own) else constant(own)
    suffering = other if callable(other) else constant(other)
    slow = more.pop("slow", None)
    tail = None if slow is None else constant(slow[0])
    stable_tail = None if slow is None else constant(slow[1])
    stable = tuple(
        Pod("web", f"web-{place}", constant(beside / 3), suffering, phase=4 * place + 2, slow=stable_tail)
        for place in range(3)
    )
    return (*stable, Pod("web-canary", "c", constant(rate), failing, born=0, phase=7, slow=tail, **more))


def looks(cluster: Cluster, until: float, every: float = 5, **more: Any) -> list[tuple[float, Judgement]]:
    """Look again and again at one step, until something is decided."""
    said: list[tuple[float, Judgement]] = []
    now = every
    while now <= until:
        said.append((now, evidence.judge(a_question(now, **more), cluster.read)))
        if said[-1][1].verdict in {"Pass", "Fail"}:
            break
        now += every
    return said


@pytest.mark.parametrize(
    ("pods", "question", "verdict", "reason", "latest"),
    [
        pytest.param(legs(), {}, "Pass", "Passed", 60, id="healthy"),
        pytest.param(legs(0.2), {}, "Fail", "SuccessRateLow", 60, id="a fifth fails"),
        pytest.param(legs(1.0), {}, "Fail", "NoSuccess", 25, id="everything fails"),
        pytest.param(
            legs(0.006, rate=25, beside=25), HALF, "Fail", "WorseThanStable", 300, id="worse inside the limit"
        ),
        pytest.param(legs(0.05, 0.05), {}, "Hold", "EnvironmentIncident", 600, id="both fail alike"),
        pytest.param(legs(0.1, 0.05), {}, "Hold", "EnvironmentIncident", 300, id="both fail, the canary some more"),
        pytest.param(
            legs(0.3, lambda second: 0.01 * (second > 0)),
            {},
            "Fail",
            "SuccessRateLow",
            150,
            id="both, the canary far more",
        ),
        pytest.param(legs(1.0, 1.0), {}, "Hold", "EnvironmentIncident", 100, id="both fail wholly"),
        pytest.param(
            legs(1.0, 1.0),
            {"limits": {"success_rate": None}},
            "Hold",
            "EnvironmentIncident",
            100,
            id="both fail wholly, and no limit is asked for",
        ),
        pytest.param(legs(rate=0), {}, "NoData", "NoRequests", 100, id="no requests"),
        pytest.param(legs(rate=0.1), {}, "NoData", "TooFewRequests", 100, id="too few requests"),
        pytest.param(legs(0.012, 0.012, rate=25), {}, "Hold", "EnvironmentIncident", 70, id="both beyond the limit"),
        pytest.param(legs(slow=(0.0, 0.0)), {"limits": {"latency": P99}}, "Pass", "Passed", 60, id="healthy and quick"),
        pytest.param(
            legs(slow=(0.3, 0.001)), {"limits": {"latency": P99}}, "Fail", "LatencyHigh", 90, id="a slow tail"
        ),
        pytest.param(
            legs(0.0, slow=(0.3, 0.001)),
            {"shortest": 5 * MINUTE, "limits": {"latency": dataclasses.replace(P99, quantile=Decimal("0.5"))}},
            "Hold",
            "SlowerThanStable",
            300,
            id="slower inside the limit",
        ),
        pytest.param(legs(dies=20), {}, "NoData", "NotScraped", 100, id="a canary that is gone"),
        pytest.param(legs(), {"limits": {"latency": P99}}, "NoData", "NoLatency", 100, id="no histogram"),
        pytest.param(legs(), {"limits": {"success_rate": None}}, "Pass", "Passed", 60, id="no limit at all"),
    ],
)
def test_what_traffic_leads_to(
    pods: tuple[Pod, ...], question: dict[str, Any], verdict: str, reason: str, latest: float
) -> None:
    """Each kind of traffic and the verdict that it ends with."""
    said = looks(Cluster(pods), latest, **question)
    assert (said[-1][1].verdict, said[-1][1].reason) == (verdict, reason), said[-1][1].text
    assert said[-1][0] <= latest


@pytest.mark.parametrize(
    ("scrape", "latest"), [pytest.param(5.0, 25, id="every 5 s"), pytest.param(15.0, 45, id="every 15 s")]
)
def test_a_fifth_of_failures_is_found_in_the_first_scrapes(scrape: float, latest: float) -> None:
    """At 50 requests a second and 5 %, though the canary is cold: three of four releases are taken back by then."""
    found = []
    for seed in range(12):
        pods = tuple(dataclasses.replace(pod, scrape=scrape, phase=(pod.phase + seed) % scrape) for pod in legs(0.2))
        said = looks(Cluster(pods, seed=seed), 120, every=2.5)
        assert said[-1][1].verdict == "Fail"
        found.append(said[-1][0])
    assert sorted(found)[8] <= latest


def test_a_healthy_step_passes_by_proof_before_its_time() -> None:
    """The interval is the longest stay, not the only one."""
    said = looks(Cluster(legs(0.0, rate=12)), 60, weight=Decimal(25), next_weight=Decimal(50))
    assert said[-1][0] < 60
    assert "proof" in said[-1][1].text


@pytest.mark.parametrize(
    ("question", "earliest"),
    [
        pytest.param({}, 30, id="two scrapes"),
        pytest.param({"shortest": timedelta(seconds=50)}, 50, id="a shortest stay"),
        pytest.param(
            {"weight": Decimal(100), "next_weight": None, "least": timedelta(seconds=45)}, 45, id="a release's least"
        ),
        pytest.param({"limits": {"success_rate": None}}, 60, id="nothing to prove"),
    ],
)
def test_no_step_is_rushed(question: dict[str, Any], earliest: float) -> None:
    """However much proof there is."""
    said = looks(Cluster(legs(0.0, rate=200)), 120, **question)
    assert said[-1][1].verdict == "Pass"
    assert said[-1][0] == earliest


def test_a_number_beyond_its_limit_never_passes_by_time() -> None:
    """1.2 % failures of a limit of 1 % are no evidence, and no pass."""
    exact = {float(second): 100.0 * (place + 1) for place, second in enumerate(range(7, 600, 15))}
    bad = {second: 1.0 + place * 1.2 // 1 for place, second in enumerate(exact)}
    found = (
        series("web-canary", "c", {second: exact[second] - bad[second] for second in exact}),
        series("web-canary", "c", bad, response_code="503"),
        series("web", "s", {float(second): 200_000.0 + 300 * second for second in range(-590, 600, 15)}),
        series("web", "s", {float(second): 2.0 * second for second in range(10, 600, 15)}, response_code="503"),
    )
    cut = [one for one in (between(one, START.timestamp() - 600, START.timestamp() + 70) for one in found) if one]
    question = a_question(70, limits={"success_rate": Decimal("99.2")}, warm_until=0)
    said = evidence.weigh(question, samples.Matrix(tuple(cut)))
    assert (said.verdict, said.reason) == ("Hold", "NotProven")
    assert "beyond its limit, which may be chance" in said.text


def test_numbers_are_told_with_their_bounds() -> None:
    """One sentence: share, requests, bounds, stable, evidence; and the same as numbers."""
    said = looks(Cluster(legs(0.2)), 60)[-1][1]
    pattern = r"errors \d\d % of \d\d requests \(99 % sure: [\d.]+–\d\d\), stable [\d.]+ %; evidence [\d,]+ of 100"
    assert re.fullmatch(pattern, said.text)
    assert said.evidence is not None
    assert said.evidence >= 100
    assert said.success is not None
    assert said.failing_low is not None
    assert said.failing_high is not None
    assert said.failing_low < 100 - said.success < said.failing_high
    assert said.seen_share == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize(
    ("pods", "question", "words"),
    [
        pytest.param(
            legs(beside=0), {"weight": Decimal(100), "next_weight": None}, "no traffic to compare with", id="no control"
        ),
        pytest.param(legs(rate=0.02), {}, "10 % errors would need about", id="little traffic"),
        pytest.param(legs(rate=0.1), {}, "needs about", id="too few requests"),
        pytest.param(
            legs(other=lambda second: 0.6 if second % 200 < 5 else 0.0), {}, "errors come in bursts", id="bursts"
        ),
        pytest.param(legs(slow=(0.001, 0.001)), {"limits": {"latency": P99}}, "p99 between", id="latency"),
    ],
)
def test_the_makeshift_in_force_is_told(pods: tuple[Pod, ...], question: dict[str, Any], words: str) -> None:
    """And what would help."""
    said = looks(Cluster(pods), 100, **question)
    assert words in said[-1][1].text


def test_at_a_hundred_percent_stables_past_is_told() -> None:
    """What the canary is compared with while stable is idle."""
    stable = tuple(
        Pod("web", f"web-{place}", lambda second: 16.0 if second < 0 else 0.0, phase=4 * place) for place in range(3)
    )
    canary = Pod("web-canary", "c", constant(50), lambda second: 0.05 * (second > 90), born=0, phase=7)
    said = looks(Cluster((*stable, canary)), 200, shortest=10 * MINUTE, warm_until=0)
    assert said[-1][1].verdict == "Fail"
    assert "judged by its past, at most 0.4 %" in said[-1][1].text


@pytest.mark.parametrize("latency", [None, P99])
def test_one_query_a_look(latency: threshold.Latency | None) -> None:
    """Two where a latency is limited and its edges are not known yet, then one."""
    cluster = Cluster(legs(slow=(0.001, 0.001)))
    first = evidence.judge(a_question(40, limits={"latency": latency}), cluster.read)
    asked = len(cluster.asked)
    evidence.judge(a_question(45, limits={"latency": latency}, checkpoint=first.checkpoint), cluster.read)
    assert (asked, len(cluster.asked)) == ((1, 2) if latency is None else (2, 3))


@pytest.mark.parametrize("latency", [None, P99])
@pytest.mark.parametrize("cut", [8, 23, 38, 68, 143, 238, 503, 898])
def test_a_restart_changes_no_judgement(cut: float, latency: threshold.Latency | None) -> None:
    """From a checkpoint that any look left, later looks judge as from all samples since the beginning."""
    cluster = Cluster(legs(0.004, slow=(0.008, 0.004)), seed=4)
    limits = {"latency": latency}
    stored = evidence.judge(a_question(cut, limits=limits), cluster.read).checkpoint
    for now in (cut, cut + 5, cut + 60, 1000):
        since = 0 if now == cut else cut + 1
        whole = evidence.judge(a_question(now, since=since, limits=limits), cluster.read)
        continued = evidence.judge(a_question(now, since=since, limits=limits, checkpoint=stored), cluster.read)
        assert continued == whole


def test_a_restart_reads_less() -> None:
    """A checkpoint replaces the beginning of a long release."""
    cluster = Cluster(legs())
    stored = evidence.judge(a_question(1500), cluster.read).checkpoint
    evidence.judge(a_question(1505, checkpoint=stored), cluster.read)
    spans = [int(promql.rpartition("[")[2].removesuffix("ms]")) / 1000 for promql in cluster.asked]
    assert spans[0] == 2100
    assert 300 <= spans[1] <= 360


def test_no_answer_moves_nothing() -> None:
    """Prometheus away is nobody's fault, and the checkpoint is kept."""
    cluster = Cluster(legs(), away=((50, 100),))
    said = evidence.judge(a_question(60, checkpoint="kept"), cluster.read)
    assert (said.verdict, said.reason, said.checkpoint) == ("NoData", "PrometheusUnreachable", "kept")
    said = evidence.judge(a_question(60, limits={"latency": P99}), cluster.read)
    assert (said.verdict, said.reason) == ("NoData", "PrometheusUnreachable")


def test_samples_without_edges_first() -> None:
    """A fault between the two queries of a look is told like any other."""

    def read(promql: str, _: object) -> samples.Answer:
        if promql.endswith("[1s:1s]"):
            return samples.Matrix()
        return outcome.Broken(errors.Fault.BUSY, "busy")

    said = evidence.judge(a_question(60, limits={"latency": P99}), read)
    assert said.reason == "PrometheusBusy"


def test_what_is_over_holds_and_does_not_convict() -> None:
    """Failures that nobody looked at while they happened, and that have ended since."""
    cluster = Cluster(legs(lambda second: 0.3 * (35 < second <= 155), rate=10))
    said = evidence.judge(a_question(250), cluster.read)
    assert (said.verdict, said.reason) == ("Hold", "Suspected")
    assert said.evidence is not None
    assert said.evidence > 100


def test_silence_at_a_step_is_no_verdict() -> None:
    """The canary was seen before, and has had no request since."""
    cluster = Cluster((*legs(beside=47.5)[:3], Pod("web-canary", "c", lambda t: 3.0 * (t < 50), born=0, phase=7)))
    said = evidence.judge(a_question(200, since=80), cluster.read)
    assert (said.verdict, said.reason) == ("NoData", "NoRequests")
    assert said.text == "0 requests in 2 min, 20 needed; less than one request a scrape"


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        pytest.param(5, "WarmingUp", id="at first"),
        pytest.param(40, "StillMeasuring", id="within the interval"),
        pytest.param(70, "NoRequests", id="after it"),
    ],
)
def test_silence_is_no_verdict(now: float, reason: str) -> None:
    """Before the canary was seen."""
    assert evidence.judge(a_question(now), Cluster(legs(rate=0)).read).reason == reason


def test_a_canary_that_went_dark_before_its_traffic_is_told() -> None:
    """It was seen once, and not since the release began."""
    found = samples.Matrix((series("web-canary", "c", {-30.0: 1.0, -15.0: 1.0}),))
    said = evidence.weigh(a_question(70), found)
    assert (said.verdict, said.reason) == ("NoData", "NotScraped")


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param(500, (100, 250, 500, 1000), id="an edge"),
        pytest.param(300, (50, 100, 250, 500, 1000), id="between two"),
        pytest.param(20_000, (2500, 10_000), id="beyond the last"),
        pytest.param(1, (5,), id="below the first"),
    ],
)
def test_edges_around_a_limit(limit: float, expected: tuple[float, ...]) -> None:
    """What is certainly slow, what is possibly slow, and a view of the whole body."""
    edges = {5.0, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000, float("inf")}
    assert evidence.chosen(edges, limit) == expected


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param({"began": START.replace(tzinfo=None)}, "times must have a time zone", id="naive"),
        pytest.param({"weight": Decimal(0)}, "weight must be above 0", id="no weight"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(more: dict[str, Any], message: str) -> None:
    """At once, with the value."""
    with pytest.raises(ValueError, match=message):
        a_question(10, **more)


@pytest.mark.parametrize(
    ("points", "labels"),
    [
        pytest.param({15: -5, 30: -10, 45: -1, 60: -50}, {}, id="below zero"),
        pytest.param({15: 5, 30: 1e20, 45: 2e20, 60: 3e20}, {}, id="absurdly many"),
        pytest.param({15: 5, 30: 6}, {samples.NAME: "istio_request_duration_milliseconds_bucket"}, id="no edge"),
    ],
)
def test_samples_that_no_counter_has_are_no_verdict(points: dict[float, float], labels: dict[str, str]) -> None:
    """They are told, and what was known is kept."""
    odd = series("web-canary", "c", points, **labels)
    sound = series("web-canary", "d", {15: 10, 30: 40, 45: 80, 60: 120})
    said = evidence.weigh(a_question(70, checkpoint="kept"), samples.Matrix((sound, odd)))
    assert (said.verdict, said.reason, said.checkpoint) == ("NoData", "UnsoundCounts", "kept")


def test_as_many_requests_as_a_counter_can_hold_are_judged() -> None:
    """Nothing overflows on the way."""
    much = series("web-canary", "c", {15: 0, 30: 2e15, 45: 4e15, 60: 8e15})
    beside = series("web", "a", {15: 0, 30: 2e15, 45: 4e15, 60: 8e15})
    assert evidence.weigh(a_question(70), samples.Matrix((much, beside))).verdict == "Pass"


def test_a_latency_metric_without_edges_is_told() -> None:
    """Such as a native histogram, or a summary's name: there is no latency, and no look breaks off."""
    cluster = Cluster(legs())
    bare = samples.Series({"destination_workload": "web"}, (START.timestamp(),), (1.0,))

    def read(promql: str, when: Any) -> samples.Answer:
        return samples.Matrix((bare,)) if promql.endswith("[1s:1s]") else cluster.read(promql, when)

    said = evidence.judge(a_question(100, limits={"latency": P99}), read)
    assert (said.verdict, said.reason) == ("NoData", "NoLatency")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            {"latency": threshold.Latency(Decimal("0.99"), timedelta(milliseconds=25))}, {"latency": P99}, id="latency"
        ),
        pytest.param({"success_rate": Decimal(50)}, {"success_rate": Decimal(99)}, id="success rate"),
    ],
)
def test_limits_that_were_edited_are_judged_by_anew(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Of the checkpoint, the histogram's edges and the bets belong to the old ones."""
    cluster = Cluster(legs(0.03, 0.03, slow=(0.3, 0.001), rate=25, beside=25))
    stored = evidence.judge(a_question(60, limits={**before, "interval": 10 * MINUTE}), cluster.read).checkpoint
    limits = {**after, "interval": 10 * MINUTE}
    for now in (65, 100, 300):
        whole = evidence.judge(a_question(now, limits=limits), cluster.read)
        continued = evidence.judge(a_question(now, limits=limits, checkpoint=stored), cluster.read)
        assert continued == whole


def test_an_assumed_scrape_interval_is_not_kept() -> None:
    """A canary alone, scraped every minute: after its second scrape it is no more called dark between two of them."""
    pod = Pod("web-canary", "c", constant(5.0), constant(0.0), born=0, phase=7, scrape=60.0)
    cluster, kept, said = Cluster((pod,)), None, []
    for now in range(5, 600, 5):
        limits = {"interval": 30 * MINUTE}
        found = evidence.judge(a_question(now, weight=Decimal(100), checkpoint=kept, limits=limits), cluster.read)
        kept = found.checkpoint
        said += [found.reason] if now > 70 else []
    assert "NotScraped" not in said


@pytest.mark.parametrize("ahead", [pytest.param(-20, id="behind"), pytest.param(20, id="ahead")])
@pytest.mark.parametrize(
    ("failing", "verdict"), [pytest.param(0.001, "Pass", id="healthy"), pytest.param(0.2, "Fail", id="bad")]
)
def test_a_clock_that_is_some_seconds_off_changes_no_verdict(ahead: float, failing: float, verdict: str) -> None:
    """Prometheus' clock beside the controller's: both legs are scraped by the same one."""
    cluster = Cluster(legs(failing))
    for now in range(5, 150, 5):
        said = evidence.judge(a_question(now), skewed(cluster, ahead))
        if said.verdict in {"Pass", "Fail"}:
            break
    assert said.verdict == verdict, said.text


def test_a_clock_that_is_a_minute_behind_is_no_verdict() -> None:
    """All that Prometheus has looks old; the sentence says how old."""
    for now in (100, 200, 300):
        said = evidence.judge(a_question(now, limits={"interval": 10 * MINUTE}), skewed(Cluster(legs()), -60))
        assert (said.verdict, said.reason) == ("NoData", "NotScraped")
        assert re.search(r"no pod of the canary was scraped for (6|7)\d s", said.text), said.text


def skewed(cluster: Cluster, ahead: float) -> evidence.Read:
    """What a Prometheus answers whose clock is so many seconds ahead of ours."""

    def read(promql: str, when: Any) -> samples.Answer:
        found = cluster.read(promql, when)
        assert isinstance(found, samples.Matrix)
        moved = (dataclasses.replace(one, times=tuple(time + ahead for time in one.times)) for one in found.series)
        cut = (between(one, when.timestamp() - 3600, when.timestamp()) for one in moved)
        return samples.Matrix(tuple(one for one in cut if one is not None))

    return read


def test_differences_that_are_too_small_to_matter_count_less_at_much_traffic() -> None:
    """From 500 requests a second on, 1.25 times stable's share is no difference."""
    window = 15.0
    few, many = ([(int(rps * window), int(rps * window * 0.01))] for rps in (249.0, 251.0))
    beside = charges.Known(0, 0, window)
    assert charges.compared(few, few, beside) == factors.relative(few, few, 1.0)
    assert charges.compared(many, many, beside) == factors.relative(many, many, 1.25)
    assert factors.relative(many, many, 1.25) != factors.relative(many, many, 1.0)


def test_a_limit_between_two_edges_is_proven_by_what_is_certainly_quick() -> None:
    """5 % take between 500 and 1,000 ms: against p99<700ms that convicts nobody, and proves nothing."""
    between_edges = threshold.Latency(Decimal("0.99"), timedelta(milliseconds=700))
    limits = {"latency": between_edges, "interval": 10 * MINUTE}
    quick, doubtful = (
        evidence.judge(a_question(120, limits=limits), Cluster(legs(slow=(share, share), rate=10)).read)
        for share in (0.0, 0.05)
    )
    assert quick.verdict == "Pass"
    assert (doubtful.verdict, doubtful.reason) == ("Hold", "StillMeasuring")
    assert doubtful.proof is not None
    assert doubtful.proof < 1


def begun(cluster: Cluster, second: float) -> evidence.Read:
    """Stable is scraped from a second on: it ran before, and nobody counted."""

    def read(promql: str, when: Any) -> samples.Answer:
        found = cluster.read(promql, when)
        assert isinstance(found, samples.Matrix)
        cut = (late(series, at(second).timestamp()) for series in found.series)
        return samples.Matrix(tuple(series for series in cut if series.times))

    return read


def late(series: samples.Series, begin: float) -> samples.Series:
    if series.labels["destination_workload"] != "web":
        return series
    kept = [(time, value) for time, value in zip(series.times, series.values, strict=True) if time >= begin]
    return samples.Series(series.labels, tuple(time for time, _ in kept), tuple(value for _, value in kept))


@pytest.mark.parametrize(
    ("suffering", "verdict", "reason"),
    [
        pytest.param(0.2, "Hold", "EnvironmentIncident", id="stable suffers too"),
        pytest.param(0.0, "Fail", "SuccessRateLow", id="stable is well"),
    ],
)
def test_stable_that_was_scraped_once_yet_is_waited_for(suffering: float, verdict: str, reason: str) -> None:
    """Nothing is known of it; its next scrape tells (case 27)."""
    cluster = Cluster(legs(0.2, suffering, rate=25, beside=25))
    said = {now: evidence.judge(a_question(now, weight=Decimal(50)), begun(cluster, 37)) for now in (53, 100)}
    assert (said[53].verdict, said[53].reason) == ("Hold", "Suspected")
    assert "stable was scraped once yet" in said[53].text
    assert (said[100].verdict, said[100].reason) == (verdict, reason)
