"""A look is late against when it was first due."""

from dataclasses import dataclass

import pytest

from rollout.lateness import Lateness


@dataclass
class Watch:
    """A clock that is set by hand."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Watch:
    return Watch()


def test_a_planned_look_is_late_against_its_plan(clock: Watch) -> None:
    """The clock rang 0.2 s late, and the queue took 0.3 s."""
    lateness = Lateness(clock)
    lateness.plan("shop/web", 5)
    clock.now = 105.2
    lateness.ring("shop/web")
    clock.now = 105.5
    assert lateness.begin("shop/web") == pytest.approx(0.5)
    assert lateness.begin("shop/web") == 0


def test_a_change_calls_for_a_look_at_once(clock: Watch) -> None:
    """Called for twice, it was due at the first call; a plan that comes later does not excuse it."""
    lateness = Lateness(clock)
    lateness.call("shop/web")
    lateness.plan("shop/web", 60)
    clock.now += 2
    lateness.call("shop/web")
    clock.now += 1
    assert lateness.begin("shop/web") == 3


def test_a_look_that_nobody_called_for_is_not_late(clock: Watch) -> None:
    """A name that rings without a plan is due when it rings; after a change of leader nothing is due."""
    lateness = Lateness(clock)
    lateness.ring("shop/web")
    assert lateness.begin("shop/web") == 0
    lateness.call("shop/web")
    lateness.plan("shop/api", 1)
    lateness.clear()
    clock.now += 50
    lateness.ring("shop/api")
    assert (lateness.begin("shop/web"), lateness.begin("shop/api")) == (0, 0)


def test_what_was_not_looked_at_for_long_is_silent(clock: Watch) -> None:
    """The net passes over what is looked at anyway; of what it does not ask about nothing is kept."""
    lateness = Lateness(clock)
    lateness.begin("shop/web")
    lateness.begin("shop/rests")
    clock.now += 29
    lateness.begin("shop/api")
    clock.now += 1
    assert lateness.silent(("shop/web", "shop/api", "shop/new"), 30) == ["shop/web", "shop/new"]
    assert lateness.silent(("shop/rests",), 60) == ["shop/rests"]
    lateness.clear()
    assert lateness.silent(("shop/api",), 30) == ["shop/api"]
