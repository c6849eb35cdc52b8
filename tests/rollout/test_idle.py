"""Idle: what a Deployment needs while no release is in flight, branch by branch."""

from typing import Any

import pytest

from deploy import names
from deploy.workload import Held
from rollout import idle
from rollout.idle import Idle
from rollout.seen import (
    Begin,
    ClearWish,
    Define,
    Hold,
    Leave,
    Mark,
    Restore,
    RevertTemplate,
    Steer,
    Sweep,
    Unhold,
    Unpause,
)
from rollout.status import Phase, Release
from tests.rollout.building import DOWN, a_plan, a_release, a_revision, a_workload, wishing

FAILED = {names.FAILED: "v2"}
PLAN = a_plan()


def ended(phase: Phase, reason: str = "SuccessRateLow", revision: str = "v2", attempt: int = 1) -> Release:
    release = a_release(phase, reason=reason)
    return release.model_copy(
        update={"spec": release.spec.model_copy(update={"revision": revision, "attempt": attempt})}
    )


def an_idle(workload: Any = None, **changes: Any) -> Idle:
    given: dict[str, Any] = {"revisions": (a_revision("v1"),), "plan": PLAN, **changes}
    return Idle(workload or a_workload(), **given)


OUT = {names.STRATEGY: None}


@pytest.mark.parametrize(
    ("found", "acts", "told"),
    [
        pytest.param(
            an_idle(a_workload(annotations=OUT)), (Leave(),), ["LeftPaused"], id="case 46: opted out while held"
        ),
        pytest.param(
            an_idle(a_workload(annotations=OUT, held=Held.LEFT)), (), [], id="left paused for its owner, said before"
        ),
        pytest.param(
            an_idle(a_workload("v1", annotations=OUT)),
            (Unpause("v1", None),),
            [],
            id="case 46: opted out while what runs anyway is held",
        ),
        pytest.param(
            an_idle(a_workload(annotations=OUT, held=Held.LEFT, paused=False)),
            (Unhold(),),
            [],
            id="resumed by its owner",
        ),
        pytest.param(an_idle(a_workload(annotations=OUT, held=None)), (), [], id="never opted in"),
        pytest.param(
            an_idle(a_workload(held=Held.LEFT)), (Hold(),), ["HeldAgain"], id="case 46: opted in again, held again"
        ),
        pytest.param(
            an_idle(a_workload(held=Held.LEFT, paused=False)), (Unhold(),), [], id="opted in again, resumed before"
        ),
        pytest.param(an_idle(a_workload(held=Held.ROLLING)), (), [], id="law 4: marked until it is rolled out"),
        pytest.param(
            an_idle(a_workload(held=Held.ROLLING, rolled_out=True)), (Unhold(),), [], id="law 4: then the mark goes"
        ),
        pytest.param(an_idle(a_workload("v1", held=None, paused=False)), (), [], id="at rest"),
        pytest.param(
            an_idle(wishing("promote", held=None)), (ClearWish("promote"),), ["WishRefused"], id="a wish at rest"
        ),
        pytest.param(
            an_idle(revisions=()), (Unpause("v2", None),), ["Unheld"], id="case 64: a restored backup comes up"
        ),
        pytest.param(
            an_idle(a_workload("v1")), (Unpause("v1", None),), ["Unheld"], id="case 41: held and running already"
        ),
        pytest.param(an_idle(), (Begin("v2", 1, PLAN),), [], id="a held template is a release"),
        pytest.param(
            an_idle(a_workload("v1"), revisions=(a_revision("v1", 2), a_revision("v0", 2))),
            (Begin("v1", 1, PLAN),),
            [],
            id="held in the midst of a native roll-out",
        ),
        pytest.param(
            an_idle(revisions=(a_revision("v1", 0),)),
            (Begin("v2", 1, PLAN),),
            [],
            id="case 67: held and scaled to zero",
        ),
        pytest.param(
            an_idle(wishing("abort")), (Begin("v2", 1, PLAN),), [], id="law 16: abort is kept for the release"
        ),
        pytest.param(
            an_idle(wishing("promote")), (ClearWish("promote"),), ["WishRefused"], id="law 16: other wishes go first"
        ),
        pytest.param(an_idle(wishing("retry")), (ClearWish("retry"),), ["WishRefused"], id="law 16: nothing to retry"),
        pytest.param(an_idle(a_workload(annotations=FAILED)), (), [], id="case 40: a failed template stays down"),
        pytest.param(
            an_idle(ended=(ended(Phase.ROLLED_BACK),)), (Mark("v2"),), [], id="law 3: an end without its mark is marked"
        ),
        pytest.param(
            an_idle(wishing("abort"), ended=(ended(Phase.CANCELLED, "Aborted"),)),
            (Mark("v2"),),
            [],
            id="law 3: before any wish but retry",
        ),
        pytest.param(
            an_idle(a_workload(annotations={**FAILED, names.DO: "abort"}), ended=(ended(Phase.CANCELLED, "Aborted"),)),
            (ClearWish("abort"),),
            [],
            id="an abort that was done and not cleared is no news",
        ),
        pytest.param(
            an_idle(a_workload(annotations={**FAILED, names.DO: "abort"}), ended=(ended(Phase.ROLLED_BACK),)),
            (ClearWish("abort"),),
            ["WishRefused"],
            id="an abort of what failed before",
        ),
        pytest.param(
            an_idle(malformed=("Release shop/x can not be read",)),
            (),
            [],
            id="no release beside one that can not be read",
        ),
        pytest.param(
            an_idle(a_workload(annotations={names.FAILED: "v0"}), ended=(ended(Phase.ROLLED_BACK, revision="v1"),)),
            (Begin("v2", 1, PLAN),),
            [],
            id="case 40: a later good one is released",
        ),
        pytest.param(
            an_idle(ended=(ended(Phase.CANCELLED, "ScaledToZero"),)),
            (Begin("v2", 2, PLAN),),
            [],
            id="an end that was not its fault",
        ),
        pytest.param(
            an_idle(ended=(ended(Phase.REVERTED),)), (Begin("v2", 2, PLAN),), [], id="law 7: reverted is not bad"
        ),
        pytest.param(
            an_idle(wishing("retry"), ended=(ended(Phase.ROLLED_BACK), ended(Phase.ROLLED_BACK, attempt=2))),
            (Begin("v2", 3, PLAN), ClearWish("retry")),
            [],
            id="law 16: retry is cleared after the release exists",
        ),
        pytest.param(
            an_idle(a_workload(annotations={**FAILED, names.DO: "retry"})),
            (Begin("v2", 2, PLAN), ClearWish("retry")),
            [],
            id="case 40: retry after its releases were pruned",
        ),
        pytest.param(
            an_idle(a_workload(annotations={**FAILED, names.DO: "revert"})),
            (RevertTemplate("v1"),),
            ["Reverted"],
            id="case 39: revert gives it up",
        ),
        pytest.param(
            an_idle(a_workload(annotations={**FAILED, names.DO: "revert"}), revisions=(a_revision("v1", 0),)),
            (ClearWish("revert"),),
            ["WishRefused"],
            id="nothing runs to revert to",
        ),
        pytest.param(
            an_idle(a_workload(annotations={**FAILED, names.DO: "promote"})),
            (ClearWish("promote"),),
            ["WishRefused"],
            id="a failed one is not promoted unjudged",
        ),
        pytest.param(an_idle(hold_missing="the policy is gone"), (), ["HoldMissing"], id="no release without the hold"),
        pytest.param(an_idle(plan=("steps are wrong",)), (), ["PlanInvalid"], id="no release without a plan"),
    ],
)
def test_each_state_at_rest_has_its_answer(found: Idle, acts: Any, told: list[str]) -> None:
    """The first that applies, and only what changed is said."""
    decision = idle.decide(found)
    assert decision.acts == acts
    assert [each.reason for each in decision.told] == told


@pytest.mark.parametrize(
    ("changes", "acts", "told"),
    [
        pytest.param(
            {"shown": True, "orphans": True, "legs": True, "down": DOWN}, (Steer(DOWN),), ["Swept"], id="traffic first"
        ),
        pytest.param({"shown": True, "orphans": True, "pinned": 1.5}, (), [], id="law 9: settles and drains"),
        pytest.param({"shown": True, "orphans": True, "pinned": 0.0}, (Sweep(),), [], id="law 9: then the canary"),
        pytest.param({"shown": True, "legs": True, "pinned": 0.0}, (Restore(),), ["Swept"], id="then the route"),
        pytest.param(
            {"shown": True, "orphans": True, "legs": True}, (Restore(),), ["Swept"], id="no stable pods to fall to"
        ),
        pytest.param({"orphans": True, "legs": True}, (Sweep(),), [], id="then canaries"),
        pytest.param({"legs": True}, (Define(frozenset()),), [], id="then legs"),
    ],
)
@pytest.mark.parametrize("workload", [a_workload(), a_workload(annotations=OUT), a_workload("v1", held=None)])
def test_what_a_vanished_release_left_goes_before_anything_else(
    workload: Any, changes: Any, acts: Any, told: list[str]
) -> None:
    """Law 9, whether held, opted out or at rest."""
    decision = idle.decide(an_idle(workload, **changes))
    assert (decision.acts, [each.reason for each in decision.told]) == (acts, told)
    assert decision.look_again is not None


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        pytest.param({}, [], id="nothing wrong"),
        pytest.param({"hold_missing": "no policy"}, ["HoldMissing"], id="hold"),
        pytest.param({"plan": ("steps",)}, ["PlanInvalid"], id="case 48: plan"),
        pytest.param({"refusals": ("no Service",)}, ["Refused"], id="case 49: service"),
        pytest.param(
            {"hold_missing": "x", "plan": ("y",), "refusals": ("z", "zz"), "telemetry": ("t",), "cautions": ("c",)},
            ["HoldMissing", "PlanInvalid", "Refused", "TelemetryMissing", "Caution"],
            id="everything",
        ),
    ],
)
def test_what_would_hinder_a_release_is_said_at_opt_in(changes: dict[str, Any], reasons: list[str]) -> None:
    """Case 50: the first sight of what already runs releases nothing and disturbs nothing."""
    decision = idle.decide(an_idle(a_workload("v1", held=None, paused=False), **changes))
    assert decision.acts == ()
    assert [told.reason for told in decision.told] == reasons


@pytest.mark.parametrize(
    ("workload", "changes", "acts"),
    [
        pytest.param(a_workload("v3"), {}, (Begin("v3", 1, PLAN),), id="law 13: it begins on the canary"),
        pytest.param(
            wishing("revert", digest="v3"), {}, (RevertTemplate("v2", Held.ROLLING),), id="law 4: back under the mark"
        ),
        pytest.param(
            wishing("revert", digest="v3"),
            {"revisions": (a_revision("v1"),)},
            (ClearWish("revert"),),
            id="no ReplicaSet to go back to",
        ),
        pytest.param(wishing("promote", digest="v3"), {}, (ClearWish("promote"),), id="law 16: too early"),
        pytest.param(wishing("abort", digest="v3"), {}, (Begin("v3", 1, PLAN),), id="law 16: abort is kept"),
        pytest.param(
            a_workload("v3", annotations={names.FAILED: "v3"}), {}, (), id="law 13: it failed and stays paused"
        ),
        pytest.param(a_workload("v3", annotations=OUT), {}, (), id="nothing begins after an opt-out"),
    ],
)
def test_a_newer_template_in_the_roll_out_stands_on_the_canary(workload: Any, changes: Any, acts: Any) -> None:
    """The successor of a release whose pods are half rolled."""
    sets = (a_revision("v1", 2), a_revision("v2", 2))
    found = an_idle(workload, **{"revisions": sets, **changes})
    assert idle.successor(found, a_release(Phase.PROMOTING)).acts == acts


def test_a_held_template_with_a_bad_plan_is_said_by_name_and_can_be_taken_back() -> None:
    """Another held template is news, and `revert` needs no plan."""
    faults = ("rampart.dev/bake must be at least 1s, got 0s",)
    told = idle.decide(an_idle(plan=faults)).told[0]
    assert (told.reason, "the held template v2 waits" in told.message) == ("PlanInvalid", True)
    decision = idle.decide(an_idle(plan=faults, workload=a_workload(annotations={names.DO: "revert"})))
    assert ([type(act) for act in decision.acts], decision.told[0].reason) == ([RevertTemplate], "Reverted")
