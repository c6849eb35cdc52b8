"""Judges over the same made-up service: ours, and the rules of Flagger 1.44 and Argo Rollouts 1.9 as documented.

Both peers ask Prometheus for `sum(rate(good[1m])) / sum(rate(all[1m]))` of the canary and compare it with 99 %.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from analysis import evidence_rules, ladder, ledger, threshold
from analysis.charges import Limits
from analysis.ledger import Ledger, Sums
from analysis.sight import RECENT, Sight
from analysis.verdict import Verdict
from analysis.windows import MARGIN, Count, Grid, Window
from benchmarks.world import LEAD, SCRAPE, Scenario, World

STEPS = (0.05, 0.25, 0.5, 1.0)
INTERVAL = 60.0
HORIZON = 900.0
WARM_UP = 30.0
LOOK = 2.5
"""Seconds after a window's end at which it is looked at, on average."""

LIMITS = Limits(0.01)
THRESHOLDS = threshold.Thresholds(interval=timedelta(seconds=INTERVAL))


@dataclass(frozen=True)
class Outcome:
    """How one release ended: promoted or taken back, and when; failures beyond what stable would have shown."""

    failed: bool
    second: float
    excess: float
    promoted: bool = False


def outcome(world: World, failed: bool, second: float, promoted: bool = False) -> Outcome:
    """A release's end; a promoted one keeps all traffic until the horizon."""
    if failed:
        world.stop(second)
    else:
        world.run(HORIZON)
    requests, bad = world.served
    base = world.scenario.other(0.0, 0)
    return Outcome(failed, second, bad - base * requests, promoted)


def ours(
    scenario: Scenario, seed: int, rps: float = 50.0, *, by_time: bool = False, stable: int = 6, canary: int = 3
) -> Outcome:
    """The evidence judge. by_time: every stay lasts its whole interval."""
    world = World(scenario, seed, rps, stable, canary)
    world.shift(0.0, STEPS[0])
    grid = Grid(min(pod.phase for pod in world.canary) + MARGIN * SCRAPE, SCRAPE)
    kept = ledger.opened(0.0, grid, (), 0.0)
    step, since, shortest = 0, 0.0, INTERVAL if by_time else 0.0
    recent: list[Window] = []
    index = 0
    world.run(grid.end(-1))
    kept = ledger.folded(kept, windows(world, grid, range(-int(LEAD / SCRAPE), 0)), LIMITS)
    while True:
        now = grid.end(index) + LOOK
        if now > HORIZON:
            return outcome(world, False, now)
        world.run(grid.end(index))
        found = next(iter(windows(world, grid, (index,))))
        kept = ledger.after(kept, found, LIMITS)
        recent = [*recent[-RECENT + 1 :], found]
        for time in (now, *(t for t in (WARM_UP, since + INTERVAL) if now < t < now + SCRAPE)):
            said = evidence_rules.judge(_sight(kept, recent, step, time - since, time, shortest))
            if said.verdict is Verdict.FAIL:
                return outcome(world, True, time)
            if said.verdict is Verdict.PASS:
                step, since = step + 1, time
                if step == len(STEPS):
                    return outcome(world, False, time, promoted=True)
                world.shift(time, STEPS[step])
                kept = ledger.at_step(kept, time)
                break
        index += 1


def _sight(kept: Ledger, recent: Iterable[Window], step: int, stayed: float, now: float, shortest: float) -> Sight:
    sums: Sums = ledger.nothing(())
    for window in recent:
        sums = sums.plus(window)
    following = Decimal(str(100 * STEPS[step + 1])) if step + 1 < len(STEPS) else None
    stay = ladder.Stay(
        Decimal(str(100 * STEPS[step])), following, timedelta(seconds=INTERVAL), timedelta(seconds=shortest)
    )
    return Sight(
        THRESHOLDS,
        LIMITS,
        kept,
        sums,
        stay,
        timedelta(seconds=stayed),
        kept.grid.scrapes(now - stayed, now),
        timedelta(0),
        warming=now < WARM_UP,
    )


def windows(world: World, grid: Grid, indices: Iterable[int]) -> list[Window]:
    """What each pod counted in these windows."""
    found = []
    for index in indices:
        begin, end = grid.end(index - 1), grid.end(index)
        canary = tuple(_counts(world.canary, begin, end))
        stable = tuple(_counts(world.stable, begin, end))
        cold = end - SCRAPE / 2 < WARM_UP
        found.append(Window(index, end, () if cold else canary, canary if cold else (), stable))
    return found


def _counts(pods: Iterable[object], begin: float, end: float) -> Iterable[Count]:
    for pod in pods:
        seen = pod.seen  # type: ignore[attr-defined]
        for place in range(len(seen) - 1, -1, -1):
            time, good, bad = seen[place]
            if time <= begin:
                break
            if time <= end:
                _, was_good, was_bad = seen[place - 1] if place else (0.0, 0, 0)
                if place or pod.canary:  # type: ignore[attr-defined]
                    yield Count(good + bad - was_good - was_bad, bad - was_bad)
                break


def success(world: World, now: float) -> float | None:
    """The canary's success rate in percent as PromQL answers it; None where it answers nothing."""
    good = bad = 0.0
    for pod in world.canary:
        good += rate([(time, float(value)) for time, value, _ in pod.seen if value], now)
        bad += rate([(time, float(value)) for time, _, value in pod.seen if value], now)
    return 100 * good / (good + bad) if good else None


def rate(samples: list[tuple[float, float]], now: float, window: float = 60.0) -> float:
    """`rate(x[1m])` of one counter without resets, extrapolated as Prometheus documents; 0 where it has no answer."""
    inside = [(time, value) for time, value in samples if now - window < time <= now]
    if len(inside) < 2:
        return 0.0
    (first, low), (last, high) = inside[0], inside[-1]
    sampled, gap = last - first, (last - first) / (len(inside) - 1)
    before, after = first - (now - window), now - last
    before = before if before < 1.1 * gap else gap / 2
    after = after if after < 1.1 * gap else gap / 2
    if high > low:
        before = min(before, sampled * low / (high - low))
    return (high - low) * (sampled + before + after) / sampled / window


def flagger(scenario: Scenario, seed: int, rps: float = 50.0) -> Outcome:
    """Every minute: taken back if five checks have failed before, else a check; one that passes raises the weight."""
    world = World(scenario, seed, rps)
    world.shift(0.0, STEPS[0])
    step = failures = 0
    for turn in itertools.count(1):
        now = turn * INTERVAL
        if now > HORIZON:
            return outcome(world, False, now)
        world.run(now)
        if failures >= 5:
            return outcome(world, True, now)
        found = success(world, now)
        if found is None or found < 99:
            failures += 1
        else:
            step += 1
            if step == len(STEPS):
                return outcome(world, False, now, promoted=True)
            world.shift(now, STEPS[step])
    raise AssertionError("the horizon ends it")


def argo(scenario: Scenario, seed: int, rps: float = 50.0) -> Outcome:
    """A measurement every minute in the background, the fourth failed one aborts; the weight rises meanwhile."""
    world = World(scenario, seed, rps)
    world.shift(0.0, STEPS[0])
    failures = 0
    for turn in itertools.count(1):
        now = turn * INTERVAL
        world.run(now)
        found = success(world, now)
        failures += found is not None and found < 99
        if failures > 3:
            return outcome(world, True, now)
        if turn == len(STEPS):
            return outcome(world, False, now, promoted=True)
        world.shift(now, STEPS[turn])
    raise AssertionError("the steps end it")
