"""The rules of Flagger and Argo Rollouts, check by check."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from analysis.rivals import Argo, Flagger, Move


def flagger(checks: Sequence[bool | None]) -> list[Move]:
    rule, moves = Flagger(), []
    for check in checks:
        rule, move = rule.looked(check)
        moves.append(move)
    return moves


def argo(checks: Sequence[bool | None]) -> list[Move]:
    rule, moves = Argo(), []
    for check in checks:
        rule, move = rule.looked(check)
        moves.append(move)
    return moves


def test_flagger_goes_back_a_check_after_the_fifth_failure() -> None:
    """Even if that check would have been good."""
    assert flagger([False] * 5 + [True]) == [Move.STAY] * 5 + [Move.BACK]


def test_flagger_forgives_no_failure_and_rises_by_each_good_check() -> None:
    """Failures add up over all steps."""
    assert flagger([False, False, True, None, True, False, False, True]) == [
        *[Move.STAY] * 2,
        Move.RISE,
        Move.STAY,
        Move.RISE,
        *[Move.STAY] * 2,
        Move.BACK,
    ]


def test_argo_goes_back_at_the_fourth_failure() -> None:
    """failureLimit 3 tolerates three, in any order."""
    assert argo([False, True, False, True, False, True, False]) == [Move.STAY] * 6 + [Move.BACK]


@pytest.mark.parametrize(
    ("checks", "last"),
    [
        pytest.param([None] * 5, Move.BACK, id="five in a row"),
        pytest.param([None] * 4 + [True] + [None] * 4, Move.STAY, id="never five in a row"),
    ],
)
def test_argo_goes_back_after_five_measurements_in_a_row_without_an_answer(
    checks: list[bool | None], last: Move
) -> None:
    """A good one in between begins the row anew."""
    assert argo(checks)[-1] is last


def test_argo_repeats_a_measurement_without_an_answer_after_ten_seconds() -> None:
    """Any other comes at the interval."""
    minute = timedelta(seconds=60)
    silent, _ = Argo().looked(None)
    assert silent.wait(minute) == timedelta(seconds=10)
    assert Argo().wait(minute) == minute
