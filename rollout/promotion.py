"""The promotion: the Deployment is un-paused and rolls natively while all users are on a whole canary (law 10)."""

from deploy import traffic
from deploy.workload import Held
from rollout import rising, shares, signals, words
from rollout.holding import held_up
from rollout.seen import Act, Decision, EndBase, Pace, Raise, Record, Seen, Told, Unpause
from rollout.settling import wait_for_settle
from rollout.status import Phase, Release, Share


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
    if misplaced := rising.put_right(release, seen, pace):
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
        return unfinished(workload.stalled, release, seen, pace)
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


HINDRANCES = frozenset({"CanaryNotReady", "RolloutStalled", "RouteContested"})
"""What may come and go while the Deployment rolls."""


def unfinished(stalled: str | None, release: Release, seen: Seen, pace: Pace) -> Decision:
    """The roll-out goes on; what hinders it, or users meanwhile, is said when it comes and when it is over."""
    canary, holding = seen.canary, release.status.holding
    if canary is not None and canary.replicas > 0 and canary.ready == 0:
        text = f"{canary.waiting or 'no pod of the canary is ready'}: users are on it until the roll-out is whole"
        return held_up("CanaryNotReady", text, release, seen, pace.poll)
    if stalled:
        return held_up("RolloutStalled", stalled, release, seen, pace.look)
    if signals.is_contested(release, seen, signals.Stage.ROLLING):
        text = "somebody else keeps writing the route: it is let be until the roll-out is over, which it can not hinder"
        return held_up("RouteContested", text, release, seen, pace.poll)
    if holding not in HINDRANCES:
        return Decision(look_again=pace.poll)
    told = Told("GoingOn", f"{holding} is over: the roll-out goes on")
    return Decision((Record(words.note(release, seen, told, holding="")),), (told,), pace.poll)


def without_pods(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Scaled to zero while it rolled: nothing takes over, and everything of ours goes."""
    if seen.workload is None or seen.workload.replicas > 0:
        return Decision(look_again=pace.poll)
    told = Told("Finishing", "the Deployment is scaled to zero: the canary leaves")
    status = words.note(release, seen, told, phase=Phase.FINISHING, outcome=Phase.PROMOTED, holding="")
    return Decision((Record(status),), (told,), 0)
