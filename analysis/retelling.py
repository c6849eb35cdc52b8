"""Answers to the threshold judge's own queries from counters that are at hand, as Prometheus would have given them."""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from analysis import counters, outcome, pods, queries
from analysis.counters import Counter

WINDOW = re.compile(r"\[(\d+)ms\]")


@dataclass(frozen=True)
class Retelling:
    """found: counters of both workloads, which may grow. scrape: seconds between samples."""

    mesh: queries.Mesh
    namespace: str
    workloads: tuple[str, str]
    found: Sequence[Counter] = field(hash=False)
    scrape: float

    def ask(self, promql: str, at: datetime) -> outcome.Table:
        """Answer `queries.counts` or `queries.latencies`; ValueError for any other query."""
        match = WINDOW.search(promql)
        window = timedelta(milliseconds=int(match[1])) if match else timedelta(0)
        now, seconds = at.timestamp(), window.total_seconds()
        if promql == queries.counts(self.mesh, self.namespace, self.workloads, window):
            return outcome.Table(tuple(self._counts(now, seconds)))
        if promql == queries.latencies(self.mesh, self.namespace, self.workloads, window):
            return outcome.Table(tuple(self._latencies(now, seconds)))
        raise ValueError(f"a query that is not the threshold judge's cannot be retold: {promql}")

    def _counts(self, now: float, window: float) -> list[outcome.Row]:
        rows = []
        for workload in self.workloads:
            own = [counter for counter in self.found if counter.workload == workload and counter.edge is None]
            kinds: dict[str, float | None] = {
                queries.REQUESTS: _sum(own, now, window, lambda _: True),
                queries.FAILURES: _sum(own, now, window, lambda counter: counter.fails),
                queries.DARK: 1.0 if self._is_dark(own, now, window) else None,
            }
            rows += [
                outcome.Row({self.mesh.key: workload, queries.COUNTED: kind}, value)
                for kind, value in kinds.items()
                if value is not None
            ]
        return rows

    def _latencies(self, now: float, window: float) -> list[outcome.Row]:
        rows = []
        for workload in self.workloads:
            own = [counter for counter in self.found if counter.workload == workload]
            for edge in sorted({counter.edge for counter in own if counter.edge is not None}):
                value = _sum([counter for counter in own if counter.edge == edge], now, window, lambda _: True)
                if value is not None:
                    rows.append(outcome.Row({self.mesh.key: workload, queries.EDGE: f"{edge:g}"}, value))
        return rows

    def _is_dark(self, own: Sequence[Counter], now: float, window: float) -> bool:
        """Whether it was scraped in the window and is not any more."""
        last = max((time for counter in own for time in _until(counter, now)), default=None)
        return last is not None and last > now - window and now - last > pods.STALE * self.scrape


def _until(counter: Counter, now: float) -> Sequence[float]:
    """The newest time up to a moment, if there is one."""
    place = bisect_right(counter.times, now)
    return counter.times[place - 1 : place] if place else ()


def _sum(found: Sequence[Counter], now: float, window: float, wanted: Callable[[Counter], bool]) -> float | None:
    """The sum of what the wanted ones counted; None where none has a sample in the window."""
    grown = [counters.difference(counter, now, window) for counter in found if wanted(counter)]
    known = [value for value in grown if value is not None]
    return sum(known) if known else None
