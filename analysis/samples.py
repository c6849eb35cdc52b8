"""Raw samples of counters, as a range selector gives them, and to whom each series belongs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from analysis import outcome, queries

NAME = "__name__"

POD = ("pod", "kubernetes_pod_name", "pod_name", "instance")
"""Labels that name a pod, the best first; an instance's port is cut off, because one pod may be scraped at several."""

TARGET = ("job", "instance", "endpoint", "container", "prometheus", "prometheus_replica", "replica")
"""Labels that a scrape gives to all that it finds: series of one pod that differ in them are the same counted twice."""

MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"(.*)"')


@dataclass(frozen=True)
class Series:
    """One counter's samples: times in Unix seconds, rising, and as many values, none of them NaN."""

    labels: Mapping[str, str] = field(hash=False)
    times: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.times or len(self.times) != len(self.values):
            raise ValueError(f"a series has a value for each time, got {len(self.values)} for {len(self.times)}")

    @property
    def pod(self) -> str:
        """The pod that counted; empty where no label tells."""
        label = next((label for label in POD if label in self.labels), "")
        name = self.labels.get(label, "")
        return name.rpartition(":")[0] or name if label == "instance" else name

    @property
    def target(self) -> tuple[str, ...]:
        """What scraped it, and where."""
        return tuple(self.labels.get(label, "") for label in TARGET)


@dataclass(frozen=True)
class Matrix:
    """The answer to a range selector: any number of series, none of them twice."""

    series: tuple[Series, ...] = ()


Answer = Matrix | outcome.Broken


def fails(labels: Mapping[str, str], mesh: queries.Mesh) -> bool:
    """Whether a series counts failed requests."""
    return any(all(matches(labels, matcher) for matcher in rule) for rule in mesh.failures)


def matches(labels: Mapping[str, str], matcher: str) -> bool:
    """Whether labels meet a matcher as PromQL writes it; a missing label is an empty one, a pattern meets all of it."""
    label, operator, value = _parse(matcher)
    found = labels.get(label, "")
    match operator:
        case "=":
            return found == value
        case "!=":
            return found != value
        case "=~":
            return _pattern(value).fullmatch(found) is not None
        case _:
            return _pattern(value).fullmatch(found) is None


@lru_cache(maxsize=256)
def _parse(matcher: str) -> tuple[str, str, str]:
    found = MATCHER.fullmatch(matcher)
    if found is None:
        raise ValueError(f'a matcher is written as label="value", got {matcher}')
    label, operator, value = found.groups()
    return label, operator, value


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)
