"""What is told of a release, and how: decisions in the status, numbers in its columns."""

from datetime import timedelta
from decimal import Decimal
from math import floor
from typing import Any

from rollout import durations
from rollout.plan import Plan
from rollout.seen import (
    Level,
    Seen,
    Told,
)
from rollout.status import STAYS_DOWN, Phase, Release, Status
from rollout.status import Decision as Line
from rollout.steps import Step

UNMARKED = frozenset({"ScaledToZero", "OptedOut", "DeploymentGone", "HoldEscaped"})
"""Causes of an end that says nothing about the template."""

WAYS_ON = "; the template stays down: do=retry tries it again, do=revert gives it up"

KEPT_LINES = 12
LINE = 400
"""Characters of a decision that the status keeps."""
PAUSABLE = frozenset({Phase.PENDING, Phase.PREPARING, Phase.STEPPING, Phase.BAKING, Phase.PROMOTING})


def percent(weight: Decimal) -> str:
    return f"{weight.normalize():f} %"


def step_words(step: Step) -> str:
    own = f" ({durations.write(step.interval)})" if step.interval is not None else ""
    return f"{place(step)}{own}{' → pause' if step.pauses else ''}"


def place(step: Step) -> str:
    """Where a release stands."""
    if step.mirror is not None:
        return f"mirror of {percent(step.mirror)}"
    return step.only.replace(":", " ") if step.only else percent(step.weight)


def exposure(step: Step) -> str:
    """Who meets the canary at a step."""
    if step.mirror is not None:
        return f"a copy of {percent(step.mirror)} of the requests to the canary, whose answers nobody gets"
    if step.only:
        return f"only requests with {place(step)} to the canary"
    return f"{percent(step.weight)} to the canary"


def plan_words(plan: Plan) -> str:
    steps = " → ".join((*(["preview"] * plan.is_previewed), *map(step_words, plan.stays)))
    latency = f", {plan.latency}" if plan.latency else ""
    return (
        f"{steps}, at most {int(plan.interval.total_seconds())} s each, success ≥ {percent(plan.success_rate)}{latency}"
    )


def note(release: Release, seen: Seen, told: Told, **changes: Any) -> Status:
    """The status with these changes, and the decision in it.

    While a person pauses, the reason's column says so, whatever else is told.
    """
    line = Line(at=seen.now, reason=told.reason, message=told.message[:LINE], level=told.level.value)
    lines = (*release.status.decisions, line)[-KEPT_LINES:]
    fields = {"reason": told.reason, "message": told.message, "decisions": lines, **changes}
    after = release.status.model_copy(update=fields)
    return after.model_copy(update={"reason": "Paused"}) if is_paused(after) else after


def is_paused(status: Status) -> bool:
    """A person pauses, and the release is neither on its way down nor over."""
    return status.paused_at is not None and status.phase in PAUSABLE


def measured(seen: Seen) -> dict[str, Any]:
    """What the look measured, in the words of the Release's columns."""
    judgement = seen.judgement
    if judgement is None:
        return {}
    found: dict[str, Any] = {}
    if judgement.success is not None:
        found["success"] = f"{floor(judgement.success * 100) / 100:.2f} %"
    if judgement.latency_ms is not None:
        found["latency"] = f"{judgement.latency_ms:.0f} ms"
    if judgement.evidence is not None:
        found["evidence"] = f"{judgement.evidence:.3g} of 100"
    if judgement.checkpoint is not None:
        found |= {"checkpoint": judgement.checkpoint, "checkpoint_at": seen.now}
    if seen.endpoints is not None and seen.endpoints.every:
        found["seen_weight"] = f"{100 * seen.endpoints.canary / seen.endpoints.every:.1f} %"
    elif judgement.seen_share is not None:
        found["seen_weight"] = f"{100 * judgement.seen_share:.1f} %"
    return found


def end_words(outcome: Phase, release: Release, seen: Seen) -> str:
    span = seen.now - (release.status.started or seen.now)
    seconds = f"{span / timedelta(seconds=1):.0f} s"
    match outcome:
        case Phase.PROMOTED:
            return f"{release.spec.revision} is promoted after {seconds}; nothing of the release is left"
        case Phase.ROLLED_BACK | Phase.CANCELLED:
            return f"{release.spec.revision} ended after {seconds}: {release.status.message}{ways_on(release, seen)}"
        case _:
            return f"{release.spec.revision} ended as {outcome} after {seconds}: {release.status.message}"


def ways_on(release: Release, seen: Seen) -> str:
    """What a person can do about a template that stays down; nothing where it does not, or is another by now."""
    work = seen.workload
    down = work is not None and work.opted_in and work.digest == release.spec.revision
    if not down or release.status.reason in UNMARKED:
        return ""
    return WAYS_ON


def level_of(outcome: Phase) -> Level:
    return Level.WARNING if outcome in STAYS_DOWN else Level.NORMAL
