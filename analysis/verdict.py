"""What a judge says: a verdict, why, in one sentence, and the numbers behind it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from analysis import errors


class Verdict(StrEnum):
    """PASS: go on. FAIL: take it back. HOLD: not yet. NO_DATA: nothing can be said, which is nobody's fault."""

    PASS = "Pass"
    FAIL = "Fail"
    HOLD = "Hold"
    NO_DATA = "NoData"


class Reason(StrEnum):
    """Why; together with errors.Fault every reason of a judgement, usable as reasons of Kubernetes Events."""

    PASSED = "Passed"

    SUCCESS_RATE_LOW = "SuccessRateLow"
    LATENCY_HIGH = "LatencyHigh"
    NO_SUCCESS = "NoSuccess"
    WORSE_THAN_STABLE = "WorseThanStable"
    METRIC_OUT_OF_BOUNDS = "MetricOutOfBounds"

    BAD_LOOK = "BadLook"
    ENVIRONMENT_INCIDENT = "EnvironmentIncident"
    WARMING_UP = "WarmingUp"
    STILL_MEASURING = "StillMeasuring"
    SUSPECTED = "Suspected"
    SLOWER_THAN_STABLE = "SlowerThanStable"
    NOT_PROVEN = "NotProven"

    NO_REQUESTS = "NoRequests"
    TOO_FEW_REQUESTS = "TooFewRequests"
    NOT_SCRAPED = "NotScraped"
    NO_LATENCY = "NoLatency"
    UNSOUND_COUNTS = "UnsoundCounts"
    NO_METRIC = "NoMetric"
    METRIC_NOT_A_NUMBER = "MetricNotANumber"


ROUTINE = frozenset({Reason.WARMING_UP, Reason.STILL_MEASURING})
"""Reasons that carry no news: a step that is being measured as planned."""


@dataclass(frozen=True)
class Judgement:
    """One look's result.

    text: one sentence with metric, value, threshold, window and requests.
    bad_looks, last_bad: to be remembered and given to the next question of the same step.
    success: percent of the canary's requests; None without requests.
    latency_ms: the canary's quantile, interpolated; None if not asked or not known.
    requests: the canary's in the window; None without an answer.
    seen_share: the canary's share of both legs' requests, 0 to 1; None where that is not known.

    The evidence judge says more:
    evidence: against the canary; 100 convicts. proof: that it keeps its limits; the step asks for so much of it.
    failing_low, failing_high: percent; between which the canary's chance of a failure lies, 99 % sure at any time.
    checkpoint: to be remembered and given to the next question of the same release, or not.
    """

    verdict: Verdict
    reason: Reason | errors.Fault
    text: str
    bad_looks: int = 0
    last_bad: datetime | None = None
    success: float | None = None
    latency_ms: float | None = None
    requests: int | None = None
    seen_share: float | None = None
    evidence: float | None = None
    proof: float | None = None
    failing_low: float | None = None
    failing_high: float | None = None
    checkpoint: str | None = None
