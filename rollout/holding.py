"""Hold a release where it is, and say why: once, and again only when the reason is another."""

from analysis.verdict import ROUTINE, Reason
from rollout import words
from rollout.seen import Decision, Level, Pace, Record, Seen, Told
from rollout.status import Release

QUIET = frozenset({Reason.NO_REQUESTS, Reason.TOO_FEW_REQUESTS})
"""No data for want of requests: what the metrics' door says is sound."""

STANDING = frozenset({"Refused", "PlanInvalid", "RouteRefused"})
"""Reasons whose sentence names what is to be mended: another sentence is news."""


def held_up(reason: str, text: str, release: Release, seen: Seen, look_again: float | None) -> Decision:
    """Stay, and say why; again only when the reason is another (a measured value moves with every look)."""
    same_text = reason not in STANDING or release.status.message == text
    if release.status.holding == reason and same_text:
        return Decision(look_again=look_again)
    told = Told(reason, text, Level.WARNING)
    return Decision((Record(words.note(release, seen, told, holding=reason)),), (told,), look_again)


def still_held(release: Release) -> str:
    """What holds the release when nothing else does any more."""
    return "Paused" if release.status.paused_at is not None else ""


def not_yet(release: Release, seen: Seen, pace: Pace) -> Decision:
    """The judge holds: a bad look is recorded, a reason to hold is said once, and its end too."""
    judgement, status = seen.judgement, release.status
    if judgement is None:
        return Decision(look_again=pace.look)
    count = {"bad_looks": judgement.bad_looks, "last_bad": judgement.last_bad, **words.measured(seen)}
    reason = "" if judgement.reason in ROUTINE else judgement.reason.value
    holding = still_held(release) or reason
    if holding == status.holding and judgement.bad_looks == status.bad_looks:
        return Decision(look_again=pace.look)
    if reason:
        told = Told(reason, judgement.text, Level.WARNING)
    else:
        told = Told("GoingOn", f"{status.holding or 'the bad look'} is over: {judgement.text}")
    return Decision((Record(words.note(release, seen, told, holding=holding, **count)),), (told,), pace.look)
