"""How much proof each step asks for, and how long a stay is at least."""

from datetime import timedelta
from decimal import Decimal

import pytest

from analysis import ladder

MINUTE = timedelta(seconds=60)


@pytest.mark.parametrize(
    ("weight", "next_weight", "needed"),
    [
        pytest.param("1", "5", 1.5, id="first"),
        pytest.param("5", "25", 1.5, id="five times more"),
        pytest.param("5", "50", 5, id="ten times more"),
        pytest.param("5", "100", 15, id="all at once"),
        pytest.param("10", "25", 5, id="10 %"),
        pytest.param("25", "50", 15, id="25 %"),
        pytest.param("50", "100", 100, id="half"),
        pytest.param("100", None, 100, id="promotion"),
    ],
)
def test_the_more_users_the_next_step_meets_the_more_proof(weight: str, next_weight: str | None, needed: float) -> None:
    """A rung by the present weight, or a higher one before a great leap."""
    following = None if next_weight is None else Decimal(next_weight)
    assert ladder.Stay(Decimal(weight), following, MINUTE).needed == needed


@pytest.mark.parametrize(
    ("stay", "stayed", "scrapes", "may_end"),
    [
        pytest.param(ladder.Stay(Decimal(5), Decimal(25), MINUTE), 29, 1, False, id="not two scrapes yet"),
        pytest.param(ladder.Stay(Decimal(5), Decimal(25), MINUTE), 16, 2, True, id="two scrapes"),
        pytest.param(
            ladder.Stay(Decimal(5), Decimal(25), MINUTE, shortest=MINUTE), 59, 4, False, id="a longer minimum"
        ),
        pytest.param(ladder.Stay(Decimal(5), Decimal(25), MINUTE, left=MINUTE), 30, 2, True, id="not the last stay"),
        pytest.param(ladder.Stay(Decimal(100), None, MINUTE, left=MINUTE), 30, 2, False, id="the release is too young"),
        pytest.param(ladder.Stay(Decimal(100), None, MINUTE), 30, 2, True, id="the release is old enough"),
    ],
)
def test_a_proof_ends_no_stay_before_its_time(stay: ladder.Stay, stayed: float, scrapes: int, may_end: bool) -> None:
    """Two scrapes at least; the last stay also waits until the whole release is old enough."""
    assert stay.may_end(timedelta(seconds=stayed), scrapes) is may_end
