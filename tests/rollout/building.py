"""Short builders of releases and looks for the tables: a canary of v2 beside v1, four pods, one step taken."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from analysis.verdict import Judgement, Reason, Verdict
from deploy import names, traffic
from deploy.traffic import Pin, Split, Survey
from deploy.workload import Canary, Held, Revision, Workload
from rollout import plan as plans
from rollout.plan import Plan
from rollout.seen import Base, Pace, Seen
from rollout.status import Phase, Release, Share, Spec, Status

START = datetime(2026, 1, 1, tzinfo=UTC)
PACE = Pace(settle=1, drain=2, look=5, poll=1)
V1 = traffic.replica_set("v1")
V2 = traffic.replica_set("v2")
CANARY = traffic.canary("web-v2")
BASE = traffic.canary("web-v1")


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def a_plan(**annotations: str) -> Plan:
    """A plan by its annotations; `success_rate` is `success-rate`."""
    given = {"strategy": "canary", **{key.replace("_", "-"): value for key, value in annotations.items()}}
    found = plans.resolve({f"{plans.PREFIX}{key}": value for key, value in given.items()}, {})
    assert isinstance(found, Plan), found
    return found


def a_share(pin: Pin, parts: int = 1) -> Share:
    return Share(label=pin.label, value=pin.value, parts=parts)


def a_release(phase: Phase = Phase.STEPPING, plan: Plan | None = None, **status: Any) -> Release:
    """A release of v2 that has begun 60 s ago; in Pending it has no memory yet."""
    begun: dict[str, Any] = {
        "started": START,
        "since": START,
        "stable": (a_share(V1, 4),),
        "stable_digests": ("v1",),
        "saved": {"content": "user's"},
        "service": "web",
        "weight": Decimal(100) if phase in (Phase.BAKING, Phase.PROMOTING, Phase.FINISHING) else Decimal(5),
    }
    if phase is Phase.PENDING:
        begun = {}
    if phase in (Phase.PREPARING, Phase.ROLLING_BACK):
        begun["weight"] = Decimal(0)
    return Release(
        name="web-v2",
        namespace="shop",
        uid="release-uid",
        resource_version="1",
        created="2026-01-01T00:00:00Z",
        spec=Spec(deployment="web", deployment_uid="web-uid", revision="v2", plan=(plan or a_plan()).texts()),
        status=Status(phase=phase, **{**begun, **status}),
        finalizers=(names.FINALIZER,),
    )


def a_workload(digest: str = "v2", **changes: Any) -> Workload:
    """The opted-in Deployment shop/web, paused with a held template."""
    annotations = {names.STRATEGY: "canary", **changes.pop("annotations", {})}
    given: dict[str, Any] = {
        "namespace": "shop",
        "name": "web",
        "uid": "web-uid",
        "resource_version": "7",
        "annotations": {key: value for key, value in annotations.items() if value is not None},
        "template": {"metadata": {"labels": {"app": "web"}}},
        "spec": {},
        "digest": digest,
        "replicas": 4,
        "paused": True,
        "held": Held.HELD,
        "rolled_out": False,
        "stalled": None,
        "deleting": False,
    }
    return Workload(**{**given, **changes})


def wishing(wish: str, **changes: Any) -> Workload:
    return a_workload(annotations={names.DO: wish}, **changes)


def a_revision(digest: str, replicas: int = 4) -> Revision:
    return Revision(digest, digest, replicas, replicas, {})


def a_canary(replicas: int = 1, ready: int | None = None, **changes: Any) -> Canary:
    given: dict[str, Any] = {"dead": None, "waiting": None, "deleting": False, **changes}
    return Canary("web-canary-v2", replicas, replicas if ready is None else ready, **given)


def a_base(in_flight: bool = True, canary: Canary | None = None) -> Base:
    """The release of v1, whose native roll-out was interrupted."""
    return Base("web-v1", "v1", in_flight, saved={"content": "base's"}, canary=canary)


def split(*shares: tuple[Pin, int]) -> Split:
    return Split(shares)


STEP = split((V1, 9500), (CANARY, 500))
ALL = split((V1, 0), (CANARY, 10_000))
PINNED = split((V1, 10_000), (CANARY, 0))
DOWN = split((V1, 10_000))


def a_survey(split_: Split | None = STEP, **changes: Any) -> Survey:
    pins = frozenset(split_.pins) if split_ else frozenset()
    given: dict[str, Any] = {"legs": frozenset({V1, CANARY}), "shown": pins, "saved": {"content": "user's"}, **changes}
    return Survey(split_, **given)


def a_judgement(verdict: Verdict, reason: Any = None, text: str = "measured", **numbers: Any) -> Judgement:
    usual = {
        Verdict.PASS: Reason.PASSED,
        Verdict.FAIL: Reason.SUCCESS_RATE_LOW,
        Verdict.HOLD: Reason.STILL_MEASURING,
        Verdict.NO_DATA: Reason.NO_REQUESTS,
    }
    return Judgement(verdict, reason or usual[verdict], text, **numbers)


def a_look(**changes: Any) -> Seen:
    """A look 60 s after the start at a step that is as it should be."""
    given: dict[str, Any] = {
        "now": after(60),
        "workload": a_workload(),
        "revisions": (a_revision("v1"),),
        "canary": a_canary(),
        "canary_age": 60.0,
        "service": "web",
        "route": a_survey(),
        "route_age": 60.0,
        "plan": a_plan(),
    }
    return Seen(**{**given, **changes})
