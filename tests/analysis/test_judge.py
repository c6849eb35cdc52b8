"""From a question to a judgement: which windows are asked for, and what traffic of every kind leads to."""

import dataclasses
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from analysis import errors, judge, outcome, queries, threshold
from analysis.verdict import Judgement
from tests.analysis.traffic import START, Flow, Traffic, at

P99 = threshold.Latency(Decimal("0.99"), timedelta(milliseconds=500))
LIMITS = threshold.Thresholds(interval=timedelta(seconds=60))
QUICK = threshold.Thresholds(interval=timedelta(seconds=60), latency=P99)
STABLE = Flow("web", -600, 3600, 45)


def a_question(now: float, *, since: float = 0, warm_until: float = 0, **more: Any) -> judge.Question:
    """A question at a second after the start about web-canary beside web."""
    known: dict[str, Any] = {"thresholds": LIMITS, **more}
    return judge.Question("shop", "web-canary", "web", at(since), at(warm_until), at(now), **known)


def a_canary(begin: float, end: float, rate: float, failing: float = 0.0, latency: float = 20.0) -> Flow:
    """Traffic of the canary."""
    return Flow("web-canary", begin, end, rate, failing, latency)


BLIPS = (
    *(a_canary(20 * turn, 20 * turn + 19, 5) for turn in range(60)),
    *(a_canary(20 * turn + 19, 20 * turn + 20, 5, 0.5) for turn in range(10)),
)
"""Ten times in twenty seconds one second in which half of the requests fail."""


def looks(traffic: Traffic, every: float, until: float, **question: Any) -> list[tuple[float, Judgement]]:
    """Look again and again as a controller does, remembering what a judgement asks to remember."""
    said: list[tuple[float, Judgement]] = []
    memory: dict[str, Any] = {}
    now = every
    while now <= until:
        judgement = judge.judge(a_question(now, **question, **memory), traffic.ask)
        memory = {"bad_looks": judgement.bad_looks, "last_bad": judgement.last_bad}
        said.append((now, judgement))
        if judgement.verdict in {"Pass", "Fail"}:
            break
        now += every
    return said


@pytest.mark.parametrize(
    ("question", "windows"),
    [
        pytest.param(a_question(10), [10], id="since the step's traffic began"),
        pytest.param(a_question(90), [60], id="an interval at most"),
        pytest.param(a_question(90, since=-300), [60], id="an interval of a longer step"),
        pytest.param(a_question(40, warm_until=30), [10], id="since the canary was warm"),
        pytest.param(a_question(20, warm_until=30), [20], id="all of it while the canary warms up"),
        pytest.param(a_question(90, last_bad=at(80)), [10], id="since the last bad look"),
        pytest.param(a_question(90, since=85, last_bad=at(80)), [5], id="a bad look of an earlier step"),
        pytest.param(a_question(0), [1], id="a second at least"),
        pytest.param(a_question(0, since=5), [1], id="a clock that went back"),
    ],
)
def test_a_window_begins_where_the_measurement_does(question: judge.Question, windows: list[float]) -> None:
    """Nothing from before the step's traffic, the warm-up's end or the last bad look is counted."""
    traffic = Traffic((STABLE, a_canary(-600, 3600, 100)))
    judge.judge(question, traffic.ask)
    assert [window for _, window in traffic.asked] == windows


@pytest.mark.parametrize(
    ("now", "windows"),
    [
        pytest.param(60, [60], id="not before the interval is over"),
        pytest.param(300, [60, 300], id="the whole step"),
        pytest.param(9000, [60, 3600], id="an hour at most"),
    ],
)
def test_too_few_requests_widen_the_window(now: float, windows: list[float]) -> None:
    """Three requests a minute are judged once twenty have come."""
    traffic = Traffic((a_canary(0, 9000, 0.05),))
    judge.judge(a_question(now), traffic.ask)
    assert [window for _, window in traffic.asked] == windows


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        pytest.param(a_question(60), ["counts"], id="no limit"),
        pytest.param(a_question(60, thresholds=QUICK), ["counts", "latencies"], id="limit"),
        pytest.param(a_question(0.1, thresholds=QUICK), ["counts"], id="too few"),
        pytest.param(a_question(60, warm_until=90, thresholds=QUICK), ["counts"], id="cold"),
    ],
)
def test_latency_is_asked_for_only_where_it_decides(question: judge.Question, asked: list[str]) -> None:
    """One query a look, a second one for a limit."""
    traffic = Traffic((STABLE, a_canary(59, 3600, 50)))
    judge.judge(question, traffic.ask)
    assert [kind for kind, _ in traffic.asked] == asked


@pytest.mark.parametrize(
    ("traffic", "question", "verdict", "reason", "second"),
    [
        pytest.param(Traffic((STABLE, a_canary(0, 999, 5, 0.001))), {}, "Pass", "Passed", 60, id="healthy"),
        pytest.param(Traffic((STABLE, a_canary(0, 999, 5, 0.2))), {}, "Fail", "SuccessRateLow", 15, id="a fifth fails"),
        pytest.param(Traffic((STABLE, a_canary(0, 999, 5, 1))), {}, "Fail", "NoSuccess", 5, id="only errors"),
        pytest.param(
            Traffic((STABLE, a_canary(0, 2000, 0.05, 1 / 3))), {}, "Fail", "SuccessRateLow", 1170, id="three a minute"
        ),
        pytest.param(Traffic((STABLE, a_canary(0, 999, 0.05))), {}, "Pass", "Passed", 390, id="three good a minute"),
        pytest.param(Traffic((STABLE,)), {}, "NoData", "NoRequests", 1500, id="no traffic at all"),
        pytest.param(
            Traffic((Flow("web", 0, 2000, 45, 0.3), a_canary(0, 2000, 5, 0.3))),
            {},
            "Hold",
            "EnvironmentIncident",
            1500,
            id="the same broken database",
        ),
        pytest.param(
            Traffic((STABLE, a_canary(0, 20, 5, 0.05), a_canary(20, 999, 5))),
            {"warm_until": 30},
            "Pass",
            "Passed",
            90,
            id="cold start",
        ),
        pytest.param(
            Traffic((STABLE, a_canary(0, 999, 5, 1))), {"warm_until": 30}, "Fail", "NoSuccess", 5, id="dead start"
        ),
        pytest.param(
            Traffic((STABLE, a_canary(0, 999, 5, 0.6))),
            {"warm_until": 30},
            "Fail",
            "SuccessRateLow",
            15,
            id="catastrophic start",
        ),
        pytest.param(
            Traffic((STABLE, a_canary(-300, 0, 50, 0.9), a_canary(0, 999, 5))),
            {},
            "Pass",
            "Passed",
            60,
            id="bad ago",
        ),
        pytest.param(
            Traffic((STABLE, a_canary(0, 999, 5)), away=((20, 320),)),
            {},
            "Pass",
            "Passed",
            320,
            id="went away",
        ),
        pytest.param(
            Traffic((STABLE, a_canary(0, 30, 5), a_canary(30, 32, 5, 0.5), a_canary(32, 999, 5))),
            {},
            "Pass",
            "Passed",
            95,
            id="a blip is counted once and the interval begins anew",
        ),
        pytest.param(
            Traffic((STABLE, *BLIPS)),
            {},
            "Pass",
            "Passed",
            260,
            id="ten scattered blips",
        ),
        pytest.param(
            Traffic((STABLE, a_canary(0, 999, 5, 0, 700))),
            {"thresholds": QUICK},
            "Fail",
            "LatencyHigh",
            15,
            id="slow",
        ),
        pytest.param(
            Traffic((STABLE, a_canary(0, 999, 5, 0.2, 1))),
            {"thresholds": QUICK},
            "Fail",
            "SuccessRateLow",
            15,
            id="failing fast",
        ),
        pytest.param(
            Traffic((STABLE, a_canary(0, 999, 1))),
            {"thresholds": threshold.Thresholds(interval=timedelta(0))},
            "Pass",
            "Passed",
            20,
            id="no interval but enough requests",
        ),
        pytest.param(
            Traffic((a_canary(0, 999, 50),)),
            {"thresholds": QUICK},
            "Pass",
            "Passed",
            60,
            id="alone with all the traffic",
        ),
    ],
)
def test_a_release_is_judged_by_its_traffic(
    traffic: Traffic, question: dict[str, Any], verdict: str, reason: str, second: float
) -> None:
    """Looking every five seconds: how it ends, why, and when."""
    when, said = looks(traffic, every=5, until=1500, **question)[-1]
    assert (said.verdict, said.reason, when) == (verdict, reason, second)


def test_no_look_passes_before_the_interval_is_over() -> None:
    """A step that is cut short by a pause, an abort or a restart has not passed."""
    said = looks(Traffic((STABLE, a_canary(0, 999, 50))), every=1, until=60)
    assert [judgement.verdict.value for _, judgement in said] == ["Hold"] * 59 + ["Pass"]
    assert {judgement.reason.value for _, judgement in said[:-1]} == {"StillMeasuring"}


def test_the_errors_of_a_bad_look_are_not_counted_again() -> None:
    """Until enough requests have come since, the bad look stands; then they decide."""
    traffic = Traffic((STABLE, a_canary(0, 8, 5, 0.2), a_canary(8, 999, 5)))
    said = looks(traffic, every=2, until=20)
    assert [(when, judgement.reason.value, judgement.bad_looks) for when, judgement in said] == [
        (2, "StillMeasuring", 0),
        (4, "BadLook", 1),
        (6, "BadLook", 1),
        (8, "BadLook", 2),
        (10, "BadLook", 2),
        (12, "StillMeasuring", 0),
        (14, "StillMeasuring", 0),
        (16, "StillMeasuring", 0),
        (18, "StillMeasuring", 0),
        (20, "StillMeasuring", 0),
    ]


def test_a_judgement_says_when_the_last_bad_look_was() -> None:
    """Set by a bad look, kept by every other."""
    bad = judge.judge(a_question(30), Traffic((STABLE, a_canary(0, 999, 5, 0.2))).ask)
    good = judge.judge(a_question(60, bad_looks=1, last_bad=at(30)), Traffic((STABLE, a_canary(0, 999, 5))).ask)
    assert (bad.bad_looks, bad.last_bad) == (1, at(30))
    assert (good.bad_looks, good.last_bad) == (0, at(30))


def test_a_broken_answer_about_latency_keeps_its_words() -> None:
    """Counts may answer while buckets do not."""
    broken = outcome.Broken(errors.Fault.BUSY, "too many samples")

    def ask(promql: str, when: Any) -> outcome.Answer:
        traffic = Traffic((STABLE, a_canary(0, 999, 5)))
        return broken if queries.ISTIO.latency in promql else traffic.ask(promql, when)

    said = judge.judge(a_question(60, thresholds=QUICK), ask)
    assert (said.verdict, said.reason, said.text) == ("NoData", "PrometheusBusy", "too many samples")


def test_another_mesh_is_another_row_of_the_table() -> None:
    """The judge asks in the names that it is given."""
    mesh = dataclasses.replace(queries.ISTIO, requests="response_total", workload="deployment")
    asked: list[str] = []

    def ask(promql: str, _: Any) -> outcome.Answer:
        asked.append(promql)
        labels = {"deployment": "web-canary", queries.COUNTED: queries.REQUESTS}
        return outcome.Table((outcome.Row(labels, 300.0),))

    said = judge.judge(a_question(60), ask, mesh)
    assert said.requests == 300
    assert "istio_requests_total" not in asked[0]


def test_a_canary_beside_itself_is_refused() -> None:
    """Stable cannot be measured in the canary's place."""
    with pytest.raises(ValueError, match="web for both"):
        judge.Question("shop", "web", "web", START, START, START, LIMITS)


def test_a_time_without_a_zone_is_refused() -> None:
    """It would be read in the zone of the machine."""
    with pytest.raises(ValueError, match="time zone"):
        judge.Question("shop", "web-canary", "web", START.replace(tzinfo=None), START, START, LIMITS)


@pytest.mark.parametrize(
    ("mesh", "matcher"),
    [
        pytest.param("istio", 'destination_workload=~"web-canary|web"', id="by workload"),
        pytest.param(
            "linkerd", 'deployment=~"web-canary|web"', id="by the Deployment that a label of the scrape names"
        ),
        pytest.param("linkerd-route", 'backend_name=~"leg-of-canary|leg-of-stable"', id="by the Service of each leg"),
    ],
)
def test_legs_are_asked_for_by_the_names_that_the_mesh_has_for_them(mesh: str, matcher: str) -> None:
    """Where a mesh counts by the Service that a weight chose, each leg's own Service is what is asked about."""
    asked: list[str] = []

    def ask(query: str, _: object) -> outcome.Answer:
        asked.append(query)
        return outcome.Table()

    question = a_question(90, services=("leg-of-canary", "leg-of-stable"))
    judge.judge(question, ask, queries.MESHES[mesh])
    assert asked
    assert all(matcher in query for query in asked)
