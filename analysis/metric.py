"""A custom metric: a query in which words stand for what differs from release to release, and a bound for its value."""

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

CANARY, STABLE, NAMESPACE, SERVICE, WINDOW = WORDS = ("canary", "stable", "namespace", "service", "window")
"""What may stand between `{{` and `}}` in a query: two workloads, where they are, and the window of the look."""

PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
SAME = 1e-9
"""Relative difference up to which a value counts as its bound: 1.3 - 1.0 keeps 0.3."""


@dataclass(frozen=True)
class Within:
    """The value lies in a range; None leaves a side open, and one of them is given."""

    least: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        if self.least is None and self.most is None:
            raise ValueError("a range has a least or a most value, got neither")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"a range runs from its least to its most, got {self.least:g} to {self.most:g}")


@dataclass(frozen=True)
class Ratio:
    """The canary's value is at most `limit` times stable's."""

    limit: float


@dataclass(frozen=True)
class Difference:
    """The canary's value is at most `limit` above stable's."""

    limit: float


Bound = Within | Ratio | Difference


@dataclass(frozen=True)
class Metric:
    """One custom metric; `hint` is its author's own sentence about what a bad value means."""

    name: str
    query: str
    bound: Bound
    hint: str = ""

    @property
    def is_compared(self) -> bool:
        """Whether stable's value is needed."""
        return not isinstance(self.bound, Within)

    @property
    def tells_legs_apart(self) -> bool:
        """Whether the same query can be asked about stable."""
        return CANARY in _words(self.query)


def faults(metric: Metric) -> tuple[str, ...]:
    """What is wrong with a metric before anything is asked; empty if nothing."""
    found = [_unknown(word) for word in _words(metric.query) if word not in WORDS]
    if metric.is_compared and not metric.tells_legs_apart:
        found.append("a query that is compared with stable must name {{canary}}, in whose place stable's name is put")
    return tuple(f"metric {metric.name}: {text}" for text in found)


def fill(query: str, values: Mapping[str, str]) -> str:
    """The query with each word's value in its place; KeyError for a word without one."""
    return PLACE.sub(lambda found: values[found[1].strip()], query)


def beyond(bound: Bound, canary: float, stable: float | None) -> str | None:
    """How a value breaks its bound, in words that follow the value; None where it keeps it."""
    match bound:
        case Within(_, most) if most is not None and over(canary, most):
            return f"above {number(most)}"
        case Within(least, _) if least is not None and over(least, canary):
            return f"below {number(least)}"
        case Ratio(limit) if stable is not None and over(canary, limit * stable):
            return f"above {number(limit)} times stable's {number(stable)}"
        case Difference(limit) if stable is not None and over(canary - stable, limit):
            return f"more than {number(limit)} above stable's {number(stable)}"
        case _:
            return None


def over(value: float, limit: float) -> bool:
    return value > limit and not math.isclose(value, limit, rel_tol=SAME)


def number(value: float) -> str:
    """At most six digits."""
    return f"{value:.6g}"


def bound_words(bound: Bound, stable: float | None) -> str:
    """What the bound asks for."""
    match bound:
        case Within(None, most):
            return f"at most {number(most or 0)}"
        case Within(least, None):
            return f"at least {number(least or 0)}"
        case Within(least, most):
            return f"between {number(least or 0)} and {number(most or 0)}"
        case Ratio(limit):
            return f"at most {number(limit)} times stable's {number(stable or 0)}"
        case Difference(limit):
            return f"at most {number(limit)} above stable's {number(stable or 0)}"


def _words(query: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in PLACE.findall(query))


def _unknown(word: str) -> str:
    near = difflib.get_close_matches(word, WORDS, n=1, cutoff=0.0)[0]
    return f"{{{{{word}}}}} is not a known word; the nearest is {{{{{near}}}}}"
