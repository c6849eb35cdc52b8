"""`rampart restore`: take Rampart out of the traffic, with or without a controller (break-glass; the chart's hook)."""

import argparse
import sys

from deploy import kinds, workload
from deploy.cluster import Cluster
from deploy.traffic import Json
from rollout.cli import absent, completion, doors, fence, flags
from rollout.cli.clock import now
from rollout.cli.codes import Code
from rollout.leftovers import Scope
from rollout.restoring import Restorer
from rollout.seen import Told
from rollout.settings import Settings

SETTINGS = ("cluster_domain", "settle", "drain")
"""The settings of `rampart run` that are flags here, too."""

DESCRIPTION = """\
Take Rampart out of the traffic: releases in flight fall to their stable version, canaries are removed, routes are put
back as their owners wrote them, and finalizers are let go. It needs neither Prometheus nor a running controller, and
works without the definition of Releases. Where the Deployment rolls already, users stay on the canary until the
roll-out is whole. A template that was not promoted stays paused: each is listed with the way to let it go.
Exit codes: 0 all is at rest, 1 refused, 2 wrong flags, 7 the time was over (call it again: it goes on).
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its flags."""
    found = commands.add_parser(
        "restore",
        help="bring all traffic back to the stable versions and remove what is Rampart's",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    doors.flags(found)
    flag = found.add_argument
    completion.deployment(found, "*", "names")
    flag("--all", action="store_true", help="every Deployment of the namespaces in -n (with commas), else of all")
    flag("--dry-run", action="store_true", help="say what would be done, and write nothing")
    flag("--timeout", type=flags.seconds, default="5m", metavar="SPAN", help="when to give up (default: 5m)")
    flag(
        "--as",
        dest="as_user",
        metavar="USER",
        help="write as this user (default: the controller's account, which alone may un-pause what the hold holds)",
    )
    fence.add(found)
    for name in SETTINGS:
        described = Settings.model_fields[name].description
        flag(f"--{name.replace('_', '-')}", metavar="VALUE", help=f"{described}; also RAMPART_{name.upper()}")
    found.set_defaults(act=run)


def run(arguments: argparse.Namespace) -> int:
    """Exit code 2: the flags contradict each other or a setting is wrong."""
    if bool(arguments.names) == arguments.all:
        return doors.fail("restore needs the names of Deployments, or --all", Code.USAGE)
    settings = doors.settings({name: getattr(arguments, name) for name in SETTINGS})
    if isinstance(settings, tuple):
        return doors.fail("\n  ".join(("the settings are not usable:", *settings)), Code.USAGE)
    arguments.scope = scope_of(arguments, settings)

    def act(door: Cluster, given: argparse.Namespace) -> int:
        return restore(door, given, settings)

    return doors.opened(in_the_writers_name(act))(arguments)


def scope_of(arguments: argparse.Namespace, settings: Settings) -> Scope:
    """With --all and without -n, the namespaces that the controller watches (RAMPART_NAMESPACES), or all."""
    given = tuple(part for part in (arguments.namespace or "").split(",") if part)
    if arguments.all:
        return Scope(given or settings.namespaces)
    return Scope(given, tuple(arguments.names))


def in_the_writers_name(command: doors.Command) -> doors.Command:
    """The command as the account whose writes the hold lets through, unless --as says another."""

    def act(door: Cluster, arguments: argparse.Namespace) -> int:
        if arguments.as_user is not None or arguments.dry_run:
            return command(door, arguments)
        account = doors.writer(door)
        if account is None or account == door.user():
            return command(door, arguments)
        arguments.as_user = account
        print(f"writing as {account}, as the hold lets nobody else un-pause")
        return doors.over(command, arguments)

    return act


def restore(door: Cluster, arguments: argparse.Namespace, settings: Settings) -> int:
    """Bring everything in the scope to rest, and say what stays paused. Raises ClusterError."""
    scope: Scope = arguments.scope
    if scope.names and not scope.namespaces:
        scope = Scope((arguments.namespace,), scope.names)
    warn_of_absent(door, scope)
    restorer = Restorer(door, settings, say, scope.namespaces)
    if arguments.dry_run:
        return foretell(restorer, scope, restorer.inventory.concerned(scope))
    lease = fence.leases(door, arguments)
    if arguments.take_lease:
        with fence.taken(lease, 2 * arguments.timeout, arguments.fence):
            return bring_to_rest(restorer, scope, arguments.timeout)
    if leader := fence.leader(lease, now()):
        return doors.fail(
            f"{leader} leads by Lease {lease.namespace}/{lease.name}, and its writes would cross these:"
            " --take-lease takes it by force, so that it stops; or stop the controllers first"
        )
    return bring_to_rest(restorer, scope, arguments.timeout)


def warn_of_absent(door: Cluster, scope: Scope) -> None:
    """Say which names are no Deployment's; what is left of one that was is looked for all the same."""
    for name in scope.names:
        if all(door.find(kinds.DEPLOYMENT, name, namespace) is None for namespace in scope.namespaces):
            doors.fail(f"{absent.deployment(door, scope.namespaces[0], name)}; what may be left of it is looked for")


def bring_to_rest(restorer: Restorer, scope: Scope, seconds: float) -> int:
    """All of it, and the report."""
    keys = restorer.inventory.concerned(scope)
    waiting = {**restorer.bring_to_rest(keys, seconds)}
    if not scope.names and not waiting:
        waiting |= restorer.clear_strays(scope, seconds)
    if not waiting:
        restorer.disown()
    sys.stdout.write(report(restorer, scope, keys))
    for key, text in waiting.items():
        doors.fail(f"{key} is not at rest yet: {text}")
    return Code.TIMED_OUT if waiting else Code.DONE


def say(key: str, told: Told) -> None:
    print(f"{key}  {told.reason}: {told.message}", flush=True)


def foretell(restorer: Restorer, scope: Scope, keys: tuple[str, ...]) -> int:
    for key in keys:
        print(f"{key}  {restorer.prospect(key)}")
    for namespace, service in () if scope.names else restorer.inventory.strays(scope):
        print(f"{namespace}/{service}  the Service's route shows something of ours: it is put back")
    if not keys:
        print("no release is in flight, and no Deployment carries a mark or a canary")
    return Code.DONE


def report(restorer: Restorer, scope: Scope, keys: tuple[str, ...]) -> str:
    """What was looked after, and each template that stays paused with how to let it go."""
    paused = restorer.inventory.left_paused(scope)
    lines = [f"{len(keys)} Deployment{'s' * (len(keys) != 1)} looked after"]
    if paused:
        lines.append("These templates were not promoted and stay paused:")
    for item in paused:
        lines += ways_out(item, restorer.inventory.running(item))
    return "\n".join((*lines, ""))


def ways_out(deployment: Json, running: workload.Revision | None) -> list[str]:
    """How an owner lets a paused template go, or gives it up."""
    about = deployment["metadata"]
    head = f"kubectl -n {about['namespace']}"
    name = f"deployment/{about['name']}"
    opt_out = f"{head} annotate {name} rampart.dev/strategy-"
    resume = f"{head} rollout resume {name}"
    lines = [f"  {about['namespace']}/{about['name']}", f"    to roll it out, judged by nobody: {opt_out}; {resume}"]
    images = edits(deployment["spec"]["template"], running.template) if running is not None else ""
    if images:
        lines.append(f"    to give it up: {head} set image {name} {images}; {opt_out}; {resume}")
    return lines


def edits(template: Json, old: Json) -> str:
    """The images that `kubectl set image` would put back; empty where something else differs."""
    before = {item["name"]: item.get("image") for item in old["spec"]["containers"]}
    now = {item["name"]: item.get("image") for item in template["spec"]["containers"]}
    if before.keys() != now.keys() or not _is_same_otherwise(template, old):
        return ""
    return " ".join(f"{name}={image}" for name, image in before.items() if image != now[name])


def _is_same_otherwise(template: Json, old: Json) -> bool:
    def bare(one: Json) -> str:
        containers = [{**item, "image": ""} for item in one["spec"]["containers"]]
        return workload.digest({**one, "spec": {**one["spec"], "containers": containers}})

    return bare(template) == bare(old)
