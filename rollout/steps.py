"""The steps of a plan: weights, how long each is stayed at, and where a person is waited for.

5,25,50          rising percentages, at most two decimals
5@2m,25@5m,50    with intervals of their own
5,pause,50       after 5 % has passed, nothing rises until somebody says do=resume
header:x-canary=1,5,25    first only the requests that have this header (or cookie:beta=yes)
mirror:10,5,25   first a copy of 10 % of the requests, whose answers nobody gets
"""

import itertools
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from rollout import durations

PAUSE = "pause"
WHOLE = Decimal(100)
COPY = "mirror"
NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?")


ONLY = re.compile(r"(?:header:[a-z0-9][a-z0-9-]{0,63}|cookie:[A-Za-z0-9_.-]{1,64})=[A-Za-z0-9._~-]{1,64}")


@dataclass(frozen=True)
class Step:
    """One stay at a weight (percent). interval: its longest; None is the plan's own.

    pauses: when it has passed, a person is waited for.
    only: the requests that meet the version, before it has any weight: `header:name=value` or `cookie:name=value`.
    mirror: percent of the requests of which it gets a copy, before it has any weight.
    """

    weight: Decimal
    interval: timedelta | None = None
    pauses: bool = False
    only: str = ""
    mirror: Decimal | None = None

    @property
    def lead(self) -> str:
        """What a step before any weight is told by; empty for the others."""
        return self.only if self.mirror is None else f"{COPY}:{self.mirror.normalize():f}"

    @property
    def name(self) -> str:
        return self.lead or f"{self.weight.normalize():f}"

    def __str__(self) -> str:
        own = "" if self.interval is None else f"@{durations.write(self.interval)}"
        return f"{self.name}{own}{f',{PAUSE}' if self.pauses else ''}"


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


def position(weight: Decimal, lead_name: str) -> Step:
    """A step by what a Release keeps of it."""
    return read(lead_name) if lead_name else Step(weight)


def paused(before: list[Step], word: str) -> list[Step]:
    """The steps read so far, with a pause behind the last."""
    if word != PAUSE:
        raise ValueError("must have no duration behind pause, which ends with do=resume")
    if not before:
        raise ValueError("must not begin with a pause, which follows a step, such as 5,pause,50")
    if before[-1].pauses:
        raise ValueError("must have a step between two pauses, such as 5,pause,25,pause,50")
    return [*before[:-1], replace(before[-1], pauses=True)]


def read(word: str) -> Step:
    said, sign, interval = word.partition("@")
    step = lead(said) if ":" in said else None
    if step is None and not NUMBER.fullmatch(said):
        raise ValueError("must be rising percentages such as 5,25,50, or 5@2m,25@5m,50, or 5,pause,50")
    step = step or Step(Decimal(said))
    if not sign:
        return step
    if not durations.DURATION.fullmatch(interval) or not interval:
        raise ValueError("must have a duration behind @, such as 5@2m,25@1h30m,50")
    return replace(step, interval=durations.parse(interval))


def lead(said: str) -> Step:
    """A step before any weight."""
    kind, _, rest = said.partition(":")
    match kind:
        case "header" | "cookie":
            if not ONLY.fullmatch(said):
                raise ValueError(
                    "must name a header (in small letters) or a cookie and its whole value, of letters, digits and"
                    " ._~-, such as header:x-canary=1 or cookie:beta=yes"
                )
            return Step(Decimal(0), only=said)
        case "mirror":
            if not NUMBER.fullmatch(rest) or not 0 < Decimal(rest) <= WHOLE:
                raise ValueError("must mirror a percentage above 0 and at most 100, such as mirror:10")
            return Step(Decimal(0), mirror=Decimal(rest))
        case _:
            raise ValueError("must have header:, cookie: or mirror: before a colon, such as header:x-canary=1,5,25")


def check(found: list[Step]) -> None:
    leads = [step.lead for step in found if step.lead]
    weights = [step.weight for step in found if not step.lead]
    if any(later.lead and not earlier.lead for earlier, later in itertools.pairwise(found)):
        raise ValueError("must have header, cookie and mirror steps before any percentage, such as mirror:10,5,25")
    if len(set(leads)) < len(leads):
        raise ValueError("must name each header, cookie and mirror step once")
    if any(weight <= 0 or weight > WHOLE for weight in weights):
        raise ValueError("must be percentages above 0 and at most 100, such as 5,25,50")
    if any(later <= earlier for earlier, later in itertools.pairwise(weights)):
        raise ValueError("must rise to at most 100, such as 5,25,50")
    if any(weight * 100 != int(weight * 100) for weight in (*weights, *(step.mirror or 0 for step in found))):
        raise ValueError("must have at most two decimals")
    if any(step.interval == timedelta(0) for step in found):
        raise ValueError("must have intervals of at least 1s, such as 5@2m,25@5m,50")
    if found[-1].weight == WHOLE and found[-1].interval is not None:
        raise ValueError("must have no interval at 100, the stay at which is the plan's bake")


def join(steps: tuple[Step, ...]) -> str:
    """The steps as an annotation says them."""
    return ",".join(map(str, steps))
