"""One window's likelihood ratios: none is expected above 1 while nothing is wrong, and none exceeds its cap."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats  # type: ignore[import-untyped]

from analysis import factors

SMALL = [(n, m) for n in (1, 2, 5, 12) for m in (1, 3, 20)]
ALMOST = 1 + 1e-9


def uncut(n: int, x: int, m: int, y: int, tolerance: float) -> list[float]:
    """The relative factors without a cap, by their definition with theta: the canary's part of the bad requests."""
    found = []
    for times in factors.TIMES:
        one, null = (w * n / (w * n + m) for w in (times * tolerance, tolerance))
        found.append((one / null) ** x * ((1 - one) / (1 - null)) ** y)
    return found


@pytest.mark.parametrize(("n", "m"), SMALL)
def test_a_comparison_is_fair_given_the_sum_of_bad_requests(n: int, m: int) -> None:
    """With equal chances x given x + y is hypergeometric; summed over all x, no factor is above 1, capped or not."""
    for bad in range(1, n + m + 1):
        chances = stats.hypergeom(n + m, n, bad)
        for place in range(len(factors.TIMES)):
            free = capped = 0.0
            for x in range(max(0, bad - m), min(n, bad) + 1):
                chance = float(chances.pmf(x))
                free += chance * uncut(n, x, m, bad - x, 1.0)[place]
                capped += chance * math.exp(factors.relative([(n, x)], [(m, bad - x)], 1.0)[place])
            assert free <= ALMOST
            assert capped <= free + 1e-9


@pytest.mark.parametrize("tolerance", [1.0, 1.25])
@pytest.mark.parametrize("share", [0.001, 0.02, 0.2, 0.7])
@pytest.mark.parametrize(("n", "m"), SMALL)
def test_a_comparison_is_fair_whatever_stables_share_is(n: int, m: int, share: float, tolerance: float) -> None:
    """Also where bad requests are not rare, and where the canary may have some more of them than stable."""
    own = min(1.0, share * tolerance)
    for place in range(len(factors.TIMES)):
        expected = math.fsum(
            float(stats.binom.pmf(x, n, own) * stats.binom.pmf(y, m, share)) * uncut(n, x, m, y, tolerance)[place]
            for x, y in itertools.product(range(n + 1), range(m + 1))
        )
        assert expected <= ALMOST


@pytest.mark.parametrize("limit", [0.0001, 0.01, 0.05, 0.3, 0.9])
@pytest.mark.parametrize("share", [0.5, 1.0])
@pytest.mark.parametrize("n", [1, 4, 30])
def test_a_limit_that_is_kept_is_fair(n: int, share: float, limit: float) -> None:
    """At or below the limit no absolute, gross or historic factor is expected above 1."""
    chances = [float(stats.binom.pmf(x, n, share * limit)) for x in range(n + 1)]
    for found in (
        [factors.absolute([(n, x)], limit) for x in range(n + 1)],
        [(factors.gross([(n, x)], limit),) for x in range(n + 1)],
        [factors.historic([(n, x)], limit) for x in range(n + 1)],
    ):
        for logs in zip(*found, strict=True):
            assert math.fsum(p * math.exp(log) for p, log in zip(chances, logs, strict=True)) <= ALMOST


@pytest.mark.parametrize("limit", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("times", [1.0, 1.5])
@pytest.mark.parametrize("n", [1, 30, 200])
def test_a_proof_is_fair_to_a_bad_canary(n: int, times: float, limit: float) -> None:
    """At or above the limit the capital for the canary is not expected to grow."""
    expected = math.fsum(
        float(stats.binom.pmf(x, n, times * limit)) * math.exp(factors.proof(n, x, limit)) for x in range(n + 1)
    )
    assert expected <= ALMOST


def test_a_proof_is_as_good_as_the_facts_say() -> None:
    """Without a failure about 100 requests are worth 2, and 600 are worth 100, for a limit of 1 %."""
    needed = [
        next(n for n in range(5000) if factors.proof(n, 0, 0.01) >= math.log(capital)) for capital in (2, 5, 20, 100)
    ]
    assert needed == [101, 225, 402, 597]


@pytest.mark.parametrize(
    ("n", "x", "m", "y"),
    [pytest.param(40, 3, 700, 1, id="some"), pytest.param(40, 0, 700, 9, id="stable alone"), (1, 1, 1000, 0)],
)
def test_one_window_is_the_ratio_of_two_binomials(n: int, x: int, m: int, y: int) -> None:
    """Against scipy: P(x of x + y | theta of the alternative) over P(x of x + y | theta of the null)."""
    for times, log in zip(factors.TIMES, factors.relative([(n, x)], [(m, y)], 1.0), strict=True):
        one, null = times * n / (times * n + m), n / (n + m)
        expected = stats.binom.logpmf(x, x + y, one) - stats.binom.logpmf(x, x + y, null)
        gain = math.log(times * (n + m) / (times * n + m))
        assert log == pytest.approx(float(expected) - max(0.0, x * gain - factors.CAP), abs=1e-9)


def test_a_window_against_a_limit_is_the_ratio_of_two_binomials() -> None:
    """Against scipy, where the cap does not bind."""
    found = factors.absolute([(100, 1)], 0.01)
    for multiple, log in zip(factors.MULTIPLES, found, strict=True):
        share = multiple * 0.01
        expected = stats.binom.logpmf(1, 100, share) - stats.binom.logpmf(1, 100, 0.01)
        assert log == pytest.approx(float(expected), abs=1e-9)


def test_the_proof_is_the_mean_of_three_ratios() -> None:
    """Against scipy's own logarithms."""
    ratios = [stats.binom.logpmf(3, 900, part * 0.01) - stats.binom.logpmf(3, 900, 0.01) for part in factors.PROVING]
    expected = float(special.logsumexp(ratios)) - math.log(3)
    assert factors.proof(900, 3, 0.01) == pytest.approx(expected, abs=1e-9)


LEGS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 30)), min_size=1, max_size=5).map(
    lambda leg: [(good + bad, bad) for good, bad in leg]
)


@given(LEGS, LEGS, st.integers(0, 4))
def test_one_more_failure_of_the_canary_never_speaks_for_it(
    canary: list[tuple[int, int]], stable: list[tuple[int, int]], place: int
) -> None:
    """A good request that turns bad raises all evidence against the canary, and lowers its proof."""
    place %= len(canary)
    requests, bad = canary[place]
    if bad == requests:
        return
    worse = [*canary[:place], (requests, bad + 1), *canary[place + 1 :]]
    for before, after in (
        (factors.relative(canary, stable, 1.0), factors.relative(worse, stable, 1.0)),
        (factors.absolute(canary, 0.01), factors.absolute(worse, 0.01)),
        ((factors.gross(canary, 0.05),), (factors.gross(worse, 0.05),)),
    ):
        assert all(new >= old - 1e-9 for old, new in zip(before, after, strict=True))
    assert factors.proof(*factors.total(worse), 0.01) < factors.proof(*factors.total(canary), 0.01)


@given(LEGS, LEGS)
def test_one_more_failure_of_stable_never_speaks_against_the_canary(
    canary: list[tuple[int, int]], stable: list[tuple[int, int]]
) -> None:
    """The worse stable is, the less the canary is to blame."""
    worse = [(stable[0][0] + 1, stable[0][1] + 1), *stable[1:]]
    same = [(stable[0][0] + 1, stable[0][1]), *stable[1:]]
    before, after = factors.relative(canary, same, 1.0), factors.relative(canary, worse, 1.0)
    assert all(new <= old + 1e-9 for old, new in zip(before, after, strict=True))


@given(LEGS, LEGS)
def test_no_pod_adds_more_than_the_cap(canary: list[tuple[int, int]], stable: list[tuple[int, int]]) -> None:
    """However much goes wrong in one scrape, each pod is one witness; the cap only shrinks."""
    guilty = sum(1 for _, bad in canary if bad)
    (n, x), (m, y) = factors.total(canary), factors.total(stable)
    found = factors.relative(canary, stable, 1.0)
    assert all(log <= guilty * factors.CAP + 1e-9 for log in found)
    assert all(log <= len(canary) * factors.CAP + 1e-9 for log in factors.absolute(canary, 0.01))
    if n and m:
        free = [x * math.log(t) + (x + y) * math.log((n + m) / (t * n + m)) for t in factors.TIMES]
        assert all(log <= one + 1e-9 for log, one in zip(found, free, strict=True))


@pytest.mark.parametrize(
    ("canary", "stable"),
    [
        pytest.param([], [(10, 1)], id="no canary"),
        pytest.param([(10, 9)], [], id="no stable"),
        pytest.param([(0, 0)], [(10, 1)], id="no requests"),
        pytest.param([(10, 0)], [(100, 0)], id="nothing bad"),
    ],
)
def test_without_one_of_the_two_nothing_is_compared(
    canary: list[tuple[int, int]], stable: list[tuple[int, int]]
) -> None:
    """What says nothing is a factor of 1."""
    assert factors.relative(canary, stable, 1.0) == (0.0,) * 5
