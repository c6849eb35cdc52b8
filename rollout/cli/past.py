"""The card of a release that is over: where the traffic is, how far it came, when and why it ended, what is next."""

from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from deploy.workload import Held
from rollout.cli import output, reading
from rollout.cli.clock import age
from rollout.cli.reading import Sight
from rollout.cli.rows import bar, limits, row, told
from rollout.status import Phase, Release


def lines(sight: Sight, release: Release, moment: datetime) -> Iterator[Text]:
    """The card's lines, by what is true at the moment."""
    status = release.status
    yield output.head(sight.key, release)
    yield row("traffic", traffic(sight, release))
    yield row("steps", bar(release))
    judged = ", ".join(filter(None, (status.success, status.latency)))
    if judged:
        yield row("judged", f"{judged} at the last look (asked for: {limits(release.plan)})")
    if status.evidence:
        yield row("evidence", f"{status.evidence} against it (100 convicts)")
    if status.ended is not None:
        took = age(status.started, status.ended)
        when = f"{status.ended:%Y-%m-%d %H:%M:%S} UTC, {age(status.ended, moment)} ago"
        yield row("ended", when + (f", after {took}" if took else ""))
    yield row("why", why(release))
    if coming := following(sight, release):
        yield row("next", coming)
    yield from (told(line) for line in status.decisions if line.reason != status.phase)


def traffic(sight: Sight, release: Release) -> str:
    """Which version users are on: by the pods that run, as nothing of a release that is over stands in the route."""
    if release.spec.pair:
        idle = [side.name for side in sight.sides if side.name != sight.active.name]
        return f"all on {sight.active.name}" + (f", none on {idle[0]}" if idle else "")
    mine, running = release.spec.revision, sorted({item.digest for item in sight.revisions if item.replicas > 0})
    if not running:
        return "none: no pod runs"
    if mine in running and len(running) > 1:
        return "on the old and the new pods by their number: the Deployment rolls out natively"
    if mine in running:
        return "all on the new version" + ("" if release.status.phase is Phase.PROMOTED else ", which runs natively")
    others = " and ".join(running)
    if release.status.phase is Phase.PROMOTED:
        return f"all on template {others}, which the Deployment runs since; none on this version"
    return f"all on stable (template {others}), none on the new version"


def why(release: Release) -> str:
    """The cause of the end, by its reason and in a sentence."""
    status = release.status
    text = reading.cause(release)
    return text if status.reason in ("", status.phase) else f"{status.reason}: {text}"


def following(sight: Sight, release: Release) -> str:
    """What comes, or what a person can do; empty where there is nothing to say."""
    if advice := reading.advice(sight, release):
        return advice
    if sight.work.held is Held.LEFT and sight.work.paused:
        return "the template stays paused, to be resumed by its owner"
    if sight.is_down:
        return "the present template failed before and stays down; see: rampart history"
    return "another template is held until its release begins" if sight.is_held else ""
