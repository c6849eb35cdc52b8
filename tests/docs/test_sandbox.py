"""docs/sandbox.md: every command is listed, and its Python can be read."""

import argparse
import re

from sandbox import __main__ as program
from tests.docs import pages

PAGE = pages.DOCS / "sandbox.md"


def commands() -> set[str]:
    parser = program._parser()
    (found,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return set(found.choices)


def test_every_command_is_listed_and_no_other() -> None:
    table = PAGE.read_text().partition("## Commands")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z]+)", table, re.MULTILINE)) == commands()


def test_commands_are_called_as_they_can_be_called() -> None:
    """The environment's own Python."""
    calls = re.findall(r"([^\s`]*)python -m ", PAGE.read_text())
    assert len(calls) > 3
    assert set(calls) == {".venv/bin/"}


def test_its_python_imports_what_it_uses() -> None:
    """It is compiled, and its imports are carried out."""
    blocks = pages.blocks(PAGE, "python")
    code = "\n".join(blocks)
    compile(code, str(PAGE), "exec")
    names: dict[str, object] = {}
    exec("\n".join(line for line in code.splitlines() if line.startswith(("import ", "from "))), names)
    for used in ("cluster", "load", "ports", "timedelta"):
        assert used in names
