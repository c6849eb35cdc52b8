"""`rampart status`: a live view of one release, or of all in flight."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from analysis.prometheus import Prometheus
from deploy import errors
from deploy.cluster import Cluster
from rollout import addresses, words
from rollout.cli import absent, card, completion, doors, flags, follow, measuring, output, reading
from rollout.cli.card import Both
from rollout.cli.clock import age, now
from rollout.cli.codes import Code
from rollout.cli.reading import Sight
from rollout.settings import Settings
from rollout.status import Release

Measure = Callable[[Release], Both | None]
Look = Callable[[], tuple[RenderableType, bool]]
"""What is shown now, and whether it is the end."""

HEAD = ("NAMESPACE", "DEPLOYMENT", "RELEASE", "PHASE", "STEP", "WEIGHT", "SUCCESS", "LATENCY", "AGE", "WAITS FOR")
WATCH = "go on showing, until the release has ended; through a pipe a line for each thing that happens"
SETTINGS = ("prometheus_url", "mesh")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its flags."""
    found = commands.add_parser(
        "status",
        help="how a release goes; without a name, all in flight",
        description="Show how the release of a Deployment goes, or went; without a name, all releases in flight.",
    )
    doors.flags(found)
    output.flag(found)
    completion.deployment(found, "?")
    found.add_argument("-A", "--all-namespaces", action="store_true", help="without a name: of all namespaces")
    found.add_argument("-w", "--watch", action="store_true", help=WATCH)
    found.add_argument("--every", type=flags.seconds, default="1s", metavar="SPAN", help="with --watch (default: 1s)")
    for name in SETTINGS:
        described = Settings.model_fields[name].description
        note = "; with it, both versions' numbers are shown" if name == "prometheus_url" else ""
        text = f"{described}{note}; also RAMPART_{name.upper()}"
        found.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE", help=text)
    found.set_defaults(act=doors.opened(run))


def run(door: Cluster, arguments: argparse.Namespace) -> int:
    """Exit code 2: a flag or a setting is wrong."""
    if arguments.watch and arguments.output != output.Format.TABLE:
        text = "--watch is for people; for programs: rampart wait, or kubectl get releases --watch -o json"
        return doors.fail(text, Code.USAGE)
    settings = doors.settings({name: getattr(arguments, name) for name in SETTINGS})
    if isinstance(settings, tuple):
        return doors.fail("\n  ".join(("the settings are not usable:", *settings)), Code.USAGE)
    with measure_of(settings) as measure:
        if arguments.name is None:
            return overview(door, arguments)
        if arguments.output != output.Format.TABLE:
            found = reading.sight(door, arguments.namespace, arguments.name).latest
            output.data(reading.body(found) if found else {}, arguments.output)
            return Code.DONE
        return one(door, arguments, measure)


@contextmanager
def measure_of(settings: Settings) -> Iterator[Measure]:
    """What asks Prometheus, where one is named."""
    if settings.prometheus_url == doors.NO_PROMETHEUS:
        yield lambda release: None
        return
    prometheus = Prometheus(addresses.access_of(settings))
    try:
        yield lambda release: measuring.both(release, prometheus.ask, settings.telemetry, now())
    finally:
        prometheus.close()


def one(door: Cluster, arguments: argparse.Namespace, measure: Measure) -> int:
    """The card of one Deployment; with --watch until its release has ended."""

    def sight() -> Sight:
        return reading.sight(door, arguments.namespace, arguments.name)

    def look() -> tuple[RenderableType, bool]:
        found = sight()
        release = found.latest
        return card.card(found, measure(release) if release else None, now()), is_over(found)

    def plain() -> tuple[tuple[Sight, ...], bool]:
        found = sight()
        return (found,), is_over(found)

    if arguments.watch and not sys.stdout.isatty():
        return follow.follow(plain, arguments.every, "")
    return watched(look, arguments)


def is_over(sight: Sight) -> bool:
    """Whether nothing is in flight, and no held template waits for its release."""
    return sight.in_flight is None and not (sight.is_held and not sight.is_down)


def watched(look: Look, arguments: argparse.Namespace) -> int:
    """Show once; or again and again, in place on a terminal."""
    shown, ended = look()
    if not arguments.watch:
        output.show(shown)
        return Code.DONE
    with Live(shown, console=output.console(), auto_refresh=False) as live:
        while not ended:
            time.sleep(arguments.every)
            shown, ended = again(look, shown)
            live.update(shown, refresh=True)
    return Code.DONE


def again(look: Look, before: RenderableType) -> tuple[RenderableType, bool]:
    """The next look; while the server does not answer, the last one stays."""
    try:
        return look()
    except (errors.Unreachable, errors.Busy):
        return before, False


def overview(door: Cluster, arguments: argparse.Namespace) -> int:
    """All releases in flight, and held templates that wait for a person."""
    namespace = None if arguments.all_namespaces else arguments.namespace
    nothing = f"no release is in flight{'' if namespace is None else f' in namespace {namespace}'}"

    def look() -> tuple[RenderableType, bool]:
        found = [each for each in reading.opted_in(door, namespace) if each.in_flight]
        if not found:
            return Text(nothing), False
        return Group(output.table(HEAD, map(cells, found))), False

    absent.check_namespace(door, namespace)
    if arguments.output != output.Format.TABLE:
        found = (each.in_flight for each in reading.opted_in(door, namespace))
        output.data([reading.body(item) for item in found if item], arguments.output)
        return Code.DONE
    if arguments.watch and not sys.stdout.isatty():
        return follow.follow(flights(door, namespace), arguments.every, nothing)
    return watched(look, arguments)


def flights(door: Cluster, namespace: str | None) -> follow.Look:
    """Looks at those in flight, and at those that were since the first look; there is no end."""
    begun: set[str] = set()

    def look() -> tuple[tuple[Sight, ...], bool]:
        found = reading.opted_in(door, namespace)
        begun.update(each.key for each in found if each.in_flight)
        return tuple(each for each in found if each.key in begun), False

    return look


def cells(sight: Sight) -> list[str | Text]:
    release = sight.latest
    if release is None:
        raise ValueError(f"{sight.key} has no release")
    status = release.status
    return [
        release.namespace,
        release.spec.deployment,
        release.name,
        output.phase(status.phase, status.holding),
        status.step_text,
        words.percent(status.weight),
        status.success,
        status.latency,
        age(status.started, status.ended or now()),
        reading.spoken(status.message),
    ]
