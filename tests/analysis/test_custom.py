"""Custom metrics: what their queries become, what their values lead to, and how they stand beside a judge."""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from analysis import custom, errors, judge, metric, outcome, threshold
from analysis.metric import Difference, Metric, Ratio, Within
from analysis.verdict import Judgement, Reason, Verdict
from tests.analysis.traffic import at

LIMITS = threshold.Thresholds(interval=timedelta(seconds=60))
QUEUE = Metric("queue", 'queue{app="{{canary}}"}', Within(most=200))
AWAY = outcome.Broken(errors.Fault.UNREACHABLE, "Prometheus is away")
PASSED = Judgement(Verdict.PASS, Reason.PASSED, "success rate 100 %")


def a_question(now: float = 60, *metrics: Metric, **more: Any) -> judge.Question:
    """A question at a second after the start about web-canary beside web."""
    known: dict[str, Any] = {"thresholds": LIMITS, "metrics": metrics or (QUEUE,), "service": "shop-web", **more}
    return judge.Question("shop", "web-canary", "web", at(0), at(known.pop("warm_until", 0)), at(now), **known)


def series(*values: float) -> outcome.Table:
    return outcome.Table(tuple(outcome.Row({"pod": f"p{place}"}, value) for place, value in enumerate(values)))


class Door:
    """Answers by whether the query names the canary, and keeps what was asked."""

    def __init__(self, canary: outcome.Answer, stable: outcome.Answer | None = None) -> None:
        self.canary, self.stable = canary, stable if stable is not None else outcome.Table()
        self.asked: list[tuple[str, float]] = []

    def ask(self, promql: str, when: datetime) -> outcome.Answer:
        self.asked.append((promql, (when - at(0)).total_seconds()))
        return self.canary if "web-canary" in promql else self.stable


def compared(bound: metric.Bound, hint: str = "") -> Metric:
    return replace(QUEUE, bound=bound, hint=hint)


@pytest.mark.parametrize(
    ("bound", "canary", "stable", "words"),
    [
        pytest.param(Within(most=200), 200, None, None, id="at most, met exactly"),
        pytest.param(Within(most=200), 200.5, None, "above 200", id="above"),
        pytest.param(Within(least=1), 1, None, None, id="at least, met exactly"),
        pytest.param(Within(least=1), 0, None, "below 1", id="below"),
        pytest.param(Within(1, 2), 1.5, None, None, id="between"),
        pytest.param(Within(1, 2), 3, None, "above 2", id="above a range"),
        pytest.param(Within(1, 2), 0, None, "below 1", id="below a range"),
        pytest.param(Ratio(1.5), 3, 2, None, id="as much more as is allowed"),
        pytest.param(Ratio(1.5), 3.1, 2, "above 1.5 times stable's 2", id="more"),
        pytest.param(Ratio(1.5), 0, 0, None, id="nothing beside nothing"),
        pytest.param(Ratio(1.5), 1, 0, "above 1.5 times stable's 0", id="something beside nothing"),
        pytest.param(Ratio(1.1), 1.1 * 1.1, 1.1, None, id="a factor that no binary fraction meets"),
        pytest.param(Difference(0.3), 1.3, 1.0, None, id="a difference that no binary fraction meets"),
        pytest.param(Difference(0.3), 1.4, 1.0, "more than 0.3 above stable's 1", id="too different"),
        pytest.param(Difference(-1), 4, 6, None, id="must be less than stable"),
        pytest.param(Difference(-1), 6, 6, "more than -1 above stable's 6", id="is not less than stable"),
    ],
)
def test_a_bound_is_kept_or_named(bound: metric.Bound, canary: float, stable: float | None, words: str | None) -> None:
    """The words follow the value in the sentence."""
    assert metric.beyond(bound, canary, stable) == words


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        pytest.param(Within(most=2), "at most 2", id="most"),
        pytest.param(Within(least=1), "at least 1", id="least"),
        pytest.param(Within(1, 2), "between 1 and 2", id="range"),
        pytest.param(Ratio(1.5), "at most 1.5 times stable's 7", id="ratio"),
        pytest.param(Difference(3), "at most 3 above stable's 7", id="difference"),
    ],
)
def test_what_was_asked_for_is_said_of_a_good_value(bound: metric.Bound, words: str) -> None:
    """With stable's number where it is compared."""
    assert metric.bound_words(bound, 7) == words


@pytest.mark.parametrize(
    ("range_", "words"),
    [
        pytest.param((None, None), "got neither", id="no bound"),
        pytest.param((2.0, 1.0), "got 2 to 1", id="upside down"),
    ],
)
def test_a_range_has_a_side_and_is_not_empty(range_: tuple[Any, Any], words: str) -> None:
    """It would be broken by every value, or by none."""
    with pytest.raises(ValueError, match=words):
        Within(*range_)


@pytest.mark.parametrize(
    ("query", "bound", "faults"),
    [
        pytest.param("up", Within(most=1), (), id="no word"),
        pytest.param("{{canary}} {{stable}} {{namespace}} {{service}} {{ window }}", Ratio(1), (), id="every word"),
        pytest.param(
            "x{{canry}}",
            Within(most=1),
            ("metric m: {{canry}} is not a known word; the nearest is {{canary}}",),
            id="a letter lost",
        ),
        pytest.param(
            "x{{workload}}{{windows}}",
            Within(most=1),
            (
                "metric m: {{workload}} is not a known word; the nearest is {{window}}",
                "metric m: {{windows}} is not a known word; the nearest is {{window}}",
            ),
            id="two of them",
        ),
        pytest.param(
            "{{}}",
            Within(most=1),
            ("metric m: {{}} is not a known word; the nearest is {{window}}",),
            id="no word in it",
        ),
        pytest.param(
            "{{stable}}",
            Ratio(1),
            (
                "metric m: a query that is compared with stable must name {{canary}},"
                " in whose place stable's name is put",
            ),
            id="compared with itself",
        ),
    ],
)
def test_a_query_is_refused_by_its_words(query: str, bound: metric.Bound, faults: tuple[str, ...]) -> None:
    """The nearest known word is named."""
    assert metric.faults(Metric("m", query, bound)) == faults


@pytest.mark.parametrize(
    ("question", "window"),
    [
        pytest.param(a_question(30), "30000ms", id="since the step began"),
        pytest.param(a_question(90), "60000ms", id="an interval at most"),
        pytest.param(a_question(40, warm_until=30), "10000ms", id="since the warm-up"),
        pytest.param(a_question(90, last_bad=at(80)), "10000ms", id="since the last bad look"),
        pytest.param(a_question(0), "1000ms", id="a second at least"),
    ],
)
def test_the_window_is_the_measured_one(question: judge.Question, window: str) -> None:
    """As the threshold judge measures."""
    door = Door(series(1))
    asked = Metric("m", 'x{w="{{canary}}"}[{{window}}]', Within(most=1))
    custom.look(asked, question, door.ask)
    assert door.asked[0][0] == f'x{{w="web-canary"}}[{window}]'


def test_every_word_is_put_in_and_stable_takes_the_place_of_the_canary() -> None:
    """Both at the time of the look."""
    door = Door(series(1), series(1))
    words = "{{canary}} {{stable}} {{namespace}} {{service}} {{window}}"
    custom.look(Metric("m", words, Ratio(1)), a_question(), door.ask)
    assert door.asked == [
        ("web-canary web shop shop-web 60000ms", 60),
        ("web web shop shop-web 60000ms", 60),
    ]


def test_at_all_of_the_traffic_stable_is_what_it_was_when_it_lost_it() -> None:
    """There is no other witness at 100 %."""
    door = Door(series(1), series(1))
    custom.look(compared(Ratio(1)), a_question(30, alone=True), door.ask)
    assert [when for _, when in door.asked] == [30, 0]


@pytest.mark.parametrize(
    ("question", "canary", "verdict", "reason", "bad", "text"),
    [
        pytest.param(a_question(), series(7), "Pass", "Passed", 0, "metric queue is 7, at most 200", id="good"),
        pytest.param(
            a_question(bad_looks=2), series(7), "Pass", "Passed", 0, "metric queue is 7, at most 200", id="good again"
        ),
        pytest.param(
            a_question(30), series(7), "Hold", "StillMeasuring", 0, "metric queue is 7, at most 200", id="not yet"
        ),
        pytest.param(
            a_question(10, warm_until=30),
            series(999),
            "Hold",
            "WarmingUp",
            0,
            "warming up: metric queue is not judged yet",
            id="cold",
        ),
        pytest.param(
            a_question(5),
            series(312),
            "Hold",
            "BadLook",
            1,
            "metric queue is 312, above 200 (bad look 1 of 3)",
            id="bad",
        ),
        pytest.param(
            a_question(bad_looks=2, last_bad=at(50)),
            series(312),
            "Fail",
            "MetricOutOfBounds",
            3,
            "metric queue is 312, above 200 (bad look 3 of 3)",
            id="bad once too often",
        ),
        pytest.param(
            a_question(30),
            outcome.Table(),
            "Hold",
            "StillMeasuring",
            0,
            "metric queue found no series: if that means zero, add `or vector(0)` to the query",
            id="nothing yet",
        ),
        pytest.param(
            a_question(30, bad_looks=1),
            outcome.Table(),
            "Hold",
            "BadLook",
            1,
            "metric queue found no series: if that means zero, add `or vector(0)` to the query",
            id="nothing since a bad look",
        ),
        pytest.param(
            a_question(bad_looks=1),
            outcome.Table(),
            "NoData",
            "NoMetric",
            1,
            "metric queue found no series: if that means zero, add `or vector(0)` to the query",
            id="nothing",
        ),
        pytest.param(
            a_question(),
            series(math.nan),
            "NoData",
            "MetricNotANumber",
            0,
            "metric queue is NaN: is zero divided by zero?",
            id="not a number",
        ),
        pytest.param(
            a_question(5),
            series(math.inf),
            "NoData",
            "PrometheusNotFinite",
            0,
            "metric queue: the value is inf, which is no measurement: is it divided by zero?",
            id="endless",
        ),
        pytest.param(
            a_question(5),
            series(1, 2),
            "NoData",
            "PrometheusAmbiguous",
            0,
            "metric queue: 2 series answered where one was asked for, among them {'pod': 'p0'}, {'pod': 'p1'}:"
            " sum them in the query",
            id="several series",
        ),
        pytest.param(
            a_question(5, bad_looks=2),
            AWAY,
            "NoData",
            "PrometheusUnreachable",
            2,
            "metric queue: Prometheus is away",
            id="no answer",
        ),
    ],
)
def test_a_value_is_judged_by_the_rules_of_a_threshold(
    question: judge.Question, canary: outcome.Answer, verdict: str, reason: str, bad: int, text: str
) -> None:
    """Bad looks count, a good one ends their row, and what is not known moves nothing."""
    said = custom.look(QUEUE, question, Door(canary).ask)
    assert (said.verdict, said.reason, said.bad_looks, said.text) == (verdict, reason, bad, text)


@pytest.mark.parametrize(
    ("bound", "canary", "stable", "reason", "text"),
    [
        pytest.param(Ratio(2), series(5), series(2), "BadLook", "above 2 times stable's 2", id="ratio"),
        pytest.param(Difference(1), series(5), series(2), "BadLook", "more than 1 above stable's 2", id="difference"),
        pytest.param(Ratio(3), series(5), series(2), "Passed", "at most 3 times stable's 2", id="good"),
        pytest.param(
            Ratio(2), series(5), outcome.Table(), "NoMetric", "metric queue of stable found no series", id="no stable"
        ),
        pytest.param(
            Ratio(2), series(5), series(math.nan), "MetricNotANumber", "metric queue of stable is NaN", id="stable NaN"
        ),
        pytest.param(
            Ratio(2), series(5), series(1, 1), "PrometheusAmbiguous", "metric queue of stable: 2 series", id="stables"
        ),
    ],
)
def test_a_comparison_needs_both_values(
    bound: metric.Bound, canary: outcome.Answer, stable: outcome.Answer, reason: str, text: str
) -> None:
    """What is missing of stable is said of stable."""
    said = custom.look(compared(bound), a_question(), Door(canary, stable).ask)
    assert (said.reason, text in said.text) == (reason, True)


@pytest.mark.parametrize(
    ("about", "canary", "stable", "more", "reason"),
    [
        pytest.param(QUEUE, 300, 290, {}, "EnvironmentIncident", id="stable suffers too"),
        pytest.param(QUEUE, 300, 240, {}, "BadLook", id="the canary is clearly worse"),
        pytest.param(QUEUE, 300, 150, {}, "BadLook", id="stable is good"),
        pytest.param(QUEUE, 300, 290, {"alone": True}, "BadLook", id="stable has no traffic"),
        pytest.param(replace(QUEUE, query="web-canary"), 300, 290, {}, "BadLook", id="both legs are one query"),
        pytest.param(compared(Within(least=100)), 20, 50, {}, "EnvironmentIncident", id="both too low"),
        pytest.param(compared(Within(100, 200)), 300, 20, {}, "BadLook", id="stable is bad on the other side"),
        pytest.param(QUEUE, 300, math.nan, {}, "BadLook", id="stable is not known"),
    ],
)
def test_a_canary_that_suffers_no_more_than_stable_is_not_blamed(
    about: Metric, canary: float, stable: float, more: dict[str, Any], reason: str
) -> None:
    """Of a range; a comparison asks for it by itself."""
    said = custom.look(about, a_question(60, **more), Door(series(canary), series(stable)).ask)
    assert said.reason == reason


def test_the_authors_own_sentence_is_told_with_a_bad_value() -> None:
    """So that who reads the Event knows what it means."""
    said = custom.look(compared(Within(most=1), "orders wait"), a_question(), Door(series(2)).ask)
    assert said.text == "metric queue is 2, above 1: orders wait (bad look 1 of 3)"


def says(verdict: Verdict, reason: Any, bad: int = 0, text: str = "") -> Judgement:
    return Judgement(verdict, reason, text or reason.value, bad)


MEASURING = says(Verdict.HOLD, Reason.STILL_MEASURING)
BAD = says(Verdict.HOLD, Reason.BAD_LOOK, 1)
FAILED = says(Verdict.FAIL, Reason.METRIC_OUT_OF_BOUNDS, 3)
MISSING = says(Verdict.NO_DATA, Reason.NO_METRIC)
AMBIGUOUS = says(Verdict.NO_DATA, errors.Fault.AMBIGUOUS)
OTHER = says(Verdict.PASS, Reason.PASSED, text="metric a is 1")


@pytest.mark.parametrize(
    ("said", "others", "verdict", "reason", "text"),
    [
        pytest.param(PASSED, (OTHER,), "Pass", "Passed", "success rate 100 %; metric a is 1", id="all pass"),
        pytest.param(PASSED, (OTHER, FAILED), "Fail", "MetricOutOfBounds", "MetricOutOfBounds", id="one fails"),
        pytest.param(BAD, (FAILED,), "Fail", "MetricOutOfBounds", "MetricOutOfBounds", id="a failure before a hold"),
        pytest.param(PASSED, (MEASURING,), "Hold", "StillMeasuring", "StillMeasuring", id="one still measures"),
        pytest.param(PASSED, (MISSING,), "NoData", "NoMetric", "NoMetric", id="one has no data"),
        pytest.param(MISSING, (OTHER,), "NoData", "NoMetric", "NoMetric", id="the judge has no data"),
        pytest.param(BAD, (MISSING,), "Hold", "BadLook", "BadLook", id="a bad look before missing data"),
        pytest.param(MEASURING, (AMBIGUOUS,), "Hold", "PrometheusAmbiguous", "PrometheusAmbiguous", id="told at once"),
        pytest.param(BAD, (BAD,), "Hold", "BadLook", "BadLook; BadLook", id="both are bad"),
    ],
)
def test_the_worse_word_counts(
    said: Judgement, others: tuple[Judgement, ...], verdict: str, reason: str, text: str
) -> None:
    """A question that is open is not closed by a plan for missing data, and what is wrong is told all the same."""
    found = custom.combined(said, others, a_question())
    assert (found.verdict, found.reason, found.text) == (verdict, reason, text)


@pytest.mark.parametrize(
    ("before", "counts", "bad", "last"),
    [
        pytest.param(0, (0, 0), 0, 5, id="all good"),
        pytest.param(1, (0, 2), 2, 60, id="one is bad"),
        pytest.param(1, (2, 2), 2, 60, id="both are bad, which is one look"),
        pytest.param(1, (0, 1), 1, 5, id="one is good and one knows nothing"),
        pytest.param(1, (0, 0), 0, 5, id="the row ends"),
    ],
)
def test_a_row_of_bad_looks_ends_when_all_are_good(before: int, counts: tuple[int, int], bad: int, last: float) -> None:
    """And its windows begin anew at the last bad one."""
    said, other = (replace(MEASURING, bad_looks=count) for count in counts)
    found = custom.combined(said, (other,), a_question(bad_looks=before, last_bad=at(5)))
    assert (found.bad_looks, found.last_bad) == (bad, at(last))


def test_the_judges_own_numbers_are_kept() -> None:
    """Columns and checkpoint are the judge's."""
    said = replace(PASSED, success=99.5, checkpoint="c", evidence=3.0)
    found = custom.beside(said, a_question(), Door(series(300)).ask)
    assert (found.reason, found.success, found.checkpoint, found.evidence) == ("BadLook", 99.5, "c", 3.0)


@pytest.mark.parametrize(
    ("said", "answer", "asked"),
    [
        pytest.param(says(Verdict.FAIL, Reason.NO_SUCCESS), series(1), 0, id="failed already"),
        pytest.param(says(Verdict.NO_DATA, errors.Fault.BUSY), series(1), 0, id="Prometheus is busy already"),
        pytest.param(PASSED, AWAY, 1, id="away at the first"),
        pytest.param(PASSED, series(1, 1), 2, id="a bad answer to each"),
    ],
)
def test_a_prometheus_that_is_not_there_is_not_asked_again(said: Judgement, answer: outcome.Answer, asked: int) -> None:
    """Twenty queries that time out would take minutes."""
    door = Door(answer)
    custom.beside(said, a_question(60, QUEUE, replace(QUEUE, name="other")), door.ask)
    assert len(door.asked) == asked


def test_a_silent_prometheus_does_not_end_a_row_of_bad_looks() -> None:
    """The evidence judge counts none, so that its zero means nothing."""
    found = custom.beside(says(Verdict.NO_DATA, errors.Fault.BUSY), a_question(bad_looks=2, last_bad=at(9)), never)
    assert (found.bad_looks, found.last_bad) == (2, at(9))


def test_without_metrics_the_judge_speaks_alone() -> None:
    """Nothing is asked."""
    question = replace(a_question(), metrics=())
    assert custom.beside(PASSED, question, never) is PASSED


def never(promql: str, when: datetime) -> outcome.Answer:
    raise AssertionError(f"asked {promql}")


def answering(**answers: outcome.Answer) -> Callable[[str, datetime], outcome.Answer]:
    return lambda promql, _: answers[promql.partition("{")[0]]


SYNTAX = outcome.Broken(errors.Fault.BAD_QUERY, "Prometheus answered 400: parse error: unclosed left brace")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        pytest.param({"a": series(1), "b": series(math.nan)}, (), id="all well, NaN without traffic too"),
        pytest.param(
            {"a": SYNTAX, "b": series(1)},
            ("metric a: Prometheus answered 400: parse error: unclosed left brace",),
            id="syntax",
        ),
        pytest.param(
            {"a": series(1), "b": outcome.Table()},
            ("metric b: its query finds no series of web: if that means zero, add `or vector(0)` to the query",),
            id="empty selector",
        ),
        pytest.param(
            {"a": series(1, 2), "b": series(1)},
            (
                "metric a: 2 series answered where one was asked for, among them {'pod': 'p0'}, {'pod': 'p1'}:"
                " sum them in the query",
            ),
            id="more than one series",
        ),
        pytest.param({"a": AWAY, "b": SYNTAX}, ("metric a: Prometheus is away",), id="away, and asked no more"),
    ],
)
def test_queries_are_tried_on_the_version_that_runs(answers: dict[str, outcome.Answer], said: tuple[str, ...]) -> None:
    """In Prometheus' own words where it has some."""
    metrics = tuple(Metric(name, f"{name}{{}}", Within(most=1)) for name in "ab")
    trial = custom.Trial(metrics, "shop-web")
    assert custom.faults(("shop", "web"), trial, answering(**answers), at(0)) == said


def test_a_trial_asks_about_stable_in_both_places() -> None:
    """Over the plan's interval."""
    door = Door(series(1), series(1))
    words = "{{canary}} {{stable}} {{namespace}} {{service}} {{window}}"
    trial = custom.Trial((Metric("m", words, Ratio(1)),), "shop-web", timedelta(seconds=30))
    assert custom.faults(("shop", "web"), trial, door.ask, at(0)) == ()
    assert door.asked == [("web web shop shop-web 30000ms", 0)]
