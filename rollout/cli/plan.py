"""`rampart plan`: what would happen if the Deployment's template changed now; nothing is written."""

import argparse
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from deploy import names, workload
from deploy.cluster import Cluster
from deploy.traffic import Json
from rollout import durations, foresight, status
from rollout import plan as plans
from rollout.cli import asking, completion, doors, output, questions, reading
from rollout.cli.asking import Eyes
from rollout.cli.codes import Code
from rollout.cli.questions import Asked
from rollout.cli.reading import Sight
from rollout.foresight import Stay, Value
from rollout.pair import rest
from rollout.plan import Plan
from rollout.views import View

HINDERS = frozenset({"PlanInvalid", "Refused"})
"""Of what is told about a pair at rest, what keeps its release from beginning."""

DIGEST = "0123456789"
"""Stands for the digest of a template that nobody has written yet."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its flags."""
    found = commands.add_parser(
        "plan",
        help="what would happen on a change of the template",
        description="Show what a change of the Deployment's template would lead to: the plan with the source of each"
        " value, the edits of its route at the first step, and what Prometheus is asked. Nothing is written. Exit code"
        " 1 where something keeps a release from beginning.",
    )
    doors.flags(found)
    output.flag(found)
    completion.deployment(found)
    found.add_argument("--queries", action="store_true", help="show the whole PromQL of each question")
    asking.flags(found)
    found.set_defaults(act=doors.opened(run))


@dataclass(frozen=True)
class Turn:
    """A pair: the Deployment that carries the plan, the other one, and which of the two is released next."""

    annotated: str
    other: str
    next: str

    @property
    def active(self) -> str:
        return self.other if self.next == self.annotated else self.annotated


@dataclass(frozen=True)
class Foreseen:
    """All that is told."""

    sight: Sight
    faults: tuple[str, ...]
    values: tuple[Value, ...] = ()
    stays: tuple[Stay, ...] = ()
    service: str = ""
    pair: Turn | None = None
    edits: tuple[str, ...] = ()
    questions: tuple[Asked, ...] = ()


def run(door: Cluster, arguments: argparse.Namespace) -> int:
    """Exit code 2: a setting is wrong."""
    found = asking.settings(door, arguments)
    if isinstance(found, tuple):
        return doors.fail("\n  ".join(("the settings are not usable:", *found)), Code.USAGE)
    sight = reading.sight(door, arguments.namespace, arguments.name)
    with asking.eyes(door, found) as eyes:
        foreseen = foresee_pair(eyes, sight) if sight.annotated.canary_of else foresee(eyes, sight)
    if arguments.output == output.Format.TABLE:
        show(output.console(), foreseen)
        questions.show(output.console(), foreseen.questions, arguments.queries)
    else:
        output.data(body(foreseen), arguments.output)
    return Code.FAILED if foreseen.faults else Code.DONE


def foresee(eyes: Eyes, sight: Sight) -> Foreseen:
    """What the controller would see and do. Raises ClusterError."""
    work = sight.work
    view = View(work.namespace, work.name, None, work, sight.revisions, ())
    annotations = {plans.PREFIX + "strategy": "canary", **work.annotations}
    found = eyes.observer.policies(work.namespace)
    known = {} if isinstance(found, str) else found
    plan = plans.resolve(annotations, eyes.settings.defaults, known)
    faults = [*eyes.observer.refusals(view), *((found,) if isinstance(found, str) else ())]
    if not work.opted_in:
        faults.append(f"it is not opted in: {reading.opt_in(work)}")
    if not isinstance(plan, Plan):
        return Foreseen(sight, (*faults, *plan))
    values = foresight.sources(plan, work.annotations, eyes.settings.defaults, known)
    steps = foresight.stays(plan, work.replicas)
    target = eyes.observer.target(view, None)
    service = target.service if target else ""
    edits: tuple[str, ...] = ()
    if target is not None and sight.in_flight is None:
        survey, _ = eyes.routes.survey(target, None)
        faults += survey.faults
        if not survey.faults and sight.running is not None:
            release = status.release_name(work.name, DIGEST, 1)
            wished = foresight.split(sight.revisions, release, plan.stays[0].weight)
            standing = {_key(item): item for items in eyes.routes.bodies(target).values() for item in items}
            edits = tuple(
                foresight.diff(change, standing.get(_key(change.body)))
                for change in eyes.routes.foreseen(target, wished)
            )
    legs = (workload.canary_name(work.name, DIGEST, 1), work.name)
    asked = tuple(questions.ask(eyes, work.namespace, legs, plan, service))
    return Foreseen(sight, tuple(dict.fromkeys(faults)), values, steps, service, None, edits, asked)


def foresee_pair(eyes: Eyes, sight: Sight) -> Foreseen:
    """The same of a pair, under either name: the next side, and the weights of the first step. Raises ClusterError."""
    work = sight.annotated
    view = eyes.pairs.view(work.namespace, work.name)
    if view is None:
        return Foreseen(sight, (f"{names.CANARY_OF} is written, but {names.STRATEGY}=canary is missing",))
    resting = eyes.pairs.resting(view)
    told = rest.warnings(resting)
    faults = tuple(text for one in told if one.reason in HINDERS for text in [one.message])
    upcoming = resting.idle or view.annotated
    turn = Turn(work.name, view.other.name, upcoming.name)
    plan = resting.plan
    if not isinstance(plan, Plan):
        return Foreseen(sight, faults, pair=turn)
    found = eyes.observer.policies(work.namespace)
    values = foresight.sources(plan, work.annotations, eyes.settings.defaults, {} if isinstance(found, str) else found)
    active = view.against(upcoming.name)
    steps = foresight.stays(plan, active.work.replicas if active.work is not None else 1)
    edits: tuple[str, ...] = ()
    if view.release is None and resting.idle is not None:
        standing = {_key(item): item for items in eyes.routes.everything().values() for item in items}
        parts = int(plan.stays[0].weight * 100)
        foreseen = eyes.routes.pair_foreseen(view.pair, upcoming.name, parts)
        edits = tuple(foresight.diff(change, standing.get(_key(change.body))) for change in foreseen)
    asked = tuple(questions.ask(eyes, work.namespace, (turn.next, turn.active), plan, ""))
    return Foreseen(sight, faults, values, steps, "", turn, edits, asked)


def _key(item: Json) -> tuple[str, str, str]:
    return item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]


def show(console: Console, foreseen: Foreseen) -> None:
    """For people."""
    sight = foreseen.sight
    console.print(
        Text(sight.key, style="bold"), Text(f" behind Service {foreseen.service}" if foreseen.service else "")
    )
    if foreseen.pair is not None:
        turn = foreseen.pair
        console.print(f"  {turn.annotated} in turn with {turn.other}; next: {turn.next}", soft_wrap=True)
    for fault in foreseen.faults:
        console.print(Text(f"  ✘ {fault}", style="red"))
    if sight.in_flight is not None:
        console.print(f"  a release is in flight ({sight.in_flight.name}): the route's edits are not foretold now")
    if foreseen.values:
        output.show(output.table(("PLAN", "VALUE", "FROM"), ((v.key, v.text, v.source) for v in foreseen.values)))
        rows = ((stay.exposure, str(stay.pods), f"at most {durations.write(stay.longest)}") for stay in foreseen.stays)
        output.show(output.table(("STEP", "CANARY PODS", "STAY"), rows))
    for edit in foreseen.edits:
        for line in edit.splitlines():
            console.print(Text(line, style={"+": "green", "-": "red"}.get(line[:1], "")), soft_wrap=True)


def body(foreseen: Foreseen) -> Json:
    """For programs."""
    turn = foreseen.pair
    pair = {"pair": {"annotated": turn.annotated, "other": turn.other, "next": turn.next}} if turn else {}
    return {
        "namespace": foreseen.sight.work.namespace,
        "deployment": turn.annotated if turn else foreseen.sight.work.name,
        **pair,
        "service": foreseen.service,
        "faults": list(foreseen.faults),
        "plan": {value.key: {"value": value.text, "from": value.source} for value in foreseen.values},
        "stays": [
            {"exposure": stay.exposure, "canaryPods": stay.pods, "atMost": durations.write(stay.longest)}
            for stay in foreseen.stays
        ],
        "edits": list(foreseen.edits),
        "questions": [questions.body(asked) for asked in foreseen.questions],
    }
