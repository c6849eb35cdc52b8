"""Between which limits a share lies, at any time: a confidence sequence for counts, by a bet with a beta prior."""

import math
from dataclasses import dataclass

SURE = 0.99
"""How sure a bound is, over all looks together."""

PRECISION = 40
"""Halvings of the range in which a bound is looked for."""


@dataclass(frozen=True)
class Bounds:
    """A share that was measured and what it certainly lies between: 0 <= low <= share <= high <= 1."""

    low: float
    share: float
    high: float


def ln_beta(a: float, b: float) -> float:
    """The logarithm of the beta function."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def capital(requests: int, bad: int, share: float) -> float:
    """ln of a bet against a share (0 to 1, both excluded): ln B(x+1/2, n-x+1/2)/B(1/2, 1/2) - x·ln p - (n-x)·ln(1-p).

    The Jeffreys mixture of Robbins (1970); under the share itself it is a martingale that begins at 0.
    """
    good = requests - bad
    mixed = ln_beta(bad + 0.5, good + 0.5) - ln_beta(0.5, 0.5)
    return mixed - bad * math.log(share) - good * math.log1p(-share)


def of(requests: int, bad: int, sure: float = SURE) -> Bounds:
    """All shares against which a bet would not have won 1/(1 - sure)."""
    if requests == 0:
        return Bounds(0.0, 0.0, 1.0)
    limit, measured = -math.log(1 - sure), bad / requests
    low = 0.0 if bad == 0 else _edge(requests, bad, measured, 0.0, limit)
    high = 1.0 if bad == requests else _edge(requests, bad, measured, 1.0, limit)
    return Bounds(low, measured, high)


def _edge(requests: int, bad: int, inside: float, outside: float, limit: float) -> float:
    """Where the capital reaches the limit between a share that is inside and one that is not; the outer side of it."""
    mixed = ln_beta(bad + 0.5, requests - bad + 0.5) - ln_beta(0.5, 0.5) - limit
    for _ in range(PRECISION):
        middle = (inside + outside) / 2
        if mixed - bad * math.log(middle) - (requests - bad) * math.log1p(-middle) < 0:
            inside = middle
        else:
            outside = middle
    return outside
