"""A real release tells a webhook what it decides, and never waits for it."""

import json
import socket
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from rollout import notice
from tests.e2e import stage
from tests.rollout import receiver
from tests.rollout.receiver import Delivery

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PHASES = ("Preparing", "Stepping", "Stepping", "Baking", "Promoting", "Finishing", "Promoted")
"""What a release decides; on a slow machine it may hold in between, for want of requests."""


def flags(directory: Path, url: str) -> dict[str, str]:
    """The files as a Secret is mounted."""
    (directory / "url").write_text(f"{url}\n")
    (directory / "secret").write_text(f"{SECRET}\n")
    return {"webhook-url-file": str(directory / "url"), "webhook-secret-file": str(directory / "secret")}


def signature(item: Delivery) -> str:
    moment = int(item.headers["webhook-timestamp"])
    assert abs(time.time() - moment) < 300
    return notice.sign(notice.read_secret(SECRET), item.headers["webhook-id"], moment, item.body)


def decided(play: stage.Stage) -> list[tuple[str, str]]:
    """Reason and words of each decision since the release began, in order, as its Events say them."""
    found = sorted((item["eventTime"], item["reason"], item["message"]) for item in play.events())
    reasons = [reason for _, reason, _ in found]
    return [(reason, message) for _, reason, message in found[reasons.index("Preparing") :]]


def contains(told: Iterable[str], phases: Sequence[str]) -> bool:
    """Whether all phases are told in their order, whatever is told in between."""
    rest = iter(told)
    return all(phase in rest for phase in phases)


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
        stage.wait("the end is told", lambda: "Promoted" in inbox.reasons and play.events("Promoted"))
        kept: dict[str, Delivery] = {}
        for item in inbox.deliveries:
            assert item.headers["webhook-signature"] == signature(item)
            kept.setdefault(item.event["id"], item)
        release = play.releases()[0]
        events = [item.event for item in kept.values() if item.event.get("subject") == release["metadata"]["name"]]
        told = [(event["reason"], event["data"]["message"]) for event in events]
        assert told == decided(play)
        assert contains([reason for reason, _ in told], PHASES), told
        assert [event["time"] for event in events] == sorted(event["time"] for event in events)
        assert {event["source"] for event in events} == {f"/apis/apps/v1/namespaces/{play.namespace}/deployments/web"}
        assert events[-1]["data"]["phase"] == "Promoted"
        assert inbox.url not in play.controller.words()
        play.check_none_failed()
        play.check_rest("v2")


def test_a_receiver_that_hangs_changes_nothing_for_the_release(tmp_path: Path) -> None:
    """Connections are taken and never answered: promoted while the first notice is in hand, and the controller ends.

    A notice is given up after a quarter of an hour, so whoever waited for one would not be promoted here.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        hanging = f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        with stage.opened(flags=flags(tmp_path, hanging)) as play:
            play.send()
            play.set_image("v2")
            play.wait_phase("Promoted")
            play.told("Promoted")
            assert '"event":"notification lost"' not in play.controller.words()
            play.controller.end()
            lines = [json.loads(line) for line in play.controller.words().splitlines() if line.startswith("{")]
            (unsent,) = (line for line in lines if line["event"] == "notifications not sent")
            tried = sum(line["event"] == "notification lost" for line in lines)
            assert tried + unsent["waiting"] + unsent["in_hand"] >= len(PHASES), lines
            play.check_none_failed()
