"""The reconciler with observer, actor and routes, over a small cluster: what stands there after its looks."""

from collections.abc import Callable
from typing import Any

import pytest

from analysis.verdict import Verdict
from deploy import errors, kinds, names
from deploy.traffic import Json
from rollout.reconciler import CONFLICTS_AT_ONCE
from rollout.status import Phase
from tests.rollout import interrupted
from tests.rollout.a_shop import PACE, ROUTE, Shop, a_shop, at_rest
from tests.rollout.building import START, a_judgement, a_plan
from tests.rollout.small_cluster import SHOP, SmallCluster, Written

BAD = a_judgement(Verdict.FAIL, text="success rate 80 %")
MEASURING = a_judgement(Verdict.HOLD, text="17 s of 60 s")
LEFT = {"Deployment", "ReplicaSet", "Service", "VirtualService", "Release"}


def kinds_left(shop: Shop) -> set[str]:
    return {kind for kind, _ in shop.cluster.objects}


def is_phase(phase: Phase) -> Callable[[Shop], bool]:
    return lambda shop: shop.phases[-1:] == [phase.value]


def released(judgement: Any = None, **annotations: str) -> Shop:
    """A shop in which v2 was written; the judge says `judgement`, else that all is well."""
    shop = a_shop()
    shop.annotate(**annotations)
    shop.change("v2")
    shop.judge.says = judgement or shop.judge.says
    return shop


def an_ended(shop: Shop, number: int, **metadata: Any) -> str:
    """A release that ended before, of a template that is long gone."""
    name = f"web-old{number}"
    spec = {"deployment": "web", "deploymentUid": "u", "revision": f"old{number}", "plan": a_plan().texts()}
    made = {"creationTimestamp": f"2025-01-{number:02}T00:00:00Z", **metadata}
    shop.cluster.seed(kinds.RELEASE, name, metadata=made, spec=spec)
    shop.cluster.objects["Release", name]["status"] = {"phase": "Promoted", "reason": "Promoted"}
    return name


def a_broken_one(shop: Shop, **metadata: Any) -> None:
    """A Release of the Deployment that can not be read."""
    spec = {"deployment": "web", "deploymentUid": "u", "revision": "x", "plan": {}}
    shop.cluster.seed(kinds.RELEASE, "broken", metadata=metadata, spec=spec)
    shop.cluster.objects["Release", "broken"]["status"] = {"phase": "Dancing"}


def test_a_good_template_is_promoted_and_nothing_of_ours_is_left() -> None:
    """Promises 1, 7 and 9: the route by steps and back as it was, the Deployment free, each decision told once."""
    shop = released()
    weights = []
    while not at_rest(shop):
        shop.look()
        if len(shop.weights) == 2 and shop.weights not in weights:
            weights.append(shop.weights)
    canary = [dict(found).get("canary", 0) for found in weights]
    assert canary == [0, 5, 25, 50, 100]
    assert (shop.phases, shop.route, shop.notes) == (["Promoted"], ROUTE, {"strategy": "canary"})
    assert kinds_left(shop) == LEFT
    assert "paused" not in shop.deployment["spec"]
    assert shop.reasons == ["Preparing", *["Stepping"] * 3, "Baking", "Promoting", "Finishing", "Promoted"]


def test_what_was_noted_as_ours_is_given_up() -> None:
    """The owner's next server-side apply meets no conflict with us."""
    shop = released()
    shop.live(at_rest)
    metadata = shop.cluster.get(kinds.VIRTUAL_SERVICE, "web")["metadata"]
    assert metadata["managedFields"] == [{"manager": "kubectl"}]


def test_a_bad_template_is_taken_back_and_stays_down() -> None:
    """Promises 3 and 8: the route falls in the look that finds it bad, and the template does not come back."""
    shop = released(BAD)
    shop.live(is_phase(Phase.STEPPING))
    shop.look()
    assert shop.weights == [("stable", 100)]
    assert shop.cluster.writes[-3:] == [
        ("replace", "VirtualService", "web"),
        ("patch", "Deployment", "web"),
        ("patch", "Release", shop.releases[0].name),
    ]
    shop.live(at_rest)
    assert (shop.phases, shop.route, kinds_left(shop)) == (["RolledBack"], ROUTE, LEFT)
    assert shop.deployment["spec"]["paused"] is True
    assert shop.notes["failed"] == shop.releases[0].spec.revision
    writes = len(shop.cluster.writes)
    assert [shop.look() for _ in range(5)] == [None] * 5
    assert (len(shop.cluster.writes), len(shop.releases)) == (writes, 1)


def test_a_look_that_changes_nothing_writes_and_says_nothing() -> None:
    """Promise 9, at rest and at a step."""
    shop = released(MEASURING)
    shop.live(is_phase(Phase.STEPPING))
    writes, told = len(shop.cluster.writes), len(shop.told)
    assert [shop.look() for _ in range(3)] == [PACE.look] * 3
    assert (len(shop.cluster.writes), len(shop.told)) == (writes, told)


def test_a_deployment_that_is_not_ours_is_left_alone() -> None:
    """Not opted in, or not there: no write, no word, no next look."""
    shop = a_shop()
    shop.annotate(strategy=None)
    assert shop.look() is None
    assert shop.reconciler.reconcile(SHOP, "nobody") is None
    assert (shop.cluster.writes, shop.told, shop.cluster.dry_runs) == ([], [], 0)


def test_only_the_last_ended_releases_are_kept() -> None:
    """Three of them, without our finalizer; another Deployment's are not counted."""
    shop = a_shop()
    names_ = [an_ended(shop, number, finalizers=[names.FINALIZER, "other/one"]) for number in range(1, 6)]
    for name in names_[:4]:
        shop.cluster.edit(kinds.RELEASE, name, {"metadata": {"finalizers": [names.FINALIZER]}})
    other = an_ended(shop, 9)
    shop.cluster.edit(kinds.RELEASE, other, {"spec": {"deployment": "api"}})
    assert shop.look() is None
    left = [item["metadata"] for item in shop.cluster.list(kinds.RELEASE).items]
    assert [item["name"] for item in left] == [*names_[2:], other]
    assert [item.get("finalizers") for item in left] == [None, None, ["other/one"], None]
    writes = len(shop.cluster.writes)
    shop.look()
    assert len(shop.cluster.writes) == writes


def test_a_release_that_somebody_else_deletes_meanwhile_is_no_fault() -> None:
    """Pruned already."""
    shop = a_shop()
    for number in range(1, 6):
        an_ended(shop, number)

    def meanwhile(written: Written) -> None:
        shop.cluster.objects.pop(("Release", written[2]), None)

    shop.cluster.before = meanwhile
    assert shop.look() is None
    assert len(shop.cluster.list(kinds.RELEASE).items) == 3


@pytest.mark.parametrize(
    ("wrong", "mended", "reason"),
    [
        pytest.param({"steps": "50,5"}, {"steps": None}, "PlanInvalid", id="plan"),
        pytest.param({"service": "other"}, {"service": None}, "Refused", id="service"),
    ],
)
def test_a_standing_fault_is_said_when_it_is_new(wrong: Any, mended: Any, reason: str) -> None:
    """Once while it stands, and again when it comes back."""
    shop = a_shop()
    heard = []
    changes: tuple[dict[str, Any], ...] = ({}, wrong, {}, mended, {}, wrong, {})
    for change in changes:
        shop.annotate(**change)
        shop.look()
        heard.append(shop.reasons.count(reason))
    assert heard == [0, 1, 1, 1, 1, 2, 2]
    assert set(shop.reasons) == {reason}
    assert shop.cluster.writes == []


def test_a_fault_that_changes_is_another() -> None:
    """Said with what was found now; one that stands beside it is not repeated."""
    shop = a_shop()
    shop.annotate(steps="0", service="other")
    shop.look()
    shop.annotate(steps="101")
    shop.look()
    assert shop.reasons == ["PlanInvalid", "Refused", "PlanInvalid"]


def test_faults_are_forgotten_with_the_opt_in() -> None:
    """Whoever opts in again is told again."""
    shop = a_shop()
    shop.annotate(steps="0")
    for strategy in ("canary", None, "canary"):
        shop.annotate(strategy=strategy)
        shop.look()
    assert shop.reasons == ["PlanInvalid", "PlanInvalid"]


def test_a_plan_that_becomes_invalid_in_flight_is_said_and_disturbs_nothing() -> None:
    """The release goes on by its recorded plan, to its end."""
    shop = released(MEASURING)
    shop.live(is_phase(Phase.STEPPING))
    shop.annotate(steps="50,5")
    shop.look()
    shop.look()
    found = [told for told in shop.told if told.reason == "PlanInvalid"]
    text = "rampart.dev/steps must rise to at most 100, such as 5,25,50, got 50,5"
    assert [told.message for told in found] == [f"{text}: the release goes on by its recorded plan"]
    shop.judge.says = a_judgement(Verdict.PASS)
    shop.live(at_rest)
    assert shop.phases == ["Promoted"]


def test_a_malformed_release_is_said_and_stops_nothing() -> None:
    """Promise 10: beside it a template is released and promoted."""
    shop = released()
    shop.look()
    a_broken_one(shop)
    shop.live(at_rest)
    shop.look()
    assert shop.phases == ["Promoted"]
    assert shop.reasons.count("ReleaseMalformed") == 1
    found = next(told.message for told in shop.told if told.reason == "ReleaseMalformed")
    assert found.startswith("Release shop/broken can not be read, delete it: ")
    assert "Dancing" in found


def test_nothing_begins_beside_a_release_that_can_not_be_read() -> None:
    """It may be in flight, with users on its canary; once it is deleted, a release begins."""
    shop = released()
    a_broken_one(shop, finalizers=[names.FINALIZER])
    assert [shop.look(), shop.look()] == [30, 30]
    assert (shop.releases, set(shop.reasons)) == ([], {"ReleaseMalformed"})
    told = len(shop.told)
    shop.look()
    assert len(shop.told) == told
    shop.cluster.objects["Release", "broken"]["metadata"]["deletionTimestamp"] = "now"
    shop.live(at_rest)
    assert ("Release", "broken") not in shop.cluster.objects
    assert shop.phases == ["Promoted"]


def test_what_a_vanished_release_left_is_swept() -> None:
    """Somebody took the finalizer off and deleted it: traffic, canary, route and legs go, in this order (law 9)."""
    shop = released(MEASURING)
    shop.live(is_phase(Phase.STEPPING))
    del shop.cluster.objects["Release", shop.releases[0].name]
    shop.cluster.writes.clear()
    shop.annotate(steps="0")
    shop.look()
    assert shop.weights == [("stable", 100)], "nobody meets the canary by its pods' number while it goes (promise 1)"
    for _ in range(5):
        shop.look()
    assert [(verb, kind) for verb, kind, _ in shop.cluster.writes] == [
        ("replace", "VirtualService"),
        ("delete", "Deployment"),
        ("replace", "VirtualService"),
        ("delete", "DestinationRule"),
    ]
    assert (shop.route, kinds_left(shop)) == (ROUTE, LEFT - {"Release"})
    assert "Swept" in shop.reasons


def test_a_write_that_is_forbidden_is_told_and_raised() -> None:
    """A right that the installation lacks is for a person to mend."""
    shop = released()

    def forbidden(written: Written) -> None:
        if written[1] == "DestinationRule":
            raise errors.Forbidden("may not create destinationrules")

    shop.cluster.before = forbidden
    shop.live(is_phase(Phase.PREPARING))
    with pytest.raises(errors.Forbidden):
        shop.look()
    assert (shop.told[-1].reason, shop.told[-1].message) == ("WriteRefused", "may not create destinationrules")


def test_a_release_that_can_not_be_made_is_told_at_rest() -> None:
    """A quota, a webhook: the held template would wait, and nobody would know for what."""
    shop = a_shop()
    shop.change("v2")

    def refused(written: Written) -> None:
        if written[1] == "Release":
            raise errors.Forbidden("exceeded quota: count/releases")

    shop.cluster.before = refused
    with pytest.raises(errors.Forbidden):
        shop.look()
    assert (shop.reasons, shop.told[-1].message) == (["WriteRefused"], "exceeded quota: count/releases")


def test_a_missing_right_is_told_on_the_deployment_once() -> None:
    """Of a write in flight, as of a list at rest; the look is tried again later."""
    shop = released()
    words = "may not create destinationrules.networking.istio.io in shop: grant it"

    def not_granted(written: Written) -> None:
        if written[1] == "DestinationRule":
            raise errors.NotGranted(words)

    shop.cluster.before = not_granted
    shop.live(is_phase(Phase.PREPARING))
    for _ in range(3):
        with pytest.raises(errors.NotGranted):
            shop.look()
    assert [told.message for told in shop.told if told.reason == "RightMissing"] == [words]
    assert "WriteRefused" not in shop.reasons


def without_right(shop: Shop, *lacking: kinds.Kind) -> None:
    """Objects of these kinds may not be read."""
    listed, found = shop.cluster.list, shop.cluster.find

    def may_list(kind: kinds.Kind, *args: Any, **more: Any) -> Any:
        if kind in lacking:
            raise errors.NotGranted(f"may not list {kind.plural} in shop: grant it")
        return listed(kind, *args, **more)

    def may_get(kind: kinds.Kind, *args: Any, **more: Any) -> Any:
        if kind in lacking:
            raise errors.NotGranted(f"may not get {kind.plural} in shop: grant it")
        return found(kind, *args, **more)

    shop.cluster.list, shop.cluster.find = may_list, may_get  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        pytest.param((kinds.SERVICE,), ["RightMissing"], id="what stands around it"),
        pytest.param((kinds.REPLICA_SET,), ["RightMissing"], id="its own ReplicaSets"),
        pytest.param((kinds.RELEASE,), ["RightMissing"], id="its Releases"),
        pytest.param((kinds.DEPLOYMENT,), [], id="itself: there is nothing to say it on"),
    ],
)
def test_a_right_that_is_missing_at_rest_is_told_too(lacking: tuple[kinds.Kind, ...], told: list[str]) -> None:
    """Said where somebody looks for it, before any release."""
    shop = a_shop()
    without_right(shop, *lacking)
    for _ in range(2):
        with pytest.raises(errors.NotGranted):
            shop.look()
    assert [one.reason for one in shop.told] == told


def test_a_look_that_was_fenced_off_says_nothing() -> None:
    """Another process leads: it tells what there is to tell, and a fall is its task too."""
    shop = released(BAD)
    shop.live(lambda found: found.phases == ["Stepping"])

    def fenced(written: Written) -> None:
        raise errors.Fenced("this process does not lead")

    told = len(shop.told)
    shop.cluster.before = fenced
    with pytest.raises(errors.Fenced):
        shop.live(lambda found: False, looks=20)
    assert len(shop.told) == told


def test_a_fall_that_is_refused_is_told_and_tried_again_within_a_second() -> None:
    """Promise 3: without the back-off of other failures."""
    shop = released(BAD)
    shop.live(is_phase(Phase.STEPPING))

    def away(written: Written) -> None:
        if written[1] == "VirtualService":
            raise errors.Invalid("refused by a policy")

    shop.cluster.before = away
    assert shop.look() == 1
    assert (shop.told[-1].reason, shop.phases) == ("FallRefused", ["Stepping"])
    shop.cluster.before = SmallCluster().before
    shop.look()
    assert (shop.weights, shop.phases, shop.reasons[-1]) == ([("stable", 100)], ["RollingBack"], "SuccessRateLow")


def test_a_proof_that_was_begun_before_a_policy_changed_proves_nothing() -> None:
    """It is asked again at the next look."""
    shop = a_shop()
    pretend = shop.cluster.patch

    def meanwhile(*given: Any, **more: Any) -> Json:
        shop.reconciler.policies_changed()
        return pretend(*given, **more)

    shop.cluster.patch = meanwhile  # type: ignore[method-assign]
    shop.look()
    shop.cluster.patch = pretend  # type: ignore[method-assign]
    shop.look()
    shop.look()
    assert shop.cluster.dry_runs == 2


def test_behind_zero_replicas_nothing_is_proven() -> None:
    """Nothing is held there, by intent; the proof of the namespace is another Deployment's or a later one."""
    shop = a_shop()
    shop.cluster.edit(kinds.DEPLOYMENT, "web", {"spec": {"replicas": 0}})
    shop.look()
    assert shop.cluster.dry_runs == 0
    shop.cluster.edit(kinds.DEPLOYMENT, "web", {"spec": {"replicas": 4}})
    shop.look()
    assert shop.cluster.dry_runs == 1


def test_conflicts_are_looked_at_again_at_once_and_then_slower() -> None:
    """The world changed since the look; a writer that never rests does not make us run."""
    shop = released()

    def contested(written: Written) -> None:
        raise errors.Conflict("somebody was faster")

    shop.look()
    shop.cluster.before = contested
    waits = [shop.look() for _ in range(CONFLICTS_AT_ONCE + 2)]
    assert waits == [0] * CONFLICTS_AT_ONCE + [PACE.poll] * 2
    shop.cluster.before = SmallCluster().before
    shop.look()
    shop.cluster.before = contested
    assert shop.look() == 0
    assert shop.phases == ["Preparing"]


def test_a_template_that_changed_since_the_look_is_not_unpaused() -> None:
    """Case 61: the patch carries the version at which the judged digest was read."""
    shop = released()
    shop.live(is_phase(Phase.BAKING))

    def faster(written: Written) -> None:
        if written == ("patch", "Deployment", "web"):
            shop.cluster.before = SmallCluster().before
            shop.change("v3")

    shop.cluster.before = faster
    assert shop.look() == 0
    assert shop.phases == ["Promoting"]
    assert shop.deployment["spec"]["paused"] is True
    shop.look()
    assert (shop.phases, shop.reasons[-1], shop.weights) == (["RollingBack"], "Superseded", [("stable", 100)])
    shop.live(lambda found: found.phases == ["Superseded", "Promoted"])


GOOD_WRITES = interrupted.count_writes(released())
BAD_WRITES = interrupted.count_writes(released(BAD))


@pytest.mark.parametrize("done", interrupted.HOW)
@pytest.mark.parametrize(
    ("judgement", "place", "end"),
    [
        *(pytest.param(None, place, "Promoted", id=f"good {place}") for place in range(GOOD_WRITES)),
        *(pytest.param(BAD, place, "RolledBack", id=f"bad {place}") for place in range(BAD_WRITES)),
    ],
)
def test_a_write_that_fails_leaves_the_next_look_to_finish(judgement: Any, place: int, end: str, done: bool) -> None:
    """Promise 6: whichever write it is, and whether or not it was done, the end is the same."""
    shop = released(judgement)
    interrupted.live_through(shop, place, done)
    assert (shop.phases, shop.route, kinds_left(shop)) == ([end], ROUTE, LEFT)
    assert shop.deployment["spec"].get("paused", False) is (end == "RolledBack")
    assert "held" in shop.notes if end == "RolledBack" else shop.notes == {"strategy": "canary"}
    assert [item.finalizers for item in shop.releases] == [()]


def test_a_rise_that_was_recorded_and_not_done_is_done_by_the_next_look() -> None:
    """The order law: the record is ahead of the route, never behind; the step's clock begins when its traffic does."""
    shop = released(MEASURING)
    shop.live(is_phase(Phase.PREPARING))
    shop.live(lambda found: ("Deployment", f"web-canary-{found.releases[0].spec.revision}") in found.cluster.objects)

    def away(written: Written) -> None:
        if written[1] == "VirtualService":
            raise errors.Unreachable("away")

    shop.cluster.before = away
    with pytest.raises(errors.Unreachable):
        shop.look()
    assert (int(shop.releases[0].status.weight), dict(shop.weights)["canary"]) == (5, 0)
    began = shop.releases[0].status.since
    shop.cluster.before = SmallCluster().before
    shop.look()
    found = shop.releases[0].status
    assert (int(found.weight), dict(shop.weights)["canary"]) == (5, 5)
    assert began is not None
    assert found.since is not None
    assert found.since > began


def test_after_a_restart_the_last_decision_is_told_once_more() -> None:
    """It may have been recorded and not told; its Event has the same name."""
    shop = released(MEASURING)
    shop.live(is_phase(Phase.STEPPING))
    last = shop.told[-1]
    shop.told.clear()
    shop.restart()
    shop.look()
    shop.look()
    assert shop.told == [last]


def test_without_the_hold_nothing_begins() -> None:
    """It is proven by a dry run: asked once while it holds, and at each look while it does not."""
    shop = a_shop()
    shop.cluster.holds = False
    shop.change("v2")
    assert [shop.look(), shop.look()] == [30, 30]
    assert (shop.reasons, shop.releases, shop.cluster.dry_runs) == (["HoldMissing"], [], 2)
    shop.cluster.holds = True
    shop.live(at_rest)
    assert (shop.phases, shop.cluster.dry_runs) == (["Promoted"], 3)
    shop.look()
    assert shop.cluster.dry_runs == 3
    shop.reconciler.policies_changed()
    shop.look()
    assert shop.cluster.dry_runs == 4


def half_rolled(shop: Shop) -> None:
    """v2 is judged good and rolls natively, and its roll-out stands half way; then v3 is written."""
    shop.cluster.rolls = False
    shop.live(is_phase(Phase.PROMOTING))
    shop.look()
    shop.change("v3")


def test_a_newer_template_in_the_native_roll_out_stands_on_the_canary() -> None:
    """Laws 11 to 13: users stay on v2's canary until v3's carries them; both leave at the end."""
    shop = released()
    half_rolled(shop)
    shop.live(lambda found: found.phases == ["Promoting", "Stepping"])
    first, second = shop.releases
    assert (second.status.base, second.status.stable_digests) == (first.name, (first.spec.revision,))
    assert [kind for kind, _ in shop.weights] == ["canary", "canary"]
    shop.cluster.rolls = True
    shop.live(at_rest)
    assert (shop.phases, shop.route, kinds_left(shop)) == (["Superseded", "Promoted"], ROUTE, LEFT)
    assert shop.notes == {"strategy": "canary"}
    assert shop.releases[0].status.message == f"Release {second.name} took its place"


def test_a_newer_template_that_fails_leaves_users_on_the_canary() -> None:
    """Law 13: not on the half-rolled Deployment, which stays paused; it is not tried again."""
    shop = released()
    half_rolled(shop)
    shop.judge.says = BAD
    shop.live(lambda found: found.phases == ["Promoting", "RolledBack"])
    assert shop.weights == [("canary", 100)]
    writes = len(shop.cluster.writes)
    shop.look()
    shop.look()
    assert (len(shop.cluster.writes), len(shop.releases)) == (writes, 2)
    assert shop.deployment["spec"]["paused"] is True


def test_what_a_failed_successor_learned_of_the_route_is_put_back_by_its_base() -> None:
    """Law 5: the route was rewritten while v3 was at a step; then v3 failed, and v2 was reverted to."""
    shop = released()
    half_rolled(shop)
    shop.live(lambda found: found.phases == ["Promoting", "Stepping"])
    shared = [{"destination": {"host": host}, "weight": weight} for host, weight in (("web", 80), ("legacy", 20))]
    rewritten: Json = {**ROUTE, "http": [{"route": shared}]}
    shop.cluster.edit(kinds.VIRTUAL_SERVICE, "web", {"spec": rewritten})
    shop.judge.says = MEASURING
    shop.look()
    shop.judge.says = BAD
    shop.live(lambda found: found.phases == ["Promoting", "RolledBack"])
    assert "RouteDrift" in shop.reasons
    shop.cluster.rolls = True
    shop.annotate(do="revert")
    shop.live(at_rest)
    assert (shop.phases, shop.route) == (["Promoted", "RolledBack"], rewritten)
    assert shop.reasons.count("RouteDrift") == 1
    assert kinds_left(shop) == LEFT


def test_the_base_grows_with_the_deployment() -> None:
    """Case 44 and law 13: users are on v2's canary, which follows the autoscaler before v3's goes on."""
    shop = released()
    half_rolled(shop)
    shop.live(lambda found: found.phases == ["Promoting", "Stepping"])
    shop.judge.says = MEASURING
    shop.cluster.edit(kinds.DEPLOYMENT, "web", {"spec": {"replicas": 8}})
    shop.look()
    base = shop.cluster.get(kinds.DEPLOYMENT, f"web-canary-{shop.releases[0].spec.revision}")
    assert base["spec"]["replicas"] == 8


def test_a_plan_that_is_edited_in_flight_is_written_into_the_release() -> None:
    """Case 47: told once, and the recorded plan is the new one."""
    shop = released(MEASURING)
    shop.live(is_phase(Phase.STEPPING))
    shop.annotate(steps="5,70", latency="p99<1s")
    for _ in range(3):
        shop.look()
    shop.annotate(latency=None)
    for _ in range(3):
        shop.look()
    plan = shop.releases[0].plan
    assert (str(plan.steps[-1]), plan.latency, shop.reasons.count("PlanChanged")) == ("70", None, 2)


def test_a_release_that_somebody_deletes_falls_first_and_then_goes() -> None:
    """Our finalizer holds it until traffic is back."""
    shop = released(MEASURING)
    shop.live(is_phase(Phase.STEPPING))
    shop.cluster.delete(kinds.RELEASE, shop.releases[0].name)
    assert shop.phases == ["Stepping"]
    shop.live(lambda found: not found.releases)
    assert (shop.route, kinds_left(shop)) == (ROUTE, LEFT - {"Release"})
    assert shop.deployment["spec"]["paused"] is True
    for _ in range(3):
        shop.look()
    assert shop.releases == []


def test_a_canary_is_made_once_and_then_resized() -> None:
    """A release's canary is told by its label; it is never made twice."""
    shop = released()
    shop.live(at_rest)
    made = [written for written in shop.cluster.writes if written[:2] == ("create", "Deployment")]
    assert len(made) == 1


def test_a_release_that_was_begun_already_is_not_begun_twice() -> None:
    """The look before it was cut off after its first write."""
    shop = released()
    shop.look()
    stored = shop.cluster.objects.pop(("Release", shop.releases[0].name))

    def meanwhile(written: Written) -> None:
        shop.cluster.objects["Release", written[2]] = stored
        shop.cluster.before = SmallCluster().before

    shop.cluster.before = meanwhile
    assert shop.look() == 0
    shop.live(at_rest)
    assert shop.phases == ["Promoted"]


def test_a_deployment_that_is_deleted_takes_everything_along() -> None:
    """The release ends with the route as it was; nothing is left to look at."""
    shop = released(MEASURING)
    shop.live(is_phase(Phase.STEPPING))
    del shop.cluster.objects["Deployment", "web"]
    shop.live(at_rest)
    assert (shop.phases, shop.route) == (["Cancelled"], ROUTE)
    assert shop.look() is None


def test_the_clock_of_a_look_is_its_own() -> None:
    """Times in the record are those of the looks, not of the machine."""
    shop = released()
    shop.live(at_rest)
    status = shop.releases[0].status
    assert status.started is not None
    assert status.ended is not None
    assert START <= status.started < status.ended <= shop.clock


def test_what_stands_beside_the_deployment_is_said_at_rest() -> None:
    """Read once more at each look at rest; nothing is written, nothing is refused."""
    shop = a_shop()
    budget = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
    shop.cluster.seed(kinds.PDB, "web", spec=budget)
    shop.look()
    found = [told.message for told in shop.told if told.reason == "Caution"]
    assert len(found) == 1
    assert "PodDisruptionBudget shop/web has minAvailable: 2" in found[0]
