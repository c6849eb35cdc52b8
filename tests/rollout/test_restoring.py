"""Restore: from whatever a controller left, to a cluster without anything of ours."""

from collections.abc import Callable
from typing import cast

import pytest

from deploy import errors, kinds, names
from deploy.cluster import Cluster, Listing
from deploy.kinds import Kind
from deploy.traffic import Json
from rollout import restoring, settings, status
from rollout.leftovers import Scope
from rollout.restoring import Restorer
from rollout.seen import Told
from rollout.settings import Settings
from rollout.status import Phase
from tests.rollout import test_gateway_release, test_smi_release, test_without_a_mesh
from tests.rollout.a_shop import ROUTE, Shop, a_shop
from tests.rollout.small_cluster import SmallCluster

KEY = "shop/web"


class Ticking(SmallCluster):
    """A cluster whose controllers act after each write of anybody's; `lost` kinds are not served."""

    lost: frozenset[str] = frozenset()
    ticks: bool = True

    def within(self, seconds: float) -> "Ticking":
        return self

    def list(self, kind: Kind, namespace: str | None = None, labels: str = "") -> Listing:
        if kind.kind in self.lost:
            raise errors.Missing(f"no {kind.plural}")
        return super().list(kind, namespace, labels)


def a_ticking_shop() -> Shop:
    shop = a_shop()
    cluster = Ticking(objects=shop.cluster.objects, version=shop.cluster.version)
    cluster.after = lambda written: cluster.tick() if written[1] in ("Deployment",) and cluster.ticks else None
    shop.cluster = cluster
    shop.restart()
    return shop


def restorer(shop: Shop, said: list[str] | None = None) -> Restorer:
    found = settings.load({"prometheus_url": "http://p", "settle": 0.01, "drain": 0.01}, {})
    assert isinstance(found, Settings)

    def say(key: str, told: Told) -> None:
        if said is not None:
            said.append(f"{key} {told.reason}")

    return Restorer(cast(Cluster, shop.cluster), found, say)


def restore(shop: Shop, seconds: float = 5) -> dict[str, str]:
    """All of it, as the command does it."""
    hand = restorer(shop)
    waiting = {**hand.bring_to_rest(hand.inventory.concerned(Scope()), seconds)}
    waiting = waiting or {**hand.clear_strays(Scope(), seconds)}
    if not waiting:
        hand.disown()
    return waiting


def check_clean(shop: Shop) -> None:
    """The route is the user's; no canary, no leg object, no finalizer."""
    assert shop.route == ROUTE
    managers = [each["manager"] for each in shop.cluster.get(kinds.VIRTUAL_SERVICE, "web")["metadata"]["managedFields"]]
    assert managers == ["kubectl"]
    assert shop.cluster.list(kinds.DESTINATION_RULE).items == []
    assert [item["metadata"]["name"] for item in shop.cluster.list(kinds.DEPLOYMENT).items] == ["web"]
    assert all(not item.finalizers for item in (shop.releases if not lost(shop) else []))


def lost(shop: Shop) -> bool:
    return isinstance(shop.cluster, Ticking) and bool(shop.cluster.lost)


def in_phase(phase: Phase) -> Callable[[Shop], bool]:
    return lambda shop: bool(shop.phases) and shop.phases[-1] == phase


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.PREPARING, Phase.STEPPING, Phase.BAKING])
def test_a_release_in_flight_falls_and_its_template_stays_paused(phase: Phase) -> None:
    """As for an opt-out, while the annotation stays."""
    shop = a_ticking_shop()
    shop.change("v2")
    shop.live(in_phase(phase))
    assert restore(shop) == {}
    check_clean(shop)
    assert shop.phases == ["Cancelled"]
    assert shop.deployment["spec"]["paused"]
    assert shop.notes == {"strategy": "canary", "held": "left"}
    assert "rampart restore takes Rampart out" in shop.releases[0].status.decisions[0].message


def test_a_promotion_past_the_first_rolled_pod_is_finished() -> None:
    """Users stay on the canary until the roll-out is whole (law 11)."""
    shop = a_ticking_shop()
    shop.change("v2")
    shop.live(in_phase(Phase.PROMOTING))
    shop.look()
    assert "paused" not in shop.deployment["spec"]
    assert restore(shop) == {}
    check_clean(shop)
    assert shop.phases == ["Promoted"]
    assert shop.notes == {"strategy": "canary"}


def test_a_roll_out_that_is_not_whole_keeps_users_on_the_canary_and_says_so() -> None:
    """The time is over before it is whole: nothing was torn down."""
    shop = a_ticking_shop()
    shop.cluster.rolls = False
    shop.change("v2")
    shop.live(in_phase(Phase.PROMOTING))
    shop.look()
    before = shop.weights
    assert "roll" in restore(shop, 0.5)[KEY]
    assert shop.weights == before == [("stable", 0), ("canary", 100)]


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.STEPPING, Phase.BAKING])
def test_without_the_definition_of_releases_everything_is_found_and_removed(phase: Phase) -> None:
    """Case 66: route, legs and canary are all that is left of it."""
    shop = a_ticking_shop()
    shop.change("v2")
    shop.live(in_phase(phase))
    assert isinstance(shop.cluster, Ticking)
    shop.cluster.lost = frozenset({"Release", "ReleasePolicy"})
    for key in [key for key in shop.cluster.objects if key[0] == "Release"]:
        del shop.cluster.objects[key]
    assert restore(shop) == {}
    check_clean(shop)
    assert shop.notes["held"] == "left"


def test_the_fall_is_the_first_write() -> None:
    """Without a Release too, and to the stable pods: the root selects the canary's as well (law 9)."""
    shop = a_ticking_shop()
    shop.change("v2")
    shop.live(in_phase(Phase.STEPPING))
    for key in [key for key in shop.cluster.objects if key[0] == "Release"]:
        del shop.cluster.objects[key]
    shop.cluster.writes.clear()
    assert restore(shop) == {}
    kinds_written = [kind for _, kind, _ in shop.cluster.writes if kind != "Event"]
    assert kinds_written[:2] == ["VirtualService", "Deployment"]
    assert kinds_written[2:] == ["VirtualService", "DestinationRule", "Deployment", "VirtualService"]


def test_half_a_roll_out_without_its_release_keeps_users_on_the_canary() -> None:
    """The old pods are not whole: nothing falls onto them."""
    shop = a_ticking_shop()
    shop.cluster.rolls = False
    shop.change("v2")
    shop.live(in_phase(Phase.PROMOTING))
    shop.look()
    for key in [key for key in shop.cluster.objects if key[0] == "Release"]:
        del shop.cluster.objects[key]
    assert "users stay on the canary" in restore(shop, 0.5)[KEY]
    assert shop.weights == [("stable", 0), ("canary", 100)]
    shop.cluster.rolls = True
    shop.cluster.tick()
    assert restore(shop) == {}
    check_clean(shop)
    assert shop.notes == {"strategy": "canary"}


def test_legs_without_any_deployment_are_taken_out_of_the_route() -> None:
    """The Deployment was deleted by force, and its Release with it."""
    shop = a_ticking_shop()
    shop.change("v2")
    shop.live(in_phase(Phase.STEPPING))
    for key in [key for key in shop.cluster.objects if key[0] in ("Release", "Deployment", "ReplicaSet")]:
        del shop.cluster.objects[key]
    assert restore(shop) == {}
    assert shop.route == ROUTE
    assert shop.cluster.list(kinds.DESTINATION_RULE).items == []


def test_a_release_that_can_not_be_read_is_let_go() -> None:
    """Its finalizer would hold up its namespace for ever."""
    shop = a_ticking_shop()
    about = {"finalizers": [names.FINALIZER, "others.dev/one"]}
    shop.cluster.seed(kinds.RELEASE, "broken", metadata=about, spec={"deployment": "web", "revision": 7})
    assert restore(shop) == {}
    assert shop.cluster.get(kinds.RELEASE, "broken")["metadata"]["finalizers"] == ["others.dev/one"]


def test_a_deployment_at_rest_is_no_concern() -> None:
    """Nothing is written."""
    shop = a_ticking_shop()
    shop.cluster.writes.clear()
    assert restorer(shop).inventory.concerned(Scope()) == ()
    assert restore(shop) == {}
    assert shop.cluster.writes == []


def test_only_what_is_in_the_scope_is_touched() -> None:
    """By namespace and by name."""
    shop = a_ticking_shop()
    shop.change("v2")
    hand = restorer(shop)
    assert hand.inventory.concerned(Scope(("shop",), ("web",))) == (KEY,)
    assert hand.inventory.concerned(Scope(("other",))) == ()
    assert hand.inventory.concerned(Scope((), ("shop",))) == ()


def test_what_would_be_done_is_foretold_without_a_write() -> None:
    """For a release in flight, and for what has none."""
    shop = a_ticking_shop()
    shop.change("v2")
    shop.live(in_phase(Phase.STEPPING))
    shop.cluster.writes.clear()
    release = shop.releases[0].name
    wished = f"release {release} is Stepping at 5 %: traffic to stable, then canary removed, route restored"
    assert restorer(shop).prospect(KEY) == wished
    del shop.cluster.objects["Release", release]
    assert restorer(shop).prospect(KEY) == "all traffic back to stable"
    assert shop.cluster.writes == []


def test_every_decision_is_said_once() -> None:
    """On the console and in Events."""
    shop = a_ticking_shop()
    shop.change("v2")
    shop.live(in_phase(Phase.STEPPING))
    said: list[str] = []
    restorer(shop, said).bring_to_rest((KEY,), 5)
    assert f"{KEY} OptedOut" in said
    assert len(said) == len(set(said))
    assert status.parse(shop.cluster.list(kinds.RELEASE).items[0]).status.reason == "OptedOut"
    assert restoring.LEAVING


class Narrow(Ticking):
    """Only one namespace may be read."""

    def list(self, kind: Kind, namespace: str | None = None, labels: str = "") -> Listing:
        if namespace is None:
            raise errors.Forbidden("only in shop")
        return super().list(kind, namespace, labels)


def test_rights_in_some_namespaces_are_enough_for_these() -> None:
    """An installation that is limited to namespaces is taken out by its own account."""
    shop = a_ticking_shop()
    shop.change("v2")
    shop.live(in_phase(Phase.STEPPING))
    narrow = Narrow(objects=shop.cluster.objects, version=shop.cluster.version)
    narrow.after = lambda written: narrow.tick() if written[1] == "Deployment" else None
    shop.cluster = narrow
    found = settings.load({"prometheus_url": "http://p", "settle": 0.01, "drain": 0.01}, {})
    assert isinstance(found, Settings)
    scope = Scope(("shop",))
    hand = Restorer(cast(Cluster, narrow), found, lambda key, told: None, scope.namespaces)
    assert hand.bring_to_rest(hand.inventory.concerned(scope), 5) == {}
    assert hand.clear_strays(scope, 5) == {}
    assert shop.route == ROUTE


# Other routers.


Released = Callable[..., Shop]


def ticking(shop: Shop) -> Shop:
    """With controllers that act after each write of a Deployment, or of a Service."""
    cluster = Ticking(objects=shop.cluster.objects, version=shop.cluster.version, served=shop.cluster.served)
    cluster.after = lambda written: cluster.tick() if written[1] in ("Deployment", "Service") else None
    shop.cluster = cluster
    shop.restart()
    return shop


def accepted(shop: Shop) -> Shop:
    """The mesh takes every temporary HTTPRoute."""
    said = [{"type": kind, "status": "True"} for kind in ("Accepted", "ResolvedRefs")]
    for (kind, _), item in shop.cluster.objects.items():
        if kind == "HTTPRoute":
            item["status"] = {"parents": [{"parentRef": test_gateway_release.SERVICE_PARENT, "conditions": said}]}
    return shop


def forget(shop: Shop, *more: str) -> None:
    for key in [key for key in shop.cluster.objects if key[0] in ("Release", *more)]:
        del shop.cluster.objects[key]


ROUTERS = [
    pytest.param(test_gateway_release.released, "HTTPRoute", test_gateway_release.ROUTE, id="gateway"),
    pytest.param(test_gateway_release.released, "HTTPRoute", None, id="gateway, a temporary route"),
    pytest.param(test_smi_release.released, "TrafficSplit", test_smi_release.SPLIT, id="smi"),
    pytest.param(test_smi_release.released, "TrafficSplit", None, id="smi, a temporary split"),
]


def check_put_back(shop: Shop, kind: str, spec: Json | None) -> None:
    """Routes as the user wrote them, and no Service but the user's."""
    found = [weighed(item["spec"]) for (of, _), item in shop.cluster.objects.items() if of == kind]
    assert found == ([] if spec is None else [spec])
    assert [name for of, name in shop.cluster.objects if of == "Service"] == ["web"]
    managers = [each["manager"] for item in shop.cluster.objects.values() for each in managed(item, kind)]
    assert "rampart" not in managers


def weighed(spec: Json) -> Json:
    """As an API server fills in what is absent: a backendRef weighs 1."""
    for ref in (ref for rule in spec.get("rules") or () for ref in rule["backendRefs"]):
        ref.setdefault("weight", 1)
    return spec


def managed(item: Json, kind: str) -> list[Json]:
    return (item["metadata"].get("managedFields") or []) if item.get("kind") == kind else []


def in_mid_step(released: Released, spec: Json | None) -> Shop:
    """Half of the users are on the canary."""
    shop = ticking(released(route=spec) if released is test_gateway_release.released else released(split=spec))
    shop.live(lambda shop: accepted(shop) is shop and in_phase(Phase.STEPPING)(shop))
    return shop


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.STEPPING, Phase.BAKING])
@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize(("released", "kind", "spec"), ROUTERS)
def test_any_routers_routes_are_put_back(
    released: Released, kind: str, spec: Json | None, knows: bool, phase: Phase
) -> None:
    """With the Release, and without it; the Deployment stays paused."""
    shop = ticking(released(route=spec) if released is test_gateway_release.released else released(split=spec))
    shop.live(lambda shop: accepted(shop) is shop and in_phase(phase)(shop))
    if not knows:
        forget(shop)
    assert restore(shop) == {}
    check_put_back(shop, kind, spec)
    assert [name for of, name in shop.cluster.objects if of == "Deployment"] == ["web"]
    assert shop.notes["held"] == "left"


@pytest.mark.parametrize(("released", "kind", "spec"), ROUTERS)
def test_any_routers_legs_without_a_deployment_are_removed(released: Released, kind: str, spec: Json | None) -> None:
    """They are found by their Service, and foretold."""
    shop = in_mid_step(released, spec)
    forget(shop, "Deployment", "ReplicaSet")
    assert restorer(shop).inventory.strays(Scope()) == (("shop", "web"),)
    assert restorer(shop).inventory.strays(Scope(("mall",))) == ()
    assert restore(shop) == {}
    check_put_back(shop, kind, spec)


@pytest.mark.parametrize(("released", "kind", "spec"), ROUTERS)
def test_the_router_is_the_one_whose_legs_are_there(released: Released, kind: str, spec: Json | None) -> None:
    """Whatever would route the Service today: a VirtualService that came later, or none that can be told."""
    shop = in_mid_step(released, spec)
    forget(shop)
    shop.cluster.seed(kinds.VIRTUAL_SERVICE, "web", spec=ROUTE)
    assert restore(shop) == {}
    check_put_back(shop, kind, spec)
    assert shop.route == ROUTE


@pytest.mark.parametrize(("released", "kind", "spec"), ROUTERS)
def test_a_temporary_object_without_its_legs_is_removed(released: Released, kind: str, spec: Json | None) -> None:
    """Somebody deleted the leg Services; the routes still lead to them."""
    shop = in_mid_step(released, spec)
    forget(shop, "Deployment", "ReplicaSet")
    for key in [key for key in shop.cluster.objects if key[0] == "Service" and key[1] != "web"]:
        del shop.cluster.objects[key]
    assert restore(shop) == {}
    check_put_back(shop, kind, spec)


@pytest.mark.parametrize(("released", "kind", "spec"), ROUTERS)
def test_any_routers_fall_is_the_first_write(released: Released, kind: str, spec: Json | None) -> None:
    """The route before the canary, and legs after everything."""
    shop = in_mid_step(released, spec)
    forget(shop)
    shop.cluster.writes.clear()
    assert restore(shop) == {}
    written = [(verb, each) for verb, each, _ in shop.cluster.writes if each != "Event"]
    kinds_written = [each for _, each in written]
    assert set(kinds_written[: kinds_written.index("Deployment")]) == {kind}
    last_of_routes = max(nth for nth, (verb, each) in enumerate(written) if each == kind and verb != "patch")
    assert kinds_written.index("Service") > last_of_routes


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.BAKING])
@pytest.mark.parametrize("knows", [True, False])
def test_a_services_own_selector_is_put_back(knows: bool, phase: Phase) -> None:
    """Without any mesh, where the Service is the route: with the Release, and without it."""
    shop = ticking(test_without_a_mesh.released(test_without_a_mesh.BLUE_GREEN, None))
    before = a_shop().cluster.get(kinds.SERVICE, "web")["spec"]["selector"]
    shop.live(in_phase(phase))
    if not knows:
        forget(shop)
    assert restore(shop) == {}
    found = shop.cluster.get(kinds.SERVICE, "web")
    assert found["spec"]["selector"] == before
    assert "rampart" not in str(found["metadata"])
    assert [name for of, name in shop.cluster.objects if of in ("Deployment", "Service")] == ["web", "web"]
    assert shop.notes["held"] == "left"


def test_a_pinned_selector_without_a_deployment_is_found() -> None:
    """It is a stray like any other."""
    shop = ticking(test_without_a_mesh.released(test_without_a_mesh.BLUE_GREEN, None))
    shop.live(in_phase(Phase.BAKING))
    forget(shop, "Deployment", "ReplicaSet")
    assert restorer(shop).inventory.strays(Scope()) == (("shop", "web"),)
    assert restore(shop) == {}
    assert shop.cluster.get(kinds.SERVICE, "web")["spec"]["selector"] == {"app": "web"}
