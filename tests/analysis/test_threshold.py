"""The threshold judge: what each look at two legs means, and what it never may mean."""

import dataclasses
import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from analysis import errors, histogram, leg, outcome, threshold
from analysis.verdict import Judgement, Reason, Verdict

INTERVAL = timedelta(seconds=60)
P99 = threshold.Latency(Decimal("0.99"), timedelta(milliseconds=500))

FAST = histogram.Quantile(100, 250, 120)
SLOW = histogram.Quantile(500, 1000, 700)
VERY_SLOW = histogram.Quantile(2500, 5000, 3000)
BUSY = outcome.Broken(errors.Fault.BUSY, "Prometheus is busy")
UNKNOWN = leg.Leg(BUSY, BUSY)
SILENT = leg.Leg(outcome.Nothing(), outcome.Number(0))


def a_leg(
    requests: float, failures: float = 0, latency: histogram.Quantile | outcome.Broken | None = None, dark: bool = False
) -> leg.Leg:
    """A leg that was counted."""
    return leg.Leg(outcome.Number(requests), outcome.Number(failures), latency or outcome.Nothing(), dark)


GOOD = a_leg(1000, 1, FAST)


def a_look(canary: leg.Leg, stable: leg.Leg = GOOD, **more: Any) -> threshold.Look:
    """A look over a whole interval, at the default thresholds unless others are given."""
    limits = threshold.Thresholds(**{"interval": INTERVAL, **more.pop("limits", {})})
    whole: dict[str, Any] = {"window": INTERVAL, "measured": INTERVAL}
    return threshold.Look(limits, canary, stable, **{**whole, **more})


def row(*values: object, id: str, **look: Any) -> Any:
    """A row of a table: the legs and expectations, and what else the look has."""
    return pytest.param(*values, look, id=id)


FIRST_HALF: dict[str, Any] = {"window": timedelta(seconds=30), "measured": timedelta(seconds=30)}
LATENCY: dict[str, Any] = {"limits": {"latency": P99}}


@pytest.mark.parametrize(
    ("canary", "stable", "verdict", "reason", "bad_looks", "look"),
    [
        row(a_leg(124, 1), GOOD, "Pass", "Passed", 0, id="a good look over the whole interval"),
        row(a_leg(100, 1), GOOD, "Pass", "Passed", 0, id="exactly at the threshold"),
        row(a_leg(124, 1), GOOD, "Pass", "Passed", 0, bad_looks=2, id="a good look ends a row of bad ones"),
        row(a_leg(20), SILENT, "Pass", "Passed", 0, id="alone at 100 percent"),
        row(a_leg(20), UNKNOWN, "Pass", "Passed", 0, id="stable is not known"),
        row(a_leg(20), a_leg(10, 11), "Pass", "Passed", 0, id="stable makes no sense"),
        row(a_leg(124, 1, dark=True), GOOD, "NoData", "NotScraped", 1, bad_looks=1, id="good until it went dark"),
        row(a_leg(124, 9, dark=True), GOOD, "Hold", "BadLook", 1, id="bad until it went dark"),
        row(a_leg(124, 1, dark=True), GOOD, "Hold", "StillMeasuring", 0, **FIRST_HALF, id="dark for a moment"),
        row(a_leg(124, 1), GOOD, "Hold", "StillMeasuring", 0, **FIRST_HALF, id="good so far"),
        row(a_leg(124, 1), GOOD, "Hold", "StillMeasuring", 0, **FIRST_HALF, bad_looks=1, id="good again"),
        row(a_leg(3), GOOD, "Hold", "StillMeasuring", 0, **FIRST_HALF, id="few so far"),
        row(a_leg(3, 3), GOOD, "Hold", "BadLook", 1, **FIRST_HALF, bad_looks=1, id="few since a bad look"),
        row(a_leg(3), GOOD, "NoData", "TooFewRequests", 0, id="few in the whole interval"),
        row(a_leg(19, 19), GOOD, "NoData", "TooFewRequests", 2, bad_looks=2, id="no verdict by few failures"),
        row(a_leg(0), GOOD, "NoData", "NoRequests", 0, id="no traffic"),
        row(SILENT, SILENT, "NoData", "NoRequests", 1, bad_looks=1, id="no series"),
        row(SILENT, GOOD, "Hold", "StillMeasuring", 0, **FIRST_HALF, id="no series yet"),
        row(UNKNOWN, UNKNOWN, "NoData", "PrometheusBusy", 2, bad_looks=2, id="a broken answer"),
        row(leg.Leg(outcome.Number(20), BUSY), GOOD, "NoData", "PrometheusBusy", 0, id="failures are broken"),
        row(leg.Leg(outcome.Number(20)), GOOD, "NoData", "UnsoundCounts", 0, id="failures are nan"),
        row(a_leg(20, 21), GOOD, "NoData", "UnsoundCounts", 0, id="more failures than requests"),
        row(a_leg(20, -1), GOOD, "NoData", "UnsoundCounts", 0, id="negative failures"),
        row(a_leg(100, 2), GOOD, "Hold", "BadLook", 1, id="a first bad look"),
        row(a_leg(100, 2), GOOD, "Hold", "BadLook", 1, **FIRST_HALF, id="a bad look waits for no interval"),
        row(a_leg(100, 2), GOOD, "Fail", "SuccessRateLow", 3, bad_looks=2, id="the last bad look that is tolerated"),
        row(a_leg(100, 2), SILENT, "Fail", "SuccessRateLow", 3, bad_looks=2, id="bad and alone"),
        row(a_leg(19, 19), GOOD, "Hold", "BadLook", 1, limits={"min_requests": 5}, id="too few for the gate"),
        row(a_leg(20, 20), GOOD, "Fail", "NoSuccess", 1, id="not one success"),
        row(a_leg(20, 20), GOOD, "Fail", "NoSuccess", 1, **FIRST_HALF, warming=True, id="a dead start"),
        row(a_leg(20, 20), GOOD, "Fail", "NoSuccess", 1, limits={"min_requests": 50}, id="the gate needs no minimum"),
        row(a_leg(20, 20), GOOD, "Fail", "NoSuccess", 1, limits={"success_rate": None}, id="nor a threshold"),
        row(a_leg(100, 5), a_leg(100, 5), "Hold", "EnvironmentIncident", 2, bad_looks=2, id="both suffer"),
        row(a_leg(100, 5), a_leg(19, 5), "Hold", "BadLook", 1, id="too little of stable to compare with"),
        row(a_leg(100, 5), a_leg(100, 2), "Hold", "BadLook", 1, id="both suffer and the canary clearly more"),
        row(a_leg(100, 2), a_leg(100, 1), "Hold", "BadLook", 1, id="stable is at the threshold"),
        row(a_leg(100, 0), a_leg(100, 30), "Pass", "Passed", 0, id="the release is the fix"),
        row(a_leg(40, 40), a_leg(40, 30), "Hold", "EnvironmentIncident", 0, id="no success anywhere"),
        row(
            a_leg(40, 40),
            a_leg(40, 40),
            "Hold",
            "EnvironmentIncident",
            0,
            limits={"success_rate": None},
            id="no success anywhere and no threshold",
        ),
        row(a_leg(100, 5), GOOD, "Hold", "WarmingUp", 0, warming=True, id="a cold start"),
        row(a_leg(100, 50), GOOD, "Hold", "WarmingUp", 0, warming=True, id="a very cold start"),
        row(a_leg(100, 5), GOOD, "Hold", "BadLook", 1, warming=True, bad_looks=1, id="a bad look is not over yet"),
        row(a_leg(100, 51), GOOD, "Hold", "BadLook", 1, warming=True, id="a catastrophic start"),
        row(a_leg(100, 51), GOOD, "Fail", "SuccessRateLow", 3, warming=True, bad_looks=2, id="again and again"),
        row(a_leg(100, 0), GOOD, "Hold", "WarmingUp", 0, warming=True, bad_looks=1, id="warm before its time"),
        row(a_leg(5, 5), GOOD, "Hold", "WarmingUp", 0, warming=True, id="few requests of a cold canary"),
        row(a_leg(100, 0, FAST), GOOD, "Pass", "Passed", 0, **LATENCY, id="fast"),
        row(a_leg(100, 0, SLOW), GOOD, "Hold", "BadLook", 1, **LATENCY, id="slow"),
        row(a_leg(100, 0, SLOW), GOOD, "Fail", "LatencyHigh", 3, bad_looks=2, **LATENCY, id="slow three times"),
        row(a_leg(100, 0, SLOW), GOOD, "Pass", "Passed", 0, id="slow and nobody asked"),
        row(a_leg(100, 0, SLOW), SILENT, "Hold", "BadLook", 1, **LATENCY, id="slow and alone"),
        row(
            a_leg(100, 0, histogram.Quantile(250, 1000, 900)),
            GOOD,
            "Pass",
            "Passed",
            0,
            **LATENCY,
            id="perhaps slow is not certainly slow",
        ),
        row(a_leg(100, 0), GOOD, "NoData", "NoLatency", 1, bad_looks=1, **LATENCY, id="no latency"),
        row(a_leg(100, 0, BUSY), GOOD, "NoData", "PrometheusBusy", 1, bad_looks=1, **LATENCY, id="latency is broken"),
        row(a_leg(100, 9, BUSY), GOOD, "Hold", "BadLook", 1, **LATENCY, id="failures count though latency is broken"),
        row(a_leg(100, 90, FAST), GOOD, "Hold", "BadLook", 1, **LATENCY, id="fast because everything fails"),
        row(a_leg(99, 0, SLOW), a_leg(99, 0, SLOW), "Hold", "EnvironmentIncident", 0, **LATENCY, id="both are slow"),
        row(a_leg(99, 0, VERY_SLOW), a_leg(99, 0, SLOW), "Hold", "BadLook", 1, **LATENCY, id="much slower than stable"),
        row(a_leg(99, 0, SLOW), a_leg(9, 0, SLOW), "Hold", "BadLook", 1, **LATENCY, id="stable is slow in few"),
        row(a_leg(99, 0, SLOW), a_leg(99), "Hold", "BadLook", 1, **LATENCY, id="stable's latency is not known"),
        row(a_leg(99, 0, SLOW), GOOD, "Hold", "WarmingUp", 0, warming=True, **LATENCY, id="slow while it warms up"),
        row(a_leg(99, 90, FAST), GOOD, "Pass", "Passed", 0, limits={"success_rate": None}, id="no threshold"),
    ],
)
def test_a_look_has_a_verdict(
    canary: leg.Leg, stable: leg.Leg, verdict: str, reason: str, bad_looks: int, look: dict[str, Any]
) -> None:
    """Verdict, reason and the row of bad looks, for every kind of look."""
    said = threshold.judge(a_look(canary, stable, **look))
    assert (said.verdict, said.reason, said.bad_looks) == (verdict, reason, bad_looks)


@pytest.mark.parametrize(
    ("look", "text"),
    [
        pytest.param(
            a_look(a_leg(124, 25), **FIRST_HALF),
            "success rate 79.8 % of 124 requests in 30 s, below 99 % (bad look 1 of 3)",
            id="bad look",
        ),
        pytest.param(
            a_look(a_leg(2000, 21), bad_looks=2),
            "success rate 98.9 % of 2,000 requests in 60 s, below 99 % (bad look 3 of 3)",
            id="failed, and not rounded up to the threshold",
        ),
        pytest.param(
            a_look(a_leg(20_000, 9), limits={"success_rate": Decimal("99.95")}),
            "success rate 99.95 % of 20,000 requests in 60 s, at least 99.95 %",
            id="passed, in the threshold's decimals",
        ),
        pytest.param(
            a_look(a_leg(60, latency=FAST), **LATENCY),
            "success rate 100 % of 60 requests in 60 s, at least 99 %; p99 between 100 ms and 250 ms, limit 500 ms",
            id="passed with latency",
        ),
        pytest.param(
            a_look(a_leg(60), limits={"success_rate": None}), "success rate 100 % of 60 requests in 60 s", id="no limit"
        ),
        pytest.param(
            a_look(a_leg(60, latency=SLOW), **LATENCY),
            "p99 between 500 ms and 1,000 ms of 60 requests in 60 s, above 500 ms (bad look 1 of 3)",
            id="slow",
        ),
        pytest.param(
            a_look(a_leg(60, latency=SLOW), a_leg(60, latency=SLOW), **LATENCY),
            "p99 between 500 ms and 1,000 ms of 60 requests in 60 s, above 500 ms;"
            " stable suffers too: between 500 ms and 1,000 ms",
            id="both slow",
        ),
        pytest.param(a_look(a_leg(60), **LATENCY), "no latency of 60 requests in 60 s", id="no latency"),
        pytest.param(a_look(a_leg(25, 25)), "not one success in 25 requests in 60 s", id="no success"),
        pytest.param(
            a_look(a_leg(100, 5), a_leg(2000, 100)),
            "success rate 95 % of 100 requests in 60 s, below 99 %;"
            " stable suffers too: success rate 95 % of 2,000 requests",
            id="incident",
        ),
        pytest.param(
            a_look(a_leg(3)), "3 requests in 60 s, 20 needed: about 6 min more at this traffic", id="too few requests"
        ),
        pytest.param(
            a_look(a_leg(1), window=timedelta(hours=1)),
            "1 request in 60 min, 20 needed: about 19 h more at this traffic",
            id="far too few requests",
        ),
        pytest.param(a_look(a_leg(0)), "no requests in 60 s: nothing to judge by", id="no requests"),
        pytest.param(
            a_look(a_leg(50), **FIRST_HALF),
            "success rate 100 % of 50 requests in 30 s; measured for 30 s of 60 s",
            id="still measuring",
        ),
        pytest.param(a_look(SILENT, **FIRST_HALF), "no requests in 30 s; measured for 30 s of 60 s", id="not yet"),
        pytest.param(
            a_look(a_leg(50, 5), warming=True),
            "warming up: success rate 90 % of 50 requests in 60 s, below 99 %",
            id="warming up",
        ),
        pytest.param(
            a_look(a_leg(50, dark=True)),
            "success rate 100 % of 50 requests in 60 s, and no pod is scraped any more",
            id="dark",
        ),
        pytest.param(a_look(UNKNOWN), "Prometheus is busy", id="broken"),
        pytest.param(a_look(a_leg(20, 21)), "21 failures of 20 requests", id="unsound"),
        pytest.param(
            a_look(leg.Leg(outcome.Number(20))),
            "requests are counted, and their failures are not a number",
            id="half known",
        ),
    ],
)
def test_a_judgement_is_one_sentence(look: threshold.Look, text: str) -> None:
    """Metric, value, threshold, window and requests, as a person reads them in an Event."""
    assert threshold.judge(look).text == text


def test_a_judgement_carries_its_numbers() -> None:
    """Success in percent, latency in milliseconds, requests, and the share of both legs' requests."""
    said = threshold.judge(a_look(a_leg(250, 1, FAST), a_leg(750), **LATENCY))
    assert (said.success, said.latency_ms, said.requests, said.seen_share) == (99.6, 120, 250, 0.25)


@pytest.mark.parametrize(
    ("canary", "stable", "numbers"),
    [
        pytest.param(UNKNOWN, GOOD, (None, None, None), id="a broken answer has none"),
        pytest.param(SILENT, SILENT, (None, 0, None), id="no traffic has no success and no share"),
        pytest.param(SILENT, GOOD, (None, 0, 0.0), id="no traffic of the canary is a share of zero"),
        pytest.param(a_leg(40), SILENT, (100.0, 40, 1.0), id="alone it has the whole"),
        pytest.param(a_leg(40), UNKNOWN, (100.0, 40, None), id="without stable's counts there is no share"),
    ],
)
def test_numbers_that_are_not_known_are_not_made_up(
    canary: leg.Leg, stable: leg.Leg, numbers: tuple[float | None, int | None, float | None]
) -> None:
    """Success, requests and share of traffic, or None."""
    said = threshold.judge(a_look(canary, stable))
    assert (said.success, said.requests, said.seen_share) == numbers


def test_scattered_blips_never_add_up() -> None:
    """Ten bad looks among sixty, never three in a row, do not fail a good canary."""
    bad_looks = 0
    for number in range(60):
        blip = number % 6 == 0
        said = threshold.judge(a_look(a_leg(100, 5 if blip else 0), bad_looks=bad_looks))
        assert said.verdict is (Verdict.HOLD if blip else Verdict.PASS)
        bad_looks = said.bad_looks


def test_what_cannot_be_known_neither_adds_to_a_row_nor_ends_it() -> None:
    """Prometheus away for a while: the judge goes on where it was."""
    bad_looks = 0
    seen = []
    for canary in (a_leg(100, 5), UNKNOWN, UNKNOWN, a_leg(100, 5), a_leg(2), a_leg(100, 5)):
        said = threshold.judge(a_look(canary, bad_looks=bad_looks))
        bad_looks = said.bad_looks
        seen.append((said.verdict.value, bad_looks))
    assert seen == [("Hold", 1), ("NoData", 1), ("NoData", 1), ("Hold", 2), ("NoData", 2), ("Fail", 3)]


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"success_rate": Decimal(0)}, id="no success needed"),
        pytest.param({"success_rate": Decimal("100.1")}, id="more than all"),
        pytest.param({"interval": timedelta(seconds=-1)}, id="less than no interval"),
        pytest.param({"max_failures": 0}, id="no failures"),
        pytest.param({"min_requests": 0}, id="no requests"),
    ],
)
def test_thresholds_that_mean_nothing_are_refused(limits: dict[str, Any]) -> None:
    """A judge with such thresholds would always or never speak."""
    with pytest.raises(ValueError, match="got"):
        threshold.Thresholds(**{"interval": INTERVAL, **limits})


@pytest.mark.parametrize(("quantile", "limit"), [("0", 500), ("1", 500), ("99", 500), ("0.99", 0)])
def test_a_latency_that_means_nothing_is_refused(quantile: str, limit: int) -> None:
    """A quantile is a share, and its limit a time."""
    with pytest.raises(ValueError, match="got"):
        threshold.Latency(Decimal(quantile), timedelta(milliseconds=limit))


RAW = some.floats() | some.integers(-2, 200).map(float)
OUTCOMES = RAW.map(outcome.of) | some.just(BUSY)
QUANTILES = some.sampled_from([FAST, SLOW, VERY_SLOW, BUSY, outcome.Nothing()])
LEGS = some.builds(leg.Leg, OUTCOMES, OUTCOMES, QUANTILES, some.booleans())
LOOKS = some.builds(
    threshold.Look,
    thresholds=some.builds(
        threshold.Thresholds,
        interval=some.just(INTERVAL),
        success_rate=some.none() | some.decimals("0.01", 100, places=2),
        latency=some.sampled_from([None, P99]),
        max_failures=some.integers(1, 4),
        min_requests=some.integers(1, 50),
    ),
    canary=LEGS,
    stable=LEGS,
    window=some.timedeltas(timedelta(seconds=1), timedelta(hours=1)),
    measured=some.timedeltas(timedelta(0), timedelta(hours=2)),
    warming=some.booleans(),
    bad_looks=some.integers(0, 3),
)


def success_of(said: Judgement, look: threshold.Look) -> bool:
    """Whether a judgement's success rate is a number at or above the threshold."""
    rate = look.thresholds.success_rate
    return said.success is not None and math.isfinite(said.success) and (rate is None or said.success >= float(rate))


@settings(deadline=None, max_examples=300)
@given(LOOKS)
def test_nothing_passes_without_enough_requests_and_a_success_rate_that_is_kept(look: threshold.Look) -> None:
    """Whatever Prometheus answered, NaN and infinities among it."""
    said = threshold.judge(look)
    if said.verdict is Verdict.PASS:
        assert said.requests is not None
        assert said.requests >= look.thresholds.min_requests
        assert success_of(said, look)
        assert said.bad_looks == 0
        assert look.measured >= look.thresholds.interval
        assert not look.warming
        assert not look.canary.dark


@settings(deadline=None, max_examples=300)
@given(LOOKS)
def test_nothing_fails_without_as_many_requests_and_a_new_bad_look(look: threshold.Look) -> None:
    """Failing needs evidence too."""
    said = threshold.judge(look)
    if said.verdict is Verdict.FAIL:
        assert said.requests is not None
        assert said.requests >= min(look.thresholds.min_requests, threshold.GATE)
        assert said.bad_looks == look.bad_looks + 1
    if said.verdict is Verdict.NO_DATA:
        assert said.bad_looks == look.bad_looks


@settings(deadline=None, max_examples=300)
@given(LOOKS)
def test_stable_alone_never_condemns_the_canary(look: threshold.Look) -> None:
    """What stable shows can excuse a canary, and change nothing else."""
    alone = threshold.judge(dataclasses.replace(look, stable=leg.Leg()))
    beside = threshold.judge(look)
    assert beside.reason is Reason.ENVIRONMENT_INCIDENT or beside.verdict is alone.verdict
