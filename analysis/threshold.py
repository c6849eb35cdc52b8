"""The threshold judge: an ordered list of rules about one look at two legs; the first that speaks is right.

Success is judged before latency, because failing is fast. A bad look counts; `max_failures` of them in a row are a
failure. What cannot be known (no data, too few requests, a broken answer) moves nothing. A canary that suffers no
more than stable is not blamed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from analysis import errors, histogram, leg, outcome, sentences
from analysis.verdict import Judgement, Reason, Verdict

GATE = 20
"""Requests without one success that fail a release at once."""

CATASTROPHE = 50
"""Percent of success below which a look counts even while the canary warms up."""

WORSE = 2
"""How many times stable's share of failures, or its latency, a canary may show in an incident that both suffer."""


@dataclass(frozen=True)
class Latency:
    """A limit for a quantile (0 to 1, both excluded) of the canary's latency."""

    quantile: Decimal
    limit: timedelta

    def __post_init__(self) -> None:
        if not 0 < self.quantile < 1 or self.limit <= timedelta(0):
            raise ValueError(f"a latency has a quantile between 0 and 1 and a limit above 0, got {self}")

    @property
    def name(self) -> str:
        return sentences.quantile_name(self.quantile)

    @property
    def limit_ms(self) -> float:
        return self.limit / timedelta(milliseconds=1)


@dataclass(frozen=True)
class Thresholds:
    """What a canary must keep.

    success_rate: percent of requests that must succeed, more than 0, at most 100.
    max_failures: bad looks in a row that fail the release.
    min_requests: requests below which nothing is said about shares.
    interval: how long a step must be measured before it passes; 0: no longer than until min_requests have come.
    """

    interval: timedelta
    success_rate: Decimal | None = Decimal(99)
    latency: Latency | None = None
    max_failures: int = 3
    min_requests: int = 20

    def __post_init__(self) -> None:
        if self.success_rate is not None and not 0 < self.success_rate <= 100:
            raise ValueError(f"success_rate must be above 0 and at most 100 percent, got {self.success_rate}")
        if self.interval < timedelta(0) or self.max_failures < 1 or self.min_requests < 1:
            raise ValueError(f"max_failures and min_requests must be positive, interval not negative, got {self}")


@dataclass(frozen=True)
class Look:
    """All that the judge knows at one moment.

    window: the span that the legs' numbers are of.
    measured: how long the step has been measured without a bad look.
    """

    thresholds: Thresholds
    canary: leg.Leg
    stable: leg.Leg
    window: timedelta
    measured: timedelta
    warming: bool = False
    bad_looks: int = 0


@dataclass(frozen=True)
class Case:
    """A look whose counts are sound; stable is None where its counts are not known."""

    look: Look
    canary: leg.Tally
    stable: leg.Tally | None

    @property
    def limits(self) -> Thresholds:
        return self.look.thresholds

    @property
    def short(self) -> bool:
        """Whether there are too few requests to speak about shares of them."""
        return self.canary.requests < self.limits.min_requests

    @property
    def silent(self) -> bool:
        """Whether there is not one whole request."""
        return self.canary.requests < 1

    @property
    def compared(self) -> leg.Tally | None:
        """Stable, if it had enough requests to be compared with."""
        known = self.stable is not None and self.stable.requests >= self.limits.min_requests
        return self.stable if known else None

    @property
    def numbers(self) -> str:
        """What was measured."""
        if self.silent:
            return f"no requests in {sentences.span(self.look.window)}"
        rate = sentences.success(self.canary, self.limits.success_rate)
        return f"{rate} in {sentences.span(self.look.window)}"


def judge(look: Look) -> Judgement:
    """Judge one look. `last_bad` of the judgement is for the caller to set, who knows the time."""
    canary, stable = leg.tally(look.canary), leg.tally(look.stable)
    if isinstance(canary, outcome.Broken):
        return Judgement(Verdict.NO_DATA, canary.fault, canary.text, look.bad_looks)
    if isinstance(canary, leg.Unsound):
        return Judgement(Verdict.NO_DATA, Reason.UNSOUND_COUNTS, canary.text, look.bad_looks)
    case = Case(look, canary, stable if isinstance(stable, leg.Tally) else None)
    said = next((said for rule in RULES if (said := rule(case)) is not None), None)
    return _with_numbers(said or _passed(case), case)


def _no_success(case: Case) -> Judgement | None:
    if case.canary.requests < GATE or case.canary.success > 0:
        return None
    text = f"not one success in {sentences.requests(case.canary.requests)} in {sentences.span(case.look.window)}"
    if _fails_alike(case):
        return _incident(case, text)
    return Judgement(Verdict.FAIL, Reason.NO_SUCCESS, text, case.look.bad_looks + 1)


def _too_few(case: Case) -> Judgement | None:
    if not case.short:
        return None
    if case.look.warming:
        return _wait(case, Reason.WARMING_UP, f"warming up: {case.numbers}")
    if case.look.measured < case.limits.interval:
        return _wait(case, Reason.STILL_MEASURING, _measuring(case))
    if case.silent:
        return _say(case, Verdict.NO_DATA, Reason.NO_REQUESTS, f"{case.numbers}: nothing to judge by")
    return _say(case, Verdict.NO_DATA, Reason.TOO_FEW_REQUESTS, _wanting(case))


def _success_low(case: Case) -> Judgement | None:
    rate = case.limits.success_rate
    if rate is None or case.canary.success >= Fraction(rate):
        return None
    text = f"{case.numbers}, below {sentences.plain(rate)} %"
    if _fails_alike(case):
        return _incident(case, text)
    if case.look.warming and case.canary.success >= CATASTROPHE:
        return _wait(case, Reason.WARMING_UP, f"warming up: {text}")
    return _count(case, Reason.SUCCESS_RATE_LOW, text)


def _warming(case: Case) -> Judgement | None:
    if not case.look.warming:
        return None
    return _good(case, Verdict.HOLD, Reason.WARMING_UP, f"warming up: {case.numbers}")


def _latency(case: Case) -> Judgement | None:
    limit = case.limits.latency
    if limit is None:
        return None
    found = case.look.canary.latency
    if isinstance(found, outcome.Broken):
        return _say(case, Verdict.NO_DATA, found.fault, found.text)
    if isinstance(found, outcome.Nothing):
        text = f"no latency of {sentences.requests(case.canary.requests)} in {sentences.span(case.look.window)}"
        return _say(case, Verdict.NO_DATA, Reason.NO_LATENCY, text)
    return _slow(case, found, limit)


def _slow(case: Case, found: histogram.Quantile, limit: Latency) -> Judgement | None:
    """Bad only where the whole bucket that holds the quantile lies above the limit."""
    if found.low < limit.limit_ms:
        return None
    of = f"of {sentences.requests(case.canary.requests)} in {sentences.span(case.look.window)}"
    text = f"{limit.name} {sentences.between(found)} {of}, above {sentences.milliseconds(limit.limit_ms)}"
    stable = case.look.stable.latency if case.compared else None
    if isinstance(stable, histogram.Quantile) and limit.limit_ms <= stable.low and found.low <= WORSE * stable.high:
        return _say(
            case, Verdict.HOLD, Reason.ENVIRONMENT_INCIDENT, f"{text}; stable suffers too: {sentences.between(stable)}"
        )
    return _count(case, Reason.LATENCY_HIGH, text)


def _still_measuring(case: Case) -> Judgement | None:
    if case.look.measured >= case.limits.interval:
        return None
    return _good(case, Verdict.HOLD, Reason.STILL_MEASURING, _measuring(case))


def _dark(case: Case) -> Judgement | None:
    """What was good until the pods went dark may be bad by now."""
    if not case.look.canary.dark:
        return None
    return _say(case, Verdict.NO_DATA, Reason.NOT_SCRAPED, f"{case.numbers}, and no pod is scraped any more")


def _passed(case: Case) -> Judgement:
    rate = case.limits.success_rate
    text = case.numbers if rate is None else f"{case.numbers}, at least {sentences.plain(rate)} %"
    latency = case.look.canary.latency
    if case.limits.latency is not None and isinstance(latency, histogram.Quantile):
        limit = sentences.milliseconds(case.limits.latency.limit_ms)
        text = f"{text}; {case.limits.latency.name} {sentences.between(latency)}, limit {limit}"
    return _good(case, Verdict.PASS, Reason.PASSED, text)


RULES: tuple[Callable[[Case], Judgement | None], ...] = (
    _no_success,
    _too_few,
    _success_low,
    _warming,
    _latency,
    _still_measuring,
    _dark,
)
"""In this order; a look about which none speaks has passed."""


def _fails_alike(case: Case) -> bool:
    """Whether stable is below the threshold too, and the canary not clearly worse."""
    stable, rate = case.compared, case.limits.success_rate
    if stable is None or (rate is not None and stable.success >= Fraction(rate)):
        return False
    return case.canary.failing <= WORSE * stable.failing


def _incident(case: Case, text: str) -> Judgement:
    stable = sentences.success(case.stable or leg.Tally(), case.limits.success_rate)
    return _say(case, Verdict.HOLD, Reason.ENVIRONMENT_INCIDENT, f"{text}; stable suffers too: {stable}")


def _count(case: Case, reason: Reason, text: str) -> Judgement:
    """A bad look: it holds, and the last that is tolerated fails."""
    bad, limit = case.look.bad_looks + 1, case.limits.max_failures
    text = f"{text} (bad look {bad} of {limit})"
    if bad < limit:
        return Judgement(Verdict.HOLD, Reason.BAD_LOOK, text, bad)
    return Judgement(Verdict.FAIL, reason, text, bad)


def _good(case: Case, said: Verdict, reason: Reason, text: str) -> Judgement:
    """A look that found nothing wrong ends a row of bad ones."""
    return replace(_say(case, said, reason, text), bad_looks=0)


def _wait(case: Case, reason: Reason, text: str) -> Judgement:
    """Nothing new; while a row of bad looks stands, that stays the reason, and is not told to be over."""
    return _say(case, Verdict.HOLD, Reason.BAD_LOOK if case.look.bad_looks else reason, text)


def _say(case: Case, said: Verdict, reason: Reason | errors.Fault, text: str) -> Judgement:
    """A look that neither adds a bad one nor ends their row."""
    return Judgement(said, reason, text, case.look.bad_looks)


def _measuring(case: Case) -> str:
    measured, interval = sentences.span(case.look.measured), sentences.span(case.limits.interval)
    return f"{case.numbers}; measured for {measured} of {interval}"


def _wanting(case: Case) -> str:
    counted, needed, window = case.canary.requests, case.limits.min_requests, case.look.window
    patience = sentences.patience(counted, needed, window)
    return f"{sentences.requests(counted)} in {sentences.span(window)}, {needed} needed: {patience}"


def _with_numbers(said: Judgement, case: Case) -> Judgement:
    latency, requests = case.look.canary.latency, case.canary.requests
    both = requests + case.stable.requests if case.stable is not None else 0.0
    return replace(
        said,
        success=float(case.canary.success) if requests else None,
        latency_ms=latency.estimate if isinstance(latency, histogram.Quantile) else None,
        requests=round(requests),
        seen_share=requests / both if both else None,
    )
