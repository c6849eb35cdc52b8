"""`rampart simulate`: its table, its JSON, and what it refuses."""

import json

import pytest

from rollout import cli

QUICK = ["simulate", "--errors", "20", "--rps", "50", "--runs", "2"]


def test_the_table_says_what_was_simulated_and_what_each_judge_did(capsys: pytest.CaptureFixture[str]) -> None:
    """One row for each judge, in columns."""
    assert cli.main(QUICK) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 releases with 20 % errors and 2 healthy ones, beside 0.1 % of stable;"
    assert lines[1] == (
        "50 requests/s, 3 canary pods scraped every 15 s, weights 5,25,50,100 for at most 60 s each, seed 0"
    )
    assert " ".join(lines[3].split()) == "JUDGE CAUGHT AFTER REQUESTS FAILED FALSE ALARMS HEALTHY THROUGH"
    assert [line[:17].strip() for line in lines[4:]] == ["evidence", "threshold", "Flagger 1.44", "Argo Rollouts 1.9"]
    assert all("100.0 %" in line and "0.0 %" in line for line in lines[4:])
    assert "360 s" in lines[6]


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """The same numbers by name, and null where there is none."""
    argv = ["simulate", "--errors", "0.1", "--baseline-errors", "0.1", "--rps", "50", "--runs", "2", "-o", "json"]
    assert cli.main(argv) == 0
    found = json.loads(capsys.readouterr().out)
    assert [line["judge"] for line in found] == ["evidence", "threshold", "Flagger 1.44", "Argo Rollouts 1.9"]
    assert set(found[0]) == {"judge", "caught", "seconds", "exposed", "failed", "false_alarms", "through"}
    assert found[2]["seconds"] is None
    assert found[2]["through"] == 240


def test_a_judge_that_never_acts_is_said_to(capsys: pytest.CaptureFixture[str]) -> None:
    """No number is made up."""
    assert cli.main(["simulate", "--errors", "0.1", "--rps", "20", "--runs", "1"]) == 0
    assert "never" in capsys.readouterr().out


def test_the_plan_is_the_given_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Steps, interval, scrapes and pods; 100 % is always the last."""
    more = ["--steps", "10,0.5"]
    with pytest.raises(SystemExit):
        cli.main([*QUICK, *more])
    capsys.readouterr()
    plan = ["--steps", "0.5,20,100", "--interval", "30s", "--scrape", "5s", "--pods", "2", "--seed", "4"]
    assert cli.main([*QUICK, *plan]) == 0
    assert capsys.readouterr().out.splitlines()[1] == (
        "50 requests/s, 2 canary pods scraped every 5 s, weights 0.5,20,100 for at most 30 s each, seed 4"
    )


@pytest.mark.parametrize(
    ("flag", "value", "right"),
    [
        pytest.param("--errors", "many", "must be a percentage from 0 to 100", id="errors"),
        pytest.param("--errors", "101", "must be a percentage from 0 to 100", id="errors above all"),
        pytest.param("--baseline-errors", "-1", "must be a percentage from 0 to 100", id="baseline"),
        pytest.param("--rps", "0", "must be a number from 0.1 to 100,000", id="rps"),
        pytest.param("--rps", "nan", "must be a number from 0.1 to 100,000", id="rps is no number"),
        pytest.param("--rps", "fast", "must be a number from 0.1 to 100,000", id="rps is a word"),
        pytest.param("--steps", "50,25", "must rise to at most 100", id="steps"),
        pytest.param("--steps", "5@2m,25", "must be percentages alone, such as 5,25,50", id="intervals of their own"),
        pytest.param("--steps", "5,pause,25", "must be percentages alone, such as 5,25,50", id="a pause"),
        pytest.param("--interval", "60", "must be a duration such as 30s", id="interval"),
        pytest.param("--interval", "0s", "must be a duration from 1s to 24h", id="no interval"),
        pytest.param("--scrape", "2d", "must be a duration such as 30s", id="scrape"),
        pytest.param("--success-rate", "0", "must be a percentage above 0 and at most 100", id="success rate"),
        pytest.param("--pods", "0", "must be a whole number from 1 to 100", id="pods"),
        pytest.param("--runs", "1.5", "must be a whole number from 1 to 100,000", id="runs"),
        pytest.param("--seed", "x", "must be a whole number from 0", id="seed"),
    ],
)
def test_a_bad_flag_is_named_with_its_value_and_what_would_be_right(
    flag: str, value: str, right: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and nothing is simulated."""
    with pytest.raises(SystemExit) as left:
        cli.main([*QUICK, f"{flag}={value}"])
    assert left.value.code == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert f"argument {flag}: {right}" in found.err
    assert found.err.rstrip().endswith(f"got {value!r}")


def test_help_names_each_flag_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    """And what the columns mean."""
    with pytest.raises(SystemExit) as left:
        cli.main(["simulate", "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert text.count("(default: ") == 11
    for column in ("CAUGHT", "AFTER", "REQUESTS", "FAILED", "FALSE ALARMS", "HEALTHY THROUGH"):
        assert f"{column}" in text
