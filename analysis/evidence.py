"""The evidence judge: one read of raw samples becomes windows, windows become evidence, evidence a judgement.

It remembers nothing: the samples since the release began say all. A checkpoint only saves reading them again.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from analysis import checkpoint, evidence_rules, ladder, ledger, outcome, queries, samples, sentences, windows
from analysis import judge as judging
from analysis.charges import Limits
from analysis.ledger import Ledger, Sums
from analysis.sight import RECENT, Sight
from analysis.verdict import Judgement, Reason, Verdict
from analysis.windows import Frame, Legs, Window

Read = Callable[[str, datetime], samples.Answer]
"""Evaluates a range selector at a time: prometheus.Prometheus.read, or a function of a test."""

LEAD = timedelta(minutes=10)
"""How much of stable's past from before the release is read: how its failures fall, and what it is compared with."""

OVERLAP = timedelta(minutes=5)
"""How much from before a checkpoint is read again: where its counters stood, and who was young."""

LONGEST = timedelta(hours=6)
"""How far back is read at most."""

SETTLED = 2
"""Scrape intervals after which no late sample is expected, so that a checkpoint may be set."""

STRICTEST = 1e-4
"""The lowest limit for a share of bad requests: of `success-rate: 100` one failure in very many is no evidence."""

LAXEST = 0.95


@dataclass(frozen=True)
class EvidenceQuestion:
    """asked: as for the threshold judge; its bad looks do not count. Shares and weights are percent.

    began: when the release's traffic began. next_weight: None if promotion follows.
    shortest: before it no stay passes. least: before it no release is promoted by proof.
    checkpoint: of an earlier judgement of this release; None or an outdated one costs a longer read, nothing else.
    """

    asked: judging.Question
    began: datetime
    weight: Decimal
    next_weight: Decimal | None
    shortest: timedelta = timedelta(0)
    least: timedelta = timedelta(0)
    checkpoint: str | None = None

    def __post_init__(self) -> None:
        if self.began.tzinfo is None:
            raise ValueError(f"times must have a time zone, got {self.began}")
        if not 0 < self.weight <= 100:
            raise ValueError(f"weight must be above 0 and at most 100 percent, got {self.weight}")

    @property
    def workloads(self) -> tuple[str, str]:
        return self.asked.canary, self.asked.stable

    @property
    def limits(self) -> str:
        """The limits that bets are made by. A plan that was edited is judged by anew, from the first sample on."""
        rate, latency = self.asked.thresholds.success_rate, self.asked.thresholds.latency
        known = (rate,) if latency is None else (rate, latency.quantile, latency.limit_ms)
        return ",".join("" if number is None else f"{float(number):.9g}" for number in known)

    @property
    def stayed(self) -> timedelta:
        return max(self.asked.now - self.asked.since, timedelta(0))


def judge(question: EvidenceQuestion, read: Read, mesh: queries.Mesh = queries.ISTIO) -> Judgement:
    """Read once (twice where a latency is limited and there is no checkpoint) and judge."""
    question = replace(question, asked=question.asked.named_for(mesh))
    stored = continued(question)
    if question.asked.thresholds.latency is None or stored is not None:
        edges: tuple[float, ...] | outcome.Broken = stored.edges if stored is not None else ()
    else:
        edges = _edges(question, read, mesh)
    if isinstance(edges, outcome.Broken):
        return _broken(edges, question)
    span = max(question.asked.now - begin(question, stored), judging.SHORTEST)
    promql = queries.samples(mesh, question.asked.namespace, question.workloads, span, edges)
    answer = read(promql, question.asked.now)
    if isinstance(answer, outcome.Broken):
        return _broken(answer, question)
    return weigh(question, answer, edges, mesh)


def begin(question: EvidenceQuestion, stored: Ledger | None) -> datetime:
    """From when on samples are needed."""
    earliest = question.asked.now - LONGEST
    if stored is None or stored.last is None:
        return max(question.began - LEAD, earliest)
    end = datetime.fromtimestamp(stored.grid.end(stored.last), UTC)
    warm_up = question.asked.warm_until - question.began
    scrape = timedelta(seconds=stored.grid.width)
    return max(end - max(OVERLAP, 10 * scrape, warm_up + 4 * scrape), question.began - LEAD, earliest)


def weigh(
    question: EvidenceQuestion,
    matrix: samples.Matrix,
    edges: tuple[float, ...] = (),
    mesh: queries.Mesh = queries.ISTIO,
) -> Judgement:
    """Judge by samples that were read; a pure function of both. edges: as they were asked for, in the mesh's unit."""
    asked, stored = question.asked, continued(question)
    frame = Frame(mesh, asked.canary, asked.stable, question.began.timestamp(), asked.warm_until.timestamp(), edges)
    odd = next(filter(None, (samples.fault(one, mesh) for one in matrix.series)), "")
    if odd:
        return Judgement(Verdict.NO_DATA, Reason.UNSOUND_COUNTS, odd, checkpoint=question.checkpoint)
    found = windows.legs(matrix, frame)
    lines = stored.grid if stored is not None else windows.grid(found, frame.began)
    if lines is None:
        return _unseen(question, found)
    limits = limits_of(question, tuple(map(mesh.unit.milliseconds, edges)))
    known = windows.divide(found, frame, lines, asked.now.timestamp())
    start = stored or ledger.opened(frame.began, lines, edges, asked.since.timestamp())
    start = ledger.at_step(start, asked.since.timestamp())
    settled = lines.complete(asked.now.timestamp()) - SETTLED
    saved = ledger.folded(start, (window for window in known if window.index <= settled), limits)
    now = ledger.folded(saved, (window for window in known if window.index > settled), limits)
    said = evidence_rules.judge(replace(_sight(question, limits, now, known, found), unit=mesh.unit))
    if stored is None and not found.is_measured:
        return said  # a checkpoint would keep an assumed scrape interval for good
    return replace(said, checkpoint=checkpoint.dump(saved, question.limits))


def _sight(question: EvidenceQuestion, limits: Limits, now: Ledger, known: tuple[Window, ...], found: Legs) -> Sight:
    asked = question.asked
    return Sight(
        thresholds=asked.thresholds,
        limits=limits,
        ledger=now,
        recent=_recent(known, now, asked.now.timestamp()),
        stay=stay_of(question),
        stayed=question.stayed,
        scrapes=now.grid.scrapes(now.since, asked.now.timestamp()),
        unseen=None if found.newest is None else timedelta(seconds=max(0.0, asked.now.timestamp() - found.newest)),
        warming=asked.warming,
        stable_begins=found.stable_begins(asked.now.timestamp()),
    )


def stay_of(question: EvidenceQuestion) -> ladder.Stay:
    """What the step asks for."""
    left = question.began + question.least - question.asked.now
    longest = question.asked.thresholds.interval
    return ladder.Stay(question.weight, question.next_weight, longest, question.shortest, left)


def _recent(known: tuple[Window, ...], now: Ledger, time: float) -> Sums:
    first = now.grid.complete(time) - RECENT
    sums = ledger.nothing(now.edges)
    for window in known:
        if window.index > first and window.end > now.began:
            sums = sums.plus(window)
    return sums


def limits_of(question: EvidenceQuestion, edges: tuple[float, ...]) -> Limits:
    """The plan's thresholds as shares of bad requests. edges: in milliseconds."""
    rate, latency = question.asked.thresholds.success_rate, question.asked.thresholds.latency
    failing = None if rate is None else _between(float(1 - rate / 100))
    if latency is None:
        return Limits(failing)
    certain = next((place for place, edge in enumerate(edges) if edge >= latency.limit_ms), None)
    possible = max((place for place, edge in enumerate(edges) if edge <= latency.limit_ms), default=None)
    return Limits(failing, _between(float(1 - latency.quantile)), certain, possible)


def _between(share: float) -> float:
    return min(max(share, STRICTEST), LAXEST)


def continued(question: EvidenceQuestion) -> Ledger | None:
    """The checkpoint, if it is of this release and its limits, and knows the latency's edges where they matter."""
    if question.checkpoint is None:
        return None
    found = checkpoint.load(question.checkpoint, question.began.timestamp(), question.limits)
    wanted = question.asked.thresholds.latency is not None
    return None if found is None or bool(found.edges) != wanted else found


def _edges(question: EvidenceQuestion, read: Read, mesh: queries.Mesh) -> tuple[float, ...] | outcome.Broken:
    """The edges that are looked at, in the mesh's unit: both legs must have them."""
    answer = read(queries.shared_edges(mesh, question.asked.namespace, question.workloads), question.asked.now)
    latency = question.asked.thresholds.latency
    if isinstance(answer, outcome.Broken) or latency is None:
        return answer if isinstance(answer, outcome.Broken) else ()
    legs = [
        samples.edges(one for one in answer.series if one.labels.get(mesh.key) == workload)
        for workload in question.workloads
    ]
    known = [leg for leg in legs if leg]
    own = {mesh.unit.milliseconds(edge): edge for edge in set.intersection(*known)} if known else {}
    return tuple(own[edge] for edge in chosen(set(own), latency.limit_ms))


def chosen(edges: set[float], limit: float) -> tuple[float, ...]:
    """The edges around a limit, and some below and above it that show a shift of the whole body; at most five."""
    finite = {edge for edge in edges if math.isfinite(edge)}
    below = [max((edge for edge in finite if edge <= limit / part), default=None) for part in (5, 2, 1)]
    above = [min((edge for edge in finite if edge >= limit * part), default=None) for part in (1, 2)]
    return tuple(sorted({edge for edge in (*below, *above) if edge is not None}))


def _broken(found: outcome.Broken, question: EvidenceQuestion) -> Judgement:
    return Judgement(Verdict.NO_DATA, found.fault, found.text, checkpoint=question.checkpoint)


def _unseen(question: EvidenceQuestion, found: Legs) -> Judgement:
    """Before the canary was scraped with traffic."""
    text = f"no requests in {sentences.span(question.stayed)}"
    if question.asked.warming:
        return Judgement(Verdict.HOLD, Reason.WARMING_UP, f"warming up: {text}")
    if question.stayed < question.asked.thresholds.interval:
        return Judgement(Verdict.HOLD, Reason.STILL_MEASURING, text)
    if found.newest is not None:
        return Judgement(Verdict.NO_DATA, Reason.NOT_SCRAPED, f"{text}, and no pod was scraped since it began")
    return Judgement(Verdict.NO_DATA, Reason.NO_REQUESTS, f"{text}: nothing to judge by")
