"""The sandbox's directory: whose it is, and who holds it."""

import os
from pathlib import Path

import pytest

from sandbox import errors, home


def test_a_directory_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    """The lock is seen by others, and is gone with its holder."""
    place = home.Home(tmp_path / "box")
    place.prepare()
    lock = place.take()
    assert lock is not None
    assert place.take() is None
    assert place.is_in_use
    os.close(lock)
    assert not place.is_in_use


def test_somebody_elses_files_are_never_removed(tmp_path: Path) -> None:
    """A directory with files that is no sandbox's is refused, and left as it is."""
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(errors.SandboxError, match="is not empty and is no sandbox's directory"):
        home.Home(tmp_path).prepare()
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_the_next_sandbox_finds_it_empty(tmp_path: Path) -> None:
    """What the last one left is removed; the directory is this user's alone."""
    place = home.Home(tmp_path)
    place.prepare()
    place.empty()
    place.log("etcd").write_text("old")
    place.empty()
    assert not place.log("etcd").exists()
    assert place.root.stat().st_mode & 0o777 == 0o700


def test_without_a_sandbox_there_is_nothing_to_enter(tmp_path: Path) -> None:
    """The error says how to start one."""
    place = home.Home(tmp_path)
    with pytest.raises(errors.NotRunning, match=r"start one with: .* -m sandbox up"):
        _ = place.pid


def test_the_environment_names_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RAMPART_SANDBOX first, then the user's runtime directory, then one in /tmp with the user's number."""
    monkeypatch.delenv(home.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert home.default() == tmp_path / "rampart-sandbox"
    monkeypatch.setenv(home.VARIABLE, "/somewhere")
    assert home.default() == Path("/somewhere")
    monkeypatch.delenv(home.VARIABLE)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert home.default() == Path(f"/tmp/rampart-sandbox-{os.getuid()}")


def test_the_end_of_a_log_is_what_a_person_reads(tmp_path: Path) -> None:
    """The last lines, or that there is none."""
    place = home.Home(tmp_path)
    place.prepare()
    place.empty()
    place.log("etcd").write_text("".join(f"{number}\n" for number in range(100)))
    assert place.last_lines("etcd", 2) == "98\n99"
    assert place.last_lines("istiod") == "(no log)"
