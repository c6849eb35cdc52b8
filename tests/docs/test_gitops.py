"""docs/gitops.md: its manifests are well-formed, and its health check says the right thing of every phase."""

from typing import Any

import lupa.lua51 as lua
import pytest
import yaml

from deploy import names
from rollout.status import ENDED, Phase
from tests.docs import pages

PAGE = pages.DOCS / "gitops.md"
CHECK = "resource.customizations.health.rampart.dev_Release"


def snippets() -> list[dict[str, Any]]:
    return [yaml.safe_load(text) for text in pages.blocks(PAGE, "yaml")]


def health(status: dict[str, str] | None) -> tuple[str, str]:
    """What Argo CD would show of a Release with this status."""
    (code,) = (item[CHECK] for item in snippets() if CHECK in item)
    runtime = lua.LuaRuntime()
    judge = runtime.execute(f"return function(obj)\n{code}\nend")
    found = judge(runtime.table_from({"status": runtime.table_from(status)} if status is not None else {}))
    return found["status"], found["message"]


WANTED = {
    Phase.PROMOTED: "Healthy",
    Phase.SUPERSEDED: "Healthy",
    Phase.REVERTED: "Healthy",
    Phase.ROLLED_BACK: "Degraded",
    Phase.CANCELLED: "Degraded",
}


@pytest.mark.parametrize("phase", list(Phase))
def test_the_health_of_each_phase(phase: Phase) -> None:
    """Over or not, well or not; the message is the Release's own."""
    assert (phase in WANTED) == (phase in ENDED)
    assert health({"phase": phase.value, "message": "words"}) == (WANTED.get(phase, "Progressing"), "words")


def test_the_health_of_a_release_that_waits_or_is_new() -> None:
    assert health(None) == ("Progressing", "not seen by the controller yet")
    assert health({"phase": "Stepping", "holding": "Paused", "message": "words"}) == ("Suspended", "words")
    assert health({"phase": "Stepping", "holding": ""}) == ("Progressing", "Stepping")


def test_what_is_ignored_is_what_rampart_writes() -> None:
    """The field manager is the one that every write carries; the kinds are those of the router."""
    argo, flux, helm = (item for item in snippets() if CHECK not in item)
    (rule,) = argo["spec"]["ignoreDifferences"]
    assert rule["managedFieldsManagers"] == [names.FIELD_MANAGER]
    for ignored in (flux["spec"]["ignore"], helm["spec"]["driftDetection"]["ignore"]):
        (one,) = ignored
        assert one["target"]["group"] == rule["group"] == "networking.istio.io"
        assert one["target"]["kind"] == rule["kind"] == "VirtualService"
        assert one["paths"] == ["/spec/http", "/spec/tls", "/spec/tcp"]
