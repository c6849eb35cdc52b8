"""A bad version is taken back: by its errors, its latency, or because it does not come up."""

import pytest

from deploy import kinds, names
from deploy.traffic import Json
from tests.e2e import stage

BAD = "v2-errors20"


def test_version_with_errors_is_rolled_back() -> None:
    """A fifth of its answers fail: weight to zero in the look that finds it, and only its own requests failed."""
    with stage.opened() as play:
        play.send()
        play.set_image(BAD)
        status = play.wait_phase("RolledBack")
        play.check_only_failed("v2")
        assert status["reason"] == "SuccessRateLow"
        told = play.told("SuccessRateLow", "below 99 %")
        assert told["type"] == "Warning"
        assert len(play.events("SuccessRateLow")) == 1
        play.check_rest(BAD, paused=True)


def test_slow_version_is_rolled_back() -> None:
    """Its quantile lies above the limit."""
    with stage.opened(plan={"latency": "p99<1s"}) as play:
        play.send()
        play.set_image("v2-slow3000")
        status = play.wait_phase("RolledBack")
        assert status["reason"] == "LatencyHigh"
        assert "above 1,000 ms" in play.told("LatencyHigh")["message"]
        play.check_none_failed()
        play.check_rest("v2-slow3000", paused=True)


def test_grpc_failures_behind_http_200_are_failures() -> None:
    """gRPC answers 200 with an error status (case 34)."""
    with stage.opened() as play:
        play.send()
        play.set_image("v2-grpcfail30")
        assert play.wait_phase("RolledBack")["reason"] == "SuccessRateLow"
        play.check_rest("v2-grpcfail30", paused=True)


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        pytest.param("v2-crashloop", "CrashLoopBackOff", id="crash loop"),
        pytest.param("v2-pullfail", "ImagePullBackOff", id="image that can not be pulled"),
    ],
)
def test_version_that_can_not_start_is_rolled_back_with_its_own_words(tag: str, words: str) -> None:
    """No user meets it, and the pod's own reason is told (case 36)."""
    with stage.opened() as play:
        play.send()
        play.set_image(tag)
        play.wait_phase("RolledBack")
        play.told("CanaryDead", words)
        assert play.check_none_failed().requests > 0
        play.check_unmet("v2")
        play.check_rest(tag, paused=True)


def test_version_that_is_never_ready_is_cancelled_at_the_deadline() -> None:
    """It waits without traffic, and stays down afterwards."""
    with stage.opened(plan={"deadline": "20s"}) as play:
        play.send()
        play.set_image("v2-neverready")
        play.wait_phase("Cancelled")
        assert play.status()["reason"] == "DeadlinePassed"
        play.check_unmet("v2")
        play.check_none_failed()
        play.check_rest("v2-neverready", paused=True)


def test_failed_version_stays_down_until_a_person_says_retry() -> None:
    """Applied again it stays down; `retry` releases it again; a good one supersedes (promise 8, case 40)."""
    with stage.opened(plan={"max-failures": "1"}) as play:
        play.send()
        play.set_image(BAD)
        play.wait_phase("RolledBack")
        play.wish("revert")
        stage.wait("the old template runs", lambda: "paused" not in play.get(kinds.DEPLOYMENT)["spec"])
        play.told("Reverted")
        play.set_image(BAD)
        stage.wait("the mark is back", lambda: names.FAILED in notes(play))
        assert len(play.releases()) == 1
        play.wish("retry")
        stage.wait("a second release", lambda: len(play.releases()) == 2)
        play.wait_phase("RolledBack")
        play.set_image("v3")
        stage.wait("a third release", lambda: len(play.releases()) == 3)
        play.wait_phase("Promoted")
        play.check_only_failed("v2")
        play.check_rest("v3")


def notes(play: stage.Stage) -> Json:
    found: Json = play.get(kinds.DEPLOYMENT)["metadata"]["annotations"]
    return found
