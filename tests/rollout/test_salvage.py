"""What is left of a release that nobody remembers: the next act by what is seen."""

from dataclasses import replace
from typing import Any

import pytest

from deploy import traffic
from deploy.traffic import WHOLE, Json, Split, Survey
from deploy.workload import Held, Revision
from rollout import salvage
from rollout.salvage import Left
from rollout.seen import Define, Leave, Pace, Restore, Steer, Sweep
from tests.rollout.building import a_workload

PACE = Pace(settle=1, drain=2, poll=0.5)
CANARY = traffic.canary("web-v2")
V1, V2, V0 = (traffic.replica_set(name) for name in ("v1", "v2", "v0"))


def revision(name: str, replicas: int, digest: str = "") -> Revision:
    return Revision(name, digest or name, replicas, replicas, {})


def shown(*shares: tuple[traffic.Pin, int]) -> Survey:
    split = Split(shares)
    return Survey(split=split, shown=frozenset(split.pins), legs=frozenset(split.pins))


SPLIT = shown((V1, 8000), (CANARY, 2000))
HELD = a_workload(paused=True, held=Held.HELD)
ROLLING = a_workload(paused=False, held=Held.ROLLING)
ROLLED = replace(ROLLING, rolled_out=True)
HALF = (Revision("v1", "v1", 2, 2, {}), Revision("v2", "v2", 2, 2, {}))


def left(**changes: Any) -> Left:
    given = Left(HELD, (revision("v1", 4),), SPLIT, 60.0, canaries=1, leavers=1)
    return replace(given, **changes)


@pytest.mark.parametrize(
    ("seen", "acts"),
    [
        pytest.param(left(), (Steer(Split(((V1, WHOLE),))),), id="traffic first, to the stable pins"),
        pytest.param(
            left(revisions=(revision("v1", 3), revision("v0", 1)), route=shown((V0, 0), (V1, 8000), (CANARY, 2000))),
            (Steer(Split(((V0, 2500), (V1, 7500)))),),
            id="shared by the sizes of the ReplicaSets",
        ),
        pytest.param(left(workload=None), (Restore(),), id="without its Deployment: the root"),
        pytest.param(left(workload=ROLLED, revisions=(revision("v2", 4),)), (Restore(),), id="rolled out"),
        pytest.param(left(route=Survey()), (Sweep(),), id="the canary, once its traffic has drained"),
        pytest.param(left(route=Survey(), route_age=1.5), (), id="not sooner"),
        pytest.param(left(route=shown((V1, WHOLE)), canaries=0), (), id="its addresses first"),
        pytest.param(left(route=shown((V1, WHOLE)), canaries=0, leavers=0), (Restore(),), id="then the route"),
        pytest.param(
            left(route=Survey(legs=frozenset({V1})), canaries=0, leavers=0), (Define(frozenset()),), id="then the legs"
        ),
        pytest.param(
            left(route=Survey(legs=frozenset({V1})), canaries=0, leavers=0, route_age=0.5), (), id="settled before"
        ),
        pytest.param(
            left(route=Survey(), canaries=0, leavers=0, remains=True),
            (Restore(), Define(frozenset())),
            id="then what no router could use",
        ),
        pytest.param(left(route=Survey(), canaries=0, leavers=0), (Leave(),), id="then the template's mark"),
    ],
)
def test_the_next_act_is_the_first_in_the_order_of_law_9(seen: Left, acts: tuple[object, ...]) -> None:
    """Route, canary, addresses, route as it was, legs, marks."""
    assert salvage.decide(seen, PACE).acts == acts


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        pytest.param(
            left(revisions=HALF),
            "kubectl -n shop rollout resume",
            id="paused half way",
        ),
        pytest.param(
            left(workload=ROLLING, revisions=HALF),
            "until the roll-out is whole",
            id="rolling",
        ),
        pytest.param(left(workload=ROLLING), "until the roll-out is whole", id="about to roll"),
        pytest.param(left(revisions=()), "kubectl -n shop rollout resume", id="no pods at all"),
        pytest.param(
            left(workload=ROLLING, route=Survey(), canaries=0, leavers=0),
            "the Deployment rolls",
            id="the mark waits for the roll-out",
        ),
    ],
)
def test_users_stay_where_they_are_until_the_old_pods_or_the_new_are_whole(seen: Left, text: str) -> None:
    """Law 11: nothing is written, what it waits for is said, and it is looked at again."""
    decision = salvage.decide(seen, PACE)
    assert decision.acts == ()
    assert decision.look_again == PACE.poll
    assert text in decision.told[0].message


@pytest.mark.parametrize("work", [None, a_workload(held=None), a_workload(deleting=True, held=Held.HELD)])
def test_what_has_no_mark_is_at_rest(work: Any) -> None:
    """Nothing more is to be done, and nothing looks again."""
    decision = salvage.decide(Left(work), PACE)
    assert (decision.acts, decision.look_again) == ((), None)


def test_traffic_is_shared_evenly_among_empty_pins() -> None:
    """And always whole."""
    assert salvage.shared({V0: 0, V1: 0, V2: 0}) == Split(((V0, 3334), (V1, 3333), (V2, 3333)))


def body(kind: str, name: str = "web", **spec: Any) -> Json:
    return {"kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def own(kind: str, name: str, notes: dict[str, str] | None = None, **spec: Any) -> Json:
    """A temporary object of ours."""
    made = body(kind, name, **spec)
    made["metadata"] |= {"labels": {"rampart.dev/managed-by": "rampart"}, "annotations": notes or {}}
    return made


def a_route(*destinations: Json) -> Json:
    return body("VirtualService", hosts=["web"], http=[{"route": [{"destination": item} for item in destinations]}])


def an_http_route(*refs: Json) -> Json:
    return body("HTTPRoute", rules=[{"backendRefs": list(refs)}])


MALL: Json = {"kind": "Service", "metadata": {"name": "web", "namespace": "mall"}, "spec": {"selector": {"app": "web"}}}
SHOP_WEB, MALL_WEB = ("shop", "web"), ("mall", "web")


@pytest.mark.parametrize(
    ("item", "found"),
    [
        pytest.param(a_route({"host": "web"}), set(), id="no leg"),
        pytest.param(a_route({"host": "web", "subset": "rampart-stable-v1"}), {SHOP_WEB}, id="short"),
        pytest.param(
            a_route({"host": "web.mall.svc.cluster.local", "subset": "rampart-x"}),
            {SHOP_WEB, MALL_WEB},
            id="of another namespace",
        ),
        pytest.param(own("DestinationRule", "web-rampart", host="web"), {SHOP_WEB}, id="rule"),
        pytest.param(an_http_route({"name": "web"}), set(), id="no ref of ours"),
        pytest.param(an_http_route({"name": "web-rampart-stable-v1"}), {SHOP_WEB}, id="ref"),
        pytest.param(
            an_http_route({"name": "web-rampart-stable-v1", "namespace": "mall"}),
            {SHOP_WEB, MALL_WEB},
            id="ref to another namespace",
        ),
        pytest.param(
            own("HTTPRoute", "web-rampart-80", parentRefs=[{"kind": "Service", "name": "web"}]),
            {SHOP_WEB},
            id="temporary route",
        ),
        pytest.param(
            own("Service", "cut-1a2b3c-rampart-stable-v1", {"rampart.dev/service": "web"}), {SHOP_WEB}, id="leg Service"
        ),
        pytest.param(own("TrafficSplit", "web-rampart", service="web", backends=[]), {SHOP_WEB}, id="temporary split"),
        pytest.param(
            body("TrafficSplit", service="apex", backends=[{"service": "web-rampart-canary-v2", "weight": 1}]),
            {SHOP_WEB},
            id="leaf of a split",
        ),
        pytest.param(body("Service", selector={"pod-template-hash": "v1"}), {SHOP_WEB}, id="pinned Service"),
        pytest.param(body("Service", selector={"app": "web"}), set(), id="user's Service"),
    ],
)
def test_services_are_found_by_what_is_left_of_ours(item: Json, found: set[tuple[str, str]]) -> None:
    """In any kind of a router's; whether it is so is then the router's to say."""
    objects = {"Service": [MALL]} if item["kind"] != "Service" else {}
    seen = salvage.services({**objects, item["kind"]: [item]})
    assert found <= seen
    assert bool(seen) == bool(found)


def test_a_service_that_leads_to_no_deployment_is_a_target_too() -> None:
    """Of which nothing but its name is known."""
    assert salvage.target("shop", "web", "cluster.local") == traffic.Target("shop", "web", {}, {}, "cluster.local")
