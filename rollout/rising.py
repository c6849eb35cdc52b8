"""More traffic to the canary, make before break: legs, settle, route, pods, and the weight last (laws 1, 8, 12)."""

from decimal import Decimal

from deploy import traffic
from rollout import numbers, shares, words
from rollout.holding import held_up, still_held
from rollout.seen import Decision, Define, Level, Pace, Raise, Record, Seen, Steer, Told
from rollout.settling import is_silent, wait_for_legs, wait_for_settle
from rollout.status import Phase, Release, Status
from rollout.steps import Step


def lay_route(release: Release, seen: Seen, pace: Pace) -> Decision | None:
    """What is still to be done until the route is pinned, read back and settled; None when it is."""
    route, pinned = seen.route, shares.split_at(release, Decimal(0))
    if faults := (*route.faults, *shares.too_fine([pinned], route.grain)):
        return held_up("Refused", "; ".join(faults), release, seen, 30)
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
    unfit = seen.unfit if step.lead else shares.too_fine([shares.split_at(release, step.weight)], seen.route.grain)
    if unfit:
        return held_up("Refused", "; ".join(unfit), release, seen, 30)
    pods = shares.size(release, seen, step)
    is_open = shares.is_open(release)
    if not is_open and (short := wait_for_pods(pods, release, seen, pace)):
        return short
    if waiting := wait_for_legs(shares.steered(release, step), seen, pace) or unaccepted(release, seen, pace):
        return waiting
    told, status = begun(step, f"{because}{share_words(step, pods, release, seen)}", release, seen)
    if release.step.only and not step.only:
        status = status.model_copy(update={"alike_since": seen.now, "checkpoint": "", "checkpoint_at": None})
    is_short = is_open and (seen.canary is None or seen.canary.replicas < pods)
    done = Raise(pods) if is_short else Steer(shares.steered(release, step))
    return Decision((Record(status), done), (told,), pace.settle)


def begun(step: Step, share: str, release: Release, seen: Seen) -> tuple[Told, Status]:
    """A step's beginning, in words and as it is recorded; `share` says what the canary gets."""
    phase = Phase.BAKING if step.weight == shares.FULL else Phase.STEPPING
    number, stays = release.plan.step_of(step), len(release.plan.stays)
    told = Told(phase.value, f"{share}, step {number} of {stays}{ALONE if step.only else ''}")
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
    return told, status


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


def is_impossible(release: Release, seen: Seen) -> bool:
    """Whether the route can not have (any more) what the present step gives the canary beside its share."""
    return bool(release.step.lead and seen.unfit)


def impossible(release: Release, seen: Seen, pace: Pace) -> Decision:
    """The step can not be put right: it holds, until its plan has it no more."""
    plan = release.plan
    if release.step.lead in [step.lead for step in plan.stays] or release.status.paused_at is not None:
        return held_up("RouteRefused", "; ".join(seen.unfit), release, seen, pace.look)
    because = f"{words.place(release.step)} is impossible, and the plan has it no more; "
    return raise_to(plan.after(release.step), because, release, seen, pace)


def put_right(release: Release, seen: Seen, pace: Pace) -> Decision | None:
    """Finish a rise that was recorded and cut short; the step's clock begins when its traffic does."""
    want = shares.wished(release)
    if seen.route.split == want and seen.route.agreed:
        return None
    if is_impossible(release, seen):
        return impossible(release, seen, pace)
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
