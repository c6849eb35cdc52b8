"""Name what happened: one look's signal, by an ordered chain of one-sentence rules; the first that holds wins."""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

from analysis.verdict import Verdict
from deploy import traffic
from deploy.workload import Held
from rollout import plan as plans
from rollout.plan import OnFailure, OnNoData, Wish
from rollout.seen import Seen
from rollout.status import Phase, Release


class Stage(StrEnum):
    """Where a release stands: its phase, with Promoting told apart by whether any pod has rolled."""

    PENDING = "Pending"
    PREPARING = "Preparing"
    STEPPING = "Stepping"
    BAKING = "Baking"
    PROMOTING = "Promoting"
    ROLLING = "Rolling"
    FINISHING = "Finishing"
    ROLLING_BACK = "RollingBack"


class Signal(StrEnum):
    """What a look can find, in the order of who wins. The value is the reason that Events carry."""

    DEPLOYMENT_GONE = "DeploymentGone"
    RELEASE_DELETED = "ReleaseDeleted"
    HOLD_ESCAPED = "HoldEscaped"
    OPTED_OUT = "OptedOut"
    REVERTED = "Reverted"
    SUPERSEDED = "Superseded"
    ABORTED = "Aborted"
    REVERT_WISHED = "RevertWished"
    JUDGED_BAD = "JudgedBad"
    CANARY_DEAD = "CanaryDead"
    DEADLINE_PASSED = "DeadlinePassed"
    CANARY_UNREADY = "CanaryUnready"
    NO_DATA_CANCELLED = "NoDataCancelled"
    ROUTE_CONTESTED = "RouteContested"
    SCALED_TO_ZERO = "ScaledToZero"
    FALL_FOUND = "FallFound"
    PAUSE_WISHED = "PauseWished"
    RESUME_WISHED = "ResumeWished"
    RETRY_WISHED = "RetryWished"
    JUDGED_BAD_HELD = "JudgedBadHeld"
    PLAN_CHANGED = "PlanChanged"
    ROUTE_DRIFT = "RouteDrift"
    PROMOTE_WISHED = "PromoteWished"
    PROCEED = "Proceed"


CONTEST = timedelta(minutes=10)
CONTEST_TIMES = 3
"""Times that a route is split again, after the first split, in CONTEST."""

CANARY_STAGES = frozenset({Stage.STEPPING, Stage.BAKING, Stage.PROMOTING})
"""Stages in which users are on a canary and stable is whole."""

SPLIT_STAGES = frozenset({Stage.STEPPING, Stage.BAKING, Stage.PROMOTING, Stage.ROLLING})
"""Stages in which the route is meant to show our legs."""


def stage(release: Release, seen: Seen) -> Stage:
    """Where the release stands. From the first rolled pod on there is no way back to the old pods (law 11)."""
    phase = release.status.phase
    if phase is not Phase.PROMOTING:
        return Stage(phase.value)
    return Stage.ROLLING if has_rolled(release, seen) else Stage.PROMOTING


def has_rolled(release: Release, seen: Seen) -> bool:
    """Whether the un-paused Deployment may have replaced a pod already (law 10 where there is a base)."""
    if seen.workload is None:
        return True
    if seen.base is not None and release.status.base:
        return not seen.base.in_flight or not seen.workload.paused
    if not seen.workload.paused or seen.workload.held is Held.REST or release.status.outcome is Phase.REVERTED:
        return True
    return any(item.digest == release.spec.revision and item.replicas > 0 for item in seen.revisions)


def is_gone(release: Release, seen: Seen, at: Stage) -> bool:
    """The Deployment does not exist any more."""
    return seen.workload is None or seen.workload.deleting or seen.workload.uid != release.spec.deployment_uid


def is_deleted(release: Release, seen: Seen, at: Stage) -> bool:
    """The Release is being deleted; where a newer template interrupted the roll-out, that counts first."""
    return seen.release_deleting and not (at is Stage.ROLLING and is_superseded(release, seen, at))


def has_opted_out(release: Release, seen: Seen, at: Stage) -> bool:
    """The strategy annotation was taken away; where a newer template interrupted the roll-out, that counts first."""
    out = seen.workload is not None and not seen.workload.opted_in
    return out and not (at is Stage.ROLLING and is_superseded(release, seen, at))


def has_escaped(release: Release, seen: Seen, at: Stage) -> bool:
    """The held template rolls although nobody let it."""
    return (
        seen.workload is not None
        and at in (Stage.PENDING, Stage.PREPARING, Stage.STEPPING, Stage.BAKING)
        and not seen.workload.paused
        and not is_reverted(release, seen, at)
    )


def is_reverted(release: Release, seen: Seen, at: Stage) -> bool:
    """The template is back to the running one."""
    if seen.workload is None or seen.workload.digest == release.spec.revision:
        return False
    return seen.workload.digest in (release.status.stable_digests or running_digests(seen))


def running_digests(seen: Seen) -> tuple[str, ...]:
    """What users are on before it is recorded."""
    if seen.base is not None:
        return (seen.base.revision,)
    return tuple({item.digest for item in seen.revisions if item.replicas > 0})


def is_superseded(release: Release, seen: Seen, at: Stage) -> bool:
    """The template is neither this release's nor the running one."""
    return seen.workload is not None and seen.workload.digest != release.spec.revision


def wishes(wish: Wish) -> "Rule":
    """The `do` annotation asks for it."""
    return lambda release, seen, at: seen.workload is not None and seen.workload.wish == wish


def is_judged_bad(release: Release, seen: Seen, at: Stage) -> bool:
    """The judge convicted the canary."""
    return seen.judgement is not None and seen.judgement.verdict is Verdict.FAIL and takes_back(seen)


def is_judged_bad_held(release: Release, seen: Seen, at: Stage) -> bool:
    """The judge convicted the canary, and the plan leaves the rest to a person."""
    bad = seen.judgement is not None and seen.judgement.verdict is Verdict.FAIL and not takes_back(seen)
    return bad and not wishes(Wish.PROMOTE)(release, seen, at)


def takes_back(seen: Seen) -> bool:
    return not isinstance(seen.plan, plans.Plan) or seen.plan.on_failure is OnFailure.ROLLBACK


def is_dead(release: Release, seen: Seen, at: Stage) -> bool:
    """The canary's pods can not come up, or somebody deleted it."""
    if seen.canary is None or seen.canary.deleting:
        return at in CANARY_STAGES
    return seen.canary.dead is not None


def is_unready(release: Release, seen: Seen, at: Stage) -> bool:
    """Users are sent to a canary of which no pod is ready; their requests fail where no judge sees them."""
    unready = seen.canary is not None and seen.canary.ready == 0
    return at in CANARY_STAGES and unready and has_weight(release, seen)


def has_weight(release: Release, seen: Seen) -> bool:
    split = seen.route.split
    return split is not None and (split.share(release.pin) > 0 or isinstance(split.aside, traffic.Only))


def is_late(release: Release, seen: Seen, at: Stage) -> bool:
    """The deadline has passed; time that a person held does not count."""
    status = release.status
    if status.started is None or status.paused_at is not None:
        return False
    spent = seen.now - status.started - timedelta(seconds=status.paused_seconds)
    return spent > release.plan.deadline


def is_without_data(release: Release, seen: Seen, at: Stage) -> bool:
    """The stay is over, nothing could be measured, and the plan says to cancel then.

    A pause is no stay, and a step that passed before one is over.
    """
    return (
        release.status.paused_at is None
        and not release.has_halted
        and isinstance(seen.plan, plans.Plan)
        and seen.plan.on_no_data is OnNoData.CANCEL
        and seen.judgement is not None
        and seen.judgement.verdict is Verdict.NO_DATA
        and stay_is_over(release, seen)
    )


def stay_is_over(release: Release, seen: Seen) -> bool:
    """The present step has lasted as long as one that passes."""
    status = release.status
    return status.since is not None and seen.now - status.since >= release.plan.stay(release.step)


def has_fallen(release: Release, seen: Seen, at: Stage) -> bool:
    """The canary's leg is missing: a fall was done and not recorded (law 7)."""
    split = seen.route.split
    if split is None or release.pin in split.pins or set(split.pins) - {share.pin for share in release.status.stable}:
        return False
    if at is Stage.PREPARING:
        return seen.canary is not None
    return at in CANARY_STAGES


def is_scaled_to_zero(release: Release, seen: Seen, at: Stage) -> bool:
    """The Deployment's owner wants no pods at all."""
    return seen.workload is not None and seen.workload.replicas == 0


def has_new_plan(release: Release, seen: Seen, at: Stage) -> bool:
    """The annotations and the policy ask for another plan than the recorded one."""
    if not isinstance(seen.plan, plans.Plan):
        return False
    return seen.plan.texts() != release.spec.plan or seen.plan.metrics != release.spec.metrics


def has_drifted(release: Release, seen: Seen, at: Stage) -> bool:
    """Somebody else wrote the route."""
    return at in SPLIT_STAGES and (seen.drift is not None or seen.route.split is None)


def is_contested(release: Release, seen: Seen, at: Stage) -> bool:
    """Somebody else wrote the route again and again."""
    recent = [moment for moment in release.status.drifts if seen.now - moment < CONTEST]
    torn = has_drifted(release, seen, at) or (at is Stage.PREPARING and seen.route.split is None)
    return torn and len(recent) > CONTEST_TIMES


Rule = Callable[[Release, Seen, Stage], bool]

CHAIN: tuple[tuple[Signal, Rule], ...] = (
    (Signal.DEPLOYMENT_GONE, is_gone),
    (Signal.RELEASE_DELETED, is_deleted),
    (Signal.HOLD_ESCAPED, has_escaped),
    (Signal.OPTED_OUT, has_opted_out),
    (Signal.REVERTED, is_reverted),
    (Signal.SUPERSEDED, is_superseded),
    (Signal.ABORTED, wishes(Wish.ABORT)),
    (Signal.REVERT_WISHED, wishes(Wish.REVERT)),
    (Signal.JUDGED_BAD, is_judged_bad),
    (Signal.CANARY_DEAD, is_dead),
    (Signal.DEADLINE_PASSED, is_late),
    (Signal.CANARY_UNREADY, is_unready),
    (Signal.NO_DATA_CANCELLED, is_without_data),
    (Signal.ROUTE_CONTESTED, is_contested),
    (Signal.SCALED_TO_ZERO, is_scaled_to_zero),
    (Signal.FALL_FOUND, has_fallen),
    (Signal.PAUSE_WISHED, wishes(Wish.PAUSE)),
    (Signal.RESUME_WISHED, wishes(Wish.RESUME)),
    (Signal.RETRY_WISHED, wishes(Wish.RETRY)),
    (Signal.JUDGED_BAD_HELD, is_judged_bad_held),
    (Signal.PLAN_CHANGED, has_new_plan),
    (Signal.ROUTE_DRIFT, has_drifted),
    (Signal.PROMOTE_WISHED, wishes(Wish.PROMOTE)),
)


def name(release: Release, seen: Seen) -> tuple[Stage, Signal]:
    """The stage, and the first signal of the chain that holds; PROCEED where none does."""
    at = stage(release, seen)
    found = next((signal for signal, holds in CHAIN if holds(release, seen, at)), Signal.PROCEED)
    return at, found


def is_urgent(release: Release, seen: Seen) -> bool:
    """Whether traffic must leave a canary that still has a leg, for a cause that needs no judge."""
    split = seen.route.split
    return split is not None and release.pin in split.pins and name(release, seen)[1] in URGENT


URGENT = frozenset(
    {
        Signal.DEPLOYMENT_GONE,
        Signal.RELEASE_DELETED,
        Signal.HOLD_ESCAPED,
        Signal.OPTED_OUT,
        Signal.REVERTED,
        Signal.SUPERSEDED,
        Signal.ABORTED,
        Signal.REVERT_WISHED,
        Signal.CANARY_DEAD,
        Signal.CANARY_UNREADY,
        Signal.DEADLINE_PASSED,
        Signal.ROUTE_CONTESTED,
    }
)
