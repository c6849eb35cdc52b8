"""What would happen: in thought alone."""

from decimal import Decimal

from analysis import meshes
from deploy import traffic
from deploy.traffic import Change, Json, Verb
from rollout import foresight, plan, policy
from rollout.plan import Plan
from tests.rollout.building import a_plan, a_revision

PLACES = {"namespace": "shop", "workload": "web", "service": "web-svc"}


def test_the_canary_is_sized_by_its_share() -> None:
    """At least one pod, all of them at the end."""
    found = foresight.stays(a_plan(steps="5,50"), 4)
    assert [(stay.exposure, stay.pods) for stay in found] == [("5 %", 1), ("50 %", 2), ("100 %", 4)]


def test_what_is_not_the_canarys_is_shared_among_the_running_sets() -> None:
    """By their sizes; one without pods gets nothing."""
    found = foresight.split((a_revision("v1", 3), a_revision("v0", 1), a_revision("old", 0)), "web-v2", Decimal(20))
    assert [(pin.value, parts) for pin, parts in found.shares] == [("v1", 6000), ("v0", 2000), ("web-v2", 2000)]
    assert found.pins[-1] == traffic.canary("web-v2")


def test_a_diff_shows_what_its_owner_would_write() -> None:
    """Without what the server keeps; a new object is all plus, one that goes all minus."""
    metadata = {"name": "web", "namespace": "shop", "resourceVersion": "7", "managedFields": []}
    before: Json = {"kind": "VirtualService", "metadata": metadata, "spec": {"weight": 100}, "status": {}}
    after: Json = {**before, "spec": {"weight": 95}}
    changed = foresight.diff(Change(Verb.REPLACE, after), before)
    assert "-  weight: 100" in changed
    assert "+  weight: 95" in changed
    assert "resourceVersion" not in changed
    created = foresight.diff(Change(Verb.CREATE, after), None)
    assert created.startswith("--- VirtualService shop/web (none)\n+++ VirtualService shop/web\n")
    deleted = foresight.diff(Change(Verb.DELETE, before), before)
    assert "+++ VirtualService shop/web (none)" in deleted


def test_every_question_of_a_look_is_foretold() -> None:
    """Requests, latency and custom metrics, with their words filled in."""
    metrics = (
        policy.Metric(name="queue", query="depth{app='{{canary}}',of='{{service}}'}[{{window}}]", max=3, orStable=None),
    )
    wished = plan.resolve({"rampart.dev/strategy": "canary", "rampart.dev/latency": "p99<300ms"}, {})
    assert isinstance(wished, Plan)
    wished = wished.model_copy(update={"metrics": metrics})
    found = {one.name: one for one in foresight.questions(wished, meshes.ISTIO, PLACES, "web-canary")}
    assert [*found] == ["requests and failures", "p99<300ms", "metric queue"]
    assert len([*foresight.questions(a_plan(), meshes.ISTIO, PLACES, "web-canary")]) == 1
    assert found["metric queue"] == foresight.Question("metric queue", "depth{app='web-canary',of='web-svc'}[60000ms]")
    about = "what istio_request_duration_milliseconds_bucket counted of both versions in 1m, by its buckets"
    assert found["p99<300ms"].about == about


def test_the_default_policy_is_named_as_the_source() -> None:
    """Nobody asked for it by name."""
    known: dict[str, Json] = {"default": {"metadata": {"name": "default"}, "spec": {"plan": {"interval": "20s"}}}}
    wished = plan.resolve({"rampart.dev/strategy": "canary"}, {}, known)
    assert isinstance(wished, Plan)
    found = {value.key: value.source for value in foresight.sources(wished, {f"{plan.PREFIX}steps": "5"}, {}, known)}
    assert found["steps"] == "annotation"
    assert found["policy"] == "the namespace's default policy"
    assert found["interval"] == "ReleasePolicy default"
    assert found["bake"] == "one interval"


def test_a_policy_that_can_not_be_read_is_no_source() -> None:
    """What it would have said is a fault, told elsewhere."""
    broken: dict[str, Json] = {"default": {"metadata": {"name": "default"}, "spec": {"metrics": [{"name": "x"}]}}}
    found = foresight.sources(a_plan(), {}, {"interval": "60s"}, broken)
    assert {value.key: value.source for value in found}["interval"] == "installation"
