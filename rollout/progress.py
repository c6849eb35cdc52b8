"""The stages' own next things: how a release goes on when nothing happened to it.

Make before break (laws 8, 10, 12): legs, settle, route, settle, pods; cleanup takes the same way down.
"""

from datetime import datetime, timedelta
from typing import assert_never

from analysis.verdict import Verdict
from rollout import cleanup, numbers, previewing, promotion, rising, shares, words
from rollout.holding import QUIET, held_up, not_yet
from rollout.plan import OnNoData, RouterName
from rollout.seen import Decision, Level, Pace, Raise, RaiseBase, Record, Seen, Told
from rollout.settling import wait_for_settle
from rollout.signals import Stage, stay_is_over
from rollout.status import Phase, Release, Status


def go_on(stage: Stage, release: Release, seen: Seen, pace: Pace) -> Decision:
    """The stage's own next thing; before all, a base on which users are stays of full size."""
    base = seen.base
    if base is not None and base.in_flight and base.canary is not None and stage is not Stage.PENDING:
        size = shares.need(seen, shares.FULL)
        if base.canary.replicas < size:
            return Decision((RaiseBase(base.name, size),), (), 0)
    match stage:
        case Stage.PENDING:
            return pending(release, seen, pace)
        case Stage.PREPARING:
            return preparing(release, seen, pace)
        case Stage.STEPPING | Stage.BAKING:
            return judging(release, seen, pace)
        case Stage.PROMOTING:
            return promotion.promoting(release, seen, pace)
        case Stage.ROLLING:
            return promotion.rolling(release, seen, pace)
        case Stage.FINISHING:
            return cleanup.finishing(release, seen, pace)
        case Stage.ROLLING_BACK:
            return cleanup.rolling_back(release, seen, pace)
        case never:
            assert_never(never)


def unpaused(release: Release, seen: Seen, told: Told, began: datetime) -> Status:
    """The clock of the deadline stood still; the step's own clock begins anew, unless the step had passed."""
    status = release.status
    held = status.paused_seconds + (seen.now - began).total_seconds()
    since = seen.now if status.since is not None and not release.has_halted else status.since
    changes = {"paused_at": None, "paused_by_plan": False, "paused_seconds": held, "holding": "", "since": since}
    return words.note(release, seen, told, **changes)


def pending(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Leave Pending when nothing stands in the way; the stable leg and the route are recorded then (laws 1 and 2)."""
    if isinstance(seen.plan, tuple) and seen.plan:
        return held_up("PlanInvalid", "; ".join(seen.plan), release, seen, 30)
    if seen.predecessor is not None:
        return held_up(
            "PredecessorFalling", f"waits until Release {seen.predecessor} has ended", release, seen, pace.poll
        )
    faults = (*seen.refusals, *seen.route.faults, *seen.unfit, *too_fine(release, seen))
    if faults:
        return held_up("Refused", "; ".join(faults), release, seen, 30)
    if release.status.paused_at is not None:
        return Decision()
    stable = shares.stable_shares(seen)
    if not stable:
        return held_up("NothingRuns", "no ReplicaSet of the Deployment has pods yet", release, seen, pace.poll)
    forecast = ""
    if seen.router == RouterName.SERVICE:
        if unfit := numbers.unfit(release.plan) or (ONE_SET if len(stable) > 1 else ""):
            return held_up("Refused", unfit, release, seen, pace.look)
        forecast = numbers.forecast(release.plan, shares.need(seen, shares.FULL))
    told = Told("Preparing", f"release of {release.spec.revision} begins: {words.plan_words(release.plan)}{forecast}")
    status = words.note(
        release,
        seen,
        told,
        phase=Phase.PREPARING,
        started=seen.now,
        holding="",
        service=seen.service,
        pod_labels=dict(seen.pod_labels),
        router=seen.router,
        stable=stable,
        stable_digests=shares.stable_digests(seen),
        saved=dict(seen.base.saved) if seen.base else seen.route.saved,
        base=seen.base.name if seen.base else "",
    )
    return Decision((Record(status),), (told,), 0)


def too_fine(release: Release, seen: Seen) -> tuple[str, ...]:
    """Steps that the route's weights can not show, said before the first of them."""
    begun = release.model_copy(
        update={"status": release.status.model_copy(update={"stable": shares.stable_shares(seen)})}
    )
    asked = [shares.split_at(begun, weight) for weight in release.plan.weights] if begun.status.stable else []
    return shares.too_fine(asked, seen.route.grain)


ONE_SET = (
    "pods of several ReplicaSets run, and a Service can lead to those of one: to let the native roll-out end first,"
    " do=revert, and change the template again"
)


def preparing(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Legs, settle, route pinned at weight 0, settle, and only then the canary's pods (law 8)."""
    if unlaid := rising.lay_route(release, seen, pace):
        return unlaid
    cause = previewing.look(release, seen, pace) if release.plan.is_previewed else ""
    if isinstance(cause, Decision):
        return cause
    if release.status.paused_at is not None:
        return Decision(look_again=pace.look if release.plan.is_previewed else None)
    if seen.policy_missing:
        return held_up(POLICY_MISSING, seen.policy_missing, release, seen, pace.look)
    return rising.raise_to(release.plan.stays[0], cause, release, seen, pace)


def judging(release: Release, seen: Seen, pace: Pace) -> Decision:
    """A step: its weight in the route, its pods in number, and then the judge's word."""
    if misplaced := rising.put_right(release, seen, pace):
        return misplaced
    pods = shares.size(release, seen, release.step)
    is_wrong = seen.canary is not None and seen.canary.replicas < pods
    if is_wrong or (shares.is_open(release) and seen.canary is not None and seen.canary.replicas > pods):
        return Decision((Raise(pods),), (), pace.poll)
    if seen.endpoints is not None and seen.endpoints.canary < pods:
        return Decision(look_again=pace.poll)
    if seen.policy_missing and release.status.paused_at is None:
        return without_policy(release, seen, pace)
    if seen.judgement is None:
        return Decision(look_again=pace.look)
    if is_long_unrecorded(release, seen):
        status = release.status.model_copy(update=words.measured(seen))
        return Decision((Record(status),), (), 0)
    match seen.judgement.verdict:
        case Verdict.PASS:
            return passed(release, seen, pace)
        case Verdict.NO_DATA:
            return without_data(release, seen, pace)
        case Verdict.HOLD | Verdict.FAIL:
            return not_yet(release, seen, pace)
        case never:
            assert_never(never)


CHECKPOINT_AGE = timedelta(minutes=30)


def is_long_unrecorded(release: Release, seen: Seen) -> bool:
    """A long stay: what the judge knows is recorded now and then, so that it need not read back for ever."""
    if seen.judgement is None or seen.judgement.checkpoint is None:
        return False
    since = release.status.checkpoint_at or release.status.since
    return since is not None and seen.now - since > CHECKPOINT_AGE


POLICY_MISSING = "PolicyMissing"


def without_policy(release: Release, seen: Seen, pace: Pace) -> Decision:
    """What the rest of the plan is can not be known: the weight stays. The recorded plan still counts bad looks."""
    judgement, status = seen.judgement, release.status
    if judgement is None or judgement.bad_looks == status.bad_looks or status.holding != POLICY_MISSING:
        return held_up(POLICY_MISSING, seen.policy_missing, release, seen, pace.look)
    counted = {"bad_looks": judgement.bad_looks, "last_bad": judgement.last_bad, **words.measured(seen)}
    told = Told(judgement.reason.value, judgement.text, Level.WARNING)
    return Decision((Record(words.note(release, seen, told, **counted)),), (told,), pace.look)


def passed(release: Release, seen: Seen, pace: Pace) -> Decision:
    if release.status.paused_at is not None:
        return Decision(look_again=pace.look)
    because = f"{words.place(release.step)} {cause_of(release, seen)}; "
    if release.step.pauses and not release.has_halted:
        return halt(because, release, seen, pace)
    if release.status.phase is Phase.BAKING:
        return promotion.promote(because, release, seen, pace)
    return rising.raise_to(release.plan.after(release.step), because, release, seen, pace)


def cause_of(release: Release, seen: Seen) -> str:
    """Why a stay may end."""
    if seen.judgement is not None and seen.judgement.verdict is Verdict.PASS:
        return f"passed: {seen.judgement.text}"
    return "passed before the pause" if release.has_halted else "not judged, and the plan says promote"


def halt(because: str, release: Release, seen: Seen, pace: Pace) -> Decision:
    """The plan waits for a person here: told once, and judged on meanwhile."""
    told = Told("Paused", f"{because}the plan pauses here; to go on: do=resume")
    paused = {"paused_at": seen.now, "paused_by_plan": True, "halted": release.step.name, "holding": "Paused"}
    return Decision((Record(words.note(release, seen, told, **paused, **words.measured(seen))),), (told,), pace.look)


def lets_pass(release: Release, seen: Seen) -> bool:
    """Whether the plan lets a step pass that could not be measured."""
    return release.plan.on_no_data is OnNoData.PROMOTE and stay_is_over(release, seen)


def without_data(release: Release, seen: Seen, pace: Pace) -> Decision:
    """No data is neither a pass nor the canary's fault; the plan may say what then."""
    judgement = seen.judgement
    if judgement is None or not (stay_is_over(release, seen) or judgement.reason not in QUIET):
        return Decision(look_again=pace.look)
    if release.has_halted and judgement.reason in QUIET:
        return passed(release, seen, pace)
    if lets_pass(release, seen):
        return passed(release, seen, pace)
    return held_up(judgement.reason.value, judgement.text, release, seen, pace.look)


def hurry(stage: Stage, release: Release, seen: Seen, pace: Pace) -> Decision:
    """A person promotes: the analysis is skipped, the order of writes is not; the wish goes with the un-pause."""
    if release.status.paused_at is not None:
        told = Told("Resumed", "promoted by a person while paused")
        return Decision((Record(unpaused(release, seen, told, release.status.paused_at)),), (told,), 0)
    match stage:
        case Stage.PREPARING:
            unplaced = rising.lay_route(release, seen, pace)
            return unplaced or rising.raise_to(release.plan.stays[-1], ASKED, release, seen, pace)
        case Stage.STEPPING:
            leaves = rising.is_impossible(release, seen)
            misplaced = None if leaves else rising.put_right(release, seen, pace)
            return misplaced or rising.raise_to(release.plan.stays[-1], ASKED, release, seen, pace)
        case Stage.BAKING:
            waiting = rising.put_right(release, seen, pace) or wait_for_settle(seen, pace)
            return waiting or promotion.promote(ASKED, release, seen, pace)
        case _:
            return go_on(stage, release, seen, pace)


ASKED = "as a person asked: "
