"""What the values of flags may be: each reader says what would be right, and what was found."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from rollout import durations, plan
from rollout import steps as stepping

Value = TypeVar("Value")


def reader(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """A `type` for argparse from a function that raises ValueError with a sentence."""

    def read(text: str) -> Value:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error}, got {text!r}") from error

    return read


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number within limits."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least:,} to {most:,}")
        return int(text)

    return reader(parse)


def number(least: float, most: float) -> Callable[[str], float]:
    """A number within limits."""

    def parse(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = least - 1
        if not least <= found <= most:
            raise ValueError(f"must be a number from {least:g} to {most:,.0f}")
        return found

    return reader(parse)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min
    if found.tzinfo is None:
        raise ValueError("must be a time with its zone such as 2026-11-03T10:00:00Z")
    return found.astimezone(UTC)


def _percent(text: str) -> Decimal:
    found = plan.parse_percent(text)
    if found == 0:
        raise ValueError("must be a percentage above 0 and at most 100, such as 99 or 99.5")
    return found


time = reader(_time)
percent = reader(plan.parse_percent)
rate = reader(_percent)


def _steps(text: str) -> tuple[Decimal, ...]:
    found = stepping.parse(text)
    if any(step.interval or step.pauses or step.lead for step in found):
        raise ValueError("must be percentages alone, such as 5,25,50")
    return tuple(step.weight for step in found)


steps = reader(_steps)


def _stay(text: str) -> float:
    found = durations.parse(text).total_seconds()
    if not 1 <= found <= 86400:
        raise ValueError("must be a duration from 1s to 24h")
    return found


seconds = reader(_stay)
"""A duration as seconds."""


def output(commands: argparse.ArgumentParser) -> None:
    """The flag for who reads the answer."""
    commands.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="for people or for programs (default: table)"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """Columns beside each other: the first and the last `words` - 1 to the left, numbers to the right."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    left = {0, *range(len(head) - words + 1, len(head))}
    return "\n".join(
        "  ".join(
            text.ljust(width) if place in left else text.rjust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
