"""`rampart record`: the raw samples of one release, with its plan and times, as a JSON file."""

import argparse
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analysis import evidence, recorder, recording
from analysis.prometheus import Prometheus
from analysis.recorder import Wanted
from deploy import cluster, errors, kinds
from deploy.cluster import Cluster
from rollout import addresses, durations, status, views
from rollout import plan as plans
from rollout import settings as settings_
from rollout.cli import doors, flags
from rollout.plan import Plan
from rollout.settings import Settings

DOORS = tuple(name for name in Settings.model_fields if name.startswith(("prometheus_", "mesh", "metric_names")))
"""The settings of `rampart run` that are flags here, too."""

EXPLICIT = ("canary", "stable", "since")
"""What names a release without a cluster."""

DESCRIPTION = """\
Record the raw samples of one release, with its plan and times, as a JSON file for `rampart replay`.
Either --release names a Release, which is read from the cluster; or --canary, --stable and --from name two workloads
and a time, and no cluster is asked. Weights are read from the traffic itself.
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its flags."""
    found = commands.add_parser(
        "record",
        help="write a release's samples to a file",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    flag = found.add_argument
    for name in DOORS:
        described = Settings.model_fields[name].description
        flag(f"--{name.replace('_', '-')}", metavar="VALUE", help=f"{described}; also RAMPART_{name.upper()}")
    flag("-n", "--namespace", required=True, metavar="NAME", help="where the workloads are")
    flag("--release", metavar="NAME", help="a Release, in flight or ended (kubectl get releases)")
    flag("--kubeconfig", metavar="FILE", help="with --release: the cluster (default: KUBECONFIG or ~/.kube/config)")
    flag("--context", metavar="NAME", help="with --release: a context of that file (default: its current one)")
    flag("--canary", metavar="NAME", help="the workload of the new version, as the mesh's telemetry names it")
    flag("--stable", metavar="NAME", help="the workload of the old version")
    flag("--from", dest="since", type=flags.time, metavar="TIME", help="when its traffic began, with zone")
    flag("--to", dest="until", type=flags.time, metavar="TIME", help="when to stop (default: now)")
    flag("--plan", default="", metavar="PAIRS", help="without --release: such as 'steps=5,25,50;interval=60s'")
    flag("--warm-up", type=flags.seconds, default="30s", metavar="SPAN", help="of new pods (default: 30s)")
    flag("--out", type=Path, metavar="FILE", help="where to write (default: standard output)")
    found.set_defaults(act=run)


def run(arguments: argparse.Namespace) -> int:
    """Exit code 2: flags are wrong, all faults are said. 1: there is nothing to record, or nobody to ask."""
    settings = settings_.load({name: getattr(arguments, name) for name in DOORS})
    faults = (*(settings if isinstance(settings, tuple) else ()), *flag_faults(arguments))
    if isinstance(settings, tuple) or faults:
        return refuse(2, *faults)
    now = datetime.now(UTC)
    try:
        wanted = of_release(arguments, settings, now) if arguments.release else of_flags(arguments, settings, now)
    except errors.ClusterError as error:
        return refuse(1, doors.said(error))
    if not isinstance(wanted, Wanted):
        return refuse(2, *wanted)
    with closing(Prometheus(addresses.access_of(settings))) as prometheus:
        found = recorder.record(wanted, prometheus.read)
    if isinstance(found, str):
        return refuse(1, found)
    return write(arguments.out, recording.dump(found))


def flag_faults(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Flags that contradict each other or are missing."""
    given = [name for name in EXPLICIT if getattr(arguments, name) is not None]
    names = {"canary": "--canary", "stable": "--stable", "since": "--from"}
    if arguments.release:
        both = [names[name] for name in given] + (["--plan"] if arguments.plan else [])
        return tuple(f"{flag} must not be given with --release, which says it already" for flag in both)
    faults = [f"{names[name]} must be given, or --release" for name in EXPLICIT if name not in given]
    if arguments.canary is not None and arguments.canary == arguments.stable:
        faults.append(f"--canary and --stable must be two workloads, got {arguments.canary} for both")
    return tuple(faults)


def of_flags(arguments: argparse.Namespace, settings: Settings, now: datetime) -> Wanted | tuple[str, ...]:
    """What the flags name."""
    try:
        pairs = settings_.read_pairs(arguments.plan)
    except ValueError as error:
        return (f"--plan {error}, got {arguments.plan}",)
    plan = plans.resolve({f"{plans.PREFIX}{key}": value for key, value in pairs.items()}, {"strategy": "canary"})
    if not isinstance(plan, Plan):
        return tuple(f"--plan: {fault.removeprefix(plans.PREFIX)}" for fault in plan)
    times = (arguments.since, arguments.until or now)
    return wanted_of(arguments, settings, plan, times, (arguments.canary, arguments.stable))


def of_release(arguments: argparse.Namespace, settings: Settings, now: datetime) -> Wanted | tuple[str, ...]:
    """What the Release says. Raises ClusterError."""
    with closing(Cluster(cluster.from_kubeconfig(arguments.kubeconfig, arguments.context))) as door:
        body = door.find(kinds.RELEASE, arguments.release, arguments.namespace)
        if body is None:
            see = f"rampart history -n {arguments.namespace}"
            raise errors.Missing(
                f"there is no Release {arguments.release} in namespace {arguments.namespace}; see: {see}"
            )
        release = status.parse(body)
        base = door.find(kinds.RELEASE, release.status.base, arguments.namespace) if release.status.base else None
    began = release.status.ready_at or release.status.started
    if began is None:
        return (f"release {arguments.namespace}/{release.name} has had no traffic yet: wait until it is Stepping",)
    stable = release.spec.deployment if base is None else views.canary_name(status.parse(base))
    times = (began, arguments.until or release.status.ended or now)
    return wanted_of(arguments, settings, release.plan, times, (views.canary_name(release), stable))


def wanted_of(
    arguments: argparse.Namespace,
    settings: Settings,
    plan: Plan,
    times: tuple[datetime, datetime],
    workloads: tuple[str, str],
) -> Wanted | tuple[str, ...]:
    """What is to be recorded, once its times are in order."""
    began, ended = times
    if ended <= began:
        return (f"--to must be after the beginning, {began.isoformat()}, got {ended.isoformat()}",)
    if ended - began > evidence.LONGEST:
        longest = durations.write(evidence.LONGEST)
        return (f"--to must be at most {longest} after the beginning, {began.isoformat()}, got {ended.isoformat()}",)
    canary, stable = workloads
    return Wanted(
        namespace=arguments.namespace,
        canary=canary,
        stable=stable,
        began=began,
        ended=ended,
        warm_up=timedelta(seconds=arguments.warm_up),
        steps=plan.weights,
        plan={key: text for key, text in plan.texts().items() if key != "policy"},
        is_timed=plan.latency is not None,
        release=arguments.release or "",
        mesh=settings.mesh,
        metric_names=settings.metric_names,
    )


def write(out: Path | None, text: str) -> int:
    """Write the file, or say why not."""
    if out is None:
        sys.stdout.write(text)
        return 0
    try:
        out.write_text(text)
    except OSError as error:
        return refuse(2, f"--out {out} can not be written: {error.strerror}")
    return 0


def refuse(code: int, *faults: str) -> int:
    """Say all faults, and the exit code."""
    print("rampart record: nothing is recorded:", *(f"  {fault}" for fault in faults), sep="\n", file=sys.stderr)
    return code
