"""How an opted-in Deployment rests: un-paused where admission policies hold a changed template, else paused.

Where the cluster can not hold a write (before Kubernetes 1.36), the controller keeps Deployments paused at rest, and
marks a changed template as held when it sees it. All else is decided alike; what here differs is where a Deployment
comes to rest, and how a change of its template is noticed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from deploy import names
from deploy.hold import Mode
from deploy.workload import Held, Revision, Workload
from rollout import idle, machine
from rollout.idle import Idle
from rollout.plan import Wish
from rollout.seen import Act, Decision, Hold, Level, Pace, Record, Rest, RevertTemplate, Seen, Told, Unhold, Unpause
from rollout.status import Phase, Release

POLL_SECONDS = 5.0


@dataclass(frozen=True)
class Mind:
    """Who decides: of a release in flight, of a Deployment without one, and of a newer template in a roll-out."""

    in_flight: Callable[[Release, Seen, Pace], Decision]
    at_rest: Callable[[Idle], Decision]
    successor: Callable[[Idle, Release], Decision]


def in_flight(release: Release, seen: Seen, pace: Pace) -> Decision:
    """What the machine decides. The Deployment is paused anew before users go from the canary to its own pods."""
    if is_interrupted(release, seen.workload):
        return Decision((Hold(),), (), 0)
    return paused(machine.decide(release, seen, pace), seen.workload, release)


def is_interrupted(release: Release, work: Workload | None) -> bool:
    """A newer template in the native roll-out, which no policy has marked: it would roll when nobody judged it."""
    if release.status.phase is not Phase.PROMOTING or work is None or not work.opted_in:
        return False
    known = (release.spec.revision, *release.status.stable_digests)
    return work.held in (Held.ROLLING, Held.REST) and work.digest not in known


def successor(seen: Idle, standing: Release) -> Decision:
    """What is decided of a newer template's own release."""
    return paused(idle.successor(seen, standing), seen.workload)


def at_rest(seen: Idle) -> Decision:
    """Keep it paused; a template that is not the running one is held from here on."""
    work = seen.workload
    if not work.opted_in or seen.shown or seen.orphans or seen.legs:
        return idle.decide(seen)
    if started := let_start(seen):
        return started
    if not work.rests and work.held is not Held.ROLLING:
        return paused(idle.decide(seen), work)
    if not work.paused:
        return pausing(seen)
    if not seen.running:
        return Decision(look_again=POLL_SECONDS) if work.replicas else empty(seen)
    if not idle.runs_already(seen):
        return Decision((Hold(),), (), 0)
    if work.held is not Held.REST:
        return Decision((Rest(),), (kept_paused(),), 0)
    return revert(seen) or restart(seen) or idle.at_rest(seen)


def pausing(seen: Idle) -> Decision:
    """Paused as soon as nothing rolls: a Deployment that is paused half way has pods of two templates.

    It does not wait for pods to be available: until it is paused, a changed template, which may be the fix that
    makes them so, is refused.
    """
    work = seen.workload
    if work.wish is not None:
        return idle.at_rest(seen)
    if work.rolled_out or is_replaced(seen):
        told = () if work.held else (kept_paused(),)
        return Decision((Rest(),), told, 0)
    faults = idle.warnings(seen)
    if work.held is Held.REST and len({item.digest for item in seen.running}) > 1:
        text = f"un-paused by somebody else: the template {work.digest} rolls out, and nobody judges it"
        faults = (Told("HoldEscaped", text, Level.WARNING), *faults)
    return Decision((), faults, POLL_SECONDS)


def is_replaced(seen: Idle) -> bool:
    """All pods are of the one ReplicaSet that has the present template, restart and all: nothing is left to roll."""
    moment = restarted_at(seen.workload.template)
    return len(seen.running) == 1 and idle.runs_already(seen) and restarted_at(seen.running[0].template) == moment


def let_start(seen: Idle) -> Decision | None:
    """A paused Deployment without any ReplicaSet (restored from a copy) comes up."""
    work = seen.workload
    if seen.revisions or not work.paused or work.held is Held.LEFT:
        return None
    told = Told("Unheld", "paused without any ReplicaSet (restored from a copy): let go, since nothing runs yet")
    return Decision((Unpause(work.digest, Held.ROLLING),), (told,), POLL_SECONDS)


def empty(seen: Idle) -> Decision:
    """Behind zero replicas nothing is held: the template's ReplicaSet is made, so that it is what starts later."""
    work = seen.workload
    newest = max(seen.revisions, key=lambda item: item.number)
    if newest.digest != work.digest:
        return Decision((Unpause(work.digest, Held.ROLLING),), (), POLL_SECONDS)
    return Decision((Rest(),), (kept_paused(),), 0) if work.held is not Held.REST else idle.at_rest(seen)


def restart(seen: Idle) -> Decision | None:
    """A native restart is no new version: un-paused until it is over."""
    work = seen.workload
    if restarted_at(work.template) in {None, *(restarted_at(item.template) for item in seen.running)}:
        return None
    told = Told("Restarting", f"restarted natively, as asked at {restarted_at(work.template)}")
    return Decision((Unpause(work.digest, Held.REST),), (told,), POLL_SECONDS)


def restarted_at(template: Mapping[str, object]) -> str | None:
    metadata = template.get("metadata")
    notes = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    return notes.get(names.RESTARTED_AT) if isinstance(notes, Mapping) else None


def revert(seen: Idle) -> Decision | None:
    """`do=revert` at rest is what `kubectl rollout undo` does, which kubectl refuses while it is paused."""
    if seen.workload.wish != Wish.REVERT:
        return None
    earlier = previous(seen.revisions, seen.workload.digest)
    if earlier is None:
        return None
    text = f"a person asked to revert: the template of {earlier.hash} is put back, and released like any other change"
    return Decision((RevertTemplate(earlier.hash, Held.REST),), (Told("Reverted", text),), 0)


def previous(revisions: Iterable[Revision], digest: str) -> Revision | None:
    """The ReplicaSet that ran before the one of this template, if it is kept."""
    others = [item for item in revisions if item.digest != digest]
    return max(others, key=lambda item: item.number, default=None)


def kept_paused() -> Told:
    return Told("KeptPaused", "kept paused at rest, so that a changed template waits for its release (hold: pause)")


def paused(decision: Decision, work: Workload | None, release: Release | None = None) -> Decision:
    """The same decision, where what comes to rest comes to rest paused."""
    if work is None or not work.opted_in:
        return decision
    acts: list[Act] = []
    for act in decision.acts:
        if ends_roll_out(act, release) and not work.paused:
            acts.append(Rest())
        acts.append(to_rest(act, work))
    return replace(decision, acts=tuple(acts))


def ends_roll_out(act: Act, release: Release | None) -> bool:
    """Whether this record lets users leave the canary for the Deployment's own pods."""
    rolling = release is not None and release.status.phase is Phase.PROMOTING
    return rolling and isinstance(act, Record) and act.status.phase is Phase.FINISHING


def to_rest(act: Act, work: Workload) -> Act:
    match act:
        case Unpause(_, None):
            return Rest()
        case RevertTemplate(hash_, None):
            return RevertTemplate(hash_, Held.REST)
        case Unhold() if work.paused or work.rolled_out:
            return Rest()
        case _:
            return act


MINDS: Mapping[Mode, Mind] = {
    Mode.POLICIES: Mind(machine.decide, idle.decide, idle.successor),
    Mode.PAUSE: Mind(in_flight, at_rest, successor),
}
