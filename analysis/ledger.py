"""The evidence about one release so far: a value that takes windows in their order, and goes on from where it was.

It is folded from the first window on, or continued from a stored one with the identical result, because it holds all
that later windows need: what the bets are worth, how stable's counts fall, and the sums.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from analysis import bets
from analysis.charges import Failing, Known, Limits, Slow
from analysis.windows import Count, Grid, Window

CONVICTED = math.log(100)
"""ln of the capital at which the canary is bad: a good one gets there in at most 1 of 100 releases."""

REACHED = math.log(3)
"""ln of the capital at which a bet is taken seriously: the weight is held, and other bets are believed."""

FOUNDED = math.log(10)
"""ln of the capital that the bet against the floor must have for a comparison with stable to count."""

PARTS = {"relative": math.log(0.5), "gross": math.log(0.4), "absolute": math.log(0.07), "slow": math.log(0.03)}
"""ln of the parts of one capital in the bets that convict: their sum is 1, so that one alpha holds for all together."""


@dataclass(frozen=True)
class Sums:
    """What both legs counted; cold: canary pods while they warmed up, who are not in canary."""

    canary: Count
    cold: Count
    stable: Count

    @property
    def own(self) -> Count:
        """The canary's, warm or cold."""
        return plus(self.canary, (self.cold,))

    def plus(self, window: Window) -> "Sums":
        """With one more window."""
        return Sums(plus(self.canary, window.canary), plus(self.cold, window.cold), plus(self.stable, window.stable))


@dataclass(frozen=True)
class Ledger:
    """began: Unix seconds. edges: of the latency histogram, in its unit. last: the last window that is in it.

    slow: one for each edge. release: since it began, and of stable also what was read from before. since, stay: the
    beginning of the present step, and the sums of it.
    """

    began: float
    grid: Grid
    edges: tuple[float, ...]
    since: float
    stay: Sums
    release: Sums
    slow: tuple[Slow, ...]
    failing: Failing = field(default_factory=Failing)
    last: int | None = None


def opened(began: float, grid: Grid, edges: tuple[float, ...], since: float) -> Ledger:
    """The ledger of a release of which nothing is known."""
    empty = nothing(edges)
    return Ledger(began, grid, edges, since, empty, empty, (Slow(),) * len(edges))


def at_step(ledger: Ledger, since: float) -> Ledger:
    """The ledger at a step; its sums begin anew if it is another one."""
    return ledger if ledger.since == since else replace(ledger, since=since, stay=nothing(ledger.edges))


def after(ledger: Ledger, window: Window, limits: Limits) -> Ledger:
    """The ledger with one more window; one that it has already changes nothing."""
    if ledger.last is not None and window.index <= ledger.last:
        return ledger
    if window.end <= ledger.began:
        return replace(
            ledger,
            last=window.index,
            failing=ledger.failing.before(window),
            slow=tuple(slow.before(window, place) for place, slow in enumerate(ledger.slow)),
            release=replace(ledger.release, stable=plus(ledger.release.stable, window.stable)),
        )
    known, width = ledger.release.stable, ledger.grid.width
    return Ledger(
        began=ledger.began,
        grid=ledger.grid,
        edges=ledger.edges,
        since=ledger.since,
        stay=ledger.stay.plus(window) if window.end > ledger.since else ledger.stay,
        release=ledger.release.plus(window),
        slow=tuple(
            slow.after(window, place, limits, Known(known.timed, known.slow[place], width))
            for place, slow in enumerate(ledger.slow)
        ),
        failing=ledger.failing.after(window, limits, Known(known.requests, known.failures, width)),
        last=window.index,
    )


def folded(ledger: Ledger, windows: Iterable[Window], limits: Limits) -> Ledger:
    """The ledger with all of these windows."""
    for window in windows:
        ledger = after(ledger, window, limits)
    return ledger


def evidence(ledger: Ledger, limits: Limits) -> float:
    """ln of the capital against the canary; CONVICTED is enough. Leaving a bet out only lowers it."""
    failing = ledger.failing
    parts = []
    if failing.floor.log >= FOUNDED:
        parts += [PARTS["relative"] + failing.relative.log, PARTS["gross"] + failing.gross.log]
    uncompared = ledger.release.stable.requests == 0
    if limits.failing is not None and (uncompared or failing.relative.log >= REACHED):
        parts.append(PARTS["absolute"] + failing.absolute.log)
    return bets.total((*parts, _slow_evidence(ledger, limits)))


def slow_evidence_leads(ledger: Ledger, limits: Limits) -> bool:
    """Whether slow requests are more than half of the evidence."""
    return _slow_evidence(ledger, limits) > evidence(ledger, limits) - math.log(2)


def _slow_evidence(ledger: Ledger, limits: Limits) -> float:
    """Slow requests convict only above the limit, and only where stable is quicker."""
    if limits.certain is None:
        return -math.inf
    slow = ledger.slow[limits.certain]
    uncompared = ledger.release.stable.timed == 0
    return PARTS["slow"] + slow.absolute.log if uncompared or slow.relative.log >= REACHED else -math.inf


def suspicion(ledger: Ledger) -> float:
    """ln of the largest capital of a bet that convicts, by itself."""
    failing = ledger.failing
    compared = min(max(failing.relative.log, failing.gross.log), max(0.0, failing.floor.log))
    return max(compared, failing.absolute.log, *(slow.absolute.log for slow in ledger.slow))


def slowness(ledger: Ledger) -> float:
    """ln of the capital against the canary being as quick as stable: the mean over all edges."""
    return bets.mean([slow.relative.log for slow in ledger.slow]) if ledger.slow else 0.0


def nothing(edges: Sequence[float]) -> Sums:
    """Sums before anything was counted."""
    empty = Count(slow=(0,) * len(edges))
    return Sums(empty, empty, empty)


def plus(sum_: Count, counts: Sequence[Count]) -> Count:
    """A sum and some more."""
    if not counts:
        return sum_
    requests, failures, timed, slow = sum_
    for more, failed, observed, above in counts:
        requests += more
        failures += failed
        timed += observed
        if slow:
            slow = tuple(map(int.__add__, slow, above))
    return Count(requests, failures, timed, slow)
