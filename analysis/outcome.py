"""What an answer from Prometheus can be, so that neither NaN nor silence is ever taken for a number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from analysis import errors


@dataclass(frozen=True)
class Number:
    """A finite value."""

    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"a Number is finite, got {self.value}")


@dataclass(frozen=True)
class Nothing:
    """No series, or NaN: there was nothing to measure."""


@dataclass(frozen=True)
class Broken:
    """No trustworthy answer; `text` says what was found and where."""

    fault: errors.Fault
    text: str


@dataclass(frozen=True)
class Row:
    """One series of an instant vector; its value may be NaN or infinite until `of` has looked at it."""

    labels: Mapping[str, str] = field(hash=False)
    value: float


@dataclass(frozen=True)
class Table:
    """An instant vector: any number of series, none of them twice."""

    rows: tuple[Row, ...] = ()


Outcome = Number | Nothing | Broken
Answer = Table | Broken


def of(value: float) -> Outcome:
    """Name a raw value: NaN is nothing, infinity is broken."""
    if math.isnan(value):
        return Nothing()
    if math.isinf(value):
        return Broken(errors.Fault.NOT_FINITE, f"the value is {value}, which is no measurement: is it divided by zero?")
    return Number(value)


def number(answer: Answer) -> Outcome:
    """Reduce an answer to the one number that was asked for; several series are broken, none is nothing."""
    if isinstance(answer, Broken):
        return answer
    if not answer.rows:
        return Nothing()
    if len(answer.rows) == 1:
        return of(answer.rows[0].value)
    found = ", ".join(str(dict(row.labels)) for row in answer.rows[:3])
    text = f"{len(answer.rows)} series answered where one was asked for, among them {found}: sum them in the query"
    return Broken(errors.Fault.AMBIGUOUS, text)


def cell(table: Table, labels: Mapping[str, str]) -> Outcome | None:
    """The value of the series that has exactly these labels; None where there is no such series."""
    for row in table.rows:
        if dict(row.labels) == dict(labels):
            return of(row.value)
    return None
