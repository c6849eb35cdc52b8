"""The Release: what a release is asked to do, and all that the controller remembers of it."""

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError
from pydantic.alias_generators import to_camel

from deploy import names, traffic
from deploy.traffic import Json
from rollout import policy as policies
from rollout.plan import KEYS, Plan, parse_percent
from rollout.steps import Step


class Phase(StrEnum):
    PENDING = "Pending"
    PREPARING = "Preparing"
    STEPPING = "Stepping"
    BAKING = "Baking"
    PROMOTING = "Promoting"
    FINISHING = "Finishing"
    ROLLING_BACK = "RollingBack"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"
    REVERTED = "Reverted"
    CANCELLED = "Cancelled"


ENDED = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.SUPERSEDED, Phase.REVERTED, Phase.CANCELLED})
STAYS_DOWN = frozenset({Phase.ROLLED_BACK, Phase.CANCELLED})
"""Ends after which the same template does not start again by itself."""


PLANS = 1024
"""Plans that are kept in mind: releases side by side have few different ones."""


def parse_time(value: object) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, as Kubernetes writes a MicroTime."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Time = Annotated[datetime, BeforeValidator(parse_time), PlainSerializer(format_time)]
Weight = Annotated[Decimal, BeforeValidator(parse_percent), PlainSerializer(lambda v: f"{v.normalize():f}")]


class Model(BaseModel):
    """Frozen; unknown fields of a newer version are passed over, so that a controller can be rolled back."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class Share(Model):
    """One pin of the stable leg, and its parts of all stable traffic (relative)."""

    label: str
    value: str
    parts: int

    @property
    def pin(self) -> traffic.Pin:
        return traffic.Pin(self.label, self.value)


class Decision(Model):
    """One decision as it was told."""

    at: Time
    reason: str
    message: str
    level: str = "Normal"


class Status(Model):
    """The controller's memory of one release. Weights are percent."""

    phase: Phase = Phase.PENDING
    weight: Weight = Decimal(0)
    step_text: str = ""
    reached: str = ""
    """The step at which the traffic was taken back, as step_text was then; empty where no step had begun."""
    reason: str = ""
    message: str = ""
    holding: str = ""
    """Why the release does not go on; empty while it does."""
    success: str = ""
    latency: str = ""
    evidence: str = ""
    """Evidence against the canary at the last recorded look; 100 convicts."""
    seen_weight: str = ""
    """The canary's measured share of requests at the last judged look."""
    started: Time | None = None
    since: Time | None = None
    """When the present step began."""
    ready_at: Time | None = None
    """When the canary was first ready: its warm-up begins."""
    paused_at: Time | None = None
    paused_seconds: float = 0
    """Time held by people before now: it does not count towards the deadline."""
    paused_by_plan: bool = False
    """The present pause is the plan's own and not a person's."""
    halted: str = ""
    """The step at which the plan's own pause has begun; it does not begin again there."""
    lead: str = ""
    """The header, cookie or mirror step at which the release stands; empty where it has weight."""
    alike_since: Time | None = None
    """Since when both versions meet the same users; before, they are not compared. None: since the beginning."""
    bad_looks: int = 0
    last_bad: Time | None = None
    service: str = ""
    pod_labels: dict[str, str] = {}
    """The Service whose traffic is moved, and the labels of its pods, recorded with the stable leg."""
    router: str = "istio"
    """Whose objects are written; recorded with the stable leg. Releases of before there was a choice have none."""
    checkpoint: str = ""
    checkpoint_at: Time | None = None
    """What the evidence judge knew at the last record, so that it need not read everything again, and when."""
    stable: tuple[Share, ...] = ()
    """The stable leg, recorded when the release leaves Pending."""
    stable_digests: tuple[str, ...] = ()
    saved: dict[str, Any] | None = None
    """The route without us, to be put back."""
    drifts: tuple[Time, ...] = ()
    base: str = ""
    """The release whose canary is this one's stable leg; empty for the Deployment's own pods."""
    outcome: Phase | None = None
    """The end that Finishing or RollingBack leads to."""
    new_stable: Share | None = None
    """The ReplicaSet that takes over from the canary."""
    ended: Time | None = None
    decisions: tuple[Decision, ...] = ()


class Spec(Model):
    deployment: str
    deployment_uid: str
    revision: str
    """Digest of the template that is released."""
    attempt: int = 1
    pair: str = ""
    """Pair mode: the annotated Deployment of the two; empty otherwise."""
    plan: dict[str, str]
    metrics: Annotated[tuple[policies.Metric, ...], BeforeValidator(policies.kept)] = ()
    """The custom metrics as they were resolved; taken away when the release has ended."""


class Release(Model):
    """One Release object, as far as the controller reads it."""

    name: str
    namespace: str
    uid: str
    resource_version: str
    created: str
    spec: Spec
    status: Status
    finalizers: tuple[str, ...] = ()
    deleting: bool = False

    @property
    def plan(self) -> Plan:
        """The recorded plan; what can not be read of it (a newer version wrote it) is taken from the defaults."""
        return plan_of(tuple(self.spec.plan.items()), self.spec.metrics)

    @property
    def key(self) -> str:
        """The name under which it is looked at: `namespace/name` of its Deployment, of a pair the annotated one."""
        return f"{self.namespace}/{self.spec.pair or self.spec.deployment}"

    @property
    def step(self) -> Step:
        """Where the release stands in its plan."""
        return self.plan.at(self.status.weight, self.status.lead)

    @property
    def has_halted(self) -> bool:
        """Whether the step has passed, and the plan's pause behind it has begun."""
        return self.status.halted == self.step.name

    @property
    def is_ended(self) -> bool:
        return self.status.phase in ENDED

    @property
    def pin(self) -> traffic.Pin:
        """The canary's pin."""
        return traffic.canary(self.name)


@functools.lru_cache(PLANS)
def plan_of(texts: tuple[tuple[str, str], ...], metrics: tuple[policies.Metric, ...]) -> Plan:
    """A recorded plan, read once and not twenty times a look; both are values that never change."""
    known = {key: value for key, value in texts if key in KEYS}
    while True:
        try:
            return Plan.model_validate({"strategy": "canary", **known, "metrics": metrics})
        except ValidationError as error:
            bad = {str(finding["loc"][0]) for finding in error.errors() if finding["loc"]} & known.keys()
            known = {key: value for key, value in known.items() if key not in bad} if bad else {}


def parse(item: Json) -> Release:
    """Read a Release object; pydantic's ValidationError where it is not one."""
    metadata = item["metadata"]
    return Release(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        created=metadata["creationTimestamp"],
        spec=Spec.model_validate(item["spec"]),
        status=Status.model_validate(item.get("status") or {}),
        finalizers=tuple(metadata.get("finalizers") or ()),
        deleting="deletionTimestamp" in metadata,
    )


def release_name(deployment: str, revision: str, attempt: int) -> str:
    """The Release's name, also the value of the label on its canary's pods (at most 63 characters)."""
    return names.fit(deployment, revision if attempt == 1 else f"{revision}-{attempt}")


def build(spec: Spec, namespace: str, name: str) -> Json:
    """A new Release object, owned by its Deployment and held by the finalizer until traffic is back."""
    return {
        "apiVersion": f"{names.GROUP}/{names.VERSION}",
        "kind": "Release",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "finalizers": [names.FINALIZER],
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": spec.deployment,
                    "uid": spec.deployment_uid,
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": spec.model_dump(mode="json", by_alias=True),
    }


def condition(kind: str, state: bool, status: Status, before: Mapping[str, Json], now: datetime) -> Json:
    """One condition; its transition time moves only when its state does."""
    word = "True" if state else "False"
    old = before.get(kind) or {}
    moved = old.get("status") != word
    return {
        "type": kind,
        "status": word,
        "reason": (status.holding if kind == "Holding" and state else status.reason) or "Waiting",
        "message": status.message[: 80 if status.phase in ENDED else 240] if state else "",
        "lastTransitionTime": now.strftime("%Y-%m-%dT%H:%M:%SZ") if moved else old["lastTransitionTime"],
    }


def epitaph(status: Status) -> dict[str, Any]:
    """What an ended release keeps of the fields that can be long."""
    lines = tuple(line.model_copy(update={"message": line.message[:120]}) for line in status.decisions[-2:])
    kept = {"message": status.message[:240], "decisions": lines, "drifts": (), "stable": (), "stable_digests": ()}
    gone = dict.fromkeys(("saved", "new_stable", "checkpoint_at", "alike_since", "last_bad"))
    return {**kept, **gone, "pod_labels": {}, "checkpoint": "", "halted": ""}


def dump(status: Status, before: Json, now: datetime) -> Json:
    """The status as it is written; `before` is the status that stands there (for conditions' times).

    An ended release keeps what people look for and at most 2 KB.
    """
    if status.phase in ENDED:
        status = status.model_copy(update=epitaph(status))
    standing = {item["type"]: item for item in before.get("conditions") or ()}
    states = {
        "Complete": status.phase in ENDED,
        "Promoted": status.phase is Phase.PROMOTED,
        "Holding": bool(status.holding) and status.phase not in ENDED,
    }
    body = status.model_dump(mode="json", by_alias=True)
    body["conditions"] = [condition(kind, state, status, standing, now) for kind, state in states.items()]
    return body
