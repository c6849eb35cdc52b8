"""From samples to windows: what each pod of both legs counted, scrape by scrape, in whole requests.

All pods are divided by one grid as wide as the scrape interval, anchored at the canary's first scrape, so that a
window ends when the canary has just been seen. A counter that fell was reset and counts what it reached since; a pod
that went away keeps what it had; a gap in scraping is one wide difference that falls into the window of its end.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analysis import pods, queries, samples

MARGIN = 0.1
"""Part of a window that its end lies behind the canary's scrape: for jitter, and for the samples to arrive."""


class Count(NamedTuple):
    """What one pod counted in one window.

    timed: requests in its latency histogram. slow: those above each of the asked edges, in the edges' order.
    """

    requests: int = 0
    failures: int = 0
    timed: int = 0
    slow: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """One scrape interval: the counts of each pod that counted. end: Unix seconds. cold: canary pods that warm up."""

    index: int
    end: float
    canary: tuple[Count, ...] = ()
    cold: tuple[Count, ...] = ()
    stable: tuple[Count, ...] = ()


@dataclass(frozen=True)
class Grid:
    """Windows number k end at anchor + k × width (seconds)."""

    anchor: float
    width: float

    def index(self, time: float) -> int:
        """The window into which a moment falls; its end belongs to it."""
        return math.ceil((time - self.anchor) / self.width)

    def end(self, index: int) -> float:
        return self.anchor + index * self.width

    def complete(self, now: float) -> int:
        """The last window that is over."""
        return math.floor((now - self.anchor) / self.width)


@dataclass(frozen=True)
class Frame:
    """What windows are cut from.

    began: Unix seconds at which the release's traffic began. warm_until: when its first pods are warm; pods that come
    later warm up as long. edges: of the latency histogram, rising, in its own unit.
    """

    mesh: queries.Mesh
    canary: str
    stable: str
    began: float
    warm_until: float
    edges: tuple[float, ...] = ()


@dataclass(frozen=True)
class Legs:
    """The pods of both legs, and their scrape interval in seconds."""

    canary: tuple[pods.Pod, ...]
    stable: tuple[pods.Pod, ...]
    width: float

    @property
    def newest(self) -> float | None:
        """The newest sample of the canary."""
        return max((pod.last for pod in self.canary), default=None)


def legs(matrix: samples.Matrix, frame: Frame) -> Legs:
    """Tell the legs apart."""
    label = frame.mesh.workload
    canary, stable = (
        pods.of(series for series in matrix.series if series.labels.get(label) == workload)
        for workload in (frame.canary, frame.stable)
    )
    return Legs(canary, stable, pods.interval((canary, stable)))


def grid(found: Legs, began: float) -> Grid | None:
    """The grid of a release; None before the canary was scraped with traffic."""
    first = min((time for pod in found.canary for time in pod.scrapes if time > began), default=None)
    return None if first is None else Grid(first + MARGIN * found.width, found.width)


def divide(found: Legs, frame: Frame, lines: Grid, now: float) -> tuple[Window, ...]:
    """All windows that are over and in which anything was counted, in order."""
    everything = (*found.canary, *found.stable)
    earliest = min((pod.first for pod in everything), default=now)
    births = pods.Births(lines.width, earliest, -math.inf)
    own = pods.Births(lines.width, earliest, frame.began + 3 * lines.width)
    last = lines.complete(now)
    canary: dict[int, list[Count]] = {}
    cold: dict[int, list[Count]] = {}
    stable: dict[int, list[Count]] = {}
    for pod in found.canary:
        warm = _warm_at(pod, frame, lines)
        for index, count in _counts(pod, frame, lines, own):
            leg = cold if lines.end(index) - lines.width / 2 < warm else canary
            leg.setdefault(index, []).append(count)
    for pod in found.stable:
        for index, count in _counts(pod, frame, lines, births):
            stable.setdefault(index, []).append(count)
    indices = sorted(index for index in canary.keys() | cold.keys() | stable.keys() if index <= last)
    return tuple(
        Window(index, lines.end(index), *(tuple(leg.get(index, ())) for leg in (canary, cold, stable)))
        for index in indices
    )


def _warm_at(pod: pods.Pod, frame: Frame, lines: Grid) -> float:
    """When a canary pod is warm; those of later steps begin cold, too."""
    if pod.first <= frame.began + pods.STALE * lines.width:
        return frame.warm_until
    return max(frame.warm_until, pod.first - lines.width + frame.warm_until - frame.began)


def _counts(pod: pods.Pod, frame: Frame, lines: Grid, births: pods.Births) -> Iterable[tuple[int, Count]]:
    """What a pod counted in each window in which it counted anything."""
    index_of = {time: lines.index(time) for time in pod.scrapes}
    requests: dict[int, int] = {}
    failures: dict[int, int] = {}
    buckets: dict[float, dict[int, int]] = {edge: {} for edge in (*frame.edges, math.inf)}
    for series in pod.series:
        zero = births.at_zero(series, pod)
        if series.labels.get(samples.NAME) == frame.mesh.latency:
            bucket = buckets.get(float(series.labels[queries.EDGE]))
            if bucket is not None:
                _add(series, index_of, zero, (bucket,))
        elif samples.fails(series.labels, frame.mesh):
            _add(series, index_of, zero, (requests, failures))
        else:
            _add(series, index_of, zero, (requests,))
    timed = buckets[math.inf]
    for index in requests.keys() | timed.keys():
        observed = timed.get(index, 0)
        slow = tuple(max(0, observed - buckets[edge].get(index, 0)) for edge in frame.edges)
        yield index, Count(requests.get(index, 0), failures.get(index, 0), observed, slow)


def _add(
    series: samples.Series, index_of: Mapping[float, int], from_zero: bool, sums: Sequence[dict[int, int]]
) -> None:
    """Add a counter's differences to the sums of their windows."""
    before = 0.0 if from_zero else series.values[0]
    for time, value in zip(series.times, series.values, strict=True):
        if value == before:
            continue
        grown = round(value - before if value > before else value)
        before = value
        if grown:
            index = index_of[time]
            for total in sums:
                total[index] = total.get(index, 0) + grown
