"""How much more unevenly bad requests fall on stable's pods and scrapes than chance alone would have it.

Bursts make several bad requests of one cause look like as many witnesses. What evidence counts is therefore divided by
the dispersion of stable's own counts: an e-process to the power of 1/phi, phi >= 1 known before the window, is one.
"""

from collections.abc import Iterable
from typing import NamedTuple

CUT = 2
"""Bad requests of one pod in one scrape are counted up to this many, as the cap on evidence does."""

NOTED = 1.2
DOUBT = 2.0
"""Dispersion below NOTED, or within so many of its standard errors of 1, is chance."""

MOST = 3.0
"""Dispersion is not believed beyond this."""

LEAST_BAD = 4
"""Bad requests below which nothing is said about how they fall."""


class Dispersion(NamedTuple):
    """Sums over stable's pod-scrapes: how many, requests n, n², bad ones z (cut), z², z·n."""

    scrapes: int = 0
    n: float = 0
    nn: float = 0
    z: float = 0
    zz: float = 0
    zn: float = 0

    def after(self, stable: Iterable[tuple[int, int]]) -> "Dispersion":
        """With one more window's pods, (requests, bad ones) of each."""
        scrapes, n, nn, z, zz, zn = self
        for requests, bad in stable:
            scrapes += 1
            cut = min(bad, CUT)
            n += requests
            nn += requests * requests
            if cut:
                z += cut
                zz += cut * cut
                zn += cut * requests
        return Dispersion(scrapes, n, nn, z, zz, zn)

    @property
    def measured(self) -> float:
        """The sum of (z - n·p)² over that of its expectation n·p·(1-p), p = sum(z)/sum(n); about 1 by chance alone."""
        if self.z < LEAST_BAD or self.z >= self.n:
            return 1.0
        p = self.z / self.n
        return (self.zz - 2 * p * self.zn + p * p * self.nn) / (self.z * (1 - p))

    @property
    def phi(self) -> float:
        """By what the logarithm of evidence is divided: 1 to MOST."""
        found = self.measured
        if found < NOTED or (found - 1) ** 2 < DOUBT**2 * (2 / self.scrapes + 1 / self.z):
            return 1.0
        return min(found, MOST)
