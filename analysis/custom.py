"""The judge of custom metrics: one query is one value, held against a bound by the threshold judge's rules.

It speaks beside either judge, and the worse word counts. A bad look counts, `max_failures` of them in a row are a
failure. What cannot be known (no series, NaN, several series, a broken answer) moves nothing and has its own name.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from analysis import errors, judge, metric, outcome, queries
from analysis.metric import Metric
from analysis.verdict import ROUTINE, Judgement, Reason, Verdict

Ask = judge.Ask

WORSE = 2
"""How many times as far beyond a bound as stable a canary may be in an incident that both suffer."""

SILENT = frozenset({errors.Fault.UNREACHABLE, errors.Fault.REFUSED, errors.Fault.BUSY})
"""After these no further question is asked in the same look."""

ZERO = "if that means zero, add `or vector(0)` to the query"


def beside(said: Judgement, question: judge.Question, ask: Ask) -> Judgement:
    """What the other judge said, with what the question's custom metrics say."""
    if not question.metrics or said.verdict is Verdict.FAIL:
        return said
    if said.reason in SILENT:
        return replace(said, bad_looks=max(said.bad_looks, question.bad_looks), last_bad=question.last_bad)
    return combined(said, tuple(_looks(question, ask)), question)


def combined(said: Judgement, others: tuple[Judgement, ...], question: judge.Question) -> Judgement:
    """The worst verdict; its reason and text are the worst news. A good word ends a row of bad looks if all are good.

    A question that is still open goes before an answer that is missing: no plan for missing data may cut it short.
    """
    every = (said, *others)
    verdict = max(every, key=lambda one: VERDICTS.index(one.verdict)).verdict
    news = max(_news(one) for one in every)
    loudest = [one for one in every if _news(one) == news]
    bad = max(one.bad_looks for one in every)
    return replace(
        said,
        verdict=verdict,
        reason=loudest[0].reason,
        text="; ".join(one.text for one in loudest),
        bad_looks=bad,
        last_bad=question.now if bad > question.bad_looks else question.last_bad,
    )


VERDICTS = (Verdict.PASS, Verdict.NO_DATA, Verdict.HOLD, Verdict.FAIL)
"""From the best to the worst."""


def _news(said: Judgement) -> int:
    """How much a person should hear of it: a failure most, a pass least."""
    if said.verdict is Verdict.HOLD:
        return 1 if said.reason in ROUTINE else 3
    return {Verdict.PASS: 0, Verdict.NO_DATA: 2, Verdict.FAIL: 4}[said.verdict]


def _looks(question: judge.Question, ask: Ask) -> Iterator[Judgement]:
    """Each metric's judgement; a Prometheus that is not there is asked no second time."""
    for one in question.metrics:
        said = look(one, question, ask)
        yield said
        if said.reason in SILENT:
            return


def look(about: Metric, question: judge.Question, ask: Ask) -> Judgement:
    """Judge one metric."""
    name = f"metric {about.name}"
    if question.warming:
        return _wait(question, Reason.WARMING_UP, f"warming up: {name} is not judged yet")
    canary = _value(name, ask(_query(about, question, question.canary), question.now), question)
    if isinstance(canary, Judgement):
        return canary
    stable = _of_stable(about, question, ask) if about.is_compared else None
    if isinstance(stable, Judgement):
        return stable
    case = Case(about, question, canary, stable)
    broken = metric.beyond(about.bound, canary, stable)
    if broken is None:
        return _good(case)
    text = f"{case.number}, {broken}{f': {about.hint}' if about.hint else ''}"
    return _incident(case, text, ask) or _count(question, text)


@dataclass(frozen=True)
class Case:
    """A metric whose values are known; stable is None where it is not compared."""

    metric: Metric
    question: judge.Question
    canary: float
    stable: float | None

    @property
    def number(self) -> str:
        return f"metric {self.metric.name} is {metric.number(self.canary)}"


def window_of(question: judge.Question) -> timedelta:
    """What {{window}} stands for: the measured part of the last interval, at least a second."""
    return max(min(question.measured, question.thresholds.interval), judge.SHORTEST)


def _query(about: Metric, question: judge.Question, workload: str) -> str:
    values = (workload, question.stable, question.namespace, question.service, queries.duration(window_of(question)))
    return metric.fill(about.query, dict(zip(metric.WORDS, values, strict=True)))


def _of_stable(about: Metric, question: judge.Question, ask: Ask) -> float | Judgement:
    """Stable's value now; where it has no traffic any more, that of the moment at which it lost it."""
    when = question.since if question.alone else question.now
    return _value(f"metric {about.name} of stable", ask(_query(about, question, question.stable), when), question)


def _value(name: str, answer: outcome.Answer, question: judge.Question) -> float | Judgement:
    """The one value, or what is said where there is none."""
    match outcome.number(answer):
        case outcome.Number(value):
            return value
        case outcome.Broken(fault, text):
            return Judgement(Verdict.NO_DATA, fault, f"{name}: {text}", question.bad_looks)
        case outcome.Nothing() if isinstance(answer, outcome.Table) and answer.rows:
            return _nothing(question, Reason.METRIC_NOT_A_NUMBER, f"{name} is NaN: is zero divided by zero?")
        case outcome.Nothing():
            return _nothing(question, Reason.NO_METRIC, f"{name} found no series: {ZERO}")


def _nothing(question: judge.Question, reason: Reason, text: str) -> Judgement:
    """A window that is still short may hold no sample yet."""
    if question.measured < question.thresholds.interval:
        return _wait(question, Reason.STILL_MEASURING, text)
    return Judgement(Verdict.NO_DATA, reason, text, question.bad_looks)


def _wait(question: judge.Question, reason: Reason, text: str) -> Judgement:
    """Nothing new; while a row of bad looks stands, that stays the reason."""
    return Judgement(Verdict.HOLD, Reason.BAD_LOOK if question.bad_looks else reason, text, question.bad_looks)


def _good(case: Case) -> Judgement:
    question = case.question
    text = f"{case.number}, {metric.bound_words(case.metric.bound, case.stable)}"
    if question.measured < question.thresholds.interval:
        return Judgement(Verdict.HOLD, Reason.STILL_MEASURING, text)
    return Judgement(Verdict.PASS, Reason.PASSED, text)


def _count(question: judge.Question, text: str) -> Judgement:
    """A bad look: it holds, and the last that is tolerated fails."""
    bad, limit = question.bad_looks + 1, question.thresholds.max_failures
    text = f"{text} (bad look {bad} of {limit})"
    if bad < limit:
        return Judgement(Verdict.HOLD, Reason.BAD_LOOK, text, bad)
    return Judgement(Verdict.FAIL, Reason.METRIC_OUT_OF_BOUNDS, text, bad)


def _incident(case: Case, text: str, ask: Ask) -> Judgement | None:
    """A canary that is hardly further beyond a range than stable is not blamed; at 100 % there is no such witness."""
    bound, question = case.metric.bound, case.question
    if not isinstance(bound, metric.Within) or question.alone or not case.metric.tells_legs_apart:
        return None
    stable = _of_stable(case.metric, question, ask)
    if isinstance(stable, Judgement) or metric.beyond(bound, stable, None) is None:
        return None
    edge = bound.most if bound.most is not None and case.canary > bound.most else bound.least
    if edge is None or (case.canary > edge) != (stable > edge):
        return None
    if math.fabs(case.canary - edge) > WORSE * math.fabs(stable - edge):
        return None
    text = f"{text}; stable suffers too: {metric.number(stable)}"
    return Judgement(Verdict.HOLD, Reason.ENVIRONMENT_INCIDENT, text, question.bad_looks)


@dataclass(frozen=True)
class Trial:
    """Custom metrics to be tried on the version that runs, before anything is released."""

    metrics: tuple[Metric, ...] = ()
    service: str = ""
    window: timedelta = timedelta(seconds=60)


def faults(
    workload: tuple[str, str], trial: Trial, ask: Callable[[str, datetime], outcome.Answer], now: datetime
) -> tuple[str, ...]:
    """What will keep the metrics from being judged, seen on a workload (namespace, name) that runs.

    NaN is no fault here: without traffic a share of it is none.
    """
    namespace, name = workload
    values = (name, name, namespace, trial.service, queries.duration(max(trial.window, judge.SHORTEST)))
    words = dict(zip(metric.WORDS, values, strict=True))
    found = []
    for one in trial.metrics:
        answer = ask(metric.fill(one.query, words), now)
        match outcome.number(answer):
            case outcome.Broken(fault, text):
                found.append(f"metric {one.name}: {text}")
                if fault in SILENT:
                    break
            case outcome.Nothing() if isinstance(answer, outcome.Table) and not answer.rows:
                found.append(f"metric {one.name}: its query finds no series of {name}: {ZERO}")
            case _:
                pass
    return tuple(found)
