"""Numbers as a person reads them."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from analysis import histogram, sentences


@pytest.mark.parametrize(
    ("share", "threshold", "text"),
    [
        pytest.param(Fraction(100), "99", "100 %", id="all"),
        pytest.param(Fraction(0), "99", "0 %", id="none"),
        pytest.param(Fraction(98996, 1000), "99", "98.9 %", id="never rounded up to the threshold"),
        pytest.param(Fraction(99951, 1000), "99.95", "99.95 %", id="in the threshold's decimals"),
        pytest.param(Fraction(99951, 1000), "99.950", "99.95 %", id="zeros at the end do not count"),
        pytest.param(Fraction(200, 3), "100", "66.6 %", id="a threshold of tens"),
        pytest.param(Fraction(200, 3), None, "66.6 %", id="no threshold"),
    ],
)
def test_a_percentage_never_looks_better_than_it_is(share: Fraction, threshold: str | None, text: str) -> None:
    """Cut to the decimals in which the threshold is given."""
    assert sentences.percent(share, None if threshold is None else Decimal(threshold)) == text


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=1), "1 s"),
        (timedelta(seconds=90), "90 s"),
        (timedelta(seconds=120), "2 min"),
        (timedelta(minutes=6), "6 min"),
        (timedelta(minutes=119), "119 min"),
        (timedelta(hours=3), "3 h"),
    ],
)
def test_a_span_has_one_unit(length: timedelta, text: str) -> None:
    """Seconds to two minutes, minutes to two hours."""
    assert sentences.span(length) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5 ms"), (2.346, "2.35 ms"), (12.6, "13 ms"), (10_000, "10,000 ms")]
)
def test_a_latency_is_whole_where_it_is_long(value: float, text: str) -> None:
    """Fractions matter below ten milliseconds."""
    assert sentences.milliseconds(value) == text


@pytest.mark.parametrize(("share", "name"), [("0.99", "p99"), ("0.5", "p50"), ("0.999", "p99.9"), ("0.9990", "p99.9")])
def test_a_quantile_has_its_usual_name(share: str, name: str) -> None:
    """As it is written in the annotation."""
    assert sentences.quantile_name(Decimal(share)) == name


def test_what_lies_above_the_last_edge_has_no_upper_end() -> None:
    """No infinite milliseconds in an Event."""
    assert sentences.between(histogram.Quantile(3600, float("inf"), 3600)) == "above 3,600 ms"
