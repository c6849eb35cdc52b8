"""`rampart replay`: a recorded release through every judge, side by side."""

import argparse
import json
import sys
from decimal import Decimal
from pathlib import Path

from analysis import recording, replay, threshold
from analysis.recording import Recording
from analysis.replay import Act, Rules
from rollout import cli_flags
from rollout import plan as plans
from rollout.plan import Plan

HEAD = ("JUDGE", "TAKEN BACK", "STEP", "WEIGHT", "REQUESTS", "FAILED", "WHY")

DESCRIPTION = """\
Show when each judge (Rampart's two, Flagger 1.44, Argo Rollouts 1.9) would have taken a recorded release back, and
what the canary's users had met by then. FILE is what `rampart record` wrote.
"""

EPILOG = """\
The recorded traffic stays as it was, whatever a judge would have done. Where a judge did not act, REQUESTS and FAILED
are of the whole recording and would have been at least as many ("≥").
Flagger: threshold 5; Argo Rollouts: background analysis, failureLimit 3; both over one minute, at the plan's interval.
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its flags."""
    found = commands.add_parser(
        "replay",
        help="show what each judge makes of a recorded release",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("file", metavar="FILE", type=Path, help="a recording; - reads it from standard input")
    cli_flags.output(found)
    found.set_defaults(act=run)


def run(arguments: argparse.Namespace) -> int:
    """Exit code 2: the file is not a recording; all faults are said."""
    known = load(arguments.file)
    rules = rules_of(known) if isinstance(known, Recording) else known
    if not isinstance(known, Recording) or not isinstance(rules, Rules):
        faults = rules if isinstance(rules, tuple) else ()
        head = f"rampart replay: {arguments.file} can not be replayed:"
        print(head, *(f"  {text}" for text in faults), sep="\n", file=sys.stderr)
        return 2
    acts = replay.replay(known, rules)
    if arguments.output == "json":
        print(json.dumps([body(act, known) for act in acts], indent=2, ensure_ascii=False))
        return 0
    print(title(known))
    print(cli_flags.table(HEAD, (cells(act, known) for act in acts), words=2))
    return 0


def load(path: Path) -> Recording | tuple[str, ...]:
    """Read a file, or say why not."""
    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        return (f"{error.strerror}: name a file that `rampart record` wrote",)
    return recording.parse(text)


def rules_of(known: Recording) -> Rules | tuple[str, ...]:
    """What the recorded plan asks for."""
    plan = plans.resolve({f"{plans.PREFIX}{key}": value for key, value in known.plan.items()}, {"strategy": "canary"})
    return rules(plan) if isinstance(plan, Plan) else tuple(f"plan: {fault}" for fault in plan)


def rules(plan: Plan) -> Rules:
    limit = plan.latency
    thresholds = threshold.Thresholds(
        interval=plan.interval,
        success_rate=plan.success_rate or None,
        latency=threshold.Latency(limit.quantile, limit.limit) if limit else None,
        max_failures=plan.max_failures,
    )
    own = {step.weight: plan.stay(step) for step in plan.stays if step.weight}
    return Rules(thresholds, own[Decimal(100)], own=own)


def title(known: Recording) -> str:
    """What is replayed."""
    stays = recording.stays(known)
    served = recording.served(known, known.ended)
    weights = " → ".join(f"{stay.weight.normalize():f}" for stay in stays)
    span = (stays[-1].until - known.began).total_seconds()
    name = f"{known.release}: " if known.release else ""
    return (
        f"{name}{known.namespace}/{known.canary} beside {known.stable}, {known.began:%Y-%m-%d %H:%M:%S} UTC:\n"
        f"{weights} % in {span:,.0f} s, {served.requests:,} requests to the canary, {served.failures:,} failed\n"
    )


def cells(act: Act, known: Recording) -> tuple[str, ...]:
    """One row of the table."""
    mark = "" if act.at else "≥ "
    return (
        act.judge,
        "not yet" if act.at is None else f"{(act.at - known.began).total_seconds():,.0f} s",
        f"{act.stay.number}",
        f"{act.stay.weight.normalize():f} %",
        f"{mark}{act.served.requests:,}",
        f"{mark}{act.served.failures:,}",
        act.said,
    )


def body(act: Act, known: Recording) -> dict[str, object]:
    """One judge for programs; takenBackSeconds: after the beginning, null if it did not act."""
    return {
        "judge": act.judge,
        "takenBackAt": act.at.isoformat() if act.at else None,
        "takenBackSeconds": (act.at - known.began).total_seconds() if act.at else None,
        "step": act.stay.number,
        "weight": float(act.stay.weight),
        "requests": act.served.requests,
        "failed": act.served.failures,
        "why": act.said,
    }
