"""What Prometheus would compute of counters that are at hand."""

import math
from decimal import Decimal

import pytest

from analysis import counters
from analysis.counters import Counter
from analysis.mesh import Unit


def counter(points: dict[float, float], fails: bool = False, edge: float | None = None) -> Counter:
    return Counter("web", tuple(points), tuple(points.values()), fails, edge)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param({15: 0, 30: 30, 45: 60, 60: 90}, 1.5, id="stops at zero, where it cannot have been less"),
        pytest.param({0.1: 100, 15: 130, 30: 160, 45: 190, 60: 220}, 120 * 60 / 59.9 / 60, id="both borders near"),
        pytest.param({30: 30, 45: 60}, (30 * (15 + 15 / 2 + 15) / 15) / 60, id="half a gap where a border is far"),
        pytest.param({15: 100, 30: 130, 45: 10, 60: 40}, (70 * 60 / 45) / 60, id="a reset counts on"),
        pytest.param({60: 90}, None, id="one sample is no rate"),
        pytest.param({}, None, id="none is neither"),
    ],
)
def test_rate_is_extrapolated_as_prometheus_does(points: dict[float, float], expected: float | None) -> None:
    """At 60 s, over a minute."""
    found = counters.rate(counter(points), 60.0)
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param({0: 10, 30: 15, 60: 22}, 7, id="from the last before the window"),
        pytest.param({50: 4}, 4, id="born in the window"),
        pytest.param({0: 10, 60: 3}, 3, id="reset"),
        pytest.param({0: 10}, None, id="nothing in the window"),
        pytest.param({-2000: 10, 60: 30}, 30, id="what is older than a quarter of an hour is forgotten"),
    ],
)
def test_difference_counts_whole_requests(points: dict[float, float], expected: float | None) -> None:
    """In the 30 s before 60 s."""
    assert counters.difference(counter(points), 60.0, 30.0) == expected


def test_success_is_the_share_of_the_rates() -> None:
    """A counter of latency is no request."""
    good, bad = counter({0: 0, 60: 90}), counter({0: 0, 60: 10}, fails=True)
    assert counters.success([good, bad, counter({0: 0, 60: 50}, edge=1.0)], 60.0) is None
    good, bad = counter({5: 0, 60: 90}), counter({5: 0, 60: 10}, fails=True)
    assert counters.success([good, bad], 60.0) == pytest.approx(90.0)


def test_success_of_no_movement_is_no_number() -> None:
    """0 / 0 in PromQL."""
    found = counters.success([counter({5: 7, 60: 7})], 60.0)
    assert found is not None
    assert math.isnan(found)


def test_a_quantile_is_interpolated_and_in_milliseconds() -> None:
    """Edges of 0.1 s and 0.5 s: the 75th of 100 lies in the middle of the second bucket."""
    found = [counter({5: 0, 60: count}, edge=edge) for edge, count in ((0.1, 50.0), (0.5, 100.0), (math.inf, 100.0))]
    assert counters.quantile(found, 60.0, Decimal("0.75"), Unit.SECONDS) == pytest.approx(300.0)
    assert counters.quantile([], 60.0, Decimal("0.75")) is None
