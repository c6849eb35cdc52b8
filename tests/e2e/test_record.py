"""A real release, recorded from the real Prometheus and told again: its judge says what it said then."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from rollout.status import parse_time
from sandbox import ports
from tests.e2e import stage

PLAN = {"judge": "evidence", "steps": "20,50", "interval": "120s", "bake": "60s"}
NEAR = timedelta(seconds=30)
"""A scrape and a look: a replay sees each sample when it was scraped, the judge when it was stored and asked for.

Both take longer on a busy machine.
"""


def rampart(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours as people do."""
    return subprocess.run(
        [sys.executable, "-m", "rollout", *words], capture_output=True, text=True, timeout=stage.COMMAND
    )


def recorded(play: stage.Stage, path: Path) -> None:
    """Record the newest release by its name."""
    name = play.releases()[-1]["metadata"]["name"]
    flags = ("--namespace", play.namespace, "--release", name, "--warm-up", "5s", "--out", str(path))
    done = rampart("record", "--prometheus-url", ports.url(ports.PROMETHEUS), *flags)
    assert done.returncode == 0, done.stderr


def test_replay_takes_a_bad_release_back_when_the_controller_did(tmp_path: Path) -> None:
    """The judge is a pure function of the samples: the same ones convict at the same time."""
    with stage.opened(plan=PLAN, flags={"warm-up": "5s"}) as play:
        play.send(50)
        play.set_image("v2-errors20")
        status = play.wait_phase("RolledBack")
        play.finish_load()
        recorded(play, tmp_path / "bad.json")
        done = rampart("replay", str(tmp_path / "bad.json"), "-o", "json")
        assert done.returncode == 0, done.stderr
        acts = {act["judge"]: act for act in json.loads(done.stdout)}
        convicted = parse_time(play.told(status["reason"], "all traffic back to stable")["eventTime"])
        assert abs(parse_time(acts["evidence"]["takenBackAt"]) - convicted) < NEAR, (acts, convicted)
        play.check_rest("v2-errors20", paused=True)


def test_replay_of_a_good_release_takes_nothing_back(tmp_path: Path) -> None:
    """Whatever the judge: the weights that the traffic shows are those of the plan."""
    plan = {**PLAN, "interval": "10s", "bake": "8s", "judge": "threshold"}
    with stage.opened(plan=plan) as play:
        play.send(60)
        play.set_image("v2")
        play.wait_phase("Promoted")
        play.finish_load()
        recorded(play, tmp_path / "good.json")
        weights = [float(each["weight"]) for each in json.loads((tmp_path / "good.json").read_text())["weights"]]
        assert [weight for weight in weights if weight] == [20, 50, 100], weights
        done = rampart("replay", str(tmp_path / "good.json"), "-o", "json")
        assert {act["takenBackAt"] for act in json.loads(done.stdout)} == {None}, done.stdout
