"""The machine: what each course lays out, and in which order; the decisions that whole stories do not reach."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from analysis.verdict import Reason, Verdict
from deploy import names
from deploy.workload import Held
from rollout import idle, machine
from rollout.idle import Idle
from rollout.seen import (
    Act,
    ClearWish,
    Decision,
    Define,
    Leave,
    Mark,
    Record,
    Replan,
    Restore,
    RevertTemplate,
    Seen,
    Steer,
    Told,
    Unhold,
    Unpause,
)
from rollout.signals import Signal, Stage
from rollout.status import Phase, Release
from tests.rollout.building import (
    ALL,
    CANARY,
    DOWN,
    PACE,
    PINNED,
    START,
    STEP,
    V1,
    a_base,
    a_canary,
    a_judgement,
    a_look,
    a_plan,
    a_release,
    a_revision,
    a_survey,
    a_workload,
    after,
    split,
    wishing,
)

FAILED = a_judgement(Verdict.FAIL, text="success rate 80 %")
ROLLING = (a_revision("v1", 2), a_revision("v2", 2))
OPTED_OUT = {names.STRATEGY: None}
SHOWN = frozenset({V1, CANARY})


def decided(release: Release, **seen: Any) -> Decision:
    return machine.decide(release, a_look(**seen), PACE)


def kinds(acts: tuple[Act, ...]) -> list[str]:
    return [type(act).__name__ for act in acts]


def recorded(decision: Decision) -> Any:
    """The last status that the decision writes."""
    return [act.status for act in decision.acts if isinstance(act, Record)][-1]


@pytest.mark.parametrize(
    ("seen", "acts", "reason", "outcome"),
    [
        pytest.param({"judgement": FAILED}, ["Steer", "Mark", "Record"], "SuccessRateLow", Phase.ROLLED_BACK, id="bad"),
        pytest.param(
            {"canary": a_canary(dead="crash")}, ["Steer", "Mark", "Record"], "CanaryDead", Phase.ROLLED_BACK, id="dead"
        ),
        pytest.param(
            {"now": after(1801)}, ["Steer", "Mark", "Record"], "DeadlinePassed", Phase.CANCELLED, id="deadline"
        ),
        pytest.param(
            {"workload": wishing("abort")}, ["Steer", "Mark", "Record"], "Aborted", Phase.CANCELLED, id="abort"
        ),
        pytest.param(
            {"workload": wishing("revert")}, ["Steer", "Record"], "RevertWished", Phase.REVERTED, id="revert by wish"
        ),
        pytest.param({"workload": a_workload("v1")}, ["Steer", "Record"], "Reverted", Phase.REVERTED, id="revert"),
        pytest.param({"workload": a_workload("v3")}, ["Steer", "Record"], "Superseded", Phase.SUPERSEDED, id="newer"),
        pytest.param(
            {"workload": a_workload(annotations=OPTED_OUT)},
            ["Steer", "Record"],
            "OptedOut",
            Phase.CANCELLED,
            id="opt-out",
        ),
        pytest.param(
            {"release_deleting": True}, ["Steer", "Mark", "Record"], "ReleaseDeleted", Phase.CANCELLED, id="deletion"
        ),
        pytest.param({"workload": None}, ["Restore", "Record"], "DeploymentGone", Phase.CANCELLED, id="no Deployment"),
        pytest.param(
            {"workload": a_workload(replicas=0)}, ["Steer", "Record"], "ScaledToZero", Phase.CANCELLED, id="no pods"
        ),
        pytest.param({"route": a_survey(DOWN)}, ["Record"], "FallFound", Phase.REVERTED, id="a fall found done"),
        pytest.param(
            {"route": a_survey(DOWN, agreed=False, shown=SHOWN)},
            ["Steer", "Record"],
            "FallFound",
            Phase.REVERTED,
            id="half a fall",
        ),
        pytest.param(
            {"workload": a_workload(paused=False)}, ["Restore", "Record"], "HoldEscaped", Phase.CANCELLED, id="escaped"
        ),
    ],
)
def test_a_fall_is_the_route_then_the_mark_then_the_record(
    seen: dict[str, Any], acts: list[str], reason: str, outcome: Phase
) -> None:
    """Laws 3 and 6: the first write is the route's, the mark comes before the record, the wish stays."""
    decision = decided(a_release(), **seen)
    assert kinds(decision.acts) == acts
    assert all(act.split == DOWN for act in decision.acts if isinstance(act, Steer))
    status = recorded(decision)
    assert (status.phase, status.outcome, status.weight, status.reason) == (Phase.ROLLING_BACK, outcome, 0, reason)
    assert [told.reason for told in decision.told] == [reason]
    assert decision.look_again == 0


@pytest.mark.parametrize(
    ("workload", "marked"),
    [
        pytest.param(a_workload(), True, id="the verdict alone"),
        pytest.param(a_workload("v3"), False, id="with a newer template, which no mark concerns"),
        pytest.param(a_workload("v1"), False, id="with a revert"),
        pytest.param(a_workload(annotations=OPTED_OUT), True, id="with an opt-out"),
        pytest.param(wishing("abort"), True, id="with an abort"),
        pytest.param(wishing("revert"), True, id="with a wish to revert"),
        pytest.param(a_workload(replicas=0), True, id="with no pods wanted"),
    ],
)
@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param({"judgement": FAILED}, "SuccessRateLow", id="judged bad"),
        pytest.param({"canary": a_canary(dead="crash")}, "CanaryDead", id="dead"),
    ],
)
def test_a_version_judged_bad_ends_as_such_whatever_else_arrives(
    workload: Any, marked: bool, bad: dict[str, Any], reason: str
) -> None:
    """Law 15: nothing in the same look hides a failure."""
    decision = decided(a_release(), workload=workload, **bad)
    assert (recorded(decision).outcome, recorded(decision).reason) == (Phase.ROLLED_BACK, reason)
    assert (Mark("v2") in decision.acts) is marked


@pytest.mark.parametrize(
    ("signal", "seen", "words"),
    [
        pytest.param(Signal.JUDGED_BAD, {"judgement": FAILED}, "success rate 80 %", id="judged"),
        pytest.param(Signal.JUDGED_BAD, {}, "judged bad", id="judged, words lost"),
        pytest.param(
            Signal.CANARY_DEAD, {"canary": a_canary(dead="pod a: CrashLoopBackOff")}, "pod a: Crash", id="dead"
        ),
        pytest.param(Signal.CANARY_DEAD, {"canary": None}, "the canary Deployment was deleted", id="dead and gone"),
        pytest.param(
            Signal.NO_DATA_CANCELLED,
            {"judgement": a_judgement(Verdict.NO_DATA, text="no requests in 60 s")},
            "cancelled as the plan says: no requests in 60 s",
            id="no data",
        ),
        pytest.param(Signal.NO_DATA_CANCELLED, {}, "cancelled as the plan says: no data", id="no data, words lost"),
        pytest.param(
            Signal.DEADLINE_PASSED,
            {"canary": a_canary(waiting="pod a: Unschedulable")},
            "the deadline of 30m has passed; last: pod a: Unschedulable",
            id="deadline with the pod's own reason",
        ),
        pytest.param(
            Signal.DEADLINE_PASSED,
            {},
            "the deadline of 30m has passed; last: step 1",
            id="deadline with the last words",
        ),
        pytest.param(Signal.SUPERSEDED, {"workload": a_workload("v3")}, "a newer template v3 took", id="newer"),
        pytest.param(Signal.SUPERSEDED, {"workload": None}, "a newer template  took", id="newer, then gone"),
        pytest.param(Signal.ROUTE_CONTESTED, {"drift": "host changed"}, "the route: host changed", id="contested"),
        pytest.param(Signal.ROUTE_CONTESTED, {}, "the route: our legs were taken out", id="legs taken out"),
        pytest.param(Signal.PAUSE_WISHED, {}, "PauseWished", id="what needs no words"),
    ],
)
def test_every_cause_has_its_sentence(signal: Signal, seen: dict[str, Any], words: str) -> None:
    """Promise 9: with what was measured, or the pods' own words."""
    assert words in machine.why(signal, a_release(message="step 1"), a_look(**seen))


@pytest.mark.parametrize(
    ("seen", "acts", "phase"),
    [
        pytest.param(
            {"workload": wishing("abort")},
            [Mark("v2"), "Record", ClearWish("abort")],
            Phase.CANCELLED,
            id="abort is marked, recorded, and cleared last",
        ),
        pytest.param({"release_deleting": True}, [Mark("v2"), "Record"], Phase.CANCELLED, id="deleted"),
        pytest.param(
            {"workload": a_workload(annotations=OPTED_OUT)}, [Leave(), "Record"], Phase.CANCELLED, id="opted out"
        ),
        pytest.param(
            {"workload": a_workload(annotations=OPTED_OUT, held=None)},
            ["Record"],
            Phase.CANCELLED,
            id="opted out, free",
        ),
        pytest.param(
            {"workload": a_workload("v1", annotations=OPTED_OUT)},
            [Unpause("v1", None), "Record"],
            Phase.CANCELLED,
            id="opted out and reverted in one write: what runs is not left paused",
        ),
        pytest.param({"workload": a_workload("v1")}, [Unpause("v1", None), "Record"], Phase.REVERTED, id="reverted"),
        pytest.param({"workload": a_workload("v3")}, ["Record"], Phase.SUPERSEDED, id="superseded"),
        pytest.param(
            {"workload": wishing("revert")}, [RevertTemplate("v1"), "Record"], Phase.REVERTED, id="revert by wish"
        ),
        pytest.param(
            {"workload": wishing("revert"), "revisions": ()}, ["Record"], Phase.REVERTED, id="nothing to revert to"
        ),
        pytest.param(
            {"workload": wishing("revert", replicas=0), "revisions": (a_revision("new", 0), a_revision("v1", 0))},
            [RevertTemplate("new"), "Record"],
            Phase.REVERTED,
            id="case 51: revert by wish behind zero replicas, to the newest",
        ),
        pytest.param({"workload": None}, ["Record"], Phase.CANCELLED, id="Deployment gone"),
        pytest.param({"workload": a_workload("v3", deleting=True)}, ["Record"], Phase.CANCELLED, id="it goes"),
        pytest.param(
            {"workload": a_workload(paused=False)}, [Unhold(), "Record"], Phase.CANCELLED, id="escaped with our mark"
        ),
        pytest.param(
            {"workload": a_workload(paused=False, held=None)}, ["Record"], Phase.CANCELLED, id="escaped, and unmarked"
        ),
    ],
)
def test_a_release_that_split_nothing_ends_at_once(seen: dict[str, Any], acts: list[Any], phase: Phase) -> None:
    """In Pending no route is touched; what the Deployment needs is done before the end is recorded."""
    decision = decided(a_release(Phase.PENDING), route=a_survey(None, legs=frozenset()), **seen)
    assert [act if act in acts else type(act).__name__ for act in decision.acts] == acts
    assert (recorded(decision).phase, recorded(decision).ended) == (phase, after(60))


@pytest.mark.parametrize(
    ("workload", "acts", "phase", "reason"),
    [
        pytest.param(a_workload("v1"), ["Record"], Phase.REVERTED, "Reverted", id="back to the base's, which goes on"),
        pytest.param(
            a_workload("v0"), ["Record"], Phase.SUPERSEDED, "Superseded", id="to the old one, which the base turns to"
        ),
        pytest.param(
            wishing("revert"),
            [RevertTemplate("v1", Held.ROLLING), "Record"],
            Phase.REVERTED,
            "RevertWished",
            id="by wish, to the base's, under the mark",
        ),
        pytest.param(a_workload("v3"), ["Record"], Phase.SUPERSEDED, "Superseded", id="to a newer one"),
    ],
)
def test_a_release_that_would_stand_on_a_base_leaves_the_base_its_roll_out(
    workload: Any, acts: list[Any], phase: Phase, reason: str
) -> None:
    """Laws 4 and 13: v2 waits in Pending while v1 rolls on its canary, with pods of v0 left."""
    half = (a_revision("v0", 3), a_revision("v1", 1))
    decision = decided(a_release(Phase.PENDING), workload=workload, base=a_base(), revisions=half)
    assert [act if act in acts else type(act).__name__ for act in decision.acts] == acts
    assert (recorded(decision).phase, recorded(decision).reason) == (phase, reason)


def test_a_base_whose_replica_set_is_gone_is_not_reverted_to() -> None:
    """There is no template to put back: the end alone."""
    decision = decided(a_release(Phase.PENDING), workload=wishing("revert"), base=a_base(), revisions=())
    assert kinds(decision.acts) == ["Record"]


def test_a_template_that_escaped_in_pending_is_not_begun_again() -> None:
    """The mark goes with the end, so that the next look finds a Deployment at rest."""
    ended = a_release(Phase.CANCELLED, reason="HoldEscaped")
    rest = Idle(a_workload(paused=False, held=None), (a_revision("v1"),), (ended,), a_plan())
    assert idle.decide(rest) == Decision()
    assert idle.decide(replace(rest, workload=a_workload(paused=False))).acts == (Unhold(),)


@pytest.mark.parametrize(
    "recorded_plan",
    [
        pytest.param({"policy": "strict"}, id="a key of a newer version"),
        pytest.param({"judge": "evidence"}, id="a value of a newer version"),
        pytest.param({"steps": "50,5", "interval": "soon"}, id="nonsense"),
        pytest.param({"deadline": "1s"}, id="a deadline shorter than the plan"),
    ],
)
def test_a_recorded_plan_that_can_not_be_read_stops_no_abort(recorded_plan: dict[str, str]) -> None:
    """Promises 3 and 10: a release of a newer controller still falls."""
    release = a_release()
    plan = {**release.spec.plan, **recorded_plan}
    release = release.model_copy(update={"spec": release.spec.model_copy(update={"plan": plan})})
    decision = decided(release, workload=wishing("abort"), plan=("x",))
    assert kinds(decision.acts) == ["Steer", "Mark", "Record"]
    assert decided(release, plan=("x",), judgement=FAILED).acts[0] == Steer(DOWN)


def test_a_deleted_release_of_another_template_marks_nothing() -> None:
    """A mark concerns the template that is there."""
    decision = decided(a_release(Phase.PENDING), workload=a_workload("v3"), release_deleting=True)
    assert kinds(decision.acts) == ["Record"]


@pytest.mark.parametrize(
    ("release", "seen", "wish"),
    [
        pytest.param(a_release(), {"workload": wishing("retry")}, "retry", id="retry in flight"),
        pytest.param(
            a_release(Phase.FINISHING), {"workload": wishing("promote", held=Held.ROLLING)}, "promote", id="too late"
        ),
        pytest.param(a_release(Phase.ROLLING_BACK), {"workload": wishing("pause")}, "pause", id="no pause of a fall"),
        pytest.param(
            a_release(Phase.FINISHING), {"workload": wishing("revert")}, "revert", id="revert while finishing"
        ),
        pytest.param(
            a_release(Phase.PROMOTING, outcome=Phase.REVERTED, stable_digests=("v0",)),
            {"workload": wishing("revert"), "revisions": ROLLING},
            "revert",
            id="revert to a ReplicaSet that is gone",
        ),
    ],
)
def test_a_wish_that_does_not_fit_is_cleared_and_said(release: Release, seen: dict[str, Any], wish: str) -> None:
    """Nothing else changes."""
    decision = decided(release, **seen)
    assert decision.acts == (ClearWish(wish),)
    assert decision.told[0].reason == "WishRefused"
    assert f"do={wish} does not fit a release in phase {release.status.phase}" in decision.told[0].message


def test_nothing_to_refuse_goes_on() -> None:
    """A Deployment that vanished has no wish to clear."""
    release = a_release(Phase.ROLLING_BACK)
    seen = a_look(workload=None, route=a_survey(None, legs=frozenset()), canary=None)
    assert recorded(machine.refuse(Stage.ROLLING_BACK, release, seen, PACE)).phase is Phase.REVERTED


@pytest.mark.parametrize(
    ("paused_at", "since", "expected"),
    [
        pytest.param(None, START, None, id="nothing is paused"),
        pytest.param(after(20), START, (40.0, after(60)), id="the step's clock begins anew"),
        pytest.param(after(20), None, (40.0, None), id="no step has begun"),
    ],
)
def test_resume_gives_the_deadline_its_time_back(paused_at: Any, since: Any, expected: Any) -> None:
    """The deadline's clock stood still while a person held."""
    decision = decided(a_release(paused_at=paused_at, since=since, holding="Paused"), workload=wishing("resume"))
    assert decision.acts[-1] == ClearWish("resume")
    if expected is None:
        assert (kinds(decision.acts), decision.told[0].reason) == (["ClearWish"], "NothingToResume")
    else:
        status = recorded(decision)
        assert (status.paused_seconds, status.since) == expected
        assert (status.paused_at, status.holding) == (None, "")


def test_a_second_pause_keeps_the_first_moment() -> None:
    """The time that a person holds is counted from its beginning."""
    decision = decided(a_release(paused_at=after(10)), workload=wishing("pause"))
    assert (recorded(decision).paused_at, recorded(decision).holding) == (after(10), "Paused")
    assert decision.acts[-1] == ClearWish("pause")


def test_an_edited_plan_counts_from_here_on_and_is_said() -> None:
    """Case 47 and promise 9: recorded first, so that it is told once; neither weight nor clock moves."""
    plan = a_plan(steps="7,60", interval="30s")
    decision = decided(a_release(), plan=plan)
    assert (kinds(decision.acts), decision.acts[-1]) == (["Record", "Replan"], Replan(plan))
    status = recorded(decision)
    assert (status.phase, status.weight, status.since) == (Phase.STEPPING, 5, START)
    text = "interval 1m → 30s, steps 5,25,50 → 7,60; from 5 % on: 7,60"
    assert decision.told == (Told("PlanChanged", text),)
    assert [(line.reason, line.message) for line in status.decisions] == [("PlanChanged", text)]


def test_a_plan_edited_to_blue_green_has_no_steps() -> None:
    """Said as such."""
    assert decided(a_release(), plan=a_plan(strategy="blue-green")).told[0].message.endswith("on: no steps")


def test_a_plan_that_can_not_be_read_has_no_course() -> None:
    """The chain never names it; a caller that would is wrong."""
    with pytest.raises(TypeError, match="can not be read"):
        machine.replan(a_release(), a_look(plan=("x",)))


@pytest.mark.parametrize(
    ("seen", "acts"),
    [
        pytest.param({"drift": "host changed"}, ["Record", "Steer"], id="saved, then split again"),
        pytest.param(
            {"route": a_survey(None, legs=frozenset({V1}))}, ["Define"], id="legs first where the rule lost them"
        ),
        pytest.param({"drift": "host changed", "route_age": 0.5}, [], id="after it has settled"),
        pytest.param(
            {"drift": "host changed", "route": a_survey(None, faults=("not ours",))},
            ["Mark", "Record"],
            id="unsplittable",
        ),
    ],
)
def test_a_drifted_route_is_saved_and_split_again(seen: dict[str, Any], acts: list[str]) -> None:
    """Law 17: save, add legs if they are lost, split again."""
    decision = decided(a_release(), **seen)
    assert kinds(decision.acts) == acts
    if "Steer" in acts:
        assert (recorded(decision).drifts, recorded(decision).saved) == ((after(60),), {"content": "user's"})
        assert Steer(STEP) in decision.acts
    if "Mark" in acts:
        assert (recorded(decision).phase, recorded(decision).reason) == (Phase.ROLLING_BACK, "RouteContested")


@pytest.mark.parametrize(
    ("canary", "steered", "text"),
    [
        pytest.param(a_canary(1), STEP, "split again at 5 %", id="ready"),
        pytest.param(a_canary(1, ready=0), PINNED, "split again at 0 %", id="not ready"),
    ],
)
def test_a_route_is_split_again_only_onto_pods_that_are_ready(canary: Any, steered: Any, text: str) -> None:
    """Every leg with weight leads to ready pods; the weight rises again when they are."""
    route = a_survey(None)
    decision = machine.resplit(a_release(), a_look(canary=canary, route=route), PACE)
    assert decision.acts[-1] == Steer(steered)
    assert decision.told[0].message.endswith(text)
    assert recorded(decision).weight == 5


def test_only_the_last_rewrites_are_remembered() -> None:
    """Case 12: no growing list."""
    drifts = tuple(after(n - 10_000) for n in range(4))
    assert recorded(decided(a_release(drifts=drifts), drift="host changed")).drifts == (*drifts[1:], after(60))


def test_a_contested_route_is_left_to_the_other_writer() -> None:
    """Law 17: no route is written; RollingBack takes the canary away."""
    drifts = tuple(after(n) for n in range(4))
    decision = decided(a_release(drifts=drifts), route=a_survey(None), drift="host changed")
    assert kinds(decision.acts) == ["Mark", "Record"]
    assert recorded(decision).outcome is Phase.CANCELLED


@pytest.mark.parametrize(
    "route",
    [
        pytest.param(a_survey(STEP), id="in every list"),
        pytest.param(a_survey(DOWN, agreed=False, shown=SHOWN), id="in one of several"),
    ],
)
def test_a_contested_route_that_still_shows_our_leg_is_steered_first(route: Any) -> None:
    """Law 6: the canary must not go while traffic is sent to it."""
    drifts = tuple(after(n) for n in range(4))
    decision = decided(a_release(drifts=drifts), route=route, drift="host changed")
    assert kinds(decision.acts) == ["Steer", "Mark", "Record"]
    assert (decision.acts[0], recorded(decision).reason) == (Steer(DOWN), "RouteContested")


def test_a_route_that_became_impossible_holds_once_pods_have_rolled() -> None:
    """Law 11: there is nothing whole to fall to; before the first rolled pod it falls."""
    look: dict[str, Any] = {"drift": "mirrors", "route": a_survey(ALL, faults=("mirrors",)), "canary": a_canary(4)}
    rolling = a_workload(paused=False, held=Held.ROLLING)
    decision = decided(a_release(Phase.PROMOTING), workload=rolling, revisions=ROLLING, **look)
    assert (kinds(decision.acts), recorded(decision).phase) == (["Record"], Phase.PROMOTING)
    assert recorded(decision).holding == "RouteRefused"
    assert recorded(decided(a_release(Phase.PROMOTING), **look)).phase is Phase.ROLLING_BACK


@pytest.mark.parametrize(
    ("workload", "seen", "acts", "reason"),
    [
        pytest.param(wishing("abort", paused=False), {}, ["Record", "ClearWish"], "AbortTooLate", id="abort"),
        pytest.param(
            a_workload(paused=False, annotations=OPTED_OUT), {"canary": a_canary(4)}, [], None, id="opt-out goes on"
        ),
        pytest.param(a_workload("v1", paused=False), {}, ["Record"], "Reverted", id="revert turns"),
        pytest.param(wishing("revert", paused=False), {}, ["Record"], "RevertWished", id="revert by wish turns"),
        pytest.param(
            a_workload("v3"), {"canary": a_canary(4)}, ["Record"], "Superseded", id="a newer template stands on it"
        ),
        pytest.param(a_workload("v3"), {"canary": a_canary(3)}, ["Raise"], None, id="at full size, first of all"),
        pytest.param(a_workload("v3"), {"canary": None}, ["Record"], "Superseded", id="no canary to raise"),
        pytest.param(
            a_workload("v3", annotations=OPTED_OUT),
            {"canary": a_canary(4)},
            ["Record"],
            "OptedOut",
            id="opted out with a newer template",
        ),
    ],
)
def test_users_stay_on_the_canary_once_pods_have_rolled(
    workload: Any, seen: dict[str, Any], acts: list[str], reason: str | None
) -> None:
    """Law 11: none of these touches the route."""
    decision = decided(a_release(Phase.PROMOTING), workload=workload, revisions=ROLLING, route=a_survey(ALL), **seen)
    assert kinds(decision.acts) == acts
    assert [told.reason for told in decision.told] == ([reason] if reason else [])


def test_an_abort_while_finishing_is_too_late() -> None:
    """The canary is leaving; the wish is cleared and said."""
    decision = decided(a_release(Phase.FINISHING), workload=wishing("abort", held=Held.ROLLING, paused=False))
    assert kinds(decision.acts) == ["Record", "ClearWish"]
    assert recorded(decision).phase is Phase.FINISHING


def test_a_wished_revert_in_the_roll_out_puts_the_old_template_under_the_mark() -> None:
    """Law 4: the mark stays while the roll-out back is not over."""
    release = a_release(Phase.PROMOTING, outcome=Phase.REVERTED)
    decision = decided(release, workload=wishing("revert"), revisions=ROLLING, route=a_survey(ALL))
    assert decision.acts == (RevertTemplate("v1", Held.ROLLING),)


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.STEPPING, Phase.BAKING])
def test_a_held_failure_stays_and_says_why(phase: Phase) -> None:
    """With on-failure=hold a person decides; said once."""
    plan = a_plan(on_failure="hold")
    look: dict[str, Any] = {"judgement": FAILED, "plan": plan}
    decision = decided(a_release(phase, plan), **look)
    assert (recorded(decision).phase, recorded(decision).holding) == (phase, "JudgedBadHeld")
    assert decided(a_release(phase, plan, holding="JudgedBadHeld"), **look).acts == ()


@pytest.mark.parametrize(
    ("canary", "words"),
    [
        pytest.param(a_canary(ready=0), "no pod of the canary is ready", id="without words"),
        pytest.param(
            a_canary(ready=0, waiting="pod a: Unschedulable"), "pod a: Unschedulable", id="with the pod's own"
        ),
    ],
)
def test_a_canary_without_ready_pods_gets_no_traffic_until_it_has(canary: Any, words: str) -> None:
    """Promise 3: the route first; the leg and the recorded step stay."""
    decision = decided(a_release(), canary=canary)
    assert kinds(decision.acts) == ["Steer", "Record"]
    assert decision.acts[0] == Steer(PINNED)
    status = recorded(decision)
    assert (status.phase, status.weight, status.holding) == (Phase.STEPPING, 5, "CanaryNotReady")
    assert words in decision.told[0].message


def test_measured_values_stand_in_the_columns() -> None:
    """Success, latency and the share that was seen, with their units."""
    judgement = a_judgement(Verdict.FAIL, Reason.LATENCY_HIGH, success=99.5, latency_ms=612.4, seen_share=0.0512)
    status = recorded(decided(a_release(), judgement=judgement))
    assert (status.success, status.latency, status.seen_weight) == ("99.50 %", "612 ms", "5.1 %")


def test_no_pair_of_stage_and_look_is_without_a_decision() -> None:
    """Every phase meets every workload, route and verdict: a decision each time, and only whole splits."""
    workloads: tuple[Any, ...] = (
        None,
        *(a_workload(digest, paused=paused) for digest in ("v1", "v2", "v3") for paused in (True, False)),
        *(wishing(wish) for wish in ("promote", "abort", "pause", "resume", "retry", "revert", "nonsense")),
        a_workload(annotations=OPTED_OUT),
        a_workload(replicas=0),
        a_workload(rolled_out=True, paused=False),
    )
    routes = (None, STEP, ALL, DOWN, split((V1, 10_000)))
    verdicts = (None, *(a_judgement(verdict) for verdict in Verdict))
    phases = [
        phase for phase in Phase if phase in {Phase(stage.value) for stage in Stage if stage is not Stage.ROLLING}
    ]
    for phase in phases:
        for workload in workloads:
            for route in routes:
                for judgement in verdicts:
                    seen = Seen(
                        now=after(60),
                        workload=workload,
                        revisions=ROLLING,
                        canary=a_canary(4),
                        route=a_survey(route),
                        route_age=60,
                        plan=a_plan(),
                        judgement=judgement,
                    )
                    decision = machine.decide(a_release(phase), seen, PACE)
                    falls = [act for act in decision.acts if isinstance(act, Steer | Restore | Define)]
                    assert len(falls) <= 1


def test_a_fall_erases_the_weight_exactly() -> None:
    """Half percents too."""
    status = recorded(decided(a_release(weight=Decimal("0.5")), judgement=FAILED))
    assert str(status.model_dump(mode="json")["weight"]) == "0"
