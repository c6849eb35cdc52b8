"""What a pair needs while no release is in flight."""

from typing import Any

import pytest

from deploy import pairs
from deploy.traffic import WHOLE
from rollout.pair import rest
from rollout.pair.sides import Resting, Side
from rollout.seen import BeginSide, ClearWish, Retire
from rollout.status import Phase
from tests.rollout.building import a_plan, a_release
from tests.rollout.pair.test_machine import a_side

PLAN = a_plan(steps="20,50")


def a_pair(on_new: int = 0, **changes: Any) -> Resting:
    """web-v2 names web-v1, which has the traffic."""
    shares = {"web-v2": on_new, "web-v1": WHOLE - on_new}
    given: dict[str, Any] = {
        "annotated": a_side("web-v2", "v2"),
        "other": a_side("web-v1", "v1"),
        "route": pairs.Survey(parts=shares),
        "plan": PLAN,
    }
    return Resting(**{**given, **changes})


def noted(name: str, digest: str, **notes: str) -> Side:
    return a_side(name, digest, work={"annotations": {f"rampart.dev/{key}": value for key, value in notes.items()}})


def begun(resting: Resting) -> tuple[str, str, int] | None:
    found = [act for act in rest.decide(resting).acts if isinstance(act, BeginSide)]
    return (found[0].side, found[0].digest, found[0].attempt) if found else None


@pytest.mark.parametrize(
    ("resting", "expected"),
    [
        pytest.param(a_pair(), ("web-v2", "v2", 1), id="the annotated side without traffic is new"),
        pytest.param(a_pair(2000), ("web-v2", "v2", 1), id="and with a part of it"),
        pytest.param(a_pair(annotated=noted("web-v2", "v2", failed="v2")), None, id="what failed stays down"),
        pytest.param(a_pair(annotated=noted("web-v2", "v3", failed="v2")), ("web-v2", "v3", 1), id="what came after"),
        pytest.param(a_pair(annotated=a_side("web-v2", "v2", ready=0)), None, id="not ready yet"),
        pytest.param(a_pair(annotated=a_side("web-v2", "v2", work={"replicas": 0})), None, id="scaled to zero"),
        pytest.param(a_pair(plan=("steps must rise",)), None, id="bad plan"),
        pytest.param(a_pair(route=pairs.Survey(faults=("no lane",))), None, id="no route"),
        pytest.param(a_pair(WHOLE, other=noted("web-v1", "v1", retired="v1")), None, id="it had its turn"),
        pytest.param(
            a_pair(WHOLE, other=noted("web-v1", "v3", retired="v1")), ("web-v1", "v3", 1), id="the other way round"
        ),
        pytest.param(
            a_pair(annotated=noted("web-v2", "v2", failed="v2", do="retry")), ("web-v2", "v2", 1), id="a person retries"
        ),
    ],
)
def test_what_is_new_on_the_idle_side_is_released(resting: Resting, expected: tuple[str, str, int] | None) -> None:
    assert begun(resting) == expected


def test_first_sight_releases_nothing_that_ran_on_the_other_side() -> None:
    """Opted in with all traffic on the annotated side: what the other one runs is old."""
    assert rest.decide(a_pair(WHOLE)).acts == (Retire("web-v1", "v1"),)


def test_second_attempt_is_counted() -> None:
    ended = a_release(Phase.ROLLED_BACK)
    ended = ended.model_copy(update={"spec": ended.spec.model_copy(update={"deployment": "web-v2", "pair": "web-v2"})})
    resting = a_pair(annotated=noted("web-v2", "v2", failed="v2", do="retry"), ended=(ended,))
    assert begun(resting) == ("web-v2", "v2", 2)
    assert rest.decide(resting).acts[-1] == ClearWish("retry")


def test_template_that_changes_under_users_is_said() -> None:
    active = a_side("web-v1", "v1", digests=frozenset({"v1", "v9"}))
    told = rest.decide(a_pair(annotated=noted("web-v2", "v2", failed="v2"), other=active)).told
    assert [one.reason for one in told] == ["ActiveSideChanged"]


def test_missing_second_deployment_is_named() -> None:
    told = rest.decide(a_pair(other=Side("web-v1", None), route=pairs.Survey(faults=("no lane",)))).told
    assert any("must name a Deployment of the namespace, got web-v1" in one.message for one in told)


def test_wish_without_a_release_is_cleared_and_said() -> None:
    decision = rest.decide(a_pair(annotated=noted("web-v2", "v2", failed="v2", do="promote")))
    assert decision.acts == (ClearWish("promote"),)
    assert decision.told[0].reason == "WishRefused"


def test_route_that_is_missing_is_looked_for_again() -> None:
    """No watch calls for a look at what rests: a route may be applied after the annotations."""
    decision = rest.decide(a_pair(route=pairs.Survey(faults=("no lane",))))
    assert [told.reason for told in decision.told] == ["Refused"]
    assert decision.look_again


def test_lists_that_do_not_agree_are_said_and_looked_at_again() -> None:
    decision = rest.decide(a_pair(route=pairs.Survey(parts=None)))
    assert [told.reason for told in decision.told] == ["Refused"]
    assert "different shares" in decision.told[0].message
    assert decision.look_again
