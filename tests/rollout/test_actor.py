"""The actor's thoughts: which patch an act is, and that a merge patch leads exactly to what is wished."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import names
from deploy.traffic import Json
from deploy.workload import Held, Revision, Workload
from rollout import actor
from rollout.actor import Hand, Stale
from rollout.observer import View
from rollout.seen import ClearWish, Hold, Leave, Mark, RevertTemplate, Unhold, Unpause
from tests.rollout.building import a_plan, a_release, a_workload, wishing

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
        pytest.param(Hold(), {"metadata": {"annotations": {names.HELD: "true"}}}, id="held again"),
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


def test_without_a_release_there_is_nothing_to_act_on() -> None:
    """The next look finds out why."""
    with pytest.raises(Stale):
        actor.missing()
