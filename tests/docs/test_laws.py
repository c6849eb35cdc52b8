"""docs/laws.md lists every promise, law and case that the code refers to by number."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import pages

PAGE = (pages.DOCS / "laws.md").read_text()
PLACES = ("rollout", "deploy", "analysis", "sandbox", "charts", "tests", "benchmarks", "docs", "README.md")
KINDS = ("promise", "law", "case")
REFERENCE = re.compile(rf"\b({'|'.join(KINDS)})s? (\d+(?:(?:, | and | to |, and )\d+)*)", re.IGNORECASE)


def sources() -> Iterator[Path]:
    for place in PLACES:
        path = pages.ROOT / place
        found = [path] if path.is_file() else path.rglob("*")
        yield from (item for item in found if item.suffix in (".py", ".md", ".yaml") and item.is_file())


def numbers(text: str) -> set[int]:
    """`8, 10 and 12` and `11 to 13`."""
    spans = [(int(first), int(last)) for first, last in re.findall(r"(\d+) to (\d+)", text)]
    return {*map(int, re.findall(r"\d+", text)), *(number for first, last in spans for number in range(first, last))}


def references(text: str) -> set[tuple[str, int]]:
    return {(kind.lower(), number) for kind, found in REFERENCE.findall(text) for number in numbers(found)}


def listed() -> list[tuple[str, int]]:
    """The rows of the page, each under the head that names its kind."""
    found, kind = [], ""
    for line in PAGE.splitlines():
        if head := re.match(r"\| (promise|law|case) \|", line):
            kind = head[1]
        elif row := re.match(r"\| (\d+) \| \S", line):
            found.append((kind, int(row[1])))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("laws 8, 10, 12", {("law", 8), ("law", 10), ("law", 12)}, id="several"),
        pytest.param("Case 56: it", {("case", 56)}, id="a capital"),
        pytest.param("(laws 11 to 13)", {("law", 11), ("law", 12), ("law", 13)}, id="a span"),
        pytest.param("law 10, case 61", {("law", 10), ("case", 61)}, id="of two kinds"),
        pytest.param("in 3 cases 2.5 s", {("case", 2)}, id="a number after the word"),
    ],
)
def test_references_are_read(text: str, expected: set[tuple[str, int]]) -> None:
    assert references(text) == expected


def test_every_number_that_is_referred_to_is_listed() -> None:
    read = ((path, re.sub(r"^ *case \d+:$", "", path.read_text(), flags=re.MULTILINE)) for path in sources())
    found = {reference: path for path, text in read for reference in references(text)}
    assert len(found) > 50
    lacking = {reference: str(path) for reference, path in found.items() if reference not in listed()}
    assert lacking == {}


def test_each_number_stands_there_once_and_in_order() -> None:
    for kind in KINDS:
        own = [number for found, number in listed() if found == kind]
        assert own == list(range(1, len(own) + 1))
