"""An end-to-end test that fails is run once more, and that is told; never one in which a promise was broken."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sandbox import tally
from tests.e2e import promises

ROOT = Path(__file__).parent.parent
CONFTEST = """
from tests.conftest import pytest_terminal_summary as pytest_terminal_summary
from tests.e2e.conftest import pytest_collection_modifyitems as pytest_collection_modifyitems
"""
TESTS = """
import contextlib, pathlib
import pytest
from sandbox import tally
from tests.e2e import promises

def tries(name):
    with (pathlib.Path(__file__).parent / name).open("a") as log:
        log.write("x")
    return pathlib.Path(log.name).stat().st_size

def test_fails_once():
    print("the controller's log")
    assert tries("once") > 1

def test_fails_always():
    tries("always")
    raise TimeoutError("never")

def test_passes():
    assert tries("passes")

def test_loses_a_request():
    total = tally.Tally()
    total.add(1, "v1", "503", 1.0)
    tries("lost")
    promises.none_failed(total)

def test_fails_for_another_reason_and_a_request_with_it():
    tries("both")
    try:
        assert not "waited in vain"
    except AssertionError as error:
        raise promises.Broken("a request failed") from error

@contextlib.contextmanager
def checking_at_the_end():
    try:
        yield
    finally:
        promises.keep(False, "a request failed")

@pytest.fixture
def users():
    yield from [None]
    promises.keep(False, "a request failed")

def test_hears_of_it_when_a_block_ends():
    tries("block")
    with checking_at_the_end():
        raise TimeoutError

def test_hears_of_it_in_its_teardown(users):
    tries("teardown")
    raise TimeoutError
"""
ONCE_MORE = {"once", "always"}
INSIDE = {"KUBECONFIG": "/nowhere", "RAMPART_SANDBOX": "/nowhere"}


def run(directory: Path, words: Sequence[str], **environment: str) -> str:
    """Run the tests above as the end-to-end tests of a project with our settings; what pytest said."""
    tests = directory / "e2e"
    tests.mkdir()
    (tests / "conftest.py").write_text(CONFTEST)
    (tests / "test_chances.py").write_text(TESTS)
    given = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "RAMPART_", "KUBE"))}
    settings = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(directory), "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, *words, str(tests)],
        cwd=directory,
        env={**given, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode in (1, 2), done.stdout + done.stderr
    return done.stdout


def tries(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in (directory / "e2e").iterdir() if path.suffix == ""}


@pytest.mark.parametrize("words", [pytest.param([], id="alone"), pytest.param(["-n", "2"], id="side by side")])
def test_second_chance_is_for_accidents_and_is_told(tmp_path: Path, words: Sequence[str]) -> None:
    """By name in the summary, and by number in its last line."""
    said = run(tmp_path, words, **INSIDE)
    assert {name for name, number in tries(tmp_path).items() if number == 2} == ONCE_MORE
    assert {number for name, number in tries(tmp_path).items() if name not in ONCE_MORE} == {1}
    assert re.findall(r"^RERUN \S+::(\w+)", said, re.MULTILINE) == ["test_fails_once", "test_fails_always"]
    assert "2 rerun" in said.splitlines()[-1]
    told = said[said.index("first try of e2e/test_chances.py::test_fails_once") :]
    assert "assert 1 > 1" in told
    assert "the controller's log" in told


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        pytest.param(["--pdb"], INSIDE, id="at a debugger's prompt"),
        pytest.param([], {}, id="outside of a sandbox, where all fail"),
    ],
)
def test_no_second_chance(tmp_path: Path, words: Sequence[str], environment: dict[str, str]) -> None:
    """Where it would be in the way."""
    said = run(tmp_path, words, **environment)
    assert set(tries(tmp_path).values()) == {1}
    assert "rerun" not in said.splitlines()[-1]


def counted(*answers: tuple[str, str]) -> tally.Tally:
    total = tally.Tally()
    for version, outcome in answers:
        total.add(1, version, outcome, 1.0)
    return total


GOOD, BAD, REFUSED = ("v1", "200"), ("v2", "500"), ("none", "503")


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda: promises.none_failed(counted(GOOD, BAD)), id="one failed"),
        pytest.param(lambda: promises.only_failed(counted(BAD, REFUSED), "v2"), id="another one failed too"),
        pytest.param(lambda: promises.keep(False, "two lead"), id="anything else that was promised"),
    ],
)
def test_broken_promise_is_told_from_an_accident(broken: Callable[[], object]) -> None:
    """By its class."""
    with pytest.raises(promises.Broken):
        broken()


def test_bad_version_that_failed_nobody_is_an_accident() -> None:
    """It was not met, perhaps; nobody was hurt."""
    with pytest.raises(AssertionError, match="no request of v2 failed") as raised:
        promises.only_failed(counted(GOOD), "v2")
    assert not isinstance(raised.value, promises.Broken)


def test_kept_promise_is_no_error() -> None:
    """The count is handed on."""
    assert promises.none_failed(counted(GOOD, GOOD)).requests == 2
    assert promises.only_failed(counted(GOOD, BAD), "v2").failed == 1


@pytest.mark.parametrize(
    ("steady", "lost"),
    [
        pytest.param("v1", {("none", "503"): 1, ("v1", "500"): 1}, id="a good version"),
        pytest.param("v1-errors20", {("none", "503"): 1}, id="one that fails by itself"),
    ],
)
def test_what_must_never_fail(steady: str, lost: dict[tuple[str, str], int]) -> None:
    """What nobody answered, and the version from before; not the one that is bad on purpose."""
    assert promises.lost(counted(GOOD, BAD, REFUSED, ("v1", "500")), steady) == lost
