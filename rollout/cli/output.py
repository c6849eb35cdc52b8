"""How commands print: tables and colour for people, JSON and YAML for programs."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum

import yaml
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from rollout.status import Phase, Release

WIDE = 10_000
"""Columns where nobody says how many there are: a line for a pipe is neither cut nor folded."""

COLOURS = {
    Phase.PROMOTED: "green",
    Phase.ROLLED_BACK: "red",
    Phase.ROLLING_BACK: "red",
    Phase.CANCELLED: "yellow",
    Phase.PENDING: "yellow",
}


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def flag(parser: argparse.ArgumentParser) -> None:
    """Who reads the answer."""
    parser.add_argument(
        "-o",
        "--output",
        choices=[each.value for each in Format],
        default=Format.TABLE.value,
        help="a table for people, or json or yaml for programs (default: table)",
    )


def console() -> Console:
    """Standard output; colour on a terminal only, and not with NO_COLOR."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def show(found: RenderableType) -> None:
    """Print on standard output; for a pipe without the spaces that fill a table's last column."""
    printer = console()
    if printer.is_terminal:
        printer.print(found)
        return
    with printer.capture() as capture:
        printer.print(found)
    print(*(line.rstrip() for line in capture.get().splitlines()), sep="\n", flush=True)


def data(value: object, form: str) -> None:
    """Print a value as JSON or YAML."""
    if form == Format.JSON:
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        sys.stdout.write(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))


def table(head: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    """Columns as kubectl prints them."""
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for title in head:
        made.add_column(title, no_wrap=title not in ("MESSAGE", "WAITS FOR"), overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def head(key: str, release: Release) -> Text:
    """The first line about a release: of which Deployment, its name, and how it is."""
    text = Text(key, style="bold").append(f"  {release.name}  ", style="not bold")
    return text.append_text(phase(release.status.phase, release.status.holding))


def phase(value: Phase, holding: str = "") -> Text:
    """A phase in its colour, with why the release does not go on."""
    text = Text(value.value, style=COLOURS.get(value, "cyan"))
    return text.append(f" ({holding})", style="yellow") if holding else text
