"""A made-up service: Poisson traffic over pods that are scraped each at its own phase, and faults of every kind.

Times are seconds since the release's traffic began. Whoever judges it sees what Prometheus would have scraped, and
sets the canary's weight. Everything follows from a seed.
"""

import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from analysis.counters import Counter
from analysis.windows import Count, Grid, Window

SCRAPE = 15.0
LEAD = 600.0
"""Seconds of stable's past that were scraped."""

CANARY, STABLE = "canary", "stable"
"""How its workloads are called."""

BURST, BURST_SECONDS = 0.3, 10.0
"""The share of failures of a pod in a burst, and how long one is."""

Share = Callable[[float, int], float]
"""The share of requests that fail at a time in a canary pod of a number."""


@dataclass(frozen=True)
class Scenario:
    """own, other: shares of failures of the legs. breaks: when they change. bursts: chance a second and pod of one."""

    name: str
    own: Share
    other: Share
    breaks: tuple[float, ...] = ()
    bursts: float = 0.0
    onset: float = 0.0


@dataclass(frozen=True)
class Size:
    """How much traffic (requests a second, both legs), how many pods of each leg, seconds between scrapes."""

    rps: float = 50.0
    stable: int = 6
    canary: int = 3
    scrape: float = SCRAPE


def poisson(dice: random.Random, mean: float) -> int:
    """Exact for small means, by the normal distribution for large ones."""
    if mean > 40:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    count, left = 0, dice.random()
    chance = math.exp(-mean)
    while left > chance and count < 1000:
        left -= chance
        count += 1
        chance *= mean / count
    return count


@dataclass
class Pod:
    """A pod and what was scraped of it: (time, good, bad), rising; and as counters that appear when they count."""

    number: int
    canary: bool
    phase: float
    seen: list[tuple[float, int, int]] = field(default_factory=list)
    bursts: list[float] = field(default_factory=list)
    good: int = 0
    bad: int = 0
    at: float = 0.0

    def __post_init__(self) -> None:
        name = CANARY if self.canary else STABLE
        self._times: tuple[list[float], list[float]] = ([], [])
        self._values: tuple[list[float], list[float]] = ([], [])
        self.counters = tuple(
            Counter(name, times, values, fails)
            for times, values, fails in zip(self._times, self._values, (False, True), strict=True)
        )

    def scrape(self, time: float) -> None:
        """Let it be seen."""
        if self.good or self.bad:
            self.seen.append((time, self.good, self.bad))
        for times, values, value in zip(self._times, self._values, (self.good, self.bad), strict=True):
            if value:
                times.append(time)
                values.append(float(value))


class World:
    """The service. weights: (since when, the canary's part), the last one holds on."""

    def __init__(self, scenario: Scenario, seed: int, size: Size = Size()) -> None:
        self.scenario, self.size = scenario, size
        self.dice = random.Random(f"{scenario.name} {seed}")
        self.weights: list[tuple[float, float]] = [(-LEAD, 0.0)]
        self.stable = [self._pod(number, False, -LEAD) for number in range(size.stable)]
        self.canary = [self._pod(number, True, 0.0) for number in range(size.canary)]
        self.served = [0, 0]

    def _pod(self, number: int, canary: bool, at: float) -> Pod:
        pod = Pod(number, canary, self.dice.uniform(0, self.size.scrape), at=at)
        time = at
        while self.scenario.bursts and (time := time + self.dice.expovariate(self.scenario.bursts)) < 1000:
            pod.bursts.append(time)
        return pod

    @property
    def counters(self) -> tuple[Counter, ...]:
        """All counters of both legs; they grow as traffic flows."""
        return tuple(counter for pod in (*self.canary, *self.stable) for counter in pod.counters)

    def shift(self, time: float, weight: float) -> None:
        """Move traffic; weight: the canary's part, 0 to 1."""
        self.weights.append((time, weight))

    def run(self, until: float) -> None:
        """Let traffic flow and scrapes happen."""
        scrape = self.size.scrape
        for pod in (*self.stable, *self.canary):
            number = math.floor((pod.at - pod.phase) / scrape) + 1
            while (time := pod.phase + number * scrape) <= until:
                self._serve(pod, time)
                pod.scrape(time)
                number += 1

    def stop(self, time: float) -> None:
        """Take all traffic from the canary, and count what it served until then."""
        self.shift(time, 0.0)
        for pod in self.canary:
            if pod.at < time:
                self._serve(pod, time)

    def windows(self, grid: Grid, indices: Iterable[int], warm_up: float) -> list[Window]:
        """What each pod counted in these windows."""
        found = []
        for index in indices:
            begin, end = grid.end(index - 1), grid.end(index)
            canary, stable = (tuple(_counts(leg, begin, end)) for leg in (self.canary, self.stable))
            cold = end - grid.width / 2 < warm_up
            found.append(Window(index, end, () if cold else canary, canary if cold else (), stable))
        return found

    def _serve(self, pod: Pod, until: float) -> None:
        share_of = self.scenario.own if pod.canary else self.scenario.other
        pods = len(self.canary if pod.canary else self.stable)
        for begin, end, weight in self._parts(pod, until):
            part = weight if pod.canary else 1 - weight
            requests = self.size.rps * part / pods * (end - begin)
            if not requests:
                continue
            share = BURST if self._bursts(pod, begin) else share_of((begin + end) / 2, pod.number)
            bad, good = poisson(self.dice, requests * share), poisson(self.dice, requests * (1 - share))
            pod.bad += bad
            pod.good += good
            if pod.canary:
                self.served[0] += good + bad
                self.served[1] += bad
        pod.at = until

    def _parts(self, pod: Pod, until: float) -> Iterator[tuple[float, float, float]]:
        """The stretches of time in which nothing changes."""
        cuts = {time for time, _ in self.weights[1:] if pod.at < time < until}
        cuts.update(time for time in self.scenario.breaks if pod.at < time < until)
        for burst in pod.bursts:
            cuts.update(time for time in (burst, burst + BURST_SECONDS) if pod.at < time < until)
        edges = [pod.at, *sorted(cuts), until]
        for begin, end in itertools.pairwise(edges):
            yield begin, end, next(weight for time, weight in reversed(self.weights) if time <= begin)

    def _bursts(self, pod: Pod, time: float) -> bool:
        return any(burst <= time < burst + BURST_SECONDS for burst in pod.bursts)


def _counts(pods: Iterable[Pod], begin: float, end: float) -> Iterator[Count]:
    for pod in pods:
        for place in range(len(pod.seen) - 1, -1, -1):
            time, good, bad = pod.seen[place]
            if time <= begin:
                break
            if time <= end:
                _, was_good, was_bad = pod.seen[place - 1] if place else (0.0, 0, 0)
                if place or pod.canary:
                    yield Count(good + bad - was_good - was_bad, bad - was_bad)
                break
