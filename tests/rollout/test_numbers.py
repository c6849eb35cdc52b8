"""Canary by numbers: what whole pods give, and the order in which a rise is made where pods are the share."""

from decimal import Decimal
from typing import Any

import pytest

from analysis.verdict import Verdict
from deploy import kinds, names
from deploy.traffic import Json
from rollout import machine, numbers, shares, words
from rollout.plan import Plan
from rollout.seen import Decision, Endpoints, Raise, Record, Seen, Steer
from rollout.status import Phase, Release
from tests.rollout.a_shop import Shop, a_shop
from tests.rollout.building import (
    ALL,
    CANARY,
    PACE,
    PINNED,
    V1,
    a_canary,
    a_judgement,
    a_look,
    a_plan,
    a_release,
    a_revision,
    a_survey,
    split,
)

PLAN = a_plan(router="service", steps="25,50")
QUARTER = split((V1, 7_500), (CANARY, 2_500))


def by_numbers(phase: Phase = Phase.STEPPING, plan: Plan = PLAN, **status: Any) -> Release:
    return a_release(phase, plan, **{"router": "service", "weight": Decimal(25), **status})


def looking(**changes: Any) -> Seen:
    usual: dict[str, Any] = {"plan": PLAN, "router": "service", "route": a_survey(QUARTER)}
    return a_look(**{**usual, **changes})


def decided(release: Release, seen: Seen) -> Decision:
    return machine.decide(release, seen, PACE)


@pytest.mark.parametrize(
    ("size", "weight", "pods", "given"),
    [
        pytest.param(4, "5", 1, "20", id="at least one pod"),
        pytest.param(4, "25", 1, "20", id="20 is nearer to 25 than 33.3"),
        pytest.param(4, "40", 3, "42.857", id="nearest from above"),
        pytest.param(4, "50", 4, "50", id="as many as stable"),
        pytest.param(4, "90", 4, "50", id="never more than stable: no further than half"),
        pytest.param(3, "25", 1, "25", id="exact"),
        pytest.param(99, "1", 1, "1", id="many pods are fine"),
        pytest.param(1, "5", 1, "50", id="one pod"),
        pytest.param(2, "41.66", 1, "33.333", id="the nearer one of two"),
    ],
)
def test_the_nearest_share_of_whole_pods_is_taken(size: int, weight: str, pods: int, given: str) -> None:
    """Design 5.4."""
    assert numbers.nearest(size, Decimal(weight)) == pods
    assert round(numbers.share(size, pods), 3) == Decimal(given)


def test_shares_are_said_before_the_first_of_them() -> None:
    """In Preparing, and at each rise."""
    found = decided(a_release(Phase.PENDING, PLAN), looking(route=a_survey(None)))
    assert found.told[0].message.endswith(
        "; by numbers of pods: 25 % asked, 1 of 5 pods give 20 %, 50 % asked, 4 of 8 pods give 50 %"
    )
    first = decided(by_numbers(Phase.PREPARING), looking(route=a_survey(PINNED)))
    assert first.told[0].message == "25 % asked, 1 of 5 pods give 20 % to the canary, step 1 of 3"


def test_other_routers_keep_exact_shares() -> None:
    """And blue-green has none to round."""
    assert not numbers.apply(a_release(Phase.STEPPING, router="istio"))
    assert not numbers.apply(a_release(Phase.STEPPING, a_plan(strategy="blue-green"), router="service"))
    assert "numbers" not in decided(a_release(Phase.PENDING), a_look(route=a_survey(None))).told[0].message


def test_the_first_pods_come_while_the_service_is_pinned() -> None:
    """Ready, then recorded, then met: nobody meets a pod before its share is recorded."""
    pinned = looking(route=a_survey(PINNED), canary=None)
    assert decided(by_numbers(Phase.PREPARING), pinned).acts == (Raise(1),)
    recorded, steered = decided(by_numbers(Phase.PREPARING), looking(route=a_survey(PINNED))).acts
    assert isinstance(recorded, Record)
    assert steered == Steer(QUARTER)


def test_a_further_rise_is_recorded_before_its_pods_are_made() -> None:
    """Each is met as soon as it is ready: the order law."""
    found = decided(by_numbers(), looking(judgement=a_judgement(Verdict.PASS)))
    recorded, raised = found.acts
    assert isinstance(recorded, Record)
    assert (recorded.status.weight, raised) == (Decimal(50), Raise(4))


def test_the_clock_of_a_further_step_begins_when_its_pods_are_there() -> None:
    """The wait is no news; a pod that can not start is."""
    risen = by_numbers(weight=Decimal(50))
    half = split((V1, 5_000), (CANARY, 5_000))
    assert decided(risen, looking()).acts == (Raise(4),)
    assert decided(risen, looking(canary=a_canary(4, 2))) == Decision((), (), PACE.poll)
    stuck = decided(risen, looking(canary=a_canary(4, 2, waiting="pod web-1: ErrImagePull")))
    assert [told.reason for told in stuck.told] == ["CanaryNotReady"]
    recorded, steered = decided(risen, looking(canary=a_canary(4))).acts
    assert isinstance(recorded, Record)
    assert recorded.status.since == looking().now
    assert steered == Steer(half)


def test_all_traffic_is_recorded_then_pods_then_the_pin() -> None:
    """From a step to the bake."""
    risen = by_numbers(weight=Decimal(50))
    at_half = a_survey(split((V1, 5_000), (CANARY, 5_000)))
    found = decided(risen, looking(canary=a_canary(4), route=at_half, judgement=a_judgement(Verdict.PASS)))
    assert found.acts[-1] == Steer(ALL)
    small = by_numbers(Phase.BAKING, weight=Decimal(100))
    assert decided(small, looking(canary=a_canary(1))).acts == (Raise(4),)
    assert decided(small, looking(canary=a_canary(4))).acts[-1] == Steer(ALL)


def test_a_canary_that_stable_shrank_beside_shrinks_too() -> None:
    """Its share would have grown without a record."""
    assert decided(by_numbers(), looking(canary=a_canary(3))).acts == (Raise(1),)
    assert decided(a_release(Phase.STEPPING), a_look(canary=a_canary(3))).acts == ()


def test_a_step_is_judged_when_the_service_has_all_its_pods() -> None:
    """Weights are read back (promise 1)."""
    passing = {"judgement": a_judgement(Verdict.PASS, seen_share=0.5)}
    assert decided(by_numbers(), looking(**passing, endpoints=Endpoints(0, 4))) == Decision((), (), PACE.poll)
    assert decided(by_numbers(), looking(**passing, endpoints=Endpoints(1, 5))).acts
    assert words.measured(looking(**passing, endpoints=Endpoints(1, 5)))["seen_weight"] == "20.0 %"
    assert words.measured(looking(**passing, endpoints=Endpoints(0, 0)))["seen_weight"] == "50.0 %"


def test_a_service_leads_to_one_replica_set_or_waits() -> None:
    """A template that was held in the midst of a native restart runs on two (law 2)."""
    two = looking(route=a_survey(None), revisions=(a_revision("v1", 2), a_revision("v0", 2)))
    found = decided(a_release(Phase.PENDING, PLAN), two)
    assert [told.reason for told in found.told] == ["Refused"]
    assert "do=revert" in found.told[0].message


@pytest.mark.parametrize("wanted", [pytest.param({"router": "service"}, id="named"), pytest.param({}, id="found")])
def test_blue_green_by_steps_is_refused_where_all_pods_are_half(wanted: dict[str, str]) -> None:
    """Whole green beside whole blue is 50 % at any step."""
    plan = a_plan(strategy="blue-green", steps="10", **wanted)
    found = decided(a_release(Phase.PENDING, plan), looking(plan=plan, route=a_survey(None)))
    assert [told.reason for told in found.told] == ["Refused"]
    assert found.told[0].message.startswith("rampart.dev/steps must not be given for blue-green with router service")


# On a whole small cluster.


def without_a_mesh(**annotations: str) -> Shop:
    shop = a_shop()
    del shop.cluster.objects["VirtualService", "web"]
    shop.annotate(router="service", **annotations)
    return shop


def service(shop: Shop) -> Json:
    found = shop.cluster.get(kinds.SERVICE, "web")
    return {"annotations": found["metadata"].get("annotations"), **found["spec"]}


def pinned_to(shop: Shop) -> str:
    chosen = service(shop)["selector"]
    return "stable" if names.POD_TEMPLATE_HASH in chosen else "canary" if names.RELEASE in chosen else "root"


@pytest.mark.parametrize(
    ("annotations", "pins"),
    [
        pytest.param(
            {"steps": "25,50"}, ["root", "stable", "root", "canary", "stable", "root"], id="a canary by numbers"
        ),
        pytest.param({"strategy": "blue-green"}, ["root", "stable", "canary", "stable", "root"], id="blue-green"),
    ],
)
def test_a_release_moves_the_selector_and_puts_it_back(annotations: dict[str, str], pins: list[str]) -> None:
    """Promise 7: the Service as it was."""
    shop = without_a_mesh(**annotations)
    before = service(shop)
    shop.change("v2")
    seen = [pinned_to(shop)]
    for _ in range(80):
        shop.look()
        seen += [pinned_to(shop)] if pinned_to(shop) != seen[-1] else []
    assert seen == pins
    assert service(shop) == before


@pytest.mark.parametrize(
    "annotations",
    [pytest.param({"steps": "50"}, id="in a step"), pytest.param({"strategy": "blue-green"}, id="in the bake")],
)
def test_what_a_vanished_release_left_in_the_selector_is_swept(annotations: dict[str, str]) -> None:
    """The user's selector stands beside it, whoever finds it."""
    shop = without_a_mesh(**annotations)
    before = service(shop)
    shop.change("v2")
    shop.live(lambda found: found.phases in (["Stepping"], ["Baking"]))
    del shop.cluster.objects["Release", shop.releases[0].name]
    shop.annotate(steps="0")
    for _ in range(10):
        shop.look()
    assert service(shop) == before
    assert "Swept" in shop.reasons


def test_a_newer_template_in_the_native_roll_out_finds_the_service_that_is_pinned() -> None:
    """Law 13: the selector leads to the canary, and still is this Deployment's."""
    shop = without_a_mesh(steps="50")
    before = service(shop)
    shop.cluster.rolls = False
    shop.change("v2")
    shop.live(lambda found: found.phases == ["Promoting"])
    shop.look()
    shop.change("v3")
    shop.live(lambda found: found.phases == ["Promoting", "Stepping"])
    assert names.MANAGED in service(shop)["selector"]
    assert "Refused" not in shop.reasons
    shop.cluster.rolls = True
    shop.live(lambda found: found.phases == ["Superseded", "Promoted"])
    assert service(shop) == before


def test_the_share_is_read_from_the_ready_endpoints() -> None:
    """Of the Service's own slices; addresses that do not take connections are none."""
    shop = without_a_mesh(steps="50")
    shop.judge.says = a_judgement(Verdict.HOLD)
    shop.change("v2")
    shop.live(lambda found: found.phases == ["Stepping"])
    release = shop.releases[0]
    canary = f"web-canary-{release.spec.revision}"
    ours = [{"targetRef": {"name": f"{canary}-{n}"}, "conditions": {"ready": n != 0}} for n in range(4)]
    stable = [{"targetRef": {"name": f"web-abc-{n}"}} for n in range(4)]
    labels = {names.SERVICE_NAME: "web", names.RELEASE: release.name}
    for key in [key for key in shop.cluster.objects if key[0] == "EndpointSlice"]:
        del shop.cluster.objects[key]
    shop.cluster.objects["EndpointSlice", "web-x"] = {
        "metadata": {"name": "web-x", "labels": labels},
        "endpoints": [*ours, *stable],
    }
    found = shop.observer.seen(shop.observer.view("shop", "web"), release)
    assert found.endpoints == Endpoints(3, 7)
    shop.cluster.objects["EndpointSlice", "web-y"] = {
        "metadata": {"name": "web-y", "labels": labels},
        "endpoints": [*ours, *stable],
    }
    both_families = shop.observer.seen(shop.observer.view("shop", "web"), release)
    assert both_families.endpoints == Endpoints(3, 7)


def test_evidence_is_weighed_by_the_share_that_is_given() -> None:
    """Not by what was asked for."""
    shop = without_a_mesh(steps="5,50")
    shop.judge.says = a_judgement(Verdict.HOLD)
    shop.change("v2")
    shop.live(lambda found: bool(found.judge.weighed))
    assert (shop.judge.weighed[-1].weight, shop.judge.weighed[-1].next_weight) == (Decimal(20), Decimal(50))
    shop.judge.says = a_judgement(Verdict.PASS)
    shop.live(lambda found: found.phases == ["Baking"])
    shop.look()
    assert (shop.judge.weighed[-1].weight, shop.judge.weighed[-1].next_weight) == (Decimal(100), None)


def test_shares_of_other_releases_are_not_read() -> None:
    """One call less."""
    assert shares.is_open(by_numbers())
    shop = a_shop()
    shop.judge.says = a_judgement(Verdict.HOLD)
    shop.change("v2")
    shop.live(lambda found: found.phases == ["Stepping"])
    assert shop.observer.seen(shop.observer.view("shop", "web"), shop.releases[0]).endpoints is None
