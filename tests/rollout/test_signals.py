"""Signals: each rule's own table, and who wins where two hold in one look."""

from datetime import timedelta
from typing import Any

import pytest

from analysis.verdict import Verdict
from deploy import names, traffic
from rollout import signals
from rollout.signals import Signal, Stage
from rollout.status import Phase
from tests.rollout.building import (
    ALL,
    BASE,
    CANARY,
    DOWN,
    PINNED,
    START,
    a_base,
    a_canary,
    a_judgement,
    a_look,
    a_plan,
    a_release,
    a_revision,
    a_share,
    a_survey,
    a_workload,
    after,
    split,
    wishing,
)

FAILED = a_judgement(Verdict.FAIL)
HOLDING_PLAN = a_plan(on_failure="hold")
CANCELLING_PLAN = a_plan(on_no_data="cancel")
OUT = {names.STRATEGY: None}
OPTED_OUT = a_workload(annotations=OUT)
RECENT = (START, after(10), after(20), after(30))
"""The first split, and three times that it was split again."""


@pytest.mark.parametrize(
    ("signal", "release", "seen"),
    [
        pytest.param(Signal.DEPLOYMENT_GONE, {}, {"workload": None}, id="no Deployment"),
        pytest.param(Signal.DEPLOYMENT_GONE, {}, {"workload": a_workload(deleting=True)}, id="Deployment goes"),
        pytest.param(Signal.DEPLOYMENT_GONE, {}, {"workload": a_workload(uid="other")}, id="Deployment made anew"),
        pytest.param(Signal.RELEASE_DELETED, {}, {"release_deleting": True}, id="Release deleted"),
        pytest.param(Signal.HOLD_ESCAPED, {}, {"workload": a_workload(paused=False)}, id="rolls though held"),
        pytest.param(Signal.OPTED_OUT, {}, {"workload": OPTED_OUT}, id="opted out"),
        pytest.param(Signal.REVERTED, {}, {"workload": a_workload("v1")}, id="template back"),
        pytest.param(
            Signal.REVERTED, {}, {"workload": a_workload("v1", paused=False)}, id="a revert that rolls is no escape"
        ),
        pytest.param(
            Signal.REVERTED,
            {"phase": Phase.PENDING},
            {"workload": a_workload("v1")},
            id="template back before the start",
        ),
        pytest.param(Signal.SUPERSEDED, {}, {"workload": a_workload("v3")}, id="newer template"),
        pytest.param(Signal.ABORTED, {}, {"workload": wishing("abort")}, id="abort"),
        pytest.param(Signal.REVERT_WISHED, {}, {"workload": wishing("revert")}, id="revert"),
        pytest.param(Signal.JUDGED_BAD, {}, {"judgement": FAILED}, id="convicted"),
        pytest.param(Signal.JUDGED_BAD, {}, {"judgement": FAILED, "plan": ("x",)}, id="convicted with a broken plan"),
        pytest.param(
            Signal.JUDGED_BAD_HELD, {}, {"judgement": FAILED, "plan": HOLDING_PLAN}, id="convicted, a person decides"
        ),
        pytest.param(Signal.CANARY_DEAD, {}, {"canary": a_canary(dead="CrashLoopBackOff")}, id="crash loop"),
        pytest.param(Signal.CANARY_DEAD, {}, {"canary": None}, id="canary deleted under traffic"),
        pytest.param(Signal.CANARY_DEAD, {}, {"canary": a_canary(deleting=True)}, id="canary goes under traffic"),
        pytest.param(Signal.CANARY_UNREADY, {}, {"canary": a_canary(ready=0)}, id="no pod is ready under traffic"),
        pytest.param(Signal.DEADLINE_PASSED, {}, {"now": after(1801)}, id="deadline"),
        pytest.param(
            Signal.NO_DATA_CANCELLED,
            {},
            {"judgement": a_judgement(Verdict.NO_DATA), "plan": a_plan(on_no_data="cancel")},
            id="no data and the plan says cancel",
        ),
        pytest.param(Signal.ROUTE_CONTESTED, {"drifts": RECENT}, {"drift": "rewritten"}, id="rewritten too often"),
        pytest.param(Signal.SCALED_TO_ZERO, {}, {"workload": a_workload(replicas=0)}, id="scaled to zero"),
        pytest.param(Signal.FALL_FOUND, {}, {"route": a_survey(DOWN)}, id="the canary's leg is missing"),
        pytest.param(Signal.PAUSE_WISHED, {}, {"workload": wishing("pause")}, id="pause"),
        pytest.param(Signal.RESUME_WISHED, {}, {"workload": wishing("resume")}, id="resume"),
        pytest.param(Signal.RETRY_WISHED, {}, {"workload": wishing("retry")}, id="retry"),
        pytest.param(Signal.PLAN_CHANGED, {}, {"plan": a_plan(steps="7")}, id="plan edited"),
        pytest.param(Signal.ROUTE_DRIFT, {}, {"drift": "rewritten"}, id="rewritten"),
        pytest.param(Signal.ROUTE_DRIFT, {}, {"route": a_survey(None)}, id="our legs taken out"),
        pytest.param(Signal.PROMOTE_WISHED, {}, {"workload": wishing("promote")}, id="promote"),
        pytest.param(Signal.PROCEED, {}, {}, id="nothing"),
    ],
)
def test_each_thing_that_happens_has_its_name(signal: Signal, release: dict[str, Any], seen: dict[str, Any]) -> None:
    """One cause alone is named by its own signal."""
    assert signals.name(a_release(**release), a_look(**seen))[1] is signal


@pytest.mark.parametrize(
    ("release", "seen"),
    [
        pytest.param(
            {"phase": Phase.PROMOTING},
            {"workload": a_workload(paused=False), "route": a_survey(ALL)},
            id="un-paused by us",
        ),
        pytest.param({"started": None}, {"now": after(10**6)}, id="no deadline before the start"),
        pytest.param({"paused_at": START}, {"now": after(10**6)}, id="no deadline while a person holds"),
        pytest.param({"paused_seconds": 300.0}, {"now": after(2000)}, id="time that a person held does not count"),
        pytest.param({}, {"judgement": a_judgement(Verdict.NO_DATA)}, id="no data alone cancels nothing"),
        pytest.param(
            {"plan": CANCELLING_PLAN},
            {"judgement": a_judgement(Verdict.NO_DATA), "plan": CANCELLING_PLAN, "now": after(59)},
            id="no data before the stay is over",
        ),
        pytest.param(
            {"since": None, "plan": CANCELLING_PLAN},
            {"judgement": a_judgement(Verdict.NO_DATA), "plan": CANCELLING_PLAN},
            id="no data before the stay began",
        ),
        pytest.param({}, {"plan": ("steps are wrong",)}, id="a plan that can not be read is no other plan"),
        pytest.param({"phase": Phase.PREPARING}, {"route": a_survey(None)}, id="no legs yet while preparing"),
        pytest.param(
            {"phase": Phase.PREPARING}, {"route": a_survey(DOWN), "canary": None}, id="an unfinished first split"
        ),
        pytest.param({"phase": Phase.PENDING}, {"route": a_survey(DOWN)}, id="stable legs of a predecessor"),
        pytest.param({"phase": Phase.PREPARING}, {"canary": None, "route": a_survey(PINNED)}, id="no canary yet"),
        pytest.param({}, {"canary": a_canary(ready=0), "route": a_survey(PINNED)}, id="unready without traffic"),
        pytest.param({"phase": Phase.FINISHING}, {"canary": None}, id="the canary has left"),
    ],
)
def test_what_looks_alike_is_no_signal(release: dict[str, Any], seen: dict[str, Any]) -> None:
    """The borders of the rules, from outside."""
    assert signals.name(a_release(**release), a_look(**seen))[1] is Signal.PROCEED


def test_a_missing_leg_among_foreign_pins_is_drift_and_no_fall() -> None:
    """Law 7: a fall leaves stable pins alone in the route."""
    foreign = split((traffic.replica_set("other"), 10_000))
    assert signals.name(a_release(), a_look(route=a_survey(foreign), drift="rewritten"))[1] is Signal.ROUTE_DRIFT


def test_a_missing_leg_after_the_canary_was_made_is_a_fall() -> None:
    """Law 7: in Preparing the canary's existence tells a fall from an unfinished first split."""
    assert signals.name(a_release(Phase.PREPARING), a_look(route=a_survey(DOWN)))[1] is Signal.FALL_FOUND


@pytest.mark.parametrize(
    ("phase", "drifts", "route", "signal"),
    [
        pytest.param(Phase.STEPPING, RECENT[1:], a_survey(None), Signal.ROUTE_DRIFT, id="three times in all"),
        pytest.param(Phase.STEPPING, RECENT, a_survey(None), Signal.ROUTE_CONTESTED, id="three times again"),
        pytest.param(Phase.STEPPING, RECENT, a_survey(), Signal.PROCEED, id="and it holds"),
        pytest.param(Phase.PREPARING, RECENT, a_survey(None), Signal.ROUTE_CONTESTED, id="from the first split on"),
        pytest.param(Phase.PREPARING, RECENT[1:], a_survey(None), Signal.PROCEED, id="split once more"),
        pytest.param(Phase.PREPARING, RECENT, a_survey(PINNED), Signal.PROCEED, id="the first split holds"),
    ],
)
def test_a_route_that_is_torn_again_and_again_is_contested(
    phase: Phase, drifts: Any, route: Any, signal: Signal
) -> None:
    """Law 17: three times in ten minutes, not counting the first split."""
    assert signals.name(a_release(phase, drifts=drifts), a_look(route=route))[1] is signal


def test_rewrites_long_ago_are_no_contest() -> None:
    """Three times count within ten minutes."""
    long_ago = tuple(START - timedelta(minutes=10) + timedelta(seconds=n) for n in range(4))
    assert signals.name(a_release(drifts=long_ago), a_look(drift="rewritten"))[1] is Signal.ROUTE_DRIFT


CAUSES: dict[Signal, dict[str, Any]] = {
    Signal.RELEASE_DELETED: {"release_deleting": True},
    Signal.JUDGED_BAD: {"judgement": FAILED},
    Signal.CANARY_DEAD: {"canary": a_canary(dead="CrashLoopBackOff")},
    Signal.DEADLINE_PASSED: {"now": after(1801)},
    Signal.CANARY_UNREADY: {"canary": a_canary(ready=0)},
    Signal.FALL_FOUND: {"route": a_survey(DOWN)},
    Signal.ROUTE_DRIFT: {"drift": "rewritten"},
    Signal.PLAN_CHANGED: {"plan": a_plan(steps="7")},
}
WORKLOADS: dict[Signal, dict[str, Any]] = {
    Signal.DEPLOYMENT_GONE: {"deleting": True},
    Signal.HOLD_ESCAPED: {"paused": False},
    Signal.OPTED_OUT: {"annotations": {names.STRATEGY: None}},
    Signal.REVERTED: {"digest": "v1"},
    Signal.SUPERSEDED: {"digest": "v3"},
    Signal.ABORTED: {"annotations": {names.DO: "abort"}},
    Signal.REVERT_WISHED: {"annotations": {names.DO: "revert"}},
    Signal.SCALED_TO_ZERO: {"replicas": 0},
    Signal.PAUSE_WISHED: {"annotations": {names.DO: "pause"}},
    Signal.RESUME_WISHED: {"annotations": {names.DO: "resume"}},
    Signal.RETRY_WISHED: {"annotations": {names.DO: "retry"}},
    Signal.PROMOTE_WISHED: {"annotations": {names.DO: "promote"}},
}
ORDER = [signal for signal, _ in signals.CHAIN]


def together(first: Signal, second: Signal) -> dict[str, Any] | None:
    """A look in which both hold; None where one look can not show both."""
    changes: dict[str, Any] = {}
    shape: dict[str, Any] = {}
    for signal in (first, second):
        for key, value in WORKLOADS.get(signal, {}).items():
            if key == "annotations":
                shape["annotations"] = {**shape.get("annotations", {}), **value}
            elif key in shape:
                return None
            else:
                shape[key] = value
        if changes.keys() & CAUSES.get(signal, {}).keys():
            return None
        changes.update(CAUSES.get(signal, {}))
    wishes = [signal for signal in (first, second) if names.DO in WORKLOADS.get(signal, {}).get("annotations", {})]
    no_weight = {first, second} == {Signal.CANARY_UNREADY, Signal.FALL_FOUND}
    if len(wishes) == 2 or no_weight or {first, second} == {Signal.HOLD_ESCAPED, Signal.REVERTED}:
        return None
    return {**changes, "workload": a_workload(shape.pop("digest", "v2"), **shape)}


PAIRS = [
    pytest.param(first, second, id=f"{first} over {second}")
    for place, first in enumerate(ORDER)
    for second in ORDER[place + 1 :]
    if {first, second} <= CAUSES.keys() | WORKLOADS.keys() and together(first, second) is not None
]


@pytest.mark.parametrize(("winner", "loser"), PAIRS)
def test_the_earlier_in_the_chain_wins(winner: Signal, loser: Signal) -> None:
    """Of two things that happened in one look, the chain decides; either alone would be named."""
    seen = together(winner, loser)
    assert seen is not None
    assert signals.name(a_release(), a_look(**seen))[1] is winner


WHO_WINS = (
    {Signal.OPTED_OUT, Signal.REVERTED, Signal.SUPERSEDED},
    {Signal.ABORTED},
    {Signal.JUDGED_BAD, Signal.CANARY_DEAD, Signal.DEADLINE_PASSED},
    {Signal.PROMOTE_WISHED, Signal.PAUSE_WISHED, Signal.RESUME_WISHED},
)


@pytest.mark.parametrize("place", range(len(WHO_WINS) - 1))
def test_the_chain_keeps_the_promised_order(place: int) -> None:
    """Opt-out, revert, newer template; then abort; then failed verdict, dead canary, deadline; then other wishes."""
    assert max(ORDER.index(item) for item in WHO_WINS[place]) < min(ORDER.index(item) for item in WHO_WINS[place + 1])


def test_every_signal_but_proceed_stands_once_in_the_chain() -> None:
    """No name without a rule, no rule without a name."""
    assert sorted(ORDER) == sorted(set(Signal) - {Signal.PROCEED})


@pytest.mark.parametrize(
    ("wish", "signal"),
    [
        pytest.param("promote", Signal.PROMOTE_WISHED, id="a person takes the responsibility"),
        pytest.param("abort", Signal.ABORTED, id="abort"),
        pytest.param("pause", Signal.PAUSE_WISHED, id="pause"),
        pytest.param(None, Signal.JUDGED_BAD_HELD, id="no wish"),
    ],
)
def test_a_held_failure_yields_to_every_wish(wish: str | None, signal: Signal) -> None:
    """With on-failure=hold a person has the word (case 37)."""
    workload = wishing(wish) if wish else a_workload()
    look = a_look(workload=workload, judgement=FAILED, plan=HOLDING_PLAN)
    assert signals.name(a_release(plan=HOLDING_PLAN), look)[1] is signal


@pytest.mark.parametrize(
    ("status", "seen", "stage"),
    [
        pytest.param({}, {}, Stage.PROMOTING, id="recorded and still paused"),
        pytest.param({}, {"workload": None}, Stage.ROLLING, id="Deployment gone"),
        pytest.param({}, {"workload": a_workload(paused=False)}, Stage.ROLLING, id="un-paused"),
        pytest.param(
            {}, {"revisions": (a_revision("v1", 3), a_revision("v2", 1))}, Stage.ROLLING, id="paused again, half rolled"
        ),
        pytest.param(
            {}, {"revisions": (a_revision("v1"), a_revision("v2", 0))}, Stage.PROMOTING, id="an empty old set"
        ),
        pytest.param({"outcome": Phase.REVERTED}, {}, Stage.ROLLING, id="on the way back natively"),
        pytest.param(
            {"base": "web-v1", "stable": (a_share(BASE),)},
            {"base": a_base(), "revisions": (a_revision("v2", 1),)},
            Stage.PROMOTING,
            id="on a base that has not ended",
        ),
        pytest.param(
            {"base": "web-v1", "stable": (a_share(BASE),)},
            {"base": a_base(in_flight=False)},
            Stage.ROLLING,
            id="on a base that has ended",
        ),
        pytest.param(
            {"base": "web-v1", "stable": (a_share(BASE),)},
            {"base": a_base(), "workload": a_workload(paused=False)},
            Stage.ROLLING,
            id="on a base, un-paused",
        ),
    ],
)
def test_the_first_rolled_pod_divides_promoting(status: dict[str, Any], seen: dict[str, Any], stage: Stage) -> None:
    """Laws 10 and 11: where there is a base, its record tells; else the pods do."""
    assert signals.stage(a_release(Phase.PROMOTING, **status), a_look(**seen)) is stage


@pytest.mark.parametrize(
    ("route", "workload", "urgent"),
    [
        pytest.param(a_survey(), wishing("abort"), True, id="abort with a leg"),
        pytest.param(a_survey(PINNED), a_workload("v3"), True, id="newer template, leg without weight"),
        pytest.param(a_survey(DOWN), wishing("abort"), False, id="abort after the fall"),
        pytest.param(a_survey(None), wishing("abort"), False, id="abort without any split"),
        pytest.param(a_survey(), a_workload(), False, id="nothing happened"),
        pytest.param(a_survey(), wishing("promote"), False, id="a wish that raises"),
    ],
)
def test_a_fall_does_not_wait_for_the_judge(route: Any, workload: Any, urgent: bool) -> None:
    """Promise 3: while traffic must leave, nobody is asked."""
    assert signals.is_urgent(a_release(), a_look(route=route, workload=workload)) is urgent


@pytest.mark.parametrize(
    ("route", "canary", "urgent"),
    [
        pytest.param(a_survey(), a_canary(ready=0), True, id="no pod is ready under traffic"),
        pytest.param(a_survey(), a_canary(dead="CrashLoopBackOff"), True, id="dead under traffic"),
        pytest.param(a_survey(), None, True, id="deleted under traffic"),
        pytest.param(a_survey(PINNED), a_canary(ready=0), False, id="no pod is ready, and no traffic"),
        pytest.param(a_survey(), a_canary(4, ready=1), False, id="one of four is ready"),
    ],
)
def test_a_canary_that_serves_nobody_does_not_wait_for_the_judge(route: Any, canary: Any, urgent: bool) -> None:
    """Its requests fail where no judge sees them, and Prometheus may take seconds to say so."""
    assert signals.is_urgent(a_release(), a_look(route=route, canary=canary)) is urgent


@pytest.mark.parametrize(
    ("phase", "seen", "signal"),
    [
        pytest.param(
            Phase.PROMOTING, {"workload": a_workload("v3", annotations=OUT)}, Signal.SUPERSEDED, id="opted out, rolling"
        ),
        pytest.param(
            Phase.PROMOTING,
            {"workload": a_workload("v3"), "release_deleting": True},
            Signal.SUPERSEDED,
            id="deleted, rolling",
        ),
        pytest.param(
            Phase.STEPPING, {"workload": a_workload("v3", annotations=OUT)}, Signal.OPTED_OUT, id="opted out at a step"
        ),
        pytest.param(
            Phase.STEPPING,
            {"workload": a_workload("v3"), "release_deleting": True},
            Signal.RELEASE_DELETED,
            id="deleted at a step",
        ),
        pytest.param(Phase.PROMOTING, {"workload": a_workload(annotations=OUT)}, Signal.OPTED_OUT, id="no newer one"),
    ],
)
def test_a_newer_template_counts_first_once_pods_have_rolled(
    phase: Phase, seen: dict[str, Any], signal: Signal
) -> None:
    """Whoever leaves in the write that changes the template must not have it rolled out unjudged."""
    half = (a_revision("v1", 2), a_revision("v2", 2))
    assert signals.name(a_release(phase), a_look(revisions=half, **seen))[1] is signal


def test_the_deadline_is_not_reached_at_its_last_second() -> None:
    """The deadline itself is still in time."""
    assert signals.name(a_release(), a_look(now=after(1800)))[1] is Signal.PROCEED


def test_the_bake_lasts_as_long_as_the_plan_says() -> None:
    """No data at 100 % cancels after the bake, not after an interval."""
    plan = a_plan(bake="2m", on_no_data="cancel")
    release = a_release(Phase.BAKING, plan)
    look = {"judgement": a_judgement(Verdict.NO_DATA), "plan": plan, "route": a_survey(ALL), "canary": a_canary(4)}
    assert signals.name(release, a_look(**look))[1] is Signal.PROCEED
    assert signals.name(release, a_look(**look, now=after(120)))[1] is Signal.NO_DATA_CANCELLED


def test_the_canary_pin_is_the_release() -> None:
    """The builders' pin is the one that the release steers."""
    assert a_release().pin == CANARY


@pytest.mark.parametrize(
    ("status", "signal"),
    [
        pytest.param({}, Signal.NO_DATA_CANCELLED, id="a stay without requests"),
        pytest.param({"paused_at": after(1)}, Signal.PROCEED, id="a person pauses"),
        pytest.param({"paused_at": after(1), "halted": "5"}, Signal.PROCEED, id="the plan pauses"),
        pytest.param({"halted": "5"}, Signal.PROCEED, id="the pause is over, and the step had passed"),
        pytest.param({"halted": "1"}, Signal.NO_DATA_CANCELLED, id="an earlier step had a pause"),
    ],
)
def test_silence_in_a_pause_cancels_nothing(status: dict[str, Any], signal: Signal) -> None:
    """Nobody need use a version while it waits for a person."""
    plan = a_plan(steps="1,pause,5,pause,50", on_no_data="cancel")
    look = a_look(plan=plan, judgement=a_judgement(Verdict.NO_DATA), now=after(61))
    assert signals.name(a_release(plan=plan, **status), look)[1] is signal
