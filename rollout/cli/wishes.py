"""`rampart promote`, `abort`, `pause`, `resume`, `retry`, `revert`: a wish on the Deployment, if it makes sense now."""

import argparse

from deploy import errors, kinds, names
from deploy.cluster import Cluster
from deploy.workload import Held
from rollout import resting
from rollout.cli import completion, doors, reading
from rollout.cli.codes import Code
from rollout.cli.reading import Sight
from rollout.moves import MOVES, Course
from rollout.pair.machine import LEAVING
from rollout.plan import Wish
from rollout.signals import Signal, Stage
from rollout.status import Release

TRIES = 5

SAYS = {
    Wish.PROMOTE: "let the release through now: the rest of the analysis is skipped, the order of writes is not",
    Wish.ABORT: "take all traffic back at once; the template stays down until it changes, or retry",
    Wish.PAUSE: "stay at the present weight; a bad version is still taken back",
    Wish.RESUME: "go on after a pause",
    Wish.RETRY: "release a template again that failed before",
    Wish.REVERT: "put the running template back, without analysis",
}

NEXT = {
    Wish.PROMOTE: "all traffic goes to the canary at full size, and once that is seen the Deployment rolls natively",
    Wish.ABORT: "all traffic goes back to stable, the canary drains and leaves; then: rampart retry, or rampart revert",
    Wish.PAUSE: "the weight stays until: rampart resume",
    Wish.RESUME: "the present step goes on",
    Wish.RETRY: "a new release of the same template begins",
    Wish.REVERT: "traffic goes back to the running version and its template is put back",
}

PAIR_NEXT = {
    **NEXT,
    Wish.PROMOTE: "all traffic goes to the new side, once enough pods of it are ready",
    Wish.ABORT: "all traffic goes back to the old side; then: rampart retry, or another template",
    Wish.REVERT: "all traffic goes back to the old side; both Deployments stay as they are",
}

SIGNALS = {
    Wish.PROMOTE: Signal.PROMOTE_WISHED,
    Wish.ABORT: Signal.ABORTED,
    Wish.PAUSE: Signal.PAUSE_WISHED,
    Wish.RESUME: Signal.RESUME_WISHED,
    Wish.RETRY: Signal.RETRY_WISHED,
    Wish.REVERT: Signal.REVERT_WISHED,
}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """One command for each wish."""
    for wish in Wish:
        found = commands.add_parser(wish.value, help=SAYS[wish], description=f"{SAYS[wish].capitalize()}.")
        doors.flags(found)
        completion.deployment(found)
        found.set_defaults(act=doors.opened(express), wish=wish)


def express(door: Cluster, arguments: argparse.Namespace) -> int:
    """Write the wish at the version at which it was found sensible; exit code 1 with the reason where it is not."""
    wish: Wish = arguments.wish
    for _ in range(TRIES):
        sight = reading.sight(door, arguments.namespace, arguments.name)
        refused = refusal(sight, wish)
        if refused:
            return doors.fail(f"{wish} {sight.key}: {refused}")
        notes = {"annotations": {names.DO: wish.value}, "resourceVersion": sight.work.resource_version}
        try:
            door.patch(kinds.DEPLOYMENT, sight.work.name, sight.work.namespace, {"metadata": notes})
        except errors.Conflict:
            continue
        release = sight.in_flight
        follows = NEXT[wish] if sight.partner is None else PAIR_NEXT[wish]
        if wish is Wish.REVERT and release is None and (hash_ := earlier(sight)):
            follows = f"the template of ReplicaSet {hash_} is put back, which is released like any other change"
        print(f"{sight.key}: {wish} is asked{f' of release {release.name}' if release else ''}: {follows}")
        print(f"watch it: rampart status {sight.work.name} -n {sight.work.namespace} --watch")
        return Code.DONE
    return doors.fail(f"{wish} {arguments.namespace}/{arguments.name}: the Deployment keeps changing, try again")


def refusal(sight: Sight, wish: Wish) -> str:
    """Why the wish makes no sense now, by the same table that the controller goes by; empty where it does."""
    if sight.in_flight is not None:
        return of_flight(sight, sight.in_flight, wish)
    if sight.partner is not None:
        return of_resting_pair(sight, wish)
    if not sight.work.opted_in:
        return f"the Deployment is not opted in: {reading.opt_in(sight.work)}"
    match wish:
        case Wish.RETRY if sight.is_down:
            return ""
        case Wish.RETRY:
            return f"its template {sight.work.digest} has not failed, so there is nothing to try again"
        case Wish.REVERT if (sight.is_held and sight.running is not None) or earlier(sight):
            return ""
        case Wish.REVERT:
            return "the present template runs already; to go back further: kubectl rollout undo, which is released"
        case _ if sight.is_down:
            return f"no release is in flight; {down(sight)}"
        case Wish.ABORT if sight.is_held:
            return ""
        case _:
            return f"no release is in flight{of_held(sight)}"


def earlier(sight: Sight) -> str:
    """The ReplicaSet that a revert leads back to where the Deployment is kept paused at rest; empty elsewhere."""
    if sight.work.held is not Held.REST:
        return ""
    found = resting.previous(sight.revisions, sight.work.digest)
    return found.hash if found is not None else ""


def of_flight(sight: Sight, release: Release, wish: Wish) -> str:
    at = sight.stage(release)
    if wish is Wish.RESUME and release.status.paused_at is None:
        return f"release {release.name} is not paused"
    if release.spec.pair and release.status.phase in LEAVING:
        return f"release {release.name} is about to end: {release.status.message}"
    match MOVES[at, SIGNALS[wish]]:
        case Course.REFUSE:
            return f"it does not fit a release in phase {phase_words(at)}"
        case Course.KEEP:
            return (
                "it is too late: the native roll-out replaces the old pods already and users are on the new version;"
                f" to go back: rampart revert {sight.work.name} -n {sight.work.namespace}"
            )
        case _:
            return ""


def of_resting_pair(sight: Sight, wish: Wish) -> str:
    """Without a release in flight only a template that failed, or had its turn, can be asked for."""
    resting = [side for side in sight.sides if side.digest in (side.failed, side.retired)]
    if wish is Wish.RETRY:
        names_ = " and ".join(sorted(side.name for side in sight.sides))
        return "" if resting else f"neither template of {names_} failed or had its turn, so there is nothing to release"
    rests = f"; {resting[0].name} runs what was released before: rampart retry {resting[0].name}" if resting else ""
    return f"no release is in flight{rests}"


def phase_words(at: Stage) -> str:
    return "Promoting, whose pods roll already" if at is Stage.ROLLING else at.value


def down(sight: Sight) -> str:
    name = f"{sight.work.name} -n {sight.work.namespace}"
    return f"the template {sight.work.digest} failed before: rampart retry {name}, or rampart revert {name}"


def of_held(sight: Sight) -> str:
    if sight.is_held:
        return " yet: the template is held until it begins"
    return " (the template was left paused)" if sight.work.held is Held.LEFT else ""
