"""Steps as people need them: a tenth of a percent, intervals of their own, and a person who is waited for."""

import time
from datetime import timedelta

from deploy import kinds
from rollout.status import parse_time
from tests.e2e import stage

PLAN = {"steps": "0.1,pause,1@20s,50", "on-no-data": "promote"}
RATE = 150


def weights(play: stage.Stage) -> list[int]:
    """As they stand in the user's route."""
    route = play.get(kinds.VIRTUAL_SERVICE)["spec"]["http"][0]["route"]
    return [entry["weight"] for entry in route]


def test_tenth_of_a_percent_is_written_and_served_and_the_plan_waits_for_a_person() -> None:
    """Few requests meet the version until somebody resumes; then each step has its own interval."""
    with stage.opened(plan=PLAN) as play:
        play.send(RATE)
        play.set_image("v2")
        play.wait_weight("0.1")
        stage.wait("ten of ten thousand", lambda: weights(play) == [9990, 10])
        stage.wait("the plan pauses", lambda: play.status().get("holding") == "Paused")
        stage.wait("one of a thousand is served", lambda: play.served("v2") > 0)
        time.sleep(8)
        total = play.counts()
        assert play.served("v2") / sum(total.counts.values()) < 0.01
        assert (play.status()["weight"], play.status()["stepText"]) == ("0.1", "1/4")
        (told,) = play.events("Paused")
        assert "the plan pauses here; to go on: do=resume" in told["message"]
        play.wish("resume")
        play.wait_weight("1")
        stage.wait("one of a hundred", lambda: weights(play) == [99, 1])
        play.wait_weight("50")
        steps = [parse_time(line["at"]) for line in play.status()["decisions"] if line["reason"] == "Stepping"]
        assert steps[2] - steps[1] >= timedelta(seconds=20), "its own interval, not the plan's six seconds"
        play.wait_phase("Promoted")
        assert len(play.events("Paused")) == 1
        play.check_none_failed()
        play.check_rest("v2")


def test_pause_that_leaves_the_plan_holds_nobody() -> None:
    """Edited in mid-pause the release goes on by the new plan, from the weight where it stands (case 47)."""
    with stage.opened(plan={"steps": "20,pause,50"}) as play:
        play.send()
        play.set_image("v2")
        stage.wait("the plan pauses", lambda: play.status().get("holding") == "Paused")
        play.kubectl("annotate", "deployment", "web", "--overwrite", "rampart.dev/steps=20,60@5s")
        play.wait_weight("60")
        play.wait_phase("Promoted")
        assert "steps 20,pause,50 → 20,60@5s" in play.events("PlanChanged")[0]["message"]
        play.check_none_failed()
