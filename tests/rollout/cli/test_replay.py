"""`rampart replay`: its table, its JSON, the example in the documents, and what it refuses."""

import io
import json
import re
from pathlib import Path

import pytest

from analysis import recording
from rollout import cli
from tests.analysis import recorded

PAGE = Path(__file__).parents[3] / "docs" / "replay.md"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """The recording of a release that fails one request in fifty."""
    path = tmp_path / "web.json"
    path.write_text(recording.dump(recorded.release(0.02)))
    return path


def test_the_example_in_the_documents_is_what_is_printed(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Word for word."""
    assert cli.main(["replay", str(bad)]) == 0
    (example,) = re.findall(r"```\n(shop/web-canary beside .*?)```", PAGE.read_text(), re.DOTALL)
    assert capsys.readouterr().out == example


def test_the_simulation_in_the_documents_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """By the command that stands above it."""
    ((command, example),) = re.findall(r"\$ rampart (simulate .*?)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert cli.main(command.split()) == 0
    assert capsys.readouterr().out == example


def test_json_is_for_programs(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Times and numbers by name; null where a judge did not act."""
    assert cli.main(["replay", str(bad), "-o", "json"]) == 0
    found = {line["judge"]: line for line in json.loads(capsys.readouterr().out)}
    assert list(found) == ["evidence", "threshold", "Flagger 1.44", "Argo Rollouts 1.9"]
    ours, theirs = found["evidence"], found["Flagger 1.44"]
    assert ours["takenBackAt"].startswith("2026-11-03T10:01:")
    assert (ours["takenBackSeconds"], ours["step"], ours["weight"]) == (80.0, 2, 25.0)
    assert 0 < ours["failed"] < theirs["failed"]
    assert theirs["takenBackAt"] is theirs["takenBackSeconds"] is None


def test_a_recording_can_come_through_a_pipe(
    bad: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`rampart record … | rampart replay -`."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(bad.read_bytes())))
    assert cli.main(["replay", "-"]) == 0
    assert "Argo Rollouts 1.9" in capsys.readouterr().out


def test_a_plan_with_another_limit_is_judged_by_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where 95 % are enough, two in a hundred may fail; latency is judged where it is limited."""
    plan = {**recorded.PLAN, "success-rate": "90", "latency": "p99<500ms"}
    known = recorded.release(0.02, slow=0.002).model_copy(update={"plan": plan})
    path = tmp_path / "web.json"
    path.write_text(recording.dump(known))
    assert cli.main(["replay", str(path), "-o", "json"]) == 0
    found = {line["judge"]: line for line in json.loads(capsys.readouterr().out)}
    assert found["threshold"]["takenBackAt"] is None
    assert "p99" in found["evidence"]["why"]


def changed(path: Path, **changes: object) -> Path:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param({"version": 7}, "version must be 1, the one that this rampart reads, got 7", id="version"),
        pytest.param(
            {"plan": {"steps": "50,25"}},
            "plan: rampart.dev/steps must rise to at most 100, such as 5,25,50, got 50,25",
            id="plan",
        ),
        pytest.param({"canary": "web"}, "canary and stable must be two workloads, got web for both", id="one workload"),
    ],
)
def test_what_is_no_recording_is_refused(
    changes: dict[str, object], fault: str, bad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2; the file and the place are named."""
    assert cli.main(["replay", str(changed(bad, **changes))]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.splitlines() == [f"rampart replay: {bad} can not be replayed:", f"  {fault}"]


def test_a_file_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, no trace of the program's inside."""
    assert cli.main(["replay", f"{tmp_path}/none.json"]) == 2
    assert "No such file or directory: name a file that `rampart record` wrote" in capsys.readouterr().err
