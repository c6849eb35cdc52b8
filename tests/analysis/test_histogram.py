"""Quantiles of cumulative histograms: what the edges tell for certain."""

import math
from decimal import Decimal

import pytest

from analysis import histogram, mesh, outcome

INF = math.inf
P99 = Decimal("0.99")


@pytest.mark.parametrize(
    ("buckets", "share", "expected"),
    [
        pytest.param({500: 99, 1000: 100, INF: 100}, P99, (0, 500, 500), id="exactly at an edge belongs below it"),
        pytest.param({500: 98, 1000: 100, INF: 100}, P99, (500, 1000, 750), id="between two edges"),
        pytest.param({500: 0, 1000: 100, INF: 100}, P99, (500, 1000, 995), id="an empty bucket holds nothing"),
        pytest.param({500: 0, 1000: 0, INF: 10}, P99, (1000, INF, 1000), id="above the last edge"),
        pytest.param({INF: 10}, P99, (0, INF, 0), id="no edges at all"),
        pytest.param({500: 1, 1000: 1, INF: 1}, P99, (0, 500, 495), id="a single request"),
        pytest.param({1000: 10, 500: 9, INF: 10}, Decimal("0.9"), (0, 500, 500), id="edges in any order"),
        pytest.param({500: 9, 1000: 7, INF: 10}, P99, (1000, INF, 1000), id="a bucket that was born late"),
        pytest.param({1: 333, INF: 1000}, Decimal("0.333"), (0, 1, 1), id="no rounding at the edge"),
    ],
)
def test_a_quantile_lies_between_two_edges(
    buckets: dict[float, float], share: Decimal, expected: tuple[float, float, float]
) -> None:
    """Lower edge, upper edge, and a linear guess between them."""
    assert histogram.quantile(buckets, share) == histogram.Quantile(*expected)


@pytest.mark.parametrize(
    "buckets",
    [
        pytest.param({}, id="no series"),
        pytest.param({500: 0, INF: 0}, id="no requests"),
        pytest.param({500: 1}, id="no total"),
        pytest.param({500: math.nan, INF: 5}, id="nan"),
        pytest.param({500: 1, INF: INF}, id="infinite"),
    ],
)
def test_no_quantile_of_nothing(buckets: dict[float, float]) -> None:
    """None, and no number that could be compared."""
    assert histogram.quantile(buckets, P99) is None


def test_buckets_are_read_by_their_edges() -> None:
    """Two spellings of one edge are one bucket; rows without an edge are none."""
    labels = [{"le": "500"}, {"le": "500.0"}, {"le": "+Inf"}, {"le": "many"}, {}]
    rows = [outcome.Row(row, 2.0) for row in labels]
    assert histogram.buckets(rows) == {500: 4, INF: 2}
    assert histogram.buckets(rows, mesh.Unit.SECONDS) == {500_000: 4, INF: 2}
