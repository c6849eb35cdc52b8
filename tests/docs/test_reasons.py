"""docs/reasons.md explains every reason that the code can give, and no other."""

import ast
import re
from collections.abc import Iterator

import pytest

from rollout import reasons
from tests.docs import pages

SOURCES = sorted(path for path in (pages.ROOT / "rollout").rglob("*.py") if path.name != "salvage.py")
"""All but what `rampart restore` prints, which is no Event."""
PAGE = (pages.DOCS / "reasons.md").read_text()
ENTRIES = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))

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


def told() -> Iterator[tuple[str, ast.expr]]:
    """Where something is told, and by what reason."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in TELLERS and node.args:
                yield f"{path.name}:{node.lineno}", node.args[0]


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


def test_the_page_has_an_entry_for_every_reason_and_no_other() -> None:
    assert set(ENTRIES) == reasons.NAMED | reasons.LITERAL
    assert len(re.findall(r"^### ", PAGE, re.MULTILINE)) == len(ENTRIES), "an entry stands there twice"


@pytest.mark.parametrize("reason", sorted(ENTRIES))
def test_an_entry_says_what_it_means_what_is_done_and_what_to_do(reason: str) -> None:
    meaning, _, rest = ENTRIES[reason].partition("**Rampart:**")
    done, _, left = rest.partition("**You:**")
    assert len(meaning.strip()) > 10
    assert len(done.strip()) > 4
    assert len(left.strip()) > 4


def test_what_is_never_told_stands_apart() -> None:
    """Whoever searches an Event's reason does not find it there."""
    _, _, apart = PAGE.partition("## Names that no Event carries")
    assert set(re.findall(r"^### (\w+)", apart, re.MULTILINE)) == {str(name) for name in reasons.UNSAID}


def test_whole_releases_tell_only_what_is_listed() -> None:
    """The stories' transcripts hold what was really told."""
    golden = (pages.ROOT / "tests" / "stories" / "golden").glob("*.txt")
    lines = [line for path in golden for line in path.read_text().splitlines()]
    found = {match[1] for line in lines if (match := re.match(r"\s*[\d.]+  [NW] (\w+): ", line))}
    assert len(found) > 20
    assert found <= reasons.SAID
