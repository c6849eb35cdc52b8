"""The plan of a release: what the annotations of a Deployment ask for, resolved over the installation's defaults."""

import difflib
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
from rollout import durations
from rollout import policy as policies
from rollout import steps as stepping
from rollout.steps import Step


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


LATENCY = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,6})?)<([0-9]{1,8})(ms|s)")


def parse_percent(text: object) -> Decimal:
    if not stepping.NUMBER.fullmatch(str(text)) or Decimal(str(text)) > 100:
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


Duration = Annotated[timedelta, BeforeValidator(durations.parse), PlainSerializer(durations.write)]
Given = Annotated[
    timedelta | None,
    BeforeValidator(lambda value: None if value is None else durations.parse(value)),
    PlainSerializer(lambda value: None if value is None else durations.write(value)),
]
Steps = Annotated[tuple[Step, ...], BeforeValidator(stepping.parse), PlainSerializer(stepping.join)]
Percent = Annotated[Decimal, BeforeValidator(parse_percent), PlainSerializer(lambda value: f"{value.normalize():f}")]
Limit = Annotated[
    Latency | None, BeforeValidator(parse_latency), PlainSerializer(lambda value: None if value is None else str(value))
]

LEAST_DEADLINE = timedelta(minutes=30)


class Plan(BaseModel):
    """What one release is to do. Durations are whole seconds, weights and rates are percent."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-"))

    strategy: Strategy
    steps: Steps = (Step(Decimal(5)), Step(Decimal(25)), Step(Decimal(50)))
    interval: Duration = timedelta(seconds=60)
    bake: Given = None
    """The stay at 100 %, kept in full; where nobody gave one, an interval is the longest that it can be."""
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
        return {"steps": (), **given} if given.get("strategy") == Strategy.BLUE_GREEN else dict(given)

    @model_validator(mode="after")
    def check(self) -> "Plan":
        if self.interval < timedelta(seconds=1):
            raise ValueError("interval: must be at least 1s")
        if self.bake is not None and self.bake < timedelta(seconds=1):
            raise ValueError("bake: must be at least 1s")
        if self.deadline < timedelta(0):
            object.__setattr__(self, "deadline", max(3 * self.length, LEAST_DEADLINE))
        if self.deadline < self.length:
            raise ValueError(
                f"deadline: must be at least the plan's own length, {durations.write(self.length)},"
                f" got {durations.write(self.deadline)}"
            )
        return self

    @property
    def length(self) -> timedelta:
        """The time that the plan takes when nothing holds it."""
        return sum((self.stay(step) for step in self.stays), self.interval * self.is_previewed)

    @property
    def is_previewed(self) -> bool:
        """Whether the new version comes up at full size and is reached by a preview before any user."""
        return self.strategy is Strategy.BLUE_GREEN

    @property
    def waits_for_preview(self) -> bool:
        """Whether somebody said that no data holds: by itself a silent preview does not keep users from the switch."""
        return self.on_no_data is OnNoData.HOLD and "on_no_data" in self.model_fields_set

    @property
    def stays(self) -> tuple[Step, ...]:
        """The steps, and the stay at the whole."""
        return (*(step for step in self.steps if step.weight < stepping.WHOLE), self.at(stepping.WHOLE))

    @property
    def weights(self) -> tuple[Decimal, ...]:
        """The weights of the stays that have one."""
        return tuple(step.weight for step in self.stays if step.weight)

    def at(self, weight: Decimal, lead: str = "") -> Step:
        """The step of this weight, or this lead; one that the plan does not have (it was edited) is a plain one."""
        known = (step for step in self.steps if step.lead == lead and (lead or step.weight == weight))
        return next(known, None) or stepping.position(weight, lead)

    def stay(self, step: Step) -> timedelta:
        """The longest stay at a step that passes."""
        own = self.bake if step.weight == stepping.WHOLE else step.interval
        return self.interval if own is None else own

    def least_stay(self, step: Step) -> timedelta:
        """What a person asked to be kept though the version is proven before."""
        return self.bake if step.weight == stepping.WHOLE and self.bake is not None else timedelta(0)

    def load(self, step: Step) -> Decimal:
        """Percent of the traffic that the canary must bear; who matches is not known, so as at the first weight."""
        first = next(known.weight for known in self.stays if known.weight)
        return step.mirror or step.weight or first

    def after(self, step: Step) -> Step:
        """The step that follows; one that the plan has no more is followed by the next greater weight."""
        names = [known.lead for known in self.stays]
        if step.lead in names and step.lead:
            return self.stays[names.index(step.lead) + 1]
        return next((known for known in self.stays if known.weight > step.weight), self.stays[-1])

    def step_of(self, step: Step) -> int:
        """How many of the plan's stays (the steps and the bake) have begun at this one."""
        names = [known.lead for known in self.stays]
        if step.lead in names and step.lead:
            return names.index(step.lead) + 1
        return sum(1 for begun in self.stays if begun.weight <= step.weight)

    def texts(self) -> dict[str, str]:
        """The plan as the annotations would say it; its metrics are kept apart."""
        unsaid = {"on_no_data"} - self.model_fields_set if self.is_previewed else set()
        values = self.model_dump(mode="json", by_alias=True, exclude={"metrics"} | unsaid)
        values["steps"] = stepping.join(self.steps) or ("" if self.strategy is Strategy.BLUE_GREEN else "100")
        return {key: str(value) for key, value in values.items() if value not in (None, "")}


KEYS = tuple(name.replace("_", "-") for name in Plan.model_fields if name != "metrics")
MARKS = ("held", "failed", "release", "retired")
"""Keys that only the controller and the hold write."""
STATE_KEYS = ("do", "canary-of", *MARKS)
"""Keys that say something else than the plan."""
WRITABLE = (*KEYS, "canary-of", "do")
"""Keys that people write."""
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
    """Say that a key is not known, and which one of those that people write is meant."""
    near = difflib.get_close_matches(key, WRITABLE, n=1, cutoff=0.0)
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
