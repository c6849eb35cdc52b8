"""The supervisor over small real processes: order, failure, and that none outlives it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox import errors, home, standing, wire

Supervised = subprocess.Popen[bytes]


@pytest.fixture
def place(tmp_path: Path) -> home.Home:
    """A directory whose path is longer than a socket's may be."""
    place = home.Home(tmp_path / ("long" * 30))
    place.prepare()
    place.empty()
    return place


@contextmanager
def supervised(place: home.Home, story: str) -> Iterator[Supervised]:
    command = [sys.executable, "-m", "tests.sandbox.supervised", str(place.root), story]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()})
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.kill()
        process.wait()


def until(claim: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not claim():
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.02)


def phase(place: home.Home) -> standing.Phase | None:
    state = standing.load(place)
    return state.phase if state else None


def record(place: home.Home, name: str) -> standing.Record:
    state = standing.load(place)
    assert state is not None
    return state.records[name]


def await_ready(place: home.Home) -> tuple[int, int]:
    """The pids of first and second."""
    until(lambda: phase(place) is standing.Phase.READY, "ready")
    pids = record(place, "first").pid, record(place, "second").pid
    assert pids[0] is not None
    assert pids[1] is not None
    return pids[0], pids[1]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def ask(place: home.Home, **question: str | int) -> wire.Json:
    return wire.ask(place.root / "supervisor.sock", question)


def test_parts_start_in_order(place: home.Home) -> None:
    """A task is done when it exits with 0; who comes after it starts then."""
    with supervised(place, "sound"):
        await_ready(place)
        assert record(place, "task").standing is standing.Standing.DONE
        assert record(place, "second").standing is standing.Standing.READY


def test_the_end_of_the_leash_ends_all(place: home.Home) -> None:
    """The starter has died: its pipe closes without a word."""
    with supervised(place, "sound") as process:
        pids = await_ready(place)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(120) == 0
        assert all(is_gone(pid) for pid in pids)


def test_let_off_the_leash_it_stays(place: home.Home) -> None:
    """One byte sets it free; then only a word, or a signal, ends it."""
    with supervised(place, "sound") as process:
        await_ready(place)
        assert process.stdin is not None
        process.stdin.write(b".")
        process.stdin.close()
        time.sleep(0.3)
        assert process.poll() is None
        ask(place, verb="down")
        assert process.wait(120) == 0


def test_killed_outright_it_takes_its_parts_along(place: home.Home) -> None:
    """SIGKILL leaves no time for anything; the kernel ends the parts."""
    with supervised(place, "sound") as process:
        pids = await_ready(place)
        process.kill()
        process.wait()
        until(lambda: all(is_gone(pid) for pid in pids), "no part is left")


def test_a_part_that_does_not_start_fails_the_sandbox(place: home.Home) -> None:
    """The state names the part and what it did; its last words are in its log."""
    with supervised(place, "broken") as process:
        assert process.wait(120) == 1
        state = standing.load(place)
        assert state is not None
        assert (state.phase, state.culprit) == (standing.Phase.FAILED, "broken")
        assert state.failure == "ended with code 3 before it was ready"
        assert place.last_lines("broken") == "no such luck"


def test_a_part_is_stopped_and_started(place: home.Home) -> None:
    """Stopped stays stopped, and the rest goes on; a new start is ready again."""
    with supervised(place, "sound"):
        first, _ = await_ready(place)
        ask(place, verb="stop", part="first")
        assert is_gone(first)
        assert record(place, "first").standing is standing.Standing.STOPPED
        (place.root / "first.mark").unlink()
        ask(place, verb="start", part="first")
        until(lambda: record(place, "first").standing is standing.Standing.READY, "ready again")


def test_a_part_that_dies_later_is_noted(place: home.Home) -> None:
    """The sandbox stays up; the part's record says with what code it ended."""
    with supervised(place, "sound"):
        await_ready(place)
        ask(place, verb="signal", part="second", signal=int(signal.SIGKILL))
        until(lambda: record(place, "second").standing is standing.Standing.EXITED, "noted")
        assert record(place, "second").exit_code == -signal.SIGKILL
        assert phase(place) is standing.Phase.READY


@pytest.mark.parametrize(
    ("question", "refusal"),
    [
        pytest.param({"verb": "stop", "part": "nobody"}, "no part is called 'nobody'; there are first", id="part"),
        pytest.param({"verb": "dance", "part": "first"}, "cannot 'dance'; it can down, stop, start", id="verb"),
        pytest.param({"verb": "start", "part": "first"}, "first runs already", id="twice"),
        pytest.param({"verb": "stop", "part": "task"}, "task does not run", id="over"),
        pytest.param({}, "not understood", id="no verb"),
    ],
)
def test_a_wrong_question_is_answered_with_the_reason(place: home.Home, question: wire.Json, refusal: str) -> None:
    """The caller hears what was wrong; the supervisor goes on."""
    with supervised(place, "sound"):
        await_ready(place)
        with pytest.raises(errors.SandboxError, match=refusal):
            ask(place, **question)
        assert phase(place) is standing.Phase.READY
