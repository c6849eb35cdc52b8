"""A release in flight as a card for people: where it stands, what was measured, what it waits for, what was decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rich.console import Group
from rich.text import Text

from deploy.workload import Held
from rollout import words
from rollout.cli import output, past, reading
from rollout.cli.clock import age
from rollout.cli.reading import Sight
from rollout.cli.rows import bar, limits, row, told
from rollout.plan import Plan
from rollout.status import Release

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
    return Group(*(past.lines(sight, release, moment) if release.is_ended else lines(sight, release, both, moment)))


def lines(sight: Sight, release: Release, both: Both | None, moment: datetime) -> Iterator[Text]:
    status, plan = release.status, release.plan
    yield output.head(sight.key, release)
    if release.spec.pair:
        yield row("pair", in_turn(sight, release))
    yield row("steps", bar(release))
    seen = f", seen {status.seen_weight} at the last judged look" if status.seen_weight else ""
    yield row("weight", f"wished {words.percent(status.weight)}{seen}")
    yield row("canary", said(Measured(status.success, status.latency), both.canary if both else None, plan))
    if both is not None:
        yield row("stable", both.fault or both.stable.text or "nothing measured")
    if status.evidence:
        yield row("evidence", f"{status.evidence} against the canary (100 convicts)")
    step = f", in this step {age(status.since, moment)}" if status.since else ""
    yield row("since", f"{age(status.started, moment) or 'just now'}{step}")
    yield row("waits for", reading.spoken(status.message) or "the controller's next look")
    yield from map(told, status.decisions[-LINES:])


def said(judged: Measured, fresh: Measured | None, plan: Plan) -> str:
    """The canary's numbers: fresh where Prometheus is asked, else as last judged; with the plan's limits."""
    text = fresh.text if fresh is not None and fresh.text else judged.text
    return f"{text or 'nothing judged yet'} (asked for: {limits(plan)})"


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
    return "none yet" if sight.work.opted_in else f"none: not opted in: {reading.opt_in(sight.work)}"
