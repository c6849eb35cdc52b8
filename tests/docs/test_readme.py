"""The README: every page of the documentation is linked, every link leads somewhere, every phase and end is named."""

import re
from pathlib import Path

import pytest

from rollout.status import ENDED, Phase
from tests.docs import pages

README = pages.ROOT / "README.md"
PAGES = sorted(path for path in [*pages.ROOT.glob("*.md"), *pages.DOCS.rglob("*.md")])


def links(page: Path) -> list[tuple[str, str]]:
    """(file, anchor) of every link within the repository."""
    found = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)", page.read_text())
    return [(path, anchor) for path, anchor in found if path or anchor]


def anchors(page: Path) -> set[str]:
    """As GitHub names a page's headings."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """File and heading are there."""
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {path}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {path}#{anchor}"


def test_every_page_is_linked() -> None:
    """By the README, or by the index of a folder of pages."""
    indices = (README, *pages.DOCS.glob("*/README.md"))
    linked = {(index.parent / path).resolve() for index in indices for path, _ in links(index)}
    assert set(pages.DOCS.rglob("*.md")) <= linked


def test_every_phase_and_end_is_named() -> None:
    """Phases as steps of a release or in a sentence, ends as rows of a table."""
    text = README.read_text()
    for phase in Phase:
        mark = f"| `{phase}` |" if phase in ENDED else phase.value
        assert mark in text
