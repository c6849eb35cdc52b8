"""Resting paused: what is decided otherwise where no policy holds a changed template, branch by branch."""

from typing import Any

import pytest

from deploy import names
from deploy.hold import Mode
from deploy.workload import Held, Revision, Workload
from rollout import resting
from rollout.idle import Idle
from rollout.seen import (
    Begin,
    ClearWish,
    Hold,
    Leave,
    Mark,
    Record,
    Rest,
    Restore,
    RevertTemplate,
    Unhold,
    Unpause,
)
from rollout.status import Phase
from tests.rollout.building import PACE, a_canary, a_look, a_plan, a_release, a_revision, a_survey, a_workload

PLAN = a_plan()
LATER = {"metadata": {"annotations": {names.RESTARTED_AT: "2026-01-02T00:00:00Z"}}}


def a_rest(digest: str = "v1", **changes: Any) -> Workload:
    """The Deployment as the controller keeps it: paused, and running what its template says."""
    return a_workload(digest, **{"held": Held.REST, "rolled_out": True, **changes})


def an_idle(workload: Workload | None = None, **changes: Any) -> Idle:
    given: dict[str, Any] = {"revisions": (a_revision("v1"),), "plan": PLAN, **changes}
    return Idle(workload or a_rest(), **given)


def numbered(digest: str, number: int, replicas: int = 0) -> Revision:
    return Revision(digest, digest, replicas, replicas, {}, number)


HISTORY = (numbered("v1", 3, 4), numbered("v0", 1), numbered("v9", 2))
HALF_WAY = (a_revision("v1", 3), a_revision("v2", 1))
RESTARTING = (Revision("a", "v1", 2, 2, {}, 1), Revision("b", "v1", 2, 0, LATER, 2))
OUT = {names.STRATEGY: None}


@pytest.mark.parametrize(
    ("found", "acts", "told"),
    [
        pytest.param(an_idle(), (), [], id="at rest"),
        pytest.param(an_idle(a_rest(held=None, paused=False)), (Rest(),), ["KeptPaused"], id="opted in"),
        pytest.param(an_idle(a_rest(held=None)), (Rest(),), ["KeptPaused"], id="paused by its owner, and the same"),
        pytest.param(an_idle(a_rest(paused=False)), (Rest(),), [], id="a restart is over, or it was resumed"),
        pytest.param(
            an_idle(a_rest("v2", held=None, paused=False, rolled_out=False), revisions=HALF_WAY),
            (),
            [],
            id="opted in while it rolls: waits",
        ),
        pytest.param(
            an_idle(a_rest(held=None, paused=False, rolled_out=False)),
            (Rest(),),
            ["KeptPaused"],
            id="opted in with pods that do not come up: nothing rolls, and their fix must not be refused",
        ),
        pytest.param(
            an_idle(a_rest(template=LATER, paused=False, rolled_out=False)), (), [], id="a restart was only written"
        ),
        pytest.param(
            an_idle(a_rest(template=LATER, paused=False, rolled_out=False), revisions=RESTARTING),
            (),
            [],
            id="a restart goes on",
        ),
        pytest.param(
            an_idle(a_rest(template=LATER, paused=False, rolled_out=False), revisions=RESTARTING[1:]),
            (Rest(),),
            [],
            id="a restart replaced all pods, not all are available",
        ),
        pytest.param(
            an_idle(a_rest("v2", template=LATER, rolled_out=False), revisions=RESTARTING),
            (Hold(),),
            [],
            id="a restart that its owner paused, and its fix: held",
        ),
        pytest.param(
            an_idle(a_rest("v2", paused=False, rolled_out=False), revisions=(a_revision("v1", 3), a_revision("v2", 1))),
            (),
            ["HoldEscaped"],
            id="somebody rolls a changed template out",
        ),
        pytest.param(an_idle(a_rest("v2", rolled_out=False)), (Hold(),), [], id="a changed template is held"),
        pytest.param(
            an_idle(a_rest("v2", held=None, rolled_out=False)), (Hold(),), [], id="its owner's pause, and changed"
        ),
        pytest.param(an_idle(a_workload()), (Begin("v2", 1, PLAN),), [], id="then it is a release"),
        pytest.param(an_idle(a_workload("v1")), (Rest(),), ["Unheld"], id="held, and the running one again"),
        pytest.param(
            an_idle(a_workload(annotations={names.FAILED: "v2"})), (), [], id="case 40: a failed template stays down"
        ),
        pytest.param(
            an_idle(a_workload(annotations={names.FAILED: "v2", names.DO: "revert"})),
            (RevertTemplate("v1", Held.REST),),
            ["Reverted"],
            id="given up: the running template, paused",
        ),
        pytest.param(an_idle(a_rest(template=LATER)), (Unpause("v1", Held.REST),), ["Restarting"], id="a restart"),
        pytest.param(
            an_idle(a_rest(template=LATER), revisions=(Revision("a", "v1", 4, 4, LATER),)), (), [], id="restarted"
        ),
        pytest.param(
            an_idle(a_rest(annotations={names.DO: "revert"}), revisions=HISTORY),
            (RevertTemplate("v9", Held.REST),),
            ["Reverted"],
            id="revert at rest is an undo to the one before",
        ),
        pytest.param(
            an_idle(a_rest(annotations={names.DO: "revert"})),
            (ClearWish("revert"),),
            ["WishRefused"],
            id="nothing to go back to",
        ),
        pytest.param(
            an_idle(a_rest(annotations={names.DO: "promote"})), (ClearWish("promote"),), ["WishRefused"], id="a wish"
        ),
        pytest.param(
            an_idle(a_rest(held=None, paused=False, annotations={names.DO: "abort"})),
            (ClearWish("abort"),),
            ["WishRefused"],
            id="a wish goes before the pause, which clears it",
        ),
        pytest.param(an_idle(revisions=()), (Unpause("v1", Held.ROLLING),), ["Unheld"], id="case 64: restored, rests"),
        pytest.param(
            an_idle(a_workload(), revisions=()),
            (Unpause("v2", Held.ROLLING),),
            ["Unheld"],
            id="case 64: restored, held",
        ),
        pytest.param(
            an_idle(a_rest("v2", replicas=0), revisions=(numbered("v1", 1), numbered("v2", 0))),
            (Unpause("v2", Held.ROLLING),),
            [],
            id="behind zero replicas nothing is held",
        ),
        pytest.param(an_idle(a_rest(replicas=0), revisions=(numbered("v1", 1),)), (), [], id="zero replicas, at rest"),
        pytest.param(
            an_idle(a_rest(held=None, replicas=0), revisions=(numbered("v1", 1),)),
            (Rest(),),
            ["KeptPaused"],
            id="zero replicas, paused by its owner",
        ),
        pytest.param(an_idle(revisions=(numbered("v1", 1),)), (), [], id="just scaled up from zero: waits"),
        pytest.param(
            an_idle(a_workload("v2", held=Held.ROLLING, paused=False), revisions=HALF_WAY), (), [], id="it rolls"
        ),
        pytest.param(
            an_idle(a_workload("v2", held=Held.ROLLING)),
            (Hold(),),
            [],
            id="let start, and paused beside a changed template before it came up: held",
        ),
        pytest.param(
            an_idle(a_workload("v1", held=Held.ROLLING)),
            (Rest(),),
            ["KeptPaused"],
            id="let start, and paused by its owner before it came up",
        ),
        pytest.param(
            an_idle(a_workload("v1", held=Held.ROLLING, paused=False, rolled_out=True)), (Rest(),), [], id="it rolled"
        ),
        pytest.param(an_idle(a_workload(held=Held.LEFT)), (Hold(),), ["HeldAgain"], id="opted in again, left paused"),
        pytest.param(
            an_idle(a_workload(paused=False, rolled_out=False)), (Unhold(),), [], id="escaped: not paused half way"
        ),
        pytest.param(an_idle(shown=True), (Restore(),), ["Swept"], id="what a release left goes first"),
        pytest.param(
            an_idle(a_rest(annotations=OUT)), (Unpause("v1", None),), [], id="opted out: as its owner wrote it"
        ),
        pytest.param(
            an_idle(a_rest("v2", annotations=OUT)), (Leave(),), ["LeftPaused"], id="opted out: changed and not judged"
        ),
        pytest.param(
            an_idle(a_rest(annotations=OUT, replicas=0), revisions=()),
            (Unpause("v1", None),),
            [],
            id="opted out: nothing runs",
        ),
        pytest.param(an_idle(a_rest(annotations=OUT, paused=False)), (Unhold(),), [], id="opted out and resumed"),
        pytest.param(
            an_idle(a_workload("v2", held=Held.ROLLING, annotations=OUT), revisions=HALF_WAY),
            (Leave(),),
            ["LeftPaused"],
            id="opted out, paused half way: its owner may resume it",
        ),
        pytest.param(
            an_idle(a_workload("v1", held=Held.ROLLING, annotations=OUT)),
            (Unpause("v1", None),),
            [],
            id="opted out, paused while it came up",
        ),
    ],
)
def test_kept_paused(found: Idle, acts: tuple[object, ...], told: list[str]) -> None:
    """The acts and the reasons of a look without a release in flight."""
    decision = resting.MINDS[Mode.PAUSE].at_rest(found)
    assert decision.acts == acts
    assert [item.reason for item in decision.told] == told


@pytest.mark.parametrize(
    ("found", "acts"),
    [
        pytest.param(an_idle(), (Unpause("v1", None),), id="what rested paused is let go"),
        pytest.param(an_idle(a_rest("v2")), (Hold(),), id="a changed template is held"),
        pytest.param(an_idle(a_rest(paused=False)), (Unhold(),), id="un-paused: the mark goes"),
        pytest.param(an_idle(revisions=()), (Unpause("v1", None),), id="nothing runs"),
    ],
)
def test_policies_take_over_from_the_pause(found: Idle, acts: tuple[object, ...]) -> None:
    """After an upgrade of the cluster and of the chart."""
    assert resting.MINDS[Mode.POLICIES].at_rest(found).acts == acts


ROLLED = a_look(
    workload=a_workload(held=Held.ROLLING, paused=False, rolled_out=True),
    canary=a_canary(4),
    revisions=(a_revision("v2"), a_revision("v1", 0)),
)


def test_it_is_paused_before_users_go_to_its_own_pods() -> None:
    """A template that changes from then on finds it paused."""
    release = a_release(Phase.PROMOTING, outcome=None)
    decision = resting.in_flight(release, ROLLED, PACE)
    assert [type(act) for act in decision.acts] == [Rest, Record]
    policies = resting.MINDS[Mode.POLICIES].in_flight(release, ROLLED, PACE)
    assert [type(act) for act in policies.acts] == [Record]


@pytest.mark.parametrize("held", [Held.ROLLING, Held.REST])
@pytest.mark.parametrize("paused", [True, False])
def test_a_newer_template_in_the_roll_out_is_held_at_once(held: Held, paused: bool) -> None:
    """No policy has marked it, and while users are on the canary nothing unjudged may roll."""
    look = a_look(
        workload=a_workload("v3", held=held, paused=paused), revisions=(a_revision("v2", 2), a_revision("v1", 2))
    )
    assert resting.in_flight(a_release(Phase.PROMOTING), look, PACE).acts == (Hold(),)


def test_a_reverted_release_leaves_it_paused() -> None:
    """The template is the running one again: there is nothing to let go."""
    look = a_look(workload=a_workload("v1"), canary=None, route=a_survey(None, legs=frozenset()))
    release = a_release(Phase.ROLLING_BACK, reason="Reverted", outcome=Phase.REVERTED)
    acts = resting.in_flight(release, look, PACE).acts
    assert Rest() in acts
    assert not [act for act in acts if isinstance(act, Unpause)]


def test_a_bad_one_is_marked_and_stays_held() -> None:
    """As ever."""
    look = a_look(canary=None, route=a_survey(None, legs=frozenset()))
    release = a_release(Phase.ROLLING_BACK, reason="SuccessRateLow", outcome=Phase.ROLLED_BACK)
    assert Mark("v2") in resting.in_flight(release, look, PACE).acts
