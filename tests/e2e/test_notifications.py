"""A real release tells a webhook what it decides, and never waits for it."""

import socket
import time
from pathlib import Path

from rollout import notice
from tests.e2e import stage
from tests.rollout import receiver
from tests.rollout.receiver import Delivery

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOLD = ["Preparing", "Stepping", "Stepping", "Baking", "Promoting", "Finishing", "Promoted"]


def flags(directory: Path, url: str) -> dict[str, str]:
    """The files as a Secret is mounted."""
    (directory / "url").write_text(f"{url}\n")
    (directory / "secret").write_text(f"{SECRET}\n")
    return {"webhook-url-file": str(directory / "url"), "webhook-secret-file": str(directory / "secret")}


def signature(item: Delivery) -> str:
    moment = int(item.headers["webhook-timestamp"])
    assert abs(time.time() - moment) < 300
    return notice.sign(notice.read_secret(SECRET), item.headers["webhook-id"], moment, item.body)


def seconds_of_a_release(play: stage.Stage) -> float:
    """Until it is promoted."""
    play.send()
    began = time.monotonic()
    play.set_image("v2")
    play.wait_phase("Promoted", patience=120)
    return time.monotonic() - began


def test_each_decision_of_a_release_arrives_once_in_order_and_signed(tmp_path: Path) -> None:
    """Also where the receiver is busy at first, and where the controller is killed and started anew in between."""
    answers = receiver.in_turn((503, {"Retry-After": "1"}), receiver.TAKEN, (500, {}))
    with receiver.receiving(answers) as inbox, stage.opened(flags=flags(tmp_path, inbox.url)) as play:
        play.send()
        play.set_image("v2")
        play.wait_phase("Baking")
        play.controller.end(9)
        play.controller.start()
        play.wait_phase("Promoted")
        stage.wait("the end is told", lambda: "Promoted" in inbox.reasons)
        kept: dict[str, Delivery] = {}
        for item in inbox.deliveries:
            assert item.headers["webhook-signature"] == signature(item)
            kept.setdefault(item.event["id"], item)
        release = play.releases()[0]
        events = [item.event for item in kept.values() if item.event.get("subject") == release["metadata"]["name"]]
        assert [event["reason"] for event in events] == TOLD
        assert [event["time"] for event in events] == sorted(event["time"] for event in events)
        assert {event["source"] for event in events} == {f"/apis/apps/v1/namespaces/{play.namespace}/deployments/web"}
        assert events[-1]["data"]["phase"] == "Promoted"
        said = {item["message"] for item in play.events()}
        assert {event["data"]["message"] for event in events} <= said
        assert inbox.url not in play.controller.words()
        play.check_none_failed()
        play.check_rest("v2")


def test_a_receiver_that_hangs_changes_nothing_for_the_release(tmp_path: Path) -> None:
    """Connections are taken and never answered: the release takes its time and not longer, and the controller ends."""
    with stage.opened() as play:
        alone = seconds_of_a_release(play)
    with socket.create_server(("127.0.0.1", 0)) as server:
        hanging = f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        with stage.opened(flags=flags(tmp_path, hanging)) as play:
            assert abs(seconds_of_a_release(play) - alone) < 4
            began = time.monotonic()
            play.controller.end()
            assert time.monotonic() - began < 15
            assert '"event":"notifications not sent"' in play.controller.words()
