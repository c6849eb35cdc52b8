"""A recorded release: a JSON text with the plan, the weights and the raw samples that every judge can be asked about.

Times are RFC 3339 with a zone; samples are Unix seconds; weights are percent.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from analysis import counters, evidence, pods, queries
from analysis import mesh as meshing
from analysis import samples as samples_
from analysis.counters import Counter
from analysis.samples import Matrix, Series

VERSION = 1

LAST_SECOND = 1e11
"""Unix seconds beyond which a number is no time of anybody's."""

MOST_FAULTS = 5
"""Sentences that are said about one file at most."""


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Shift(Model):
    """From a moment on the canary had this weight; 0 once it was taken out of the route."""

    at: AwareDatetime
    weight: Annotated[Decimal, Field(ge=0, le=100)]


class Line(Model):
    """One counter: its labels, and as many values as times."""

    labels: dict[str, str]
    times: Annotated[tuple[float, ...], Field(min_length=1)]
    values: tuple[float, ...]

    @model_validator(mode="after")
    def check(self) -> "Line":
        if len(self.times) != len(self.values):
            raise ValueError(f"must have a value for each time, got {len(self.values)} for {len(self.times)}")
        if any(later <= earlier for earlier, later in itertools.pairwise(self.times)):
            raise ValueError("times must rise")
        if not 0 <= self.times[0] <= self.times[-1] <= LAST_SECOND:
            raise ValueError(f"times must be Unix seconds, got {self.times[0]:g} to {self.times[-1]:g}")
        return self


class Recording(Model):
    """plan: annotations without their prefix. warm_until: when the first canary pods were warm. ended: of the samples.

    canary, stable: as the mesh's telemetry names the workloads.
    """

    version: Literal[1] = 1
    namespace: str
    release: str = ""
    canary: str
    stable: str
    mesh: str = "istio"
    metric_names: dict[str, str] = {}
    plan: dict[str, str]
    began: AwareDatetime
    warm_until: AwareDatetime
    ended: AwareDatetime
    weights: Annotated[tuple[Shift, ...], Field(min_length=1)]
    samples: tuple[Line, ...]

    @model_validator(mode="after")
    def check(self) -> "Recording":
        if self.ended <= self.began:
            raise ValueError(f"ended must be after began, got {self.ended} and {self.began}")
        if self.began.year < 1970 or self.ended - self.began > evidence.LONGEST:
            raise ValueError(f"ended must be at most 6 hours after began, got {self.ended} and {self.began}")
        if abs(self.warm_until - self.began) > timedelta(days=1):
            raise ValueError(f"warm_until must be within a day of began, got {self.warm_until} and {self.began}")
        if self.canary == self.stable:
            raise ValueError(f"canary and stable must be two workloads, got {self.canary} for both")
        if self.mesh not in queries.MESHES:
            raise ValueError(f"mesh must be one of {', '.join(queries.MESHES)}, got {self.mesh}")
        try:
            meshing.renamed(queries.MESHES[self.mesh], self.metric_names)
        except ValueError as error:
            raise ValueError(f"metric_names {error}") from error
        faults = (samples_.fault(series, self.telemetry) for series in self.matrix.series)
        if odd := next(((place, fault) for place, fault in enumerate(faults) if fault), None):
            raise ValueError(f"samples.{odd[0]}: {odd[1]}")
        if any(later.at <= earlier.at for earlier, later in itertools.pairwise(self.weights)):
            raise ValueError("weights must stand in the order of their times")
        if self.weights[0].at < self.began or self.weights[0].weight == 0:
            raise ValueError("weights must begin with one above 0, not before began")
        return self

    @property
    def telemetry(self) -> meshing.Mesh:
        return meshing.renamed(queries.MESHES[self.mesh], self.metric_names)

    @property
    def matrix(self) -> Matrix:
        return Matrix(tuple(Series(line.labels, line.times, line.values) for line in self.samples))

    @property
    def workloads(self) -> tuple[str, str]:
        return self.canary, self.stable


@dataclass(frozen=True)
class Stay:
    """One stay at a weight (percent): number counts from 1; following: the next weight, None at the last one."""

    number: int
    weight: Decimal
    following: Decimal | None
    since: AwareDatetime
    until: AwareDatetime


def stays(recording: Recording) -> tuple[Stay, ...]:
    """The stays up to when the canary lost its traffic, or the samples end."""
    risen = list(itertools.takewhile(lambda shift: shift.weight > 0, recording.weights))
    ends = [shift.at for shift in recording.weights[1 : len(risen) + 1]] + [recording.ended] * len(risen)
    following = [shift.weight for shift in risen[1:]] + [None]
    return tuple(
        Stay(number, shift.weight, after, shift.at, until)
        for number, (shift, after, until) in enumerate(zip(risen, following, ends, strict=False), 1)
    )


@dataclass(frozen=True)
class Served:
    """What the canary served: requests, and failures among them."""

    requests: int
    failures: int


def counters_of(recording: Recording) -> tuple[Counter, ...]:
    """All series of both workloads as the counters that PromQL would see."""
    names = recording.telemetry
    return tuple(
        _counter(series, names, workload)
        for series in recording.matrix.series
        for workload in recording.workloads
        if names.owns(workload, series.labels)
    )


def _counter(series: Series, names: meshing.Mesh, workload: str) -> Counter:
    is_bucket = series.labels.get(samples_.NAME) == names.latency
    return Counter(
        workload=workload,
        times=series.times,
        values=series.values,
        fails=not is_bucket and samples_.fails(series.labels, names),
        edge=float(series.labels[meshing.EDGE]) if is_bucket else None,
    )


def served(recording: Recording, until: AwareDatetime) -> Served:
    """What the canary served from the beginning to a moment, each pod once, spread evenly between scrapes."""
    names, own = recording.telemetry, recording.canary
    gap, began, end = scrape(recording), recording.began.timestamp(), until.timestamp()
    requests = failures = 0.0
    for counter in (_counter(series, names, own) for pod in _pods(recording, own) for series in pod.series):
        grown = counters.reached(counter, end, began, gap) if counter.edge is None else 0.0
        requests += grown
        failures += grown if counter.fails else 0.0
    return Served(round(requests), round(failures))


def scrape(recording: Recording) -> float:
    """Seconds between scrapes."""
    return pods.interval([_pods(recording, workload) for workload in recording.workloads])


def _pods(recording: Recording, workload: str) -> tuple[pods.Pod, ...]:
    names = recording.telemetry
    return pods.of(series for series in recording.matrix.series if names.owns(workload, series.labels))


def dump(recording: Recording) -> str:
    """Write the JSON text; each series on a line of its own, so that two files can be compared."""
    head = json.dumps(recording.model_dump(mode="json", exclude={"samples"}), indent=1).removesuffix("\n}")
    lines = ",\n  ".join(line.model_dump_json() for line in recording.samples)
    return f'{head},\n "samples": [\n  {lines}\n ]\n}}\n'


def parse(text: str | bytes) -> Recording | tuple[str, ...]:
    """Read what `dump` wrote; or sentences that name the place, what is wrong with it, and what was found."""
    try:
        return Recording.model_validate_json(text)
    except ValidationError as error:
        return tuple(_fault(finding) for finding in error.errors()[:MOST_FAULTS])


def _fault(finding: Any) -> str:
    place, kind = _place(finding["loc"]), finding["type"]
    message = str(finding["msg"]).removeprefix("Value error, ")
    if kind == "json_invalid":
        return f"must be a JSON file that `rampart record` wrote: {message.removeprefix('Invalid JSON: ')}"
    if place == "version" and kind == "literal_error":
        return f"version must be {VERSION}, the one that this rampart reads, got {finding['input']}"
    if kind == "too_short":
        return f"{place} must not be empty"
    if kind == "missing":
        return f"{place} is missing"
    if kind == "extra_forbidden":
        return f"{place} is not known"
    if kind == "value_error":
        return f"{place}: {message}" if place else message
    found = str(finding["input"])
    return f"{place} {message.replace('Input should', 'must', 1)}, got {found[:60]}".lstrip()


def _place(where: Sequence[object]) -> str:
    return ".".join(str(part) for part in where)
