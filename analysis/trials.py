"""One made-up release under each judge: when it is taken back or promoted, and what its users met until then."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from analysis import counters, evidence_rules, judge, ladder, ledger, queries, retelling, threshold
from analysis.charges import Limits
from analysis.evidence import LAXEST, STRICTEST
from analysis.ledger import Ledger, Sums
from analysis.rivals import Argo, Flagger, Move
from analysis.sight import RECENT, Sight
from analysis.verdict import Verdict
from analysis.windows import MARGIN, Grid, Window
from analysis.world import CANARY, LEAD, STABLE, Scenario, Size, World

AFTER_SCRAPE = 2.5
"""Seconds after a window's end at which it is looked at, on average."""

LOOK = 5.0
"""Seconds between two looks of the threshold judge."""

EPOCH = datetime.fromtimestamp(0, UTC)
"""When a made-up release begins."""

NAMESPACE = "made-up"


@dataclass(frozen=True)
class Course:
    """How a release is to go. steps: parts of all traffic, rising, 0 to 1, the last one 1. interval, warm_up,
    horizon: seconds; horizon: from the beginning, until when a release that was let through is watched.
    success_rate: percent. by_time: every stay of the evidence judge lasts its whole interval.
    """

    steps: tuple[float, ...] = (0.05, 0.25, 0.5, 1.0)
    interval: float = 60.0
    horizon: float = 900.0
    success_rate: Decimal = Decimal(99)
    warm_up: float = 30.0
    by_time: bool = False
    size: Size = field(default_factory=Size)

    @property
    def thresholds(self) -> threshold.Thresholds:
        return threshold.Thresholds(interval=timedelta(seconds=self.interval), success_rate=self.success_rate)

    @property
    def limits(self) -> Limits:
        return Limits(min(max(float(1 - self.success_rate / 100), STRICTEST), LAXEST))


@dataclass(frozen=True)
class Outcome:
    """How one release ended: taken back or promoted, and at which second; what the canary served up to the end, or,
    if it was let through, up to the horizon."""

    failed: bool
    second: float
    requests: int
    failures: int
    promoted: bool = False


Trial = Callable[[Scenario, int, Course], Outcome]
"""Runs one release of a seed."""


def _begun(scenario: Scenario, seed: int, course: Course) -> World:
    world = World(scenario, seed, course.size)
    world.shift(0.0, course.steps[0])
    return world


def _ended(world: World, course: Course, failed: bool, second: float, promoted: bool = False) -> Outcome:
    """A release's end; one that was let through keeps its traffic until the horizon."""
    world.stop(second if failed else max(second, course.horizon))
    requests, failures = world.served
    return Outcome(failed, second, requests, failures, promoted)


def evidence(scenario: Scenario, seed: int, course: Course) -> Outcome:
    """Our evidence judge."""
    world, width = _begun(scenario, seed, course), course.size.scrape
    grid = Grid(min(pod.phase for pod in world.canary) + MARGIN * width, width)
    world.run(grid.end(-1))
    past = world.windows(grid, range(-int(LEAD / width), 0), course.warm_up)
    kept = ledger.folded(ledger.opened(0.0, grid, (), 0.0), past, course.limits)
    step, since, index = 0, 0.0, 0
    recent: list[Window] = []
    while (now := grid.end(index) + AFTER_SCRAPE) <= course.horizon:
        world.run(grid.end(index))
        found = world.windows(grid, (index,), course.warm_up)[0]
        kept = ledger.after(kept, found, course.limits)
        recent = [*recent[-RECENT + 1 :], found]
        for time in (now, *(t for t in (course.warm_up, since + course.interval) if now < t < now + width)):
            said = evidence_rules.judge(_sight(kept, recent, course, step, since, time))
            if said.verdict is Verdict.FAIL:
                return _ended(world, course, True, time)
            if said.verdict is Verdict.PASS:
                step, since = step + 1, time
                if step == len(course.steps):
                    return _ended(world, course, False, time, promoted=True)
                world.shift(time, course.steps[step])
                kept = ledger.at_step(kept, time)
                break
        index += 1
    return _ended(world, course, False, course.horizon)


def _sight(kept: Ledger, recent: Iterable[Window], course: Course, step: int, since: float, now: float) -> Sight:
    sums: Sums = ledger.nothing(())
    for window in recent:
        sums = sums.plus(window)
    percents = [Decimal(str(100 * part)) for part in course.steps]
    following = percents[step + 1] if step + 1 < len(percents) else None
    longest = timedelta(seconds=course.interval)
    stay = ladder.Stay(percents[step], following, longest, longest if course.by_time else timedelta(0))
    return Sight(
        thresholds=course.thresholds,
        limits=course.limits,
        ledger=kept,
        recent=sums,
        stay=stay,
        stayed=timedelta(seconds=now - since),
        scrapes=kept.grid.scrapes(since, now),
        unseen=timedelta(0),
        warming=now < course.warm_up,
    )


def by_threshold(scenario: Scenario, seed: int, course: Course) -> Outcome:
    """Our threshold judge."""
    world, workloads = _begun(scenario, seed, course), (CANARY, STABLE)
    told = retelling.Retelling(queries.ISTIO, NAMESPACE, workloads, world.counters, course.size.scrape)
    step, now = 0, LOOK
    question = judge.Question(NAMESPACE, *workloads, EPOCH, _at(course.warm_up), EPOCH, course.thresholds)
    while now <= course.horizon:
        world.run(now)
        said = judge.judge(replace(question, now=_at(now)), told.ask)
        question = replace(question, bad_looks=said.bad_looks, last_bad=said.last_bad)
        if said.verdict is Verdict.FAIL:
            return _ended(world, course, True, now)
        if said.verdict is Verdict.PASS:
            step += 1
            if step == len(course.steps):
                return _ended(world, course, False, now, promoted=True)
            world.shift(now, course.steps[step])
            question = replace(question, since=_at(now), bad_looks=0, last_bad=None)
        now += LOOK
    return _ended(world, course, False, course.horizon)


def _at(second: float) -> datetime:
    return EPOCH + timedelta(seconds=second)


def flagger(scenario: Scenario, seed: int, course: Course) -> Outcome:
    """Flagger's rules, with its usual five tolerated checks."""
    world, rule = _begun(scenario, seed, course), Flagger()
    step, now = 0, course.interval
    while now <= course.horizon:
        world.run(now)
        rule, move = rule.looked(_is_good(world, now, course))
        if move is Move.BACK:
            return _ended(world, course, True, now)
        if move is Move.RISE:
            step += 1
            if step == len(course.steps):
                return _ended(world, course, False, now, promoted=True)
            world.shift(now, course.steps[step])
        now += course.interval
    return _ended(world, course, False, course.horizon)


def argo(scenario: Scenario, seed: int, course: Course) -> Outcome:
    """Argo Rollouts' rules: a background analysis that tolerates three failures, and steps by the clock."""
    world, rule, interval = _begun(scenario, seed, course), Argo(), timedelta(seconds=course.interval)
    step, next_step, next_look = 0, course.interval, course.interval
    while (now := min(next_step, next_look)) <= course.horizon:
        world.run(now)
        if now == next_look:
            rule, move = rule.looked(_is_good(world, now, course))
            if move is Move.BACK:
                return _ended(world, course, True, now)
            next_look += rule.wait(interval).total_seconds()
        if now == next_step:
            step, next_step = step + 1, next_step + course.interval
            if step == len(course.steps):
                return _ended(world, course, False, now, promoted=True)
            world.shift(now, course.steps[step])
    return _ended(world, course, False, course.horizon)


def _is_good(world: World, now: float, course: Course) -> bool | None:
    """One check of the canary's success rate; None where there is no answer."""
    own = (counter for pod in world.canary for counter in pod.counters)
    found = counters.success((counter for counter in own if counter.times), now)
    return None if found is None else found >= course.success_rate


JUDGES: Mapping[str, Trial] = {
    "evidence": evidence,
    "threshold": by_threshold,
    "Flagger 1.44": flagger,
    "Argo Rollouts 1.9": argo,
}
"""Who is compared, under the names that people read."""
