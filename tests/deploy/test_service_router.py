"""The Service router: a selector is all the route there is, and is put back byte for byte."""

import copy
import json
from typing import Any

import pytest

from deploy import names, traffic
from deploy.service import router, selectors
from deploy.traffic import Change, Json, Pin, Split, Survey, Target, Verb

STABLE = traffic.replica_set("abc")
CANARY = traffic.canary("web-v2")
BASE = traffic.canary("web-v1")
TARGET = Target("shop", "web", {"app": "web"}, {"app": "web"})
USERS = {"app": "web"}
SAVED = {"Service shop/web": USERS}


def split(*shares: tuple[Pin, int]) -> Split:
    return Split(shares)


PINNED = split((STABLE, 10_000), (CANARY, 0))
MIXED = split((STABLE, 7_500), (CANARY, 2_500))
ALL = split((STABLE, 0), (CANARY, 10_000))


def a_service(annotations: dict[str, str] | None = None, **spec: Any) -> Json:
    """As the API server gives it, with what it defaults and fields that nobody here knows."""
    metadata: Json = {
        "name": "web",
        "namespace": "shop",
        "uid": "web-uid",
        "resourceVersion": "7",
        "labels": {"a": "b"},
    }
    if annotations is not None:
        metadata["annotations"] = annotations
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    whole = {"selector": USERS, "ports": ports, "clusterIP": "10.0.0.1", "newer": {"field": 1}, **spec}
    return {"metadata": metadata, "spec": whole}


def objects(*services: Json) -> dict[str, list[Json]]:
    other = a_service()
    other["metadata"] = {**other["metadata"], "namespace": "other"}
    return {"Service": [other, *services]}


def survey(service: Json) -> Survey:
    return router.survey(TARGET, objects(service))


def written(service: Json, changes: tuple[Change, ...]) -> Json:
    """The Service after the writes; each carries the version that was read."""
    for change in changes:
        assert (change.verb, change.body["metadata"]["resourceVersion"]) == (Verb.REPLACE, "7")
        assert (change.body["kind"], change.body["apiVersion"]) == ("Service", "v1")
        service = {key: value for key, value in change.body.items() if key not in ("kind", "apiVersion")}
    return service


def defined(service: Json, *pins: Pin) -> Json:
    return written(service, router.define(TARGET, objects(service), pins))


def steered(service: Json, wished: Split) -> Json:
    return written(service, router.steer(TARGET, objects(service), wished, SAVED))


def restored(service: Json) -> Json:
    return written(service, router.restore(TARGET, objects(service), SAVED))


def drift(service: Json, *pins: Pin) -> str | None:
    return router.foreign(TARGET, objects(service), SAVED, pins)


LEGS = defined(a_service(), STABLE, CANARY)


@pytest.mark.parametrize(
    ("wished", "selector"),
    [
        pytest.param(PINNED, {**USERS, names.POD_TEMPLATE_HASH: "abc"}, id="all on stable: the canary is not selected"),
        pytest.param(MIXED, USERS, id="by numbers: every pod has its part"),
        pytest.param(ALL, {**USERS, names.RELEASE: "web-v2"}, id="the switch"),
        pytest.param(split((STABLE, 10_000)), {**USERS, names.POD_TEMPLATE_HASH: "abc"}, id="fallen"),
        pytest.param(
            split((BASE, 5_000), (CANARY, 5_000)),
            {**USERS, names.MANAGED: "rampart"},
            id="law 13: the half-rolled Deployment has no part",
        ),
    ],
)
def test_a_split_is_one_selector(wished: Split, selector: dict[str, str]) -> None:
    """And is read back as it was asked for, with its legs."""
    found = steered(LEGS, wished)
    assert found["spec"]["selector"] == selector
    seen = survey(found)
    assert (seen.split, seen.agreed, seen.shown) == (wished, True, frozenset(wished.pins))
    assert seen.legs == {STABLE, CANARY, *wished.pins}
    assert seen.saved == SAVED
    assert router.steer(TARGET, objects(found), wished, SAVED) == ()


@pytest.mark.parametrize("wished", [pytest.param(each, id=each.shares[-1][0].name) for each in (PINNED, MIXED, ALL)])
@pytest.mark.parametrize(
    "annotations", [pytest.param(None, id="no annotations"), pytest.param({"team": "shop"}, id="annotations")]
)
def test_the_service_is_put_back_byte_for_byte(wished: Split, annotations: dict[str, str] | None) -> None:
    """Promise 7; fields that this version does not know too."""
    before = a_service(annotations)
    kept = copy.deepcopy(before)
    after = restored(steered(defined(before, STABLE, CANARY), wished))
    assert survey(after).split is None
    assert after["spec"] == before["spec"]
    assert defined(after) == before == kept
    assert router.routes(TARGET, objects(before)) == ()
    assert router.routes(TARGET, objects(after)) == ("Service shop/web",)


def test_nothing_is_written_where_nothing_is_missing() -> None:
    """A look that changes nothing writes nothing."""
    before = a_service()
    assert router.define(TARGET, objects(before), ()) == ()
    assert router.restore(TARGET, objects(before), {}) == ()
    assert router.define(TARGET, objects(LEGS), (CANARY, STABLE)) == ()
    assert router.restore(TARGET, objects(LEGS), {}) == ()


def test_what_the_user_changes_meanwhile_survives() -> None:
    """Ports, labels, annotations, and what a client-side apply leaves of the pin."""
    found = steered(LEGS, ALL)
    edited = copy.deepcopy(found)
    edited["spec"]["ports"].append({"name": "grpc", "port": 9000})
    edited["metadata"]["labels"]["team"] = "shop"
    edited["metadata"]["annotations"]["note"] = "mine"
    assert drift(edited, STABLE, CANARY) is None
    after = defined(restored(edited))
    assert len(after["spec"]["ports"]) == 2
    assert after["metadata"]["annotations"] == {"note": "mine"}
    assert after["spec"]["selector"] == USERS


@pytest.mark.parametrize(
    ("selector", "sentence"),
    [
        pytest.param(
            {**USERS, names.RELEASE: "web-v2", "tier": "x"},
            "Service shop/web selects {'app': 'web', 'tier': 'x'} now, it was {'app': 'web'}",
            id="a label more, the pin kept by the apply",
        ),
        pytest.param(
            USERS,
            "Service shop/web leads to every version: somebody else wrote its selector {'app': 'web'}",
            id="put back by a GitOps tool",
        ),
        pytest.param(
            {**USERS, names.RELEASE: "other"},
            "Service shop/web leads to every version: somebody else wrote its selector"
            " {'app': 'web', 'rampart.dev/release': 'other'}",
            id="a pin that is not the split's",
        ),
    ],
)
def test_a_rewritten_selector_is_drift(selector: dict[str, str], sentence: str) -> None:
    """Case 12: seen, said, and the new content is the user's from there on."""
    found = steered(LEGS, ALL)
    found["spec"]["selector"] = selector
    assert drift(found, STABLE, CANARY) == sentence
    seen = survey(found)
    users = {key: value for key, value in selector.items() if key in ("app", "tier")}
    assert (seen.split, seen.shown, seen.saved) == (None, frozenset(), {"Service shop/web": users})
    again = steered(found, ALL)
    assert again["spec"]["selector"] == {**users, names.RELEASE: "web-v2"}
    assert restored(again)["spec"]["selector"] == users


def test_a_replaced_service_has_no_legs_and_is_split_anew() -> None:
    """`kubectl replace` takes the annotation along."""
    assert drift(a_service(), STABLE, CANARY) is not None
    assert survey(a_service()).legs == frozenset()
    assert steered(a_service(), PINNED)["spec"]["selector"] == {**USERS, names.POD_TEMPLATE_HASH: "abc"}


def test_without_the_release_the_selector_is_put_back_too() -> None:
    """Its memory is on the Service itself; a lost one leaves the pins to be taken off."""
    found = steered(LEGS, PINNED)
    assert written(found, router.restore(TARGET, objects(found), {}))["spec"]["selector"] == USERS
    bare = a_service(selector={**USERS, names.POD_TEMPLATE_HASH: "abc"})
    assert router.routes(TARGET, objects(bare)) == ("Service shop/web",)
    assert restored(bare)["spec"]["selector"] == USERS


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("null", id="null"),
        pytest.param("[]", id="a list"),
        pytest.param('{"legs": []}', id="no selector"),
        pytest.param('{"legs": 3, "selector": {}}', id="no legs"),
        pytest.param('{"legs": [], "selector": {}, "split": [["a", "b", 5]]}', id="shares that are not the whole"),
    ],
)
def test_an_annotation_that_is_not_ours_is_none(text: str) -> None:
    """Whatever somebody wrote there, the selector is read as it is (promise 10)."""
    found = a_service({selectors.ANNOTATION: text})
    assert selectors.read(found) is None
    assert survey(found).saved == SAVED
    assert defined(found)["metadata"].get("annotations") is None or survey(found).legs == frozenset()


def test_the_annotation_is_read_as_it_was_written() -> None:
    """One line of JSON."""
    memory = selectors.Memory(USERS, frozenset(PINNED.pins), PINNED)
    assert selectors.parse(json.loads(selectors.write(memory))) == memory
    assert "\n" not in selectors.write(memory)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param({}, (), id="fit"),
        pytest.param(
            {"publishNotReadyAddresses": True},
            ("Service shop/web: publishNotReadyAddresses is set, so pods that are not ready would be given users",),
            id="addresses that are not ready",
        ),
        pytest.param(
            {"selector": {**USERS, names.POD_TEMPLATE_HASH: "abc"}},
            (
                "Service shop/web: its selector names pod-template-hash, by which Rampart tells versions apart: take"
                " it out",
            ),
            id="a pin of the user's own",
        ),
    ],
)
def test_unfit_services_are_refused_with_the_reason(spec: Json, words: tuple[str, ...]) -> None:
    """Promise 5: no user meets a pod that is not ready."""
    assert survey(a_service(**spec)).faults == words


def test_a_service_that_is_gone_is_a_fault_and_nothing_is_written() -> None:
    """The release falls and ends without it."""
    assert router.survey(TARGET, objects()).faults == ("Service shop/web is gone",)
    assert router.foreign(TARGET, objects(), SAVED, ()) == "Service shop/web is gone"
    assert router.routes(TARGET, {}) == ()
    for changes in (
        router.define(TARGET, objects(), (CANARY,)),
        router.steer(TARGET, objects(), ALL, SAVED),
        router.restore(TARGET, objects(), SAVED),
    ):
        assert changes == ()


def test_versions_change_exactly_with_the_route() -> None:
    """A Service counts no generations, and its status and labels say nothing about the route."""
    first = survey(a_service()).versions
    busy = a_service()
    busy["metadata"] |= {"resourceVersion": "99", "labels": {"c": "d"}}
    busy["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    assert survey(busy).versions == first
    assert len({first, survey(LEGS).versions, survey(steered(LEGS, ALL)).versions}) == 3


def test_a_service_is_mentioned_by_its_name() -> None:
    """And what is fresh is what is kept."""
    assert router.mentions(a_service()) == {"web"}
    assert router.remember({"old": 1}, SAVED) == SAVED


def test_a_selector_that_leaves_out_the_new_version_is_a_fault() -> None:
    """With the canary's pin it would lead to nobody."""
    target = Target("shop", "web", {"app": "web", "v": "1"}, {"app": "web", "v": "2"})
    narrowed = router.survey(target, objects(a_service(selector={"app": "web", "v": "1"})))
    assert narrowed.faults == (
        "Service shop/web: its selector app=web,v=1 does not take the held template's labels app=web,v=2",
    )
    assert router.survey(target, objects(a_service())).faults == ()


def test_before_the_first_split_a_whole_selector_is_no_drift() -> None:
    """Nobody was led anywhere yet."""
    assert router.foreign(TARGET, objects(a_service()), SAVED, ()) is None
