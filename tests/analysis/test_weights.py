"""Weights as the traffic itself shows them."""

from collections.abc import Iterable
from decimal import Decimal

import pytest

from analysis import weights
from analysis.windows import Count, Window

STEPS = (Decimal(5), Decimal(25), Decimal(50), Decimal(100))


def windows(splits: Iterable[tuple[int, int]]) -> list[Window]:
    """One every 10 s: the canary's requests and stable's."""
    return [
        Window(index, 10.0 * (index + 1), canary=(Count(own),), stable=(Count(other),))
        for index, (own, other) in enumerate(splits)
    ]


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        pytest.param([(26, 474), (130, 370), (250, 250), (500, 0)], [(0, 5), (10, 25), (20, 50), (30, 100)], id="all"),
        pytest.param([(0, 500), (26, 474), (24, 476)], [(10, 5)], id="begins late"),
        pytest.param([(26, 474), (0, 500), (0, 500)], [(0, 5), (10, 0)], id="falls"),
        pytest.param([(500, 0), (498, 2)], [(0, 100)], id="a few that went astray"),
        pytest.param([(26, 474), (75, 425), (125, 375)], [(0, 5), (15, 25)], id="changed in mid-window"),
        pytest.param([(250, 250), (0, 0), (251, 249)], [(0, 50)], id="a silent window"),
        pytest.param([(4, 16), (6, 14), (5, 15)], [(0, 25)], id="few requests"),
        pytest.param([(0, 500), (0, 400)], [], id="no canary"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_the_likeliest_rise_is_found(splits: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    """As (second, percent); a window that no weight explains is one in which it changed."""
    found = weights.seen(windows(splits), 10.0, STEPS)
    assert [(change.at, float(change.weight)) for change in found] == expected
