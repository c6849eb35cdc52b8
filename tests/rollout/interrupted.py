"""A whole release one of whose writes fails: refused, or done and its answer lost (promise 6)."""

import contextlib
from collections.abc import Callable

import pytest

from deploy import errors
from tests.rollout.a_shop import Shop, at_rest
from tests.rollout.small_cluster import Written

Rests = Callable[[Shop], bool]

HOW = [pytest.param(False, id="refused"), pytest.param(True, id="done, answer lost")]
"""Whether the write that fails was done."""


def count_writes(shop: Shop, rests: Rests = at_rest) -> int:
    """All writes of the release, when none fails."""
    shop.live(rests)
    return len(shop.cluster.writes)


def live_through(shop: Shop, place: int, done: bool, rests: Rests = at_rest) -> None:
    """Look until the release is over, and some more, while the write at this place fails; it must have come to it."""
    failed: list[Written] = []
    fail = failing(place, failed)
    shop.cluster.before, shop.cluster.after = (shop.cluster.before, fail) if done else (fail, shop.cluster.after)
    looks = 0
    while not (failed and rests(shop)) and looks < 80:
        looks += 1
        with contextlib.suppress(errors.Unreachable):
            shop.look()
    for _ in range(3):
        shop.look()
    assert len(failed) == 1


def failing(place: int, failed: list[Written]) -> Callable[[Written], None]:
    """The write at this place, of all from now on, meets a server that does not answer."""
    count = iter(range(10_000))

    def fail(written: Written) -> None:
        if next(count) == place:
            failed.append(written)
            raise errors.Unreachable(f"{written} was not answered")

    return fail
