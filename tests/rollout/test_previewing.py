"""Blue-green before its switch: what the preview waits for, and what its judgement leads to."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from analysis import errors
from analysis.verdict import Reason, Verdict
from deploy import errors as refusals
from deploy import kinds, names
from rollout import machine
from rollout import plan as plans
from rollout.plan import Plan
from rollout.seen import Decision, Preview, Raise, Record, Seen, Steer, Unpreview
from rollout.status import Phase, Release
from rollout.steps import Step
from tests.rollout.a_shop import Shop, a_shop
from tests.rollout.building import (
    ALL,
    CANARY,
    PACE,
    PINNED,
    START,
    V1,
    a_canary,
    a_judgement,
    a_look,
    a_plan,
    a_release,
    a_survey,
    after,
    split,
    wishing,
)
from tests.rollout.small_cluster import SHOP

BLUE_GREEN = a_plan(strategy="blue-green")


def previewed(plan: Plan = BLUE_GREEN, **status: Any) -> Release:
    """A release that has been in its preview for the sixty seconds of a look."""
    return a_release(Phase.PREPARING, plan, **{"since": START, **status})


def looking(plan: Plan = BLUE_GREEN, **changes: Any) -> Seen:
    """Green is whole, its preview is there, and the route is pinned."""
    usual: dict[str, Any] = {"canary": a_canary(4), "previewed": True, "route": a_survey(PINNED), "plan": plan}
    return a_look(**{**usual, **changes})


def decided(release: Release, seen: Seen) -> Decision:
    return machine.decide(release, seen, PACE)


def silence(reason: Any = Reason.NO_REQUESTS, **numbers: Any) -> Any:
    return a_judgement(Verdict.NO_DATA, reason, "too little", **numbers)


@pytest.mark.parametrize(
    ("changes", "acts", "again"),
    [
        pytest.param({"canary": None}, (Raise(4),), 0, id="green is as large as blue, from the beginning"),
        pytest.param({"canary": a_canary(2)}, (Raise(4),), 0, id="blue was scaled"),
        pytest.param({"previewed": False}, (Preview(),), 1, id="the preview, once green has its leg"),
        pytest.param({"canary": a_canary(4, 3)}, (), 1, id="all pods are ready first"),
        pytest.param({"canary_age": 0.25}, (), 0.75, id="every proxy knows them"),
    ],
)
def test_green_is_whole_before_it_is_judged(changes: dict[str, Any], acts: tuple[Any, ...], again: float) -> None:
    """Case 3."""
    assert decided(previewed(since=None), looking(**changes)) == Decision(acts, (), again)


def test_the_preview_is_said_and_its_clock_begins() -> None:
    """With its name, for the tester."""
    found = decided(previewed(since=None), looking())
    assert [told.reason for told in found.told] == ["Previewing"]
    assert found.told[0].message.startswith("Service web-rampart-canary leads to v2 (4 pods), no user does")
    assert [act.status.since for act in found.acts if isinstance(act, Record)] == [after(60)]


@pytest.mark.parametrize(
    ("plan", "judgement", "cause"),
    [
        pytest.param({}, a_judgement(Verdict.PASS), "the preview passed: measured; ", id="passed"),
        pytest.param(
            {}, silence(), "not judged before the switch (too little): users' requests are judged; ", id="silent"
        ),
        pytest.param(
            {},
            silence(Reason.TOO_FEW_REQUESTS, success=100.0),
            "not judged before the switch (too little): users' requests are judged; ",
            id="one good request",
        ),
        pytest.param(
            {"on_no_data": "promote"},
            silence(errors.Fault.UNREACHABLE),
            "not judged before the switch (too little): users' requests are judged; ",
            id="nobody knows, and the plan says promote",
        ),
    ],
)
def test_the_switch_is_one_write_of_all_and_says_why(plan: dict[str, str], judgement: Any, cause: str) -> None:
    """Recorded, then done; the bake's clock and the warm-up begin with users."""
    whole = a_plan(strategy="blue-green", **plan)
    found = decided(previewed(whole), looking(whole, judgement=judgement))
    recorded, steered = found.acts
    assert isinstance(recorded, Record)
    assert steered == Steer(ALL)
    assert found.told[0].message == f"{cause}100 % to the canary (4 pods), step 1 of 1"
    status = recorded.status
    assert (status.phase, status.weight, status.since, status.ready_at) == (
        Phase.BAKING,
        Decimal(100),
        after(60),
        after(60),
    )


@pytest.mark.parametrize(
    ("plan", "judgement", "text"),
    [
        pytest.param(
            {"on_no_data": "hold"}, silence(), "the switch waits: too little; to switch: do=promote", id="hold was said"
        ),
        pytest.param(
            {},
            silence(Reason.TOO_FEW_REQUESTS, success=50.0),
            "the switch waits: too little, 50 % of them good; to switch: do=promote",
            id="the few that came have failed",
        ),
        pytest.param(
            {},
            silence(errors.Fault.UNREACHABLE),
            "the switch waits: too little; to switch: do=promote",
            id="Prometheus is away",
        ),
    ],
)
def test_the_switch_waits_and_says_why(plan: dict[str, str], judgement: Any, text: str) -> None:
    """No data is never a pass (promise 4)."""
    whole = a_plan(strategy="blue-green", **plan)
    found = decided(previewed(whole), looking(whole, judgement=judgement))
    assert [told.message for told in found.told] == [text]
    assert [type(act) for act in found.acts] == [Record]


@pytest.mark.parametrize(
    ("release", "changes"),
    [
        pytest.param(previewed(), {}, id="the judge has not answered"),
        pytest.param(previewed(since=after(30)), {"judgement": silence()}, id="silence while the interval is not over"),
        pytest.param(
            previewed(), {"judgement": a_judgement(Verdict.HOLD, Reason.STILL_MEASURING)}, id="still measuring"
        ),
        pytest.param(
            previewed(paused_at=after(1), holding="Paused"),
            {"judgement": a_judgement(Verdict.PASS)},
            id="a person looks at the preview",
        ),
    ],
)
def test_the_preview_goes_on_without_a_word(release: Release, changes: dict[str, Any]) -> None:
    """A look that changes nothing writes and says nothing (promise 9)."""
    assert decided(release, looking(**changes)) == Decision((), (), PACE.look)


def test_a_preview_that_was_judged_bad_never_meets_a_user() -> None:
    """The leg goes from the route in the same look."""
    found = decided(previewed(), looking(judgement=a_judgement(Verdict.FAIL)))
    assert found.acts[0] == Steer(split((V1, 10_000)))


def test_a_silent_preview_is_cancelled_where_the_plan_says_so() -> None:
    """And so is no release whose plan has no preview."""
    plan = a_plan(strategy="blue-green", on_no_data="cancel")
    assert decided(previewed(plan), looking(plan, judgement=silence())).told[0].reason == "NoDataCancelled"
    assert decided(a_release(Phase.PREPARING), a_look(route=a_survey(PINNED))).told[0].reason == "Stepping"


def test_a_person_switches_at_once() -> None:
    """Also from a pause, in which the preview is looked at."""
    found = decided(previewed(), looking(workload=wishing("promote")))
    assert found.acts[-1] == Steer(ALL)
    held = decided(previewed(paused_at=after(1)), looking(workload=wishing("promote")))
    assert [told.reason for told in held.told] == ["Resumed"]


def test_a_step_of_a_blue_green_plan_has_all_pods() -> None:
    """Green is whole at every weight."""
    plan = a_plan(strategy="blue-green", steps="10,50")
    found = decided(previewed(plan), looking(plan, judgement=a_judgement(Verdict.PASS)))
    assert found.acts[-1] == Steer(split((V1, 9000), (CANARY, 1000)))
    small = replace(looking(plan), canary=a_canary(1), route=a_survey(split((V1, 9000), (CANARY, 1000))))
    assert decided(a_release(Phase.STEPPING, plan, weight=Decimal(10)), small).acts == (Raise(4),)


def test_no_data_holds_a_preview_only_where_somebody_said_so() -> None:
    """The default of on-no-data is for users' requests; it is read back as it was."""
    said, unsaid = (a_plan(strategy="blue-green", **given) for given in ({"on_no_data": "hold"}, {}))
    assert (said.waits_for_preview, unsaid.waits_for_preview) == (True, False)
    read = [Plan.model_validate(plan.texts()).waits_for_preview for plan in (said, unsaid)]
    assert read == [True, False]
    assert said.on_no_data == unsaid.on_no_data


def test_only_the_deployment_itself_gives_blue_green_steps() -> None:
    """Steps that an installation or a policy shares are a canary's."""
    mark = {names.STRATEGY: "blue-green"}
    shared = plans.resolve(mark, {"steps": "5,10"})
    own = plans.resolve({**mark, f"{plans.PREFIX}steps": "10"}, {"steps": "5,10"})
    assert isinstance(shared, Plan)
    assert isinstance(own, Plan)
    assert (shared.steps, own.steps) == ((), (Step(Decimal(10)),))
    assert shared.length == 2 * shared.interval


# On a whole small cluster.


def a_blue_green_shop(judgement: Any, **annotations: str) -> Shop:
    shop = a_shop()
    shop.annotate(strategy="blue-green", **annotations)
    shop.judge.says = judgement
    shop.change("v2")
    return shop


def services(shop: Shop) -> dict[str, Any]:
    found = shop.cluster.list(kinds.SERVICE).items
    return {item["metadata"]["name"]: item["spec"]["selector"] for item in found}


def has_preview(shop: Shop) -> bool:
    return "web-rampart-canary" in services(shop)


ROOT = {"web": {"app": "web"}}


def test_a_good_release_has_its_preview_before_users_and_leaves_none() -> None:
    """Promise 7."""
    shop = a_blue_green_shop(a_judgement(Verdict.PASS))
    shop.live(has_preview)
    release = shop.releases[0]
    assert services(shop)["web-rampart-canary"] == {"app": "web", names.RELEASE: release.name}
    assert shop.weights == [("stable", 100), ("canary", 0)]
    shop.live(lambda found: found.phases == ["Promoted"])
    assert services(shop) == ROOT
    assert shop.reasons == ["Preparing", "Previewing", "Baking", "Promoting", "Finishing", "Promoted"]


def test_the_preview_is_judged_by_its_own_requests_alone() -> None:
    """By the threshold judge, and without metrics that compare with stable (section 6)."""
    shop = a_shop()
    shop.share(
        metrics=[
            {"name": "queue", "query": 'waiting{workload="{{canary}}"}', "max": 3},
            {"name": "memory", "query": 'memory{workload="{{canary}}"}', "orStable": {"ratio": 2}},
        ]
    )
    shop.annotate(strategy="blue-green", interval="20s", bake="50s")
    shop.judge.says = a_judgement(Verdict.HOLD)
    shop.change("v2")
    shop.live(lambda found: bool(found.judge.asked))
    asked = shop.judge.asked[0]
    assert ([one.name for one in asked.metrics], asked.alone, shop.judge.weighed) == (["queue"], False, [])
    assert asked.thresholds.interval.total_seconds() == 20


def test_a_preview_goes_with_its_canary_when_it_falls() -> None:
    """Law 9: the route, then what leads to the canary, then its pods."""
    shop = a_blue_green_shop(a_judgement(Verdict.HOLD))
    shop.live(has_preview)
    shop.annotate(do="abort")
    shop.cluster.writes.clear()
    shop.live(lambda found: found.phases == ["Cancelled"])
    deleted = [written[1:] for written in shop.cluster.writes if written[0] == "delete"]
    canary = f"web-canary-{shop.releases[0].spec.revision}"
    assert deleted[:2] == [("Service", "web-rampart-canary"), ("Deployment", canary)]
    assert services(shop) == ROOT


def test_an_orphaned_preview_is_swept() -> None:
    """Its release was removed by force; another Deployment's preview stays."""
    shop = a_blue_green_shop(a_judgement(Verdict.HOLD))
    shop.live(has_preview)
    owner = [{"name": "api"}]
    labels = {names.PREVIEW: "api-1"}
    shop.cluster.seed(
        kinds.SERVICE, "api", metadata={"labels": labels, "ownerReferences": owner}, spec={"selector": {}}
    )
    del shop.cluster.objects["Release", shop.releases[0].name]
    shop.annotate(steps="0")
    for _ in range(5):
        shop.look()
    assert services(shop) == {**ROOT, "api": {}}


def test_a_preview_without_its_canary_is_removed() -> None:
    """A controller was killed between the two, or somebody deleted the canary."""
    shop = a_blue_green_shop(a_judgement(Verdict.HOLD))
    shop.live(has_preview)
    release = shop.releases[0]
    falling = replace(shop.observer.seen(shop.observer.view(SHOP, "web"), release), canary=None)
    back = release.model_copy(update={"status": release.status.model_copy(update={"phase": Phase.ROLLING_BACK})})
    down = replace(falling, route=a_survey(None), workload=falling.workload)
    assert machine.decide(back, down, PACE).acts == (Unpreview(),)


def test_a_preview_of_an_interrupted_release_is_taken_over() -> None:
    """Law 13: users stay on the base's canary, testers meet the newer one."""
    shop = a_blue_green_shop(a_judgement(Verdict.PASS))
    shop.cluster.rolls = False
    shop.live(lambda found: found.phases == ["Promoting"])
    shop.look()
    shop.judge.says = a_judgement(Verdict.HOLD)
    shop.change("v3")
    shop.live(lambda found: "Previewing" in found.reasons[6:] or found.reasons.count("Previewing") == 2)
    assert services(shop)["web-rampart-canary"][names.RELEASE] == shop.releases[1].name


def test_a_service_of_that_name_is_not_taken() -> None:
    """It is said, and nothing is written over."""
    shop = a_blue_green_shop(a_judgement(Verdict.PASS))
    shop.cluster.seed(kinds.SERVICE, "web-rampart-canary", spec={"selector": {"app": "other"}})
    with pytest.raises(refusals.Invalid, match="exists and is not Rampart's: delete or rename it"):
        shop.live(lambda found: found.phases == ["Promoted"])
    assert services(shop)["web-rampart-canary"] == {"app": "other"}
    assert "WriteRefused" in shop.reasons


def test_a_preview_needs_its_service() -> None:
    """A Service that is deleted meanwhile is looked at again."""
    shop = a_blue_green_shop(a_judgement(Verdict.PASS))
    shop.live(lambda found: found.phases == ["Preparing"])
    del shop.cluster.objects["Service", "web"]
    for _ in range(8):
        shop.look()
    assert not has_preview(shop)
