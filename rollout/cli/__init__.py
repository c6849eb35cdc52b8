"""The command line, `rampart` and `kubectl rampart`: one command, one module."""

import argparse
import importlib.metadata
import os
import sys
from collections.abc import Callable, Sequence

from rollout.cli import (
    check,
    completion,
    listing,
    plan,
    record,
    replay,
    restart,
    restore,
    run,
    simulate,
    status,
    wait,
    wishes,
)

COMMANDS = (run, check, plan, status, listing, wishes, restart, wait, restore, record, replay, simulate, completion)

EXAMPLES = """\
to begin with:
  rampart check                                                     whether everything is there
  kubectl annotate deployment web rampart.dev/strategy=canary       opt a Deployment in
  rampart plan web                                                  what a change of its template would lead to
  kubectl set image deployment/web web=web:v2; rampart status web --watch
  rampart COMMAND --help                                            every flag

exit codes: 0 done, 1 refused or wrong, 2 wrong flags, 8 no such Deployment or namespace; `wait` has more
"""

BROKEN_PIPE = 141
"""What a shell shows of a program that SIGPIPE ended."""


def parser() -> argparse.ArgumentParser:
    """All commands with their flags."""
    raw = argparse.RawDescriptionHelpFormatter
    about = "Progressive delivery for Kubernetes."
    top = argparse.ArgumentParser(prog="rampart", description=about, epilog=EXAMPLES, formatter_class=raw)
    top.add_argument("-V", "--version", action="version", version=f"rampart {importlib.metadata.version('rampart')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    commands = parser()
    completion.complete(commands)
    arguments = commands.parse_args(argv)
    act: Callable[[argparse.Namespace], int] = arguments.act
    try:
        code = act(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read has what they wanted, as `head` has; the interpreter's own last flush must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code
