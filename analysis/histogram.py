"""A quantile of a cumulative histogram, as far as its edges tell: the two edges between which it certainly lies."""

import contextlib
import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from analysis import mesh, outcome


@dataclass(frozen=True)
class Quantile:
    """A value within (low, high] in the edges' unit; high may be infinite. estimate: interpolated linearly, finite."""

    low: float
    high: float
    estimate: float


def buckets(rows: Iterable[outcome.Row], unit: mesh.Unit = mesh.Unit.MILLISECONDS) -> dict[float, float]:
    """Read {upper edge in ms: count} from one histogram's rows, whose edges are in `unit`.

    Edges spelt in several ways are one; what is no edge is left out.
    """
    found: dict[float, float] = {}
    for row in rows:
        with contextlib.suppress(KeyError, ValueError):
            edge = unit.milliseconds(float(row.labels[mesh.EDGE]))
            found[edge] = found.get(edge, 0.0) + row.value
    return found


def quantile(buckets: Mapping[float, float], share: Decimal) -> Quantile | None:
    """Find the quantile `share` (0 to 1) of buckets {upper edge: observations at or below it}.

    None where nothing was observed, a count is not finite, or no edge is infinite (then the total is unknown).
    """
    edges = sorted(buckets)
    if not edges or edges[-1] != math.inf or not all(math.isfinite(count) for count in buckets.values()):
        return None
    # Series of one histogram may be born at different scrapes; a cumulative count never falls from edge to edge.
    counts = list(itertools.accumulate((buckets[edge] for edge in edges), max))
    if counts[-1] <= 0:
        return None
    rank = Fraction(share) * Fraction(counts[-1])
    place = next(index for index, count in enumerate(counts) if count > 0 and count >= rank)
    below, low = (counts[place - 1], edges[place - 1]) if place else (0.0, 0.0)
    high = edges[place]
    return Quantile(low, high, _interpolate(low, high, float(rank - Fraction(below)) / (counts[place] - below)))


def _interpolate(low: float, high: float, part: float) -> float:
    return low if math.isinf(high) else low + (high - low) * part
