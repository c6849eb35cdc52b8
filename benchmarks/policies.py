"""The judges of `rampart simulate` on the benchmarks' plan, and what their releases cost beyond stable's failures."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from analysis import trials
from analysis.trials import Course, Trial
from analysis.world import Scenario, Size

COURSE = Course()
STEPS = COURSE.steps
INTERVAL = COURSE.interval


@dataclass(frozen=True)
class Outcome:
    """How one release ended: promoted or taken back, and when; failures beyond what stable would have shown."""

    failed: bool
    second: float
    excess: float
    promoted: bool = False


def _on(trial: Trial) -> Callable[[Scenario, int], Outcome]:
    """A judge on the benchmarks' plan."""
    return lambda scenario, seed: run(trial, scenario, seed, COURSE)


def run(trial: Trial, scenario: Scenario, seed: int, course: Course) -> Outcome:
    """One release; one that was let through keeps all traffic until the horizon."""
    found = trial(scenario, seed, course)
    excess = found.failures - scenario.other(0.0, 0) * found.requests
    return Outcome(found.failed, found.second, excess, found.promoted)


def ours(scenario: Scenario, seed: int, size: Size = COURSE.size, *, by_time: bool = False) -> Outcome:
    """The evidence judge. by_time: every stay lasts its whole interval."""
    return run(trials.evidence, scenario, seed, replace(COURSE, size=size, by_time=by_time))


flagger = _on(trials.flagger)
argo = _on(trials.argo)
