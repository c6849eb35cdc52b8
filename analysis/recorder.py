"""Recording a release: one or two reads of raw samples, and the weights that they show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from analysis import evidence, outcome, queries, samples, weights, windows
from analysis import mesh as meshing
from analysis.recording import Line, Recording, Shift


@dataclass(frozen=True)
class Wanted:
    """Which release of which workloads, from when to when. steps: percents, the last one 100. plan: as annotations.

    is_timed: whether the latency histogram is recorded too.
    """

    namespace: str
    canary: str
    stable: str
    began: datetime
    ended: datetime
    warm_up: timedelta
    steps: tuple[Decimal, ...]
    plan: Mapping[str, str] = field(hash=False)
    is_timed: bool = False
    release: str = ""
    mesh: str = "istio"
    metric_names: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def telemetry(self) -> meshing.Mesh:
        return meshing.renamed(queries.MESHES[self.mesh], self.metric_names)


def record(wanted: Wanted, read: evidence.Read) -> Recording | str:
    """Read and record; or a sentence that says why there is nothing to record."""
    mesh, workloads = wanted.telemetry, (wanted.canary, wanted.stable)
    edges: tuple[float, ...] = ()
    if wanted.is_timed:
        found = read(queries.shared_edges(mesh, wanted.namespace, workloads), wanted.ended)
        if isinstance(found, outcome.Broken):
            return found.text
        edges = tuple(sorted(samples.edges(found.series) - {float("inf")}))
    span = wanted.ended - wanted.began + evidence.LEAD
    answer = read(queries.samples(mesh, wanted.namespace, workloads, span, edges), wanted.ended)
    return answer.text if isinstance(answer, outcome.Broken) else of(wanted, answer)


def of(wanted: Wanted, matrix: samples.Matrix) -> Recording | str:
    """The recording of samples that were read."""
    mesh, began, ended = wanted.telemetry, wanted.began.timestamp(), wanted.ended.timestamp()
    odd = next(filter(None, (samples.fault(one, mesh) for one in matrix.series)), "")
    if odd:
        return odd
    frame = windows.Frame(mesh, wanted.canary, wanted.stable, began, began + wanted.warm_up.total_seconds())
    legs = windows.legs(matrix, frame)
    grid = windows.grid(legs, began)
    known = () if grid is None else windows.divide(legs, frame, grid, ended)
    after = [window for window in known if window.end > began]
    changes = weights.seen(after, legs.width, wanted.steps)
    if not changes:
        return (
            f"no request to {wanted.namespace}/{wanted.canary} between {_words(wanted.began)} and"
            f" {_words(wanted.ended)} is known to Prometheus: check the namespace, the workload and the times"
        )
    shifts = [Shift(at=max(_time(change.at), wanted.began), weight=change.weight) for change in changes]
    return Recording(
        namespace=wanted.namespace,
        release=wanted.release,
        canary=wanted.canary,
        stable=wanted.stable,
        mesh=wanted.mesh,
        metric_names=dict(wanted.metric_names),
        plan=dict(wanted.plan),
        began=shifts[0].at,
        warm_until=shifts[0].at + wanted.warm_up,
        ended=wanted.ended,
        weights=tuple(shifts),
        samples=tuple(Line(labels=dict(one.labels), times=one.times, values=one.values) for one in matrix.series),
    )


def _time(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _words(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
