"""`rampart status --watch` where nobody has a terminal: one plain line for each thing that happens."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from deploy import errors
from rollout import status
from rollout.cli import card, doors, past, reading
from rollout.cli.codes import Code
from rollout.cli.reading import Sight
from rollout.status import Decision, Release

Look = Callable[[], tuple[Iterable[Sight], bool]]
"""The Deployments that are watched as they are now, and whether it is the end."""


@dataclass(frozen=True)
class Heard:
    """What was told of a Deployment before: of which release, up to which decision, and how it was."""

    release: str = ""
    at: datetime | None = None
    state: str = ""


def follow(look: Look, every: float, nothing: str) -> Code:
    """Print what happens as it happens, each line at once, until the end.

    A server that does not answer for a while is asked again; at the first look the failure is raised. nothing: the
    line where there is nothing to watch at first.
    """
    heard: dict[str, Heard] = {}
    sights, ended = look()
    if not (sights := tuple(sights)) and not ended:
        print(nothing, flush=True)
    away = ""
    while True:
        for sight in sights:
            lines, heard[sight.key] = news(sight, heard.get(sight.key, Heard()))
            for line in lines:
                print(line, flush=True)
        if ended:
            return Code.DONE
        time.sleep(every)
        try:
            sights, ended = look()
            away = ""
        except (errors.Unreachable, errors.Busy) as error:
            sights = ()
            if not away:
                doors.fail(f"{doors.said(error)}; looking again")
            away = str(error)


def news(sight: Sight, heard: Heard) -> tuple[tuple[str, ...], Heard]:
    """The lines about what was not told before, and what has been told with them."""
    release = sight.latest
    if release is None:
        state = card.at_rest(sight)
        return () if state == heard.state else (f"{sight.key} release {state}",), Heard(state=state)
    before = heard if heard.release == release.name else Heard(release.name)
    lines = [said(sight.key, release, line.at, line.reason, line.message) for line in fresh(release, before)]
    state = state_of(release)
    if state != before.state and release.is_ended:
        advice = reading.advice(sight, release)
        text = past.why(release) + (f"; {advice}" if advice else "")
        at = release.status.ended or status.parse_time(release.created)
        lines.append(said(sight.key, release, at, release.status.phase, text))
    elif state != before.state and not lines:
        at = release.status.since or release.status.started or status.parse_time(release.created)
        text = release.status.message or "until the controller's next look"
        lines.append(said(sight.key, release, at, release.status.phase, text))
    last = max((line.at for line in release.status.decisions), default=before.at)
    return tuple(lines), Heard(release.name, last, state)


def fresh(release: Release, before: Heard) -> Iterable[Decision]:
    """The decisions since; the end has a line of its own, which is not cut short."""
    for line in release.status.decisions:
        is_end = release.is_ended and line.reason == release.status.phase
        if (before.at is None or line.at > before.at) and not is_end:
            yield line


def state_of(release: Release) -> str:
    """All that makes a line of its own where no decision was told."""
    now = release.status
    return f"{now.phase} {now.step_text} {now.weight} {now.holding} {now.message}"


def said(key: str, release: Release, at: datetime, reason: str, message: str) -> str:
    """One line: time (UTC), Deployment, release, reason and sentence."""
    return f"{at:%H:%M:%S} {key} {release.name} {reason}: {' '.join(message.split())}"
