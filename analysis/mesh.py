"""What one mesh calls its telemetry: metrics, labels, the unit of latencies, and what makes a request a failure."""

import difflib
import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import StrEnum

EDGE = "le"
"""The label of a histogram bucket's upper edge."""

LEG = "rampart_leg"
"""The label under which rows are told apart where no label of the mesh names the workload itself."""

MATCHER = r'[a-zA-Z_]\w*(?:=~|!~|!=|=)"(?:[^"\\]|\\.)*"'
"""A matcher as PromQL writes it, in double quotes."""

POD_MARKS = "[bcdfghjklmnpqrstvwxz2456789]"
"""What Kubernetes makes the random parts of names from (apimachinery, util/rand): no vowels, so no words."""

POD_BASE = 58
"""Characters of a pod's name before its five random ones (apiserver, storage/names); a longer base is cut."""


class Unit(StrEnum):
    """The unit of a histogram's edges."""

    MILLISECONDS = "ms"
    SECONDS = "s"

    def milliseconds(self, edge: float) -> float:
        """An edge in milliseconds, by its decimal digits: 0.57 s is 570 ms."""
        return edge if self is Unit.MILLISECONDS else float(Decimal(repr(edge)) * 1000)


class Naming(StrEnum):
    """What the label `workload` holds: the workload's name, that of the Service of its leg, or that of a pod of it."""

    WORKLOAD = "workload"
    SERVICE = "service"
    POD = "pod"


@dataclass(frozen=True)
class Mesh:
    """Names and rules of one mesh's telemetry.

    requests: counter of requests. latency: histogram buckets, whose edges are in `unit`.
    namespace, workload: labels that name the receiving workload; naming: what the second holds.
    always: matchers of every query. failures: alternatives, each a list of matchers, that make a request a failure.
    """

    requests: str
    latency: str
    namespace: str
    workload: str
    always: tuple[str, ...]
    failures: tuple[tuple[str, ...], ...]
    unit: Unit = Unit.MILLISECONDS
    naming: Naming = Naming.WORKLOAD

    @property
    def key(self) -> str:
        """The label that tells the workloads of an answer apart."""
        return LEG if self.naming is Naming.POD else self.workload

    def owns(self, workload: str, labels: Mapping[str, str]) -> bool:
        """Whether a series, by its own labels, belongs to a workload."""
        found = labels.get(self.workload, "")
        return _compiled(workload).fullmatch(found) is not None if self.naming is Naming.POD else found == workload


KEYS = tuple(field.name for field in fields(Mesh))


def pod_pattern(workload: str) -> str:
    """What the names of a Deployment's pods look like: its name, its template's hash, five random characters.

    A base of more than POD_BASE characters is cut, at worst within the Deployment's own name.
    """
    left = POD_BASE - len(workload) - 1
    escaped = workload[:POD_BASE].replace(".", r"\.")
    if left < 1:
        return f"{escaped}-?{POD_MARKS}{{5}}"
    dash = "-" if left > 10 else "-?"
    return f"{escaped}-{POD_MARKS}{{1,{min(10, left)}}}{dash}{POD_MARKS}{{5}}"


@functools.lru_cache(maxsize=256)
def _compiled(workload: str) -> re.Pattern[str]:
    return re.compile(pod_pattern(workload))


def renamed(mesh: Mesh, names: Mapping[str, str]) -> Mesh:
    """A mesh some of whose fields are replaced, each by a text; ValueError names the field and what would be right.

    always: matchers, separated by commas, or nothing. failures: alternatives of such, separated by " or ".
    """
    for key in names:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.0)
            raise ValueError(f"has {key}, which is no name that can be replaced; the nearest is {near[0]}")
    return replace(mesh, **{key: _read(key, text) for key, text in names.items()})  # type: ignore[arg-type]


def _read(key: str, text: str) -> object:
    match key:
        case "always":
            return _matchers(key, text) if text else ()
        case "failures":
            return tuple(_matchers(key, rule) for rule in re.split(r"\s+or\s+(?=\w+[=!])", text))
        case "unit":
            return _member(Unit, key, text)
        case "naming":
            return _member(Naming, key, text)
        case _:
            colon = ":" if key in ("requests", "latency") else ""
            if re.fullmatch(rf"[a-zA-Z_{colon}][\w{colon}]*", text, re.ASCII) is None:
                kind = "metric" if colon else "label"
                raise ValueError(f"needs the name of a {kind} for {key}, not {text!r}")
            return text


def _matchers(key: str, text: str) -> tuple[str, ...]:
    if re.fullmatch(rf"\s*{MATCHER}(?:\s*,\s*{MATCHER})*\s*", text) is None:
        raise ValueError(f'needs matchers such as code=~"5.." for {key}, not {text!r}')
    found = tuple(re.findall(MATCHER, text))
    for matcher in found:
        _, _, quoted = matcher.partition('"')
        try:
            re.compile(json.loads(f'"{quoted}'))
        except (ValueError, re.error) as error:
            raise ValueError(f"has {matcher} for {key}, which is no pattern: {error}") from error
    return found


def _member(kind: type[StrEnum], key: str, text: str) -> StrEnum:
    known = [member.value for member in kind]
    if text not in known:
        raise ValueError(f"needs {' or '.join(known)} for {key}, not {text!r}")
    return kind(text)
