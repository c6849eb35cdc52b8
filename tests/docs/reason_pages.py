"""The pages of docs/reasons as tests read them."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.docs import pages

FOLDER = pages.DOCS / "reasons"
INDEX = FOLDER / "README.md"
UNTOLD = "Not told by this name."
USERS, RAMPART, LOOK, DO = "Users now", "What Rampart does", "Look at", "What to do"


@dataclass(frozen=True)
class Page:
    """One page. levels and phases are empty for names that are not told; example is one message without its reason."""

    name: str
    title: str
    meaning: str
    levels: tuple[str, ...]
    phases: tuple[str, ...]
    example: str
    sections: dict[str, str]
    text: str


def read(path: Path) -> Page:
    """Title, meaning, level and phases, example, sections: in this order."""
    text = path.read_text()
    head, *rest = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    title, meaning, place, *_ = head.split("\n\n")
    levels, _, phases = place.strip().partition(" · ")
    told = place.strip() != UNTOLD
    return Page(
        name=path.stem,
        title=title.removeprefix("# "),
        meaning=" ".join(meaning.split()),
        levels=tuple(levels.split(", ")) if told else (),
        phases=tuple(phases.split(", ")) if told else (),
        example="".join(pages.blocks_of(head, "text")).strip(),
        sections=dict(zip(rest[::2], (part.strip() for part in rest[1::2]), strict=True)),
        text=text,
    )


PAGES = {path.stem: read(path) for path in sorted(FOLDER.glob("*.md")) if path != INDEX}


def commands(text: str) -> list[str]:
    """Everything to be typed: lines of sh blocks, and spans of code that begin with a program's name."""
    lines = [line for block in pages.blocks_of(text, "sh") for line in block.splitlines() if line]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    return [*lines, *(span for span in spans if re.match(r"(rampart|kubectl|helm) ", span))]
