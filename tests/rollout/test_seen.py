"""What a look carries: values that are told apart by what they say."""

import dataclasses
from typing import Any

import pytest

from rollout import seen
from rollout.seen import Decision, Level, Pace, Record, Steer, Told
from tests.rollout.building import ALL, START, STEP, a_release


def test_a_decision_says_nothing_unless_it_was_told_to() -> None:
    """The empty decision writes nothing, tells nothing, and is called again only by a change."""
    assert Decision() == Decision((), (), None)
    assert Told("Reason", "words").level is Level.NORMAL


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(Decision(), id="decision"),
        pytest.param(Told("a", "b"), id="told"),
        pytest.param(Steer(STEP), id="act"),
        pytest.param(Pace(), id="pace"),
        pytest.param(seen.Seen(START, None), id="look"),
    ],
)
def test_what_was_seen_and_decided_does_not_change(value: Any) -> None:
    """Frozen: between observe, decide and act nothing moves."""
    name = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)


def test_acts_are_told_apart_by_what_they_do() -> None:
    """Equal in content is equal; statuses are compared too."""
    assert Steer(STEP) != Steer(ALL)
    assert Record(a_release().status) == Record(a_release().status)
    assert Record(a_release().status) != Record(a_release(reason="x").status)


def test_a_look_at_nothing_has_an_empty_route() -> None:
    """No split, no legs, no faults: as before the first one."""
    found = seen.Seen(START, None)
    assert (found.route.split, found.route.legs, found.route.faults, found.leavers) == (None, frozenset(), (), 0)


def test_proxies_are_given_time_before_pods_go() -> None:
    """Promise 5: the drain is at least as long as a route takes to settle."""
    pace = Pace()
    assert 0 < pace.settle <= pace.drain
