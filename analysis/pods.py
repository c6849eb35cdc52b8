"""The pods behind a matrix of series: each once, with its scrapes, its counters, and which of them began at zero."""

import itertools
import statistics
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis import samples

STALE = 2.5
"""Scrape intervals after which what was not seen again is gone."""

INTERVALS = (1, 2, 3, 5, 6, 10, 12, 15, 20, 30, 45, 60, 90, 120, 180, 300)
"""Scrape intervals that people choose, in seconds. A measured one is taken for the nearest, so that it stays the same
from look to look."""

USUAL = 15.0
"""The scrape interval in seconds that is assumed before two scrapes were seen."""


@dataclass(frozen=True)
class Pod:
    """One pod's series by one scrape job. scrapes: all times at which it was seen, rising."""

    name: str
    series: tuple[samples.Series, ...]
    scrapes: tuple[float, ...]

    @property
    def first(self) -> float:
        return self.scrapes[0]

    @property
    def last(self) -> float:
        return self.scrapes[-1]


def of(found: Iterable[samples.Series]) -> tuple[Pod, ...]:
    """Group series by pod; of several scrape jobs that see the same pod one is taken, always the same."""
    jobs: dict[str, dict[tuple[str, ...], list[samples.Series]]] = {}
    for series in found:
        jobs.setdefault(series.pod, {}).setdefault(series.target, []).append(series)
    return tuple(_chosen(name, targets) for name, targets in sorted(jobs.items()))


def _chosen(name: str, targets: dict[tuple[str, ...], list[samples.Series]]) -> Pod:
    """The first by name of the jobs that saw the pod for about as long as the one that saw it longest."""
    pods = [Pod(name, tuple(series), _scrapes(series)) for _, series in sorted(targets.items())]
    longest = max(pod.last - pod.first for pod in pods)
    return next(pod for pod in pods if 2 * (pod.last - pod.first) >= longest)


def _scrapes(found: Sequence[samples.Series]) -> tuple[float, ...]:
    """Most often one series was seen at all of them, which is quicker to know."""
    longest = max(found, key=lambda series: len(series.times)).times
    others = [series.times for series in found if series.times != longest]
    return tuple(sorted({*longest, *itertools.chain.from_iterable(others)})) if others else longest


def interval(legs: Iterable[Sequence[Pod]]) -> float:
    """The scrape interval in seconds, of the leg that is scraped more seldom."""
    found = [median for leg in legs if (median := _gap(leg)) is not None]
    if not found:
        return USUAL
    measured = max(found)
    return float(min(INTERVALS, key=lambda usual: max(usual / measured, measured / usual)))


def _gap(leg: Sequence[Pod]) -> float | None:
    gaps = [later - earlier for pod in leg for earlier, later in itertools.pairwise(pod.scrapes)]
    return statistics.median(gaps) if gaps else None


@dataclass(frozen=True)
class Births:
    """When a series that appears had counted nothing before.

    earliest: the first sample of any pod. fresh_until: up to when a pod of the leg may be the first that is ever seen.
    """

    width: float
    earliest: float
    fresh_until: float

    def began(self, pod: Pod) -> bool:
        """Whether the pod is younger than the samples: had it been there, it would have been seen.

        Where nothing at all was seen before, Prometheus may be what is new, and an old pod's count is no increase.
        """
        return pod.first > self.earliest + STALE * self.width or pod.first <= self.fresh_until

    def at_zero(self, series: samples.Series, pod: Pod) -> bool:
        """Whether the first sample counts from zero: the pod is young, or was just scraped without this series."""
        first = series.times[0]
        place = bisect_left(pod.scrapes, first)
        seen_before = place > 0 and pod.scrapes[place - 1] >= first - STALE * self.width
        return seen_before or (place == 0 and self.began(pod))
