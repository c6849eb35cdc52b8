"""The plan of a release: what the annotations of a Deployment ask for, resolved over the installation's defaults."""

import difflib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from deploy import names
from deploy.traffic import Json
from rollout import policy as policies


class Strategy(StrEnum):
    CANARY = "canary"
    BLUE_GREEN = "blue-green"


class Judge(StrEnum):
    EVIDENCE = "evidence"
    THRESHOLD = "threshold"


class OnFailure(StrEnum):
    ROLLBACK = "rollback"
    HOLD = "hold"


class OnNoData(StrEnum):
    HOLD = "hold"
    CANCEL = "cancel"
    PROMOTE = "promote"


class RouterName(StrEnum):
    ISTIO = "istio"
    GATEWAY = "gateway"
    SMI = "smi"
    SERVICE = "service"


class Wish(StrEnum):
    """What a person asks for with the `do` annotation; cleared when it is done."""

    PROMOTE = "promote"
    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    REVERT = "revert"


UNITS = {"s": 1, "m": 60, "h": 3600}
DURATION = re.compile(r"(?:([0-9]{1,5})h)?(?:([0-9]{1,7})m)?(?:([0-9]{1,8})s)?")
LATENCY = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,6})?)<([0-9]{1,8})(ms|s)")
NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?")


def parse_duration(text: object) -> timedelta:
    """Read `90s`, `5m`, `1h30m`; ValueError for anything else."""
    if isinstance(text, timedelta):
        return text
    match = DURATION.fullmatch(str(text))
    if match is None or not any(match.groups()):
        raise ValueError("must be a duration such as 30s, 5m or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def format_duration(span: timedelta) -> str:
    """Write a whole number of seconds as people do: `90s` is `1m30s`."""
    seconds = int(span.total_seconds())
    parts = [(seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s")]
    return "".join(f"{value}{unit}" for value, unit in parts if value) or "0s"


def parse_steps(text: object) -> tuple[Decimal, ...]:
    """Read rising percentages `5,25,50`, each above 0 and at most 100, of at most two decimals."""
    if isinstance(text, tuple):
        return text
    parts = str(text).split(",")
    if not all(NUMBER.fullmatch(part) for part in parts):
        raise ValueError("must be rising percentages such as 5,25,50")
    steps = tuple(Decimal(part) for part in parts)
    if any(step <= 0 or step > 100 for step in steps):
        raise ValueError("must be percentages above 0 and at most 100, such as 5,25,50")
    if any(later <= earlier for earlier, later in itertools.pairwise(steps)):
        raise ValueError("must rise to at most 100, such as 5,25,50")
    if any(step * 100 != int(step * 100) for step in steps):
        raise ValueError("must have at most two decimals")
    return steps


def parse_percent(text: object) -> Decimal:
    if not NUMBER.fullmatch(str(text)) or Decimal(str(text)) > 100:
        raise ValueError("must be a percentage from 0 to 100, such as 99 or 99.5")
    return Decimal(str(text))


@dataclass(frozen=True)
class Latency:
    """At most `limit` at the quantile (0 to 1)."""

    quantile: Decimal
    limit: timedelta

    def __str__(self) -> str:
        return f"p{(self.quantile * 100).normalize():f}<{self.limit // timedelta(milliseconds=1)}ms"


def parse_latency(text: object) -> Latency | None:
    if text is None or isinstance(text, Latency):
        return text
    match = LATENCY.fullmatch(str(text))
    if match is None or Decimal(match[1]) <= 0 or int(match[2]) == 0:
        raise ValueError("must be a quantile and a limit such as p99<500ms")
    limit = timedelta(milliseconds=int(match[2]) * (1000 if match[3] == "s" else 1))
    if limit > timedelta(hours=1):
        raise ValueError("must be a limit of at most an hour, such as p99<500ms")
    return Latency(Decimal(match[1]) / 100, limit)


def join_steps(steps: tuple[Decimal, ...]) -> str:
    return ",".join(f"{step.normalize():f}" for step in steps)


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
Steps = Annotated[tuple[Decimal, ...], BeforeValidator(parse_steps), PlainSerializer(join_steps)]
Percent = Annotated[Decimal, BeforeValidator(parse_percent), PlainSerializer(lambda value: f"{value.normalize():f}")]
Limit = Annotated[
    Latency | None, BeforeValidator(parse_latency), PlainSerializer(lambda value: None if value is None else str(value))
]

LEAST_DEADLINE = timedelta(minutes=30)


class Plan(BaseModel):
    """What one release is to do. Durations are whole seconds, weights and rates are percent."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-"))

    strategy: Strategy
    steps: Steps = (Decimal(5), Decimal(25), Decimal(50))
    interval: Duration = timedelta(seconds=60)
    bake: Duration = timedelta(seconds=60)
    success_rate: Percent = Decimal(99)
    latency: Limit = None
    judge: Judge = Judge.EVIDENCE
    max_failures: Annotated[int, Field(ge=1, le=100)] = 3
    on_failure: OnFailure = OnFailure.ROLLBACK
    on_no_data: OnNoData = OnNoData.HOLD
    deadline: Duration = timedelta(seconds=-1)
    service: str | None = None
    router: RouterName | None = None
    """What moves the traffic; None: what routes the Service today."""
    policy: str | None = None
    """The ReleasePolicy whose values stand behind the annotations'."""
    metrics: tuple[policies.Metric, ...] = ()
    """Custom metrics of that policy; no annotation says them."""

    @model_validator(mode="before")
    @classmethod
    def fill(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Fill what depends on other values, before anything is checked."""
        filled = dict(given)
        if filled.get("strategy") == Strategy.BLUE_GREEN:
            filled.setdefault("steps", ())
        if "interval" in filled:
            filled.setdefault("bake", filled["interval"])
        return filled

    @model_validator(mode="after")
    def check(self) -> "Plan":
        if self.interval < timedelta(seconds=1):
            raise ValueError("interval: must be at least 1s")
        if self.bake < timedelta(seconds=1):
            raise ValueError("bake: must be at least 1s")
        if self.steps and self.steps[-1] == 100:
            object.__setattr__(self, "steps", self.steps[:-1])
        if self.deadline < timedelta(0):
            object.__setattr__(self, "deadline", max(3 * self.length, LEAST_DEADLINE))
        if self.deadline < self.length:
            raise ValueError(
                f"deadline: must be at least the plan's own length, {format_duration(self.length)},"
                f" got {format_duration(self.deadline)}"
            )
        return self

    @property
    def length(self) -> timedelta:
        """The time that the plan takes when nothing holds it."""
        return self.interval * (len(self.steps) + self.is_previewed) + self.bake

    @property
    def is_previewed(self) -> bool:
        """Whether the new version comes up at full size and is reached by a preview before any user."""
        return self.strategy is Strategy.BLUE_GREEN

    @property
    def waits_for_preview(self) -> bool:
        """Whether somebody said that no data holds: by itself a silent preview does not keep users from the switch."""
        return self.on_no_data is OnNoData.HOLD and "on_no_data" in self.model_fields_set

    def after(self, weight: Decimal) -> Decimal:
        """The next weight above `weight`; 100 after the last step."""
        return next((step for step in self.steps if step > weight), Decimal(100))

    def step_of(self, weight: Decimal) -> int:
        """How many of the plan's stays (the steps and the bake) have begun at this weight."""
        return sum(1 for step in self.steps if step <= weight) + (weight == 100)

    def texts(self) -> dict[str, str]:
        """The plan as the annotations would say it; its metrics are kept apart."""
        unsaid = {"on_no_data"} - self.model_fields_set if self.is_previewed else set()
        values = self.model_dump(mode="json", by_alias=True, exclude={"metrics"} | unsaid)
        values["steps"] = join_steps(self.steps) or ("" if self.strategy is Strategy.BLUE_GREEN else "100")
        return {key: str(value) for key, value in values.items() if value not in (None, "")}


KEYS = tuple(name.replace("_", "-") for name in Plan.model_fields if name != "metrics")
STATE_KEYS = ("do", "held", "failed", "release")
LATER_KEYS = ("canary-of",)
PREFIX = f"{names.GROUP}/"


NO_POLICIES: Mapping[str, Json] = {}


def policy_named(annotations: Mapping[str, str], defaults: Mapping[str, str]) -> str | None:
    """The ReleasePolicy that somebody named; where nobody did, the default one applies if there is one."""
    return annotations.get(f"{PREFIX}policy", defaults.get("policy"))


def resolve(
    annotations: Mapping[str, str], defaults: Mapping[str, str], known: Mapping[str, Json] = NO_POLICIES
) -> Plan | tuple[str, ...]:
    """Resolve a plan: a Deployment's annotations over its ReleasePolicy over defaults (keys without the prefix).

    `known` are the namespace's ReleasePolicy objects by name. Returns the plan, or sentences that name the key, the
    value found and what would be right.
    """
    ours = {key.removeprefix(PREFIX): value for key, value in annotations.items() if key.startswith(PREFIX)}
    faults = [unknown(key) for key in ours if key not in (*KEYS, *STATE_KEYS)]
    policy = policies.choose(policy_named(annotations, defaults), known)
    if isinstance(policy, tuple):
        faults += policy
        policy = None
    shared: Mapping[str, Any] = policy.plan if policy is not None else {}
    given: dict[str, Any] = {**defaults, **shared, **{key: value for key, value in ours.items() if key in KEYS}}
    given.pop("policy", None)
    if given.get("strategy") == Strategy.BLUE_GREEN and "steps" not in ours:
        given.pop("steps", None)
    if policy is not None:
        given |= {"policy": policy.name, "metrics": policy.metrics}
    try:
        plan = Plan.model_validate(given)
    except ValidationError as error:
        return (*faults, *(blamed(text, ours, policy) for text in explain(error, given)))
    return tuple(faults) or plan


def blamed(sentence: str, ours: Mapping[str, str], policy: policies.Policy | None) -> str:
    """A sentence about a value that stands in the policy names the policy."""
    key = sentence.removeprefix(PREFIX).partition(" ")[0]
    if policy is None or key in ours or key not in policy.plan:
        return sentence
    return f"ReleasePolicy {policy.name}: plan.{sentence.removeprefix(PREFIX)}"


def unknown(key: str) -> str:
    """Say that a key is not known, and which one is meant."""
    if key in LATER_KEYS:
        return f"{PREFIX}{key} is not supported by this version"
    near = difflib.get_close_matches(key, (*KEYS, *STATE_KEYS), n=1, cutoff=0.0)
    return f"{PREFIX}{key} is not a known key; the nearest is {PREFIX}{near[0]}"


def explain(error: ValidationError, given: Mapping[str, object]) -> tuple[str, ...]:
    """Turn pydantic's findings into sentences in the project's own form."""
    sentences = []
    for finding in error.errors():
        message = finding["msg"].removeprefix("Value error, ")
        if not finding["loc"]:
            key, _, words = message.partition(": ")
            sentences.append(f"{PREFIX}{key} {words}")
            continue
        key = str(finding["loc"][0])
        if key == "bake" and key not in given:
            continue
        if finding["type"] == "extra_forbidden":
            sentences.append(unknown(key))
            continue
        if finding["type"] == "missing":
            sentences.append(f"{PREFIX}{key} is missing")
            continue
        if not message.startswith("must"):
            message = f"must be {message.removeprefix('Input should be ')}"
        sentences.append(f"{PREFIX}{key} {message}, got {given.get(key)}")
    return tuple(sentences)
