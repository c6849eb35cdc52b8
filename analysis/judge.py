"""The judge: a question about two legs becomes few queries, and their answers one judgement.

What is measured begins when the step's traffic did, when the warm-up ended, or at the last bad look, whichever is
latest: nothing from before the canary had traffic counts, and no error counts twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from analysis import histogram, leg, metric, outcome, queries, threshold
from analysis.mesh import Naming
from analysis.verdict import Judgement

Ask = Callable[[str, datetime], outcome.Answer]
"""Evaluates PromQL at a time: prometheus.Prometheus.ask, or a function of a test."""

SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(hours=1)
"""Bounds of a window; LONGEST is how far back a judge looks for enough requests."""


@dataclass(frozen=True)
class Question:
    """Which workload is judged against which, since when, and by what.

    namespace, canary, stable: the workloads, as most meshes' telemetry names them.
    since: when the step's traffic began. warm_until: when the canary's pods are warm; may be past.
    bad_looks, last_bad: what the last judgement of this step said, 0 and None at first.
    metrics: custom metrics that are judged beside; their queries may name `service`.
    alone: stable has no traffic now, and lost it when the step's traffic began.
    services: the Services of the canary's and the stable leg, where each leg has one of its own.
    All times are aware.
    """

    namespace: str
    canary: str
    stable: str
    since: datetime
    warm_until: datetime
    now: datetime
    thresholds: threshold.Thresholds
    bad_looks: int = 0
    last_bad: datetime | None = None
    metrics: tuple[metric.Metric, ...] = ()
    service: str = ""
    alone: bool = False
    services: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if self.canary == self.stable:
            raise ValueError(f"canary and stable must be two workloads, got {self.canary} for both")
        times = (self.since, self.warm_until, self.now, self.last_bad)
        if any(time is not None and time.tzinfo is None for time in times):
            raise ValueError(f"times must have a time zone, got {times}")

    def named_for(self, mesh: queries.Mesh) -> "Question":
        """The same question with the names by which a mesh's telemetry knows the legs."""
        if mesh.naming is not Naming.SERVICE or self.services is None:
            return self
        canary, stable = self.services
        return replace(self, canary=canary, stable=stable)

    @property
    def warming(self) -> bool:
        return self.now < self.warm_until

    @property
    def begin(self) -> datetime:
        """Where the measurement begins."""
        starts = [self.since] if self.warming else [self.since, self.warm_until]
        return max(starts if self.last_bad is None else [*starts, self.last_bad])

    @property
    def measured(self) -> timedelta:
        """How long it has been measured."""
        return max(self.now - self.begin, timedelta(0))


def judge(question: Question, ask: Ask, mesh: queries.Mesh = queries.ISTIO) -> Judgement:
    """Look at the last interval; at all since the beginning, where the interval has too few requests."""
    question = question.named_for(mesh)
    limits = question.thresholds
    look = _look(question, ask, mesh, min(question.measured, limits.interval))
    if _is_short(look) and question.measured > limits.interval:
        look = _look(question, ask, mesh, min(question.measured, LONGEST))
    said = threshold.judge(look)
    counted = said.bad_looks > question.bad_looks
    return replace(said, last_bad=question.now if counted else question.last_bad)


def measure(question: Question, ask: Ask, mesh: queries.Mesh = queries.ISTIO) -> tuple[leg.Leg, leg.Leg]:
    """What the last interval shows of canary and stable, without a verdict."""
    look = _look(question, ask, mesh, min(question.measured, question.thresholds.interval))
    return look.canary, look.stable


def _look(question: Question, ask: Ask, mesh: queries.Mesh, span: timedelta) -> threshold.Look:
    window = max(span, SHORTEST)
    look = threshold.Look(
        thresholds=question.thresholds,
        canary=leg.Leg(),
        stable=leg.Leg(),
        window=window,
        measured=question.measured,
        warming=question.warming,
        bad_looks=question.bad_looks,
    )
    workloads = (question.canary, question.stable)
    counts = ask(queries.counts(mesh, question.namespace, workloads, window), question.now)
    canary, stable = (_counted(counts, mesh, workload) for workload in workloads)
    look = replace(look, canary=canary, stable=stable)
    if question.thresholds.latency is None or question.warming or _is_short(look):
        return look
    buckets = ask(queries.latencies(mesh, question.namespace, workloads, window), question.now)
    limit = question.thresholds.latency
    return replace(
        look,
        canary=replace(canary, latency=_latency(buckets, mesh, question.canary, limit)),
        stable=replace(stable, latency=_latency(buckets, mesh, question.stable, limit)),
    )


def _is_short(look: threshold.Look) -> bool:
    """Whether the canary's requests are known, and too few."""
    counted = leg.tally(look.canary)
    return isinstance(counted, leg.Tally) and counted.requests < look.thresholds.min_requests


def _counted(answer: outcome.Answer, mesh: queries.Mesh, workload: str) -> leg.Leg:
    """A workload's counts; requests without a row of failures are requests without failures."""
    if isinstance(answer, outcome.Broken):
        return leg.Leg(requests=answer, failures=answer)
    requests, failures, dark = (
        outcome.cell(answer, {mesh.key: workload, queries.COUNTED: kind})
        for kind in (queries.REQUESTS, queries.FAILURES, queries.DARK)
    )
    return leg.Leg(requests or outcome.Nothing(), failures or outcome.Number(0), dark=dark is not None)


def _latency(
    answer: outcome.Answer, mesh: queries.Mesh, workload: str, limit: threshold.Latency
) -> histogram.Quantile | outcome.Nothing | outcome.Broken:
    if isinstance(answer, outcome.Broken):
        return answer
    own = [row for row in answer.rows if row.labels.get(mesh.key) == workload]
    return histogram.quantile(histogram.buckets(own, mesh.unit), limit.quantile) or outcome.Nothing()
