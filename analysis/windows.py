"""From samples to windows: what each pod of both legs counted, scrape by scrape, in whole requests.

All pods are divided by one grid as wide as the scrape interval, anchored at the canary's first scrape, so that a
window ends when the canary has just been seen. A counter that fell was reset and counts what it reached since; a pod
that went away keeps what it had; a gap in scraping is one wide difference that falls into the window of its end.
"""

import math
import operator
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

    def scrapes(self, since: float, now: float) -> int:
        """How many windows are over whose scrape came after a moment."""
        return self.complete(now) - self.complete(since + MARGIN * self.width)


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


BEGINS = 2
"""Scrape intervals within which the second scrape of a pod is waited for."""


@dataclass(frozen=True)
class Legs:
    """The pods of both legs, and their scrape interval in seconds."""

    canary: tuple[pods.Pod, ...]
    stable: tuple[pods.Pod, ...]
    width: float

    @property
    def is_measured(self) -> bool:
        """Whether the interval was seen; before any pod was scraped twice it is assumed."""
        return any(pod.first < pod.last for pod in (*self.canary, *self.stable))

    def stable_begins(self, now: float) -> bool:
        """Whether every pod of stable was scraped just once, and its next scrape is still to be expected."""
        first = [pod.last for pod in self.stable if pod.first == pod.last]
        return bool(first) and len(first) == len(self.stable) and now - max(first) < BEGINS * self.width

    @property
    def newest(self) -> float | None:
        """The newest sample of the canary."""
        return max((pod.last for pod in self.canary), default=None)


def legs(matrix: samples.Matrix, frame: Frame) -> Legs:
    """Tell the legs apart."""
    canary, stable = (
        pods.of(series for series in matrix.series if frame.mesh.owns(workload, series.labels))
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
    place_of = {time: place for place, time in enumerate(pod.scrapes)}
    requests: list[list[float]] = []
    failures: list[list[float]] = []
    buckets: dict[float, list[list[float]]] = {edge: [] for edge in (*frame.edges, math.inf)}
    for series in pod.series:
        grown = _grown(series, place_of, births.at_zero(series, pod))
        if series.labels.get(samples.NAME) == frame.mesh.latency:
            buckets.get(float(series.labels[queries.EDGE]), []).append(grown)
            continue
        requests.append(grown)
        if samples.fails(series.labels, frame.mesh):
            failures.append(grown)
    if not all(buckets.values()):
        buckets[math.inf] = []  # a histogram without one of the edges tells nothing: not all of it is slow
    indices = [lines.index(time) for time in pod.scrapes]
    whole, bad, timed = (_by_window(indices, rows) for rows in (requests, failures, buckets[math.inf]))
    below = [_by_window(indices, buckets[edge]) for edge in frame.edges]
    for index in whole.keys() | timed.keys():
        observed = timed.get(index, 0)
        slow = tuple(max(0, observed - row.get(index, 0)) for row in below)
        yield index, Count(whole.get(index, 0), bad.get(index, 0), observed, slow)


def _grown(series: samples.Series, place_of: Mapping[float, int], from_zero: bool) -> list[float]:
    """By how much a counter grew until each scrape of its pod."""
    values = series.values
    grown = [values[0] if from_zero else 0.0, *map(operator.sub, values[1:], values)]
    if min(grown) < 0:
        grown = [value if change < 0 else change for change, value in zip(grown, values, strict=True)]
    if len(grown) == len(place_of):
        return grown
    row = [0.0] * len(place_of)
    for time, change in zip(series.times, grown, strict=True):
        row[place_of[time]] = change
    return row


def _by_window(indices: Sequence[int], rows: Sequence[Sequence[float]]) -> dict[int, int]:
    """Add up what grew within one window; in whole numbers, windows without any left out."""
    found: dict[int, int] = {}
    for index, *changes in zip(indices, *rows, strict=True):
        if total := round(sum(changes)):
            found[index] = found.get(index, 0) + total
    return found
