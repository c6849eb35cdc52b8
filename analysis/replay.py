"""A recorded release through every judge: when each would have acted, and what its users had met by then.

The traffic is as it was: a judge that would have acted earlier, or later, changes nothing of the recorded weights.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from analysis import counters, evidence, judge, recording, retelling, samples, threshold
from analysis.evidence import EvidenceQuestion
from analysis.recording import Recording, Stay
from analysis.rivals import Argo, Flagger, Move
from analysis.verdict import Judgement, Reason, Verdict

EVIDENCE, THRESHOLD, FLAGGER, ARGO = "evidence", "threshold", "Flagger 1.44", "Argo Rollouts 1.9"

UNSEEN = Judgement(Verdict.HOLD, Reason.STILL_MEASURING, "over before the first look")


@dataclass(frozen=True)
class Rules:
    """What the release must keep. bake: the longest stay at 100 %. look: between two looks of our judges.

    own: the longest stay at weights that have one of their own.
    """

    thresholds: threshold.Thresholds
    bake: timedelta
    look: timedelta = timedelta(seconds=5)
    own: Mapping[Decimal, timedelta] = field(default_factory=dict, hash=False)

    def at(self, weight: Decimal) -> threshold.Thresholds:
        """The thresholds of a stay."""
        own = self.bake if weight == 100 else self.own.get(weight, self.thresholds.interval)
        return replace(self.thresholds, interval=own)


@dataclass(frozen=True)
class Act:
    """What one judge would have done. at: when it would have taken the release back, None if it never did.

    stay: where it was then, or at the end. said: in the judge's words. served: by the canary until then; of a judge
    that did not act, until the end of the recording, so that it would have been at least as much.
    """

    judge: str
    at: datetime | None
    stay: Stay
    said: str
    served: recording.Served


@dataclass(frozen=True)
class Tape:
    """A recording and what every judge reads of it."""

    recording: Recording
    rules: Rules
    stays: tuple[Stay, ...]
    matrix: samples.Matrix = field(hash=False)
    found: tuple[counters.Counter, ...] = field(hash=False)

    @property
    def end(self) -> datetime:
        """Until when judges look: two scrapes longer than the canary's traffic was seen, which is as exact as that."""
        return min(self.stays[-1].until + timedelta(seconds=2 * recording.scrape(self.recording)), self.recording.ended)

    def stay(self, now: datetime) -> Stay:
        return next((stay for stay in self.stays if now < stay.until), self.stays[-1])

    def looks(self) -> Iterator[datetime]:
        """When our judges look."""
        now = self.recording.began
        while (now := now + self.rules.look) <= self.end:
            yield now

    def act(self, name: str, at: datetime | None, said: str) -> Act:
        served = recording.served(self.recording, at or self.recording.ended)
        return Act(name, at, self.stay(at or self.end), said, served)

    def question(self, stay: Stay, now: datetime) -> judge.Question:
        known = self.recording
        return judge.Question(
            namespace=known.namespace,
            canary=known.canary,
            stable=known.stable,
            since=stay.since,
            warm_until=known.warm_until,
            now=now,
            thresholds=self.rules.at(stay.weight),
            alone=stay.weight == 100,
        )


def replay(known: Recording, rules: Rules) -> tuple[Act, ...]:
    """Ask every judge."""
    tape = Tape(known, rules, recording.stays(known), known.matrix, recording.counters_of(known))
    return (by_evidence(tape), by_threshold(tape), by_flagger(tape), by_argo(tape))


def by_evidence(tape: Tape) -> Act:
    """Our evidence judge, look by look, each going on from the checkpoint before as the controller does."""
    edges = _edges(tape)
    said, kept = UNSEEN, None
    for now in tape.looks():
        stay = tape.stay(now)
        question = EvidenceQuestion(
            asked=tape.question(stay, now),
            began=tape.recording.began,
            weight=stay.weight,
            next_weight=stay.following,
            checkpoint=kept,
        )
        begin = evidence.begin(question, evidence.continued(question))
        cut = _cut(tape.matrix, begin.timestamp(), now.timestamp())
        said = evidence.weigh(question, cut, edges, tape.recording.telemetry)
        kept = said.checkpoint or kept
        if said.verdict is Verdict.FAIL:
            return tape.act(EVIDENCE, now, said.text)
    return tape.act(EVIDENCE, None, said.text)


def by_threshold(tape: Tape) -> Act:
    """Our threshold judge; its row of bad looks begins anew at each stay."""
    known = tape.recording
    told = retelling.Retelling(known.telemetry, known.namespace, known.workloads, tape.found, recording.scrape(known))
    said, before = UNSEEN, 0
    for now in tape.looks():
        stay = tape.stay(now)
        question = tape.question(stay, now)
        if stay.number == before:
            question = replace(question, bad_looks=said.bad_looks, last_bad=said.last_bad)
        said, before = judge.judge(question, told.ask, known.telemetry), stay.number
        if said.verdict is Verdict.FAIL:
            return tape.act(THRESHOLD, now, said.text)
    return tape.act(THRESHOLD, None, said.text)


def by_flagger(tape: Tape) -> Act:
    """Flagger's rules at the plan's interval."""
    rule, now, interval = Flagger(), tape.recording.began, tape.rules.thresholds.interval
    while (now := now + interval) <= tape.end:
        rule, move = rule.looked(_is_good(tape, now))
        if move is Move.BACK:
            return tape.act(FLAGGER, now, rule.words)
    return tape.act(FLAGGER, None, rule.words)


def by_argo(tape: Tape) -> Act:
    """Argo Rollouts' rules, in a background analysis at the plan's interval."""
    rule, now, interval = Argo(), tape.recording.began, tape.rules.thresholds.interval
    while (now := now + rule.wait(interval)) <= tape.end:
        rule, move = rule.looked(_is_good(tape, now))
        if move is Move.BACK:
            return tape.act(ARGO, now, rule.words)
    return tape.act(ARGO, None, rule.words)


def _is_good(tape: Tape, now: datetime) -> bool | None:
    """One check of the canary's point values; None where there is no answer."""
    own = [counter for counter in tape.found if counter.workload == tape.recording.canary]
    limits, time = tape.rules.thresholds, now.timestamp()
    if limits.success_rate is not None:
        found = counters.success(own, time)
        if found is None:
            return None
        if not found >= limits.success_rate:  # NaN is no success
            return False
    if limits.latency is None:
        return True
    slow = counters.quantile(own, time, limits.latency.quantile, tape.recording.telemetry.unit)
    return None if slow is None else slow <= limits.latency.limit_ms


def _edges(tape: Tape) -> tuple[float, ...]:
    """The edges of the latency histogram that the evidence judge looks at, in the mesh's unit."""
    limit, known = tape.rules.thresholds.latency, tape.recording
    if limit is None:
        return ()
    legs = [
        {counter.edge for counter in tape.found if counter.workload == workload and counter.edge is not None}
        for workload in known.workloads
    ]
    seen = [leg for leg in legs if leg]
    unit = known.telemetry.unit
    own = {unit.milliseconds(edge): edge for edge in set.intersection(*seen)} if seen else {}
    return tuple(own[edge] for edge in evidence.chosen(set(own), limit.limit_ms))


def _cut(matrix: samples.Matrix, begin: float, end: float) -> samples.Matrix:
    """The samples that a range selector would have given: after `begin`, up to `end`."""
    found = (_between(series, begin, end) for series in matrix.series)
    return samples.Matrix(tuple(series for series in found if series is not None))


def _between(series: samples.Series, begin: float, end: float) -> samples.Series | None:
    first, last = (bisect_right(series.times, time) for time in (begin, end))
    return samples.Series(series.labels, series.times[first:last], series.values[first:last]) if first < last else None
