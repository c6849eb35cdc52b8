"""How much proof a step asks for before it lets a release go on: the more users the next one meets, the more."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

RUNGS = ((Decimal(5), 1.5), (Decimal(10), 5.0), (Decimal(25), 15.0))
"""Up to a weight in percent, the capital that a bet on the canary must have won; above the last one TOP."""

TOP = 100.0

STRIDE = 5
"""A next weight of more than so many times the present one asks for what a higher rung asks for."""

SCRAPES = 2
"""A stay is scraped at least so often: what goes wrong at a new weight must have been there to be seen."""


@dataclass(frozen=True)
class Stay:
    """One stay at a weight (percent) before the next one; next_weight: None before promotion.

    longest: after it a stay passes without proof, if nothing speaks against the canary.
    shortest: before it none passes. left: time until the whole release is as long as it must be.
    """

    weight: Decimal
    next_weight: Decimal | None
    longest: timedelta
    shortest: timedelta = timedelta(0)
    left: timedelta = timedelta(0)

    @property
    def needed(self) -> float:
        """The capital that proves enough."""
        weight = self.weight if self.next_weight is None else max(self.weight, self.next_weight / STRIDE)
        return next((capital for limit, capital in RUNGS if weight <= limit), TOP)

    def may_end(self, stayed: timedelta, scrapes: int) -> bool:
        """Whether a proof may end the stay already; scrapes: how often the canary was seen in it."""
        is_last = self.next_weight is None
        return scrapes >= SCRAPES and stayed >= self.shortest and not (is_last and self.left > timedelta(0))
