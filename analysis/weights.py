"""Which weights a canary had, as the traffic itself shows: the likeliest rise through the plan's steps, and fall."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from analysis.windows import Window

SLIP = 1e-4
"""The share of requests that may go to the wrong leg: a connection that is still open, a proxy that follows late."""

MOST = 30.0
"""What a window that no weight explains costs at most: the weight changed in it."""


@dataclass(frozen=True)
class Change:
    """From a moment (Unix seconds) on, a weight in percent."""

    at: float
    weight: Decimal


def seen(found: Sequence[Window], width: float, steps: Sequence[Decimal]) -> tuple[Change, ...]:
    """The weights of windows in their order: none before the first request, then rising steps, at last 0.

    width: of a window in seconds. steps: rising percents. The likeliest path (Viterbi, over a chain that never goes
    back); nothing where the canary had no request.
    """
    states = (Decimal(0), *steps, Decimal(0))
    splits = [_split(window) for window in found]
    path = _path(splits, [float(state) / 100 for state in states])
    changes, before = [], 0
    for window, split, now in zip(found, splits, path, strict=True):
        if now != before:
            part = _part(split, float(states[before]) / 100, float(states[now]) / 100) if before else 1.0
            changes.append(Change(window.end - part * width, states[now]))
        before = now
    return tuple(changes) if any(change.weight for change in changes) else ()


def _path(splits: Sequence[tuple[int, int]], shares: Sequence[float]) -> list[int]:
    """The place in `shares` of each split."""
    best = [0.0, *(-math.inf for _ in shares[1:])]
    back: list[list[int]] = []
    for split in splits:
        sources = [max(range(place + 1), key=lambda one: (best[one], one)) for place in range(len(shares))]
        back.append(sources)
        best = [best[source] - _cost(split, share) for source, share in zip(sources, shares, strict=True)]
    place = max(range(len(shares)), key=lambda one: (best[one], -one))
    path = []
    for sources in reversed(back):
        path.append(place)
        place = sources[place]
    return path[::-1]


def _split(window: Window) -> tuple[int, int]:
    """The requests of the canary and of stable."""
    own = sum(count.requests for leg in (window.canary, window.cold) for count in leg)
    return own, sum(count.requests for count in window.stable)


def _cost(split: tuple[int, int], share: float) -> float:
    """How much likelier the best share explains a split, in nats; at most MOST."""
    own, other = split
    return min(MOST, _likelihood(own, other, own / max(1, own + other)) - _likelihood(own, other, share))


def _likelihood(own: int, other: int, share: float) -> float:
    clipped = min(max(share, SLIP), 1 - SLIP)
    return own * math.log(clipped) + other * math.log1p(-clipped)


def _part(split: tuple[int, int], before: float, after: float) -> float:
    """The part of a window that lies after a change within it, by its mixture of both weights."""
    own, other = split
    found = (own / max(1, own + other) - before) / (after - before)
    return min(1.0, max(0.0, found))
