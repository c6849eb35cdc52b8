"""A made-up service: Poisson traffic over pods that are scraped each at its own phase, and faults of every kind.

Times are seconds since the release's traffic began. Whoever judges it sees what Prometheus would have scraped, and
sets the canary's weight.
"""

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

SCRAPE = 15.0
LEAD = 600.0
"""Seconds of stable's past that were scraped."""

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


BASE = 0.001
BURST, BURST_SECONDS, QUIET = 0.3, 10.0, 0.00002


def constant(share: float, base: float = BASE) -> Scenario:
    return Scenario(f"{100 * share:g} %", lambda _, __: share, lambda _, __: base)


def _incident(time: float, _: int) -> float:
    return 0.05 if 90 <= time < 150 else BASE


HEALTHY = Scenario("healthy 0.1 %", lambda _, __: BASE, lambda _, __: BASE)
NEAR = Scenario("healthy 0.8 %", lambda _, __: 0.008, lambda _, __: 0.008)
SHARED = Scenario("shared incident 5 % x 60 s", _incident, _incident, (90, 150))
BURSTS = Scenario("bursts of pods", lambda _, __: QUIET, lambda _, __: QUIET, bursts=1 / 3000)
COLD = Scenario("cold start 5 % x 20 s", lambda t, _: 0.05 if t < 20 else BASE, lambda _, __: BASE, (20,))
SLOW_BURN = Scenario(
    "slow burn 0.1 to 5 % in 300 s",
    lambda t, _: BASE + 0.049 * min(1.0, t / 300),
    lambda _, __: BASE,
    tuple(range(5, 305, 5)),
)
LATE = Scenario("5 % from 100 s on", lambda t, _: 0.05 if t >= 100 else BASE, lambda _, __: BASE, (100,), onset=100)
ONE_POD = Scenario("one of three pods 20 %", lambda _, pod: 0.2 if pod == 0 else BASE, lambda _, __: BASE)


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
    """A pod and what was scraped of it: (time, good, bad), rising."""

    number: int
    canary: bool
    phase: float
    seen: list[tuple[float, int, int]] = field(default_factory=list)
    bursts: list[float] = field(default_factory=list)
    good: int = 0
    bad: int = 0
    at: float = 0.0


class World:
    """The service. weights: (since when, the canary's part), the last one holds on."""

    def __init__(self, scenario: Scenario, seed: int, rps: float = 50.0, stable: int = 6, canary: int = 3) -> None:
        self.scenario, self.rps = scenario, rps
        self.dice = random.Random(f"{scenario.name} {seed}")
        self.weights: list[tuple[float, float]] = [(-LEAD, 0.0)]
        self.stable = [self._pod(number, False, -LEAD) for number in range(stable)]
        self.canary = [self._pod(number, True, 0.0) for number in range(canary)]
        self.served = [0, 0]

    def _pod(self, number: int, canary: bool, at: float) -> Pod:
        pod = Pod(number, canary, self.dice.uniform(0, SCRAPE), at=at)
        time = at
        while self.scenario.bursts and (time := time + self.dice.expovariate(self.scenario.bursts)) < 1000:
            pod.bursts.append(time)
        return pod

    def shift(self, time: float, weight: float) -> None:
        """Move traffic."""
        self.weights.append((time, weight))

    def run(self, until: float) -> None:
        """Let traffic flow and scrapes happen."""
        for pod in (*self.stable, *self.canary):
            number = math.floor((pod.at - pod.phase) / SCRAPE) + 1
            while (scrape := pod.phase + number * SCRAPE) <= until:
                self._serve(pod, scrape)
                if pod.good or pod.bad:
                    pod.seen.append((scrape, pod.good, pod.bad))
                number += 1

    def _serve(self, pod: Pod, until: float) -> None:
        share_of = self.scenario.own if pod.canary else self.scenario.other
        pods = len(self.canary if pod.canary else self.stable)
        for begin, end, weight in self._parts(pod, until):
            part = weight if pod.canary else 1 - weight
            requests = self.rps * part / pods * (end - begin)
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

    def stop(self, time: float) -> None:
        """Take all traffic from the canary, and count what it served until then."""
        self.shift(time, 0.0)
        for pod in self.canary:
            if pod.at < time:
                self._serve(pod, time)
