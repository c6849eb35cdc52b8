"""`rampart list` and `rampart history`: what is opted in, and what its releases came to."""

import argparse

from rich.text import Text

from deploy import kinds
from deploy.cluster import Cluster
from deploy.traffic import Json
from deploy.workload import Held
from rollout.cli import absent, completion, doors, output, reading
from rollout.cli.clock import age, now
from rollout.cli.codes import Code
from rollout.cli.reading import Sight
from rollout.status import Release

LIST = ("NAMESPACE", "DEPLOYMENT", "STRATEGY", "STATE", "WEIGHT", "LAST RELEASE", "ENDED", "MESSAGE")
HISTORY = ("NAMESPACE", "DEPLOYMENT", "RELEASE", "PHASE", "REASON", "STARTED (UTC)", "TOOK", "MESSAGE")

OPT_IN = "kubectl annotate deployment NAME rampart.dev/strategy=canary"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Both commands and their flags."""
    listed = commands.add_parser(
        "list", help="the opted-in Deployments", description="List the opted-in Deployments and how they are."
    )
    past = commands.add_parser(
        "history",
        help="the releases that are kept, the newest first",
        description="List the releases of a Deployment, or of all, the newest first, with their ends.",
    )
    completion.deployment(past, "?")
    for parser, command in ((listed, list_all), (past, history)):
        doors.flags(parser)
        output.flag(parser)
        parser.add_argument("-A", "--all-namespaces", action="store_true", help="of all namespaces")
        parser.set_defaults(act=doors.opened(command))


def list_all(door: Cluster, arguments: argparse.Namespace) -> int:
    """Each Deployment that is opted in or carries a mark of ours."""
    found = reading.opted_in(door, None if arguments.all_namespaces else arguments.namespace)
    if arguments.output != output.Format.TABLE:
        output.data([summary(each) for each in found], arguments.output)
        return Code.DONE
    if not found:
        absent.check_namespace(door, None if arguments.all_namespaces else arguments.namespace)
        print(f"no Deployment{_where(arguments)} is opted in; to opt one in: {OPT_IN}")
        return Code.DONE
    output.show(output.table(LIST, map(row, found)))
    return Code.DONE


def _where(arguments: argparse.Namespace) -> str:
    return "" if arguments.all_namespaces else f" in namespace {arguments.namespace}"


def state(sight: Sight) -> str:
    """How a Deployment is, in a word."""
    if sight.in_flight is not None:
        return sight.in_flight.status.phase.value
    match sight.work.held:
        case Held.HELD if sight.is_down:
            return "StaysDown"
        case Held.HELD:
            return "Held"
        case Held.LEFT if sight.work.paused:
            return "LeftPaused"
        case Held.ROLLING:
            return "Rolling"
        case _:
            return "AtRest"


def summary(sight: Sight) -> Json:
    latest = sight.latest
    return {
        "namespace": sight.work.namespace,
        "deployment": sight.work.name,
        "strategy": sight.work.annotations.get("rampart.dev/strategy", ""),
        "state": state(sight),
        "revision": sight.work.digest,
        "release": reading.body(latest) if latest else None,
    }


def row(sight: Sight) -> list[str | Text]:
    latest, status = sight.latest, sight.latest.status if sight.latest else None
    colour = {"AtRest": "green", "StaysDown": "red", "LeftPaused": "yellow", "Held": "yellow"}.get(state(sight), "cyan")
    return [
        sight.work.namespace,
        sight.work.name,
        sight.work.annotations.get("rampart.dev/strategy", "(opted out)"),
        Text(state(sight), style=colour),
        f"{status.weight.normalize():f} %" if status and sight.in_flight else "",
        f"{latest.name} {status.phase}" if latest and status else "none",
        f"{age(status.ended, now())} ago" if status and status.ended else "",
        message(sight),
    ]


def message(sight: Sight) -> str:
    """What the latest release last said; what a person could do only while its template stays down."""
    latest = sight.latest
    return "" if latest is None else "; ".join(filter(None, (reading.cause(latest), reading.advice(sight, latest))))


def history(door: Cluster, arguments: argparse.Namespace) -> int:
    """Every Release that is kept."""
    found = reading.releases(door, None if arguments.all_namespaces else arguments.namespace)
    mine = [item for item in reversed(found) if arguments.name in (None, item.spec.deployment, item.spec.pair)]
    if arguments.output != output.Format.TABLE:
        output.data([reading.body(item) for item in mine], arguments.output)
        return Code.DONE
    if not mine:
        return without_past(door, arguments)
    advices = reading.advices(door, None if arguments.all_namespaces else arguments.namespace, found)
    rows = (past_row(item, advices.get(f"{item.namespace}/{item.name}", "")) for item in mine)
    output.show(output.table(HISTORY, rows))
    return Code.DONE


def without_past(door: Cluster, arguments: argparse.Namespace) -> int:
    """Nothing is kept: of a Deployment that had no release, or of none that there is. Raises Absent."""
    everywhere, name = arguments.all_namespaces, arguments.name
    if name and not everywhere and door.find(kinds.DEPLOYMENT, name, arguments.namespace) is None:
        raise absent.deployment(door, arguments.namespace, name)
    absent.check_namespace(door, None if everywhere else arguments.namespace)
    print(f"no release{f' of {name}' if name else ''} is kept{_where(arguments)}")
    return Code.DONE


def past_row(release: Release, advice: str) -> list[str | Text]:
    """One release, with what a person can do about it today."""
    status = release.status
    return [
        release.namespace,
        release.spec.deployment,
        release.name,
        output.phase(status.phase, status.holding),
        status.reason,
        f"{status.started:%Y-%m-%d %H:%M:%S}" if status.started else "",
        age(status.started, status.ended or now()),
        "; ".join(filter(None, (reading.cause(release), advice))),
    ]
