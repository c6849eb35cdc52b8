"""The evidence about one release so far: a value that takes windows in their order, and goes on from where it was.

It is folded from the first window on, or continued from a stored one with the identical result, because it holds all
that later windows need: what the bets are worth, how stable's counts fall, and the sums.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from analysis import bets, bounds, factors
from analysis.bets import Bets
from analysis.dispersion import Dispersion
from analysis.windows import Count, Grid, Window

BUSY = 500.0
"""Requests a second of both legs from which differences too small to matter become certain."""

TOLERANCE = 1.25
"""How many times stable's share of bad requests is no difference to such a service; elsewhere 1."""

ALONE = 20
"""Where the canary has more than so many times stable's requests, stable is no control any more."""

HISTORY_SURE = 0.999
HISTORY_SLACK = 1.5
"""At 100 % the canary is compared with this many times what stable's own share certainly was at most."""

FORGIVEN = 0.05
"""The share of failures that pods may have while they are cold, or twice the limit if that is more."""

FLOOR = 0.1
"""The part of the limit below which a canary is not blamed, however much better stable is."""

USUAL_LIMIT = 0.01
"""The limit for failures from which FLOOR is taken where the plan has none."""


@dataclass(frozen=True)
class Limits:
    """Tolerated shares of bad requests, 0 to 1, both excluded; None: not asked for.

    certain: the place of the lowest edge that is not below the latency's limit; None where there is none.
    """

    failing: float | None
    slow: float | None = None
    certain: int | None = None

    @property
    def forgiven(self) -> float:
        limit = self.failing or 0.0
        return min(max(FORGIVEN, 2 * limit), (1 + limit) / 2)

    @property
    def floor(self) -> float:
        return FLOOR * (self.failing or USUAL_LIMIT)


@dataclass(frozen=True)
class Stay:
    """What both legs counted since the present step began. since: Unix seconds."""

    since: float
    canary: Count = Count()
    stable: Count = Count()


@dataclass(frozen=True)
class Ledger:
    """began: Unix seconds. edges: of the latency histogram. last: the number of the last window that is in it.

    relative, absolute, floor, gross: bets on failures. slower: relative ones on slow requests, one for each edge.
    slow: the absolute one. failing_falls, slow_fall: how stable's fall. canary, stable: sums since the release began
    (stable's: also of what was read from before).
    """

    began: float
    grid: Grid
    edges: tuple[float, ...]
    stay: Stay
    last: int | None = None
    relative: Bets = Bets()
    absolute: Bets = Bets()
    floor: Bets = Bets()
    gross: Bets = Bets()
    slower: tuple[Bets, ...] = ()
    slow: Bets = Bets()
    failing_falls: Dispersion = Dispersion()
    slow_fall: tuple[Dispersion, ...] = ()
    canary: Count = Count()
    stable: Count = Count()
    uncontrolled: bool = field(default=False)
    """Whether stable was no control in the last window with requests."""


def opened(began: float, grid: Grid, edges: tuple[float, ...], since: float) -> Ledger:
    """The ledger of a release of which nothing is known."""
    empty = Count(slow=(0,) * len(edges))
    return Ledger(
        began,
        grid,
        edges,
        Stay(since, empty, empty),
        slower=(Bets(),) * len(edges),
        slow_fall=(Dispersion(),) * len(edges),
        canary=empty,
        stable=empty,
    )


def at_step(ledger: Ledger, since: float) -> Ledger:
    """The ledger at a step; its sums begin anew if it is another one."""
    if ledger.stay.since == since:
        return ledger
    empty = Count(slow=(0,) * len(ledger.edges))
    return replace(ledger, stay=Stay(since, empty, empty))


def after(ledger: Ledger, window: Window, limits: Limits) -> Ledger:
    """The ledger with one more window; one that it has already changes nothing."""
    if ledger.last is not None and window.index <= ledger.last:
        return ledger
    if window.end > ledger.began:
        ledger = _stayed(_timed(_failed(ledger, window, limits), window, limits), window)
    return replace(
        ledger,
        last=window.index,
        failing_falls=ledger.failing_falls.after(_failing(window.stable)),
        slow_fall=tuple(fall.after(_slow(window.stable, place)) for place, fall in enumerate(ledger.slow_fall)),
        stable=_plus(ledger.stable, window.stable),
    )


def _failed(ledger: Ledger, window: Window, limits: Limits) -> Ledger:
    canary, cold, stable = _failing(window.canary), _failing(window.cold), _failing(window.stable)
    gross = ledger.gross.after(factors.gross(canary, cold, limits.forgiven)) if canary or cold else ledger.gross
    if not canary:
        return replace(ledger, gross=gross)
    tempered = _by(ledger.failing_falls.phi)
    compared = _compared(canary, stable, ledger.stable.requests, ledger.stable.failures, ledger.grid.width)
    absolute = ledger.absolute
    if limits.failing is not None:
        absolute = absolute.after(tempered(factors.absolute(canary, limits.failing)))
    return replace(
        ledger,
        gross=gross,
        relative=ledger.relative.after(tempered(compared)),
        absolute=absolute,
        floor=ledger.floor.after(tempered(factors.absolute(canary, limits.floor))),
        uncontrolled=_is_alone(canary, stable),
    )


def _timed(ledger: Ledger, window: Window, limits: Limits) -> Ledger:
    if not window.canary or limits.slow is None:
        return ledger
    slower, slow = [], ledger.slow
    for place, (before, fall) in enumerate(zip(ledger.slower, ledger.slow_fall, strict=True)):
        tempered = _by(fall.phi)
        canary, stable = _slow(window.canary, place), _slow(window.stable, place)
        known = ledger.stable
        compared = _compared(canary, stable, known.timed, known.slow[place], ledger.grid.width)
        slower.append(before.after(tempered(compared)))
        if place == limits.certain:
            slow = slow.after(tempered(factors.absolute(canary, limits.slow)))
    return replace(ledger, slower=tuple(slower), slow=slow)


def _stayed(ledger: Ledger, window: Window) -> Ledger:
    own = (*window.canary, *window.cold)
    stay = ledger.stay
    if window.end > stay.since:
        stay = replace(stay, canary=_plus(stay.canary, own), stable=_plus(stay.stable, window.stable))
    return replace(ledger, stay=stay, canary=_plus(ledger.canary, own))


def _compared(canary: factors.Leg, stable: factors.Leg, known: int, known_bad: int, width: float) -> tuple[float, ...]:
    """The canary against stable at the same time, or, where stable has next to no traffic, against its own past."""
    if not _is_alone(canary, stable):
        both = factors.total(canary)[0] + factors.total(stable)[0]
        return factors.relative(canary, stable, TOLERANCE if both >= BUSY * width else 1.0)
    if known == 0:
        return (0.0,) * len(factors.TIMES)
    return factors.historic(canary, history(known, known_bad))


def _is_alone(canary: factors.Leg, stable: factors.Leg) -> bool:
    return factors.total(stable)[0] * ALONE < factors.total(canary)[0]


@lru_cache(maxsize=256)
def history(requests: int, bad: int) -> float:
    """The share of bad requests that a canary without control may have: more than stable certainly ever had."""
    return min(0.5, HISTORY_SLACK * bounds.of(requests, bad, HISTORY_SURE).high)


def _by(phi: float) -> Callable[[Sequence[float]], tuple[float, ...]]:
    return lambda logs: tuple(log / phi for log in logs)


def _failing(counts: Sequence[Count]) -> tuple[tuple[int, int], ...]:
    return tuple((count.requests, count.failures) for count in counts)


def _slow(counts: Sequence[Count], place: int) -> tuple[tuple[int, int], ...]:
    return tuple((count.timed, count.slow[place]) for count in counts)


def _plus(sum_: Count, counts: Sequence[Count]) -> Count:
    if not counts:
        return sum_
    slow = [one.slow for one in (sum_, *counts)]
    return Count(
        sum_.requests + sum(count.requests for count in counts),
        sum_.failures + sum(count.failures for count in counts),
        sum_.timed + sum(count.timed for count in counts),
        tuple(map(sum, zip(*slow, strict=True))),
    )


REACHED = math.log(3)
"""ln of the capital at which a bet is taken seriously: the weight is held, and other bets are believed."""

FOUNDED = math.log(10)
"""ln of the capital that the bet against the floor must have for a comparison with stable to count."""

RELATIVE, GROSS, ABSOLUTE, SLOW = 0.6, 0.25, 0.1, 0.05
"""Parts of one capital in the bets that can convict: a mean of bets is a bet, so that alpha holds for all together."""


def evidence(ledger: Ledger, limits: Limits) -> float:
    """ln of the capital against the canary. Leaving a bet out only lowers it."""
    parts = [math.log(GROSS) + ledger.gross.log]
    if ledger.floor.log >= FOUNDED:
        parts.append(math.log(RELATIVE) + ledger.relative.log)
    free = ledger.stable.requests == 0
    if limits.failing is not None and (free or ledger.relative.log >= REACHED):
        parts.append(math.log(ABSOLUTE) + ledger.absolute.log)
    if limits.certain is not None and (free or ledger.slower[limits.certain].log >= REACHED):
        parts.append(math.log(SLOW) + ledger.slow.log)
    return bets.total(parts)


def suspicion(ledger: Ledger) -> float:
    """ln of the largest of the bets that can convict, on its own."""
    founded = ledger.relative.log if ledger.floor.log >= 0 else 0.0
    return max(founded, ledger.absolute.log, ledger.gross.log, ledger.slow.log)


def slower(ledger: Ledger) -> float:
    """ln of the capital against the canary being as quick as stable: the mean over all edges."""
    return bets.mean([bet.log for bet in ledger.slower]) if ledger.slower else 0.0
