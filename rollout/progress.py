"""The stages' own next things: how a release goes on when nothing happened to it.

Make before break (laws 8, 10, 12): legs, settle, route, settle, pods; cleanup takes the same way down.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_never

from analysis.verdict import Verdict
from deploy import traffic
from deploy.workload import Held
from rollout import cleanup, numbers, previewing, shares, words
from rollout.holding import QUIET, held_up, not_yet, still_held
from rollout.plan import OnNoData, RouterName
from rollout.seen import (
    Act,
    Decision,
    Define,
    EndBase,
    Level,
    Pace,
    Raise,
    RaiseBase,
    Record,
    Seen,
    Steer,
    Told,
    Unpause,
)
from rollout.settling import is_silent, wait_for_legs, wait_for_settle
from rollout.signals import Stage, stay_is_over
from rollout.status import Phase, Release, Share, Status
from rollout.steps import Step


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
            return promoting(release, seen, pace)
        case Stage.ROLLING:
            return rolling(release, seen, pace)
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
    faults = (*seen.refusals, *seen.route.faults, *seen.unfit)
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


ONE_SET = (
    "pods of several ReplicaSets run, and a Service can lead to those of one: to let the native roll-out end first,"
    " do=revert, and change the template again"
)


def preparing(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Legs, settle, route pinned at weight 0, settle, and only then the canary's pods (law 8)."""
    if unlaid := lay_route(release, seen, pace):
        return unlaid
    cause = previewing.look(release, seen, pace) if release.plan.is_previewed else ""
    if isinstance(cause, Decision):
        return cause
    if release.status.paused_at is not None:
        return Decision(look_again=pace.look if release.plan.is_previewed else None)
    if seen.policy_missing:
        return held_up(POLICY_MISSING, seen.policy_missing, release, seen, pace.look)
    return raise_to(release.plan.stays[0], cause, release, seen, pace)


def lay_route(release: Release, seen: Seen, pace: Pace) -> Decision | None:
    """What is still to be done until the route is pinned, read back and settled; None when it is."""
    route, pinned = seen.route, shares.split_at(release, Decimal(0))
    if route.faults:
        return held_up("Refused", "; ".join(route.faults), release, seen, 30)
    lacking = frozenset(pinned.pins) - route.legs
    if lacking:
        return Decision((Define(route.legs | lacking),), (), pace.settle)
    if unsettled := wait_for_settle(seen, pace):
        return unsettled
    if route.split != pinned or not route.agreed:
        waiting = wait_for_legs(pinned, seen, pace) or unaccepted(release, seen, pace)
        return waiting or first_split(release, seen, pinned, pace)
    return unaccepted(release, seen, pace)


def unaccepted(release: Release, seen: Seen, pace: Pace) -> Decision | None:
    """No rise before those who implement the routes have accepted them; None where they have."""
    if not seen.route.waiting:
        return None
    if is_silent(seen):
        return held_up("RouteNotAccepted", "; ".join(seen.route.waiting), release, seen, pace.poll)
    return Decision(look_again=pace.poll)


def first_split(release: Release, seen: Seen, pinned: traffic.Split, pace: Pace) -> Decision:
    """What is replaced is saved before it is (law 1); each split of an unsplit route is counted (law 17)."""
    if seen.route.split is not None:
        return Decision((Steer(pinned),), (), pace.settle)
    drifts = (*release.status.drifts, seen.now)
    saved = seen.route.saved if seen.base is None else release.status.saved
    if not release.status.drifts:
        status = release.status.model_copy(update={"saved": saved, "drifts": drifts})
        return Decision((Record(status), Steer(pinned)), (), pace.settle)
    told = Told("RouteDrift", "our legs were taken out of the route: pinned again", Level.WARNING)
    status = words.note(release, seen, told, saved=saved, drifts=drifts)
    return Decision((Record(status), Steer(pinned)), (told,), pace.settle)


def raise_to(step: Step, because: str, release: Release, seen: Seen, pace: Pace) -> Decision:
    """Pods first, known to every proxy, then the weight: recorded, then done."""
    if step.lead and seen.unfit:
        return held_up("Refused", "; ".join(seen.unfit), release, seen, 30)
    pods = shares.size(release, seen, step)
    is_open = shares.is_open(release)
    if not is_open and (short := wait_for_pods(pods, release, seen, pace)):
        return short
    if waiting := wait_for_legs(shares.steered(release, step), seen, pace) or unaccepted(release, seen, pace):
        return waiting
    phase = Phase.BAKING if step.weight == shares.FULL else Phase.STEPPING
    number, stays = release.plan.step_of(step), len(release.plan.stays)
    share = share_words(step, pods, release, seen)
    told = Told(phase.value, f"{because}{share}, step {number} of {stays}{ALONE if step.only else ''}")
    status = words.note(
        release,
        seen,
        told,
        phase=phase,
        weight=step.weight,
        lead=step.lead,
        step_text=f"{number}/{stays}",
        since=seen.now,
        ready_at=release.status.ready_at or seen.now,
        bad_looks=0,
        last_bad=None,
        holding=still_held(release),
        **words.measured(seen),
    )
    if release.step.only and not step.only:
        status = status.model_copy(update={"alike_since": seen.now, "checkpoint": "", "checkpoint_at": None})
    is_short = is_open and (seen.canary is None or seen.canary.replicas < pods)
    done = Raise(pods) if is_short else Steer(shares.steered(release, step))
    return Decision((Record(status), done), (told,), pace.settle)


def unready(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Pods come up in their own time; what keeps them from it, a quota say, is told in its own words."""
    if seen.canary is None or seen.canary.waiting is None:
        return Decision(look_again=pace.poll)
    return held_up("CanaryNotReady", waits_for_canary(seen.canary.waiting), release, seen, pace.poll)


def waits_for_canary(why: str) -> str:
    return f"the weight waits for the canary: {why}"


def wait_for_pods(pods: int, release: Release, seen: Seen, pace: Pace) -> Decision | None:
    """Make so many canary pods and wait until they are ready and every proxy knows them."""
    canary = seen.canary
    if canary is None or canary.replicas < pods:
        return Decision((Raise(pods),), (), pace.poll)
    if canary.ready < pods:
        return unready(release, seen, pace)
    return Decision(look_again=pace.settle - seen.canary_age) if seen.canary_age < pace.settle else None


def share_words(step: Step, pods: int, release: Release, seen: Seen) -> str:
    """A rise, for people; by numbers with what whole pods give."""
    if numbers.apply(release) and step.weight < shares.FULL:
        return f"{numbers.said(shares.need(seen, shares.FULL), step.weight)} to the canary"
    return f"{words.exposure(step)} ({pods} {'pod' if pods == 1 else 'pods'})"


ALONE = "; judged by its thresholds alone, for stable serves other users"


def judging(release: Release, seen: Seen, pace: Pace) -> Decision:
    """A step: its weight in the route, its pods in number, and then the judge's word."""
    if misplaced := put_right(release, seen, pace):
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


def put_right(release: Release, seen: Seen, pace: Pace) -> Decision | None:
    """Finish a rise that was recorded and cut short; the step's clock begins when its traffic does."""
    want = shares.wished(release)
    if seen.route.split == want and seen.route.agreed:
        return None
    if release.step.lead and seen.unfit:
        return held_up("RouteRefused", "; ".join(seen.unfit), release, seen, pace.look)
    lacking = frozenset(want.pins) - seen.route.legs
    if lacking:
        return Decision((Define(seen.route.legs | frozenset(want.pins)),), (), pace.settle)
    pods = shares.size(release, seen, release.step)
    if seen.canary is not None and seen.canary.replicas < pods:
        return Decision((Raise(pods),), (), pace.poll)
    short = seen.canary is None or seen.canary.ready < pods or seen.canary_age < pace.settle
    if short and numbers.apply(release) and seen.canary is not None and not seen.canary.waiting:
        return Decision(look_again=pace.poll)
    if short:
        text = seen.canary.waiting if seen.canary and seen.canary.waiting else "its pods are not ready"
        return held_up("CanaryNotReady", waits_for_canary(text), release, seen, pace.poll)
    if waiting := wait_for_legs(want, seen, pace):
        return waiting
    status = release.status.model_copy(update={"since": seen.now, "holding": still_held(release)})
    return Decision((Record(status), Steer(want)), (), pace.settle)


def passed(release: Release, seen: Seen, pace: Pace) -> Decision:
    if release.status.paused_at is not None:
        return Decision(look_again=pace.look)
    because = f"{words.place(release.step)} {cause_of(release, seen)}; "
    if release.step.pauses and not release.has_halted:
        return halt(because, release, seen, pace)
    if release.status.phase is Phase.BAKING:
        return promote(because, release, seen, pace)
    return raise_to(release.plan.after(release.step), because, release, seen, pace)


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


def without_pods(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Scaled to zero while it rolled: nothing takes over, and everything of ours goes."""
    if seen.workload is None or seen.workload.replicas > 0:
        return Decision(look_again=pace.poll)
    told = Told("Finishing", "the Deployment is scaled to zero: the canary leaves")
    status = words.note(release, seen, told, phase=Phase.FINISHING, outcome=Phase.PROMOTED, holding="")
    return Decision((Record(status),), (told,), 0)


def hurry(stage: Stage, release: Release, seen: Seen, pace: Pace) -> Decision:
    """A person promotes: the analysis is skipped, the order of writes is not; the wish goes with the un-pause."""
    if release.status.paused_at is not None:
        told = Told("Resumed", "promoted by a person while paused")
        return Decision((Record(unpaused(release, seen, told, release.status.paused_at)),), (told,), 0)
    match stage:
        case Stage.PREPARING:
            return lay_route(release, seen, pace) or raise_to(release.plan.stays[-1], ASKED, release, seen, pace)
        case Stage.STEPPING:
            return put_right(release, seen, pace) or raise_to(release.plan.stays[-1], ASKED, release, seen, pace)
        case Stage.BAKING:
            return put_right(release, seen, pace) or wait_for_settle(seen, pace) or promote(ASKED, release, seen, pace)
        case _:
            return go_on(stage, release, seen, pace)


ASKED = "as a person asked: "


def promote(because: str, release: Release, seen: Seen, pace: Pace) -> Decision:
    """Recorded, then un-paused in the same look (law 10); only with a whole canary under the users (promise 2)."""
    if waiting := unless_whole(release, seen, pace):
        return waiting
    told = Told("Promoting", f"{because}the Deployment rolls natively while nobody is on it")
    status = words.note(release, seen, told, phase=Phase.PROMOTING, holding="", **words.measured(seen))
    return Decision((Record(status), *unpause(release)), (told,), pace.poll)


def unless_whole(release: Release, seen: Seen, pace: Pace) -> Decision | None:
    """Wait while the canary, on which all users are, is not of full size and ready."""
    if seen.canary is not None and seen.canary.ready >= shares.need(seen, shares.FULL):
        return None
    text = "the promotion waits until the canary is whole"
    return held_up("CanaryNotReady", text, release, seen, pace.poll)


def unpause(release: Release) -> tuple[Act, ...]:
    end: tuple[Act, ...] = (EndBase(release.status.base),) if release.status.base else ()
    return (Unpause(release.spec.revision, Held.ROLLING), *end)


def promoting(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Recorded and not un-paused yet: only when all traffic is seen on a full-size canary (law 10)."""
    if misplaced := put_right(release, seen, pace):
        return misplaced
    if release.status.paused_at is not None:
        return Decision(look_again=None)
    return wait_for_settle(seen, pace) or unless_whole(release, seen, pace) or Decision(unpause(release), (), pace.poll)


def rolling(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Wait for the native roll-out; a stall holds, and users stay on the canary, which is healthy."""
    workload = seen.workload
    if workload is None:
        return Decision(look_again=pace.poll)
    if seen.base is not None and seen.base.in_flight and release.status.base:
        return Decision((EndBase(release.status.base),), (), 0)
    if workload.paused and workload.digest not in (release.spec.revision, *release.status.stable_digests):
        text = "the paused Deployment carries a template that nobody judged: users stay on the canary"
        return held_up("Superseded", text, release, seen, pace.look)
    if workload.paused:
        return Decision((Unpause(workload.digest, Held.ROLLING),), (), pace.poll)
    if seen.canary is not None and seen.canary.replicas < shares.need(seen, shares.FULL):
        return Decision((Raise(shares.need(seen, shares.FULL)),), (), pace.poll)
    if not workload.rolled_out:
        if workload.stalled:
            return held_up("RolloutStalled", workload.stalled, release, seen, pace.look)
        return Decision(look_again=pace.poll)
    new = next((item for item in seen.revisions if item.digest == workload.digest and item.replicas > 0), None)
    if new is None:
        return without_pods(release, seen, pace)
    told = Told("Finishing", f"the Deployment has rolled out: traffic goes to ReplicaSet {new.hash}, the canary leaves")
    pin = traffic.replica_set(new.hash)
    share = Share(label=pin.label, value=pin.value, parts=1)
    outcome = {release.spec.revision: Phase.PROMOTED, **dict.fromkeys(release.status.stable_digests, Phase.REVERTED)}
    end = outcome.get(workload.digest, Phase.SUPERSEDED)
    status = words.note(release, seen, told, phase=Phase.FINISHING, new_stable=share, outcome=end, holding="")
    return Decision((Record(status),), (told,), 0)
