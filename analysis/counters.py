"""What Prometheus would compute of counters that are at hand: `rate`, a difference, and the share that succeeded."""

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from analysis import histogram, queries
from analysis.mesh import Unit

RATE_SECONDS = 60.0
"""The window of the queries that others judge by."""

NEAR = 1.1
"""Mean gaps between samples within which a window's border counts as reached (Prometheus, promql/functions.go)."""


@dataclass(frozen=True)
class Counter:
    """One counter's samples: Unix seconds, rising, and as many values; both may grow.

    edge: of a latency bucket, in its mesh's unit; None for a counter of requests. fails: whether it counts failures.
    """

    workload: str
    times: Sequence[float]
    values: Sequence[float]
    fails: bool = False
    edge: float | None = None


def rate(counter: Counter, now: float, window: float = RATE_SECONDS) -> float | None:
    """`rate(x[window])` a second, extrapolated as Prometheus does; None where fewer than two samples are inside."""
    begin, end = bisect_right(counter.times, now - window), bisect_right(counter.times, now)
    if end - begin < 2:
        return None
    times, values = counter.times[begin:end], counter.values[begin:end]
    grown = values[-1] - values[0]
    grown += sum(earlier for earlier, later in itertools.pairwise(values) if later < earlier)
    sampled = times[-1] - times[0]
    gap = sampled / (len(times) - 1)
    before, after = times[0] - (now - window), now - times[-1]
    before = before if before < NEAR * gap else gap / 2
    after = after if after < NEAR * gap else gap / 2
    if grown > 0 and values[0] >= 0:
        before = min(before, sampled * values[0] / grown)
    return grown * (sampled + before + after) / sampled / window


def difference(counter: Counter, now: float, window: float) -> float | None:
    """What `queries.difference` answers: from the last sample before the window to the last in it; None without one."""
    first, end = bisect_right(counter.times, now - window), bisect_right(counter.times, now)
    if end == first:
        return None
    value = counter.values[end - 1]
    known = first > 0 and counter.times[first - 1] > now - window - queries.BEFORE.total_seconds()
    grown = value - counter.values[first - 1] if known else value
    return grown if grown >= 0 else value


def success(found: Iterable[Counter], now: float) -> float | None:
    """Percent by `sum(rate(good[1m])) / sum(rate(all[1m]))`: None for an empty answer, NaN where nothing moved."""
    rates = [(counter.fails, rate(counter, now)) for counter in found if counter.edge is None]
    known = [(fails, value) for fails, value in rates if value is not None]
    good = [value for fails, value in known if not fails]
    if not good:
        return None
    total = sum(value for _, value in known)
    return 100 * sum(good) / total if total else math.nan


def quantile(found: Iterable[Counter], now: float, share: Decimal, unit: Unit = Unit.MILLISECONDS) -> float | None:
    """`histogram_quantile(share, sum by (le) (rate(bucket[1m])))` in ms; None where nothing was observed.

    unit: of the edges.
    """
    buckets: dict[float, float] = {}
    for counter in found:
        value = rate(counter, now) if counter.edge is not None else None
        if counter.edge is not None and value is not None:
            edge = unit.milliseconds(counter.edge)
            buckets[edge] = buckets.get(edge, 0.0) + value
    answer = histogram.quantile(buckets, share)
    return None if answer is None else answer.estimate


def reached(counter: Counter, time: float, began: float, gap: float) -> float:
    """How much it counted between two moments, spread evenly between scrapes; from zero if it came after `began`.

    gap: seconds before its first sample over which that one's value is spread.
    """
    return _at(counter, time, began, gap) - _at(counter, began, began, gap)


def _at(counter: Counter, time: float, began: float, gap: float) -> float:
    """What it had counted at a moment, resets added up."""
    total, previous = 0.0, 0.0
    last = max(counter.times[0] - gap, began) if counter.times[0] > began else counter.times[0]
    for moment, value in zip(counter.times, counter.values, strict=True):
        grown = value - previous if value >= previous else value
        if moment > time:
            part = max(0.0, time - last) / (moment - last)
            return total + grown * part
        total, previous, last = total + grown, value, moment
    return total
