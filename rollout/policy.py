"""The ReleasePolicy: values of plans and custom metrics that many Deployments of one namespace share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, ValidationError, model_serializer
from pydantic import model_validator as validator

from analysis import metric
from deploy.traffic import Json

DEFAULT = "default"
"""The policy that applies where none is named."""

NOT_SHARED = frozenset({"strategy", "policy"})
"""Keys of a plan that only a Deployment's own annotations can say."""

Finite = Annotated[float, Field(allow_inf_nan=False)]


class OrStable(BaseModel):
    """How the canary's value may differ from stable's: by a factor, or by a number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ratio: Annotated[Finite, Field(ge=0)] | None = None
    difference: Finite | None = None

    @validator(mode="after")
    def check(self) -> "OrStable":
        if (self.ratio is None) == (self.difference is None):
            raise ValueError("orStable needs either ratio or difference")
        return self

    @model_serializer(mode="wrap")
    def short(self, write: SerializerFunctionWrapHandler) -> dict[str, float]:
        """Without what is not said."""
        return {key: item for key, item in write(self).items() if item is not None}

    @property
    def bound(self) -> metric.Bound:
        return metric.Ratio(self.ratio) if self.ratio is not None else metric.Difference(self.difference or 0.0)


class Metric(BaseModel):
    """A custom metric as a ReleasePolicy writes it, and as a Release keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str
    query: str
    min: Finite | None = None
    max: Finite | None = None
    or_stable: OrStable | None = Field(None, alias="orStable")
    reason: str = ""

    @validator(mode="after")
    def check(self) -> "Metric":
        has_range = self.min is not None or self.max is not None
        if has_range == (self.or_stable is not None):
            raise ValueError("needs one kind of bound: either min and max, or orStable")
        if found := metric.faults(self.asked):
            raise ValueError("; ".join(text.removeprefix(f"metric {self.name}: ") for text in found))
        return self

    @model_serializer(mode="wrap")
    def short(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what is not said."""
        return {key: item for key, item in write(self).items() if item not in (None, "")}

    @property
    def asked(self) -> metric.Metric:
        """The metric as the judge takes it."""
        bound = self.or_stable.bound if self.or_stable is not None else metric.Within(self.min, self.max)
        return metric.Metric(self.name, self.query, bound, self.reason)


@dataclass(frozen=True)
class Policy:
    """One ReleasePolicy: keys as in annotations, without the prefix."""

    name: str
    plan: Mapping[str, str] = field(default_factory=dict, hash=False)
    metrics: tuple[Metric, ...] = ()


def choose(named: str | None, policies: Mapping[str, Json]) -> Policy | tuple[str, ...] | None:
    """The policy that applies: the named one, else the default; None where there is neither, or what is wrong."""
    name = DEFAULT if named is None else named
    if name in policies:
        return read(policies[name])
    return None if named is None else (unknown(name, policies),)


def unknown(name: str, policies: Mapping[str, Json]) -> str:
    """Say which policy is not there, and which are."""
    known = ", ".join(sorted(policies))
    there = f"there are {known}" if known else "there is none in the namespace"
    return f"rampart.dev/policy must be the name of a ReleasePolicy: {there}, got {name}"


def lacking(named: str | None, recorded: str | None, policies: Mapping[str, Json]) -> str:
    """Say that the policy of a release in flight is gone; empty where it is there, or another plan is wished.

    The default policy applied without being named, so that its end is told too.
    """
    name = named if named is not None else recorded if recorded == DEFAULT else None
    if name is None or name in policies:
        return ""
    known = ", ".join(sorted(policies)) or "none"
    return (
        f"ReleasePolicy {name} is not there (there are: {known}): the weight stays;"
        " create it again or name another one with rampart.dev/policy"
    )


def read(item: Json) -> Policy | tuple[str, ...]:
    """Read a ReleasePolicy object; or sentences about what is wrong with it."""
    name, spec = item["metadata"]["name"], item.get("spec") or {}
    plan = {key: str(value) for key, value in (spec.get("plan") or {}).items() if key not in NOT_SHARED}
    found, faults = [], []
    for given in spec.get("metrics") or ():
        try:
            found.append(Metric.model_validate(given))
        except ValidationError as error:
            faults += [f"ReleasePolicy {name}: metric {given.get('name')}: {text}" for text in words(error)]
    names = [one.name for one in found]
    faults += [
        f"ReleasePolicy {name}: metric {each} is there twice" for each in sorted(set(names)) if names.count(each) > 1
    ]
    return tuple(faults) or Policy(name, plan, tuple(found))


def words(error: ValidationError) -> list[str]:
    """Pydantic's findings as sentences."""
    found = []
    for finding in error.errors():
        where = ".".join(str(part) for part in finding["loc"])
        message = finding["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        found.append(f"{where} {message}" if where else message)
    return found


def kept(given: object) -> object:
    """Metrics that a Release keeps; those that a newer version wrote and this one can not read are left out."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        return ()
    found = []
    for item in given:
        try:
            found.append(item if isinstance(item, Metric) else Metric.model_validate(item))
        except ValidationError:
            continue
    return tuple(found)


def edits(old: Sequence[Metric], new: Sequence[Metric]) -> str:
    """How the metrics changed, in a few words; empty if they did not."""
    if tuple(old) == tuple(new):
        return ""
    before, after = (", ".join(one.name for one in some) or "none" for some in (old, new))
    return f"metrics {before} edited" if before == after else f"metrics {before} → {after}"
