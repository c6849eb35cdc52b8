"""What one window says: logarithms of likelihood ratios, each with an expectation of at most 1 if nothing is wrong.

A leg is a sequence of (requests, bad ones), one for each pod. A pod's evidence against the canary in one window is
cut at ln CAP, so that no single scrape of a single pod convicts: a burst's errors are one witness, not many. Cutting
only shrinks a factor, and so keeps its expectation below 1.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

Leg = Sequence[tuple[int, int]]

CAP = math.log(10)
"""The most that one pod adds to the logarithm of the evidence in one window."""

COLD_CAP = math.log(120)
"""The same while pods warm up, where only what is far beyond tolerance counts; even this alone is not enough."""

TIMES = (2.0, 6.0, 17.0, 51.0, 150.0)
"""How many times stable's share of bad requests a bad canary may have."""

LOG_TIMES = tuple((times, math.log(times)) for times in TIMES)

MULTIPLES = (1.3, 2.0, 4.5, 10.0, 22.0, 50.0)
"""How many times a limit a bad canary may show."""

GROSS = 6.0
"""The same against a limit that even cold pods keep, or half way to all; who shows more is found all the sooner."""

NEVER_ALL = 0.25
"""The part of good requests that the worst alternative keeps, so that one good request does not refute it."""

PROVING = (0.1, 0.3, 0.6)
"""Parts of a limit that a good canary may show."""


def total(leg: Leg) -> tuple[int, int]:
    """The requests and the bad ones of all pods."""
    requests = bad = 0
    for all_, failed in leg:
        requests += all_
        bad += failed
    return requests, bad


def relative(canary: Leg, stable: Leg, tolerance: float) -> tuple[float, ...]:
    """Against: the canary's share of bad requests is at most `tolerance` times stable's, whatever that is now.

    For each w of TIMES × tolerance: with n, x the canary's requests and bad ones and m, y stable's,
    (r·w/tolerance)^x · r^y where r = (tolerance·n + m) / (w·n + m): the binomial likelihood ratio of x given x + y.
    The expectation is at most 1 for any requests whose chances p of being bad satisfy
    sum(p)/n <= tolerance · sum(p of stable)/m, not only for rare ones: it is a product of 1 + p·(a-1) <= exp(p·(a-1)),
    and the exponents of the two legs cancel. Logarithms; zeros where one leg has no requests.
    """
    n, x = total(canary)
    m, y = total(stable)
    if n == 0 or m == 0 or x + y == 0:
        return (0.0,) * len(TIMES)
    bad = [one for _, one in canary if one]
    found = []
    for times, log in LOG_TIMES:
        ratio = math.log((tolerance * n + m) / (times * tolerance * n + m))
        gain = log + ratio
        found.append(sum([min(one * gain, CAP) for one in bad]) + y * ratio)
    return tuple(found)


def absolute(canary: Leg, limit: float) -> tuple[float, ...]:
    """Against: the canary's chance of a bad request is at most `limit` (0 to 1, both excluded).

    For each q of MULTIPLES × limit: (q/limit)^bad · ((1-q)/(1-limit))^good, which is 1 + b·(bad - limit) for each
    request and so needs neither independence nor a constant chance. Logarithms.
    """
    return _against(canary, limit, MULTIPLES)


def gross(cold: Leg, limit: float) -> float:
    """As `absolute`, of cold pods against a limit that forgives them much; one logarithm."""
    share = min(GROSS * limit, (1 + limit) / 2)
    return _sums(cold, ((math.log(share / limit), math.log((1 - share) / (1 - limit))),), COLD_CAP)[0]


def historic(canary: Leg, bound: float) -> tuple[float, ...]:
    """As `relative`, where stable has no traffic now and its share is known to be at most `bound`."""
    return _against(canary, bound, TIMES)


def _against(canary: Leg, limit: float, multiples: tuple[float, ...]) -> tuple[float, ...]:
    return _sums(canary, _bets(limit, multiples), CAP)


@lru_cache(maxsize=256)
def _bets(limit: float, multiples: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    """For each alternative what one bad and one good request add to the logarithm."""
    shares = [min(multiple * limit, 1 - NEVER_ALL * (1 - limit)) for multiple in multiples]
    return tuple((math.log(share / limit), math.log((1 - share) / (1 - limit))) for share in shares)


def _sums(leg: Leg, pairs: Sequence[tuple[float, float]], cap: float) -> tuple[float, ...]:
    """For each alternative the sum over all pods of their logarithms, each cut at the cap."""
    clean = sum([requests for requests, failed in leg if not failed])
    dirty = [(requests - failed, failed) for requests, failed in leg if failed]
    if not dirty:
        return tuple([clean * good for _, good in pairs])
    return tuple(
        [clean * good + sum([min(well * good + failed * bad, cap) for well, failed in dirty]) for bad, good in pairs]
    )


def proof(requests: int, bad: int, limit: float) -> float:
    """For: against the hypothesis that the chance of a bad request is `limit` or more; the logarithm of the capital.

    The mean over q of PROVING × limit of (q/limit)^bad · ((1-q)/(1-limit))^good, of all requests so far.
    """
    logs = []
    for part in PROVING:
        share = part * limit
        logs.append(bad * math.log(part) + (requests - bad) * math.log((1 - share) / (1 - limit)))
    high = max(logs)
    return high + math.log(math.fsum(math.exp(log - high) for log in logs) / len(logs))
