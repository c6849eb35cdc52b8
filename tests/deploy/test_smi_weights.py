"""Weights as numbers: Quantities in every spelling, and what cannot be one."""

from fractions import Fraction

import pytest

from deploy.smi import weights


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (None, Fraction(0)),
        (0, Fraction(0)),
        (90, Fraction(90)),
        (0.5, Fraction(1, 2)),
        ("500m", Fraction(1, 2)),
        ("0.5", Fraction(1, 2)),
        (".5", Fraction(1, 2)),
        ("5e-1", Fraction(1, 2)),
        ("1k", Fraction(1000)),
        ("2E3", Fraction(2000)),
        ("1Ki", Fraction(1024)),
        ("-1", Fraction(-1)),
        ("100u", Fraction(1, 10_000)),
        ("half", None),
        ("", None),
        ("1 m", None),
        (True, None),
        ([1], None),
    ],
)
def test_weight_is_read(literal: object, value: Fraction | None) -> None:
    """As apimachinery reads a Quantity; what is no number is None."""
    assert weights.read(literal) == value


@pytest.mark.parametrize(("value", "text"), [(Fraction(1, 2), "500m"), (Fraction(4), 4), (Fraction(0), 0)])
def test_quantity_is_written_in_thousandths(value: Fraction, text: object) -> None:
    """Whole where it is whole."""
    assert weights.form_of("split.smi-spec.io/v1alpha1").write(value) == text


def test_later_versions_hold_whole_numbers_only() -> None:
    """Their clients decode an int."""
    form = weights.form_of("split.smi-spec.io/v1alpha2")
    assert form.factor(Fraction(4, 5), Fraction(1, 2), Fraction(3)) == 10
    with pytest.raises(ValueError, match="multiple of 1/1"):
        form.write(Fraction(1, 2))
