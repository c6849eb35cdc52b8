"""What a look does about the release of a pair."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from analysis.verdict import Verdict
from deploy import pairs
from deploy.traffic import WHOLE, Survey
from rollout.pair import machine
from rollout.pair.observer import canary_of, split_of
from rollout.pair.sides import Flying, Side
from rollout.seen import ClearWish, Decision, Mark, Record, Refresh, Retire, Seen, Steer
from rollout.signals import Signal
from rollout.status import Phase, Release, Share
from tests.rollout.building import PACE, a_judgement, a_plan, a_release, a_workload, after

PLAN = a_plan(steps="20,50", interval="60s")


def a_side(name: str, digest: str, **changes: Any) -> Side:
    work = a_workload(digest, paused=False, rolled_out=True, **changes.pop("work", {}))
    given = {"ready": 4, "digests": frozenset({digest}), **changes}
    return Side(name, replace(work, name=name), **given)


def a_pair_release(phase: Phase = Phase.STEPPING, weight: int = 20, **status: Any) -> Release:
    stable = (Share(label="deployment", value="web-v1", parts=1),)
    found = a_release(phase, PLAN, **{"weight": Decimal(weight), "stable": stable, "saved": {"lane": 100}, **status})
    spec = found.spec.model_copy(update={"deployment": "web-v2", "pair": "web-v2"})
    return found.model_copy(update={"spec": spec})


def a_look(release: Release, parts: int | None = 2000, seconds: float = 60, **changes: Any) -> Flying:
    new = changes.pop("new", a_side("web-v2", "v2"))
    old = changes.pop("old", a_side("web-v1", "v1"))
    shares = None if parts is None else {"web-v2": parts, "web-v1": WHOLE - parts}
    route = changes.pop("route", pairs.Survey(parts=shares, saved={"lane": 100}))
    opted_out = changes.pop("opted_out", False)
    given: dict[str, Any] = {"now": after(seconds), "plan": PLAN, "route_age": 30.0, **changes}
    split = split_of(release, route, new, old)
    seen = Seen(workload=new.work, canary=canary_of(new), route=Survey(split=split), **given)
    return Flying(seen, new, old, route, opted_out)


def decided(release: Release, look: Flying) -> Decision:
    return machine.decide(release, look, PACE)


def shares_of(decision: Decision, release: Release) -> int:
    steer = next(act for act in decision.acts if isinstance(act, Steer))
    return steer.split.share(release.pin)


def recorded(decision: Decision) -> Any:
    return next(act for act in decision.acts if isinstance(act, Record)).status


def wishing(wish: str) -> Side:
    return a_side("web-v2", "v2", work={"annotations": {"rampart.dev/do": wish}})


FALLS = [
    pytest.param({"new": a_side("web-v2", "v3")}, Signal.SUPERSEDED, Phase.SUPERSEDED, False, id="newer template"),
    pytest.param({"new": wishing("abort")}, Signal.ABORTED, Phase.CANCELLED, True, id="abort"),
    pytest.param({"new": wishing("revert")}, Signal.REVERT_WISHED, Phase.REVERTED, True, id="revert"),
    pytest.param({"opted_out": True}, Signal.OPTED_OUT, Phase.CANCELLED, False, id="opted out"),
    pytest.param({"release_deleting": True}, Signal.RELEASE_DELETED, Phase.CANCELLED, True, id="release deleted"),
    pytest.param(
        {"new": a_side("web-v2", "v2", dead="crash loop")}, Signal.CANARY_DEAD, Phase.ROLLED_BACK, True, id="crash loop"
    ),
    pytest.param({"seconds": 4000}, Signal.DEADLINE_PASSED, Phase.CANCELLED, True, id="too late"),
    pytest.param(
        {"new": a_side("web-v2", "v2", work={"replicas": 0})}, Signal.SCALED_TO_ZERO, Phase.CANCELLED, False, id="zero"
    ),
]


@pytest.mark.parametrize(("changes", "signal", "end", "marked"), FALLS)
def test_fall_comes_first_and_ends_by_its_cause(
    changes: dict[str, Any], signal: Signal, end: Phase, marked: bool
) -> None:
    """Promise 3: the route first, then the mark, then the record; the wish is cleared last, at the end."""
    release = a_pair_release()
    look = a_look(release, **changes)
    assert machine.name(release, look) is signal
    decision = decided(release, look)
    assert isinstance(decision.acts[0], Steer)
    assert shares_of(decision, release) == 0
    assert any(isinstance(act, Mark) for act in decision.acts) is marked
    status = recorded(decision)
    assert (status.phase, status.outcome, status.weight) == (Phase.ROLLING_BACK, end, 0)
    falling = release.model_copy(update={"status": status})
    last = decided(falling, a_look(falling, parts=0, **changes))
    assert recorded(last).phase is end
    assert recorded(last).reason == status.reason


def test_bad_verdict_takes_back_by_the_same_look() -> None:
    release = a_pair_release()
    decision = decided(release, a_look(release, judgement=a_judgement(Verdict.FAIL)))
    assert isinstance(decision.acts[0], Steer)
    assert recorded(decision).outcome is Phase.ROLLED_BACK


def test_nobody_falls_onto_pods_that_are_not_ready() -> None:
    """The old side has none: the traffic stays where it is answered at all, and that is said."""
    release = a_pair_release()
    look = a_look(release, judgement=a_judgement(Verdict.FAIL), old=a_side("web-v1", "v1", ready=0))
    decision = decided(release, look)
    assert not any(isinstance(act, Steer) for act in decision.acts)
    assert decision.told[0].reason == "NothingToFallTo"


def test_side_without_ready_pods_loses_its_traffic_and_keeps_its_step() -> None:
    release = a_pair_release()
    decision = decided(release, a_look(release, new=a_side("web-v2", "v2", ready=0)))
    assert shares_of(decision, release) == 0
    assert recorded(decision).phase is Phase.STEPPING
    waiting = release.model_copy(update={"status": recorded(decision)})
    back = decided(waiting, a_look(waiting, parts=0))
    assert shares_of(back, release) == 2000


def test_traffic_that_the_user_gave_to_pods_that_went_is_recorded_before_it_falls() -> None:
    """The pair shares traffic from the beginning, and the new side loses its pods in Pending: the weights first."""
    release = a_pair_release(Phase.PENDING, 0, started=None, since=None, saved=None, stable=())
    gone = a_side("web-v2", "v2", ready=0)
    first = decided(release, a_look(release, new=gone))
    assert recorded(first).saved == {"lane": 100}
    begun = release.model_copy(update={"status": recorded(first)})
    assert shares_of(decided(begun, a_look(begun, new=gone)), release) == 0


def test_pods_that_come_back_one_by_one_are_no_drift() -> None:
    """The weight that we took away is nobody else's write, however many looks it takes to give it back."""
    release = a_pair_release(since=after(0), weight=50)
    for ready, parts in ((0, 5000), (0, 0), (1, 0)):
        decision = decided(release, a_look(release, parts, new=a_side("web-v2", "v2", ready=ready)))
        if any(isinstance(act, Record) for act in decision.acts):
            release = release.model_copy(update={"status": recorded(decision)})
    back = decided(release, a_look(release, 0))
    assert shares_of(back, release) == 5000
    assert (back.told, recorded(back).drifts, recorded(back).holding) == ((), (), "")


@pytest.mark.parametrize(
    ("phase", "weight", "parts", "expected"),
    [
        pytest.param(Phase.STEPPING, 20, 2000, (Phase.STEPPING, 50, 5000), id="to the next step"),
        pytest.param(Phase.STEPPING, 50, 5000, (Phase.BAKING, 100, 10000), id="to all traffic"),
    ],
)
def test_pass_is_recorded_before_the_weight_rises(
    phase: Phase, weight: int, parts: int, expected: tuple[Phase, int, int]
) -> None:
    release = a_pair_release(phase, weight)
    decision = decided(release, a_look(release, parts, judgement=a_judgement(Verdict.PASS)))
    assert isinstance(decision.acts[0], Record)
    status = recorded(decision)
    assert (status.phase, int(status.weight), shares_of(decision, release)) == expected


def test_promotion_leaves_the_route_and_says_that_the_old_side_had_its_turn() -> None:
    release = a_pair_release(Phase.BAKING, 100)
    decision = decided(release, a_look(release, WHOLE, judgement=a_judgement(Verdict.PASS)))
    finishing = release.model_copy(update={"status": recorded(decision)})
    assert finishing.status.phase is Phase.FINISHING
    last = decided(finishing, a_look(finishing, WHOLE))
    assert last.acts[:2] == (Retire("web-v1", "v1"), Refresh("web-v2"))
    assert recorded(last).phase is Phase.PROMOTED


def test_release_begins_with_a_record_of_the_weights() -> None:
    release = a_pair_release(Phase.PENDING, 0, started=None, since=None, saved=None)
    first = decided(release, a_look(release, 0))
    assert recorded(first).saved == {"lane": 100}
    begun = release.model_copy(update={"status": recorded(first)})
    second = decided(begun, a_look(begun, 0))
    assert shares_of(second, release) == 2000


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"plan": ("steps must rise",)}, "PlanInvalid", id="plan"),
        pytest.param({"route": pairs.Survey(faults=("no lane",))}, "Refused", id="route"),
        pytest.param({"old": a_side("web-v1", "v1", ready=0)}, "StableUnhealthy", id="old side not whole"),
    ],
)
def test_pending_waits_and_says_why(changes: dict[str, Any], reason: str) -> None:
    release = a_pair_release(Phase.PENDING, 0, started=None, since=None)
    decision = decided(release, a_look(release, 0, **changes))
    assert [told.reason for told in decision.told] == [reason]
    assert recorded(decision).phase is Phase.PENDING


def test_weight_waits_for_enough_pods() -> None:
    release = a_pair_release(Phase.STEPPING, 50)
    look = a_look(release, 5000, judgement=a_judgement(Verdict.PASS), new=a_side("web-v2", "v2", ready=2))
    decision = decided(release, look)
    assert decision.told[0].reason == "CanaryTooSmall"
    assert "4 ready pods" in decision.told[0].message


def test_weights_of_another_writer_are_put_right_and_counted() -> None:
    release = a_pair_release()
    decision = decided(release, a_look(release, 0))
    assert decision.told[0].reason == "RouteDrift"
    assert shares_of(decision, release) == 2000
    assert len(recorded(decision).drifts) == 1


def test_rise_that_was_cut_short_is_finished_without_a_word() -> None:
    release = a_pair_release()
    decision = decided(release, a_look(release, 0, seconds=1))
    assert decision.told == ()
    assert shares_of(decision, release) == 2000


def test_contested_weights_go_back() -> None:
    release = a_pair_release(drifts=tuple(after(second) for second in (1, 2, 3, 4)))
    decision = decided(release, a_look(release))
    assert recorded(decision).outcome is Phase.CANCELLED
    assert recorded(decision).reason == "RouteContested"


@pytest.mark.parametrize(
    ("release", "parts", "phase"),
    [
        pytest.param(a_pair_release(), 2000, Phase.BAKING, id="from a step"),
        pytest.param(a_pair_release(Phase.BAKING, 100), WHOLE, Phase.FINISHING, id="from the bake"),
    ],
)
def test_person_promotes(release: Release, parts: int, phase: Phase) -> None:
    decision = decided(release, a_look(release, parts, new=wishing("promote")))
    assert recorded(decision).phase is phase


def test_person_pauses_and_resumes() -> None:
    release = a_pair_release()
    paused = decided(release, a_look(release, new=wishing("pause")))
    assert recorded(paused).holding == "Paused"
    assert paused.acts[-1] == ClearWish("pause")
    waiting = release.model_copy(update={"status": recorded(paused)})
    assert decided(waiting, a_look(waiting, judgement=a_judgement(Verdict.PASS))).acts == ()
    resumed = decided(waiting, a_look(waiting, new=wishing("resume")))
    assert recorded(resumed).paused_at is None
