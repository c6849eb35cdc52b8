"""What a refused write is answered with."""

from decimal import Decimal

import pytest

from deploy import errors
from rollout import refusals, shares
from rollout.seen import Act, Decision, Record, Restore, Steer, Told
from rollout.status import Phase, Release
from tests.rollout.building import PACE, a_release

RELEASE = a_release(Phase.STEPPING)
FALLING = a_release(Phase.ROLLING_BACK)
STEER = Steer(shares.split_at(RELEASE, Decimal(0)))
RECORD = Record(RELEASE.status)


@pytest.mark.parametrize(
    ("acts", "release", "falls"),
    [
        pytest.param((STEER, RECORD), RELEASE, True, id="done first, then recorded"),
        pytest.param((Restore(), RECORD), RELEASE, True, id="the user's route"),
        pytest.param((STEER,), FALLING, True, id="recorded already"),
        pytest.param((STEER,), RELEASE, False, id="a rise that was recorded by an earlier look"),
        pytest.param((RECORD, STEER), RELEASE, False, id="a rise"),
        pytest.param((RECORD,), FALLING, False, id="the end of a fall"),
        pytest.param((), FALLING, False, id="nothing to do"),
        pytest.param((STEER,), None, False, id="no release"),
    ],
)
def test_fall_is_a_route_that_is_written_first(acts: tuple[Act, ...], release: Release | None, falls: bool) -> None:
    assert refusals.is_fall(Decision(acts), release) is falls


@pytest.mark.parametrize(
    "error", [errors.Forbidden("no"), errors.NotGranted("no"), errors.Busy("no"), errors.Unreachable("no")]
)
def test_fall_is_told_and_tried_again_whatever_the_refusal(error: errors.ClusterError) -> None:
    told: list[Told] = []
    assert refusals.answer(error, Decision((STEER, RECORD)), RELEASE, told.append, PACE) <= 1
    assert [one.reason for one in told] == ["FallRefused"]


@pytest.mark.parametrize(
    ("error", "reasons"),
    [
        pytest.param(errors.Forbidden("no"), ["WriteRefused"], id="may not"),
        pytest.param(errors.Invalid("no"), ["WriteRefused"], id="refused content"),
        pytest.param(errors.NotGranted("no"), [], id="a missing right is a standing fault"),
        pytest.param(errors.Busy("no"), [], id="the server is busy"),
    ],
)
def test_another_write_is_given_up(error: errors.ClusterError, reasons: list[str]) -> None:
    told: list[Told] = []
    with pytest.raises(type(error)):
        refusals.answer(error, Decision((RECORD, STEER)), RELEASE, told.append, PACE)
    assert [one.reason for one in told] == reasons


@pytest.mark.parametrize("error", [errors.Conflict("changed"), errors.Fenced("another leads")])
def test_no_refusal_is_told_of_a_fall_that_is_not_ours_now(error: errors.ClusterError) -> None:
    told: list[Told] = []
    with pytest.raises(type(error)):
        refusals.answer(error, Decision((STEER, RECORD)), RELEASE, told.append, PACE)
    assert told == []
