"""What a canary is accused of, failing and being slow: for each all bets against it, and what a window does to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from analysis import bounds, factors
from analysis.bets import Bets
from analysis.dispersion import Dispersion
from analysis.windows import Window

BUSY = 500.0
"""Requests a second of both legs from which differences too small to matter become certain."""

TOLERANCE = 1.25
"""How many times stable's share of bad requests is no difference to such a service; elsewhere 1."""

ALONE = 20
"""Where the canary has more than so many times stable's requests, stable is no control any more."""

HISTORY_SURE = 0.999
HISTORY_SLACK = 1.5
"""At 100 % the canary is compared with this many times what stable's own share certainly was at most."""

FORGIVEN = 0.03
"""The share of failures that pods may have while they are cold, or twice the limit if that is more."""

FLOOR = 0.1
"""The part of the limit below which a canary is not blamed, however much better stable is."""

USUAL_LIMIT = 0.01
"""The limit for failures from which FLOOR is taken, and what stable suffers is told, where the plan has none."""


@dataclass(frozen=True)
class Limits:
    """Tolerated shares of bad requests, 0 to 1, both excluded; None: not asked for.

    certain: the place of the lowest edge that is not below the latency's limit; None where there is none.
    possible: the place of the highest edge that is not above it.
    """

    failing: float | None
    slow: float | None = None
    certain: int | None = None
    possible: int | None = None

    @property
    def forgiven(self) -> float:
        limit = self.failing or 0.0
        return min(max(FORGIVEN, 2 * limit), (1 + limit) / 2)

    @property
    def floor(self) -> float:
        return FLOOR * (self.failing or USUAL_LIMIT)


@dataclass(frozen=True)
class Known:
    """What stable counted before a window, and how long a window is in seconds."""

    requests: int
    bad: int
    width: float


@dataclass(frozen=True)
class Failing:
    """Bets on failed requests. falls: how stable's fall on its pods.

    relative: on warm pods beside stable. gross: the same, after what cold pods showed against a limit that forgives
    much; it pays where a canary is bad from its first request on, and is lost where it was good while it was cold.
    """

    relative: Bets = field(default_factory=Bets)
    absolute: Bets = field(default_factory=Bets)
    floor: Bets = field(default_factory=Bets)
    gross: Bets = field(default_factory=Bets)
    falls: Dispersion = field(default_factory=Dispersion)

    def after(self, window: Window, limits: Limits, known: Known) -> "Failing":
        """The bets after a window of the release."""
        canary, cold, stable = (
            [(requests, failures) for requests, failures, _, _ in leg]
            for leg in (window.canary, window.cold, window.stable)
        )
        falls, phi = self.falls.after(stable), self.falls.phi
        if not canary and not cold:
            return Failing(self.relative, self.absolute, self.floor, self.gross, falls)
        beside = tempered(compared(canary, stable, known), phi)
        forgiven = factors.gross(cold, limits.forgiven) if cold else 0.0
        gross = self.gross.after([forgiven + log for log in beside] if cold else beside)
        floor = self.floor.after(tempered(factors.absolute((*canary, *cold), limits.floor), phi))
        if not canary:
            return Failing(self.relative, self.absolute, floor, gross, falls)
        absolute = self.absolute
        if limits.failing is not None:
            absolute = absolute.after(tempered(factors.absolute(canary, limits.failing), phi))
        return Failing(self.relative.after(beside), absolute, floor, gross, falls)

    def before(self, window: Window) -> "Failing":
        """The same bets after a window in which the release had not begun."""
        stable = tuple((count.requests, count.failures) for count in window.stable)
        return Failing(self.relative, self.absolute, self.floor, self.gross, self.falls.after(stable))


@dataclass(frozen=True)
class Slow:
    """Bets on requests above one edge of the latency histogram."""

    relative: Bets = field(default_factory=Bets)
    absolute: Bets = field(default_factory=Bets)
    falls: Dispersion = field(default_factory=Dispersion)

    def after(self, window: Window, place: int, limits: Limits, known: Known) -> "Slow":
        """The bets after a window of the release; place: of the edge."""
        canary, stable = (_above(leg, place) for leg in (window.canary, window.stable))
        falls, phi = self.falls.after(stable), self.falls.phi
        if not canary:
            return Slow(self.relative, self.absolute, falls)
        absolute = self.absolute
        if limits.slow is not None and place == limits.certain:
            absolute = absolute.after(tempered(factors.absolute(canary, limits.slow), phi))
        return Slow(self.relative.after(tempered(compared(canary, stable, known), phi)), absolute, falls)

    def before(self, window: Window, place: int) -> "Slow":
        """The same bets after a window in which the release had not begun."""
        return Slow(self.relative, self.absolute, self.falls.after(_above(window.stable, place)))


def _above(leg: Sequence[tuple[int, int, int, tuple[int, ...]]], place: int) -> tuple[tuple[int, int], ...]:
    return tuple((timed, slow[place]) for _, _, timed, slow in leg)


def compared(canary: factors.Leg, stable: factors.Leg, known: Known) -> tuple[float, ...]:
    """The canary against stable at the same time, or, where stable has next to no traffic, against its own past."""
    own, other = factors.total(canary)[0], factors.total(stable)[0]
    if not is_alone(own, other):
        return factors.relative(canary, stable, TOLERANCE if own + other >= BUSY * known.width else 1.0)
    if known.requests == 0:
        return (0.0,) * len(factors.TIMES)
    return factors.historic(canary, history(known.requests, known.bad))


def is_alone(canary: int, stable: int) -> bool:
    """Whether stable has too few requests beside the canary's to be a control."""
    return stable * ALONE < canary


@lru_cache(maxsize=256)
def history(requests: int, bad: int) -> float:
    """The share of bad requests that a canary without control may have: more than stable certainly ever had."""
    return min(0.5, HISTORY_SLACK * bounds.of(requests, bad, HISTORY_SURE).high)


def tempered(logs: Sequence[float], phi: float) -> Sequence[float]:
    """Factors to the power of 1/phi."""
    return logs if phi == 1.0 else tuple(log / phi for log in logs)
