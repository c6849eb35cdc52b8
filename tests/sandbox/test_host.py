"""What a machine lacks is said in one sentence, before anything is started."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import host

REFUSING = "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n"


def machine_without(command: str, directory: Path) -> Path:
    """A PATH on which all that the sandbox needs is there, but for one command."""
    directory.mkdir()
    for name in host.COMMANDS:
        found = shutil.which(name)
        assert found is not None
        if name != command:
            (directory / name).symlink_to(found)
    return directory


def up(path: Path, directory: Path) -> tuple[int, str]:
    """Exit code and complaint of an attempt to start a sandbox."""
    command = [sys.executable, "-m", "sandbox", "--dir", str(directory), "up"]
    ran = subprocess.run(command, env={**os.environ, "PATH": str(path)}, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("command", [pytest.param(name, id=name) for name in host.COMMANDS])
def test_a_missing_command_is_named_with_its_purpose(command: str, tmp_path: Path) -> None:
    """One line: what is missing, and what for; no directory is made."""
    code, said = up(machine_without(command, tmp_path / "bin"), tmp_path / "box")
    assert code == 1
    assert said == (f"sandbox: the sandbox needs the command `{command}` {host.COMMANDS[command]}; it is not on PATH\n")
    assert not (tmp_path / "box").exists()


def test_refused_namespaces_are_told_with_the_systems_words(tmp_path: Path) -> None:
    """As on a machine whose administrator has switched them off."""
    path = machine_without("unshare", tmp_path / "bin")
    (path / "unshare").write_text(REFUSING)
    (path / "unshare").chmod(0o755)
    code, said = up(path, tmp_path / "box")
    assert code == 1
    assert "needs user namespaces for unprivileged users, which this machine refuses" in said
    assert "(unshare: unshare failed: Operation not permitted)" in said
