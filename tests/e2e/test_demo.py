"""The demo's stage: nothing is wrong on it, so nothing is warned of."""

import json

from sandbox import cluster
from sandbox.demo import cast
from tests.e2e import stage


def test_the_demo_begins_without_a_warning() -> None:
    """The controller comes when there is something measured: its first word is of the release."""
    box = cluster.current()
    players = cast.enter(box)
    try:
        players.set_image("v2")
        stage.wait("the release begins", lambda: "Preparing" in [item["reason"] for item in players.events()])
        assert [item["reason"] for item in players.events() if item["type"] == "Warning"] == []
    finally:
        players.leave()
        found = json.loads(box.kubectl("-n", cast.NAMESPACE, "get", "releases", "-o", "json"))["items"]
        for name in (item["metadata"]["name"] for item in found):
            free = '{"metadata":{"finalizers":null}}'
            box.kubectl("-n", cast.NAMESPACE, "patch", "release", name, "--type=merge", "-p", free)
        box.kubectl("delete", "namespace", cast.NAMESPACE, "--wait=false")
