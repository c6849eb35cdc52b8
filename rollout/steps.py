"""The steps of a plan: weights, how long each is stayed at, and where a person is waited for.

5,25,50          rising percentages, at most two decimals
5@2m,25@5m,50    with intervals of their own
5,pause,50       after 5 % has passed, nothing rises until somebody says do=resume
"""

import itertools
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from rollout import durations

PAUSE = "pause"
WHOLE = Decimal(100)
NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?")


@dataclass(frozen=True)
class Step:
    """One stay at a weight (percent). interval: its longest; None is the plan's own.

    pauses: when it has passed, a person is waited for.
    """

    weight: Decimal
    interval: timedelta | None = None
    pauses: bool = False

    def __str__(self) -> str:
        own = "" if self.interval is None else f"@{durations.write(self.interval)}"
        return f"{self.weight.normalize():f}{own}{f',{PAUSE}' if self.pauses else ''}"


def parse(text: object) -> tuple[Step, ...]:
    """Read a list of steps; ValueError with a sentence about what would be right.

    The last may be 100: its stay is the plan's bake, so that it is dropped unless a pause follows it.
    """
    if isinstance(text, tuple):
        return text
    found: list[Step] = []
    for word in str(text).split(","):
        if word.partition("@")[0] == PAUSE:
            found = paused(found, word)
        else:
            found.append(read(word))
    check(found)
    last = found[-1]
    return tuple(found if last.weight < WHOLE or last.pauses else found[:-1])


def paused(before: list[Step], word: str) -> list[Step]:
    """The steps read so far, with a pause behind the last."""
    if word != PAUSE:
        raise ValueError("must have no duration behind pause, which ends with do=resume")
    if not before:
        raise ValueError("must begin with a percentage: a pause follows one, such as 5,pause,50")
    if before[-1].pauses:
        raise ValueError("must have a percentage between two pauses, such as 5,pause,25,pause,50")
    return [*before[:-1], replace(before[-1], pauses=True)]


def read(word: str) -> Step:
    number, sign, interval = word.partition("@")
    if not NUMBER.fullmatch(number):
        raise ValueError("must be rising percentages such as 5,25,50, or 5@2m,25@5m,50, or 5,pause,50")
    if not sign:
        return Step(Decimal(number))
    if not durations.DURATION.fullmatch(interval) or not interval:
        raise ValueError("must have a duration behind @, such as 5@2m,25@1h30m,50")
    return Step(Decimal(number), durations.parse(interval))


def check(found: list[Step]) -> None:
    weights = [step.weight for step in found]
    if any(weight <= 0 or weight > WHOLE for weight in weights):
        raise ValueError("must be percentages above 0 and at most 100, such as 5,25,50")
    if any(later <= earlier for earlier, later in itertools.pairwise(weights)):
        raise ValueError("must rise to at most 100, such as 5,25,50")
    if any(weight * 100 != int(weight * 100) for weight in weights):
        raise ValueError("must have at most two decimals")
    if any(step.interval == timedelta(0) for step in found):
        raise ValueError("must have intervals of at least 1s, such as 5@2m,25@5m,50")
    if found[-1].weight == WHOLE and found[-1].interval is not None:
        raise ValueError("must have no interval at 100, the stay at which is the plan's bake")


def join(steps: tuple[Step, ...]) -> str:
    """The steps as an annotation says them."""
    return ",".join(map(str, steps))
