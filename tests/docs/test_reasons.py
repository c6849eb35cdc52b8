"""docs/reasons has a page for every reason that the code can give, and no other; its index is written from the pages.

`REASONS=write pytest tests/docs` writes the index anew.
"""

import ast
import os
import re
from collections.abc import Iterable, Iterator

from rollout import reasons
from tests.docs import pages
from tests.docs.reason_pages import INDEX, PAGES, Page

SOURCES = sorted(path for path in (pages.ROOT / "rollout").rglob("*.py") if path.name != "salvage.py")
"""All but what `rampart restore` prints, which is no Event."""

TELLERS = frozenset({"Told", "held_up"})
"""Calls whose first argument is a reason."""

BY_NAME = frozenset(
    {
        "signal.value",
        "phase.value",
        "outcome.value",
        "reason",
        "last.reason",
        "judgement.reason.value",
        "POLICY_MISSING",
    }
)
"""Reasons that are no literal: members of the enums that `reasons.NAMED` gathers, a constant, or told once more."""


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Where something is told."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in TELLERS and node.args:
                yield f"{path.relative_to(pages.ROOT)}:{node.lineno}", node


def told() -> Iterator[tuple[str, ast.expr]]:
    """Where something is told, and by what reason."""
    for where, node in calls():
        yield where, node.args[0]


def literals() -> set[str]:
    """Reasons that stand in the code as texts, also those of constants."""
    constants = {
        str(node.value.value)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and names(node) & BY_NAME
    }
    return constants | {str(reason.value) for _, reason in told() if isinstance(reason, ast.Constant)}


def names(node: ast.Assign) -> set[str]:
    return {ast.unparse(target) for target in node.targets}


def test_every_reason_in_the_code_is_listed() -> None:
    """Literal ones by the code itself, the others by their enums."""
    assert len(literals()) > 20
    assert literals() - reasons.NAMED == set(reasons.LITERAL)


def test_every_reason_that_is_no_literal_is_of_a_known_kind() -> None:
    """A new way of naming a reason is looked at by a person."""
    forms = {(where, ast.unparse(reason)) for where, reason in told() if not isinstance(reason, ast.Constant)}
    strange = {form for form in forms if form[1] not in BY_NAME and not form[1].startswith("Signal.")}
    assert strange == set()


def test_every_reason_has_a_page_and_no_other() -> None:
    assert set(PAGES) == reasons.NAMED | reasons.LITERAL


def test_what_is_never_told_says_so() -> None:
    """Whoever searches an Event's reason does not find it there."""
    assert {page.name for page in PAGES.values() if not page.levels} == {str(name) for name in reasons.UNSAID}


def test_whole_releases_tell_only_what_is_listed() -> None:
    """The stories' transcripts hold what was really told."""
    golden = (pages.ROOT / "tests" / "stories" / "golden").glob("*.txt")
    lines = [line for path in golden for line in path.read_text().splitlines()]
    found = {match[1] for line in lines if (match := re.match(r"\s*[\d.]+  [NW] (\w+): ", line))}
    assert len(found) > 20
    assert found <= reasons.SAID


def table(rows: Iterable[Page]) -> str:
    lines = (
        f"| [{page.name}]({page.name}.md) | {page.meaning} | {', '.join(page.levels)} | {', '.join(page.phases)} |\n"
        for page in rows
    )
    return "".join(("| reason | what it means | level | phase |\n|---|---|---|---|\n", *lines))


def short_table(rows: Iterable[Page]) -> str:
    lines = (f"| [{page.name}]({page.name}.md) | {page.meaning} |\n" for page in rows)
    return "".join(("| name | what it is |\n|---|---|\n", *lines))


def test_the_index_is_up_to_date() -> None:
    """Both tables, in the order of the alphabet."""
    said = [page for page in PAGES.values() if page.levels]
    unsaid = [page for page in PAGES.values() if not page.levels]
    wished = {"reasons": table(said), "names": short_table(unsaid)}
    for what, rows in wished.items():
        begin = f"<!-- {what}: written by REASONS=write pytest tests/docs -->\n"
        before, _, rest = INDEX.read_text().partition(begin)
        shown, end, after = rest.partition(f"<!-- end of {what} -->\n")
        assert end, f"the index has no place for {what}"
        if os.environ.get("REASONS") == "write":
            shown = rows
            INDEX.write_text(f"{before}{begin}{shown}{end}{after}")
        assert shown == rows
