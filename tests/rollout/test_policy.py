"""ReleasePolicies: what is read of one, which one applies, and what a release does when its policy changes or goes."""

from decimal import Decimal
from typing import Any

import pytest

from analysis import metric
from analysis.verdict import Reason, Verdict
from deploy import errors, kinds
from deploy.cluster import Listing
from deploy.kinds import Kind
from deploy.traffic import Json
from rollout import plan as plans
from rollout import policy
from rollout import steps as steps_
from rollout.plan import Plan
from rollout.policy import Metric, OrStable, Policy
from rollout.status import Phase, Spec
from tests.rollout.a_shop import Shop, a_shop, at_rest
from tests.rollout.building import a_judgement
from tests.rollout.small_cluster import SHOP

QUEUE: Json = {"name": "queue", "query": 'sum(queue{app="{{canary}}"})', "max": 200}
QUEUED = Metric.model_validate(QUEUE)
MEASURING = a_judgement(Verdict.HOLD, text="17 s of 60 s")


def a_policy(name: str = "strict", **spec: Any) -> Json:
    return {"metadata": {"name": name}, "spec": spec}


def known(*items: Json) -> dict[str, Json]:
    return {item["metadata"]["name"]: item for item in items}


STRICT = a_policy(plan={"steps": "1,2", "interval": "20s", "success-rate": "99.9"})
USUAL = a_policy("default", plan={"steps": "33"})


@pytest.mark.parametrize(
    ("given", "bound"),
    [
        pytest.param({"max": 200}, metric.Within(most=200), id="max"),
        pytest.param({"min": 0.5, "max": 2}, metric.Within(0.5, 2), id="range"),
        pytest.param({"orStable": {"ratio": 1.5}}, metric.Ratio(1.5), id="ratio"),
        pytest.param({"orStable": {"difference": -2}}, metric.Difference(-2), id="difference"),
    ],
)
def test_each_kind_of_bound_is_read_and_written_as_it_was(given: Json, bound: metric.Bound) -> None:
    """What a Release keeps is what the policy says."""
    found = policy.read(a_policy(metrics=[{"name": "queue", "query": "{{canary}}", "reason": "late", **given}]))
    assert isinstance(found, Policy)
    (one,) = found.metrics
    assert one.asked == metric.Metric("queue", "{{canary}}", bound, "late")
    written = one.model_dump(mode="json", by_alias=True)
    assert written == {"name": "queue", "query": "{{canary}}", "reason": "late", **given}
    assert Metric.model_validate(written) == one


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({}, "needs one kind of bound: either min and max, or orStable", id="no bound"),
        pytest.param(
            {"max": 1, "orStable": {"ratio": 1}},
            "needs one kind of bound: either min and max, or orStable",
            id="two kinds",
        ),
        pytest.param({"orStable": {}}, "orStable orStable needs either ratio or difference", id="an empty comparison"),
        pytest.param(
            {"orStable": {"ratio": 1, "difference": 1}},
            "orStable orStable needs either ratio or difference",
            id="both comparisons",
        ),
        pytest.param({"orStable": {"ratio": -1}}, "orStable.ratio must be greater than or equal to 0", id="negative"),
        pytest.param({"min": 2, "max": 1}, "a range runs from its least to its most, got 2 to 1", id="upside down"),
        pytest.param({"max": "much"}, "max must be a valid number, unable to parse string as a number", id="a word"),
        pytest.param(
            {"max": 1, "query": "x{{canry}}"},
            "{{canry}} is not a known word; the nearest is {{canary}}",
            id="an unknown word",
        ),
        pytest.param({"most": 1}, "most Extra inputs are not permitted", id="an unknown key"),
    ],
)
def test_a_metric_that_can_not_be_judged_is_refused_by_name(given: Json, words: str) -> None:
    """Also where the definition of an older installation let it through."""
    found = policy.read(a_policy(metrics=[{"name": "queue", "query": "{{canary}}", **given}]))
    assert found == (f"ReleasePolicy strict: metric queue: {words}",)


def test_two_metrics_of_one_name_are_refused() -> None:
    """A verdict names its metric."""
    found = policy.read(a_policy(metrics=[QUEUE, QUEUE, {**QUEUE, "name": "other"}]))
    assert found == ("ReleasePolicy strict: metric queue is there twice",)


def test_a_policy_says_nothing_about_opting_in() -> None:
    """Strategy and policy are a Deployment's own."""
    found = policy.read(a_policy(plan={"strategy": "blue-green", "policy": "x", "steps": "7"}))
    assert found == Policy("strict", {"steps": "7"})


@pytest.mark.parametrize(
    ("annotations", "defaults", "items", "steps", "named"),
    [
        pytest.param({}, {}, (), "5,25,50", None, id="built in"),
        pytest.param({}, {"steps": "9"}, (), "9", None, id="the settings' default"),
        pytest.param({}, {"steps": "9"}, (USUAL,), "33", "default", id="the default policy over it"),
        pytest.param({}, {}, (STRICT,), "5,25,50", None, id="a policy that nobody named"),
        pytest.param({"policy": "strict"}, {"steps": "9"}, (STRICT, USUAL), "1,2", "strict", id="the named policy"),
        pytest.param({"policy": "strict", "steps": "7"}, {}, (STRICT,), "7", "strict", id="the annotation over all"),
        pytest.param({}, {"policy": "strict"}, (STRICT, USUAL), "1,2", "strict", id="named by the settings"),
        pytest.param({"policy": "default"}, {"policy": "strict"}, (STRICT, USUAL), "33", "default", id="named anew"),
    ],
)
def test_annotation_goes_before_policy_and_policy_before_defaults(
    annotations: dict[str, str], defaults: dict[str, str], items: tuple[Json, ...], steps: str, named: str | None
) -> None:
    """One precedence for every key."""
    found = plans.resolve(ours(annotations), defaults, known(*items))
    assert isinstance(found, Plan)
    assert (steps_.join(found.steps), found.policy) == (steps, named)
    assert found.texts().get("policy") == named


def ours(annotations: dict[str, str]) -> dict[str, str]:
    return {"rampart.dev/strategy": "canary", **{f"rampart.dev/{key}": value for key, value in annotations.items()}}


@pytest.mark.parametrize(
    ("annotations", "items", "sentences"),
    [
        pytest.param(
            {"policy": "strikt"},
            (STRICT, USUAL),
            ("rampart.dev/policy must be the name of a ReleasePolicy: there are default, strict, got strikt",),
            id="unknown",
        ),
        pytest.param(
            {"policy": "strict", "steps": "0"},
            (),
            (
                "rampart.dev/policy must be the name of a ReleasePolicy: there is none in the namespace, got strict",
                "rampart.dev/steps must be percentages above 0 and at most 100, such as 5,25,50, got 0",
            ),
            id="unknown, beside another fault",
        ),
        pytest.param(
            {},
            (a_policy("default", plan={"steps": "50,10"}),),
            ("ReleasePolicy default: plan.steps must rise to at most 100, such as 5,25,50, got 50,10",),
            id="a bad value of the policy",
        ),
        pytest.param(
            {"steps": "50,10"},
            (a_policy("default", plan={"steps": "1"}),),
            ("rampart.dev/steps must rise to at most 100, such as 5,25,50, got 50,10",),
            id="a bad value over a good one",
        ),
        pytest.param(
            {},
            (a_policy("default", plan={"step": "1"}),),
            ("ReleasePolicy default: plan.step is not a known key; the nearest is rampart.dev/steps",),
            id="an unknown key of the policy",
        ),
        pytest.param(
            {"metrics": "x"},
            (),
            ("rampart.dev/metrics is not a known key; the nearest is rampart.dev/service",),
            id="metrics are no annotation",
        ),
        pytest.param(
            {},
            (a_policy("default", metrics=[{"name": "queue", "query": "{{canry}}", "max": 1}]),),
            ("ReleasePolicy default: metric queue: {{canry}} is not a known word; the nearest is {{canary}}",),
            id="a bad metric",
        ),
    ],
)
def test_what_is_wrong_names_the_policy_and_what_would_be_right(
    annotations: dict[str, str], items: tuple[Json, ...], sentences: tuple[str, ...]
) -> None:
    """Unknown names say what there is."""
    assert plans.resolve(ours(annotations), {}, known(*items)) == sentences


@pytest.mark.parametrize(
    ("named", "recorded", "lacks"),
    [
        pytest.param("strict", "strict", False, id="it is there"),
        pytest.param("gone", "gone", True, id="the named one is gone"),
        pytest.param("gone", "strict", True, id="another that is not there is named"),
        pytest.param(None, None, False, id="there was none"),
        pytest.param(None, "default", True, id="the default one is gone"),
        pytest.param(None, "gone", False, id="the annotation was taken away"),
    ],
)
def test_a_policy_that_is_gone_is_missed_by_name(named: str | None, recorded: str | None, lacks: bool) -> None:
    """The default one too, which nobody named."""
    found = policy.lacking(named, recorded, known(STRICT))
    assert bool(found) is lacks
    assert not lacks or f"ReleasePolicy {named or recorded} is not there (there are: strict)" in found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param(("a",), ("a",), "", id="nothing"),
        pytest.param((), ("a", "b"), "metrics none → a, b", id="more"),
        pytest.param(("a",), (), "metrics a → none", id="none left"),
    ],
)
def test_an_edit_of_metrics_is_told_by_their_names(old: Any, new: Any, words: str) -> None:
    """Queries are too long for an Event."""
    before, after = (
        [Metric.model_validate({"name": name, "query": "x", "max": 1}) for name in some] for some in (old, new)
    )
    assert policy.edits(before, after) == words
    assert policy.edits([QUEUED], [QUEUED.model_copy(update={"max": 300})]) == "metrics queue edited"


def test_metrics_of_a_newer_version_are_passed_over() -> None:
    """A Release stays readable after the controller was rolled back."""
    spec = {"deployment": "web", "deploymentUid": "u", "revision": "v2", "plan": {}}
    odd = {"name": "odd", "query": "x", "median": 3}
    assert [one.name for one in Spec.model_validate({**spec, "metrics": [odd, QUEUE]}).metrics] == ["queue"]
    assert Spec.model_validate({**spec, "metrics": "odd"}).metrics == ()
    assert OrStable(ratio=1).bound == metric.Ratio(1)


def in_flight(phase: Phase = Phase.STEPPING, policy_name: str = "default", **spec: Any) -> Shop:
    """A shop with a policy, whose release of v2 has come as far as this phase; the judge measures."""
    shop = a_shop()
    shop.share(policy_name, **spec)
    if policy_name != "default":
        shop.annotate(policy=policy_name)
    shop.change("v2")
    shop.live(lambda found: found.phases == [phase.value])
    shop.judge.says = MEASURING
    return shop


def test_the_release_keeps_the_policys_name_and_metrics_until_its_end() -> None:
    """An ended one is short."""
    shop = in_flight(plan={"steps": "20"}, metrics=[QUEUE])
    (release,) = shop.releases
    assert (release.spec.plan["policy"], release.spec.plan["steps"]) == ("default", "20")
    assert release.spec.metrics == release.plan.metrics == (Metric.model_validate(QUEUE),)
    stored = shop.cluster.get(kinds.RELEASE, release.name)["spec"]["metrics"]
    assert stored == [QUEUE]
    shop.judge.says = a_judgement(Verdict.PASS)
    shop.live(at_rest)
    (ended,) = shop.releases
    assert (ended.status.phase, ended.spec.metrics) == (Phase.PROMOTED, ())


@pytest.mark.parametrize(
    ("phase", "alone"),
    [pytest.param(Phase.STEPPING, False, id="a step"), pytest.param(Phase.BAKING, True, id="the bake")],
)
def test_the_judge_is_asked_about_the_metrics_too(phase: Phase, alone: bool) -> None:
    """With the Service, and whether stable has traffic."""
    shop = in_flight(phase, metrics=[QUEUE])
    shop.look()
    question = shop.judge.asked[-1]
    assert question.metrics == (metric.Metric("queue", QUEUE["query"], metric.Within(most=200)),)
    assert (question.service, question.alone) == ("web", alone)


def test_an_edited_policy_counts_from_here_on() -> None:
    """As an edited annotation does: told once, with what changed; the weight stays."""
    shop = in_flight(plan={"steps": "20,60"})
    shop.cluster.edit(kinds.RELEASE_POLICY, "default", {"spec": {"plan": {"steps": "20,40"}, "metrics": [QUEUE]}})
    shop.look()
    shop.look()
    (told,) = [told for told in shop.told if told.reason == "PlanChanged"]
    assert told.message == "steps 20,60 → 20,40, metrics none → queue; from 20 % on: 20,40"
    (release,) = shop.releases
    assert (release.status.weight, release.plan.after(release.step).weight) == (Decimal(20), Decimal(40))
    assert shop.judge.asked[-1].metrics != ()
    shop.cluster.edit(kinds.RELEASE_POLICY, "default", {"spec": {"metrics": None}})
    shop.look()
    assert shop.releases[0].spec.metrics == ()


@pytest.mark.parametrize(
    ("name", "back"),
    [
        pytest.param("default", lambda shop: shop.share(plan={"steps": "20,60"}), id="the default one comes back"),
        pytest.param(
            "strict", lambda shop: shop.share("strict", plan={"steps": "20,60"}), id="the named one comes back"
        ),
        pytest.param("strict", lambda shop: shop.annotate(policy=None), id="the annotation is taken away"),
        pytest.param(
            "strict",
            lambda shop: (shop.share("other", plan={"steps": "20"}), shop.annotate(policy="other")),
            id="another is named",
        ),
    ],
)
def test_a_policy_that_is_deleted_in_mid_release_holds_it(name: str, back: Any) -> None:
    """Told once, traffic as it was, until it is back or another plan is wished."""
    shop = in_flight(policy_name=name, plan={"steps": "20,60"})
    weights = shop.weights
    shop.unshare(name)
    shop.judge.says = a_judgement(Verdict.PASS)
    for _ in range(6):
        shop.look()
    (release,) = shop.releases
    assert (release.status.phase, release.status.holding, shop.weights) == (Phase.STEPPING, "PolicyMissing", weights)
    assert shop.reasons.count("PolicyMissing") == 1
    assert "PlanInvalid" not in shop.reasons
    assert release.spec.plan["policy"] == name
    back(shop)
    shop.live(lambda found: found.phases == ["Promoted"])


def test_a_bad_version_falls_while_its_policy_is_missing() -> None:
    """By the recorded plan, and bad looks are counted meanwhile."""
    shop = in_flight(plan={"judge": "threshold", "on-failure": "rollback"}, metrics=[QUEUE])
    shop.unshare()
    shop.look()
    shop.judge.says = a_judgement(Verdict.HOLD, Reason.BAD_LOOK, "bad look 1 of 3", bad_looks=1)
    shop.look()
    assert (shop.releases[0].status.bad_looks, shop.releases[0].status.holding) == (1, "PolicyMissing")
    assert shop.judge.asked[-1].metrics != ()
    shop.judge.says = a_judgement(Verdict.FAIL)
    shop.live(lambda found: found.phases == ["RolledBack"])


def test_a_plan_that_leaves_failures_to_a_person_does_so_while_its_policy_is_missing() -> None:
    """Traffic is never disturbed by a policy that goes."""
    shop = in_flight(plan={"on-failure": "hold"})
    weights = shop.weights
    shop.unshare()
    shop.judge.says = a_judgement(Verdict.FAIL)
    for _ in range(4):
        shop.look()
    assert (shop.phases, shop.weights) == (["Stepping"], weights)


def test_no_first_step_is_taken_without_the_policy() -> None:
    """What the canary would be judged by is not known."""
    shop = in_flight(Phase.PREPARING, plan={"steps": "20"})
    shop.unshare()
    for _ in range(6):
        shop.look()
    assert (shop.phases, shop.releases[0].status.holding) == (["Preparing"], "PolicyMissing")
    shop.share(plan={"steps": "20"})
    shop.judge.says = a_judgement(Verdict.PASS)
    shop.live(at_rest)


def test_a_person_may_pause_resume_and_promote_without_the_policy() -> None:
    """Paused stays paused, and a person's word goes before what is missing."""
    shop = in_flight(plan={"steps": "20"})
    shop.unshare()
    shop.look()
    shop.annotate(do="pause")
    shop.look()
    shop.look()
    assert shop.releases[0].status.holding == "Paused"
    shop.annotate(do="promote")
    shop.live(lambda found: found.phases == ["Promoted"])


def test_a_release_does_not_begin_with_an_unknown_policy() -> None:
    """It waits, and says which there are."""
    shop = a_shop()
    shop.share("strict", plan={"steps": "20"})
    shop.annotate(policy="strikt")
    shop.look()
    shop.change("v2")
    shop.look()
    assert shop.phases == []
    assert "there are strict, got strikt" in next(told.message for told in shop.told if told.reason == "PlanInvalid")
    shop.annotate(policy="strict")
    shop.live(at_rest)


def test_a_policy_that_can_not_be_read_leaves_a_release_to_its_recorded_plan() -> None:
    """Said once; its metrics still count."""
    shop = in_flight(metrics=[QUEUE])
    shop.cluster.edit(kinds.RELEASE_POLICY, "default", {"spec": {"plan": {"steps": "50,10"}}})
    shop.look()
    shop.look()
    (told,) = [told for told in shop.told if told.reason == "PlanInvalid"]
    assert told.message.startswith("ReleasePolicy default: plan.steps must rise")
    assert told.message.endswith("the release goes on by its recorded plan")
    assert shop.judge.asked[-1].metrics != ()


def test_metrics_are_tried_on_the_version_that_runs() -> None:
    """At rest, with the Service and the plan's interval."""
    shop = a_shop()
    shop.share(plan={"interval": "20s"}, metrics=[QUEUE])
    shop.look()
    assert [told.message for told in shop.told if told.reason == "TelemetryMissing"] == ["metric queue is tried"]
    trial = shop.judge.tries[-1]
    assert (trial.service, trial.window.total_seconds(), trial.metrics[0].name) == ("web", 20, "queue")


def test_a_cluster_without_the_kind_has_no_policies() -> None:
    """Definitions are not always upgraded with the controller."""
    shop = a_shop()
    listed = shop.cluster.list

    def without(kind: Kind, namespace: str | None = None, labels: str = "") -> Listing:
        if kind is kinds.RELEASE_POLICY:
            raise errors.Missing("no such kind")
        return listed(kind, namespace, labels)

    shop.cluster.list = without  # type: ignore[method-assign]
    work = shop.observer.view(SHOP, "web").work
    assert work is not None
    assert isinstance(shop.observer.plan(work), Plan)


def test_a_definition_that_drops_metrics_is_named_and_not_written_to_again_and_again() -> None:
    """Definitions are not always upgraded with the controller."""
    shop = in_flight(metrics=[])
    patched = shop.cluster.patch

    def dropping(*args: Any, **more: Any) -> Json:
        after = patched(*args, **more)
        after["spec"].pop("metrics", None)
        shop.cluster.objects["Release", after["metadata"]["name"]]["spec"].pop("metrics", None)
        return after

    shop.cluster.patch = dropping  # type: ignore[method-assign]
    shop.cluster.edit(kinds.RELEASE_POLICY, "default", {"spec": {"metrics": [QUEUE]}})
    with pytest.raises(errors.Invalid, match="its definition is older than the controller, apply crds/"):
        shop.look()
    assert "WriteRefused" in shop.reasons


def without_the_right(shop: Any) -> None:
    """The rule for ReleasePolicies is missing in the installed rights."""
    listed = shop.cluster.list

    def not_granted(kind: kinds.Kind, *args: Any, **more: Any) -> Any:
        if kind is kinds.RELEASE_POLICY:
            raise errors.NotGranted("may not list releasepolicies.rampart.dev in shop: grant it")
        return listed(kind, *args, **more)

    shop.cluster.list = not_granted


def test_without_the_right_to_read_policies_a_deployment_that_names_none_is_released() -> None:
    """An older installation's rights know nothing of ReleasePolicies."""
    shop = a_shop()
    shop.change("v2")
    without_the_right(shop)
    shop.live(lambda found: found.phases == ["Promoted"])
    assert "RightMissing" not in shop.reasons


def test_without_the_right_to_read_it_a_named_policy_is_a_bad_plan() -> None:
    """What is to be granted is said on the Deployment that needs it; nothing is released by another plan."""
    shop = a_shop()
    shop.annotate(policy="strict")
    shop.change("v2")
    without_the_right(shop)
    for _ in range(3):
        shop.look()
    told = [told for told in shop.told if told.reason == "PlanInvalid"]
    assert told
    assert told[0].message.startswith(
        "ReleasePolicy strict can not be read: may not list releasepolicies.rampart.dev in shop: grant it"
    )
    assert shop.phases == []


def test_a_right_that_is_taken_away_in_flight_holds_the_weight() -> None:
    """By the recorded plan; an abort goes through as ever."""
    shop = in_flight(metrics=[])
    without_the_right(shop)
    shop.live(lambda found: found.releases[-1].status.holding == "PolicyMissing")
    assert "grant it: the weight stays" in shop.releases[-1].status.message
    shop.annotate(do="abort")
    shop.live(lambda found: found.phases == ["Cancelled"])
