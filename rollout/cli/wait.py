"""`rampart wait`: until the release of a Deployment's present template has ended; the exit code tells how."""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from deploy import errors
from deploy.cluster import Cluster
from deploy.workload import Held
from rollout.cli import completion, doors, flags, reading
from rollout.cli.absent import Absent
from rollout.cli.codes import OUTCOMES, Code
from rollout.cli.reading import Sight
from rollout.plan import Wish
from rollout.status import Phase, Release

EVERY = 1.0

DESCRIPTION = """\
Wait until the release of the Deployment's present template has ended. What was released before is not looked at:

  kubectl set image deployment/web web=web:v2 && rampart wait web --timeout 1h

Of a pair (rampart.dev/canary-of) either name follows the side that is released, or comes next.

Exit codes: 0 promoted, 3 rolled back, 4 cancelled (aborted, deadline, opted out), 5 superseded by a newer template,
6 reverted, 7 the time was over, 8 no such Deployment; 1 the cluster refused, 2 wrong flags. With --for ended every
end is 0.
"""


class Goal(StrEnum):
    PROMOTED = "promoted"
    ENDED = "ended"


@dataclass(frozen=True)
class Verdict:
    """What a look came to; no code: wait on."""

    text: str
    code: Code | None = None


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its flags."""
    found = commands.add_parser(
        "wait",
        help="wait for the end of a release; the exit code tells which",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    doors.flags(found)
    flag = found.add_argument
    completion.deployment(found)
    flag(
        "--for",
        dest="goal",
        choices=[goal.value for goal in Goal],
        default=Goal.PROMOTED.value,
        help="promoted: only that is 0; ended: every end is 0 (default: promoted)",
    )
    flag("--timeout", type=flags.seconds, default="1h", metavar="SPAN", help="when to give up (default: 1h)")
    flag("--revision", metavar="DIGEST", help="the template to follow (default: the present one)")
    flag("-q", "--quiet", action="store_true", help="say nothing but the end")
    found.set_defaults(act=doors.opened(run))


def run(door: Cluster, arguments: argparse.Namespace) -> int:
    """Follow one template to its end."""
    code = follow(
        lambda: reading.sight(door, arguments.namespace, arguments.name),
        arguments.revision,
        time.monotonic() + arguments.timeout,
        (lambda text: None) if arguments.quiet else say,
    )
    ended = code in OUTCOMES.values()
    return Code.DONE if ended and arguments.goal == Goal.ENDED else code


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def follow(look: Callable[[], Sight], revision: str | None, deadline: float, tell: Callable[[str], None]) -> Code:
    """Look until the template's release has ended. A cluster that does not answer for a while is asked again."""
    told = ""
    while True:
        try:
            sight = look()
            revision = revision or followed(sight)
            found = judge(sight, revision)
        except Absent as error:
            say(f"rampart: {error}")
            return Code.NOT_FOUND
        except (errors.Unreachable, errors.Busy) as error:
            found = Verdict(doors.said(error))
        if found.code is not None:
            print(found.text)
            return found.code
        if found.text != told:
            tell(found.text)
            told = found.text
        if time.monotonic() > deadline:
            say(f"rampart: the time was over; last: {found.text}")
            return Code.TIMED_OUT
        time.sleep(EVERY)


def judge(sight: Sight, revision: str) -> Verdict:
    """Whether the release of this template has ended, by what the Deployment says of itself now.

    An earlier release of the same template counts only if the Deployment does not hold that template for a new one.
    """
    release = sight.of(revision)
    if release is not None and not release.is_ended:
        status = release.status
        return Verdict(f"{release.name}: {status.phase} at {status.weight.normalize():f} %: {status.message}")
    if sight.partner is not None:
        return of_pair(sight, release, revision)
    work = sight.work
    if work.digest != revision:
        return gone(sight, release, revision)
    if work.held is Held.ROLLING:
        return Verdict(f"{sight.key}: the roll-out goes on")
    if work.held is Held.LEFT and work.paused:
        return Verdict(f"{sight.key}: the template stays paused, as it was opted out", Code.CANCELLED)
    if sight.is_held and work.failed == revision and work.wish != Wish.RETRY:
        return ended(sight, release)
    if sight.is_held:
        return Verdict(f"{sight.key}: the template is held, its release has not begun; see: rampart check")
    if work.held is Held.REST and revision not in {item.digest for item in sight.revisions if item.replicas > 0}:
        return Verdict(f"{sight.key}: the template waits until it is held for its release")
    if work.paused and work.held is None:
        return Verdict(f"{sight.key}: the Deployment is paused by its owner")
    if not work.rolled_out:
        return Verdict(f"{sight.key}: rolls natively, without a release")
    return Verdict(f"{sight.key}: the template {revision} runs", Code.DONE)


def followed(sight: Sight) -> str:
    """The template to follow: the present one; of a pair that of the side that is released, or comes next."""
    if sight.partner is None:
        return sight.work.digest
    if sight.in_flight is not None:
        return sight.in_flight.spec.revision
    partner = sight.partner
    comes = sight.active is sight.work and partner.digest not in (partner.retired, partner.failed)
    return partner.digest if comes else sight.work.digest


def of_pair(sight: Sight, release: Release | None, revision: str) -> Verdict:
    """Whether a template of either side has had its release. Nothing is held: the idle side rolls natively first."""
    side = next((side for side in sight.sides if side.digest == revision), None)
    if side is None:
        return gone(sight, release, revision)
    name = f"{side.namespace}/{side.name}"
    if not side.rolled_out:
        return Verdict(f"{name}: rolls natively, its release begins when that is over")
    if side.wish == Wish.RETRY:
        return Verdict(f"{name}: a retry is asked for, its release has not begun")
    again = f"release it again: rampart retry {side.name} -n {side.namespace}"
    if side.retired == revision:
        return Verdict(f"{name}: this template had its turn before and rests; {again}", Code.CANCELLED)
    if release is not None:
        text = f"{release.name}: {release.status.phase}: {reading.cause(release)}"
        return Verdict(text + (f"; {again}" if side.failed == revision else ""), OUTCOMES[release.status.phase])
    if side.failed == revision:
        return Verdict(f"{name}: this template failed before and stays down; {again}", Code.CANCELLED)
    if side is sight.active:
        return Verdict(f"{name}: the template {revision} runs", Code.DONE)
    return Verdict(f"{name}: its release has not begun; see: rampart check")


def gone(sight: Sight, release: Release | None, revision: str) -> Verdict:
    """The Deployment has another template by now."""
    if release is not None and release.status.phase in OUTCOMES:
        text = f"{release.name}: {release.status.phase}: {release.status.message}"
        return Verdict(text, OUTCOMES[release.status.phase])
    return Verdict(f"{sight.key}: the template is {sight.work.digest} now, not {revision}", Code.SUPERSEDED)


def ended(sight: Sight, release: Release | None) -> Verdict:
    """The template stays down; how it ended is what its last release says, if that is still there."""
    name = f"{sight.work.name} -n {sight.work.namespace}"
    hint = f"try it again: rampart retry {name}; give it up: rampart revert {name}"
    if release is None:
        return Verdict(f"{sight.key}: this template failed before and stays down; {hint}", Code.CANCELLED)
    code = OUTCOMES[release.status.phase] if release.status.phase is not Phase.PROMOTED else Code.CANCELLED
    return Verdict(f"{release.name}: {release.status.phase}: {reading.cause(release)}; {hint}", code)
