"""Gateway API routes, served by istiod: a route of the mesh, none at all, a bad version, and what is refused."""

import json

import pytest

from deploy import kinds
from deploy.traffic import Json
from tests.e2e import stage

SIDE = """
apiVersion: v1
kind: Service
metadata: {name: side}
spec:
  selector: {app: side}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: side}
spec:
  selector: {matchLabels: {app: side}}
  template:
    metadata: {labels: {app: side}}
    spec:
      containers: [{name: web, image: "web:v9", ports: [{containerPort: 8080}]}]
"""

MESH_ROUTE = """
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
    timeouts: {request: 5s}
    backendRefs:
    - name: web
      port: 80
      weight: 3
      filters:
      - type: ResponseHeaderModifier
        responseHeaderModifier: {set: [{name: x-route, value: main}]}
    - {name: side, port: 80, weight: 1}
"""

GATEWAY_ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: front}
spec:
  parentRefs: [{name: front, namespace: istio-system}]
  hostnames: ["HOST.example.com"]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""


IN_THE_MIDDLE = {"steps": "20,50,pause"}
"""It waits at half and half, so that the route can be looked at."""


def weights(play: stage.Stage, name: str = "web", rule: int = 1) -> list[int]:
    found: list[Json] = play.get(kinds.HTTP_ROUTE, name)["spec"]["rules"][rule]["backendRefs"]
    return [ref["weight"] for ref in found]


def test_route_of_the_mesh_is_split_and_restored() -> None:
    """Filters and a second backend of the user's are kept; no request fails, and the route is byte-equal after."""
    with stage.opened(SIDE, plan=IN_THE_MIDDLE, virtual_service=MESH_ROUTE) as play:
        play.rolled_out("side")
        del play.originals["Deployment", "side"]
        play.send()
        stage.wait("the second backend has requests", lambda: play.served("v9") > 0)
        play.set_image("v2")
        play.wait_weight("50")
        stage.wait("half of three quarters", lambda: weights(play) == [150, 150, 100])
        play.resume()
        status = play.wait_phase("Promoted")
        assert status["router"] == "gateway"
        total = play.check_none_failed()
        share = total.share("v9")
        assert 0.18 < share < 0.32, f"the second backend had {share:.2f} of the requests, not a quarter"
        play.check_rest("v2")


def test_bad_version_is_taken_back() -> None:
    """Weight to zero in the look that finds it; only its own requests failed."""
    with stage.opened(SIDE, virtual_service=MESH_ROUTE) as play:
        play.rolled_out("side")
        del play.originals["Deployment", "side"]
        play.send()
        play.set_image("v2-errors20")
        assert play.wait_phase("RolledBack")["reason"] == "SuccessRateLow"
        play.check_only_failed("v2")
        play.check_rest("v2-errors20", paused=True)


def test_callers_without_a_route_get_a_temporary_one() -> None:
    """Nothing routes the Service: the annotation says how."""
    with stage.opened(plan={**IN_THE_MIDDLE, "router": "gateway"}, virtual_service="") as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("50")
        stage.wait("half of all", lambda: weights(play, "web-rampart-80", 0) == [50, 50])
        play.resume()
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def test_legs_follow_the_service_in_the_midst_of_a_release() -> None:
    """An affinity that its owner sets comes, and goes again without an error of the server's."""
    with stage.opened(plan={**IN_THE_MIDDLE, "router": "gateway"}, virtual_service="") as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("50")
        stage.wait("half of all", lambda: weights(play, "web-rampart-80", 0) == [50, 50])
        edit(play, '{"spec": {"sessionAffinity": "ClientIP"}}')
        stage.wait("legs with it", lambda: {leg["sessionAffinity"] for leg in legs(play)} == {"ClientIP"})
        edit(play, '{"spec": {"sessionAffinity": "None", "sessionAffinityConfig": null}}')
        stage.wait("legs without it", lambda: {leg["sessionAffinity"] for leg in legs(play)} == {"None"})
        play.originals["Service", "web"] = stage.content(play.get(kinds.SERVICE))
        play.resume()
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def edit(play: stage.Stage, patch: str) -> None:
    """As the Service's owner."""
    play.kubectl("patch", "service", "web", "--type=merge", "-p", patch)


def legs(play: stage.Stage) -> list[Json]:
    """What the temporary Services are."""
    found: list[Json] = json.loads(play.kubectl("get", "services", "-o", "json"))["items"]
    return [item["spec"] for item in found if "-rampart-" in item["metadata"]["name"]]


@pytest.mark.parametrize(
    ("grant", "words"),
    [
        pytest.param("", "no ReferenceGrant in", id="none"),
        pytest.param("to: [{group: '', kind: Service, name: web}]", "temporary Services beside it", id="by name"),
    ],
)
def test_route_of_another_namespace_without_a_grant_is_refused(grant: str, words: str) -> None:
    """Said at opt-in already; nothing is disturbed."""
    with stage.opened(virtual_service="") as play:
        route = GATEWAY_ROUTE.replace("name: web", f"name: web, namespace: {play.namespace}")
        route = route.replace("{name: front}", f"{{name: {play.namespace}}}", 1).replace("HOST", play.namespace)
        if grant:
            given = f"from: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: istio-system}}]\n  {grant}"
            about = "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: front}\n"
            play.apply(f"{about}spec:\n  {given}")
        play.kubectl("apply", "-n", "istio-system", "-f", "-", given=route)
        try:
            play.set_image("v2")
            stage.wait("it is refused", lambda: any(words in item["message"] for item in play.events("Refused")))
            assert play.status().get("phase") in (None, "Pending")
        finally:
            play.kubectl("delete", "httproute", play.namespace, "-n", "istio-system")
