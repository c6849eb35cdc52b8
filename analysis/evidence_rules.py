"""The evidence judge's rules about one look, in their order; the first that speaks is right.

What is bad is said before what is good, what stable suffers too is held against nobody, and silence is no proof.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from analysis import evidence_words as words
from analysis import ledger, sentences
from analysis.sight import Sight
from analysis.verdict import Judgement, Reason, Verdict

GATE = 20
"""Requests without one success that fail a release at once."""


def judge(sight: Sight) -> Judgement:
    """Judge one look."""
    said = next((said for rule in RULES if (said := rule(sight)) is not None), None) or _in_time(sight)
    return _with_numbers(_with_makeshift(said, sight), sight)


def _no_success(sight: Sight) -> Judgement | None:
    own = sight.recent.own
    if own.requests < GATE or own.failures < own.requests:
        return None
    text = f"not one success in {sentences.requests(own.requests)}"
    if sight.suffers_alike:
        return _hold(Reason.ENVIRONMENT_INCIDENT, f"{text}; stable suffers too: {words.failing(sight)}")
    return Judgement(Verdict.FAIL, Reason.NO_SUCCESS, text)


def _convicted(sight: Sight) -> Judgement | None:
    if ledger.evidence(sight.ledger, sight.limits) < ledger.CONVICTED:
        return None
    text = words.against(sight)
    if sight.stable_begins:
        return _hold(Reason.SUSPECTED, f"{text}; stable was scraped once yet, and may suffer too")
    if ledger.slow_evidence_leads(sight.ledger, sight.limits):
        return Judgement(Verdict.FAIL, Reason.LATENCY_HIGH, text)
    if sight.suffers_alike:
        return _hold(Reason.ENVIRONMENT_INCIDENT, f"{text}; stable suffers too")
    if not sight.fails_still:
        return None
    limit = sight.limits.failing
    over = limit is not None and sight.bounds.share > limit
    return Judgement(Verdict.FAIL, Reason.SUCCESS_RATE_LOW if over else Reason.WORSE_THAN_STABLE, text)


def _suspected(sight: Sight) -> Judgement | None:
    """The weight does not rise while a bet stands at more than a third of nothing and nothing more is known."""
    found = ledger.suspicion(sight.ledger)
    if found <= ledger.REACHED:
        return None
    text = f"{words.numbers(sight)}; suspicion {words.capital(math.exp(min(found, 600.0)))}: holds above 3"
    if sight.suffers_alike:
        return _hold(Reason.ENVIRONMENT_INCIDENT, f"{text}; stable suffers too")
    return _hold(Reason.SUSPECTED, text)


def _dark(sight: Sight) -> Judgement | None:
    if not sight.is_dark or sight.unseen is None:
        return None
    text = f"no pod of the canary was scraped for {sentences.span(sight.unseen)}"
    return Judgement(Verdict.NO_DATA, Reason.NOT_SCRAPED, text)


def _slower(sight: Sight) -> Judgement | None:
    """Inside its limit a release may be slower, but a person should know."""
    found = ledger.slowness(sight.ledger)
    if found < ledger.CONVICTED:
        return None
    text = f"{words.numbers(sight)}; slower than stable, evidence {words.capital(math.exp(min(found, 600.0)))} of 100"
    return _hold(Reason.SLOWER_THAN_STABLE, text)


def _warming(sight: Sight) -> Judgement | None:
    return _hold(Reason.WARMING_UP, f"warming up: {words.numbers(sight)}") if sight.warming else None


def _untimed(sight: Sight) -> Judgement | None:
    own = sight.ledger.release.own
    if sight.limits.slow is None or own.timed or own.requests < sight.thresholds.min_requests:
        return None
    return Judgement(Verdict.NO_DATA, Reason.NO_LATENCY, f"no latency of {sentences.requests(own.requests)}")


def _proven(sight: Sight) -> Judgement | None:
    found = sight.proof
    if found is None or found < sight.stay.needed or not sight.ledger.stay.own.requests:
        return None
    if not sight.stay.may_end(sight.stayed, sight.scrapes):
        return None
    return Judgement(Verdict.PASS, Reason.PASSED, f"{words.numbers(sight)}; {words.proof(sight)}")


def _still_measuring(sight: Sight) -> Judgement | None:
    if sight.stayed >= max(sight.stay.longest, sight.stay.shortest):
        return None
    said = (words.numbers(sight), words.stayed(sight), words.proof(sight))
    return _hold(Reason.STILL_MEASURING, "; ".join(filter(None, said)))


def _too_few(sight: Sight) -> Judgement | None:
    own = sight.ledger.stay.canary
    if own.requests >= sight.thresholds.min_requests:
        return None
    reason = Reason.TOO_FEW_REQUESTS if own.requests else Reason.NO_REQUESTS
    return Judgement(Verdict.NO_DATA, reason, words.patience(sight))


def _not_proven(sight: Sight) -> Judgement | None:
    """A number on the wrong side of its limit never passes by time, even where it may be chance."""
    own, limits = sight.ledger.stay.canary, sight.limits
    failing = limits.failing is not None and own.failures > limits.failing * own.requests
    slow = limits.slow is not None and limits.certain is not None and own.slow[limits.certain] > limits.slow * own.timed
    if not failing and not slow:
        return None
    text = f"{words.against(sight)}; beyond its limit, which may be chance"
    if failing and sight.suffers_alike:
        return _hold(Reason.ENVIRONMENT_INCIDENT, f"{text}; stable suffers too")
    return _hold(Reason.NOT_PROVEN, text)


RULES: tuple[Callable[[Sight], Judgement | None], ...] = (
    _no_success,
    _convicted,
    _suspected,
    _dark,
    _slower,
    _warming,
    _untimed,
    _proven,
    _still_measuring,
    _too_few,
    _not_proven,
)
"""In this order; a look about which none speaks has passed by its time."""


def _in_time(sight: Sight) -> Judgement:
    said = (words.numbers(sight), f"nothing against it in {sentences.span(sight.stayed)}", words.proof(sight))
    return Judgement(Verdict.PASS, Reason.PASSED, "; ".join(filter(None, said)))


def _hold(reason: Reason, text: str) -> Judgement:
    return Judgement(Verdict.HOLD, reason, text)


def _with_makeshift(said: Judgement, sight: Sight) -> Judgement:
    note = words.makeshift(sight)
    return replace(said, text=f"{said.text}; {note}") if note else said


def _with_numbers(said: Judgement, sight: Sight) -> Judgement:
    shown, bounds, latency = sight.shown, sight.bounds, sight.latency
    own, stable = sight.ledger.stay.own.requests, sight.ledger.stay.stable.requests
    return replace(
        said,
        success=100 * (1 - bounds.share) if shown.requests else None,
        latency_ms=latency.estimate if latency is not None else None,
        requests=own,
        seen_share=own / (own + stable) if own + stable else None,
        evidence=sight.evidence,
        proof=sight.proof,
        failing_low=100 * bounds.low,
        failing_high=100 * bounds.high,
    )
