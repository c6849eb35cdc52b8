"""The command line: help that names everything, and faults that are all said."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from rollout import cli
from rollout.settings import Settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine is read, and lines are wide."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RAMPART_{name.upper()}", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def test_bad_settings_say_every_fault_and_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    """All at once, on standard error, with nothing started."""
    assert cli.main(["run", "--workers", "0", "--listen", "8081"]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    lines = found.err.splitlines()
    assert lines[0] == "rampart: the settings are not usable:"
    assert {line.split()[0] for line in lines[1:]} == {"RAMPART_PROMETHEUS_URL", "RAMPART_LISTEN", "RAMPART_WORKERS"}


def test_help_names_every_setting_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    """The one place where all of them stand."""
    with pytest.raises(SystemExit) as left:
        cli.main(["run", "--help"])
    assert left.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for name, field in Settings.model_fields.items():
        assert f"--{name.replace('_', '-')} VALUE" in text
        assert str(field.description) in text
    assert "how long new pods may stumble, such as 30s (default: 30s)" in text
    assert "releases that are looked at side by side (default: 16)" in text
    assert "separated by commas (default: all)" in text
    assert "is not checked (default: false)" in text


def test_help_says_each_command_in_a_line_and_where_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    """For who sees it for the first time."""
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = capsys.readouterr().out
    for command in ("run", "check", "status", "completion"):
        assert re.search(rf"^    {command} +\S", text, re.MULTILINE), command
    assert "rampart.dev/strategy=canary" in text
    assert "exit codes: 0 done" in text


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        pytest.param(["--version"], 0, id="version"),
        pytest.param(["dance"], 2, id="unknown command"),
        pytest.param([], 2, id="no command"),
        pytest.param(["run", "--colour"], 2, id="unknown flag"),
    ],
)
def test_commands_answer_by_their_exit_code(argv: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """As every command line does."""
    with pytest.raises(SystemExit) as left:
        cli.main(argv)
    assert left.value.code == code
    found = capsys.readouterr()
    assert (found.out if code == 0 else found.err) != ""


@pytest.fixture
def quiet_again() -> Iterator[None]:
    """The log is the process's own: put it back as it was."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("quiet_again")
def test_a_kubeconfig_that_is_none_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit code 1 and one line: no trace of the program's inside. One that is not there is a fault of the settings."""
    argv = ["run", "--prometheus-url", "http://p:9090", "--listen", "127.0.0.1:0", "--kubeconfig", f"{tmp_path}/kube"]
    assert cli.main(argv) == 2
    assert f"(No such file or directory), got {tmp_path}/kube" in capsys.readouterr().err
    (tmp_path / "kube").write_text("kind: Config\n")
    assert cli.main(argv) == 1
    assert "rampart: can not start:" in capsys.readouterr().err
