"""The sandbox's command line."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sandbox import building, cluster, credentials, errors, home, inside, standing

DESCRIPTION = """\
A disposable real cluster on this machine: etcd, kube-apiserver, kube-controller-manager, istiod, two Envoys,
Prometheus and a stand-in kubelet that runs each pod as a real HTTP server. Linux; no root, no containers.
The first start builds the programs from source (Go; some twenty minutes on two cores); later starts take seconds.
"""

EPILOG = """\
examples:
  python -m sandbox up --detach                  start it and leave it running
  python -m sandbox shell                        a shell inside; kubectl is ready
  python -m sandbox exec -- kubectl get pods     one command inside
  python -m sandbox logs istiod -f               follow a part's log
  python -m sandbox down                         end it; nothing stays

Several sandboxes run side by side, each in its own --dir. Pods' behaviour is chosen by the image tag, such as
web:v2-errors20; docs/sandbox.md lists the words.
"""


def main() -> int:
    arguments = _parser().parse_args()
    place = home.Home(Path(arguments.dir).absolute())
    command: Callable[[home.Home, argparse.Namespace], int] = arguments.command
    try:
        return command(place, arguments)
    except errors.SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m sandbox", description=DESCRIPTION, epilog=EPILOG, formatter_class=raw)
    parser.add_argument(
        "--dir",
        default=str(home.default()),
        help=f"the sandbox's directory (default: ${home.VARIABLE}, else %(default)s)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_up(commands)
    commands.add_parser("down", help="end the sandbox and everything in its network").set_defaults(command=_down)
    commands.add_parser("status", help="show each part's standing").set_defaults(command=_status)
    commands.add_parser("shell", help="a shell inside, kubectl ready").set_defaults(command=_shell)
    logs = commands.add_parser("logs", help="print a part's log")
    logs.add_argument("part", help="a part as `status` names it, or supervisor")
    logs.add_argument("-f", "--follow", action="store_true", help="go on printing what is added")
    logs.set_defaults(command=_logs)
    execute = commands.add_parser("exec", help="run a command inside: exec -- COMMAND ...")
    execute.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    execute.set_defaults(command=_exec)
    run = commands.add_parser("run", help="a sandbox for one command: start it, run inside, end it: run -- COMMAND ...")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    run.set_defaults(command=_run)
    kubeconfig = commands.add_parser("kubeconfig", help="write a ServiceAccount's kubeconfig and print its path")
    kubeconfig.add_argument("namespace")
    kubeconfig.add_argument("serviceaccount")
    kubeconfig.set_defaults(command=_kubeconfig)
    commands.add_parser("build", help="build the programs and stop there").set_defaults(command=_build)
    return parser


def _add_up(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    up = commands.add_parser("up", help="start a sandbox; Ctrl-C ends it, unless it is detached")
    up.add_argument("-d", "--detach", action="store_true", help="leave it running until `down`")
    up.add_argument(
        "--scrape-interval",
        type=_seconds,
        default=cluster.SCRAPE_INTERVAL,
        metavar="SECONDS",
        help="how often Prometheus asks each pod (default: 5)",
    )
    up.add_argument(
        "--bare",
        action="store_true",
        help="without the project's own kinds, policies and rights, to install its chart by Helm",
    )
    up.add_argument(
        "--kubernetes",
        default="",
        metavar="VERSION",
        help="the version that the API server behaves as, such as 1.35 (default: its own)",
    )
    up.set_defaults(command=_up)


def _seconds(text: str) -> timedelta:
    seconds = float(text.removesuffix("s"))
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"between 0.1 and 3600 seconds, got {text}")
    return timedelta(seconds=seconds)


def _up(place: home.Home, arguments: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    without = ("manifests",) if arguments.bare else ()
    leash = cluster.start(place, arguments.scrape_interval, Teller(), without, arguments.kubernetes)
    print(f"look around with: {home.PROGRAM} --dir {place.root} shell", flush=True)
    if arguments.detach:
        leash.let_go()
        return 0
    try:
        print("Ctrl-C ends it", flush=True)
        leash.process.wait()
        raise errors.SandboxError(f"the sandbox has ended; see {place.log('supervisor')}")
    finally:
        leash.pull()


class Teller:
    """Says once of each part when it is ready."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, state: standing.State) -> None:
        for name, record in state.records.items():
            if record.standing in standing.SETTLED and name not in self._told:
                self._told.add(name)
                print(f"  {name:<24} {record.standing.value} in {record.took:.1f} s", flush=True)
        if state.phase is standing.Phase.READY:
            print(f"the sandbox is up after {state.seconds:.1f} s", flush=True)


def _down(place: home.Home, _arguments: argparse.Namespace) -> int:
    print("ended" if cluster.down(place) else f"no sandbox runs in {place.root}")
    return 0


def _status(place: home.Home, _arguments: argparse.Namespace) -> int:
    state = cluster.Box(place).state()
    print(f"{place.root}: {state.phase.value}")
    for name, record in state.records.items():
        exit_code = "" if record.exit_code is None else f"exit code {record.exit_code}"
        pid = "" if record.pid is None else str(record.pid)
        print(f"  {name:<24} {record.standing.value:<9} {pid:<7} {exit_code}".rstrip())
    return 0 if state.is_up else 1


def _shell(place: home.Home, arguments: argparse.Namespace) -> int:
    print("inside the sandbox; kubectl is ready, `exit` leaves", file=sys.stderr)
    arguments.words = [os.environ.get("SHELL", "/bin/sh")]
    return _exec(place, arguments)


def _run(_place: home.Home, arguments: argparse.Namespace) -> int:
    """A sandbox of its own, with a directory of its own; the command's exit code is ours."""
    words = _words(arguments, "run")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with cluster.running(tell=Teller()) as box:
        return box.popen(words).wait()


def _words(arguments: argparse.Namespace, verb: str) -> list[str]:
    words: list[str] = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words:
        raise errors.SandboxError(f"{verb} needs a command: {home.PROGRAM} {verb} -- COMMAND ...")
    return words


def _exec(place: home.Home, arguments: argparse.Namespace) -> int:
    command = cluster.Box(place).command(_words(arguments, "exec"))
    try:
        os.execvpe(command[0], command, inside.environment(place))
    except FileNotFoundError as error:
        raise errors.SandboxError(f"no such command: {command[0]}") from error


def _logs(place: home.Home, arguments: argparse.Namespace) -> int:
    path = place.log(arguments.part)
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in place.logs.glob("*.log"))) or "none"
        raise errors.SandboxError(f"no log of {arguments.part!r} in {place.logs}; there are: {known}")
    with path.open(errors="replace") as log:
        sys.stdout.write(log.read())
        while arguments.follow:
            sys.stdout.write(log.read())
            sys.stdout.flush()
            time.sleep(0.2)
    return 0


def _kubeconfig(place: home.Home, arguments: argparse.Namespace) -> int:
    box = cluster.Box(place)
    if inside.is_here(place):
        print(credentials.service_account(place, arguments.namespace, arguments.serviceaccount))
    else:
        print(box.kubeconfig_for(arguments.namespace, arguments.serviceaccount))
    return 0


def _build(_place: home.Home, _arguments: argparse.Namespace) -> int:
    building.ensure()
    return 0


if __name__ == "__main__":
    sys.exit(main())
