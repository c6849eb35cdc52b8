"""Made-up pods whose counters are scraped, and a function that answers range selectors about them."""

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from analysis import errors, outcome, queries, samples
from tests.analysis.traffic import START

SCRAPE = 15.0


def series(workload: str, pod: str, points: dict[float, float], **labels: str) -> samples.Series:
    """A counter of requests, its samples given as {second after START: value}."""
    known = {
        samples.NAME: queries.ISTIO.requests,
        queries.ISTIO.workload: workload,
        "pod": pod,
        "job": "pods",
        "instance": f"{pod}:15020",
        "request_protocol": "http",
        "response_code": "200",
        **labels,
    }
    times = tuple(START.timestamp() + second for second in points)
    return samples.Series(known, times, tuple(map(float, points.values())))


@dataclass(frozen=True)
class Pod:
    """A pod that serves so many requests a second from `born` on, of which a share fails and a share is slow."""

    workload: str
    name: str
    rate: Callable[[float], float]
    failing: Callable[[float], float] = lambda _: 0.001
    born: float = -3600.0
    dies: float = math.inf
    phase: float = 0.0
    scrape: float = SCRAPE
    slow: Callable[[float], float] | None = None
    """The share of requests above 500 ms; the others take 30 ms."""


def constant(value: float) -> Callable[[float], float]:
    """The same at all times."""
    return lambda _: value


@dataclass
class Cluster:
    """Pods, what Prometheus knows of them, and the queries that were asked."""

    pods: tuple[Pod, ...]
    seed: int = 1
    known_from: float = -900.0
    away: tuple[tuple[float, float], ...] = ()
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._series = [one for pod in self.pods for one in self._count(pod)]

    def _count(self, pod: Pod) -> list[samples.Series]:
        """Count second by second from when Prometheus knows it, and see it at each scrape."""
        dice = random.Random(f"{self.seed} {pod.name}")
        good = bad = slow = 0
        goods: dict[float, float] = {}
        bads: dict[float, float] = {}
        slows: dict[float, float] = {}
        for second in range(int(max(pod.born, self.known_from)), int(min(pod.dies, 3600))):
            requests = poisson(dice, pod.rate(second))
            failed = sum(dice.random() < pod.failing(second) for _ in range(requests))
            good, bad = good + requests - failed, bad + failed
            if pod.slow is not None:
                slow += sum(dice.random() < pod.slow(second) for _ in range(requests))
            if (second + 1 - pod.phase) % pod.scrape == 0:
                at = float(second + 1)
                goods[at] = good
                if bad:
                    bads[at] = bad
                slows[at] = slow
        total = {at: count + bads.get(at, 0) for at, count in goods.items()}
        found = [
            series(pod.workload, pod.name, points, response_code=code)
            for code, points in (("200", {at: count for at, count in goods.items() if count}), ("503", bads))
            if points
        ]
        if pod.slow is None or not any(total.values()):
            return found
        fast = {at: total[at] - slows[at] for at in total}
        edges = {"25": dict.fromkeys(total, 0.0), "100": fast, "250": fast, "500": fast, "1000": total, "+Inf": total}
        for edge, points in edges.items():
            found.append(series(pod.workload, pod.name, points, le=edge, **{samples.NAME: queries.ISTIO.latency}))
        return found

    def read(self, promql: str, when: datetime) -> samples.Answer:
        """Answer a query of `queries.samples` or `queries.shared_edges`."""
        self.asked.append(promql)
        now = when.timestamp()
        if any(begin <= now - START.timestamp() < end for begin, end in self.away):
            return outcome.Broken(errors.Fault.UNREACHABLE, "Prometheus is away")
        wanted = [one for one in self._series if one.labels[queries.ISTIO.workload] in promql]
        if promql.endswith("[1s:1s]"):
            edges = [one for one in wanted if queries.EDGE in one.labels and one.times[0] <= now]
            return samples.Matrix(tuple(edges))
        found = re.search(r"\[(\d+)ms\]$", promql)
        assert found, promql
        begin = now - int(found[1]) / 1000
        cut = [between(one, begin, now) for one in wanted if queries.EDGE not in one.labels or "__name__" in promql]
        return samples.Matrix(tuple(one for one in cut if one is not None))


def between(one: samples.Series, begin: float, end: float) -> samples.Series | None:
    """The samples after `begin` up to `end`."""
    pairs = [(time, value) for time, value in zip(one.times, one.values, strict=True) if begin < time <= end]
    if not pairs:
        return None
    times, values = zip(*pairs, strict=True)
    return samples.Series(one.labels, times, values)


def poisson(dice: random.Random, mean: float) -> int:
    """A number of independent events of which `mean` are expected: by their gaps, or, where they are many, nearly."""
    if mean > 60:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    count, left = 0, mean
    while (left := left - dice.expovariate(1.0)) > 0:
        count += 1
    return count
