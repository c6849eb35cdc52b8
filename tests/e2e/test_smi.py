"""SMI's TrafficSplits on the real API server, in both definitions, followed by real requests through the stand-in."""

import pytest

from deploy import kinds
from sandbox.smi.definitions import Flavour
from tests.e2e import smi_stage, stage

VERSIONS = [
    pytest.param(Flavour.UPSTREAM, "v1alpha4", 9, 1, id="upstream v1alpha4"),
    pytest.param(Flavour.LINKERD, "v1alpha1", "900m", "100m", id="Linkerd v1alpha1"),
]


@pytest.mark.parametrize(("flavour", "version", "old", "new"), VERSIONS)
def test_weights_are_kept_and_followed(flavour: Flavour, version: str, old: object, new: object) -> None:
    """Both definitions keep weights as they were written, zero too, and requests follow them."""
    two = stage.DEPLOYMENT.replace("name: web", "name: next", 1).replace("app: web", "app: next")
    with (
        smi_stage.defined(flavour),
        stage.opened(two, smi_stage.a_service("next", app="next"), virtual_service="") as play,
    ):
        play.kubectl("set", "image", "deployment/next", "web=web:v2")
        play.kubectl("rollout", "status", "deployment/next", "--timeout=60s")
        play.apply(smi_stage.a_split(("web", old), ("next", 0), version=version))
        play.send(100)
        found = play.get(kinds.TRAFFIC_SPLIT.at(version))
        assert [entry["weight"] for entry in found["spec"]["backends"]] == [old, 0]
        assert play.served("v2") == 0
        play.apply(smi_stage.a_split(("web", old), ("next", new), version=version))
        stage.wait("the new version is met", lambda: play.served("v2") > 0)
        before = play.served("v1"), play.served("v2")
        stage.wait("1000 more requests", lambda: play.served("v1") + play.served("v2") > sum(before) + 1000)
        met = play.served("v2") - before[1]
        assert 60 < met / (met + play.served("v1") - before[0]) * 1000 < 145
        play.apply(smi_stage.a_split(("web", 0), ("next", 0), version=version))
        play.check_none_failed()
