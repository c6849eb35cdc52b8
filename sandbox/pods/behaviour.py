"""How a container behaves, read from its image's tag.

The tag is a version and any number of words, joined by hyphens: `web:v2-errors20-slow800p5`. Numbers may have a
decimal point. Shares are percent of requests, chosen at random.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Behaviour:
    """What a container does. Times are seconds from its start, unless named otherwise."""

    version: str
    error_percent: float = 0.0
    cold_until: float = 0.0
    cold_error_percent: float = 0.0
    slow_milliseconds: float = 0.0
    slow_percent: float = 100.0
    speaks_grpc: bool = False
    grpc_failure_percent: float = 0.0
    grpc_failure: int = 0
    ready_after: float = 0.5
    never_ready: bool = False
    exits_after: float | None = None
    pull_fails: bool = False


@dataclass(frozen=True)
class Answer:
    """One reply: HTTP status, extra delay in seconds, and grpc-status where the container speaks gRPC."""

    status: int = 200
    delay: float = 0.0
    grpc_status: int | None = None


class UnknownWord(ValueError):
    """A tag holds a word that means nothing; a misspelt test must not look like a healthy pod."""

    def __init__(self, image: str, word: str) -> None:
        self.word = word
        super().__init__(f"image {image}: the tag's word {word!r} is unknown; known are {', '.join(GRAMMAR)}")


_N = r"(\d+(?:\.\d+)?)"
_Make = Callable[[Behaviour, list[float]], Behaviour]

INTERNAL = 13
UNAVAILABLE = 14
"""gRPC status codes. Istio's default retries hide most of UNAVAILABLE from the client, nothing of INTERNAL."""

CRASH_AFTER = 0.3
"""Seconds: before a container that crashes at start would have been ready."""

_WORDS: dict[str, tuple[str, _Make]] = {
    "errorsN": (rf"errors{_N}", lambda b, n: replace(b, error_percent=n[0])),
    "coldSeN": (rf"cold{_N}e{_N}", lambda b, n: replace(b, cold_until=n[0], cold_error_percent=n[1])),
    "slowMS": (rf"slow{_N}", lambda b, n: replace(b, slow_milliseconds=n[0])),
    "slowMSpN": (rf"slow{_N}p{_N}", lambda b, n: replace(b, slow_milliseconds=n[0], slow_percent=n[1])),
    "grpc": (r"grpc", lambda b, _: replace(b, speaks_grpc=True)),
    "grpcfailN": (rf"grpcfail{_N}", lambda b, n: _fails_by_grpc(b, UNAVAILABLE, n[0])),
    "grpcerrorN": (rf"grpcerror{_N}", lambda b, n: _fails_by_grpc(b, INTERNAL, n[0])),
    "startS": (rf"start{_N}", lambda b, n: replace(b, ready_after=n[0])),
    "neverready": (r"neverready", lambda b, _: replace(b, never_ready=True)),
    "crashloop": (r"crashloop", lambda b, _: replace(b, exits_after=CRASH_AFTER)),
    "exitS": (rf"exit{_N}", lambda b, n: replace(b, exits_after=n[0])),
    "pullfail": (r"pullfail", lambda b, _: replace(b, pull_fails=True)),
}

GRAMMAR = tuple(_WORDS)


def _fails_by_grpc(behaviour: Behaviour, code: int, percent: float) -> Behaviour:
    return replace(behaviour, speaks_grpc=True, grpc_failure=code, grpc_failure_percent=percent)


def parse(image: str) -> Behaviour:
    """Read an image's tag; no tag means version `latest`. Raises UnknownWord for a word that is not in GRAMMAR."""
    name_and_tag = image.partition("@")[0].rpartition("/")[2]
    version, *words = (name_and_tag.partition(":")[2] or "latest").split("-")
    behaviour = Behaviour(version)
    for word in words:
        behaviour = _apply(behaviour, image, word)
    return behaviour


def _apply(behaviour: Behaviour, image: str, word: str) -> Behaviour:
    for pattern, make in _WORDS.values():
        if found := re.fullmatch(pattern, word):
            return make(behaviour, [float(number) for number in found.groups()])
    raise UnknownWord(image, word)


def answer(behaviour: Behaviour, age: float, dice: random.Random) -> Answer:
    """What the container answers to one request, `age` seconds after its start."""
    delay = 0.0
    if _hits(behaviour.slow_percent, dice):
        delay = behaviour.slow_milliseconds / 1000
    cold = behaviour.cold_error_percent if age < behaviour.cold_until else 0.0
    status = 500 if _hits(behaviour.error_percent, dice) or _hits(cold, dice) else 200
    if not behaviour.speaks_grpc:
        return Answer(status, delay)
    if status == 500:
        return Answer(200, delay, INTERNAL)
    return Answer(200, delay, behaviour.grpc_failure if _hits(behaviour.grpc_failure_percent, dice) else 0)


def _hits(percent: float, dice: random.Random) -> bool:
    return percent > 0 and dice.random() * 100 < percent
