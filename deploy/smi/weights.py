"""Weights of a TrafficSplit as numbers, and back: Quantities in v1alpha1, whole numbers from v1alpha2 on.

A weight is relative to the sum of its list. The extension of Linkerd reads v1alpha1 and sends each weight as
uint32(milli x 10), so that is what HEAVIEST keeps within; clients of the later versions decode a weight as an int.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm

QUANTITY_VERSION = "v1alpha1"
HEAVIEST = {True: Fraction(2**32 - 1, 10_000), False: Fraction(2**31 - 1)}
"""By whether weights are Quantities."""

Literal = int | float | str
"""A weight as it stands in an object."""

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(n|u|m||k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d{1,3})")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


@dataclass(frozen=True)
class Form:
    """How weights are written at one version: in thousandths where they are Quantities, else whole."""

    quantities: bool

    @property
    def grain(self) -> int:
        """How many of the smallest weights make one."""
        return 1000 if self.quantities else 1

    @property
    def heaviest(self) -> Fraction:
        return HEAVIEST[self.quantities]

    def write(self, value: Fraction) -> Literal:
        """A weight that this form can hold: 3, or "500m"; zero is written as 0. ValueError for any other."""
        if value.denominator == 1:
            return int(value)
        fine = value * self.grain
        if fine.denominator != 1:
            raise ValueError(f"a weight is a multiple of 1/{self.grain}, got {value}")
        return f"{int(fine)}m"

    def factor(self, *values: Fraction) -> int:
        """The smallest whole number that makes each of the values one which this form can hold."""
        return lcm(*((value * self.grain).denominator for value in values))


def form_of(api_version: str) -> Form:
    """The form of an object by its apiVersion."""
    return Form(api_version.rpartition("/")[2] == QUANTITY_VERSION)


def read(literal: object) -> Fraction | None:
    """The number that a weight stands for; 0 where it is absent, None where it is no number."""
    match literal:
        case None:
            return Fraction(0)
        case bool():
            return None
        case int():
            return Fraction(literal)
        case float():
            return Fraction(Decimal(repr(literal)))
        case str():
            return _quantity(literal)
        case _:
            return None


def _quantity(text: str) -> Fraction | None:
    """A Quantity (apimachinery, pkg/api/resource)."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    number, suffix = Fraction(Decimal(found[1])), found[2]
    if suffix in _BINARY:
        return number * Fraction(2 ** _BINARY[suffix])
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
    return number * Fraction(10**exponent if exponent >= 0 else 1, 10**-exponent if exponent < 0 else 1)
