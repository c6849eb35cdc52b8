"""The preview of a blue-green release: the new version at full size, reached by testers and by no user, and judged.

It is judged by its own requests against the thresholds; stable, whose requests are others', is no control (section 6
of the design). Whether a preview without requests keeps users from the switch, the plan says.
"""

from typing import assert_never

from analysis.verdict import Judgement, Verdict
from deploy import preview
from rollout import holding, shares, words
from rollout.plan import OnNoData, Plan
from rollout.seen import Decision, Pace, Preview, Raise, Record, Seen, Told
from rollout.signals import stay_is_over
from rollout.status import Release


def look(release: Release, seen: Seen, pace: Pace) -> Decision | str:
    """What the preview still needs, or the cause of the switch, as the beginning of a sentence."""
    size, canary = shares.need(seen, shares.FULL), seen.canary
    if canary is None or canary.replicas < size:
        return Decision((Raise(size),), (), 0)
    if not seen.previewed:
        return Decision((Preview(),), (), pace.poll)
    if canary.ready < size:
        return Decision(look_again=pace.poll)
    if seen.canary_age < pace.settle:
        return Decision(look_again=pace.settle - seen.canary_age)
    if release.status.since is None:
        return opened(release, seen, size, pace)
    if seen.judgement is None:
        return Decision(look_again=pace.look)
    return judged(seen.judgement, release, seen, pace)


def opened(release: Release, seen: Seen, size: int, pace: Pace) -> Decision:
    """All pods are ready behind the preview: its requests count from now on."""
    name, span = preview.name(seen.service), int(release.plan.interval.total_seconds())
    pods = f"{size} {'pod' if size == 1 else 'pods'}"
    text = f"Service {name} leads to {release.spec.revision} ({pods}), no user does: judged for {span} s"
    told = Told("Previewing", f"{text}; to switch at once: do=promote, to look longer: do=pause")
    status = words.note(release, seen, told, since=seen.now, bad_looks=0, last_bad=None)
    return Decision((Record(status),), (told,), pace.look)


def judged(judgement: Judgement, release: Release, seen: Seen, pace: Pace) -> Decision | str:
    match judgement.verdict:
        case Verdict.PASS:
            return f"the preview passed: {judgement.text}; "
        case Verdict.NO_DATA:
            return silent(judgement, release, seen, pace)
        case Verdict.HOLD | Verdict.FAIL:
            return holding.not_yet(release, seen, pace)
        case never:
            assert_never(never)


def silent(judgement: Judgement, release: Release, seen: Seen, pace: Pace) -> Decision | str:
    """Nobody looked, or too few: said, and the switch is made unless the plan says otherwise.

    What is broken holds, and so do failures that are too few to convict.
    """
    quiet, over = judgement.reason in holding.QUIET, stay_is_over(release, seen)
    if quiet and not over:
        return Decision(look_again=pace.look)
    plan, failed = release.plan, has_failed(judgement, release.plan)
    if over and (plan.on_no_data is OnNoData.PROMOTE or (quiet and not failed and not plan.waits_for_preview)):
        return f"not judged before the switch ({judgement.text}): users' requests are judged; "
    share = f", {judgement.success:.0f} % of them good" if failed else ""
    text = f"the switch waits: {judgement.text}{share}; to switch: do=promote"
    return holding.held_up(judgement.reason.value, text, release, seen, pace.look)


def has_failed(judgement: Judgement, plan: Plan) -> bool:
    """Whether what little was seen is below the threshold."""
    return judgement.success is not None and judgement.success < float(plan.success_rate)
