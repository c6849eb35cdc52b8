"""Header and mirror steps on a route of the mesh, served by istiod: who meets the new version, and what is refused."""

from deploy import kinds
from deploy.traffic import Json
from tests.e2e import stage
from tests.e2e.test_steps import ask, asking, check_mirrored

ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{group: "", kind: Service, name: web}]
  rules:
  - name: probes
    matches: [{path: {type: PathPrefix, value: /probe}}]
    filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /}}}]
  - name: main
    matches: [{path: {type: PathPrefix, value: /}}, {headers: [{name: x-user, value: me}]}]
    timeouts: {request: 5s}
    backendRefs: [{name: web, port: 80}]
"""


def rules(play: stage.Stage, name: str = "web") -> list[Json]:
    found: list[Json] = play.get(kinds.HTTP_ROUTE, name)["spec"]["rules"]
    return found


def test_only_requests_with_the_header_meet_the_new_version() -> None:
    """All that match, and none that does not; then by weight, and the route is as it was (promises 1 and 7)."""
    plan = {"steps": "header:x-canary=yes,pause,50", "bake": "5s"}
    with stage.opened(plan=plan, virtual_service=ROUTE) as play:
        play.send()
        play.set_image("v2")
        stage.wait("the copy stands", lambda: len(rules(play)) == 3)
        assert [len(match["headers"]) for match in rules(play)[1]["matches"]] == [1, 2]
        stage.wait("it is followed", lambda: {ask(play, x_canary="yes") for _ in range(5)} == {"v2"})
        with asking(play, x_canary="yes") as met:
            stage.wait("the plan pauses", lambda: play.status().get("holding") == "Paused")
            stage.wait("they are answered", lambda: sum(met.values()) > 5)
        assert (set(met), play.status()["weight"]) == ({"v2"}, "0")
        play.check_unmet("v2")
        assert {ask(play, x_canary="yess") for _ in range(20)} == {"v1"}
        assert {ask(play) for _ in range(20)} == {"v1"}
        with asking(play, x_canary="yes"):
            play.wish("resume")
            play.wait_weight("50")
            stage.wait("the copy is gone, since a rise is recorded first", lambda: len(rules(play)) == 2)
        assert play.wait_phase("Promoted")["router"] == "gateway"
        play.check_none_failed()
        play.check_rest("v2")


def test_mirror_gives_the_canary_a_copy_of_the_callers_requests() -> None:
    """On the temporary route: about the share, whose answers nobody gets; then the route is gone."""
    with stage.opened(plan={"router": "gateway", "steps": "mirror:20,pause,50"}, virtual_service="") as play:
        play.send(80)
        play.set_image("v2")
        stage.wait("the plan pauses", lambda: play.status().get("holding") == "Paused")
        (rule,) = rules(play, "web-rampart-80")
        assert [one["requestMirror"]["percent"] for one in rule["filters"]] == [20]
        check_mirrored(play)
        play.check_unmet("v2")
        play.wish("resume")
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def test_cookie_is_refused_before_anything_is_sent() -> None:
    """The sentence says what to do instead, and the plan that does it is taken at once."""
    with stage.opened(plan={"steps": "cookie:beta=1,50"}, virtual_service=ROUTE) as play:
        play.set_image("v2")
        stage.wait("it is refused", lambda: play.status().get("holding") == "Refused")
        play.told("Refused")
        assert all("use a step by header" in item["message"] for item in play.events("Refused"))
        play.kubectl("annotate", "deployment", "web", "--overwrite", "rampart.dev/steps=header:x-canary=1,50")
        stage.wait("the copy stands", lambda: len(rules(play)) == 3)
