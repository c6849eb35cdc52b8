"""`rampart simulate`: what each judge would do with a release of this plan and traffic, before there is one."""

import argparse
import dataclasses
import json

from analysis import simulation
from analysis.simulation import Line, Question
from analysis.trials import Course
from analysis.world import Size
from rollout import cli_flags

HEAD = ("JUDGE", "CAUGHT", "AFTER", "REQUESTS", "FAILED", "FALSE ALARMS", "HEALTHY THROUGH")

WATCHED = 3
"""How many times the plan's length, and LEAST seconds, a release that is let through is watched."""

LEAST = 900.0

DESCRIPTION = """\
Simulate releases of one plan under the judges of Rampart, Flagger 1.44 and Argo Rollouts 1.9, and compare how many bad
ones each takes back, when, and at what cost; and how many healthy ones it takes back by mistake.
"""

EPILOG = """\
CAUGHT: of the bad releases, percent that are taken back. AFTER: median seconds until then. REQUESTS, FAILED: what the
canary of a bad release serves and fails on average, up to when it is taken back or, if it is let through, up to the
end of the watch (three times the plan, at least 15 minutes). FALSE ALARMS: of as many releases that are as good as
stable, percent that are taken back. HEALTHY THROUGH: median seconds until such a release is promoted.
Traffic is a Poisson process; the same flags and seed give the same numbers.
Flagger: threshold 5; Argo Rollouts: background analysis, failureLimit 3; both over one minute, at every interval.
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its flags."""
    found = commands.add_parser(
        "simulate",
        help="compare judges on made-up releases",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    flag = found.add_argument
    flag(
        "--errors", type=cli_flags.percent, required=True, metavar="PERCENT", help="requests that the bad canary fails"
    )
    flag("--rps", type=cli_flags.number(0.1, 100_000), required=True, metavar="N", help="requests a second, both legs")
    flag("--steps", type=cli_flags.steps, default="5,25,50", metavar="LIST", help="weights (default: 5,25,50)")
    flag("--interval", type=cli_flags.seconds, default="60s", metavar="SPAN", help="stay at a weight (default: 60s)")
    flag(
        "--baseline-errors",
        type=cli_flags.percent,
        default="0.1",
        metavar="PERCENT",
        help="requests that stable and a healthy canary fail (default: 0.1)",
    )
    flag("--success-rate", type=cli_flags.rate, default="99", metavar="PERCENT", help="the plan's limit (default: 99)")
    flag("--scrape", type=cli_flags.seconds, default="15s", metavar="SPAN", help="between scrapes (default: 15s)")
    flag("--warm-up", type=cli_flags.seconds, default="30s", metavar="SPAN", help="of new pods (default: 30s)")
    flag("--pods", type=cli_flags.whole(1, 100), default="3", metavar="N", help="of the canary (default: 3)")
    flag("--stable-pods", type=cli_flags.whole(1, 100), default="6", metavar="N", help="of stable (default: 6)")
    flag("--runs", type=cli_flags.whole(1, 100_000), default="200", metavar="N", help="of each kind (default: 200)")
    flag("--seed", type=cli_flags.whole(0, 2**31), default="0", metavar="N", help="of the dice (default: 0)")
    cli_flags.output(found)
    found.set_defaults(act=run)


def run(arguments: argparse.Namespace) -> int:
    question = question_of(arguments)
    lines = simulation.simulate(question)
    if arguments.output == "json":
        print(json.dumps([dataclasses.asdict(line) for line in lines], indent=2))
        return 0
    print(title(question))
    print(cli_flags.table(HEAD, (cells(line) for line in lines)))
    return 0


def question_of(arguments: argparse.Namespace) -> Question:
    """The flags as a question."""
    steps = tuple(float(step) / 100 for step in arguments.steps if step < 100)
    length = arguments.interval * (len(steps) + 1)
    course = Course(
        steps=(*steps, 1.0),
        interval=arguments.interval,
        horizon=max(WATCHED * length, LEAST),
        success_rate=arguments.success_rate,
        warm_up=arguments.warm_up,
        size=Size(arguments.rps, arguments.stable_pods, arguments.pods, arguments.scrape),
    )
    errors, baseline = (float(share) / 100 for share in (arguments.errors, arguments.baseline_errors))
    return Question(errors, baseline, course, arguments.runs, arguments.seed)


def title(question: Question) -> str:
    """What was simulated."""
    course, size = question.course, question.course.size
    weights = ",".join(f"{100 * step:g}" for step in course.steps)
    return (
        f"{question.runs} releases with {100 * question.errors:g} % errors and {question.runs} healthy ones, beside"
        f" {100 * question.baseline:g} % of stable;\n{size.rps:g} requests/s, {size.canary} canary pods scraped every"
        f" {size.scrape:g} s, weights {weights} for at most {course.interval:g} s each, seed {question.seed}\n"
    )


def cells(line: Line) -> tuple[str, ...]:
    """One row of the table."""
    return (
        line.judge,
        f"{line.caught:.1f} %",
        moment(line.seconds),
        f"{line.exposed:,.0f}",
        f"{line.failed:,.1f}",
        f"{line.false_alarms:.1f} %",
        moment(line.through),
    )


def moment(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:,.0f} s"
