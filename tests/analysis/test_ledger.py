"""The evidence of whole releases, window by window: false alarms, what is found, and going on from a checkpoint."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import bets, charges, checkpoint, ledger
from analysis.charges import Failing, Known, Limits
from analysis.dispersion import Dispersion
from analysis.ledger import Ledger
from analysis.windows import Count, Grid, Window
from tests.analysis.scrapes import poisson

GRID = Grid(0.0, 15.0)
LIMITS = Limits(0.01)
WEIGHTS = (0.05,) * 4 + (0.25,) * 4 + (0.5,) * 4 + (1.0,) * 4
"""The canary's part of the traffic in each window of a usual plan."""

Share = Callable[[int], float]


def release(
    seed: int,
    own: Share,
    other: Share,
    *,
    rps: float = 50,
    weights: tuple[float, ...] = WEIGHTS,
    limits: Limits = LIMITS,
    cold: int = 0,
    pods: int = 3,
) -> int | None:
    """The window in which a release is convicted; None if never. own, other: the legs' shares of failures by window."""
    dice = random.Random(seed)
    found = ledger.opened(0.0, GRID, (), 0.0)
    for index in range(-39, 0):
        found = ledger.after(found, Window(index, GRID.end(index), stable=leg(dice, rps * 15, other(index), 3)), limits)
    for index, weight in enumerate(weights, 1):
        canary = leg(dice, rps * 15 * weight, own(index), max(1, math.ceil(pods * weight)))
        stable = leg(dice, rps * 15 * (1 - weight), other(index), 3) if weight < 1 else ()
        legs = {"cold" if index <= cold else "canary": canary}
        found = ledger.after(found, Window(index, GRID.end(index), stable=stable, **legs), limits)
        if ledger.evidence(found, limits) >= ledger.CONVICTED:
            return index
    return None


def leg(dice: random.Random, requests: float, share: float, pods: int) -> tuple[Count, ...]:
    """Poisson traffic, spread evenly over the pods."""
    counts = []
    for _ in range(pods):
        bad = poisson(dice, requests * share / pods)
        counts.append(Count(bad + poisson(dice, requests * (1 - share) / pods), bad))
    return tuple(counts)


def always(share: float) -> Share:
    return lambda _: share


@pytest.mark.parametrize(
    ("own", "other", "most"),
    [
        pytest.param(always(0.001), always(0.001), 3, id="healthy"),
        pytest.param(always(0.008), always(0.008), 3, id="healthy and near the threshold"),
        pytest.param(always(0.0), always(0.001), 0, id="better than stable"),
        pytest.param(always(0.0002), always(0.0), 0, id="worse, but below the floor"),
    ],
)
def test_healthy_releases_are_left_alone(own: Share, other: Share, most: int) -> None:
    """Of 300 healthy releases at most one in a hundred is convicted."""
    assert sum(release(seed, own, other, rps=20) is not None for seed in range(300)) <= most


@pytest.mark.parametrize(
    ("own", "cold", "windows"),
    [
        pytest.param(always(0.2), 2, 3, id="a fifth fails, from the first cold scrape on"),
        pytest.param(always(0.2), 0, 3, id="a fifth fails"),
        pytest.param(always(0.05), 0, 5, id="5 %"),
        pytest.param(always(0.02), 0, 9, id="2 %"),
        pytest.param(always(0.01), 0, 14, id="1 %"),
        pytest.param(lambda index: 0.05 if index > 8 else 0.001, 0, 11, id="5 % from the third step on"),
    ],
)
def test_bad_releases_are_found(own: Share, cold: int, windows: int) -> None:
    """Half of them at the latest in this window, and all of them before promotion."""
    found = [release(seed, own, always(0.001), cold=cold) for seed in range(60)]
    assert all(index is not None for index in found)
    assert sorted(index or 99 for index in found)[30] <= windows


def test_cold_pods_are_forgiven_much() -> None:
    """5 % failures in the first two scrapes of a canary are no fault, 60 % are."""

    def convicted(share: float, releases: int) -> int:
        def own(index: int) -> float:
            return share if index <= 2 else 0.001

        return sum(release(seed, own, always(0.001), cold=2) is not None for seed in range(releases))

    assert convicted(0.05, 200) <= 2
    assert convicted(0.6, 50) == 50


def test_an_incident_of_both_is_not_the_canarys() -> None:
    """Both legs fail alike for a minute; the comparison does not move."""

    def both(index: int) -> float:
        return 0.05 if 6 <= index <= 9 else 0.001

    assert sum(release(seed, both, both) is not None for seed in range(200)) <= 2


def test_at_a_hundred_percent_stables_past_is_the_control() -> None:
    """A fault that begins when stable has no traffic any more is found."""

    def late(index: int) -> float:
        return 0.05 if index > 12 else 0.001

    found = [release(seed, late, always(0.001)) for seed in range(40)]
    assert all(index in (13, 14) for index in found)


def test_history_allows_what_chance_explains() -> None:
    """The less is known of stable, the more the canary may have."""
    assert charges.history(100_000, 100) == pytest.approx(0.0022, abs=0.0003)
    assert charges.history(100, 0) > 0.05
    assert charges.history(10, 10) == 0.5


@pytest.mark.parametrize(
    ("limit", "forgiven", "floor"),
    [(0.01, 0.03, 0.001), (0.1, 0.2, 0.01), (0.9, 0.95, 0.09), (None, 0.03, 0.001)],
)
def test_limits_bring_their_own_tolerance(limit: float | None, forgiven: float, floor: float) -> None:
    """What cold pods may have lies above the limit, and what is never held against a canary below."""
    found = Limits(limit)
    assert (found.forgiven, found.floor) == pytest.approx((forgiven, floor))


def test_one_burst_of_one_pod_does_not_convict() -> None:
    """A single scrape of a single pod is one witness, however loud."""

    def bursts(index: int) -> float:
        return 0.5 if index == 6 else 0.001

    assert sum(release(seed, bursts, always(0.001), pods=1) is not None for seed in range(50)) <= 1


def test_slow_requests_convict_only_above_the_limit_and_beside_a_quicker_stable() -> None:
    """Requests above the limit's edge count like failures; stable as slow as the canary clears it."""
    limits = Limits(0.01, 0.01, certain=1, possible=1)

    def convicted(own: float, other: float) -> bool:
        dice = random.Random(5)
        found = ledger.opened(0.0, GRID, (250.0, 500.0), 0.0)
        for index in range(1, 40):
            canary = tuple(Count(n, 0, n, (0, slow)) for n, slow in _pairs(leg(dice, 200, own, 2)))
            stable = tuple(Count(n, 0, n, (0, slow)) for n, slow in _pairs(leg(dice, 600, other, 3)))
            found = ledger.after(found, Window(index, GRID.end(index), canary=canary, stable=stable), limits)
            if ledger.evidence(found, limits) >= ledger.CONVICTED:
                return ledger.slow_evidence_leads(found, limits)
        return False

    assert [convicted(0.1, 0.001), convicted(0.1, 0.1), convicted(0.004, 0.001)] == [True, False, False]


def _pairs(counts: tuple[Count, ...]) -> list[tuple[int, int]]:
    return [(count.requests, count.failures) for count in counts]


def test_a_window_counts_once() -> None:
    """What is in the ledger already changes nothing."""
    window = Window(1, 15.0, canary=(Count(30, 3),), stable=(Count(600, 1),))
    found = ledger.after(ledger.opened(0.0, GRID, (), 0.0), window, LIMITS)
    assert ledger.after(found, window, LIMITS) is found


def test_a_step_counts_its_own_requests() -> None:
    """Sums begin anew with a step; the evidence does not."""
    window = Window(1, 15.0, canary=(Count(30, 3),), cold=(Count(5, 1),), stable=(Count(600, 1),))
    found = ledger.after(ledger.opened(0.0, GRID, (), 0.0), window, LIMITS)
    assert (found.stay.canary, found.stay.own) == (Count(30, 3), Count(35, 4))
    later = ledger.at_step(found, 20.0)
    assert (later.stay.canary.requests, later.release.own, later.failing) == (0, Count(35, 4), found.failing)
    assert ledger.at_step(later, 20.0) is later


COUNTS = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 4)), max_size=4).map(
    lambda leg: tuple(Count(good + bad, bad, good, (bad, good // 2)) for good, bad in leg)
)
WINDOWS = st.lists(st.tuples(COUNTS, COUNTS, COUNTS), min_size=2, max_size=14)
TIMED = Limits(0.01, 0.05, certain=1, possible=0)


@settings(max_examples=60)
@given(WINDOWS, st.integers(0, 13))
def test_a_release_goes_on_from_any_checkpoint(
    legs: list[tuple[tuple[Count, ...], tuple[Count, ...], tuple[Count, ...]]], place: int
) -> None:
    """Cut anywhere, stored and read again, the ledger ends exactly as if it had never been cut."""
    known = [Window(index, GRID.end(index), *one) for index, one in enumerate(legs, -3)]
    place %= len(known)
    start = ledger.opened(0.0, GRID, (100.0, 500.0), 30.0)
    whole = ledger.folded(start, known, TIMED)
    stored = checkpoint.dump(ledger.folded(start, known[:place], TIMED), "99")
    read = checkpoint.load(stored, 0.0, "99")
    assert read is not None
    assert ledger.folded(read, known, TIMED) == whole
    assert len(stored) < 3000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="another shape"),
        pytest.param('{"version": 1, "began": 0.0, "limits": "99"}', id="another version"),
        pytest.param('{"version": 2, "began": 9.0, "limits": "99"}', id="another release"),
        pytest.param('{"version": 2, "began": 0.0, "limits": "95"}', id="other limits"),
        pytest.param('{"version": 2, "began": 0.0}', id="no limits"),
        pytest.param('{"version": 2, "began": 0.0, "limits": "99"}', id="incomplete"),
    ],
)
def test_a_foreign_checkpoint_is_not_continued(text: str) -> None:
    """It costs a longer read, nothing else."""
    assert checkpoint.load(text, 0.0, "99") is None


def test_suspicion_is_the_largest_bet() -> None:
    """A canary that fails more than stable is suspected long before it is convicted."""
    found: Ledger = ledger.opened(0.0, GRID, (), 0.0)
    assert ledger.suspicion(found) == 0
    found = ledger.after(found, Window(1, 15.0, canary=(Count(40, 2),), stable=(Count(700, 0),)), LIMITS)
    assert ledger.suspicion(found) > ledger.REACHED
    assert ledger.evidence(found, LIMITS) < ledger.CONVICTED


def test_far_below_the_limit_nobody_is_blamed() -> None:
    """Fifteen failures in a million beside none are certainly more, and matter to nobody."""
    found = ledger.opened(0.0, GRID, (), 0.0)
    for index in range(1, 41):
        canary = (Count(50_000, 1), Count(50_000, 1))
        found = ledger.after(found, Window(index, GRID.end(index), canary=canary, stable=(Count(100_000, 0),)), LIMITS)
    assert found.failing.relative.log > ledger.CONVICTED + 1
    assert ledger.evidence(found, LIMITS) < 0
    assert ledger.suspicion(found) == 0


def test_bursts_of_stable_temper_what_the_canary_shows() -> None:
    """Each bet against it is taken to the power of 1/dispersion, known before the window."""
    bursts = [(200, 0)] * 60 + [(200, 9)] * 4
    window = Window(1, 15.0, canary=(Count(40, 2),), stable=(Count(700, 0),))
    known = Known(0, 0, 15.0)
    calm, tempered = Failing(), Failing(falls=Dispersion().after(bursts))
    phi = tempered.falls.phi
    assert 1.5 < phi <= 3
    plain, less = (found.after(window, LIMITS, known) for found in (calm, tempered))
    for bet in ("relative", "absolute", "floor"):
        worth, cut = getattr(plain, bet).stakes, getattr(less, bet).stakes
        placed = math.log(bets.FIRST)
        assert cut == pytest.approx([placed + (one - placed) / phi for one in worth])
