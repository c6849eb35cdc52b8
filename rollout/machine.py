"""Decide what one look does: name what happened, look up the course, and lay out its acts.

The order law (laws 6 and 7): a rise in exposure is recorded first, then done; a fall is done first, then recorded.
Pure and total: every pair of stage and signal has a course, every course is laid out here or in `progress`.
"""

from decimal import Decimal
from typing import assert_never

from analysis.verdict import Verdict
from deploy import traffic
from deploy.workload import Held
from rollout import cleanup, holding, policy, progress, settling, shares, signals, steps, words
from rollout.moves import MARKED, MOVES, OUTCOMES, Course
from rollout.plan import Plan, Wish
from rollout.seen import (
    Act,
    ClearWish,
    Decision,
    Define,
    Level,
    Mark,
    Pace,
    Raise,
    Record,
    Replan,
    Restore,
    RevertTemplate,
    Seen,
    Steer,
    Told,
    Unhold,
    Unpause,
)
from rollout.signals import Signal, Stage
from rollout.status import Phase, Release, Status


def decide(release: Release, seen: Seen, pace: Pace) -> Decision:
    """What this look does about the release. Times are seconds; `seen.now` is the only clock."""
    stage, signal = signals.name(release, seen)
    match MOVES[stage, signal]:
        case Course.GO_ON:
            return progress.go_on(stage, release, seen, pace)
        case Course.FALL:
            return fall(signal, release, seen)
        case Course.END:
            return end_pending(signal, release, seen)
        case Course.LET_GO:
            return let_go(signal, release, seen)
        case Course.RETREAT:
            return retreat(release, seen, pace)
        case Course.KEEP:
            return keep(signal, stage, release, seen, pace)
        case Course.TURN:
            return turn(signal, release, seen, pace)
        case Course.STAND:
            return stand(release, seen, pace)
        case Course.HOLD:
            return holding.held_up(signal.value, why(signal, release, seen), release, seen, pace.look)
        case Course.PAUSE:
            return pause(release, seen)
        case Course.RESUME:
            return resume(release, seen)
        case Course.HURRY:
            return progress.hurry(stage, release, seen, pace)
        case Course.REPLAN:
            return replan(release, seen)
        case Course.RESPLIT:
            return resplit(release, seen, pace)
        case Course.REFUSE:
            return refuse(stage, release, seen, pace)
        case never:
            assert_never(never)


def why(signal: Signal, release: Release, seen: Seen) -> str:
    """The cause as a sentence with what was measured."""
    spec = release.spec
    match signal:
        case Signal.JUDGED_BAD | Signal.JUDGED_BAD_HELD:
            return seen.judgement.text if seen.judgement else "judged bad"
        case Signal.CANARY_DEAD:
            return (seen.canary.dead if seen.canary else None) or "the canary Deployment was deleted"
        case Signal.NO_DATA_CANCELLED:
            return f"cancelled as the plan says: {seen.judgement.text if seen.judgement else 'no data'}"
        case Signal.DEADLINE_PASSED:
            waiting = seen.canary.waiting if seen.canary and seen.canary.waiting else release.status.message
            return f"the deadline of {release.spec.plan.get('deadline')} has passed; last: {waiting}"
        case Signal.DEPLOYMENT_GONE:
            return f"Deployment {spec.deployment} was deleted"
        case Signal.RELEASE_DELETED:
            return f"Release {release.name} was deleted"
        case Signal.OPTED_OUT:
            leaving = (seen.workload.leaving if seen.workload else "") or "the strategy annotation was removed"
            return f"{leaving}; the template that was not promoted stays paused"
        case Signal.HOLD_ESCAPED:
            return "the held template rolls although nobody let it; see the hold's policies and their bindings"
        case Signal.REVERTED:
            return "the template is back to the running one"
        case Signal.REVERT_WISHED:
            return "a person asked to revert to the running template"
        case Signal.SUPERSEDED:
            return f"a newer template {seen.workload.digest if seen.workload else ''} took the place of {spec.revision}"
        case Signal.ABORTED:
            return "a person asked to abort"
        case Signal.ROUTE_CONTESTED if seen.route.faults:
            return f"somebody else wrote the route, which can not be split now: {'; '.join(seen.route.faults)}"
        case Signal.ROUTE_CONTESTED:
            return f"somebody else keeps writing the route: {seen.drift or 'our legs were taken out'}"
        case Signal.FALL_FOUND:
            return "the route was found without the canary's leg"
        case Signal.SCALED_TO_ZERO:
            return f"Deployment {spec.deployment} is scaled to zero"
        case _:
            return signal.value


def judged_cause(signal: Signal, release: Release, seen: Seen) -> Signal:
    """A version that was judged bad ends as such, whatever else arrives in the same look (law 15)."""
    if seen.judgement is not None and seen.judgement.verdict is Verdict.FAIL and signals.takes_back(seen):
        return Signal.JUDGED_BAD
    if seen.canary is not None and seen.canary.dead is not None:
        return Signal.CANARY_DEAD
    return signal


def fall(signal: Signal, release: Release, seen: Seen) -> Decision:
    """The route first: the canary's leg goes; then the mark, then the record."""
    down = shares.fallen(release)
    route = seen.route
    first: tuple[Act, ...] = (Steer(down),) if release.pin in route.shown else ()
    return fall_recorded(judged_cause(signal, release, seen), release, seen, first)


def fall_recorded(signal: Signal, release: Release, seen: Seen, first: tuple[Act, ...]) -> Decision:
    text = why(signal, release, seen)
    reason = seen.judgement.reason.value if signal is Signal.JUDGED_BAD and seen.judgement else signal.value
    told = Told(reason, f"{text}: all traffic back to stable", words.level_of(OUTCOMES[signal]))
    status = words.note(release, seen, told, phase=Phase.ROLLING_BACK, outcome=OUTCOMES[signal], holding="")
    gone = {"weight": status.weight * 0, "step_text": "", "lead": "", "reached": status.step_text or status.reached}
    status = status.model_copy(update=gone | words.measured(seen))
    mark: tuple[Act, ...] = (Mark(release.spec.revision),) if signal in MARKED and has_template(release, seen) else ()
    return Decision((*first, *mark, Record(status)), (told,), 0)


def has_template(release: Release, seen: Seen) -> bool:
    """Whether the Deployment is there and still carries this release's template."""
    return seen.workload is not None and seen.workload.digest == release.spec.revision and not seen.workload.deleting


def retreat(release: Release, seen: Seen, pace: Pace) -> Decision:
    """A fall that keeps the leg: the step begins anew when the canary's pods are back."""
    text = seen.canary.waiting if seen.canary and seen.canary.waiting else "no pod of the canary is ready"
    told = Told("CanaryNotReady", f"{text}: its traffic goes to stable until one is", Level.WARNING)
    status = words.note(release, seen, told, holding="CanaryNotReady")
    return Decision((Steer(shares.split_at(release, Decimal(0))), Record(status)), (told,), pace.settle)


def let_go(signal: Signal, release: Release, seen: Seen) -> Decision:
    """The pods behind the stable pin vanish: the route goes to the root before anything else.

    A base's canary does not vanish.
    """
    if seen.base is not None:
        return fall(signal, release, seen)
    return fall_recorded(signal, release, seen, (Restore(),))


def end_pending(signal: Signal, release: Release, seen: Seen) -> Decision:
    """Nothing was split: what the Deployment needs, then the end."""
    told = Told(signal.value, why(signal, release, seen), Level.NORMAL)
    acts = last_acts(signal, release, seen)
    status = words.note(release, seen, told, phase=OUTCOMES[signal], holding="", ended=seen.now)
    wish: tuple[Act, ...] = (ClearWish(Wish.ABORT),) if signal is Signal.ABORTED else ()
    return Decision((*acts, Record(status), *wish), (told,), 0)


def last_acts(signal: Signal, release: Release, seen: Seen) -> tuple[Act, ...]:
    """What the Deployment needs at the end of a release that split nothing."""
    workload = seen.workload
    match signal:
        case Signal.ABORTED | Signal.RELEASE_DELETED if has_template(release, seen):
            return (Mark(release.spec.revision),)
        case Signal.OPTED_OUT if workload is not None:
            return cleanup.left(workload, signals.running_digests(seen))
        case Signal.HOLD_ESCAPED if workload is not None and workload.held is not None:
            return (Unhold(),)
        case Signal.REVERTED if workload is not None and seen.base is None:
            return (Unpause(workload.digest, None),)
        case Signal.REVERT_WISHED:
            return reverting(seen)
        case _:
            return ()


def stand(release: Release, seen: Seen, pace: Pace) -> Decision:
    """The canary is production, at full size, while the newer template has its own release.

    If that template rolls already (its owner let it go, or it escaped), its pods take over when they are whole.
    """
    if seen.workload is not None and not seen.workload.paused:
        return progress.go_on(Stage.ROLLING, release, seen, pace)
    size = shares.need(seen, shares.FULL)
    if seen.canary is not None and seen.canary.replicas < size:
        return Decision((Raise(size),), (), 0)
    if seen.workload is not None and not seen.workload.opted_in:
        text = (
            "opted out in the midst of the native roll-out of"
            f" {release.spec.revision}, with a template that nobody judged: users stay on the canary;"
            " opt in again, or put the template back"
        )
        return holding.held_up(Signal.OPTED_OUT.value, text, release, seen, pace.look)
    text = "a newer template arrived in the native roll-out: users stay on the canary, and its release begins"
    return holding.held_up(Signal.SUPERSEDED.value, text, release, seen, None)


def reverting(seen: Seen) -> tuple[Act, ...]:
    """The template that users are on: the base's, which rolls on, or that of the largest ReplicaSet."""
    if seen.base is None:
        held = seen.workload.digest if seen.workload is not None else ""
        return tuple(RevertTemplate(item.hash) for item in seen.revisions if item.digest != held)[:1]
    rolling = [item for item in seen.revisions if seen.base is not None and item.digest == seen.base.revision]
    return tuple(RevertTemplate(item.hash, Held.ROLLING) for item in rolling[:1])


TOO_LATE = {
    False: "too late to abort: the native roll-out replaces the old pods already, and users are on the new version;"
    " to go back: do=revert",
    True: "too late to abort: the new version is promoted, and only clean-up is left;"
    " to go back: kubectl rollout undo (kept paused at rest: do=revert), which is released like any other change",
}
"""By whether the native roll-out is over: then nothing is left that a revert could take back."""


def keep(signal: Signal, stage: Stage, release: Release, seen: Seen, pace: Pace) -> Decision:
    """Users stay on the canary: say it once, clear the wish, and finish the promotion."""
    if signal is Signal.ABORTED:
        text = TOO_LATE[stage is Stage.FINISHING]
        told = Told("AbortTooLate", text, Level.WARNING)
        return Decision((Record(words.note(release, seen, told)), ClearWish(Wish.ABORT)), (told,), 0)
    return progress.go_on(stage, release, seen, pace)


def turn(signal: Signal, release: Release, seen: Seen, pace: Pace) -> Decision:
    """Roll back natively: the template of the old ReplicaSet, while the route stays on the canary."""
    if release.status.outcome is not Phase.REVERTED:
        told = Told(signal.value, f"{why(signal, release, seen)}: rolling back natively, users stay on the canary")
        return Decision((Record(words.note(release, seen, told, outcome=Phase.REVERTED, holding="")),), (told,), 0)
    if signal is Signal.REVERT_WISHED:
        old = next((item for item in seen.revisions if item.digest in release.status.stable_digests), None)
        if old is None:
            return refuse(Stage.ROLLING, release, seen, pace)
        return Decision((RevertTemplate(old.hash, Held.ROLLING),), (), pace.poll)
    return progress.go_on(Stage.ROLLING, release, seen, pace)


def pause(release: Release, seen: Seen) -> Decision:
    told = Told("Paused", f"paused by a person at {words.place(release.step)}; to go on: do=resume")
    paused = {"paused_at": release.status.paused_at or seen.now, "paused_by_plan": False, "holding": "Paused"}
    status = words.note(release, seen, told, **paused)
    return Decision((Record(status), ClearWish(Wish.PAUSE)), (told,), 0)


def resume(release: Release, seen: Seen) -> Decision:
    began = release.status.paused_at
    if began is None:
        told = Told("NothingToResume", "resume was asked, and nothing is paused")
        return Decision((ClearWish(Wish.RESUME),), (told,), 0)
    told = Told("Resumed", f"resumed by a person at {words.place(release.step)}")
    return Decision((Record(progress.unpaused(release, seen, told, began)), ClearWish(Wish.RESUME)), (told,), 0)


def refuse(stage: Stage, release: Release, seen: Seen, pace: Pace) -> Decision:
    """A wish that does not fit here is cleared and said; nothing else changes."""
    wish = seen.workload.wish if seen.workload is not None else None
    if wish is None:
        return progress.go_on(stage, release, seen, pace)
    told = Told("WishRefused", f"do={wish} does not fit a release in phase {release.status.phase}", Level.WARNING)
    return Decision((ClearWish(wish),), (told,), 0)


def replan(release: Release, seen: Seen) -> Decision:
    """A plan that was edited counts from here on: the weight stays, the next step is the next above it."""
    if not isinstance(seen.plan, Plan):
        raise TypeError("a plan that can not be read has no course of its own")
    old, new = release.spec.plan, seen.plan.texts()
    changes = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    values = [f"{key} {old.get(key, 'unset')} → {new.get(key, 'unset')}" for key in changes]
    edits = ", ".join(filter(None, (*values, policy.edits(release.spec.metrics, seen.plan.metrics))))
    text = f"{edits}; from {words.place(release.step)} on: {steps.join(seen.plan.steps) or 'no steps'}"
    told = Told("PlanChanged", text)
    return Decision((Record(replanned(seen.plan, release, seen, told)), Replan(seen.plan)), (told,), 0)


def replanned(plan: Plan, release: Release, seen: Seen, told: Told) -> Status:
    """A pause that was taken out of the plan ends with it; a person's does not."""
    status = release.status
    if status.paused_at is None or not status.paused_by_plan or plan.at(status.weight, status.lead).pauses:
        return words.note(release, seen, told)
    return progress.unpaused(release, seen, told, status.paused_at).model_copy(update={"halted": ""})


def bearable(release: Release, seen: Seen) -> traffic.Split:
    """The split that is wished, or one without users on a canary that is not ready to take them."""
    ready = seen.canary.ready if seen.canary is not None else 0
    if ready < shares.size(release, seen, release.step):
        return shares.split_at(release, Decimal(0))
    return shares.wished(release)


def resplit(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Another writer's content is saved, given legs, and split as it was (law 17)."""
    if seen.route.faults and signals.stage(release, seen) is Stage.ROLLING:
        return holding.held_up("RouteRefused", "; ".join(seen.route.faults), release, seen, pace.look)
    if seen.route.faults:
        return fall(Signal.ROUTE_CONTESTED, release, seen)
    wished = bearable(release, seen)
    pins = frozenset(wished.pins) | seen.route.legs
    if pins != seen.route.legs:
        return Decision((Define(pins),), (), pace.settle)
    if unsettled := settling.wait_for_settle(seen, pace):
        return unsettled
    cause = seen.drift or "our legs were taken out of the route"
    weight = words.percent(Decimal(wished.share(release.pin)) / 100)
    told = Told(Signal.ROUTE_DRIFT.value, f"{cause}: split again at {weight}", Level.WARNING)
    status = words.note(
        release,
        seen,
        told,
        saved=seen.route.saved,
        drifts=(*release.status.drifts, seen.now)[-signals.CONTEST_TIMES - 1 :],
    )
    return Decision((Record(status), Steer(wished)), (told,), 0)
