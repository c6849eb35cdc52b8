"""What is wrong with a workload's telemetry before anything is released: a selector that finds nothing, coarse edges.

An opted-in workload that serves traffic has series. A misspelt metric or label looks like no traffic later; here,
on the version that runs, it is named.
"""

import math
from datetime import datetime

from analysis import histogram, judge, outcome, queries, sentences, threshold


def faults(
    namespace: str,
    workload: str,
    ask: judge.Ask,
    now: datetime,
    *,
    latency: threshold.Latency | None = None,
    mesh: queries.Mesh = queries.ISTIO,
) -> tuple[str, ...]:
    """Sentences about what will keep a release of this workload from being judged; empty if nothing."""
    matchers = queries.receiver(mesh, namespace, workload)
    fault = _empty(mesh.requests, matchers, ask, now)
    if fault is not None:
        return (fault,)
    if latency is None:
        return ()
    fault = _empty(mesh.latency, matchers, ask, now)
    if fault is None:
        fault = _coarse(ask(queries.edges(mesh, namespace, workload), now), latency, mesh)
    return () if fault is None else (fault,)


def _empty(metric: str, matchers: tuple[str, ...], ask: judge.Ask, now: datetime) -> str | None:
    """Name the first matcher that leaves no series. Most often there are some, and one query shows it."""
    found = outcome.number(ask(queries.series(metric, matchers), now))
    if isinstance(found, outcome.Number):
        return None
    if isinstance(found, outcome.Broken):
        return found.text
    shorter = (matchers[:length] for length in range(len(matchers)))
    empty = (some for some in shorter if _finds_nothing(metric, some, ask, now))
    return _nowhere(metric, next(empty, matchers))


def _finds_nothing(metric: str, matchers: tuple[str, ...], ask: judge.Ask, now: datetime) -> bool:
    return outcome.number(ask(queries.series(metric, matchers), now)) == outcome.Nothing()


def _nowhere(metric: str, matchers: tuple[str, ...]) -> str:
    recent = f"in the last {sentences.span(queries.LOOKBACK)}"
    if not matchers:
        return f"Prometheus has no series of {metric} {recent}: is the mesh scraped, and is this its metric's name?"
    *found, missing = matchers
    wider = queries.selector(metric, tuple(found))
    return f"no series of {wider} has {missing} {recent}: has it had traffic, and is this the label's name?"


def _coarse(answer: outcome.Answer, latency: threshold.Latency, mesh: queries.Mesh) -> str | None:
    """Say between which edges a limit falls that is no edge itself."""
    if isinstance(answer, outcome.Broken):
        return answer.text
    edges = sorted(histogram.buckets(answer.rows, mesh.unit))
    limit = f"{latency.name}<{sentences.milliseconds(latency.limit_ms)}"
    if latency.limit_ms in edges:
        return None
    above = next((edge for edge in edges if edge > latency.limit_ms), math.inf)
    if math.isinf(above):
        return f"{limit} lies above the histogram's last edge, so that no latency will be judged high"
    return f"{limit} lies between the histogram's edges: only above {sentences.milliseconds(above)} it is judged high"
