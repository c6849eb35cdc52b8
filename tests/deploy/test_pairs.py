"""Pair mode's routes: which lists are lanes, and that nothing but weights moves."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import pairs
from deploy.traffic import WHOLE, Json, Verb

ONE = pairs.Side("web-v1", {"app": "web", "version": "v1"})
TWO = pairs.Side("web-v2", {"app": "web", "version": "v2"})


def a_service(name: str, **selector: str) -> Json:
    return {"kind": "Service", "metadata": {"name": name, "namespace": "shop"}, "spec": {"selector": selector}}


SERVICES = [a_service("web", app="web"), a_service("one", app="web", version="v1"), a_service("two", version="v2")]
PAIR = pairs.Pair("shop", (ONE, TWO), SERVICES)

RULE: Json = {
    "kind": "DestinationRule",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "host": "web",
        "subsets": [{"name": "v1", "labels": {"version": "v1"}}, {"name": "v2", "labels": {"version": "v2"}}],
    },
}


def to(host: str, weight: int | None = None, subset: str = "") -> Json:
    destination = {"host": host, **({"subset": subset} if subset else {})}
    return {"destination": destination, **({} if weight is None else {"weight": weight})}


def a_route(*entries: Json, **rule: object) -> Json:
    metadata = {"name": "web", "namespace": "shop", "uid": "u1", "generation": 3, "resourceVersion": "7"}
    rules = [{"timeout": "3s", "route": list(entries), **rule}]
    return {"kind": "VirtualService", "metadata": metadata, "spec": {"hosts": ["web"], "http": rules}}


def a_split(*backends: tuple[str, object]) -> Json:
    spec = {"service": "web", "backends": [{"service": name, "weight": weight} for name, weight in backends]}
    return {"kind": "TrafficSplit", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


def an_http_route(*refs: Json) -> Json:
    return {
        "kind": "HTTPRoute",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"rules": [{"backendRefs": list(refs)}]},
    }


def world(*bodies: Json) -> pairs.Objects:
    found: dict[str, list[Json]] = {}
    for body in (RULE, *bodies):
        found.setdefault(body["kind"], []).append(body)
    return found


SUBSETS = a_route(to("web", 100, "v1"), to("web", 0, "v2"))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(SUBSETS, id="subsets"),
        pytest.param(a_route(to("one.shop.svc.cluster.local", 100), to("two", 0)), id="two services"),
        pytest.param(a_split(("one", 100), ("two", 0)), id="traffic split"),
        pytest.param(an_http_route({"name": "one"}, {"name": "two", "weight": 0}), id="http route, 1 by default"),
    ],
)
def test_shares_of_both_sides_are_read(body: Json) -> None:
    found = pairs.survey(PAIR, world(body))
    assert (found.faults, found.parts) == ((), {"web-v1": WHOLE, "web-v2": 0})


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        pytest.param(a_route(to("web", 100, "v1")), "no route in the cluster", id="the second is missing"),
        pytest.param(a_route(to("web", 50), to("web", 50, "v2")), "no route in the cluster", id="one leads to both"),
        pytest.param(a_route(to("web", 100, "v1"), to("web", 0, "v9")), "no route", id="no such subset"),
        pytest.param(a_route(to("web", 0, "v1"), to("web", 0, "v2")), "weigh 0 both", id="all zero"),
        pytest.param(a_route(to("web", -1, "v1"), to("web", 2, "v2")), "negative weight", id="negative"),
        pytest.param(a_split(("one", "500m"), ("two", "500m")), "whole numbers", id="quantities"),
    ],
)
def test_what_can_not_be_moved_is_named(body: Json, fault: str) -> None:
    found = pairs.survey(PAIR, world(body))
    assert found.parts is None
    assert fault in found.faults[0]


def test_lists_that_differ_have_no_common_share() -> None:
    other = a_route(to("web", 50, "v1"), to("web", 50, "v2"))
    other["metadata"] = {**other["metadata"], "name": "gateway"}
    assert pairs.survey(PAIR, world(SUBSETS, other)).parts is None


def test_list_of_one_side_alone_stays_as_it_is() -> None:
    """A user's own way to the new version, by a header, is theirs."""
    body = copy.deepcopy(SUBSETS)
    body["spec"]["http"].insert(0, {"match": [{"headers": {}}], "route": [to("web", None, "v2")]})
    change = pairs.steer(PAIR, world(body), "web-v2", 2500, {})[0]
    assert change.body["spec"]["http"][0] == body["spec"]["http"][0]
    assert [entry["weight"] for entry in change.body["spec"]["http"][1]["route"]] == [75, 25]


@given(
    parts=st.integers(0, WHOLE),
    weights=st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100)).filter(lambda w: w[0] + w[1] > 0),
)
def test_only_weights_move_and_go_back(parts: int, weights: tuple[int, int, int]) -> None:
    """The pair's share is split exactly, everybody else keeps theirs, and the user's scale comes back."""
    one, two, third = weights
    body = a_route(to("web", one, "v1"), to("web", two, "v2"), to("else", third), retries={"attempts": 2})
    saved = pairs.survey(PAIR, world(body)).saved
    moved = apply(body, "web-v2", parts, saved)
    assert pairs.survey(PAIR, world(moved)).parts == {"web-v1": WHOLE - parts, "web-v2": parts}
    now = [entry["weight"] for entry in moved["spec"]["http"][0]["route"]]
    assert now[2] * (one + two + third) == third * sum(now), "the third destination's share"
    assert all(isinstance(weight, int) and weight >= 0 for weight in now)
    back = apply(moved, "web-v2", WHOLE, saved)
    assert [entry["weight"] for entry in back["spec"]["http"][0]["route"]] == [0, one + two, third]
    assert without_weights(back) == without_weights(body)


def apply(body: Json, side: str, parts: int, saved: object) -> Json:
    assert isinstance(saved, dict)
    changes = pairs.steer(PAIR, world(body), side, parts, saved)
    assert all(change.verb is Verb.REPLACE for change in changes)
    return changes[0].body if changes else body


def without_weights(body: Json) -> Json:
    bare = copy.deepcopy(body)
    for entry in bare["spec"]["http"][0]["route"]:
        entry.pop("weight", None)
    return bare


def test_what_is_right_already_is_not_written() -> None:
    assert pairs.steer(PAIR, world(SUBSETS), "web-v2", 0, {}) == ()
