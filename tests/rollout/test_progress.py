"""Progress: how stages go on, in the order make before break; the decisions that whole stories do not reach."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from analysis import errors
from analysis.verdict import Reason, Verdict
from deploy import names, traffic
from deploy.traffic import WHOLE
from deploy.workload import Held
from rollout import cleanup, holding, machine, progress, rising, settling, shares, words
from rollout.seen import (
    ClearWish,
    Decision,
    Define,
    Disown,
    EndBase,
    HandOver,
    Leave,
    Mark,
    Raise,
    RaiseBase,
    Record,
    Remove,
    Restore,
    RevertTemplate,
    Steer,
    Told,
    Unhold,
    Unpause,
)
from rollout.signals import Stage
from rollout.status import Phase, Release
from tests.rollout.building import (
    ALL,
    BASE,
    CANARY,
    DOWN,
    PACE,
    PINNED,
    START,
    STEP,
    V1,
    V2,
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

PASS = a_judgement(Verdict.PASS, text="success rate 100 %")
NO_ROUTE = a_survey(None, legs=frozenset())
NEW = split((V2, 10_000))


def decided(release: Release, **seen: Any) -> Decision:
    return machine.decide(release, a_look(**seen), PACE)


def acts_of(decision: Decision) -> list[str]:
    return [type(act).__name__ for act in decision.acts]


def recorded(decision: Decision) -> Any:
    return next(act.status for act in decision.acts if isinstance(act, Record))


def sets(*parts: int) -> tuple[Any, ...]:
    return tuple(a_share(traffic.replica_set(f"r{place}"), part) for place, part in enumerate(parts))


@pytest.mark.parametrize(
    ("stable", "weight", "parts"),
    [
        pytest.param(sets(4), "5", (9500, 500), id="one ReplicaSet"),
        pytest.param(sets(4), "0.5", (9950, 50), id="half a percent"),
        pytest.param(sets(4), "0.01", (9999, 1), id="the least weight"),
        pytest.param(sets(3, 1), "0", (7500, 2500, 0), id="two ReplicaSets by size"),
        pytest.param(sets(3, 1), "20", (6000, 2000, 2000), id="two ReplicaSets beside a canary"),
        pytest.param(sets(1, 1, 1), "0", (3334, 3333, 3333, 0), id="thirds stay whole"),
        pytest.param(sets(1, 1, 1), "99.99", (1, 0, 0, 9999), id="one part is nobody's twice"),
        pytest.param(sets(2, 5), "100", (0, 0, 10_000), id="everything to the canary"),
    ],
)
def test_stable_traffic_is_shared_by_size_and_stays_whole(stable: Any, weight: str, parts: tuple[int, ...]) -> None:
    """Law 2: a template held in the midst of a native restart runs on several ReplicaSets."""
    found = shares.split_at(a_release(stable=stable), Decimal(weight))
    assert tuple(part for _, part in found.shares) == parts
    assert sum(parts) == WHOLE


@pytest.mark.parametrize(
    ("phase", "status", "split_"),
    [
        pytest.param(Phase.STEPPING, {"weight": Decimal(25)}, ((V1, 7500), (CANARY, 2500)), id="a step"),
        pytest.param(Phase.ROLLING_BACK, {}, ((V1, 10_000),), id="fallen"),
        pytest.param(Phase.FINISHING, {"new_stable": a_share(V2)}, ((V2, 10_000),), id="the new ReplicaSet"),
        pytest.param(Phase.FINISHING, {}, ((V1, 0), (CANARY, 10_000)), id="finishing without a new one yet"),
    ],
)
def test_the_wished_split_follows_the_record(phase: Phase, status: dict[str, Any], split_: Any) -> None:
    """What the route is brought to after a crash."""
    assert shares.wished(a_release(phase, **status)).shares == split_


@pytest.mark.parametrize(
    ("size", "weight", "pods"),
    [
        pytest.param(4, "5", 1, id="a part of a pod is a pod"),
        pytest.param(4, "25", 1, id="exactly one"),
        pytest.param(4, "26", 2, id="rounded up"),
        pytest.param(400, "0.5", 2, id="half a percent"),
        pytest.param(7, "100", 7, id="full size"),
        pytest.param(0, "100", 1, id="at least one"),
        pytest.param(None, "50", 1, id="a Deployment that is gone"),
    ],
)
def test_the_canary_is_as_large_as_its_weight_asks(size: int | None, weight: str, pods: int) -> None:
    """ceil(size × weight), at least 1: it grows with the Deployment's own size (case 44)."""
    seen = a_look(workload=None if size is None else a_workload(replicas=size))
    assert shares.need(seen, Decimal(weight)) == pods


@pytest.mark.parametrize(
    ("seen", "reason", "look_again"),
    [
        pytest.param({"plan": ("steps are wrong",)}, "PlanInvalid", 30, id="plan"),
        pytest.param({"predecessor": "web-v0"}, "PredecessorFalling", 1, id="predecessor"),
        pytest.param({"refusals": ("no Service",)}, "Refused", 30, id="case 49: no Service"),
        pytest.param({"route": a_survey(None, faults=("mirrors",))}, "Refused", 30, id="route"),
        pytest.param({"workload": a_workload(replicas=0)}, "ScaledToZero", 5, id="case 51: no pods"),
        pytest.param({"revisions": (a_revision("v1", 0),)}, "NothingRuns", 1, id="scaled up, and no pod yet"),
        pytest.param({"revisions": ()}, "NothingRuns", 1, id="no ReplicaSet at all"),
    ],
)
def test_pending_waits_and_says_for_what_once(seen: dict[str, Any], reason: str, look_again: float) -> None:
    """A second look at the same cause writes and says nothing."""
    first = decided(a_release(Phase.PENDING), **seen)
    assert (recorded(first).phase, recorded(first).holding) == (Phase.PENDING, reason)
    assert [told.reason for told in first.told] == [reason]
    second = decided(a_release(Phase.PENDING, holding=reason, message=first.told[0].message), **seen)
    assert second == Decision(look_again=look_again)


@pytest.mark.parametrize(
    ("reason", "seen", "acts"),
    [
        pytest.param("Refused", {"refusals": ("another fault",)}, ["Record"], id="refused for another reason"),
        pytest.param("PlanInvalid", {"plan": ("another fault",)}, ["Record"], id="another fault of the plan"),
        pytest.param("PredecessorFalling", {"predecessor": "web-v0"}, [], id="words that nobody can mend"),
    ],
)
def test_another_sentence_is_news_where_a_person_can_mend_it(
    reason: str, seen: dict[str, Any], acts: list[str]
) -> None:
    """Whoever mends one fault hears of the next."""
    decision = decided(a_release(Phase.PENDING, holding=reason, message="the first fault"), **seen)
    assert acts_of(decision) == acts


def test_a_release_begins_with_what_it_must_remember() -> None:
    """Laws 1 and 2: the stable leg by size, the Service, and the route as it was."""
    sets_ = (a_revision("v1", 3), a_revision("v0", 1), a_revision("old", 0))
    status = recorded(
        decided(a_release(Phase.PENDING), revisions=sets_, route=a_survey(None), pod_labels={"app": "web"})
    )
    assert [(share.value, share.parts) for share in status.stable] == [("v1", 3), ("v0", 1)]
    assert (status.stable_digests, status.saved, status.base) == (("v1", "v0"), {"content": "user's"}, "")
    assert (status.service, status.pod_labels, status.started) == ("web", {"app": "web"}, after(60))


def test_a_release_that_stands_on_another_takes_its_memory() -> None:
    """Laws 5 and 13: the base's canary is the stable leg, its saved route is kept."""
    status = recorded(decided(a_release(Phase.PENDING), base=a_base()))
    assert [share.pin for share in status.stable] == [BASE]
    assert (status.stable_digests, status.saved, status.base) == (("v1",), {"content": "base's"}, "web-v1")


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.PREPARING])
def test_a_pause_stops_a_release_before_its_first_pod(phase: Phase) -> None:
    """Nothing is written while a person holds."""
    release = a_release(phase, paused_at=after(1), holding="Paused")
    assert decided(release, route=a_survey(PINNED), canary=None) == Decision()


def test_the_plan_is_said_with_its_latency() -> None:
    """What a person can expect, in one line."""
    text = words.plan_words(a_plan(steps="0.5,10", latency="p99<500ms", interval="30s"))
    assert text == "0.5 % → 10 % → 100 %, at most 30 s each, success ≥ 99 %, p99<500ms"


@pytest.mark.parametrize(
    ("seen", "acts"),
    [
        pytest.param({"route": NO_ROUTE}, (Define(frozenset({V1, CANARY})),), id="legs"),
        pytest.param({"route": a_survey(None), "route_age": 0.5}, (), id="settle"),
        pytest.param({"route": a_survey(None)}, ("Record", Steer(PINNED)), id="saved, and the route pinned"),
        pytest.param({"route": a_survey(PINNED, agreed=False)}, (Steer(PINNED),), id="pinned in every list"),
        pytest.param({"route": a_survey(PINNED), "route_age": 0.5}, (), id="settle again"),
        pytest.param({"route": a_survey(PINNED)}, (Raise(1),), id="and only then a pod"),
        pytest.param({"route": a_survey(None, bare=frozenset({V1}))}, (), id="a leg whose endpoints are not known yet"),
        pytest.param(
            {"route": a_survey(None, bare=frozenset({CANARY}))}, ("Record", Steer(PINNED)), id="the canary has no pods"
        ),
        pytest.param(
            {"route": a_survey(None, waiting=("nobody took it",)), "route_age": 2.0}, (), id="prepared, not accepted"
        ),
        pytest.param(
            {"route": a_survey(PINNED, waiting=("nobody took it",)), "route_age": 2.0}, (), id="pinned, not accepted"
        ),
    ],
)
def test_preparing_makes_before_it_breaks(seen: dict[str, Any], acts: Any) -> None:
    """Law 8, step by step."""
    decision = decided(a_release(Phase.PREPARING), canary=None, **seen)
    assert tuple(act if act in acts else type(act).__name__ for act in decision.acts) == acts


def test_a_route_that_nobody_accepts_is_said_after_a_while() -> None:
    """No pod is made before; the reason is the implementation's own."""
    route = a_survey(PINNED, waiting=("HTTPRoute shop/web: parent Gateway front says NoMatchingParent",))
    decision = decided(a_release(Phase.PREPARING), canary=None, route=route, route_age=11.0)
    status = recorded(decision)
    assert (status.holding, status.message) == ("RouteNotAccepted", route.waiting[0])


def test_a_weight_rises_when_the_legs_endpoints_are_known() -> None:
    """Ready pods are not enough where the leg is a Service: its endpoints come later."""
    bare = frozenset({CANARY})
    preparing = decided(a_release(Phase.PREPARING), route=a_survey(PINNED, bare=bare))
    cut_short = decided(a_release(), route=a_survey(PINNED, bare=bare))
    assert (preparing.acts, cut_short.acts) == ((), ())
    down = decided(a_release(), route=a_survey(STEP, bare=bare), workload=wishing("abort"))
    assert isinstance(down.acts[0], Steer)


def test_a_route_that_changed_before_the_first_split_is_saved_anew() -> None:
    """Law 1: saved before it is replaced, in the same look."""
    decision = decided(a_release(Phase.PREPARING), canary=None, route=a_survey(None, saved={"content": "newer"}))
    assert (acts_of(decision), decision.told) == (["Record", "Steer"], ())
    assert (recorded(decision).saved, recorded(decision).drifts) == ({"content": "newer"}, (after(60),))


@pytest.mark.parametrize(
    ("status", "base", "saved"),
    [
        pytest.param({}, None, {"content": "newer"}, id="what was rewritten is put back as it is now"),
        pytest.param(
            {"base": "web-v1", "stable": (a_share(BASE),)}, a_base(), {"content": "user's"}, id="on a base, as it was"
        ),
    ],
)
def test_a_first_split_that_was_torn_is_made_again_and_said(status: Any, base: Any, saved: Any) -> None:
    """Law 17 in Preparing: each time is counted, the first is no news."""
    release = a_release(Phase.PREPARING, drifts=(after(1),), **status)
    legs = frozenset({BASE, V1, CANARY})
    route = a_survey(None, saved={"content": "newer"}, legs=legs)
    decision = decided(release, canary=None, base=base, route=route)
    assert (acts_of(decision), [told.reason for told in decision.told]) == (["Record", "Steer"], ["RouteDrift"])
    assert (recorded(decision).saved, recorded(decision).drifts) == (saved, (after(1), after(60)))


def test_a_route_that_became_impossible_holds_while_preparing() -> None:
    """Said; the deadline ends it."""
    decision = decided(a_release(Phase.PREPARING), canary=None, route=a_survey(None, faults=("mirrors",)))
    assert (recorded(decision).holding, decision.look_again) == ("Refused", 30)


@pytest.mark.parametrize(
    ("canary", "acts"),
    [
        pytest.param(None, [Raise(1)], id="made"),
        pytest.param(a_canary(1, ready=0), [], id="waited for"),
        pytest.param(a_canary(1), ["Record", "Steer"], id="weighed"),
    ],
)
def test_pods_come_before_the_weight(canary: Any, acts: list[Any]) -> None:
    """A rise is recorded, then done; never onto pods that are not ready (case 1)."""
    decision = decided(a_release(Phase.PREPARING), canary=canary, route=a_survey(PINNED))
    assert [act if act in acts else type(act).__name__ for act in decision.acts] == acts


def test_what_keeps_pods_from_coming_up_is_said_in_its_own_words() -> None:
    """A quota, say: told once, and the rise waits."""
    quota = 'FailedCreate: pods "c" is forbidden: exceeded quota: small'
    waiting = a_canary(1, ready=0, waiting=quota)
    decision = decided(a_release(Phase.PREPARING), canary=waiting, route=a_survey(PINNED))
    assert (recorded(decision).holding, quota in decision.told[0].message) == ("CanaryNotReady", True)
    told = a_release(Phase.PREPARING, holding="CanaryNotReady", message=decision.told[0].message)
    assert decided(told, canary=waiting, route=a_survey(PINNED)) == Decision(look_again=PACE.poll)


def test_pods_are_known_to_every_proxy_before_the_weight() -> None:
    """Their readiness settles as a route does."""
    decision = decided(a_release(Phase.PREPARING), canary_age=0.25, route=a_survey(PINNED))
    assert decision == Decision(look_again=0.75)
    held = decided(a_release(), canary_age=0.25, route=a_survey(PINNED))
    assert (acts_of(held), recorded(held).holding) == (["Record"], "CanaryNotReady")


def test_a_rise_is_recorded_with_its_step() -> None:
    """Case 47 and the columns: weight, step of how many, clock, and no bad look taken along."""
    release = a_release(bad_looks=2, last_bad=after(1), ready_at=after(2))
    decision = decided(release, judgement=PASS, canary=a_canary(1))
    status = recorded(decision)
    assert (status.phase, status.weight, status.step_text, status.since) == (Phase.STEPPING, 25, "2/4", after(60))
    assert (status.bad_looks, status.last_bad, status.ready_at) == (0, None, after(2))
    assert decision.acts[1] == Steer(split((V1, 7500), (CANARY, 2500)))


@pytest.mark.parametrize(
    ("seen", "acts"),
    [
        pytest.param({"canary": a_canary(2)}, [], id="as it should be"),
        pytest.param({"workload": a_workload(replicas=40)}, [Raise(2)], id="case 44: the autoscaler made it larger"),
        pytest.param({"workload": a_workload(replicas=2), "canary": a_canary(9)}, [], id="never smaller at a step"),
        pytest.param({"judgement": None}, [], id="no answer asked for yet"),
        pytest.param({"route": a_survey(PINNED), "canary": a_canary(1)}, ["Record", "Steer"], id="a rise cut short"),
        pytest.param({"route": a_survey(STEP, agreed=False)}, ["Record", "Steer"], id="a rise in some lists only"),
        pytest.param({"route": a_survey(PINNED, legs=frozenset({V1}))}, ["Define"], id="a leg that was lost"),
    ],
)
def test_a_step_is_put_right_before_it_is_judged(seen: dict[str, Any], acts: list[Any]) -> None:
    """Weight in the route, pods in number, then the judge."""
    decision = decided(a_release(), **{"judgement": a_judgement(Verdict.HOLD), **seen})
    assert [act if act in acts else type(act).__name__ for act in decision.acts] == acts


@pytest.mark.parametrize(
    ("canary", "words"),
    [
        pytest.param(None, "its pods are not ready", id="no canary"),
        pytest.param(a_canary(1, ready=0), "its pods are not ready", id="not ready"),
        pytest.param(a_canary(1, ready=0, waiting="pod a: Unschedulable"), "pod a: Unschedulable", id="its own words"),
    ],
)
def test_a_rise_that_was_cut_short_waits_for_pods(canary: Any, words: str) -> None:
    """Case 36: said with the pod's own reason."""
    decision = rising.put_right(a_release(), a_look(route=a_survey(PINNED), canary=canary), PACE)
    assert decision is not None
    assert recorded(decision).holding == "CanaryNotReady"
    assert words in decision.told[0].message


NO_DATA = a_judgement(Verdict.NO_DATA, text="no requests")
UNREACHABLE = a_judgement(Verdict.NO_DATA, errors.Fault.UNREACHABLE, text="Prometheus does not answer")


@pytest.mark.parametrize(
    ("policy", "judgement", "now", "acts"),
    [
        pytest.param("hold", NO_DATA, 30, [], id="case 20: every step begins without requests"),
        pytest.param("hold", NO_DATA, 60, ["Record"], id="case 20: and is held when the stay is over"),
        pytest.param("hold", UNREACHABLE, 30, ["Record"], id="case 22: an unreachable Prometheus is said at once"),
        pytest.param("promote", NO_DATA, 59, [], id="promote waits for the stay"),
        pytest.param("promote", NO_DATA, 60, ["Record", "Steer"], id="promote then goes on"),
        pytest.param("promote", UNREACHABLE, 30, ["Record"], id="promote does not hurry"),
    ],
)
def test_no_data_is_neither_a_pass_nor_a_failure(policy: str, judgement: Any, now: float, acts: list[str]) -> None:
    """Promise 4."""
    plan = a_plan(on_no_data=policy)
    decision = decided(a_release(plan=plan), plan=plan, judgement=judgement, now=after(now))
    assert acts_of(decision) == acts


@pytest.mark.parametrize(
    ("phase", "route", "canary"),
    [
        pytest.param(Phase.STEPPING, STEP, a_canary(1), id="no rise"),
        pytest.param(Phase.BAKING, ALL, a_canary(4), id="no promotion"),
    ],
)
def test_no_data_promotes_nothing_while_a_person_holds(phase: Phase, route: Any, canary: Any) -> None:
    """The pause counts for what the plan would do alone too."""
    plan = a_plan(on_no_data="promote")
    look: dict[str, Any] = {"plan": plan, "judgement": NO_DATA, "now": after(600), "route": a_survey(route)}
    assert acts_of(decided(a_release(phase, plan), canary=canary, **look)) != []
    held = decided(a_release(phase, plan, paused_at=after(1), holding="Paused"), canary=canary, **look)
    assert held == Decision(look_again=PACE.look)


@pytest.mark.parametrize(
    ("phase", "seen", "text"),
    [
        pytest.param(
            Phase.STEPPING,
            {"judgement": PASS},
            "5 % passed: success rate 100 %; 25 % to the canary (1 pod), step 2 of 4",
            id="a pass",
        ),
        pytest.param(
            Phase.STEPPING,
            {"judgement": NO_DATA},
            "5 % not judged, and the plan says promote; 25 % to the canary (1 pod), step 2 of 4",
            id="no data",
        ),
        pytest.param(
            Phase.BAKING,
            {"judgement": NO_DATA},
            "100 % not judged, and the plan says promote; the Deployment rolls natively while nobody is on it",
            id="no data at the bake",
        ),
        pytest.param(
            Phase.STEPPING,
            {"judgement": a_judgement(Verdict.HOLD, text="17 s of 60 s"), "workload": wishing("promote")},
            "as a person asked: 100 % to the canary (4 pods), step 4 of 4",
            id="a person at a step",
        ),
        pytest.param(
            Phase.BAKING,
            {"judgement": a_judgement(Verdict.HOLD, text="17 s of 60 s"), "workload": wishing("promote")},
            "as a person asked: the Deployment rolls natively while nobody is on it",
            id="a person at the bake",
        ),
    ],
)
def test_a_rise_says_why_it_rises(phase: Phase, seen: dict[str, Any], text: str) -> None:
    """Promise 9: measured, not measured, or asked for by a person; never another's reason."""
    plan = a_plan(on_no_data="promote")
    route = a_survey(ALL if phase is Phase.BAKING else STEP)
    decision = decided(a_release(phase, plan), **{"plan": plan, "canary": a_canary(4), "route": route, **seen})
    assert [told.message for told in decision.told] == [text]
    assert recorded(decision).message == text


@pytest.mark.parametrize(
    ("status", "judgement", "told", "holding"),
    [
        pytest.param({}, a_judgement(Verdict.HOLD), None, None, id="measuring is no news"),
        pytest.param({}, a_judgement(Verdict.HOLD, Reason.WARMING_UP), None, None, id="warming up is no news"),
        pytest.param(
            {}, a_judgement(Verdict.HOLD, Reason.BAD_LOOK, bad_looks=1), "BadLook", "BadLook", id="a bad look is said"
        ),
        pytest.param(
            {"bad_looks": 1, "holding": "BadLook"},
            a_judgement(Verdict.HOLD, Reason.BAD_LOOK, bad_looks=1),
            None,
            None,
            id="once",
        ),
        pytest.param(
            {"bad_looks": 1, "holding": "BadLook"}, a_judgement(Verdict.HOLD), "GoingOn", "", id="its end is said too"
        ),
        pytest.param(
            {"holding": "Unreachable"},
            a_judgement(Verdict.HOLD),
            "GoingOn",
            "",
            id="case 22: and goes on where it was",
        ),
        pytest.param(
            {"paused_at": after(1), "holding": "NoRequests"},
            a_judgement(Verdict.HOLD),
            "GoingOn",
            "Paused",
            id="back to a person's pause",
        ),
        pytest.param(
            {"paused_at": after(1), "holding": "Paused"},
            a_judgement(Verdict.HOLD, Reason.BAD_LOOK, bad_looks=1),
            "BadLook",
            "Paused",
            id="a bad look while paused",
        ),
    ],
)
def test_a_reason_to_hold_is_said_once(status: dict[str, Any], judgement: Any, told: Any, holding: Any) -> None:
    """Promise 9: a look that changes nothing writes nothing and says nothing."""
    decision = decided(a_release(**status), judgement=judgement)
    assert [each.reason for each in decision.told] == ([told] if told else [])
    assert acts_of(decision) == (["Record"] if told else [])
    if told:
        assert (recorded(decision).holding, recorded(decision).bad_looks) == (holding, judgement.bad_looks)


def test_a_paused_release_does_not_rise_on_a_pass() -> None:
    """The judge may say what it likes."""
    assert decided(a_release(paused_at=after(1)), judgement=PASS).acts == ()


def test_what_was_not_judged_changes_nothing() -> None:
    """Both answers to no verdict are to look again."""
    again = Decision(look_again=PACE.look)
    assert holding.not_yet(a_release(), a_look(), PACE) == again
    assert progress.without_data(a_release(), a_look(), PACE) == again
    assert words.measured(a_look()) == {}
    assert words.measured(a_look(judgement=PASS)) == {}


@pytest.mark.parametrize(
    ("release", "seen", "acts"),
    [
        pytest.param(
            a_release(Phase.PENDING), {"route": NO_ROUTE, "canary": None}, ["Record"], id="pending begins as ever"
        ),
        pytest.param(a_release(Phase.PREPARING), {"route": NO_ROUTE}, ["Define"], id="preparing lays the route first"),
        pytest.param(a_release(Phase.PREPARING), {"route": a_survey(PINNED)}, [Raise(4)], id="then the whole size"),
        pytest.param(a_release(), {"canary": a_canary(4)}, ["Record", "Steer"], id="a step jumps to 100"),
        pytest.param(a_release(), {"route": a_survey(PINNED)}, ["Record", "Steer"], id="a step cut short is finished"),
        pytest.param(
            a_release(Phase.BAKING),
            {"route": a_survey(ALL), "canary": a_canary(4), "route_age": 0.5},
            [],
            id="the bake settles",
        ),
        pytest.param(
            a_release(Phase.BAKING),
            {"route": a_survey(ALL), "canary": a_canary(4)},
            ["Record", Unpause("v2", Held.ROLLING)],
            id="the bake is over",
        ),
        pytest.param(
            a_release(Phase.PROMOTING),
            {"route": a_survey(ALL), "canary": a_canary(4)},
            [Unpause("v2", Held.ROLLING)],
            id="recorded and not done",
        ),
    ],
)
def test_a_person_who_promotes_skips_the_analysis_and_not_the_order(
    release: Release, seen: dict[str, Any], acts: list[Any]
) -> None:
    """Case 37; the wish goes with the un-pause."""
    decision = decided(release, workload=wishing("promote"), **seen)
    assert [act if act in acts else type(act).__name__ for act in decision.acts] == acts


@pytest.mark.parametrize(
    ("phase", "route", "canary"),
    [
        pytest.param(Phase.PENDING, NO_ROUTE, None, id="pending"),
        pytest.param(Phase.PREPARING, a_survey(PINNED), None, id="preparing"),
        pytest.param(Phase.STEPPING, a_survey(STEP), a_canary(1), id="a step"),
        pytest.param(Phase.BAKING, a_survey(ALL), a_canary(4), id="the bake"),
        pytest.param(Phase.PROMOTING, a_survey(ALL), a_canary(4), id="recorded and not un-paused"),
    ],
)
def test_a_person_who_promotes_what_is_paused_resumes_it_first(phase: Phase, route: Any, canary: Any) -> None:
    """The pause ends with its time given back, and the next look hurries; the wish stays until then."""
    paused = a_release(phase, paused_at=after(20), holding="Paused")
    look: dict[str, Any] = {"workload": wishing("promote"), "route": route, "canary": canary}
    decision = decided(paused, **look)
    status = recorded(decision)
    assert (acts_of(decision), [told.reason for told in decision.told]) == (["Record"], ["Resumed"])
    assert (status.phase, status.paused_at, status.paused_seconds, status.holding) == (phase, None, 40.0, "")
    assert decided(paused.model_copy(update={"status": status}), **look).acts != ()


@pytest.mark.parametrize(
    ("seen", "acts"),
    [
        pytest.param({"canary": a_canary(4)}, ["Record", "Unpause"], id="whole"),
        pytest.param({"canary": a_canary(4, ready=3)}, ["Record"], id="one pod is missing"),
        pytest.param(
            {"canary": a_canary(4, ready=3), "workload": wishing("promote")}, ["Record"], id="for a person neither"
        ),
        pytest.param({"canary": a_canary(4), "workload": a_workload(replicas=6)}, ["Raise"], id="the size grew"),
    ],
)
def test_the_bake_passes_with_a_whole_canary_only(seen: dict[str, Any], acts: list[str]) -> None:
    """Promise 2: the un-pause takes the old pods away, so the canary carries everything alone."""
    decision = decided(a_release(Phase.BAKING), **{"judgement": PASS, "route": a_survey(ALL), **seen})
    assert acts_of(decision) == acts
    if acts == ["Record"]:
        assert (recorded(decision).phase, recorded(decision).holding) == (Phase.BAKING, "CanaryNotReady")


@pytest.mark.parametrize(
    ("release", "seen", "acts"),
    [
        pytest.param(a_release(Phase.PROMOTING), {}, (Unpause("v2", Held.ROLLING),), id="seen at 100 and settled"),
        pytest.param(a_release(Phase.PROMOTING), {"route_age": 0.2}, (), id="not settled"),
        pytest.param(a_release(Phase.PROMOTING, paused_at=after(1)), {}, (), id="a person holds"),
        pytest.param(
            a_release(Phase.PROMOTING),
            {"canary": a_canary(4, ready=1), "route": a_survey(STEP)},
            ("Record",),
            id="not on it",
        ),
        pytest.param(
            a_release(Phase.PROMOTING, base="web-v1", stable=(a_share(BASE),)),
            {"base": a_base(), "route": a_survey(split((BASE, 0), (CANARY, 10_000)), legs=frozenset({BASE, CANARY}))},
            (Unpause("v2", Held.ROLLING), EndBase("web-v1")),
            id="on a base, whose end tells of the un-pause",
        ),
    ],
)
def test_a_late_unpause_reads_the_route_back(release: Release, seen: dict[str, Any], acts: Any) -> None:
    """Law 10: all traffic on the canary, settled, and only then."""
    decision = decided(release, **{"route": a_survey(ALL), "canary": a_canary(4), **seen})
    assert tuple(act if act in acts else type(act).__name__ for act in decision.acts) == acts


ROLLED = a_workload(paused=False, held=Held.ROLLING, rolled_out=True)
HALF = a_workload(paused=False, held=Held.ROLLING)
SETS = (a_revision("v2", 3), a_revision("v1", 1))


@pytest.mark.parametrize(
    ("seen", "acts"),
    [
        pytest.param({"workload": HALF}, [], id="waited for"),
        pytest.param({"workload": a_workload()}, [Unpause("v2", Held.ROLLING)], id="paused again with our template"),
        pytest.param({"workload": HALF, "canary": a_canary(3)}, [Raise(4)], id="case 44: the canary follows the size"),
        pytest.param({"workload": a_workload(paused=False, stalled="FailedCreate: quota")}, ["Record"], id="stalled"),
        pytest.param({"workload": ROLLED}, ["Record"], id="rolled out"),
        pytest.param({"workload": ROLLED, "revisions": (a_revision("v1"),)}, [], id="its ReplicaSet not seen yet"),
        pytest.param({"workload": ROLLED, "canary": None}, ["Record"], id="rolled out, canary gone"),
    ],
)
def test_the_native_roll_out_is_waited_for(seen: dict[str, Any], acts: list[Any]) -> None:
    """Users are on the canary meanwhile."""
    decision = decided(
        a_release(Phase.PROMOTING), **{"route": a_survey(ALL), "canary": a_canary(4), "revisions": SETS, **seen}
    )
    assert [act if act in acts else type(act).__name__ for act in decision.acts] == acts


@pytest.mark.parametrize(
    ("seen", "status", "holding"),
    [
        pytest.param({"canary": a_canary(4, 0)}, {}, "CanaryNotReady", id="no pod under the users"),
        pytest.param({"workload": replace(HALF, stalled="FailedCreate: quota")}, {}, "RolloutStalled", id="stalled"),
        pytest.param(
            {"drift": "edited"}, {"drifts": (after(50),) * 4}, "RouteContested", id="the route is fought over"
        ),
        pytest.param({}, {"holding": "CanaryNotReady"}, "", id="over"),
    ],
)
def test_what_hinders_a_roll_out_is_said_once_and_when_it_is_over(
    seen: dict[str, Any], status: dict[str, Any], holding: str
) -> None:
    """There is no way back to the old pods: it goes on all the same."""
    look = {"route": a_survey(ALL), "canary": a_canary(4), "revisions": SETS, "workload": HALF, **seen}
    decision = decided(a_release(Phase.PROMOTING, **status), **look)
    assert acts_of(decision) == ["Record"]
    assert recorded(decision).holding == holding
    assert [told.reason for told in decision.told] == [holding or "GoingOn"]
    again = decided(a_release(Phase.PROMOTING, **{**status, "holding": holding}), **look)
    assert (again.acts, again.told) == ((), ())


@pytest.mark.parametrize(
    ("digest", "acts"),
    [
        pytest.param("v3", ["Record"], id="nobody judged it"),
        pytest.param("v2", [Unpause("v2", Held.ROLLING)], id="this release's"),
        pytest.param("v1", [Unpause("v1", Held.ROLLING)], id="the old one"),
    ],
)
def test_a_paused_roll_out_goes_on_with_a_judged_template_only(digest: str, acts: list[Any]) -> None:
    """Promise 7: un-pausing another one would roll out what nobody judged."""
    seen = a_look(workload=a_workload(digest), revisions=SETS, route=a_survey(ALL), canary=a_canary(4))
    decision = progress.go_on(Stage.ROLLING, a_release(Phase.PROMOTING), seen, PACE)
    assert [act if act in acts else type(act).__name__ for act in decision.acts] == acts
    if digest == "v3":
        assert recorded(decision).holding == "Superseded"


@pytest.mark.parametrize(
    ("seen", "holding", "look_again"),
    [
        pytest.param(
            {"workload": a_workload("v3", annotations={names.STRATEGY: None})}, "OptedOut", PACE.look, id="opted out"
        ),
        pytest.param(
            {"workload": a_workload("v3"), "release_deleting": True}, "Superseded", None, id="release deleted"
        ),
        pytest.param(
            {"workload": a_workload("v3", annotations={names.STRATEGY: None}), "release_deleting": True},
            "OptedOut",
            PACE.look,
            id="both",
        ),
    ],
)
def test_who_leaves_in_the_roll_out_does_not_roll_out_a_newer_template(
    seen: dict[str, Any], holding: str, look_again: float | None
) -> None:
    """In one write with it, too: the Deployment stays paused, users stay on the canary, and it is said once."""
    look: dict[str, Any] = {"revisions": SETS, "route": a_survey(ALL), "canary": a_canary(4), **seen}
    first = decided(a_release(Phase.PROMOTING), **look)
    assert (acts_of(first), recorded(first).holding) == (["Record"], holding)
    assert decided(a_release(Phase.PROMOTING, holding=holding), **look) == Decision(look_again=look_again)


@pytest.mark.parametrize(
    ("digest", "outcome"),
    [
        pytest.param("v2", Phase.PROMOTED, id="the released one"),
        pytest.param("v1", Phase.REVERTED, id="the old one"),
    ],
)
def test_the_end_is_told_by_what_rolled_out(digest: str, outcome: Phase) -> None:
    """Law 12: Finishing is recorded with the pin to the ReplicaSet that is whole."""
    release = a_release(Phase.PROMOTING, outcome=Phase.REVERTED)
    workload = a_workload(digest, paused=False, rolled_out=True)
    decision = decided(
        release, workload=workload, revisions=(a_revision(digest),), canary=a_canary(4), route=a_survey(ALL)
    )
    status = recorded(decision)
    assert (status.phase, status.outcome, status.new_stable.value) == (Phase.FINISHING, outcome, digest)


def test_a_deployment_that_is_gone_rolls_no_more() -> None:
    """Rolling alone has nothing to wait for; the machine's fall comes before it."""
    assert progress.go_on(Stage.ROLLING, a_release(Phase.PROMOTING), a_look(workload=None), PACE).acts == ()


def test_the_end_of_a_base_is_made_sure_of() -> None:
    """Law 10: it is recorded after the un-pause, also when the first try was cut short."""
    release = a_release(Phase.PROMOTING, base="web-v1", stable=(a_share(BASE),))
    decision = decided(release, workload=HALF, base=a_base(), route=a_survey(ALL), revisions=SETS)
    assert decision.acts == (EndBase("web-v1"),)


FINISHING = a_release(Phase.FINISHING, new_stable=a_share(V2), outcome=Phase.PROMOTED)
LEGS = frozenset({V1, V2, CANARY})


@pytest.mark.parametrize(
    ("seen", "acts"),
    [
        pytest.param({"route": a_survey(ALL)}, (Define(LEGS),), id="the new ReplicaSet's leg"),
        pytest.param(
            {"route": a_survey(ALL, legs=frozenset())}, (Define(LEGS),), id="no leg that has traffic goes before"
        ),
        pytest.param({"route": a_survey(ALL, legs=LEGS), "route_age": 0.5}, (), id="settle"),
        pytest.param({"route": a_survey(ALL, legs=LEGS)}, (Steer(NEW),), id="the route to it"),
        pytest.param({"route": a_survey(NEW, legs=LEGS, agreed=False, shown=LEGS)}, (Steer(NEW),), id="in every list"),
        pytest.param(
            {"route": a_survey(NEW, legs=LEGS, agreed=False), "canary": None},
            (Restore(),),
            id="a list without our legs is nobody's",
        ),
        pytest.param(
            {"route": a_survey(ALL, legs=LEGS), "revisions": (a_revision("v2"), a_revision("v3", 1))},
            (Restore(),),
            id="to the root while the Deployment rolls again",
        ),
        pytest.param({"route": a_survey(NEW, legs=LEGS), "route_age": 1.9}, (), id="drain"),
        pytest.param({"route": a_survey(NEW, legs=LEGS)}, (Remove(),), id="the canary leaves"),
        pytest.param(
            {"route": a_survey(ALL, legs=LEGS, bare=frozenset({V2}))}, (), id="endpoints of the new ReplicaSet's leg"
        ),
        pytest.param({"route": a_survey(NEW, legs=LEGS), "canary": a_canary(deleting=True)}, (), id="until it is gone"),
        pytest.param({"route": a_survey(NEW, legs=LEGS), "canary": None, "leavers": 1}, (), id="and its addresses"),
        pytest.param({"route": a_survey(NEW, legs=LEGS), "canary": None}, (Restore(),), id="the route as it was"),
        pytest.param({"route": a_survey(NEW, legs=LEGS), "canary": None, "route_age": 0.5}, (), id="settled before"),
        pytest.param({"route": a_survey(None, legs=LEGS), "canary": None, "route_age": 0.5}, (), id="and after"),
        pytest.param({"route": a_survey(None, legs=LEGS), "canary": None}, (Define(frozenset()),), id="the legs"),
        pytest.param({"route": NO_ROUTE, "canary": None}, (Disown(), Unhold(), "Record"), id="marks, then the end"),
        pytest.param(
            {"route": NO_ROUTE, "canary": None, "workload": a_workload("v3")},
            (Disown(), "Record"),
            id="a newer one stays held",
        ),
        pytest.param(
            {"route": NO_ROUTE, "canary": None, "workload": None}, (Disown(), "Record"), id="nothing to unmark"
        ),
        pytest.param({"route": a_survey(None, legs=LEGS)}, (Remove(),), id="a route restored by somebody else"),
    ],
)
def test_finishing_goes_down_step_by_step(seen: dict[str, Any], acts: Any) -> None:
    """Laws 9 and 12: route, settle, drain, pods, route, settle, legs, end; never pods in the look of the weight."""
    decision = decided(FINISHING, **{"workload": ROLLED, "revisions": (a_revision("v2"),), **seen})
    assert tuple(act if act in acts else type(act).__name__ for act in decision.acts) == acts


def test_waits_last_as_long_as_is_left_of_them() -> None:
    """Settle and drain are counted from when the route's content was first seen."""
    route = a_survey(NEW, legs=LEGS)
    seen: dict[str, Any] = {"workload": ROLLED, "revisions": (a_revision("v2"),), "route": route}
    assert decided(FINISHING, route_age=0.5, **seen).look_again == PACE.drain - 0.5
    assert settling.wait_for_settle(a_look(route_age=0.25), PACE) == Decision(look_again=0.75)
    assert settling.wait_for_settle(a_look(route_age=0.25), PACE, least=0.5) == Decision(look_again=0.75)


@pytest.mark.parametrize(
    ("canary", "base", "acts"),
    [
        pytest.param(a_canary(), a_canary(), (Remove(base=True),), id="both"),
        pytest.param(None, a_canary(), (Remove(base=True),), id="the base's"),
        pytest.param(None, a_canary(deleting=True), (), id="the base's goes"),
        pytest.param(None, None, (Restore(),), id="none is left"),
    ],
)
def test_a_finished_release_takes_its_base_along(canary: Any, base: Any, acts: Any) -> None:
    """Laws 11 to 13: the predecessor's canary leaves with it."""
    release = a_release(Phase.FINISHING, new_stable=a_share(V2), base="web-v1", stable=(a_share(BASE),))
    route = a_survey(NEW, legs=frozenset({BASE, V2, CANARY}))
    seen = {"workload": ROLLED, "base": a_base(False, base), "route": route, "revisions": (a_revision("v2"),)}
    assert decided(release, canary=canary, **seen).acts == acts


def test_a_roll_out_that_ends_without_pods_pins_nothing() -> None:
    """Case 51: scaled to zero in the native roll-out; the canary leaves, and the root gets the route."""
    none = a_workload(paused=False, held=Held.ROLLING, rolled_out=True, replicas=0)
    sets_ = (a_revision("v2", 0), a_revision("v1", 0))
    look: dict[str, Any] = {"workload": none, "revisions": sets_, "route": a_survey(ALL)}
    decision = decided(a_release(Phase.PROMOTING), canary=a_canary(4), **look)
    status = recorded(decision)
    assert (status.phase, status.outcome, status.new_stable) == (Phase.FINISHING, Phase.PROMOTED, None)
    assert decided(a_release(Phase.FINISHING, outcome=Phase.PROMOTED), canary=a_canary(4), **look).acts == (Restore(),)


@pytest.mark.parametrize(
    ("phase", "base", "acts"),
    [
        pytest.param(Phase.STEPPING, a_base(True, a_canary(4)), (RaiseBase("web-v1", 8),), id="at a step"),
        pytest.param(Phase.PREPARING, a_base(True, a_canary(4)), (RaiseBase("web-v1", 8),), id="while preparing"),
        pytest.param(Phase.STEPPING, a_base(True, a_canary(8)), (), id="large enough"),
        pytest.param(Phase.STEPPING, a_base(True, a_canary(9)), (), id="never smaller"),
        pytest.param(Phase.STEPPING, a_base(False, a_canary(4)), (), id="nobody is on it any more"),
        pytest.param(Phase.STEPPING, a_base(True), (), id="no canary"),
    ],
)
def test_the_base_follows_the_size_of_the_deployment(phase: Phase, base: Any, acts: Any) -> None:
    """Case 44 and law 13: users are on the predecessor's canary, which is production."""
    route = a_survey(split((BASE, 9500), (CANARY, 500)), legs=frozenset({BASE, CANARY}))
    release = a_release(phase, **{**ON_BASE, "weight": Decimal(5)})
    assert decided(release, workload=a_workload(replicas=8), base=base, route=route).acts == acts


ON_BASE: dict[str, Any] = {
    "base": "web-v1",
    "stable": (a_share(BASE),),
    "stable_digests": ("v1",),
    "saved": {"content": "base's"},
}
BASE_ALONE = split((BASE, 10_000))


@pytest.mark.parametrize(
    ("route", "age", "acts"),
    [
        pytest.param(
            a_survey(BASE_ALONE, legs=frozenset({BASE, CANARY})), 60, (Define(frozenset({BASE})),), id="its own leg"
        ),
        pytest.param(a_survey(BASE_ALONE, legs=frozenset({BASE, CANARY})), 0.5, (), id="settled before"),
        pytest.param(
            a_survey(BASE_ALONE, legs=frozenset({BASE})),
            60,
            (Disown(), "Record"),
            id="and the route stays on the base",
        ),
        pytest.param(
            a_survey(None, legs=frozenset({BASE})), 60, (Disown(), "Record"), id="a route restored by somebody else"
        ),
    ],
)
def test_a_failed_successor_leaves_the_route_on_its_base(route: Any, age: float, acts: Any) -> None:
    """Law 13: not to the root, whose pods are half rolled."""
    release = a_release(Phase.ROLLING_BACK, outcome=Phase.SUPERSEDED, **ON_BASE)
    decision = decided(release, route=route, route_age=age, canary=None, base=a_base())
    assert tuple(act if act in acts else type(act).__name__ for act in decision.acts) == acts


@pytest.mark.parametrize(
    ("saved", "acts"),
    [
        pytest.param({"content": "newer"}, (HandOver("web-v1", {"content": "newer"}),), id="it knows more"),
        pytest.param({"content": "base's"}, (Disown(), "Record"), id="it knows the same"),
    ],
)
def test_a_failed_successor_hands_its_memory_of_the_route_over(saved: Any, acts: Any) -> None:
    """Law 5: a route that was rewritten meanwhile is put back by the base as it was last."""
    release = a_release(Phase.ROLLING_BACK, outcome=Phase.SUPERSEDED, **{**ON_BASE, "saved": saved})
    route = a_survey(BASE_ALONE, legs=frozenset({BASE}))
    decision = decided(release, route=route, canary=None, base=a_base())
    assert tuple(act if act in acts else type(act).__name__ for act in decision.acts) == acts


def test_memory_is_handed_over_after_the_pods_have_left() -> None:
    """The fall and its clean-up wait for no bookkeeping (law 6)."""
    release = a_release(Phase.ROLLING_BACK, outcome=Phase.SUPERSEDED, **{**ON_BASE, "saved": {"content": "newer"}})
    look: dict[str, Any] = {"route": a_survey(BASE_ALONE, legs=frozenset({BASE, CANARY})), "base": a_base()}
    assert decided(release, **look).acts == (Remove(),)
    assert decided(release, canary=None, leavers=1, **look).acts == ()


@pytest.mark.parametrize(
    ("route", "acts"),
    [
        pytest.param(a_survey(STEP), (Steer(DOWN),), id="a leg is still there"),
        pytest.param(
            a_survey(DOWN, agreed=False, shown=frozenset({V1, CANARY})), (Steer(DOWN),), id="in one of the lists"
        ),
        pytest.param(a_survey(DOWN, agreed=False), (Remove(),), id="a list of somebody else's without our leg"),
        pytest.param(a_survey(DOWN), (Remove(),), id="then the pods"),
    ],
)
def test_rolling_back_makes_sure_of_the_fall(route: Any, acts: Any) -> None:
    """Law 9: never the pods before the weight."""
    assert decided(a_release(Phase.ROLLING_BACK), route=route).acts == acts


@pytest.mark.parametrize(
    ("status", "workload", "acts"),
    [
        pytest.param({"outcome": Phase.ROLLED_BACK}, a_workload(), [Mark("v2")], id="law 3: a lost mark is written"),
        pytest.param(
            {"outcome": Phase.ROLLED_BACK}, a_workload(annotations={"rampart.dev/failed": "v2"}), [], id="once"
        ),
        pytest.param({"outcome": Phase.ROLLED_BACK}, a_workload("v3"), [], id="the mark goes with the template"),
        pytest.param({"outcome": Phase.CANCELLED, "reason": "ScaledToZero"}, a_workload(), [], id="not its fault"),
        pytest.param(
            {"outcome": Phase.CANCELLED, "reason": "OptedOut"}, a_workload(), [Leave()], id="opted out and in again"
        ),
        pytest.param(
            {"outcome": Phase.CANCELLED, "reason": "OptedOut"},
            a_workload("v1", annotations={"rampart.dev/strategy": None}),
            [Unpause("v1", None)],
            id="opted out and reverted in one write: what runs is not left paused",
        ),
        pytest.param(
            {"outcome": Phase.CANCELLED, "reason": "OptedOut"},
            a_workload(annotations={"rampart.dev/strategy": None}, held=None),
            [],
            id="opted out and resumed by its owner",
        ),
        pytest.param(
            {"outcome": Phase.CANCELLED, "reason": "HoldEscaped"},
            a_workload(paused=False),
            [Unhold()],
            id="escaped with our mark",
        ),
        pytest.param(
            {"outcome": Phase.CANCELLED, "reason": "HoldEscaped"}, a_workload(), [], id="escaped and paused again"
        ),
        pytest.param({"outcome": Phase.REVERTED}, a_workload("v1"), [Unpause("v1", None)], id="reverted"),
        pytest.param({"outcome": Phase.REVERTED}, wishing("revert"), [RevertTemplate("v1")], id="reverted by wish"),
        pytest.param(
            {"outcome": Phase.REVERTED, "stable_digests": ("v0",)}, wishing("revert"), [], id="nothing to revert to"
        ),
        pytest.param({}, a_workload(), [], id="law 7: a fall without a cause"),
        pytest.param({"outcome": Phase.REVERTED, **ON_BASE}, a_workload("v1"), [], id="on a base"),
        pytest.param({"outcome": Phase.ROLLED_BACK}, a_workload(deleting=True), [], id="the Deployment goes"),
        pytest.param({"outcome": Phase.ROLLED_BACK}, None, [], id="the Deployment is gone"),
    ],
)
def test_marks_come_before_the_end(status: dict[str, Any], workload: Any, acts: list[Any]) -> None:
    """Law 3: what the Deployment needs by how the release ended."""
    release = a_release(Phase.ROLLING_BACK, **status)
    route = a_survey(None, legs=frozenset({BASE}) if status.get("base") else frozenset())
    base = replace(a_base(), saved=release.status.saved or {}) if status.get("base") else None
    decision = decided(release, workload=workload, canary=None, route=route, base=base)
    assert [*decision.acts[:-1]] == [Disown(), *acts]
    assert recorded(decision).phase is (release.status.outcome or Phase.REVERTED)
    assert (recorded(decision).ended, recorded(decision).reason) == (after(60), release.status.reason)


def test_an_abort_that_came_while_it_fell_is_cleared_at_the_end() -> None:
    """Law 6: `do` is cleared last."""
    release = a_release(Phase.ROLLING_BACK, outcome=Phase.ROLLED_BACK)
    decision = decided(release, workload=wishing("abort"), canary=None, route=NO_ROUTE)
    assert decision.acts[-1] == ClearWish("abort")


def test_an_end_without_marks_for_a_deployment_that_is_gone() -> None:
    """There is nothing to put a template back into."""
    assert cleanup.reverted_marks(a_release(Phase.ROLLING_BACK), a_look(workload=None)) == ()


def test_only_the_last_decisions_are_kept() -> None:
    """Case 56: a status does not grow with the looks; each line is cut."""
    release = a_release()
    for number in range(30):
        told = Told(f"R{number}", "x" * 1000)
        release = release.model_copy(update={"status": words.note(release, a_look(), told)})
    lines = release.status.decisions
    assert [line.reason for line in lines] == [f"R{number}" for number in range(18, 30)]
    assert {len(line.message) for line in lines} == {400}


def test_a_long_stay_is_recorded_now_and_then() -> None:
    """What the evidence judge knows need not be read again from the beginning."""
    told = a_judgement(Verdict.HOLD, checkpoint="known")
    fresh = a_release(Phase.STEPPING, checkpoint_at=after(50))
    old = a_release(Phase.STEPPING, checkpoint_at=after(-7200))
    assert decided(fresh, judgement=told).acts == ()
    decision = decided(old, judgement=told)
    assert (acts_of(decision), decision.told) == (["Record"], ())
    assert (recorded(decision).checkpoint, recorded(decision).checkpoint_at) == ("known", after(60))


ONLY = traffic.Only(CANARY, "x-canary", "1")
LED = a_plan(steps="mirror:10,header:x-canary=1,pause,5,25")


def at_lead(lead: str, **status: Any) -> Release:
    return a_release(plan=LED, weight=Decimal(0), lead=lead, **status)


def led(aside: traffic.Aside | None) -> Any:
    return a_survey(traffic.Split(PINNED.shares, aside))


def test_steps_before_any_weight_come_first_and_give_the_canary_no_share() -> None:
    """Recorded, then done: the canary's leg keeps its weight of 0 and gets a copy, or those who match."""
    first = decided(a_release(Phase.PREPARING, LED), plan=LED, route=a_survey(PINNED))
    mirror = traffic.Mirror(CANARY, 1000)
    assert (recorded(first).lead, recorded(first).weight, recorded(first).step_text) == ("mirror:10", 0, "1/5")
    assert first.acts[1] == Steer(traffic.Split(PINNED.shares, mirror))
    second = decided(at_lead("mirror:10"), plan=LED, route=led(mirror), judgement=PASS)
    assert (recorded(second).lead, recorded(second).alike_since) == ("header:x-canary=1", None)
    assert second.acts[1] == Steer(traffic.Split(PINNED.shares, ONLY))
    assert second.told[0].message.endswith("judged by its thresholds alone, for stable serves other users")


def test_what_other_users_met_is_no_evidence_for_the_weights() -> None:
    """From the first weight on both versions meet the same users; what is known from before is forgotten."""
    release = at_lead("header:x-canary=1", halted="header:x-canary=1", checkpoint="{}", checkpoint_at=START)
    status = recorded(decided(release, plan=LED, route=led(ONLY), judgement=PASS))
    assert (status.weight, status.lead, status.alike_since) == (5, "", after(60))
    assert (status.checkpoint, status.checkpoint_at) == ("", None)
    later = recorded(decided(a_release(plan=LED, alike_since=after(9)), plan=LED, canary=a_canary(), judgement=PASS))
    assert (later.weight, later.alike_since) == (25, after(9))


def test_a_rule_that_is_missing_at_its_step_is_written_again() -> None:
    """The route must show what is recorded, also beside the shares."""
    decision = decided(at_lead("header:x-canary=1"), plan=LED, route=led(None), judgement=PASS)
    assert decision.acts[1] == Steer(traffic.Split(PINNED.shares, ONLY))


@pytest.mark.parametrize(
    ("release", "route", "reason"),
    [
        pytest.param(a_release(Phase.PENDING, LED), a_survey(None), "Refused", id="before anything began"),
        pytest.param(a_release(Phase.PREPARING, LED), a_survey(PINNED), "Refused", id="before the first step"),
        pytest.param(at_lead("mirror:10"), led(None), "RouteRefused", id="the user added a mirror at the step"),
    ],
)
def test_what_the_route_can_not_express_holds_with_its_reason(release: Release, route: Any, reason: str) -> None:
    """Case 6: nothing is sent to the canary, and nothing is written again and again."""
    decision = decided(release, plan=LED, route=route, unfit=("VirtualService shop/web http[0] has a mirror",))
    assert (acts_of(decision), recorded(decision).holding) == (["Record"], reason)
    assert decision.told[0].message == "VirtualService shop/web http[0] has a mirror"


def test_users_who_match_leave_a_canary_without_ready_pods() -> None:
    """A rule has no weight, and its users fail all the same; a mirror's do not."""
    lost = {"plan": LED, "canary": a_canary(1, ready=0)}
    retreat = decided(at_lead("header:x-canary=1"), **lost, route=led(ONLY))
    assert retreat.acts[0] == Steer(PINNED)
    assert decided(at_lead("mirror:10"), **lost, route=led(traffic.Mirror(CANARY, 1000))).acts == ()


def test_a_fall_takes_the_rule_out_first() -> None:
    """Laws 6 and 9: the route before the record, with what the canary got beside its share."""
    bad = a_judgement(Verdict.FAIL)
    decision = decided(at_lead("header:x-canary=1"), plan=LED, route=led(ONLY), judgement=bad)
    assert (decision.acts[0], recorded(decision).lead) == (Steer(DOWN), "")


UNFIT = ("VirtualService shop/web http[0] has a mirror",)


@pytest.mark.parametrize(
    ("plan", "status", "weight"),
    [
        pytest.param(a_plan(steps="5,25"), {}, 5, id="taken out of the plan"),
        pytest.param(LED, {}, None, id="still in the plan"),
        pytest.param(a_plan(steps="5,25"), {"paused_at": START}, None, id="a person holds"),
    ],
)
def test_a_step_that_became_impossible_ends_with_its_place_in_the_plan(plan: Any, status: Any, weight: Any) -> None:
    """Whoever takes it out of the plan is not left waiting for a route that can never be put right."""
    release = a_release(plan=plan, weight=Decimal(0), lead="mirror:10", **status)
    decision = decided(release, plan=plan, route=led(None), unfit=UNFIT)
    assert recorded(decision).weight == (weight or 0)
    assert (recorded(decision).holding == "RouteRefused") == (weight is None)


def test_a_person_may_promote_from_a_step_that_became_impossible() -> None:
    """All traffic needs no rule beside the shares."""
    seen = a_look(
        plan=LED,
        route=led(None),
        unfit=UNFIT,
        canary=a_canary(4),
        workload=a_workload(annotations={names.DO: "promote"}),
    )
    decision = machine.decide(at_lead("mirror:10"), seen, PACE)
    assert (recorded(decision).phase, recorded(decision).weight) == (Phase.BAKING, 100)


def test_what_an_edited_plan_has_no_more_is_still_asked_of_the_route() -> None:
    """The step stays until the next rise."""
    release = a_release(plan=a_plan(steps="header:x-canary=1,5"), weight=Decimal(0), lead="mirror:10")
    assert shares.asides_of(release) == (ONLY, traffic.Mirror(CANARY, 1000))
    assert shares.asides_of(at_lead("mirror:10")) == (traffic.Mirror(CANARY, 1000), ONLY)


FINE = a_plan(steps="0.25,5")
COARSE = "show only multiples of 0.1 %, got 0.25 %"


@pytest.mark.parametrize(
    ("release", "route"),
    [
        pytest.param(a_release(Phase.PENDING, FINE), a_survey(None, grain=10), id="before anything began"),
        pytest.param(a_release(Phase.PREPARING, FINE), a_survey(PINNED, grain=10), id="before the step"),
    ],
)
def test_a_step_finer_than_the_routes_weights_is_refused(release: Release, route: Any) -> None:
    """Else it would be written again and again, and never be seen."""
    decision = decided(release, plan=FINE, route=route)
    assert (acts_of(decision), recorded(decision).holding) == (["Record"], "Refused")
    assert COARSE in decision.told[0].message


def test_stable_legs_that_the_weights_can_not_tell_apart_are_refused() -> None:
    """Two ReplicaSets of two and one pods: a third is no multiple."""
    release = a_release(Phase.PREPARING, stable=(a_share(V1, 2), a_share(V2, 1)))
    decision = decided(release, route=a_survey(None, grain=10))
    assert recorded(decision).holding == "Refused"
