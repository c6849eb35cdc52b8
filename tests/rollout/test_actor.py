"""The actor's thoughts: which patch an act is, and that a merge patch leads exactly to what is wished."""

from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import kinds, names
from deploy.cluster import Cluster
from deploy.traffic import Json
from deploy.workload import Held, Revision, Workload
from rollout import actor
from rollout.actor import Actor, Hand, Stale
from rollout.routes import Routes
from rollout.seen import (
    Begin,
    ClearWish,
    Disown,
    EndBase,
    HandOver,
    Hold,
    Leave,
    Mark,
    Raise,
    RaiseBase,
    Record,
    Remove,
    Rest,
    RevertTemplate,
    Steer,
    Sweep,
    Unhold,
    Unpause,
)
from rollout.views import View
from tests.rollout.building import DOWN, START, a_plan, a_release, a_workload, wishing
from tests.rollout.small_cluster import SmallCluster

OLD = {
    "metadata": {"labels": {"app": "web", names.POD_TEMPLATE_HASH: "abc"}},
    "spec": {"containers": [{"name": "web"}]},
}


def a_hand(work: Workload) -> Hand:
    return Hand(View("shop", "web", {}, work, (Revision("abc", "v1", 4, 4, OLD),), ()), None, None)


NOTHING = {names.HELD: None, names.DO: None, names.FAILED: None}


@pytest.mark.parametrize(
    ("act", "work", "patch"),
    [
        pytest.param(
            Unpause("v2", Held.ROLLING),
            a_workload(),
            {"metadata": {"annotations": {**NOTHING, names.HELD: "rolling"}}, "spec": {"paused": None}},
            id="law 4: un-paused under the mark",
        ),
        pytest.param(
            Unpause("v2", None),
            a_workload(),
            {"metadata": {"annotations": NOTHING}, "spec": {"paused": None}},
            id="let go",
        ),
        pytest.param(
            RevertTemplate("abc"),
            a_workload(template={"metadata": {"labels": {"app": "web", "v": "2"}}, "spec": {"hostNetwork": True}}),
            {
                "metadata": {"annotations": NOTHING},
                "spec": {
                    "paused": None,
                    "template": {
                        "metadata": {"labels": {"app": "web", "v": None}},
                        "spec": {"hostNetwork": None, "containers": [{"name": "web"}]},
                    },
                },
            },
            id="template back, and what it has beyond goes",
        ),
        pytest.param(Mark("v2"), a_workload(), {"metadata": {"annotations": {names.FAILED: "v2"}}}, id="marked"),
        pytest.param(Mark("v2"), a_workload(annotations={names.FAILED: "v2"}), None, id="marked already"),
        pytest.param(
            Unhold(),
            a_workload(),
            {"metadata": {"annotations": {names.HELD: None, names.FAILED: None}}},
            id="our marks off",
        ),
        pytest.param(Unhold(), a_workload(held=None), None, id="no mark there"),
        pytest.param(Leave(), a_workload(), {"metadata": {"annotations": {names.HELD: "left"}}}, id="left paused"),
        pytest.param(Leave(), a_workload(held=Held.LEFT), None, id="left already"),
        pytest.param(
            ClearWish("abort"), wishing("abort"), {"metadata": {"annotations": {names.DO: None}}}, id="wish cleared"
        ),
        pytest.param(Rest(), a_workload(held=Held.REST), None, id="at rest and paused already"),
        pytest.param(ClearWish("abort"), wishing("promote"), None, id="another wish meanwhile is kept"),
    ],
)
def test_each_act_is_one_patch_or_none(act: Any, work: Workload, patch: Json | None) -> None:
    """Done already, nothing is written (promise 9)."""
    assert actor.deployment_patch(act, work, a_hand(work)) == patch


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(Unpause("v1", Held.ROLLING), id="case 61: a newer template was written meanwhile"),
        pytest.param(RevertTemplate("gone"), id="the ReplicaSet was deleted meanwhile"),
    ],
)
def test_a_world_that_changed_is_looked_at_again(act: Any) -> None:
    """Never another template than the judged one."""
    work = a_workload()
    with pytest.raises(Stale):
        actor.deployment_patch(act, work, a_hand(work))


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(0, 3), st.sampled_from(["", "a"])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def merged(target: Any, patch: Any) -> Any:
    """MergePatch of RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


@given(present=OBJECTS, wished=OBJECTS)
def test_a_merge_patch_leads_exactly_to_what_is_wished(present: Json, wished: Json) -> None:
    """Promise 7: the template as it was, nothing beside it."""
    assert merged(present, actor.removing(present, wished)) == wished


def test_a_plan_is_written_whole() -> None:
    """A key that is not in the new plan goes."""
    release = a_release(plan=a_plan(latency="p99<1s", service="web"))
    patch = actor.plan_patch(release, a_plan().texts())
    assert (patch["latency"], patch["service"], patch["interval"]) == (None, None, "1m")


def test_a_written_release_is_the_one_in_hand() -> None:
    """With the version that the server gave it."""
    after = {"metadata": {"resourceVersion": "9"}}
    status = a_release().status.model_copy(update={"reason": "New"})
    found = actor.renewed_release(a_release(), after, status=status)
    assert (found.resource_version, found.finalizers, found.status.reason) == ("9", (), "New")


@pytest.mark.parametrize(
    ("act", "patch"),
    [
        pytest.param(
            Hold(), {"metadata": {"annotations": {names.HELD: "true"}}, "spec": {"paused": True}}, id="held again"
        ),
        pytest.param(
            Rest(),
            {"metadata": {"annotations": {**NOTHING, names.HELD: "rest"}}, "spec": {"paused": True}},
            id="paused at rest",
        ),
        pytest.param(
            Unpause("v2", Held.REST),
            {"metadata": {"annotations": {**NOTHING, names.HELD: "rest"}}, "spec": {"paused": None}},
            id="restarted natively, and at rest meanwhile",
        ),
        pytest.param(
            RevertTemplate("abc", Held.REST),
            {"annotations": {**NOTHING, names.HELD: "rest"}},
            id="reverted, and kept paused",
        ),
        pytest.param(
            RevertTemplate("abc", Held.ROLLING),
            {"annotations": {**NOTHING, names.HELD: "rolling"}},
            id="law 4: reverted under the mark",
        ),
    ],
)
def test_marks_are_written_with_their_value(act: Any, patch: Json) -> None:
    """Whatever stood there before."""
    work = a_workload(held=Held.LEFT)
    found = actor.deployment_patch(act, work, a_hand(work))
    assert found is not None
    assert patch in (found, found["metadata"])


def test_a_template_that_comes_back_at_rest_stays_paused() -> None:
    """It is released like any other change, or it is the running one."""
    work = a_workload(held=Held.REST)
    for held, paused in ((Held.REST, True), (Held.ROLLING, None), (None, None)):
        found = actor.deployment_patch(RevertTemplate("abc", held), work, a_hand(work))
        assert found is not None
        assert found["spec"]["paused"] is paused


def test_without_a_release_there_is_nothing_to_act_on() -> None:
    """The next look finds out why."""
    with pytest.raises(Stale):
        actor.missing()


def an_actor(cluster: SmallCluster) -> Actor:
    door = cast(Cluster, cluster)
    return Actor(door, Routes(door, cluster.watched), lambda: START)


def a_whole_hand(**changes: Any) -> Hand:
    view = View("shop", "web", {}, a_workload(), (Revision("abc", "v1", 4, 4, OLD),), ())
    return Hand(replace(view, **changes), a_release(), None)


@pytest.mark.parametrize(
    ("act", "hand"),
    [
        pytest.param(Steer(DOWN), a_whole_hand(), id="no route to write"),
        pytest.param(Raise(1), a_whole_hand(work=a_workload("v3")), id="the template is another's by now"),
        pytest.param(Raise(1), a_whole_hand(work=None), id="no template to copy"),
        pytest.param(Mark("v2"), a_whole_hand(work=None), id="no Deployment to mark"),
        pytest.param(Record(a_release().status), Hand(a_whole_hand().view, None, None), id="no release to write"),
        pytest.param(Remove(), Hand(a_whole_hand().view, None, None), id="no release whose canary it is"),
    ],
)
def test_what_was_decided_about_another_world_is_not_done(act: Any, hand: Hand) -> None:
    """Nothing is written; the next look sees the world as it is."""
    cluster = SmallCluster()
    with pytest.raises(Stale):
        an_actor(cluster).perform(act, hand)
    assert cluster.writes == []


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(EndBase("web-v1"), id="a base that has ended"),
        pytest.param(HandOver("web-v1", {}), id="a base that knows already"),
        pytest.param(Remove(base=True), id="canaries that are gone"),
        pytest.param(Sweep(), id="nothing to sweep"),
        pytest.param(RaiseBase("web-v1", 4), id="a base's canary that is gone"),
        pytest.param(Disown(), id="no route that was ours"),
    ],
)
def test_what_is_done_already_is_not_done_again(act: Any) -> None:
    """Each act is idempotent."""
    cluster = SmallCluster()
    an_actor(cluster).perform(act, a_whole_hand())
    assert cluster.writes == []


def test_what_somebody_else_deletes_meanwhile_is_no_fault() -> None:
    """A canary or an ended Release that is gone is what was wished."""
    cluster = SmallCluster()
    canary = cluster.seed(kinds.DEPLOYMENT, "web-canary-v2", metadata={"labels": {names.RELEASE: "web-v2"}}, spec={})
    cluster.before = lambda written: cluster.objects.clear()
    an_actor(cluster).perform(Sweep(), a_whole_hand(orphans=(canary,)))
    assert an_actor(cluster).let_go(a_release()) == a_release()
    assert cluster.writes == []


def test_a_release_that_exists_is_not_made_anew() -> None:
    """Its name is told by the template and the attempt."""
    cluster = SmallCluster()
    for _ in range(2):
        an_actor(cluster).perform(Begin("v2", 1, a_plan()), a_whole_hand())
    assert [written[:2] for written in cluster.writes] == [("create", "Release")]
