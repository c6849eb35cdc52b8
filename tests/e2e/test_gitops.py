"""What GitOps tools do to a release in flight, and what docs/gitops.md says of it."""

from deploy import kinds, names
from deploy.traffic import Json
from tests.e2e import stage

FLUX = ("apply", "--server-side", "--force-conflicts", "--field-manager=kustomize-controller", "-f", "-")
GENTLE = ("apply", "--server-side", "--field-manager=kustomize-controller", "-f", "-")


def owned(item: Json) -> set[str]:
    """Fields of the spec that are noted as Rampart's."""
    entries = [entry for entry in item["metadata"]["managedFields"] if entry["manager"] == names.FIELD_MANAGER]
    return {field for entry in entries for field in entry["fieldsV1"].get("f:spec", {})}


def test_a_tool_that_applies_its_manifests_over_and_over_frees_nothing_and_owns_all_at_the_end() -> None:
    """In flight the Deployment stays held and spec.http is Rampart's; at rest nothing is, and no apply conflicts."""
    plan = {**stage.PLAN, "steps": "20,pause,50"}
    with stage.opened(plan=plan) as play:
        new = "\n---\n".join(stage.manifests("v2", plan))
        play.kubectl(*FLUX, given="\n---\n".join(stage.manifests("v1", plan)))
        stage.remember(play)
        play.send()
        play.kubectl(*FLUX, given=new)
        play.wait_weight("20")
        stage.wait("the route is Rampart's", lambda: "f:http" in owned(play.get(kinds.VIRTUAL_SERVICE)))
        deployment = next(text for text in stage.manifests("v2", plan) if "kind: Deployment" in text)
        play.kubectl(*FLUX, given=deployment)
        play.kubectl("apply", "-f", "-", given=deployment)
        held = play.get(kinds.DEPLOYMENT)
        assert held["spec"]["paused"] is True
        assert held["metadata"]["annotations"][names.HELD] == "true"
        play.resume()
        play.wait_phase("Promoted")
        assert len(play.releases()) == 1
        assert owned(play.get(kinds.VIRTUAL_SERVICE)) == set()
        play.kubectl(*GENTLE, given=new)
        play.kubectl("diff", "--server-side", "--field-manager=kustomize-controller", "-f", "-", given=new)
        play.check_none_failed()
        play.check_rest("v2")
