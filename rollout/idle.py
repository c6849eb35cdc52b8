"""What a Deployment needs while none of its releases is in flight: a release, a mark, or nothing."""

from dataclasses import dataclass, field

from deploy.traffic import Split
from deploy.workload import Held, Revision, Workload
from rollout import words
from rollout.plan import Plan, Wish
from rollout.seen import (
    Act,
    Begin,
    ClearWish,
    Decision,
    Define,
    Hold,
    Leave,
    Level,
    Mark,
    Restore,
    RevertTemplate,
    Steer,
    Sweep,
    Told,
    Unhold,
    Unpause,
)
from rollout.status import STAYS_DOWN, Release

SWEEP_SECONDS = 2.0


@dataclass(frozen=True)
class Idle:
    """What is seen of a Deployment without a release in flight; `ended` are its ended releases, the newest last."""

    workload: Workload
    revisions: tuple[Revision, ...] = ()
    ended: tuple[Release, ...] = ()
    plan: Plan | tuple[str, ...] = ()
    refusals: tuple[str, ...] = field(default=())
    hold_missing: str | None = None
    malformed: tuple[str, ...] = ()
    shown: bool = False
    """The route shows legs of ours."""
    down: Split | None = None
    """All traffic to stable, where the route still shows a canary and stable is whole."""
    pinned: float | None = None
    """The route shows stable alone: seconds until every proxy follows that, and requests under way are over."""
    legs: bool = False
    orphans: bool = False
    """There are canaries that belong to no release in flight."""
    telemetry: tuple[str, ...] = ()
    """What will keep a release from being judged, seen on the version that runs."""
    cautions: tuple[str, ...] = ()
    """What beside the Deployment behaves otherwise while a canary runs."""

    @property
    def running(self) -> tuple[Revision, ...]:
        return tuple(item for item in self.revisions if item.replicas > 0)


def decide(idle: Idle) -> Decision:
    """The first that applies, from what is wrong to what is wished. Says only what changed or is wrong."""
    workload = idle.workload
    if idle.shown or idle.orphans or idle.legs:
        return swept(idle)
    if not workload.opted_in:
        return opted_out(idle)
    if workload.held is Held.LEFT and workload.paused:
        told = Told("HeldAgain", "opted in again: the template that was left paused is held until its release")
        return Decision((Hold(),), (told,), 0)
    if workload.held is not None and not workload.paused and workload.held is not Held.ROLLING:
        return Decision((Unhold(),), (), 0)
    if workload.held is Held.ROLLING:
        return Decision((Unhold(),)) if workload.rolled_out else Decision(look_again=5)
    if workload.held is Held.REST:
        return Decision((Unpause(workload.digest, None) if rests_safely(idle) else Hold(),), (), 0)
    if workload.held is not Held.HELD:
        return at_rest(idle)
    return held(idle)


def swept(idle: Idle) -> Decision:
    """What a release left that is gone without its end: traffic first, then canaries, then route and legs (law 9)."""
    told = Told("Swept", "a release vanished before its end: all traffic to stable, its canary removed", Level.WARNING)
    if idle.down is not None:
        return Decision((Steer(idle.down),), (told,), SWEEP_SECONDS)
    if idle.pinned is not None and idle.orphans:
        return Decision(look_again=idle.pinned) if idle.pinned > 0 else Decision((Sweep(),), (), SWEEP_SECONDS)
    if idle.shown:
        return Decision((Restore(),), (told,), SWEEP_SECONDS)
    if idle.orphans:
        return Decision((Sweep(),), (), SWEEP_SECONDS)
    return Decision((Define(frozenset()),), (), 0)


def opted_out(idle: Idle) -> Decision:
    """After opt-out: a template that was not promoted stays paused, and its owner may resume it."""
    workload = idle.workload
    if workload.held in (Held.HELD, Held.ROLLING) and workload.paused and runs_already(idle):
        return Decision((Unpause(workload.digest, None),))
    if workload.held is Held.REST and workload.paused and rests_safely(idle):
        return Decision((Unpause(workload.digest, None),))
    if workload.held not in (None, Held.LEFT) and workload.paused:
        text = "opted out: the template that was not promoted stays paused; to roll it out: kubectl rollout resume"
        return Decision((Leave(),), (Told("LeftPaused", text, Level.WARNING),))
    if workload.held is not None and not workload.paused:
        return Decision((Unhold(),))
    return Decision()


def at_rest(idle: Idle) -> Decision:
    """Nothing is held: wishes have nothing to act on, and what would hinder a release is said beforehand."""
    wish = cleared(idle.workload, "no release is in progress")
    faults = warnings(idle)
    return Decision(wish.acts, (*wish.told, *faults))


def warnings(idle: Idle) -> tuple[Told, ...]:
    found = []
    if idle.hold_missing:
        found.append(Told("HoldMissing", idle.hold_missing, Level.WARNING))
    if isinstance(idle.plan, tuple) and idle.plan:
        found.append(Told("PlanInvalid", "; ".join(idle.plan), Level.WARNING))
    if idle.refusals:
        found.append(Told("Refused", "; ".join(idle.refusals), Level.WARNING))
    if idle.telemetry:
        found.append(Told("TelemetryMissing", "; ".join(idle.telemetry), Level.WARNING))
    if idle.cautions:
        found.append(Told("Caution", "; ".join(idle.cautions), Level.WARNING))
    return tuple(found)


def cleared(workload: Workload, why: str) -> Decision:
    """Clear a wish that has nothing to act on, and say so."""
    if workload.wish is None:
        return Decision()
    told = Told("WishRefused", f"do={workload.wish} is cleared: {why}", Level.WARNING)
    return Decision((ClearWish(workload.wish),), (told,), 0)


def held(idle: Idle) -> Decision:
    """A held template: what already runs is let go, what failed stays down, and anything else is a release."""
    workload = idle.workload
    if not idle.revisions:
        told = Told("Unheld", "held without any ReplicaSet (restored from a copy): let go, since nothing runs yet")
        return Decision((Unpause(workload.digest, None),), (told,))
    if runs_already(idle):
        return Decision((Unpause(workload.digest, None),), (Told("Unheld", "the held template is the running one"),))
    if is_down(idle):
        return stays_down(idle)
    if workload.wish == Wish.REVERT and isinstance(idle.plan, tuple) and idle.running:
        return reverted(idle)
    if workload.wish is not None and workload.wish != Wish.ABORT:
        return cleared(workload, "it came before the release of this template")
    return begin(idle, 1)


def reverted(idle: Idle) -> Decision:
    """The running template is put back."""
    told = Told("Reverted", f"a person asked to revert: the template is that of {idle.running[0].hash} again")
    return Decision((RevertTemplate(idle.running[0].hash),), (told,))


def runs_already(idle: Idle) -> bool:
    """The template is the one whose pods run."""
    return {item.digest for item in idle.running} == {idle.workload.digest}


def rests_safely(idle: Idle) -> bool:
    """Nothing unjudged would roll if a Deployment that was kept paused at rest were let go."""
    return not idle.running or runs_already(idle)


def is_down(idle: Idle) -> bool:
    """This template failed before, by the Deployment's mark or by an ended release (law 3)."""
    return idle.workload.failed == idle.workload.digest or lacks_mark(idle)


def lacks_mark(idle: Idle) -> bool:
    """The last release was of this template and failed, and the Deployment does not say so."""
    last = idle.ended[-1] if idle.ended else None
    if last is None or last.spec.revision != idle.workload.digest or last.status.phase not in STAYS_DOWN:
        return False
    return last.status.reason not in words.UNMARKED and idle.workload.failed != idle.workload.digest


def stays_down(idle: Idle) -> Decision:
    """A failed template waits for another template or for a person."""
    workload = idle.workload
    if lacks_mark(idle) and workload.wish != Wish.RETRY:
        return Decision((Mark(workload.digest),), (), 0)
    match workload.wish:
        case None:
            return Decision()
        case Wish.RETRY:
            return begin(idle, 1 + max((item.spec.attempt for item in same_revision(idle)), default=1))
        case Wish.ABORT if idle.ended and idle.ended[-1].status.reason == "Aborted":
            return Decision((ClearWish(Wish.ABORT),), (), 0)
        case Wish.REVERT if idle.running:
            return reverted(idle)
        case _:
            return cleared(workload, "this template failed before; to try it again: do=retry, to give it up: do=revert")


def same_revision(idle: Idle) -> tuple[Release, ...]:
    return tuple(item for item in idle.ended if item.spec.revision == idle.workload.digest)


def begin(idle: Idle, attempt: int) -> Decision:
    """Make the release; `retry` is cleared after it exists (law 16)."""
    workload = idle.workload
    if idle.malformed:
        return Decision(look_again=30)
    if idle.hold_missing:
        return Decision((), (Told("HoldMissing", idle.hold_missing, Level.WARNING),), 30)
    if isinstance(idle.plan, tuple):
        text = f"{'; '.join(idle.plan)}: the held template {workload.digest} waits until the plan is mended"
        return Decision((), (Told("PlanInvalid", text, Level.WARNING),), 30)
    earlier = max((item.spec.attempt for item in same_revision(idle)), default=0)
    acts: tuple[Act, ...] = (Begin(workload.digest, max(attempt, earlier + 1), idle.plan),)
    if workload.wish == Wish.RETRY:
        acts = (*acts, ClearWish(Wish.RETRY))
    return Decision(acts, (), 0)


def calls_for_successor(workload: Workload | None) -> bool:
    """Whether the Deployment holds a template that may get a release of its own beside the interrupted one."""
    return workload is not None and workload.paused and workload.held is Held.HELD


def successor(idle: Idle, standing: Release) -> Decision:
    """A newer template in the midst of the roll-out of `standing`, on whose canary the users are (law 13)."""
    workload = idle.workload
    if not workload.opted_in:
        return Decision()
    rolling = next((item for item in idle.revisions if item.digest == standing.spec.revision), None)
    if workload.wish == Wish.REVERT and rolling is not None:
        told = Told("Reverted", f"a person asked to revert: the roll-out of {standing.spec.revision} goes on")
        return Decision((RevertTemplate(rolling.hash, Held.ROLLING),), (told,), 0)
    if is_down(idle):
        return stays_down(idle)
    if workload.wish is not None and workload.wish != Wish.ABORT:
        return cleared(workload, "it came before the release of this template")
    return begin(idle, 1)
