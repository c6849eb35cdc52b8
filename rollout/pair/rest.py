"""What a pair needs while none of its releases is in flight: a release, a mark, or nothing.

New is what the idle side runs, once it is whole, unless it failed before or had its turn. The annotated side is opted
in to be released; of the other one only a template that changed since the pair was first seen is new.
"""

from dataclasses import replace

from rollout.pair.sides import Resting, Side
from rollout.plan import Wish
from rollout.seen import BeginSide, ClearWish, Decision, Level, Retire, Told
from rollout.status import Release

ROUTE_SECONDS = 30.0
"""How soon a route that can not be read is looked at again: its watch calls only where a release is in flight."""


def decide(resting: Resting) -> Decision:
    """The first that applies. What is told without an act is a standing fault."""
    faults = warnings(resting)
    idle = resting.idle
    if idle is None:
        return replace(refused(resting, "no release is in progress", faults), look_again=ROUTE_SECONDS)
    if idle.work is None or idle.work.replicas == 0:
        return refused(resting, "no release is in progress", faults)
    if is_unseen(resting, idle):
        return Decision((Retire(idle.name, idle.work.digest),), (), 0)
    if rests(idle):
        return down(resting, idle, faults)
    if not idle.is_whole:
        return Decision((), faults, 5)
    if isinstance(resting.plan, tuple):
        return Decision((), faults, 30)
    wish = wish_of(resting)
    if wish is not None and wish != Wish.ABORT:
        return refused(resting, "it came before the release of this template", faults)
    return begin(resting, idle)


def warnings(resting: Resting) -> tuple[Told, ...]:
    """What will hinder a release, and what nobody can hinder."""
    found = []
    if isinstance(resting.plan, tuple) and resting.plan:
        found.append(Told("PlanInvalid", "; ".join(resting.plan), Level.WARNING))
    if resting.route.faults:
        found.append(Told("Refused", "; ".join(resting.route.faults), Level.WARNING))
    elif resting.route.parts is None:
        text = "the routes show different shares in different lists: give all of them the same"
        found.append(Told("Refused", text, Level.WARNING))
    if resting.other.work is None:
        text = f"rampart.dev/canary-of must name a Deployment of the namespace, got {resting.other.name}"
        found.append(Told("Refused", text, Level.WARNING))
    if resting.telemetry:
        found.append(Told("TelemetryMissing", "; ".join(resting.telemetry), Level.WARNING))
    active = resting.active
    if active is not None and len(active.digests) > 1:
        text = f"{active.name} has all the traffic and rolls another template natively: nobody judges it"
        found.append(Told("ActiveSideChanged", text, Level.WARNING))
    return tuple(found)


def is_unseen(resting: Resting, idle: Side) -> bool:
    """The side without annotations at first sight: what it runs is old (nothing is released that already ran)."""
    work = idle.work
    if work is None or idle.name == resting.annotated.name or work.retired is not None or work.failed is not None:
        return False
    return not any(release.spec.deployment == idle.name for release in resting.ended)


def rests(idle: Side) -> bool:
    return idle.work is not None and idle.work.digest in (idle.work.failed, idle.work.retired)


def down(resting: Resting, idle: Side, faults: tuple[Told, ...]) -> Decision:
    """A template that failed, or had its turn, waits for another one or for a person."""
    if wish_of(resting) == Wish.RETRY and not isinstance(resting.plan, tuple) and idle.is_whole:
        return begin(resting, idle)
    last = resting.ended[-1] if resting.ended else None
    if wish_of(resting) == Wish.ABORT and last is not None and last.status.reason == "Aborted":
        return Decision((ClearWish(Wish.ABORT),), (), 0)
    return refused(resting, f"{idle.name} runs what was released before; to release it again: do=retry", faults)


def begin(resting: Resting, idle: Side) -> Decision:
    """Make the Release; `retry` is cleared after it exists (law 16)."""
    work = idle.work
    if work is None or isinstance(resting.plan, tuple):
        return Decision()
    attempt = 1 + max((item.spec.attempt for item in same(resting, idle)), default=0)
    wish = (ClearWish(Wish.RETRY),) if wish_of(resting) == Wish.RETRY else ()
    return Decision((BeginSide(idle.name, work.uid, work.digest, attempt, resting.plan), *wish), (), 0)


def same(resting: Resting, idle: Side) -> tuple[Release, ...]:
    digest = idle.work.digest if idle.work is not None else ""
    return tuple(item for item in resting.ended if (item.spec.deployment, item.spec.revision) == (idle.name, digest))


def wish_of(resting: Resting) -> str | None:
    """What a person asks for, on either side."""
    return next((side.work.wish for side in (resting.annotated, resting.other) if side.work and side.work.wish), None)


def refused(resting: Resting, why: str, faults: tuple[Told, ...]) -> Decision:
    """A wish that has nothing to act on is cleared and said."""
    wish = wish_of(resting)
    if wish is None:
        return Decision((), faults)
    told = Told("WishRefused", f"do={wish} is cleared: {why}", Level.WARNING)
    return Decision((ClearWish(wish),), (told,), 0)
