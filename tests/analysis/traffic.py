"""Made-up traffic, and a function that answers the judge's queries about it as Prometheus would."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from analysis import errors, outcome, queries

START = datetime(2026, 11, 3, 10, 0, 0, 0, UTC)


def at(second: float) -> datetime:
    """So many seconds after the start."""
    return START + timedelta(seconds=second)


@dataclass(frozen=True)
class Flow:
    """Requests to one workload between two seconds: so many a second, a share of which fails; latency in ms."""

    workload: str
    begin: float
    end: float
    rate: float
    failing: float = 0.0
    latency: float = 20.0

    def requests(self, begin: float, end: float) -> float:
        """How many fall between two seconds."""
        return self.rate * max(0.0, min(end, self.end) - max(begin, self.begin))


@dataclass
class Traffic:
    """All flows, the spans in which Prometheus is away, and the windows that were asked for."""

    flows: tuple[Flow, ...]
    away: tuple[tuple[float, float], ...] = ()
    edges: tuple[str, ...] = ("100", "500", "1000", "+Inf")

    def __post_init__(self) -> None:
        self.asked: list[tuple[str, float]] = []

    def ask(self, promql: str, when: datetime) -> outcome.Answer:
        """Answer a query of `queries.counts` or `queries.latencies`."""
        now = (when - START).total_seconds()
        if any(begin <= now < end for begin, end in self.away):
            return outcome.Broken(errors.Fault.UNREACHABLE, "Prometheus is away")
        found = re.search(r"\[(\d+)ms\]", promql)
        assert found, promql
        window = int(found[1]) / 1000
        kind = "latencies" if queries.ISTIO.latency in promql else "counts"
        self.asked.append((kind, window))
        rows = self._latencies(now - window, now) if kind == "latencies" else self._counts(now - window, now)
        named = [row for row in rows if row.labels[queries.ISTIO.workload] in promql]
        return outcome.Table(tuple(named))

    def _counts(self, begin: float, end: float) -> list[outcome.Row]:
        rows = []
        for workload in sorted({flow.workload for flow in self.flows}):
            own = [flow for flow in self.flows if flow.workload == workload and flow.begin < end]
            total = sum(flow.requests(begin, end) for flow in own)
            failed = sum(flow.requests(begin, end) * flow.failing for flow in own)
            kinds = {queries.REQUESTS: total, queries.FAILURES: failed}
            rows += [_row(workload, queries.COUNTED, kind, value) for kind, value in kinds.items() if own and value]
        return rows

    def _latencies(self, begin: float, end: float) -> list[outcome.Row]:
        return [
            _row(workload, queries.EDGE, edge, self._below(workload, float(edge), begin, end))
            for workload in sorted({flow.workload for flow in self.flows})
            for edge in self.edges
        ]

    def _below(self, workload: str, edge: float, begin: float, end: float) -> float:
        own = (flow for flow in self.flows if flow.workload == workload and flow.latency <= edge)
        return sum(flow.requests(begin, end) for flow in own)


def _row(workload: str, label: str, value: str, count: float) -> outcome.Row:
    return outcome.Row({queries.ISTIO.workload: workload, label: value}, float(round(count)))
