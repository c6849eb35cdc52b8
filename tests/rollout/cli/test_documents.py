"""docs/cli.md names the commands that there are."""

import argparse
import re
import tomllib
from pathlib import Path

from rollout import cli
from rollout.cli.codes import Code

PAGE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()


def commands() -> dict[str, argparse.ArgumentParser]:
    actions = cli.parser()._actions
    return next(dict(action.choices) for action in actions if isinstance(action, argparse._SubParsersAction))


def test_every_command_has_its_row_and_no_other() -> None:
    """The list at the top."""
    rows = re.findall(r"^\| (`.+?`) \|", PAGE.partition("\n## ")[0], re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`([a-z]+)", row)] == [*commands()]


def test_exit_codes_in_the_document_are_those_of_the_program() -> None:
    """Pipelines go by them."""
    named = {int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert named <= {*Code}


def test_flags_in_examples_exist() -> None:
    """An example that can not be pasted is worse than none."""
    for line in re.findall(r"^(?:kubectl )?rampart ([^#\n|]+)", PAGE, re.MULTILINE):
        name, *words = line.split()
        known = {flag for action in commands()[name]._actions for flag in action.option_strings}
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known, line


def test_kubectl_finds_the_same_program() -> None:
    """`kubectl rampart` runs what is called kubectl-rampart."""
    scripts = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts["kubectl-rampart"] == scripts["rampart"] == "rollout.__main__:main"
