"""What the evidence judge tells people: shares with their bounds, evidence, and which makeshift is in force."""

import math
from datetime import timedelta

from analysis import charges, sentences
from analysis.bounds import Bounds
from analysis.sight import Sight

FOUND = 0.1
"""The share of failures for which it is told how long it would stay hidden at little traffic."""

OVERHEAD = 1.5
"""Natural logarithm of what the spreading of the capital costs."""


def share(part: float) -> str:
    """A share of 1 in percent with the digits that matter, without the sign: 12, 1.9, 0.08, 0."""
    percent = 100 * part
    if percent == 0:
        return "0"
    if percent < 0.005:
        return "<0.01"
    if percent >= 9.95:
        return f"{percent:.0f}"
    return f"{percent:.1f}" if percent >= 0.095 else f"{percent:.2f}"


def capital(worth: float) -> str:
    """Evidence as a person reads it: 0.3, 24, 1,300; beyond a million it does not matter how much."""
    if worth >= 1e6:
        return "over 1,000,000"
    return f"{worth:,.0f}" if worth >= 9.95 else f"{worth:.1f}"


def bounds(found: Bounds) -> str:
    """Between what a share certainly lies."""
    return f"99 % sure: {share(found.low)}–{share(found.high)}"


def failing(sight: Sight) -> str:
    """errors 1.9 % of 412 requests (99 % sure: 0.8–4.1), stable 0.1 %."""
    own, stable = sight.shown, sight.beside
    if not own.requests:
        return f"no requests in {sentences.span(sight.stayed)}"
    found = sight.bounds
    text = f"errors {share(found.share)} % of {sentences.requests(own.requests)} ({bounds(found)})"
    return f"{text}, stable {share(stable.failures / stable.requests)} %" if stable.requests else text


def slow(sight: Sight) -> str:
    """The latency and its limit; empty where it is not asked for or not known."""
    limit, found = sight.thresholds.latency, sight.latency
    if limit is None or found is None:
        return ""
    return f"{limit.name} {sentences.between(found)}, limit {sentences.milliseconds(limit.limit_ms)}"


def numbers(sight: Sight) -> str:
    """Failures and latency."""
    return "; ".join(filter(None, (failing(sight), slow(sight))))


def against(sight: Sight) -> str:
    """The numbers and what they amount to."""
    return f"{numbers(sight)}; evidence {capital(sight.evidence)} of 100"


def stayed(sight: Sight) -> str:
    """How long of at most how long."""
    return f"{sentences.span(sight.stayed)} of at most {sentences.span(sight.stay.longest)}"


def proof(sight: Sight) -> str:
    """How much of the needed proof there is; empty where nothing can be proven."""
    found = sight.proof
    return "" if found is None else f"proof {capital(found)} of {capital(sight.stay.needed)}"


def makeshift(sight: Sight) -> str:
    """Which makeshift is in force, and what would help; empty where everything is as it should be."""
    said = (_alone(sight), _quiet(sight), _bursts(sight))
    return "; ".join(filter(None, said))


def _alone(sight: Sight) -> str:
    if not sight.is_alone:
        return ""
    stable = sight.ledger.release.stable
    if not stable.requests:
        return "stable has had no traffic to compare with"
    most = charges.history(stable.requests, stable.failures)
    return f"no stable traffic to compare with: judged by its past, at most {share(most)} %"


def _quiet(sight: Sight) -> str:
    if not sight.is_quiet:
        return ""
    known = sight.ledger.stay.own.requests
    if not known:
        return "less than one request a scrape"
    wait = needed(sight) / known * sight.stayed
    return f"less than one request a scrape: {share(FOUND)} % errors would need about {sentences.span(wait)} to be seen"


def _bursts(sight: Sight) -> str:
    phi = sight.ledger.failing.falls.phi
    return f"stable's errors come in bursts, so that each counts {phi:.1f} times less" if phi > 1 else ""


def needed(sight: Sight) -> float:
    """Requests after which a canary with FOUND failures is most likely found out, by the failures' limit or 1 %."""
    limit = min(sight.limits.failing or charges.USUAL_LIMIT, FOUND / 2)
    growth = FOUND * math.log(FOUND / limit) + (1 - FOUND) * math.log((1 - FOUND) / (1 - limit))
    return (math.log(100) + OVERHEAD) / growth


def patience(sight: Sight) -> str:
    """What would help where there are too few requests."""
    known, least = sight.ledger.stay.canary.requests, sight.thresholds.min_requests
    have = f"{sentences.requests(known)} in {sentences.span(sight.stayed)}, {least} needed"
    if not known:
        return have
    wait = (least - known) / known * sight.stayed
    return f"{have}: needs about {sentences.span(max(wait, timedelta(seconds=1)))} more at this traffic"
