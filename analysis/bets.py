"""A bet against a hypothesis: capital that is not expected to grow while the hypothesis is true (an e-process).

By Ville's inequality the capital ever reaches 1/alpha with a chance of at most alpha, however often one looks. The
capital is spread over several alternatives, because nobody knows how bad a bad version is, and over the moments at
which it may turn bad: most is placed at once, the rest little by little. What waits keeps its worth.

With v(t) placed in window t and factor f(t), M(t) = (M(t-1) + v(t)) · f(t) is the sum over all starts j <= t of
v(j) · f(j) · … · f(t), so that a mixture over starts needs one number for each alternative.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

FIRST = 0.9
"""The part of the capital that is placed in the first window."""

LATER = 1 / 60
"""The part of what waits that is placed in each later one."""

LEAST = -600.0
"""A logarithm below which a stake is as good as lost; keeps what is stored finite."""


class Bets(NamedTuple):
    """stakes: the natural logarithm of what each alternative's placed capital is worth; none before the first window.

    waiting: the part of the capital that is not placed yet.
    """

    stakes: tuple[float, ...] = ()
    waiting: float = 1.0

    def after(self, factors: Sequence[float]) -> "Bets":
        """The bets after a window; factors: the natural logarithm of each alternative's likelihood ratio."""
        placed = self.waiting * (LATER if self.stakes else FIRST)
        new = math.log(placed) if placed > 0 else LEAST  # after tens of thousands of windows nothing waits any more
        before = self.stakes or (LEAST,) * len(factors)
        worth = [add(stake, new) + factor for stake, factor in zip(before, factors, strict=True)]
        stakes = tuple([stake if stake > LEAST else LEAST for stake in worth])
        return Bets(stakes, self.waiting - placed)

    @property
    def log(self) -> float:
        """The natural logarithm of the capital; 0 at first."""
        if not self.stakes:
            return 0.0
        return add(mean(self.stakes), math.log(self.waiting)) if self.waiting > 0 else mean(self.stakes)


def add(one: float, other: float) -> float:
    """ln(e^one + e^other)."""
    if one > other:
        return one + math.log1p(math.exp(other - one))
    return other + math.log1p(math.exp(one - other))


def mean(logs: Sequence[float]) -> float:
    """The logarithm of the mean of what these are the logarithms of."""
    return total(logs) - math.log(len(logs))


def total(logs: Iterable[float]) -> float:
    """The logarithm of the sum of what these are the logarithms of; -inf of none."""
    known = [log for log in logs if log > -math.inf]
    if not known:
        return -math.inf
    high = max(known)
    return high + math.log(math.fsum(math.exp(log - high) for log in known))
