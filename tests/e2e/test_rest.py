"""What is no release: changes that do not touch the template, native restarts, and what rests costs nothing."""

from deploy import kinds, names
from tests.e2e import stage


def test_scale_labels_and_restart_are_no_release() -> None:
    """They pass as ever (case 41)."""
    with stage.opened() as play:
        play.kubectl("scale", "deployment/web", "--replicas=4")
        play.kubectl("label", "deployment", "web", "team=shop")
        play.kubectl("rollout", "restart", "deployment/web")
        play.rolled_out()
        assert names.HELD not in play.get(kinds.DEPLOYMENT)["metadata"]["annotations"]
        assert play.releases() == []


def test_wish_with_nothing_in_progress_is_cleared_and_said() -> None:
    """An abort with nothing to abort changes nothing but itself (case 43)."""
    with stage.opened() as play:
        play.wish("abort")
        stage.wait("it is cleared", lambda: names.DO not in play.get(kinds.DEPLOYMENT)["metadata"]["annotations"])
        assert "no release is in progress" in play.told("WishRefused")["message"]
        assert "paused" not in play.get(kinds.DEPLOYMENT)["spec"]


def test_events_and_columns_tell_a_release() -> None:
    """`kubectl get releases` and `kubectl events` say phase, step, weight, measured value and threshold (promise 9)."""
    with stage.opened(plan={"steps": "20,50,100,pause"}) as play:
        play.send()
        play.set_image("v2")
        play.wait_phase("Baking")
        header, row = play.kubectl("get", "rel").splitlines()[:2]
        assert header.split() == [
            "NAME",
            "DEPLOYMENT",
            "PHASE",
            "STEP",
            "WEIGHT",
            "SUCCESS",
            "LATENCY",
            "REASON",
            "AGE",
        ]
        assert row.split()[1:5] == ["web", "Baking", "3/3", "100"]
        told = play.kubectl("events", "--for", "deployment/web")
        assert "at least 99 %" in told
        play.resume()
        play.wait_phase("Promoted")
        messages = [item["message"] for item in play.events()]
        assert len(messages) == len(set(messages)), "nothing is told twice"
        play.check_none_failed()
