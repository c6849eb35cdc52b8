"""What the evidence judge sees at one look: the ledger as it stands, and what follows from it without a decision."""

import math
from dataclasses import dataclass
from datetime import timedelta

from analysis import bounds, charges, factors, histogram, ladder, ledger, pods, threshold
from analysis.charges import Limits
from analysis.ledger import Ledger, Sums
from analysis.mesh import Unit
from analysis.windows import Count

RECENT = 4
"""Windows in which both legs are compared for an incident that both suffer."""

ALIKE = 3
"""How many times stable's share of failures a canary may have in an incident that both suffer."""

NOTED = 2
"""Failures of stable that are more than an accident."""


@dataclass(frozen=True)
class Sight:
    """recent: the last RECENT windows. stayed: since the step began. scrapes: how often the canary was seen in it.
    unseen: since the canary's newest sample; None where there is none. warming: whether its first pods still warm up.
    unit: of the ledger's edges. stable_begins: stable was scraped once, lately, so that nothing is known of it yet.
    """

    thresholds: threshold.Thresholds
    limits: Limits
    ledger: Ledger
    recent: Sums
    stay: ladder.Stay
    stayed: timedelta
    scrapes: int
    unseen: timedelta | None
    warming: bool
    unit: Unit = Unit.MILLISECONDS
    stable_begins: bool = False

    @property
    def scrape(self) -> timedelta:
        return timedelta(seconds=self.ledger.grid.width)

    @property
    def shown(self) -> Count:
        """The canary's counts that are told: of the step, or, until it has some, of the release."""
        stay, release = self.ledger.stay, self.ledger.release
        return next((count for count in (stay.canary, stay.own) if count.requests), release.own)

    @property
    def beside(self) -> Count:
        """Stable's counts that are told."""
        stay = self.ledger.stay.stable
        return stay if stay.requests else self.ledger.release.stable

    @property
    def bounds(self) -> bounds.Bounds:
        return bounds.of(self.shown.requests, self.shown.failures)

    @property
    def evidence(self) -> float:
        """Capital against the canary, where CONVICTED is 100."""
        return math.exp(min(600.0, ledger.evidence(self.ledger, self.limits)))

    @property
    def proof(self) -> float | None:
        """Capital for the canary, of all asked limits the least; None where there is none to keep."""
        own, limits = self.ledger.release.own, self.limits
        found = [] if limits.failing is None else [factors.proof(own.requests, own.failures, limits.failing)]
        if limits.slow is not None:
            known = limits.possible is not None and own.timed
            slow = factors.proof(own.timed, own.slow[limits.possible or 0], limits.slow) if known else 0.0
            found.append(slow)
        return math.exp(min(600.0, min(found))) if found else None

    @property
    def is_dark(self) -> bool:
        """Whether no pod of the canary is seen any more."""
        return self.unseen is not None and self.unseen > pods.STALE * self.scrape

    @property
    def is_alone(self) -> bool:
        """Whether stable is no control any more."""
        return charges.is_alone(self.recent.own.requests, self.recent.stable.requests)

    @property
    def is_quiet(self) -> bool:
        """Whether the canary has less than one request a scrape; not known at once."""
        requests, width = self.ledger.stay.own.requests, self.ledger.grid.width
        return self.stayed >= 2 * self.scrape and requests * width < self.stayed.total_seconds()

    @property
    def suffers_alike(self) -> bool:
        """Whether stable breaks the limit (or the usual one) too, and the canary is not clearly worse."""
        own, stable = self.recent.own, self.recent.stable
        limit = self.limits.failing or charges.USUAL_LIMIT
        if stable.requests < self.thresholds.min_requests or stable.failures < NOTED:
            return False
        share = stable.failures / stable.requests
        return share >= limit and own.failures <= ALIKE * share * own.requests

    @property
    def fails_still(self) -> bool:
        """Whether the canary fails more than stable even now; what is over, most likely for both, only holds."""
        own, stable = self.recent.own, self.recent.stable
        return own.failures * max(stable.requests, 1) > stable.failures * own.requests

    @property
    def latency(self) -> histogram.Quantile | None:
        """The quantile that the plan limits, as far as the read edges tell."""
        limit, counted = self.thresholds.latency, self.shown
        if limit is None or not counted.timed:
            return None
        edges = map(self.unit.milliseconds, self.ledger.edges)
        below = {edge: float(counted.timed - slow) for edge, slow in zip(edges, counted.slow, strict=True)}
        return histogram.quantile({**below, math.inf: float(counted.timed)}, limit.quantile)
