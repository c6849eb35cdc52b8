"""Take everything of ours away again: drained pods, the route as it was, the legs, the marks, and the end (law 9)."""

from deploy.workload import Held, Workload
from rollout import shares, words
from rollout.plan import Wish
from rollout.seen import (
    Act,
    ClearWish,
    Decision,
    Define,
    Disown,
    HandOver,
    Leave,
    Mark,
    Pace,
    Record,
    Remove,
    Restore,
    RevertTemplate,
    Seen,
    Steer,
    Told,
    Unhold,
    Unpause,
    Unpreview,
)
from rollout.settling import wait_for_legs, wait_for_settle
from rollout.status import STAYS_DOWN, Phase, Release


def finishing(release: Release, seen: Seen, pace: Pace) -> Decision:
    """To the new ReplicaSet, settle, drain, and everything of ours goes (laws 9 and 12)."""
    share = release.status.new_stable
    if not seen.route.shown:
        return clean_up(release, seen, pace)
    if share is None or any(item.replicas > 0 and item.hash != share.value for item in seen.revisions):
        return Decision((Restore(),), (), pace.settle)
    want = shares.wished(release)
    if share.pin not in seen.route.legs:
        # What has traffic stays defined, also where it does not count as a leg because something of it is lacking.
        return Decision((Define(seen.route.legs | seen.route.shown | {share.pin}),), (), pace.settle)
    if seen.route.shown - {share.pin}:
        waiting = wait_for_settle(seen, pace) or wait_for_legs(want, seen, pace)
        return waiting or Decision((Steer(want),), (), pace.settle)
    return clean_up(release, seen, pace)


def rolling_back(release: Release, seen: Seen, pace: Pace) -> Decision:
    """The fall is made sure of, then everything of ours goes (law 9)."""
    if release.pin in seen.route.shown:
        return Decision((Steer(shares.fallen(release)),), (), pace.settle)
    return clean_up(release, seen, pace)


def clean_up(release: Release, seen: Seen, pace: Pace) -> Decision:
    """Drained pods, then the route as it was, settle, then the legs, then the end."""
    on_base = seen.base is not None and seen.base.in_flight
    stands_on_base = on_base and bool(release.status.base) and release.status.phase is Phase.ROLLING_BACK
    finishing_base = bool(release.status.base) and release.status.phase is Phase.FINISHING
    route = seen.route
    canary_there = seen.canary is not None and not seen.canary.deleting
    base_there = finishing_base and seen.base is not None and seen.base.canary is not None
    if canary_there or (base_there and seen.base and seen.base.canary and not seen.base.canary.deleting):
        preview: tuple[Act, ...] = (Unpreview(),) if seen.preview_left else ()
        gone = (*preview, Remove(base=finishing_base))
        return wait_for_settle(seen, pace, pace.drain) or Decision(gone, (), pace.poll)
    if seen.preview_left:
        return Decision((Unpreview(),), (), 0)
    if seen.canary is not None or base_there or seen.leavers > 0:
        return Decision(look_again=pace.poll)
    if stands_on_base and seen.base is not None and release.status.saved != dict(seen.base.saved):
        return Decision((HandOver(release.status.base, release.status.saved or {}),), (), 0)
    if stands_on_base:
        kept = frozenset(share.pin for share in release.status.stable)
        if route.legs != kept and route.shown:
            return wait_for_settle(seen, pace) or Decision((Define(kept),), (), pace.settle)
        return end(release, seen)
    if route.shown:
        return wait_for_settle(seen, pace) or Decision((Restore(),), (), pace.settle)
    if route.legs:
        return wait_for_settle(seen, pace) or Decision((Define(frozenset()),), (), 0)
    return end(release, seen)


def end(release: Release, seen: Seen) -> Decision:
    """Nothing of ours is left in the route: the Deployment's marks, then the record."""
    outcome = release.status.outcome or Phase.REVERTED
    told = Told(outcome.value, words.end_words(outcome, release, seen), words.level_of(outcome))
    status = words.note(
        release, seen, told, phase=outcome, ended=seen.now, holding="", reason=end_reason(release, told)
    )
    wish: tuple[Act, ...] = ()
    if seen.workload is not None and seen.workload.wish == Wish.ABORT and release.status.phase is Phase.ROLLING_BACK:
        wish = (ClearWish(Wish.ABORT),)
    return Decision((Disown(), *marks(outcome, release, seen), Record(status), *wish), (told,), 0)


def end_reason(release: Release, told: Told) -> str:
    """An ended release keeps the cause of its fall as its reason."""
    return release.status.reason if release.status.phase is Phase.ROLLING_BACK else told.reason


def marks(outcome: Phase, release: Release, seen: Seen) -> tuple[Act, ...]:
    """What the Deployment needs at the end, by how it ended and what its template is now."""
    workload = seen.workload
    if workload is None or workload.deleting:
        return ()
    if release.status.phase is Phase.FINISHING:
        return (Unhold(),) if workload.held is Held.ROLLING else ()
    cause = release.status.reason
    if cause == "OptedOut" or not workload.opted_in:
        return left(workload, release.status.stable_digests)
    if cause == "HoldEscaped":
        return (Unhold(),) if workload.held is not None and not workload.paused else ()
    if outcome in STAYS_DOWN and workload.digest == release.spec.revision and cause not in words.UNMARKED:
        return () if workload.failed == release.spec.revision else (Mark(release.spec.revision),)
    if outcome is Phase.REVERTED and not release.status.base:
        return reverted_marks(release, seen)
    return ()


def left(workload: Workload, running: tuple[str, ...]) -> tuple[Act, ...]:
    """After opting out: what nobody judged stays paused, what runs anyway does not."""
    if workload.held is not Held.HELD:
        return ()
    return (Unpause(workload.digest, None),) if workload.digest in running else (Leave(),)


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
