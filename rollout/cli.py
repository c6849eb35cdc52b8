"""The command line: `rampart run` and what belongs to it."""

import argparse
import importlib.metadata
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import FrameType

from pydantic.fields import FieldInfo

from deploy import errors
from rollout import cli_record, cli_replay, cli_simulate, durations, telemetry
from rollout import settings as settings_
from rollout.controller import Controller
from rollout.settings import Settings


def parser() -> argparse.ArgumentParser:
    """All commands, with a flag for each setting."""
    top = argparse.ArgumentParser(prog="rampart", description="Progressive delivery for Kubernetes.")
    top.add_argument("--version", action="version", version=f"rampart {importlib.metadata.version('rampart')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="run the controller",
        description="Run the controller. Each flag is also an environment variable: --log-level is RAMPART_LOG_LEVEL.",
    )
    for name, field in Settings.model_fields.items():
        run.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE", help=f"{field.description}{default_of(field)}")
    run.set_defaults(act=run_controller)
    for command in (cli_record, cli_replay, cli_simulate):
        command.add(commands)
    return top


def default_of(field: FieldInfo) -> str:
    """The default in words; nothing where there is none."""
    value = field.get_default(call_default_factory=True, validated_data={})
    if field.is_required() or value in (None, (), {}):
        return ""
    return f" (default: {durations.write(value) if isinstance(value, timedelta) else value})"


def run_controller(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT. Exit code 2: settings are wrong; all faults are said."""
    flags = {name: getattr(arguments, name) for name in Settings.model_fields}
    found = settings_.load(flags)
    if not isinstance(found, Settings):
        print("rampart: the settings are not usable:", *(f"  {text}" for text in found), sep="\n", file=sys.stderr)
        return 2
    telemetry.configure(found.log_level)
    try:
        controller = Controller(found)
    except (errors.ClusterError, OSError) as error:
        print(f"rampart: can not start: {error}", file=sys.stderr)
        return 1

    def stop(number: int, frame: FrameType | None) -> None:
        controller.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    controller.run()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    act: Callable[[argparse.Namespace], int] = arguments.act
    return act(arguments)
