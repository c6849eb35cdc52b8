"""Whole releases over the Gateway API's router, in a small cluster: what stands there after its looks."""

from typing import Any

import pytest

from analysis.verdict import Verdict
from deploy import kinds
from deploy.traffic import Json
from tests.rollout import interrupted
from tests.rollout.a_shop import Shop, a_shop, at_rest
from tests.rollout.building import a_judgement

BAD = a_judgement(Verdict.FAIL, text="success rate 80 %")
LEFT = {"Deployment", "ReplicaSet", "Service", "HTTPRoute", "Release"}
SERVICE_PARENT: Json = {"group": "", "kind": "Service", "name": "web"}
ROUTE: Json = {
    "parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "front"}],
    "rules": [{"timeouts": {"request": "3s"}, "backendRefs": [{"name": "web", "port": 80, "weight": 1}]}],
}


def released(judgement: Any = None, route: Json | None = ROUTE) -> Shop:
    """A shop without Istio in which v2 was written."""
    shop = a_shop()
    del shop.cluster.objects["VirtualService", "web"]
    shop.cluster.served = frozenset({"HTTPRoute", "GRPCRoute"})
    shop.cluster.edit(kinds.SERVICE, "web", {"spec": {"ports": [{"port": 80}]}})
    if route is not None:
        shop.cluster.seed(kinds.HTTP_ROUTE, "web", spec=route)
    shop.change("v2")
    shop.judge.says = judgement or shop.judge.says
    return shop


def weights(shop: Shop, name: str = "web") -> list[tuple[str, int]]:
    refs = shop.cluster.get(kinds.HTTP_ROUTE, name)["spec"]["rules"][0]["backendRefs"]
    return [(role(ref["name"]), ref["weight"]) for ref in refs]


def role(name: str) -> str:
    return name.split("-")[2] if "-rampart-" in name else "root"


def test_a_good_template_is_promoted_and_nothing_of_ours_is_left() -> None:
    """Prepared beside the user's ref, moved by steps, and put back."""
    shop, seen = released(), list[list[tuple[str, int]]]()
    while not at_rest(shop):
        shop.look()
        if not seen or seen[-1] != weights(shop):
            seen.append(weights(shop))
    assert seen[0] == seen[-1] == [("root", 1)]
    assert seen[1] == [("root", 1), ("stable", 0), ("canary", 0)]
    steps = [dict(found)["canary"] for found in seen if [role for role, _ in found] == ["stable", "canary"]]
    assert steps == [0, 5, 25, 50, 100]
    assert (shop.phases, shop.releases[0].status.router) == (["Promoted"], "gateway")
    assert shop.cluster.get(kinds.HTTP_ROUTE, "web")["spec"] == ROUTE
    assert {kind for kind, _ in shop.cluster.objects} == LEFT
    assert [name for kind, name in shop.cluster.objects if kind == "Service"] == ["web"]


def test_a_temporary_route_that_nobody_accepts_makes_no_pod() -> None:
    """Held in Preparing, with the reason; accepted, it goes on."""
    shop = released(route=None)
    for _ in range(8):
        shop.look()
    assert (shop.phases, shop.releases[0].status.holding) == (["Preparing"], "")
    found = shop.cluster.objects["HTTPRoute", "web-rampart-80"]
    assert [kind for kind, _ in shop.cluster.objects if kind == "Pod"] == []
    said = [{"type": kind, "status": "True"} for kind in ("Accepted", "ResolvedRefs")]
    found["status"] = {"parents": [{"parentRef": SERVICE_PARENT, "conditions": said}]}
    assert weights(shop, "web-rampart-80") == [("root", 1), ("stable", 0), ("canary", 0)]
    shop.live(at_rest)
    assert shop.phases == ["Promoted"]
    assert {kind for kind, _ in shop.cluster.objects} == LEFT - {"HTTPRoute"}


@pytest.mark.parametrize("done", interrupted.HOW)
@pytest.mark.parametrize(
    ("judgement", "place", "end"),
    [
        *(
            pytest.param(None, place, "Promoted", id=f"good {place}")
            for place in range(interrupted.count_writes(released()))
        ),
        *(
            pytest.param(BAD, place, "RolledBack", id=f"bad {place}")
            for place in range(interrupted.count_writes(released(BAD)))
        ),
    ],
)
def test_a_write_that_fails_leaves_the_next_look_to_finish(judgement: Any, place: int, end: str, done: bool) -> None:
    """Promise 6: whichever write it is, and whether or not it was done, the end is the same."""
    shop = released(judgement)
    interrupted.live_through(shop, place, done)
    assert (shop.phases, {kind for kind, _ in shop.cluster.objects}) == ([end], LEFT)
    assert shop.cluster.get(kinds.HTTP_ROUTE, "web")["spec"] == ROUTE
    assert [name for kind, name in shop.cluster.objects if kind == "Service"] == ["web"]


def test_a_header_step_that_the_owner_made_impossible_is_said_and_left_with_the_plan() -> None:
    """The rule gets a condition on the header itself; the step is taken out of the plan, and the release goes on."""
    shop = released()
    shop.annotate(steps="header:x-canary=1,5")
    shop.live(lambda found: found.phases == ["Stepping"])
    shop.judge.says = a_judgement(Verdict.HOLD)
    rule = {**ROUTE["rules"][0], "matches": [{"headers": [{"name": "x-canary", "value": "2"}]}]}
    shop.cluster.edit(kinds.HTTP_ROUTE, "web", {"spec": {"rules": [rule]}})
    shop.live(lambda found: found.releases[0].status.holding == "RouteRefused")
    shop.annotate(steps="5")
    shop.live(lambda found: found.releases[0].status.weight == 5)
    assert "is impossible, and the plan has it no more; 5 %" in shop.told[-1].message
    shop.judge.says = a_judgement(Verdict.PASS)
    shop.live(at_rest)
    assert shop.cluster.get(kinds.HTTP_ROUTE, "web")["spec"]["rules"] == [rule]
