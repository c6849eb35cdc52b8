"""A leg's counts are added up only where they can be true."""

import math

import pytest

from analysis import leg


@pytest.mark.parametrize(
    ("requests", "failures"), [(1, 2), (-1, -1), (5, -1), (math.nan, 0), (5, math.nan), (math.inf, 0)]
)
def test_a_tally_that_cannot_be_is_refused(requests: float, failures: float) -> None:
    """No comparison is ever made with it."""
    with pytest.raises(ValueError, match="0 <= failures <= requests"):
        leg.Tally(requests, failures)


def test_a_tally_is_exact() -> None:
    """A share of 1 in 100 is 99 percent, and not a little less."""
    assert leg.Tally(100, 1).success == 99
    assert leg.Tally(3, 1).failing * 3 == 1


def test_no_requests_fail_nowhere() -> None:
    """Division by zero does not happen."""
    assert leg.Tally().failing == 0
    assert leg.Tally().success == 100
