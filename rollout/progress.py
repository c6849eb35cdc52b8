"""The stages' own next things: how a release goes on when nothing happened to it.

Make before break (laws 8, 9, 10, 12): legs, settle, route, settle, pods; and down again route, settle, pods, legs.
"""

from datetime import timedelta
from decimal import Decimal
from math import ceil, floor
from typing import Any

from analysis.verdict import ROUTINE, Reason, Verdict
from deploy import traffic
from deploy.workload import Held
from rollout.plan import OnNoData, Plan, Wish
from rollout.seen import (
    Act,
    ClearWish,
    Decision,
    Define,
    EndBase,
    Leave,
    Level,
    Mark,
    Pace,
    Raise,
    Record,
    Remove,
    Restore,
    RevertTemplate,
    Seen,
    Steer,
    Told,
    Unhold,
    Unpause,
)
from rollout.signals import Stage, stay_is_over
from rollout.status import STAYS_DOWN, Phase, Release, Share, Status
from rollout.status import Decision as Line

FULL = Decimal(100)
KEPT_LINES = 12


def percent(weight: Decimal) -> str:
    return f"{weight.normalize():f} %"


def note(release: Release, seen: Seen, told: Told, **changes: Any) -> Status:
    """The status with these changes, and the decision in it."""
    line = Line(at=seen.now, reason=told.reason, message=told.message[:400], level=told.level.value)
    lines = (*release.status.decisions, line)[-KEPT_LINES:]
    fields = {"reason": told.reason, "message": told.message, "decisions": lines, **changes}
    return release.status.model_copy(update=fields)


def measured(seen: Seen) -> dict[str, str]:
    """What the look measured, in the words of the Release's columns."""
    judgement = seen.judgement
    if judgement is None:
        return {}
    found = {}
    if judgement.success is not None:
        found["success"] = f"{floor(judgement.success * 100) / 100:.2f} %"
    if judgement.latency_ms is not None:
        found["latency"] = f"{judgement.latency_ms:.0f} ms"
    if judgement.seen_share is not None:
        found["seen_weight"] = f"{100 * judgement.seen_share:.1f} %"
    return found


def split_at(release: Release, weight: Decimal) -> traffic.Split:
    """The split at a weight: what is not the canary's is shared among the stable pins by their recorded parts."""
    canary = int(weight * 100)
    left = traffic.WHOLE - canary
    stable = release.status.stable
    total = sum(share.parts for share in stable) or len(stable)
    parts = [left * (share.parts or 1) // total for share in stable]
    parts[0] += left - sum(parts)
    legs = [(share.pin, part) for share, part in zip(stable, parts, strict=True)]
    return traffic.Split((*legs, (release.pin, canary)))


def fallen(release: Release) -> traffic.Split:
    """All traffic to stable, and no leg for the canary."""
    down = split_at(release, Decimal(0))
    return traffic.Split(tuple((pin, parts) for pin, parts in down.shares if pin != release.pin))


def wished(release: Release) -> traffic.Split:
    """The split that the recorded phase and weight ask for."""
    if release.status.phase is Phase.FINISHING and release.status.new_stable is not None:
        return traffic.Split(((release.status.new_stable.pin, traffic.WHOLE),))
    if release.status.phase is Phase.ROLLING_BACK:
        return fallen(release)
    return split_at(release, release.status.weight)


def need(seen: Seen, weight: Decimal) -> int:
    """Canary pods for this weight: its part of the Deployment's own size, at least one."""
    size = seen.workload.replicas if seen.workload is not None else 1
    return max(1, ceil(size * weight / 100))


def go_on(stage: Stage, release: Release, seen: Seen, pace: Pace) -> Decision:
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
            return finishing(release, seen, pace)
        case Stage.ROLLING_BACK:
            return rolling_back(release, seen, pace)


def held_up(reason: str, text: str, release: Release, seen: Seen, look_again: float | None) -> Decision:
    """Stay, and say why; again only when the reason is another."""
    if release.status.holding == reason:
        return Decision(look_again=look_again)
    told = Told(reason, text, Level.WARNING)
    return Decision((Record(note(release, seen, told, holding=reason)),), (told,), look_again)


def pending(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Leave Pending when nothing stands in the way; the stable leg and the route are recorded then (laws 1 and 2)."""
    if isinstance(seen.plan, tuple) and seen.plan:
        return held_up("PlanInvalid", "; ".join(seen.plan), release, seen, 30)
    if seen.predecessor is not None:
        return held_up(
            "PredecessorFalling", f"waits until Release {seen.predecessor} has ended", release, seen, pace.poll
        )
    faults = (*seen.refusals, *seen.route.faults)
    if faults:
        return held_up("Refused", "; ".join(faults), release, seen, 30)
    if release.status.paused_at is not None:
        return Decision()
    stable = stable_shares(seen)
    told = Told("Preparing", f"release of {release.spec.revision} begins: {plan_words(release.plan)}")
    status = note(
        release,
        seen,
        told,
        phase=Phase.PREPARING,
        started=seen.now,
        holding="",
        service=seen.service,
        pod_labels=dict(seen.pod_labels),
        stable=stable,
        stable_digests=stable_digests(seen),
        saved=dict(seen.base.saved) if seen.base else seen.route.saved,
        base=seen.base.name if seen.base else "",
    )
    return Decision((Record(status),), (told,), 0)


def plan_words(plan: Plan) -> str:
    steps = " → ".join(percent(step) for step in (*plan.steps, FULL))
    latency = f", {plan.latency}" if plan.latency else ""
    return (
        f"{steps}, at most {int(plan.interval.total_seconds())} s each, success ≥ {percent(plan.success_rate)}{latency}"
    )


def stable_shares(seen: Seen) -> tuple[Share, ...]:
    """The pins of the stable leg: the base's canary, or each ReplicaSet that runs now, by its size."""
    if seen.base is not None:
        pin = traffic.canary(seen.base.name)
        return (Share(label=pin.label, value=pin.value, parts=1),)
    running = [item for item in seen.revisions if item.replicas > 0]
    pins = [(traffic.replica_set(item.hash), item.replicas) for item in running]
    return tuple(Share(label=pin.label, value=pin.value, parts=parts) for pin, parts in pins)


def stable_digests(seen: Seen) -> tuple[str, ...]:
    if seen.base is not None:
        return (seen.base.revision,)
    return tuple(dict.fromkeys(item.digest for item in seen.revisions if item.replicas > 0))


def preparing(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Legs, settle, route pinned at weight 0, settle, and only then the canary's pods (law 8)."""
    if unlaid := lay_route(release, seen, pace):
        return unlaid
    if release.status.paused_at is not None:
        return Decision()
    return raise_to(release.plan.after(Decimal(0)), release, seen, pace)


def lay_route(release: Release, seen: Seen, pace: Pace) -> Decision | None:
    """What is still to be done until the route is pinned, read back and settled; None when it is."""
    route, pinned = seen.route, split_at(release, Decimal(0))
    if route.faults:
        return held_up("Refused", "; ".join(route.faults), release, seen, 30)
    lacking = frozenset(pinned.pins) - route.legs
    if lacking:
        return Decision((Define(route.legs | lacking),), (), pace.settle)
    if unsettled := wait_for_settle(seen, pace):
        return unsettled
    if route.split != pinned or not route.agreed:
        return first_split(release, seen, pinned, pace)
    return None


def wait_for_settle(seen: Seen, pace: Pace, least: float | None = None) -> Decision | None:
    """Wait until every proxy is taken to follow what stands in the route's objects."""
    needed = pace.settle if least is None else max(pace.settle, least)
    return Decision(look_again=needed - seen.route_age) if seen.route_age < needed else None


def first_split(release: Release, seen: Seen, pinned: traffic.Split, pace: Pace) -> Decision:
    """What is replaced is saved before it is (law 1)."""
    foreign = seen.route.split is None or not seen.route.agreed
    if foreign and seen.base is None and seen.route.saved != release.status.saved:
        status = release.status.model_copy(update={"saved": seen.route.saved})
        return Decision((Record(status), Steer(pinned)), (), pace.settle)
    return Decision((Steer(pinned),), (), pace.settle)


def raise_to(weight: Decimal, release: Release, seen: Seen, pace: Pace) -> Decision:
    """Pods first, known to every proxy, then the weight: recorded, then done."""
    pods = need(seen, weight)
    canary = seen.canary
    if canary is None or canary.replicas < pods:
        return Decision((Raise(pods),), (), pace.poll)
    if canary.ready < pods:
        return Decision(look_again=pace.poll)
    if seen.canary_age < pace.settle:
        return Decision(look_again=pace.settle - seen.canary_age)
    phase = Phase.BAKING if weight == FULL else Phase.STEPPING
    plan = release.plan
    stays = len(plan.steps) + 1
    step = plan.step_of(weight)
    words = f"{percent(release.status.weight)} passed: {seen.judgement.text}; " if seen.judgement else ""
    told = Told(phase.value, f"{words}{percent(weight)} to the canary ({pods} pods), step {step} of {stays}")
    status = note(
        release,
        seen,
        told,
        phase=phase,
        weight=weight,
        step_text=f"{step}/{stays}",
        since=seen.now,
        ready_at=release.status.ready_at or seen.now,
        bad_looks=0,
        last_bad=None,
        holding="Paused" if release.status.paused_at is not None else "",
        **measured(seen),
    )
    return Decision((Record(status), Steer(split_at(release, weight))), (told,), pace.settle)


def judging(release: Release, seen: Seen, pace: Pace) -> Decision:
    """A step: its weight in the route, its pods in number, and then the judge's word."""
    if misplaced := put_right(release, seen, pace):
        return misplaced
    pods = need(seen, release.status.weight)
    if seen.canary is not None and seen.canary.replicas < pods:
        return Decision((Raise(pods),), (), pace.poll)
    if seen.judgement is None:
        return Decision(look_again=pace.look)
    match seen.judgement.verdict:
        case Verdict.PASS if release.status.paused_at is not None:
            return Decision(look_again=pace.look)
        case Verdict.PASS:
            return passed(release, seen, pace)
        case Verdict.NO_DATA:
            return without_data(release, seen, pace)
        case Verdict.HOLD | Verdict.FAIL:
            return not_yet(release, seen, pace)


def put_right(release: Release, seen: Seen, pace: Pace) -> Decision | None:
    """Finish a rise that was recorded and cut short; the step's clock begins when its traffic does."""
    want = wished(release)
    if seen.route.split == want and seen.route.agreed:
        return None
    lacking = frozenset(want.pins) - seen.route.legs
    if lacking:
        return Decision((Define(seen.route.legs | frozenset(want.pins)),), (), pace.settle)
    short = seen.canary is None or seen.canary.ready < need(seen, release.status.weight)
    if short or seen.canary_age < pace.settle:
        text = seen.canary.waiting if seen.canary and seen.canary.waiting else "its pods are not ready"
        return held_up("CanaryNotReady", f"the weight waits for the canary: {text}", release, seen, pace.poll)
    status = release.status.model_copy(update={"since": seen.now, "holding": ""})
    return Decision((Record(status), Steer(want)), (), pace.settle)


def passed(release: Release, seen: Seen, pace: Pace) -> Decision:
    if release.status.phase is Phase.BAKING:
        return promote(release, seen, pace)
    return raise_to(release.plan.after(release.status.weight), release, seen, pace)


def without_data(release: Release, seen: Seen, pace: Pace) -> Decision:
    """No data is neither a pass nor the canary's fault; the plan may say what then."""
    judgement = seen.judgement
    if judgement is None or not (stay_is_over(release, seen) or judgement.reason not in QUIET):
        return Decision(look_again=pace.look)
    if release.plan.on_no_data is OnNoData.PROMOTE and stay_is_over(release, seen):
        return passed(release, seen, pace)
    return held_up(judgement.reason.value, judgement.text, release, seen, pace.look)


QUIET = frozenset({Reason.NO_REQUESTS, Reason.TOO_FEW_REQUESTS})
"""What every step begins with."""


def not_yet(release: Release, seen: Seen, pace: Pace) -> Decision:
    """The judge holds: a bad look is recorded, a reason to hold is said once, and its end too."""
    judgement, status = seen.judgement, release.status
    if judgement is None:
        return Decision(look_again=pace.look)
    count = {"bad_looks": judgement.bad_looks, "last_bad": judgement.last_bad, **measured(seen)}
    reason = "" if judgement.reason in ROUTINE else judgement.reason.value
    holding = "Paused" if status.paused_at is not None else reason
    if holding == status.holding and judgement.bad_looks == status.bad_looks:
        return Decision(look_again=pace.look)
    if reason:
        told = Told(reason, judgement.text, Level.WARNING)
    else:
        told = Told("GoingOn", f"{status.holding or 'the bad look'} is over: {judgement.text}")
    return Decision((Record(note(release, seen, told, holding=holding, **count)),), (told,), pace.look)


def hurry(stage: Stage, release: Release, seen: Seen, pace: Pace) -> Decision:
    """A person promotes: the analysis is skipped, the order of writes is not; the wish goes with the un-pause."""
    match stage:
        case Stage.PREPARING:
            return lay_route(release, seen, pace) or raise_to(FULL, release, seen, pace)
        case Stage.STEPPING:
            return put_right(release, seen, pace) or raise_to(FULL, release, seen, pace)
        case Stage.BAKING:
            return put_right(release, seen, pace) or wait_for_settle(seen, pace) or promote(release, seen, pace)
        case _:
            return go_on(stage, release, seen, pace)


def promote(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Recorded, then un-paused in the same look (law 10)."""
    words = seen.judgement.text if seen.judgement and seen.judgement.verdict is Verdict.PASS else "as a person asked"
    told = Told("Promoting", f"100 % passed: {words}; the Deployment rolls natively while nobody is on it")
    status = note(release, seen, told, phase=Phase.PROMOTING, holding="", paused_at=None, **measured(seen))
    return Decision((Record(status), *unpause(release)), (told,), pace.poll)


def unpause(release: Release) -> tuple[Act, ...]:
    end: tuple[Act, ...] = (EndBase(release.status.base),) if release.status.base else ()
    return (Unpause(release.spec.revision, Held.ROLLING), *end)


def promoting(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Recorded and not un-paused yet: only when all traffic is seen on a full-size canary (law 10)."""
    if misplaced := put_right(release, seen, pace):
        return misplaced
    if release.status.paused_at is not None:
        return Decision(look_again=None)
    return wait_for_settle(seen, pace) or Decision(unpause(release), (), pace.poll)


def rolling(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Wait for the native roll-out; a stall holds, and users stay on the canary, which is healthy."""
    workload = seen.workload
    if workload is None:
        return Decision(look_again=pace.poll)
    if seen.base is not None and seen.base.in_flight and release.status.base:
        return Decision((EndBase(release.status.base),), (), 0)
    if workload.paused:
        return Decision((Unpause(workload.digest, Held.ROLLING),), (), pace.poll)
    if seen.canary is not None and seen.canary.replicas < need(seen, FULL):
        return Decision((Raise(need(seen, FULL)),), (), pace.poll)
    if not workload.rolled_out:
        if workload.stalled:
            return held_up("RolloutStalled", workload.stalled, release, seen, pace.look)
        return Decision(look_again=pace.poll)
    new = next((item for item in seen.revisions if item.digest == workload.digest and item.replicas > 0), None)
    if new is None:
        return Decision(look_again=pace.poll)
    told = Told("Finishing", f"the Deployment has rolled out: traffic goes to ReplicaSet {new.hash}, the canary leaves")
    pin = traffic.replica_set(new.hash)
    share = Share(label=pin.label, value=pin.value, parts=1)
    outcome = Phase.PROMOTED if workload.digest == release.spec.revision else Phase.REVERTED
    status = note(release, seen, told, phase=Phase.FINISHING, new_stable=share, outcome=outcome, holding="")
    return Decision((Record(status),), (told,), 0)


def finishing(release: Release, seen: Seen, pace: Pace) -> Decision:
    """To the new ReplicaSet, settle, drain, and everything of ours goes (laws 9 and 12)."""
    share = release.status.new_stable
    if share is None or seen.route.split is None:
        return clean_up(release, seen, pace)
    want = wished(release)
    if share.pin not in seen.route.legs:
        return Decision((Define(seen.route.legs | {share.pin}),), (), pace.settle)
    if seen.route.split != want or not seen.route.agreed:
        return wait_for_settle(seen, pace) or Decision((Steer(want),), (), pace.settle)
    return clean_up(release, seen, pace)


def rolling_back(release: Release, seen: Seen, pace: Pace) -> Decision:
    """The fall is made sure of, then everything of ours goes (law 9)."""
    split = seen.route.split
    if split is not None and (release.pin in split.pins or not seen.route.agreed):
        return Decision((Steer(fallen(release)),), (), pace.settle)
    return clean_up(release, seen, pace)


def clean_up(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Drained pods, then the route as it was, settle, then the legs, then the end."""
    stands_on_base = bool(release.status.base) and release.status.phase is Phase.ROLLING_BACK
    finishing_base = bool(release.status.base) and release.status.phase is Phase.FINISHING
    route = seen.route
    canary_there = seen.canary is not None and not seen.canary.deleting
    base_there = finishing_base and seen.base is not None and seen.base.canary is not None
    if canary_there or (base_there and seen.base and seen.base.canary and not seen.base.canary.deleting):
        return wait_for_settle(seen, pace, pace.drain) or Decision((Remove(base=finishing_base),), (), pace.poll)
    if seen.canary is not None or base_there or seen.leavers > 0:
        return Decision(look_again=pace.poll)
    if stands_on_base:
        kept = frozenset(share.pin for share in release.status.stable)
        if route.legs != kept and route.split is not None:
            return wait_for_settle(seen, pace) or Decision((Define(kept),), (), pace.settle)
        return end(release, seen)
    if route.split is not None:
        return wait_for_settle(seen, pace) or Decision((Restore(),), (), pace.settle)
    if route.legs:
        return wait_for_settle(seen, pace) or Decision((Define(frozenset()),), (), 0)
    return end(release, seen)


def end(release: Release, seen: Seen) -> Decision:
    """Nothing of ours is left in the route: the Deployment's marks, then the record."""
    outcome = release.status.outcome or Phase.REVERTED
    told = Told(outcome.value, end_words(outcome, release, seen), level_of(outcome))
    status = note(release, seen, told, phase=outcome, ended=seen.now, holding="", reason=end_reason(release, told))
    wish: tuple[Act, ...] = ()
    if seen.workload is not None and seen.workload.wish == Wish.ABORT and release.status.phase is Phase.ROLLING_BACK:
        wish = (ClearWish(Wish.ABORT),)
    return Decision((*marks(outcome, release, seen), Record(status), *wish), (told,), 0)


def end_reason(release: Release, told: Told) -> str:
    """An ended release keeps the cause of its fall as its reason."""
    return release.status.reason if release.status.phase is Phase.ROLLING_BACK else told.reason


def end_words(outcome: Phase, release: Release, seen: Seen) -> str:
    span = seen.now - (release.status.started or seen.now)
    seconds = f"{span / timedelta(seconds=1):.0f} s"
    match outcome:
        case Phase.PROMOTED:
            return f"{release.spec.revision} is promoted after {seconds}; nothing of the release is left"
        case Phase.ROLLED_BACK | Phase.CANCELLED:
            return f"{release.spec.revision} ended after {seconds}: {release.status.message}"
        case _:
            return f"{release.spec.revision} ended as {outcome} after {seconds}: {release.status.message}"


def level_of(outcome: Phase) -> Level:
    return Level.WARNING if outcome in STAYS_DOWN else Level.NORMAL


def marks(outcome: Phase, release: Release, seen: Seen) -> tuple[Act, ...]:
    """What the Deployment needs at the end, by how it ended and what its template is now."""
    workload = seen.workload
    if workload is None or workload.deleting:
        return ()
    if release.status.phase is Phase.FINISHING:
        return (Unhold(),) if workload.held is Held.ROLLING else ()
    cause = release.status.reason
    if cause == "OptedOut" or not workload.opted_in:
        return (Leave(),) if workload.held is Held.HELD else ()
    if cause == "HoldEscaped":
        return (Unhold(),) if workload.held is not None and not workload.paused else ()
    if outcome in STAYS_DOWN and workload.digest == release.spec.revision and cause not in UNMARKED:
        return () if workload.failed == release.spec.revision else (Mark(release.spec.revision),)
    if outcome is Phase.REVERTED and not release.status.base:
        return reverted_marks(release, seen)
    return ()


UNMARKED = frozenset({"ScaledToZero", "DeploymentGone", "OptedOut", "HoldEscaped"})


def reverted_marks(release: Release, seen: Seen) -> tuple[Act, ...]:
    workload = seen.workload
    if workload is None:
        return ()
    if workload.digest in release.status.stable_digests:
        return (Unpause(workload.digest, None),)
    old = next((item for item in seen.revisions if item.digest in release.status.stable_digests), None)
    if workload.wish == Wish.REVERT and old is not None:
        return (RevertTemplate(old.hash),)
    return ()
