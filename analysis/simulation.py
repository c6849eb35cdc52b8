"""Many made-up releases of one plan under each judge: how many bad ones are caught, when, and at what cost."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis import trials
from analysis.trials import Course, Outcome, Trial
from analysis.world import Scenario


@dataclass(frozen=True)
class Question:
    """errors, baseline: shares of failures of the canary and of stable, 0 to 1. runs: releases of each kind."""

    errors: float
    baseline: float
    course: Course
    runs: int = 200
    seed: int = 0

    @property
    def bad(self) -> Scenario:
        return constant("bad", self.errors, self.baseline)

    @property
    def healthy(self) -> Scenario:
        """A release that is as good as stable."""
        return constant("healthy", self.baseline, self.baseline)


@dataclass(frozen=True)
class Line:
    """What one judge did. Percents of releases: caught (of the bad ones), false_alarms (of the healthy ones).

    seconds: median until a bad release is taken back; None where none was. exposed, failed: mean requests that bad
    canaries served, and failed, up to the horizon. through: median seconds until a healthy one is promoted.
    """

    judge: str
    caught: float
    seconds: float | None
    exposed: float
    failed: float
    false_alarms: float
    through: float | None


def constant(name: str, errors: float, baseline: float) -> Scenario:
    """A canary that fails one share of its requests beside a stable that fails another."""
    return Scenario(name, lambda _, __: errors, lambda _, __: baseline)


def simulate(question: Question, judges: Mapping[str, Trial] = trials.JUDGES) -> tuple[Line, ...]:
    """Run all releases under all judges; the same question gives the same numbers."""
    return tuple(_line(name, run, question) for name, run in judges.items())


def _line(name: str, run: Trial, question: Question) -> Line:
    seeds = range(question.seed, question.seed + question.runs)
    bad = [run(question.bad, seed, question.course) for seed in seeds]
    good = [run(question.healthy, seed, question.course) for seed in seeds]
    return Line(
        judge=name,
        caught=_share(bad),
        seconds=_median([one.second for one in bad if one.failed]),
        exposed=statistics.fmean(one.requests for one in bad),
        failed=statistics.fmean(one.failures for one in bad),
        false_alarms=_share(good),
        through=_median([one.second for one in good if one.promoted]),
    )


def _share(found: Sequence[Outcome]) -> float:
    """Percent that were taken back."""
    return 100 * sum(one.failed for one in found) / len(found)


def _median(seconds: Sequence[float]) -> float | None:
    return statistics.median(seconds) if seconds else None
