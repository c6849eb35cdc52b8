"""The clock: what is due rings once, also late, and what broke off is told."""

import threading
import time
from collections.abc import Iterator

import pytest

from rollout.clock import Clock

WAIT = 60.0


class Bell:
    """Counts what rang, and waits for a number of rings."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.lost: list[str] = []
        self._change = threading.Condition()

    def ring(self, name: str) -> None:
        with self._change:
            self.rung.append(name)
            self._change.notify_all()

    def lose(self, name: str) -> None:
        with self._change:
            self.lost.append(name)
            self._change.notify_all()

    def wait(self, rung: int = 0, lost: int = 0) -> bool:
        with self._change:
            return self._change.wait_for(lambda: len(self.rung) >= rung and len(self.lost) >= lost, WAIT)


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def clock(bell: Bell) -> Iterator[Clock]:
    clock = Clock(bell.ring, bell.lose)
    yield clock
    clock.stop()


def test_a_name_rings_once(clock: Clock, bell: Bell) -> None:
    """Set again before it is due, only the last time counts."""
    clock.start()
    clock.after(60, "a")
    clock.after(0.05, "a")
    clock.after(0.1, "b")
    assert bell.wait(rung=2)
    assert bell.rung == ["a", "b"]


def test_what_is_overdue_still_rings(clock: Clock, bell: Bell) -> None:
    """A time in the past, and one that passed while the clock stood."""
    clock.after(-5, "past")
    clock.after(0.01, "late")
    time.sleep(0.05)
    clock.start()
    assert bell.wait(rung=2)
    assert sorted(bell.rung) == ["late", "past"]


def test_many_names_due_at_once_all_ring(clock: Clock, bell: Bell) -> None:
    """None is lost for lack of a free hand."""
    clock.start()
    for number in range(200):
        clock.after(0.01, f"n{number}")
    assert bell.wait(rung=200)
    assert len(set(bell.rung)) == 200


def test_the_net_is_cast_again_and_again(clock: Clock, bell: Bell) -> None:
    """Against every lost wake-up."""
    clock.start()
    clock.every(0.02, lambda: bell.ring("net"), "net")
    assert bell.wait(rung=3)


def test_what_broke_off_is_told(bell: Bell) -> None:
    """The name is given back to the queue by the one who hears of it."""

    def broken(name: str) -> None:
        raise RuntimeError(name)

    clock = Clock(broken, bell.lose)
    clock.start()
    clock.after(0, "a")
    assert bell.wait(lost=1)
    clock.stop()
    assert bell.lost == ["a"]
