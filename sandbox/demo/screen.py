"""How the demo is shown: a live picture on a terminal, plain lines elsewhere."""

import contextlib
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sandbox.demo.scene import Moment

BAR = 40
SHOWN_EVENTS = 8
COLOURS = {"v1": "cyan", "v2": "green", "v3": "magenta"}


class Screen(Protocol):
    """Where moments are shown."""

    def say(self, text: str) -> None: ...

    def show(self, moment: Moment) -> None: ...


class Lines:
    """Plain lines: one for each change, and each Event."""

    def __init__(self) -> None:
        self._last: tuple[str, str] | None = None
        self._at = -10.0

    def say(self, text: str) -> None:
        print(text, flush=True)

    def show(self, moment: Moment) -> None:
        for text in moment.news:
            print(f"{moment.seconds:5.0f} s  {text}", flush=True)
        state = (moment.phase, moment.weight)
        if state != self._last or moment.seconds - self._at >= 5:
            print(moment.line, flush=True)
            self._last, self._at = state, moment.seconds


class Picture:
    """A live picture: phase and weight, a bar for each version, the last Events."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._events: list[str] = []
        self._title = ""

    def say(self, text: str) -> None:
        """A new act: its Events begin anew."""
        self._title = text
        self._events = []
        self._live.console.print(text)

    def show(self, moment: Moment) -> None:
        self._events = [*self._events, *(f"{moment.seconds:4.0f} s  {text}" for text in moment.news)][-SHOWN_EVENTS:]
        self._live.update(drawn(moment, self._title.strip(), self._events, self._live.console))


def drawn(moment: Moment, title: str, events: Sequence[str], console: Console) -> Panel:
    """The picture, no higher than the console: what does not fit are the oldest Events."""
    head = f"{moment.phase}   step {moment.step or '-'}   weight {moment.weight} %   {moment.seconds:.0f} s"
    room = console.height - BORDERS - 2 - len(moment.shares)
    shown = Text("\n".join(newest(events, console.width - MARGINS, room)) or "no Events yet")
    return Panel(Group(Text(head, style="bold"), bars(moment), Panel(shown, title=EVENTS)), title=title)


EVENTS = "Events on deployment/web"
BORDERS = 5
"""Lines that are no text: both panels' edges, and one that a terminal needs below."""
MARGINS = 8
"""Columns of both panels' edges and the space within them."""


def newest(events: Sequence[str], width: int, room: int) -> list[str]:
    """The last Events that fit into so many lines of that width; of the very last at least its beginning."""
    found: list[str] = []
    for text in reversed(events):
        lines = textwrap.wrap(text, width, subsequent_indent=" " * 8)
        if found and len(found) + len(lines) > room:
            break
        found = [*lines[: max(1, room)], *found]
    return found


def bars(moment: Moment) -> Table:
    """A row for each version that served real requests."""
    table = Table(box=None, padding=(0, 1))
    for title in ("version", "share of real requests", "", "success"):
        table.add_column(title)
    for item in moment.shares:
        bar = "█" * round(BAR * item.percent / 100)
        colour = COLOURS.get(item.version, "white")
        success = Text(f"{item.success:.1f} %", style="green" if item.success >= 99 else "bold red")
        table.add_row(item.version, Text(bar.ljust(BAR, "·"), style=colour), f"{item.percent:.1f} %", success)
    return table


@contextlib.contextmanager
def opened() -> Iterator[Screen]:
    """A picture where standard output is a terminal, lines where it is not."""
    if not sys.stdout.isatty():
        yield Lines()
        return
    with Live(console=Console(), refresh_per_second=4) as live:
        yield Picture(live)
