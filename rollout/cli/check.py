"""`rampart check`: whether everything is there that releases need; ticks, crosses, and what to do about each."""

import argparse
from collections.abc import Iterator

from rich.text import Text

from deploy import errors, kinds, names, services, workload
from deploy.cluster import Cluster
from deploy.traffic import Json
from deploy.workload import Workload
from rollout import checks, idle
from rollout.checks import Check, State
from rollout.cli import absent, asking, doors, fence, output
from rollout.cli.asking import Eyes
from rollout.cli.clock import now
from rollout.cli.codes import Code
from rollout.pair import rest
from rollout.status import ENDED
from rollout.views import View

MARKS = {State.GOOD: ("✔", "green"), State.BAD: ("✘", "red"), State.UNKNOWN: ("-", "yellow")}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its flags."""
    found = commands.add_parser(
        "check",
        help="whether everything is there that releases need",
        description="Ask the cluster and Prometheus for everything that releases need: versions, definitions, the hold,"
        " rights, the leader, the mesh, and each opted-in Deployment's Service, route, plan and telemetry. The hold is"
        " proven by a dry run of a write. Exit code 1 where something is wrong.",
    )
    doors.flags(found)
    output.flag(found)
    found.add_argument(
        "-A", "--all-namespaces", action="store_true", help="all namespaces (default: as the controller)"
    )
    found.add_argument("--as", dest="as_user", metavar="USER", help="ask in the name of this user")
    fence.where(found)
    asking.flags(found)
    found.set_defaults(act=doors.opened(run, default_namespace=False))


def run(door: Cluster, arguments: argparse.Namespace) -> int:
    """Exit code 1: something is wrong; 2: a setting is."""
    settings = asking.settings(door, arguments)
    if isinstance(settings, tuple):
        return doors.fail("\n  ".join(("the settings are not usable:", *settings)), Code.USAGE)
    watched: tuple[str | None, ...] = settings.namespaces or (None,)
    if arguments.namespace:
        watched = tuple(arguments.namespace.split(","))
        for space in watched:
            absent.check_namespace(door, space)
    with asking.eyes(door, settings) as eyes:
        found = list(ask(door, eyes, arguments, (None,) if arguments.all_namespaces else watched))
    if arguments.output != output.Format.TABLE:
        output.data(
            [{"about": c.about, "state": c.state.value, "text": c.text, "do": c.do} for c in found], arguments.output
        )
    else:
        show(found)
    return Code.FAILED if any(each.state is State.BAD for each in found) else Code.DONE


def ask(door: Cluster, eyes: Eyes, arguments: argparse.Namespace, watched: tuple[str | None, ...]) -> Iterator[Check]:
    """All checks, in the order in which they are mended. Raises ClusterError where there is no server."""
    yield from checks.api(door, eyes.settings.hold)
    yield from permitted("definitions", checks.definitions(door))
    yield from permitted("mesh", checks.mesh(door))
    yield from permitted("rights", checks.rights(door, watched, eyes.settings.hold))
    yield from checks.leader(fence.leases(door, arguments), now())
    yield from prometheus(eyes)
    try:
        items = tuple(item for space in watched for item in door.list(kinds.DEPLOYMENT, space).items)
    except errors.Forbidden as error:
        yield checks.unknown("Deployments", f"they can not be asked: {doors.said(error)}")
        return
    yield from checks.held(door, items, eyes.settings.hold)
    opted = tuple(
        workload.read(item) for item in items if names.STRATEGY in (item["metadata"].get("annotations") or {})
    )
    yield from checks.each(opted, lambda work: faults(door, eyes, work))


def permitted(about: str, found: Iterator[Check]) -> Iterator[Check]:
    """These checks; what we may not ask (the controller may not read definitions) is no fault."""
    try:
        yield from found
    except errors.Forbidden as error:
        yield checks.unknown(about, f"it can not be asked: {doors.said(error)}")


def prometheus(eyes: Eyes) -> Iterator[Check]:
    """Whether it answers at all; what it lacks is found for each Deployment."""
    if eyes.prometheus is None:
        yield checks.unknown("Prometheus", "no address is known: --prometheus-url, or RAMPART_PROMETHEUS_URL")
        return
    answer = eyes.prometheus.ask("vector(1)", now())
    if text := getattr(answer, "text", ""):
        yield checks.bad("Prometheus", text, "mend --prometheus-url, its credentials, or the network policy")
    else:
        yield checks.good("Prometheus", "it answers queries")


def faults(door: Cluster, eyes: Eyes, work: Workload) -> tuple[tuple[str, str], ...]:
    """What would hinder a release, in the controller's own words."""
    if work.canary_of:
        return pair_faults(eyes, work)
    sets = door.list(kinds.REPLICA_SET, work.namespace, labels=services.selector(work.spec)).items
    view = View(work.namespace, work.name, None, work, workload.revisions(sets, work.uid), ())
    if view_is_split(door, view):
        return ()
    return tuple((told.reason, told.message) for told in idle.warnings(eyes.observer.idle(view, None)))


def pair_faults(eyes: Eyes, work: Workload) -> tuple[tuple[str, str], ...]:
    """The same of the pair whose annotated Deployment it is."""
    view = eyes.pairs.view(work.namespace, work.name)
    if view is None or view.release is not None:
        return ()
    return tuple((told.reason, told.message) for told in rest.warnings(eyes.pairs.resting(view)))


def view_is_split(door: Cluster, view: View) -> bool:
    """While a release is in flight, what the route shows is no fault."""
    try:
        found: list[Json] = door.list(kinds.RELEASE, view.namespace).items
    except errors.Missing:
        return False
    mine = [item for item in found if (item.get("spec") or {}).get("deployment") == view.name]
    return any((item.get("status") or {}).get("phase") not in ENDED for item in mine)


def show(found: list[Check]) -> None:
    """For people: one line for each, and below a cross what to do."""
    console = output.console()
    for each in found:
        mark, style = MARKS[each.state]
        console.print(Text(f"{mark} ", style=style).append(f"{each.about}: {each.text}", style=""), soft_wrap=True)
        if each.state is State.BAD:
            console.print(Text(f"    → {each.do}", style="yellow"), soft_wrap=True)
    wrong = sum(each.state is State.BAD for each in found)
    console.print(f"{wrong} of {len(found)} checks failed" if wrong else "nothing is wrong")
