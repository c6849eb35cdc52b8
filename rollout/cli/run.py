"""`rampart run`: the controller, with a flag for each setting."""

import argparse
import signal
import sys
from datetime import timedelta
from types import FrameType

from pydantic.fields import FieldInfo

from deploy import errors
from rollout import durations, telemetry
from rollout import settings as settings_
from rollout.controller import Controller
from rollout.settings import Settings

DESCRIPTION = "Run the controller. Each flag is also an environment variable: --log-level is RAMPART_LOG_LEVEL."


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its flags."""
    found = commands.add_parser("run", help="run the controller", description=DESCRIPTION)
    for name, field in Settings.model_fields.items():
        described = f"{field.description}{default_of(field)}"
        found.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE", help=described)
    found.set_defaults(act=run)


def default_of(field: FieldInfo) -> str:
    """The default in words; nothing where there is none."""
    value = field.get_default(call_default_factory=True, validated_data={})
    if field.is_required() or value in (None, (), {}):
        return ""
    match value:
        case timedelta():
            text = durations.write(value)
        case bool():
            text = str(value).lower()
        case tuple():
            text = ",".join(map(str, value))
        case _:
            text = str(value)
    return f" (default: {text})"


def run(arguments: argparse.Namespace) -> int:
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
        hint = "" if found.kubeconfig else "; outside of a cluster give --kubeconfig FILE"
        print(f"rampart: can not start: {error}{hint}", file=sys.stderr)
        return 1

    def stop(number: int, frame: FrameType | None) -> None:
        controller.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    controller.run()
    return 0
