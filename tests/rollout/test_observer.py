"""The observer: what one look reads of a small cluster, and what it refuses to release on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from analysis.threshold import Latency
from analysis.verdict import Verdict
from deploy import kinds, names
from deploy.traffic import Json
from rollout import views
from rollout.plan import Plan
from rollout.seen import Seen
from rollout.status import Phase, Release
from rollout.views import View
from tests.rollout.a_shop import Shop, a_shop
from tests.rollout.building import a_judgement, a_release, a_revision, a_workload
from tests.rollout.small_cluster import SHOP

MEASURING = a_judgement(Verdict.HOLD, text="17 s of 60 s")


def view_of(shop: Shop) -> View:
    return shop.observer.view(SHOP, "web")


def refusals(shop: Shop) -> tuple[str, ...]:
    return shop.observer.refusals(view_of(shop))


def in_flight(phase: Phase, **annotations: str) -> Shop:
    """A shop whose release of v2 has come as far as this phase; the judge measures."""
    shop = a_shop()
    shop.annotate(**annotations)
    shop.change("v2")
    shop.live(lambda found: found.phases == [phase.value])
    shop.judge.says = MEASURING
    return shop


def release_of(shop: Shop) -> Release:
    found = view_of(shop).release
    assert found is not None
    return found


def seen(shop: Shop) -> Seen:
    view = view_of(shop)
    assert view.release is not None
    return shop.observer.seen(view, view.release)


def a_service(name: str, **spec: Any) -> Callable[[Shop], Any]:
    return lambda shop: shop.cluster.seed(kinds.SERVICE, name, spec=spec)


def edit_service(**spec: Any) -> Callable[[Shop], Any]:
    return lambda shop: shop.cluster.edit(kinds.SERVICE, "web", {"spec": spec})


def a_neighbour(pods: dict[str, str], **metadata: Any) -> Callable[[Shop], Any]:
    """Another Deployment whose pods have these labels."""
    template = {"metadata": {"labels": pods}}
    return lambda shop: shop.cluster.seed(kinds.DEPLOYMENT, "api", metadata=metadata, spec={"template": template})


def no_service(shop: Shop) -> None:
    del shop.cluster.objects["Service", "web"]


def named(service: str) -> Callable[[Shop], Any]:
    return lambda shop: shop.annotate(service=service)


def relabelled(shop: Shop) -> None:
    """The held template has labels that the Service does not select."""
    template = {"metadata": {"labels": {"app": "shop-web"}}}
    shop.cluster.edit(kinds.DEPLOYMENT, "web", {"spec": {"paused": True, "template": template}})


PODS = "app=web,version=v1"
WHERE = "Deployment shop/web"
OUTSIDE = "is of type ExternalName: it leads to a name outside and has no pods to share traffic among"


@pytest.mark.parametrize(
    ("happens", "sentence"),
    [
        pytest.param((), None, id="one Service, one Deployment"),
        pytest.param((no_service,), f"{WHERE}: no Service in the namespace selects its pods {PODS}", id="no Service"),
        pytest.param(
            (edit_service(selector=None),),
            f"{WHERE}: no Service in the namespace selects its pods {PODS}",
            id="a Service without selector",
        ),
        pytest.param(
            (lambda shop: shop.cluster.objects["Service", "web"].pop("spec"),),
            f"{WHERE}: no Service in the namespace selects its pods {PODS}",
            id="a Service without spec",
        ),
        pytest.param((a_service("web-too", selector={"app": "web", "tier": "x"}),), None, id="one selects more"),
        pytest.param(
            (a_service("web-too", selector={"version": "v1"}),),
            f"{WHERE}: web, web-too select its pods; name one with rampart.dev/service",
            id="two Services",
        ),
        pytest.param((a_service("web-too", selector={"version": "v1"}), named("web")), None, id="two, one is named"),
        pytest.param(
            (a_service("api", selector={"app": "api"}), named("api")),
            f"rampart.dev/service on {WHERE} must name a Service that selects its pods, got api",
            id="one is named that selects others",
        ),
        pytest.param(
            (named("nobody"),),
            f"rampart.dev/service on {WHERE} must name a Service that selects its pods, got nobody",
            id="one is named that is not there",
        ),
        pytest.param(
            (edit_service(type="ExternalName"),),
            f"Service shop/web {OUTSIDE}",
            id="ExternalName, whose selector means nothing",
        ),
        pytest.param(
            (a_service("old", type="ExternalName", externalName="old.example.org"), named("old")),
            f"Service shop/old {OUTSIDE}",
            id="ExternalName is named",
        ),
        pytest.param(
            (edit_service(clusterIP="None"),),
            "Service shop/web is headless (clusterIP: None): its clients choose among the pods by themselves, so no"
            " share can be kept; name one with an address of its own by rampart.dev/service",
            id="headless",
        ),
        pytest.param(
            (a_service("web-peers", selector={"app": "web"}, clusterIP="None"), named("web")),
            None,
            id="a headless one beside the one that is named",
        ),
        pytest.param(
            (a_neighbour({"app": "web", "version": "v1"}),),
            "Service shop/web also selects the pods of Deployment api; a release needs one to itself",
            id="two Deployments behind one Service",
        ),
        pytest.param((a_neighbour({"app": "api"}),), None, id="another Deployment behind another Service"),
        pytest.param(
            (a_neighbour({"app": "web"}, labels={names.RELEASE: "web-1"}),), None, id="a canary of ours is no other one"
        ),
        pytest.param(
            (relabelled,),
            "Service shop/web: its selector app=web does not take the held template's labels app=shop-web,version=v1",
            id="the held template leaves the Service",
        ),
    ],
)
def test_what_no_release_can_be_made_on_is_refused_by_name(happens: Any, sentence: str | None) -> None:
    """Case 49: each sentence names the object and what to do."""
    shop = a_shop()
    for happening in happens:
        happening(shop)
    assert refusals(shop) == ((sentence,) if sentence else ())


def test_a_release_waits_until_what_is_refused_is_mended() -> None:
    """Nothing is touched meanwhile."""
    shop = a_shop()
    shop.cluster.seed(kinds.SERVICE, "web-too", spec={"selector": {"app": "web"}})
    shop.change("v2")
    for _ in range(4):
        shop.look()
    assert (shop.phases, shop.weights, shop.reasons[-1]) == (["Pending"], [("root", 100)], "Refused")
    shop.annotate(service="web")
    shop.live(lambda found: found.phases == ["Promoted"])


def test_every_fault_of_a_deployment_is_said_together() -> None:
    """Its own shape, and its Service."""
    shop = a_shop(strategy={"type": "Recreate"})
    no_service(shop)
    assert [text.split(": ")[0] for text in refusals(shop)] == [WHERE, WHERE]
    assert len(refusals(shop)) == 2


def test_a_route_that_can_not_be_split_is_said_at_rest() -> None:
    """The router's own faults, before any release."""
    shop = a_shop()
    shop.cluster.seed(kinds.DESTINATION_RULE, "web-rampart", spec={"host": "web"})
    found = shop.observer.idle(view_of(shop), None)
    assert len(found.refusals) == 1
    assert found.refusals[0].startswith("DestinationRule shop/web-rampart exists and is not Rampart's")


def test_a_release_in_flight_keeps_the_service_that_it_began_with() -> None:
    """It can end without it."""
    shop = in_flight(Phase.STEPPING)
    no_service(shop)
    view = view_of(shop)
    target = shop.observer.target(view, view.release)
    assert target is not None
    assert (target.service, target.pod_labels) == ("web", {"app": "web", "version": "v1"})
    assert shop.observer.target(view, None) is None
    assert (seen(shop).refusals, seen(shop).service) == ((), "web")


def test_nothing_is_seen_of_a_route_that_is_refused() -> None:
    """Pending without a Service has no target."""
    shop = a_shop()
    no_service(shop)
    shop.change("v2")
    shop.look()
    found = seen(shop)
    assert (found.service, found.pod_labels, found.route.legs, found.route_age) == ("", {}, frozenset(), 0.0)
    assert len(found.refusals) == 1


@pytest.mark.parametrize(
    ("phase", "annotations", "interval", "latency"),
    [
        pytest.param(Phase.STEPPING, {"interval": "30s", "bake": "5m"}, 30, None, id="a step"),
        pytest.param(Phase.BAKING, {"interval": "30s", "bake": "5m"}, 300, None, id="the bake"),
        pytest.param(
            Phase.STEPPING,
            {"latency": "p99<500ms"},
            60,
            Latency(Decimal("0.99"), timedelta(milliseconds=500)),
            id="with a latency",
        ),
    ],
)
def test_the_judge_is_asked_about_the_canary_and_stable(
    phase: Phase, annotations: dict[str, str], interval: int, latency: Latency | None
) -> None:
    """By the plan that was recorded, since the step began, and with the settings' own bounds."""
    shop = in_flight(phase, **annotations)
    look, question = seen(shop), shop.judge.asked[-1]
    release = release_of(shop)
    assert look.judgement is MEASURING
    assert (question.canary, question.stable) == (f"web-canary-{release.spec.revision}", "web")
    assert (question.since, question.now) == (release.status.since, shop.clock)
    assert release.status.ready_at is not None
    assert question.warm_until == release.status.ready_at + timedelta(seconds=30)
    assert (question.thresholds.interval, question.thresholds.latency) == (timedelta(seconds=interval), latency)
    assert question.thresholds.success_rate == 99
    assert question.thresholds.min_requests == 20


@pytest.mark.parametrize(
    ("phase", "weights"),
    [
        pytest.param(Phase.STEPPING, (Decimal(5), Decimal(25)), id="a step"),
        pytest.param(Phase.BAKING, (Decimal(100), None), id="the bake, after which nothing is asked"),
    ],
)
def test_evidence_is_weighed_since_the_canary_had_traffic(
    phase: Phase, weights: tuple[Decimal, Decimal | None]
) -> None:
    """By default; with the weight that the step has and the one that it would lead to."""
    shop = in_flight(phase)
    seen(shop)
    question, status = shop.judge.weighed[-1], release_of(shop).status
    assert (question.weight, question.next_weight) == weights
    assert (question.began, question.checkpoint) == (status.ready_at, None)


@pytest.mark.parametrize(
    ("phase", "annotations", "shortest"),
    [
        pytest.param(Phase.BAKING, {"bake": "5m"}, 300, id="a bake that was given"),
        pytest.param(Phase.BAKING, {}, 0, id="no bake was given"),
        pytest.param(Phase.STEPPING, {"bake": "5m"}, 0, id="a step"),
    ],
)
def test_proof_does_not_cut_a_bake_short_that_was_given(
    phase: Phase, annotations: dict[str, str], shortest: int
) -> None:
    """Nor the least time of a whole release, which the settings say."""
    shop = in_flight(phase, **annotations)
    seen(shop)
    question = shop.judge.weighed[-1]
    assert (question.shortest, question.least) == (timedelta(seconds=shortest), timedelta(seconds=60))


def test_the_threshold_judge_is_asked_where_the_plan_says_so() -> None:
    """And nothing is weighed then."""
    shop = in_flight(Phase.STEPPING, judge="threshold")
    seen(shop)
    assert (len(shop.judge.weighed), len(shop.judge.asked) > 0) == (0, True)


def test_versions_that_meet_different_users_are_not_compared() -> None:
    """A step by header is judged by thresholds, and by custom metrics that are not compared with stable."""
    metrics = [
        {"name": "queue", "query": 'queue{app="{{canary}}"}', "max": 9},
        {"name": "memory", "query": 'memory{app="{{canary}}"}', "orStable": {"ratio": 2}},
    ]
    shop = a_shop()
    shop.share(metrics=metrics)
    shop.annotate(steps="header:x-canary=1,5")
    shop.change("v2")
    shop.live(lambda found: found.phases == [Phase.STEPPING.value])
    seen(shop)
    assert (len(shop.judge.weighed), [one.name for one in shop.judge.asked[-1].metrics]) == (0, ["queue"])
    shop.live(lambda found: release_of(found).status.weight == 5)
    seen(shop)
    question, status = shop.judge.weighed[-1], release_of(shop).status
    assert question.began == status.alike_since == status.since
    assert [one.name for one in question.asked.metrics] == ["queue", "memory"]


def test_a_mirror_is_weighed_as_its_share() -> None:
    """Its requests are a sample of all; the next weight asks for its own proof."""
    shop = in_flight(Phase.STEPPING, steps="mirror:10,25")
    seen(shop)
    assert (shop.judge.weighed[-1].weight, shop.judge.weighed[-1].next_weight) == (Decimal(10), Decimal(25))
    assert shop.route["http"][0]["mirrors"][0]["percentage"] == {"value": 10}


def test_what_the_route_can_not_express_is_seen() -> None:
    """Asked only where the plan has such steps."""
    shop = a_shop()
    shop.cluster.edit(
        kinds.VIRTUAL_SERVICE, "web", {"spec": {"http": [{**shop.route["http"][0], "mirror": {"host": "x"}}]}}
    )
    shop.change("v2")
    shop.look()
    assert seen(shop).unfit == ()
    shop.annotate(steps="mirror:10")
    shop.live(lambda found: "mirror" in release_of(found).spec.plan["steps"])
    assert seen(shop).unfit == ("VirtualService shop/web http[0] has a mirror of its own",)


def test_what_the_route_can_not_express_is_said_at_opt_in() -> None:
    """Before a release depends on it."""
    shop = a_shop()
    shop.annotate(steps="header:x-canary=1,5")
    assert shop.observer.idle(view_of(shop), None).refusals == ()
    matched = {**shop.route["http"][0], "match": [{"headers": {"x-canary": {"exact": "2"}}}]}
    shop.cluster.edit(kinds.VIRTUAL_SERVICE, "web", {"spec": {"http": [matched]}})
    (found,) = shop.observer.idle(view_of(shop), None).refusals
    assert found == "VirtualService shop/web http[0] has a condition on x-canary itself"


def test_a_success_rate_of_zero_is_not_judged() -> None:
    """The plan says that errors do not count."""
    shop = in_flight(Phase.STEPPING, success_rate="0")
    seen(shop)
    assert shop.judge.asked[-1].thresholds.success_rate is None


@pytest.mark.parametrize(
    ("phase", "happening"),
    [
        pytest.param(Phase.PREPARING, lambda shop: None, id="nobody is on the canary yet"),
        pytest.param(Phase.STEPPING, lambda shop: shop.annotate(do="abort"), id="an abort is urgent"),
        pytest.param(Phase.STEPPING, lambda shop: shop.change("v3"), id="a newer template is urgent"),
        pytest.param(Phase.FINISHING, lambda shop: None, id="the canary leaves"),
    ],
)
def test_the_judge_is_not_asked_where_its_word_does_not_count(phase: Phase, happening: Callable[[Shop], Any]) -> None:
    """Promise 3: a fall waits for nothing."""
    shop = in_flight(phase)
    happening(shop)
    asked = len(shop.judge.asked)
    assert seen(shop).judgement is None
    assert len(shop.judge.asked) == asked


def test_a_rewritten_route_is_seen_while_it_is_meant_to_show_our_legs() -> None:
    """Law 17: drift in Stepping, none in Preparing before the first split."""
    rewritten: Json = {"spec": {"http": [{"route": [{"destination": {"host": "web"}}]}]}}
    shop = in_flight(Phase.STEPPING)
    assert seen(shop).drift is None
    shop.cluster.edit(kinds.VIRTUAL_SERVICE, "web", rewritten)
    assert seen(shop).drift is not None
    early = in_flight(Phase.PREPARING)
    early.cluster.edit(kinds.VIRTUAL_SERVICE, "web", rewritten)
    assert seen(early).drift is None


def canary_of(shop: Shop) -> str:
    return f"web-canary-{release_of(shop).spec.revision}"


def test_the_canary_is_told_by_its_label() -> None:
    """A Deployment of its name that somebody else made is not it."""
    shop = in_flight(Phase.STEPPING)
    found = seen(shop).canary
    assert found is not None
    assert (found.name, found.replicas, found.ready) == (canary_of(shop), 1, 1)
    shop.cluster.edit(kinds.DEPLOYMENT, canary_of(shop), {"metadata": {"labels": {names.RELEASE: "other"}}})
    assert seen(shop).canary is None


def test_pods_that_leave_have_no_say() -> None:
    """A crash of a pod that is told to go condemns nobody."""
    crash = {"name": "web", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}
    shop = in_flight(Phase.STEPPING)
    pod = shop.cluster.objects["Pod", f"{canary_of(shop)}-0"]
    pod["status"] = {"containerStatuses": [crash]}
    dying = seen(shop).canary
    assert dying is not None
    assert dying.dead is not None
    pod["metadata"]["deletionTimestamp"] = "now"
    left = seen(shop).canary
    assert left is not None
    assert left.dead is None


def test_the_canary_ages_until_its_number_of_ready_pods_changes() -> None:
    """Readiness settles as a route does."""
    shop = in_flight(Phase.STEPPING)
    first = seen(shop).canary_age
    second = seen(shop).canary_age
    shop.cluster.objects["Deployment", canary_of(shop)]["status"]["readyReplicas"] = 0
    changed = seen(shop).canary_age
    assert 0 < first < second
    assert changed < second
    shop.observer.forget(release_of(shop))
    assert seen(shop).canary_age < second


@pytest.mark.parametrize(
    ("pods", "addresses", "leavers"),
    [
        pytest.param(1, [("-p0", True)], 1, id="a pod that serves"),
        pytest.param(2, [("-p0", True), ("-p1", False)], 1, id="one of two has left its Services"),
        pytest.param(2, [], 2, id="pods that nobody has told to go"),
        pytest.param(0, [], 0, id="none"),
        pytest.param(0, [("-p0", True)], 1, id="an address that outlives its pod"),
        pytest.param(0, [("2-p0", True), (None, True)], 0, id="addresses of others do not count"),
        pytest.param(0, [("-p0", None)], 1, id="a condition that is not said means serving"),
    ],
)
def test_leavers_are_counted_until_no_address_serves(pods: int, addresses: Any, leavers: int) -> None:
    """Law 9: the route is restored when nobody can be sent to the canary any more."""
    shop = in_flight(Phase.FINISHING)
    label = {names.RELEASE: release_of(shop).name}
    for key in [key for key in shop.cluster.objects if key[0] in ("Pod", "EndpointSlice")]:
        del shop.cluster.objects[key]
    for number in range(pods):
        shop.cluster.objects["Pod", f"p{number}"] = {"metadata": {"name": f"p{number}", "labels": label}}
    endpoints = [
        {
            **({"targetRef": {"name": f"{canary_of(shop)}{pod}"}} if pod else {}),
            **({} if serving is None else {"conditions": {"serving": serving}}),
        }
        for pod, serving in addresses
    ]
    shop.cluster.objects["EndpointSlice", "s"] = {"metadata": {"name": "s", "labels": label}, "endpoints": endpoints}
    assert seen(shop).leavers == leavers


def test_pods_on_their_way_out_without_an_address_have_left() -> None:
    """Their grace period is not waited for."""
    shop = in_flight(Phase.FINISHING)
    shop.cluster.objects["EndpointSlice", canary_of(shop)]["endpoints"] = []
    for key, item in shop.cluster.objects.items():
        if key[0] == "Pod":
            item["metadata"]["deletionTimestamp"] = "now"
    assert seen(shop).leavers == 0


def test_nobody_leaves_while_users_are_on_the_canary() -> None:
    """It is not even asked."""
    assert seen(in_flight(Phase.STEPPING)).leavers == 0


def test_a_release_waits_for_a_predecessor_that_still_falls() -> None:
    """And stands on one whose pods have rolled."""
    shop = in_flight(Phase.STEPPING)
    first = release_of(shop)
    shop.change("v3")
    spec = {**first.spec.model_dump(by_alias=True), "revision": "v3"}
    shop.cluster.seed(kinds.RELEASE, "web-v3", spec=spec)
    assert (seen(shop).base, seen(shop).predecessor) == (None, first.name)
    shop.cluster.objects["Release", first.name]["status"] |= {"phase": "Promoting", "outcome": "Reverted"}
    base = seen(shop).base
    assert base is not None
    assert (base.name, base.revision, base.in_flight, seen(shop).predecessor) == (
        first.name,
        first.spec.revision,
        True,
        None,
    )
    assert base.saved == first.status.saved
    assert base.canary is not None


def test_a_base_that_is_gone_is_none() -> None:
    """Somebody deleted its Release object."""
    shop = in_flight(Phase.STEPPING)
    shop.cluster.objects["Release", release_of(shop).name]["status"]["base"] = "web-gone"
    assert seen(shop).base is None


def test_a_canary_that_stands_on_another_is_judged_against_it() -> None:
    """Law 13: the predecessor's canary is the stable leg."""
    shop = a_shop()
    shop.cluster.rolls = False
    shop.change("v2")
    shop.live(lambda found: found.phases == ["Promoting"])
    first = release_of(shop)
    shop.look()
    shop.change("v3")
    shop.live(lambda found: found.phases == ["Promoting", "Stepping"])
    seen(shop)
    assert shop.judge.asked[-1].stable == f"web-canary-{first.spec.revision}"
    assert shop.judge.asked[-1].canary == f"web-canary-{release_of(shop).spec.revision}"


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        pytest.param({}, True, id="at rest"),
        pytest.param({"spec": {"replicas": 0}}, False, id="scaled to zero"),
        pytest.param({"metadata": {"annotations": {names.HELD: "true"}}}, False, id="held"),
        pytest.param({"metadata": {"annotations": {names.STRATEGY: None}}}, False, id="not opted in"),
        pytest.param({"metadata": {"annotations": {"rampart.dev/steps": "0"}}}, False, id="no plan"),
    ],
)
def test_what_the_judge_would_miss_is_asked_at_rest(change: Json, asked: bool) -> None:
    """Cases 21 and 30: said before a release depends on it."""
    shop = a_shop()
    shop.judge.wrong = ("no metrics of web",)
    shop.cluster.edit(kinds.DEPLOYMENT, "web", change)
    assert shop.observer.idle(view_of(shop), None).telemetry == (("no metrics of web",) if asked else ())


def test_a_deployment_that_is_gone_does_not_rest() -> None:
    """The reconciler asks before."""
    view = shop_without_deployment()
    with pytest.raises(ValueError, match="Deployment shop/web is gone"):
        a_shop().observer.idle(view, None)
    assert a_shop().observer.refusals(view) == ()
    assert a_shop().observer.proof(view) is None
    assert a_shop().observer.target(view, None) is None


def shop_without_deployment() -> View:
    shop = a_shop()
    del shop.cluster.objects["Deployment", "web"]
    return view_of(shop)


def test_a_plan_is_read_with_the_defaults_of_the_installation() -> None:
    """Faults come as sentences."""
    shop = a_shop()
    assert isinstance(shop.observer.plan(a_workload()), Plan)
    found = shop.observer.plan(a_workload(annotations={"rampart.dev/steps": "0"}))
    assert isinstance(found, tuple)


def test_the_running_labels_are_those_of_the_largest_set() -> None:
    """Without the hash; of the template where there is no set; none of a Deployment that is gone."""
    labels = {"app": "old", names.POD_TEMPLATE_HASH: "abc"}
    revision = replace(a_revision("v1"), template={"metadata": {"labels": labels}})
    view = View("shop", "web", None, a_workload(), (revision, a_revision("v0", 1)), ())
    assert views.running_labels(view) == {"app": "old"}
    assert views.running_labels(replace(view, revisions=())) == {"app": "web"}
    assert views.running_labels(replace(view, revisions=(), work=None)) == {}


def test_the_release_in_hand_is_the_newest_in_flight() -> None:
    """Ended ones are apart, the oldest first."""
    made = [a_release(Phase.PROMOTED), a_release(Phase.STEPPING), a_release(Phase.PENDING), a_release(Phase.CANCELLED)]
    view = View("shop", "web", None, None, (), tuple(made))
    assert (view.release, view.open, view.ended) == (made[2], (made[1], made[2]), (made[0], made[3]))
    assert replace(view, releases=(made[0],)).release is None


def test_releases_are_read_the_oldest_first() -> None:
    """By their time of creation, then by their attempt; another Deployment's and malformed ones are apart."""
    shop = a_shop()
    spec = {"deployment": "web", "deploymentUid": "u", "revision": "v2", "plan": {}}
    for name, second, attempt in (("web-c", 2, 1), ("web-b", 1, 2), ("web-a", 1, 1)):
        metadata = {"creationTimestamp": f"2026-01-01T00:00:0{second}Z"}
        shop.cluster.seed(kinds.RELEASE, name, metadata=metadata, spec={**spec, "attempt": attempt})
    shop.cluster.seed(kinds.RELEASE, "api-a", spec={**spec, "deployment": "api"})
    shop.cluster.seed(kinds.RELEASE, "bare")
    shop.cluster.seed(kinds.RELEASE, "broken", spec={"deployment": "web"})
    view = view_of(shop)
    assert [item.name for item in view.releases] == ["web-a", "web-b", "web-c"]
    assert [text.split(" can not")[0] for text in view.malformed] == ["Release shop/broken"]


@pytest.mark.parametrize(
    ("mesh", "router", "words"),
    [
        pytest.param("linkerd-route", "istio", "router istio has none for a leg", id="legs are subsets"),
        pytest.param("linkerd-route", "smi", "choose linkerd", id="a split overrides the routes"),
        pytest.param("linkerd", "smi", "", id="by workload"),
    ],
)
def test_mesh_that_can_not_tell_the_legs_apart_is_refused(mesh: str, router: str, words: str) -> None:
    """Before anything is released: there would be no data at every step."""
    shop = a_shop()
    shop.cluster.served = frozenset({"VirtualService", "DestinationRule", "TrafficSplit", "ServiceProfile"})
    shop.annotate(router=router)
    shop.settings = {"mesh": mesh}
    shop.restart()
    found = refusals(shop)
    assert len(found) == bool(words)
    assert words in "".join(found)
