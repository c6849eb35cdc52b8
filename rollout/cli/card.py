"""One release as a card for people: where it stands, what was measured, what it waits for, what was decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rich.console import Group
from rich.text import Text

from deploy.workload import Held
from rollout import words
from rollout.cli import output, reading
from rollout.cli.clock import age
from rollout.cli.reading import Sight
from rollout.plan import Plan
from rollout.status import Phase, Release

LABEL = 10
LINES = 5


@dataclass(frozen=True)
class Measured:
    """One version's numbers, in words; empty where they are not known."""

    success: str = ""
    latency: str = ""
    requests: str = ""

    @property
    def text(self) -> str:
        return ", ".join(filter(None, (self.success, self.latency, self.requests)))


@dataclass(frozen=True)
class Both:
    """What Prometheus says now; `fault` is why it says nothing."""

    canary: Measured = Measured()
    stable: Measured = Measured()
    fault: str = ""


def card(sight: Sight, both: Both | None, moment: datetime) -> Group:
    """The card of the Deployment's latest release, or of its rest."""
    release = sight.latest
    if release is None:
        return Group(Text(sight.key, style="bold"), row("release", at_rest(sight)))
    return Group(*lines(sight, release, both, moment))


def lines(sight: Sight, release: Release, both: Both | None, moment: datetime) -> Iterator[Text]:
    status, plan = release.status, release.plan
    end = status.ended or moment
    head = Text(sight.key, style="bold").append(f"  {release.name}  ", style="not bold")
    yield head.append_text(output.phase(status.phase, status.holding))
    if release.spec.pair:
        yield row("pair", in_turn(sight, release))
    yield row("steps", bar(release))
    seen = f", seen {status.seen_weight}" if status.seen_weight else ""
    yield row("weight", f"wished {words.percent(status.weight)}{seen}")
    yield row("canary", said(Measured(status.success, status.latency), both.canary if both else None, plan))
    if both is not None:
        yield row("stable", both.fault or both.stable.text or "nothing measured")
    if status.evidence:
        yield row("evidence", f"{status.evidence} against the canary (100 convicts)")
    yield row("since", f"{age(status.started, end)}, in this step {age(status.since, end) or '-'}")
    yield row("ended" if release.is_ended else "waits for", waits(sight, release))
    for line in status.decisions[-LINES:]:
        style = "yellow" if line.level != "Normal" else ""
        yield Text(f"  {line.at:%H:%M:%S}  {line.reason:<18} {line.message}", style=style)


def row(label: str, value: str | Text) -> Text:
    return Text(f"  {label:<{LABEL}}").append_text(value if isinstance(value, Text) else Text(value))


def bar(release: Release) -> Text:
    """The plan's stays: those behind, the present one, and those to come."""
    plan, status = release.plan, release.status
    over = status.phase in (Phase.PROMOTING, Phase.FINISHING, Phase.PROMOTED)
    begun = plan.step_of(release.step) if status.weight or status.lead else 0
    text = Text()
    for number, stay in enumerate(plan.stays, 1):
        past = over or number < begun
        mark, style = ("●", "green") if past else ("◉", "bold cyan") if number == begun else ("○", "dim")
        text.append(" ── " if text else "", style="dim").append(f"{mark} {stay.name}", style=style)
    return text.append(" %", style="dim")


def said(judged: Measured, fresh: Measured | None, plan: Plan) -> str:
    """The canary's numbers: fresh where Prometheus is asked, else as last judged; with the plan's limits."""
    limits = ", ".join(filter(None, (f"at least {words.percent(plan.success_rate)}", str(plan.latency or ""))))
    text = fresh.text if fresh is not None and fresh.text else judged.text
    return f"{text or 'nothing judged yet'} (asked for: {limits})"


def waits(sight: Sight, release: Release) -> str:
    """What the release waits for, or how it ended and what a person can do."""
    status = release.status
    if not release.is_ended:
        return status.message or "the controller's next look"
    return f"{reading.cause(release)}{advice(sight, release)}"


def advice(sight: Sight, release: Release) -> str:
    """What to do about a template that stays down."""
    if any(side.failed == release.spec.revision == side.digest for side in sight.sides if release.spec.pair):
        return f"; it stays down: rampart retry -n {sight.work.namespace} {sight.work.name}"
    if not sight.is_down or release.spec.revision != sight.work.digest:
        return ""
    name = f"-n {sight.work.namespace} {sight.work.name}"
    return f"; it stays down: rampart retry {name}, or rampart revert {name}"


def in_turn(sight: Sight, release: Release) -> str:
    """Which of the two Deployments takes over from which."""
    others = [side.name for side in sight.sides if side.name != release.spec.deployment]
    return f"{release.spec.deployment} takes over" + (f" from {others[0]}" if others else "")


def at_rest(sight: Sight) -> str:
    """A Deployment that has had no release, in a few words."""
    if sight.work.held is Held.LEFT and sight.work.paused:
        return "none; the template stays paused, to be resumed by its owner"
    if sight.is_held:
        return "none yet; the template is held until its release begins"
    if sight.partner is not None:
        return f"none yet; it takes turns with {sight.partner.name}"
    return "none yet" if sight.work.opted_in else "none: not opted in (rampart.dev/strategy)"
