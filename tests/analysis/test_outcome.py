"""Answers become numbers only where they are numbers."""

import math

import pytest

from analysis import errors, outcome

TABLE = outcome.Table((outcome.Row({"pod": "a"}, 1.0), outcome.Row({"pod": "b", "zone": "x"}, math.nan)))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_is_finite(value: float) -> None:
    """No NaN can be built into a comparison."""
    with pytest.raises(ValueError, match="finite"):
        outcome.Number(value)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param({"pod": "a"}, outcome.Number(1), id="found"),
        pytest.param({"pod": "b", "zone": "x"}, outcome.Nothing(), id="nan"),
        pytest.param({"pod": "b"}, None, id="another label too many"),
        pytest.param({"pod": "c"}, None, id="not there"),
    ],
)
def test_a_cell_is_found_by_all_its_labels(labels: dict[str, str], expected: outcome.Outcome | None) -> None:
    """A series with further labels is another series."""
    assert outcome.cell(TABLE, labels) == expected


def test_a_broken_answer_stays_broken() -> None:
    """Reducing it to a number loses neither its name nor its words."""
    broken = outcome.Broken(errors.Fault.PARTIAL, "store b is away")
    assert outcome.number(broken) is broken


def test_each_error_has_a_fault_of_its_own() -> None:
    """Every name in a verdict tells one error of the tree."""
    assert sorted(kind.fault for kind in errors.PrometheusError.__subclasses__()) == sorted(
        set(errors.Fault) - {errors.Fault.AMBIGUOUS, errors.Fault.NOT_FINITE}
    )
