"""Capital, its confidence sequence, and how stable's failures fall: each against its definition or against scipy."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special  # type: ignore[import-untyped]

from analysis import bets, bounds, dispersion
from analysis.bets import FIRST, LATER, Bets
from analysis.dispersion import Dispersion
from tests.analysis import scrapes

FACTORS = st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=1, max_size=12)


@given(FACTORS)
def test_capital_is_the_sum_over_all_starts(factors: list[tuple[float, float]]) -> None:
    """One number for each alternative is worth what a bet for each start and alternative would be."""
    found = Bets()
    for factor in factors:
        found = found.after(factor)
    waiting, expected = 1.0, 0.0
    for start in range(len(factors)):
        placed = waiting * (LATER if start else FIRST)
        waiting -= placed
        for alternative in range(2):
            expected += placed / 2 * math.exp(math.fsum(factor[alternative] for factor in factors[start:]))
    assert found.log == pytest.approx(math.log(expected + waiting), abs=1e-9)


def test_capital_at_rest_is_one() -> None:
    """Before anything was seen, and as long as nothing speaks."""
    assert Bets().log == 0
    assert Bets().after((0.0, 0.0)).after((0.0, 0.0)).log == pytest.approx(0, abs=1e-12)


def test_a_lost_stake_stays_finite_and_what_waits_stays() -> None:
    """However often an alternative is refuted, later bets can still be placed."""
    found = Bets()
    for _ in range(20):
        found = found.after((-500.0,))
    assert bets.LEAST <= found.stakes[0] < -500
    assert found.log == pytest.approx(math.log(found.waiting))
    for _ in range(10):
        found = found.after((5.0,))
    assert found.log > math.log(100)


def test_a_release_of_weeks_can_still_be_bet_on() -> None:
    """What waits runs out after some 44,000 windows (with 5 s scrapes, two and a half days); the capital stays."""
    found = Bets((-1.0, 2.0), 1e-320)
    for _ in range(1000):
        found = found.after((0.0, 0.0))
    assert found.log == pytest.approx(bets.mean((-1.0, 2.0)))
    assert found.after((1.0, 1.0)).log == pytest.approx(1 + found.log)


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=8))
def test_sums_of_logarithms(logs: list[float]) -> None:
    """Against scipy."""
    assert bets.total(logs) == pytest.approx(float(special.logsumexp(logs)), abs=1e-9)
    assert bets.mean(logs) == pytest.approx(float(special.logsumexp(logs)) - math.log(len(logs)), abs=1e-9)
    assert bets.add(logs[0], logs[-1]) == pytest.approx(float(special.logsumexp([logs[0], logs[-1]])), abs=1e-9)


def test_nothing_sums_to_nothing() -> None:
    """The logarithm of an empty sum."""
    assert bets.total([]) == -math.inf


@pytest.mark.parametrize(("requests", "bad"), [(1, 0), (1, 1), (37, 3), (412, 8), (10_000, 10), (500, 499)])
def test_bounds_are_where_a_bet_would_have_won(requests: int, bad: int) -> None:
    """Against scipy's betaln and root finder."""

    def capital(share: float) -> float:
        mixed = special.betaln(bad + 0.5, requests - bad + 0.5) - special.betaln(0.5, 0.5)
        return float(mixed - bad * math.log(share) - (requests - bad) * math.log1p(-share)) - math.log(100)

    found, share = bounds.of(requests, bad), bad / requests
    tiny = 1e-15
    low = optimize.brentq(capital, tiny, min(share, 1 - tiny)) if bad else 0.0
    high = optimize.brentq(capital, max(share, tiny), 1 - tiny) if bad < requests else 1.0
    assert (found.low, found.share, found.high) == pytest.approx((low, share, high), rel=1e-6, abs=1e-9)
    assert bounds.capital(requests, bad, 0.3) == pytest.approx(capital(0.3) + math.log(100), abs=1e-9)


def test_without_requests_anything_is_possible() -> None:
    """No data, no bounds."""
    assert bounds.of(0, 0) == bounds.Bounds(0, 0, 1)


@given(st.integers(1, 3000), st.integers(0, 3000))
def test_bounds_surround_what_was_measured(good: int, bad: int) -> None:
    """Always, and within 0 and 1."""
    found = bounds.of(good + bad, bad)
    assert 0 <= found.low <= found.share <= found.high <= 1


def test_bounds_hold_at_all_times_together() -> None:
    """In 300 series of 400 requests each the true share leaves its bounds at most as often as promised."""
    dice, wrong = random.Random(7), 0
    for _ in range(300):
        bad = 0
        for requests in range(1, 401):
            bad += dice.random() < 0.03
            if bounds.capital(requests, bad, 0.03) >= math.log(100):
                wrong += 1
                break
    assert wrong <= 6


def spread(dice: random.Random, means: list[float]) -> Dispersion:
    """The dispersion of pods with 70 requests each and so many failures expected."""
    found = Dispersion()
    for mean in means:
        found = found.after([(70, scrapes.poisson(dice, mean))])
    return found


def test_chance_alone_is_not_tempered() -> None:
    """Failures that fall evenly are counted fully, most of the time."""
    dice = random.Random(3)
    found = [spread(dice, [0.07] * 600) for _ in range(40)]
    assert sum(one.phi == 1 for one in found) >= 34
    assert math.fsum(one.measured for one in found) / 40 == pytest.approx(1, abs=0.05)


def test_bursts_are_tempered() -> None:
    """A failing pod-scrape now and then, with many failures at once, is seen as what it is."""
    dice = random.Random(3)
    found = [spread(dice, [20 if dice.random() < 0.01 else 0.001 for _ in range(600)]) for _ in range(40)]
    assert sum(1.5 < one.phi <= dispersion.MOST for one in found) >= 36


@pytest.mark.parametrize(
    "stable",
    [pytest.param([], id="nothing"), pytest.param([(10, 1)], id="one"), pytest.param([(2, 2)] * 9, id="all bad")],
)
def test_too_little_says_nothing_about_dispersion(stable: list[tuple[int, int]]) -> None:
    """Then everything counts fully."""
    assert Dispersion().after(stable).phi == 1


@given(st.lists(st.tuples(st.integers(1, 90), st.integers(0, 5)), min_size=2, max_size=20))
def test_dispersion_is_pearsons(pods: list[tuple[int, int]]) -> None:
    """The sums give what the definition gives."""
    pods = [(good + bad, bad) for good, bad in pods]
    found = Dispersion().after(pods)
    cut = [min(bad, dispersion.CUT) for _, bad in pods]
    if sum(cut) < dispersion.LEAST_BAD:
        return
    p = sum(cut) / sum(n for n, _ in pods)
    expected = sum((z - n * p) ** 2 for z, (n, _) in zip(cut, pods, strict=True)) / (sum(cut) * (1 - p))
    assert found.measured == pytest.approx(expected, abs=1e-6)
    by_pods = Dispersion()
    for pod in pods:
        by_pods = by_pods.after([pod])
    assert by_pods == found
