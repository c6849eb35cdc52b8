"""Decide for a pair: name what happened to its release, and what follows; rises are recorded first, falls done first.

The new side is a Deployment of the user's that runs already, so nothing is prepared, un-paused, scaled or removed:
Pending → Stepping → Baking → Finishing, or RollingBack, with the same signals, judge and words as any release.
"""

from collections.abc import Callable
from decimal import Decimal
from math import ceil

from analysis.verdict import Verdict
from deploy.traffic import WHOLE
from rollout import holding, machine, progress, rising, shares, signals, words
from rollout.moves import MARKED, OUTCOMES
from rollout.pair.sides import Flying
from rollout.plan import Wish
from rollout.seen import Act, ClearWish, Decision, Level, Mark, Pace, Record, Refresh, Retire, Steer, Told
from rollout.signals import Signal, Stage
from rollout.status import STAYS_DOWN, Phase, Release, Share
from rollout.steps import Step

Rule = Callable[[Release, Flying], bool]


def _as_ever(rule: signals.Rule) -> Rule:
    """A rule that holds for a pair as for any release."""
    return lambda release, flying: rule(release, flying.seen, stage(release))


def stage(release: Release) -> Stage:
    return Stage(release.status.phase.value)


def has_opted_out(release: Release, flying: Flying) -> bool:
    """The annotations that make the pair were taken away."""
    return flying.opted_out


def is_torn(release: Release, flying: Flying) -> bool:
    """Somebody else wrote the weights again and again."""
    recent = [moment for moment in release.status.drifts if flying.seen.now - moment < signals.CONTEST]
    return stage(release) in JUDGED and len(recent) > signals.CONTEST_TIMES


def is_unready(release: Release, flying: Flying) -> bool:
    """The new side has traffic and no ready pod; before it is recorded whose the rest is, none can be given back."""
    return flying.new.ready == 0 and bool(flying.parts) and bool(release.status.stable)


JUDGED = frozenset({Stage.STEPPING, Stage.BAKING})

CHAIN: tuple[tuple[Signal, Rule], ...] = (
    (Signal.DEPLOYMENT_GONE, _as_ever(signals.is_gone)),
    (Signal.RELEASE_DELETED, _as_ever(signals.is_deleted)),
    (Signal.OPTED_OUT, has_opted_out),
    (Signal.SUPERSEDED, _as_ever(signals.is_superseded)),
    (Signal.ABORTED, _as_ever(signals.wishes(Wish.ABORT))),
    (Signal.REVERT_WISHED, _as_ever(signals.wishes(Wish.REVERT))),
    (Signal.JUDGED_BAD, _as_ever(signals.is_judged_bad)),
    (Signal.CANARY_DEAD, _as_ever(signals.is_dead)),
    (Signal.DEADLINE_PASSED, _as_ever(signals.is_late)),
    (Signal.CANARY_UNREADY, is_unready),
    (Signal.NO_DATA_CANCELLED, _as_ever(signals.is_without_data)),
    (Signal.ROUTE_CONTESTED, is_torn),
    (Signal.SCALED_TO_ZERO, _as_ever(signals.is_scaled_to_zero)),
    (Signal.PAUSE_WISHED, _as_ever(signals.wishes(Wish.PAUSE))),
    (Signal.RESUME_WISHED, _as_ever(signals.wishes(Wish.RESUME))),
    (Signal.RETRY_WISHED, _as_ever(signals.wishes(Wish.RETRY))),
    (Signal.JUDGED_BAD_HELD, _as_ever(signals.is_judged_bad_held)),
    (Signal.PLAN_CHANGED, _as_ever(signals.has_new_plan)),
    (Signal.PROMOTE_WISHED, _as_ever(signals.wishes(Wish.PROMOTE))),
)

LEAVING = frozenset({Phase.FINISHING, Phase.ROLLING_BACK})


def name(release: Release, flying: Flying) -> Signal:
    """The first signal that holds; PROCEED where none does, and on the way out, where nothing turns the course."""
    if release.status.phase in LEAVING:
        return Signal.PROCEED
    return next((signal for signal, holds in CHAIN if holds(release, flying)), Signal.PROCEED)


def is_urgent(release: Release, flying: Flying) -> bool:
    """Whether traffic must leave for a cause that needs no judge."""
    signal = name(release, flying)
    return signal in OUTCOMES or signal is Signal.CANARY_UNREADY


def decide(release: Release, flying: Flying, pace: Pace) -> Decision:
    """What this look does about the release of a pair."""
    signal = name(release, flying)
    if signal in OUTCOMES and not (signal is Signal.SCALED_TO_ZERO and release.status.phase is Phase.PENDING):
        return taken_back(signal, release, flying, pace)
    match signal:
        case Signal.CANARY_UNREADY:
            return unready(release, flying, pace)
        case Signal.PAUSE_WISHED:
            return machine.pause(release, flying.seen)
        case Signal.RESUME_WISHED:
            return machine.resume(release, flying.seen)
        case Signal.RETRY_WISHED:
            return machine.refuse(stage(release), release, flying.seen, pace)
        case Signal.JUDGED_BAD_HELD:
            text = machine.why(signal, release, flying.seen)
            return holding.held_up(signal.value, text, release, flying.seen, pace.look)
        case Signal.PLAN_CHANGED:
            return machine.replan(release, flying.seen)
        case Signal.PROMOTE_WISHED:
            return hurry(release, flying, pace)
        case _:
            return go_on(release, flying, pace)


def why(signal: Signal, release: Release, flying: Flying) -> str:
    """The cause as a sentence."""
    match signal:
        case Signal.OPTED_OUT:
            leaving = flying.seen.workload.leaving if flying.seen.workload is not None else ""
            return leaving or "the annotations strategy or canary-of were removed"
        case Signal.CANARY_DEAD:
            return flying.new.dead or "its pods can not come up"
        case Signal.DEADLINE_PASSED:
            waiting = flying.new.waiting or release.status.message
            return f"the deadline of {release.spec.plan.get('deadline')} has passed; last: {waiting}"
        case Signal.ROUTE_CONTESTED:
            return "somebody else keeps writing the weights"
        case Signal.REVERT_WISHED:
            return "a person asked to revert"
        case _:
            return machine.why(signal, release, flying.seen)


def taken_back(signal: Signal, release: Release, flying: Flying, pace: Pace) -> Decision:
    """All traffic to the old side first of all, unless nobody there could answer; then the mark, then the record."""
    signal = machine.judged_cause(signal, release, flying.seen)
    judgement = flying.seen.judgement
    reason = judgement.reason.value if signal is Signal.JUDGED_BAD and judgement else signal.value
    cause = why(signal, release, flying)
    if flying.old.ready == 0 and flying.parts:
        text = f"{cause}, and {flying.old.name} has no ready pod to go back to: the traffic stays"
        return holding.held_up("NothingToFallTo", text, release, flying.seen, pace.poll)
    outcome = OUTCOMES[signal]
    first: tuple[Steer, ...] = (
        (Steer(shares.split_at(release, Decimal(0))),) if flying.parts and release.status.stable else ()
    )
    stays = release.status.phase is Phase.PENDING and not first
    back = f"all traffic to {flying.old.name}" if flying.old.name else "no traffic was moved yet"
    told = Told(reason, f"{cause}: {back}", words.level_of(outcome))
    changes = {"phase": outcome, "ended": flying.seen.now} if stays else {"phase": Phase.ROLLING_BACK}
    status = words.note(release, flying.seen, told, outcome=outcome, holding="", **changes)
    gone = {"weight": Decimal(0), "step_text": "", "reached": status.step_text or status.reached}
    status = status.model_copy(update=gone | words.measured(flying.seen))
    marked = signal in MARKED or signal is Signal.REVERT_WISHED
    mark = (Mark(release.spec.revision),) if marked and machine.has_template(release, flying.seen) else ()
    wish = cleared(flying) if stays else ()
    return Decision((*first, *mark, Record(status), *wish), (told,), 0)


def cleared(flying: Flying) -> tuple[ClearWish, ...]:
    work = flying.seen.workload
    return (ClearWish(work.wish),) if work is not None and work.wish in (Wish.ABORT, Wish.REVERT) else ()


def unready(release: Release, flying: Flying, pace: Pace) -> Decision:
    """No pod of the new side is ready: its traffic goes to the old one until one is."""
    if flying.old.ready == 0:
        text = f"neither {flying.new.name} nor {flying.old.name} has a ready pod"
        return holding.held_up("NothingToFallTo", text, release, flying.seen, pace.poll)
    text = flying.new.waiting or f"no pod of {flying.new.name} is ready"
    told = Told("CanaryNotReady", f"{text}: its traffic goes to {flying.old.name} until one is", Level.WARNING)
    status = words.note(release, flying.seen, told, holding="CanaryNotReady")
    return Decision((Steer(shares.split_at(release, Decimal(0))), Record(status)), (told,), pace.settle)


def go_on(release: Release, flying: Flying, pace: Pace) -> Decision:
    """The phase's own next thing."""
    match release.status.phase:
        case Phase.PENDING:
            return pending(release, flying, pace)
        case Phase.STEPPING | Phase.BAKING:
            return judging(release, flying, pace)
        case Phase.FINISHING:
            return finishing(release, flying, pace)
        case _:
            return rolling_back(release, flying, pace)


def pending(release: Release, flying: Flying, pace: Pace) -> Decision:
    """Leave Pending when nothing stands in the way; what the weights are now is recorded first (law 1)."""
    seen = flying.seen
    if isinstance(seen.plan, tuple) and seen.plan:
        return holding.held_up("PlanInvalid", "; ".join(seen.plan), release, seen, 30)
    if flying.route.faults:
        return holding.held_up("Refused", "; ".join(flying.route.faults), release, seen, 30)
    if not flying.old.is_whole:
        text = f"{flying.old.name} is not whole: {flying.old.waiting or 'its roll-out is not over'}"
        return holding.held_up("StableUnhealthy", text, release, seen, pace.look)
    if release.status.paused_at is not None:
        return Decision()
    if release.status.started is None:
        plan = words.plan_words(release.plan)
        told = Told(
            "Preparing", f"{flying.new.name} takes over from {flying.old.name}, {release.spec.revision}: {plan}"
        )
        stable = Share(label=flying.old.pin.label, value=flying.old.name, parts=1)
        status = words.note(
            release, seen, told, started=seen.now, holding="", stable=(stable,), saved=dict(flying.route.saved)
        )
        return Decision((Record(status),), (told,), 0)
    return raise_to(release.plan.stays[0], "", release, flying, pace)


def raise_to(step: Step, because: str, release: Release, flying: Flying, pace: Pace) -> Decision:
    """Only onto as many ready pods as that share of the old side; recorded, then done."""
    if step.lead:
        text = f"step {step.name} is for canaries that Rampart makes: in pair mode steps are percentages"
        return holding.held_up("Refused", text, release, flying.seen, 30)
    if waiting := unless_big_enough(step.weight, release, flying, pace):
        return waiting
    share = f"{because}{words.percent(step.weight)} to {flying.new.name}"
    told, status = rising.begun(step, share, release, flying.seen)
    return Decision((Record(status), Steer(shares.split_at(release, step.weight))), (told,), pace.settle)


def unless_big_enough(weight: Decimal, release: Release, flying: Flying, pace: Pace) -> Decision | None:
    """The user sizes both sides: wait until the new one can carry its share."""
    size = flying.old.work.replicas if flying.old.work is not None else 1
    pods = max(1, ceil(size * weight / 100))
    if flying.new.ready >= pods:
        return None
    reason = flying.new.waiting or f"{flying.new.ready} ready"
    text = (
        f"{words.percent(weight)} needs {pods} ready pods of {flying.new.name} ({flying.old.name} has {size});"
        f" {reason}: scale it"
    )
    return holding.held_up("CanaryTooSmall", text, release, flying.seen, pace.look)


def judging(release: Release, flying: Flying, pace: Pace) -> Decision:
    """A step: its weight in the routes, and then the judge's word."""
    seen = flying.seen
    if misplaced := put_right(release, flying, pace):
        return misplaced
    if seen.policy_missing and release.status.paused_at is None:
        return progress.without_policy(release, seen, pace)
    if seen.judgement is None:
        return Decision(look_again=pace.look)
    match seen.judgement.verdict:
        case Verdict.PASS:
            return passed(release, flying, pace)
        case Verdict.NO_DATA if progress.lets_pass(release, seen):
            return passed(release, flying, pace)
        case Verdict.NO_DATA:
            return progress.without_data(release, seen, pace)
        case _:
            return holding.not_yet(release, seen, pace)


def put_right(release: Release, flying: Flying, pace: Pace) -> Decision | None:
    """Write the recorded weight where it does not stand: a rise cut short, or somebody else's weights (law 17)."""
    wished = int(release.status.weight * 100)
    if flying.parts == wished:
        return None
    seen, steer = flying.seen, Steer(shares.split_at(release, release.status.weight))
    if flying.route.faults:
        return taken_back(Signal.ROUTE_CONTESTED, release, flying, pace)
    fell = release.status.holding == "CanaryNotReady"
    if waiting := unless_big_enough(release.status.weight, release, flying, pace):
        return Decision(look_again=pace.look) if fell else waiting
    if fell or not was_there(release, flying, pace):
        status = release.status.model_copy(update={"since": seen.now, "holding": holding.still_held(release)})
        return Decision((Record(status), steer), (), pace.settle)
    shown = "different shares in different lists" if flying.parts is None else f"{flying.parts * 100 / WHOLE:g} %"
    text = f"the routes show {shown} for {flying.new.name}: written again, {words.percent(release.status.weight)}"
    told = Told(Signal.ROUTE_DRIFT.value, text, Level.WARNING)
    drifts = (*release.status.drifts, seen.now)[-signals.CONTEST_TIMES - 1 :]
    return Decision((Record(words.note(release, seen, told, drifts=drifts)), steer), (told,), pace.settle)


def was_there(release: Release, flying: Flying, pace: Pace) -> bool:
    """Whether the step is so old that its weight must have been written."""
    since = release.status.since
    return since is not None and (flying.seen.now - since).total_seconds() > 2 * pace.settle + pace.look


def passed(release: Release, flying: Flying, pace: Pace) -> Decision:
    if release.status.paused_at is not None:
        return Decision(look_again=pace.look)
    because = f"{words.place(release.step)} {progress.cause_of(release, flying.seen)}; "
    if release.step.pauses and not release.has_halted:
        return progress.halt(because, release, flying.seen, pace)
    if release.status.phase is Phase.BAKING:
        return finish(because, release, flying)
    return raise_to(release.plan.after(release.step), because, release, flying, pace)


def finish(because: str, release: Release, flying: Flying) -> Decision:
    """All traffic stays; the old side is left to its owner."""
    told = Told("Finishing", f"{because}{flying.new.name} keeps all traffic; {flying.old.name} is left as it is")
    status = words.note(
        release,
        flying.seen,
        told,
        phase=Phase.FINISHING,
        outcome=Phase.PROMOTED,
        holding="",
        **words.measured(flying.seen),
    )
    return Decision((Record(status),), (told,), 0)


def hurry(release: Release, flying: Flying, pace: Pace) -> Decision:
    """A person promotes: the analysis is skipped, and nothing else."""
    seen = flying.seen
    if release.status.paused_at is not None:
        told = Told("Resumed", "promoted by a person while paused")
        return Decision((Record(progress.unpaused(release, seen, told, release.status.paused_at)),), (told,), 0)
    match release.status.phase:
        case Phase.PENDING if release.status.started is None:
            return pending(release, flying, pace)
        case Phase.BAKING:
            return put_right(release, flying, pace) or finish(progress.ASKED, release, flying)
        case _:
            return raise_to(release.plan.stays[-1], progress.ASKED, release, flying, pace)


def finishing(release: Release, flying: Flying, pace: Pace) -> Decision:
    """The marks, before the end is recorded (law 3): the old side has had its turn, the new one has no mark."""
    old = flying.old.work
    retire = (Retire(flying.old.name, old.digest),) if old is not None else ()
    outcome = Phase.PROMOTED
    told = Told(outcome.value, words.end_words(outcome, release, flying.seen))
    status = words.note(release, flying.seen, told, phase=outcome, ended=flying.seen.now, holding="")
    work = flying.seen.workload
    wish = (ClearWish(work.wish),) if work is not None and work.wish else ()
    acts: tuple[Act, ...] = (*retire, Refresh(flying.new.name), Record(status), *wish)
    return Decision(acts, (told,))


def rolling_back(release: Release, flying: Flying, pace: Pace) -> Decision:
    """The fall is made sure of and settled; then the end is recorded, and the wish cleared last (law 6)."""
    if flying.parts and flying.old.ready > 0:
        return Decision((Steer(shares.split_at(release, Decimal(0))),), (), pace.settle)
    if flying.seen.route_age < pace.settle:
        return Decision(look_again=pace.settle - flying.seen.route_age)
    outcome = release.status.outcome or Phase.REVERTED
    told = Told(outcome.value, words.end_words(outcome, release, flying.seen), words.level_of(outcome))
    status = words.note(release, flying.seen, told, phase=outcome, ended=flying.seen.now, holding="")
    status = status.model_copy(update={"reason": release.status.reason, "message": release.status.message})
    down = outcome in STAYS_DOWN or release.status.reason == Signal.REVERT_WISHED
    mark = (Mark(release.spec.revision),) if down and machine.has_template(release, flying.seen) else ()
    return Decision((*mark, Record(status), *cleared(flying)), (told,))
