"""A ledger as text that a Release can keep, so that a look need not read a long release from its beginning."""

import json
from typing import Any

from analysis.bets import Bets
from analysis.charges import Failing, Slow
from analysis.dispersion import Dispersion
from analysis.ledger import Ledger, Sums
from analysis.windows import Count, Grid

VERSION = 2
"""Of the form and of the mathematics; a checkpoint of another one is not continued."""


def dump(ledger: Ledger, limits: str) -> str:
    """Write a ledger as JSON, about a kilobyte; numbers keep every digit. limits: by which its bets were made."""
    failing = ledger.failing
    return json.dumps(
        {
            "version": VERSION,
            "began": ledger.began,
            "limits": limits,
            "grid": [ledger.grid.anchor, ledger.grid.width],
            "edges": ledger.edges,
            "since": ledger.since,
            "last": ledger.last,
            "stay": _sums(ledger.stay),
            "release": _sums(ledger.release),
            "failing": [_bets(failing.relative), _bets(failing.absolute), _bets(failing.floor), _bets(failing.gross)],
            "falls": _falls(failing.falls),
            "slow": [[_bets(slow.relative), _bets(slow.absolute), _falls(slow.falls)] for slow in ledger.slow],
        },
        separators=(",", ":"),
    )


def load(text: str, began: float, limits: str) -> Ledger | None:
    """Read what `dump` wrote; None where it is of another release, of other limits or version, or damaged."""
    try:
        raw = json.loads(text)
        if (raw["version"], raw["began"], raw["limits"]) != (VERSION, began, limits):
            return None
        return _ledger(raw)
    except (ValueError, TypeError, KeyError, IndexError):
        return None


def _ledger(raw: dict[str, Any]) -> Ledger:
    relative, absolute, floor, gross = (_read_bets(one) for one in raw["failing"])
    return Ledger(
        began=float(raw["began"]),
        grid=Grid(*raw["grid"]),
        edges=tuple(raw["edges"]),
        since=float(raw["since"]),
        stay=_read_sums(raw["stay"]),
        release=_read_sums(raw["release"]),
        slow=tuple(Slow(_read_bets(one), _read_bets(other), Dispersion(*falls)) for one, other, falls in raw["slow"]),
        failing=Failing(relative, absolute, floor, gross, Dispersion(*raw["falls"])),
        last=None if raw["last"] is None else int(raw["last"]),
    )


def _bets(bets: Bets) -> list[Any]:
    return [bets.waiting, list(bets.stakes)]


def _read_bets(raw: list[Any]) -> Bets:
    waiting, stakes = raw
    return Bets(tuple(stakes), waiting)


def _falls(falls: Dispersion) -> list[float]:
    return [falls.scrapes, falls.n, falls.nn, falls.z, falls.zz, falls.zn]


def _sums(sums: Sums) -> list[Any]:
    return [sums.canary, sums.cold, sums.stable]


def _read_sums(raw: list[Any]) -> Sums:
    canary, cold, stable = (Count(requests, failures, timed, tuple(slow)) for requests, failures, timed, slow in raw)
    return Sums(canary, cold, stable)
