"""Raw samples of counters, as a range selector gives them, and to whom each series belongs."""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from analysis import outcome, queries

NAME = "__name__"

POD = ("pod", "kubernetes_pod_name", "pod_name", "instance")
"""Labels that name a pod, the best first; an instance's port is cut off, because one pod may be scraped at several."""

TARGET = ("job", "instance", "endpoint", "container", "prometheus", "prometheus_replica", "replica")
"""Labels that a scrape gives to all that it finds: series of one pod that differ in them are the same counted twice."""

MOST = 2.0**53
"""Beyond it a sample counts no single requests any more."""

MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)(".*")')


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
Test = tuple[str, Callable[[str], bool]]


def edge(labels: Mapping[str, str]) -> float | None:
    """The upper edge of a latency bucket, in its own unit; None where the labels name none."""
    try:
        found = float(labels.get(queries.EDGE, ""))
    except ValueError:
        return None
    return None if math.isnan(found) else found


def edges(found: Iterable[Series]) -> set[float]:
    """All edges that these series name."""
    return {known for one in found if (known := edge(one.labels)) is not None}


def fault(one: Series, mesh: queries.Mesh) -> str:
    """Why a series counts nothing that can be judged by; empty where it does."""
    odd = next((value for value in (min(one.values), max(one.values)) if not 0 <= value <= MOST), None)
    if odd is not None:
        return f"a counter of requests runs from 0 to {MOST:.0e}, got {odd:g} in {_name(one, mesh)}"
    if one.labels.get(NAME) == mesh.latency and edge(one.labels) is None:
        return f"a bucket of latencies has a number in {queries.EDGE}, got {_name(one, mesh)}"
    return ""


def _name(one: Series, mesh: queries.Mesh) -> str:
    """A series as people find it again."""
    known = (mesh.workload, queries.EDGE)
    told = ", ".join(f"{label}={one.labels[label]}" for label in known if label in one.labels)
    return f"{one.labels.get(NAME, 'a series')} of {', '.join(filter(None, (one.pod, told)))}"


def fails(labels: Mapping[str, str], mesh: queries.Mesh) -> bool:
    """Whether a series counts failed requests."""
    for rule in _rules(mesh.failures):
        for label, is_met in rule:
            if not is_met(labels.get(label, "")):
                break
        else:
            return True
    return False


def matches(labels: Mapping[str, str], matcher: str) -> bool:
    """Whether labels meet a matcher as PromQL writes it; a missing label is an empty one, a pattern meets all of it."""
    label, is_met = _test(matcher)
    return is_met(labels.get(label, ""))


@lru_cache(maxsize=64)
def _rules(failures: tuple[tuple[str, ...], ...]) -> tuple[tuple[Test, ...], ...]:
    return tuple(tuple(_test(matcher) for matcher in rule) for rule in failures)


def _test(matcher: str) -> Test:
    """The label that a matcher looks at, and whether a value meets it."""
    found = MATCHER.fullmatch(matcher)
    if found is None:
        raise ValueError(f'a matcher is written as label="value", got {matcher}')
    label, operator, quoted = found.groups()
    value = json.loads(quoted)
    pattern = re.compile(value if operator in ("=~", "!~") else re.escape(value))
    if operator in ("=", "=~"):
        return label, lambda text: pattern.fullmatch(text) is not None
    return label, lambda text: pattern.fullmatch(text) is None
