"""A route, live: what is read, what is written, and what is tried again."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import cast

import pytest

from deploy import errors, kinds, routers, traffic
from deploy.cluster import Cluster
from deploy.traffic import Json, Split
from rollout import routes
from rollout.routes import Routes
from tests.rollout.small_cluster import SmallCluster, Written


def test_a_target_is_a_value_of_its_own() -> None:
    """Labels that were read are not shared."""
    running = {"app": "web"}
    found = routes.target_of("shop", "web", running, {"app": "web", "v": "2"}, "cluster.local")
    running["app"] = "other"
    assert (found.namespace, found.service, found.pod_labels["app"]) == ("shop", "web", "web")


SERVED = [{"route": [{"destination": {"host": "web"}}]}]
TARGET = routes.target_of("shop", "web", {"app": "web"}, {"app": "web"}, "cluster.local")
SPLIT = Split(((traffic.replica_set("v1"), 10_000), (traffic.canary("web-v2"), 0)))


def a_routed_cluster(*hosts: str) -> tuple[SmallCluster, Routes]:
    """One VirtualService for each host, all to the Service, and legs for the split."""
    cluster = SmallCluster()
    for host in hosts:
        spec = {"hosts": [host], "gateways": ["mesh"], "http": SERVED}
        cluster.seed(kinds.VIRTUAL_SERVICE, host.partition(".")[0], spec=spec)
    found = Routes(cast(Cluster, cluster), cluster.watched)
    found.define(TARGET, frozenset(SPLIT.pins))
    cluster.writes.clear()
    return cluster, found


def refusing(name: str, error: errors.ClusterError, times: int = 1_000) -> Callable[[Written], None]:
    """Writes of the object of this name are refused so many times."""
    left = [error] * times

    def refuse(written: Written) -> None:
        if written[2] == name and left:
            raise left.pop()

    return refuse


def test_a_refused_route_does_not_keep_the_others() -> None:
    """Promise 10: what can be written is, and the refusal is raised."""
    cluster, found = a_routed_cluster("web", "shop.example.com")
    cluster.before = refusing("shop", errors.Invalid("a policy says no"))
    with pytest.raises(errors.Invalid, match="a policy says no"):
        found.steer(TARGET, SPLIT, None)
    assert cluster.writes == [("replace", "VirtualService", "web")]
    cluster.before = SmallCluster().before
    found.steer(TARGET, SPLIT, None)
    assert found.survey(TARGET, None)[0].agreed
    assert cluster.writes[1:] == [("replace", "VirtualService", "shop")]


@pytest.mark.parametrize(("conflicts", "written"), [(0, True), (routes.TRIES - 1, True), (routes.TRIES, False)])
def test_a_conflict_is_thought_over_again_at_once(conflicts: int, written: bool) -> None:
    """Case 5: over what stands there now; a writer that never rests is left to the next look."""
    cluster, found = a_routed_cluster("web")
    cluster.before = refusing("web", errors.Conflict("somebody was faster"), conflicts)
    if written:
        found.steer(TARGET, SPLIT, None)
    else:
        with pytest.raises(errors.Conflict):
            found.steer(TARGET, SPLIT, None)
    assert (found.survey(TARGET, None)[0].split == SPLIT) is written


def test_a_write_of_somebody_else_that_the_watch_has_not_brought_is_kept() -> None:
    """A conflict reads the object itself."""
    cluster, _ = a_routed_cluster("web")
    late = cluster.watched("VirtualService")
    cluster.edit(kinds.VIRTUAL_SERVICE, "web", {"spec": {"http": [{**SERVED[0], "timeout": "9s"}]}})
    slow = Routes(cast(Cluster, cluster), lambda kind: late if kind == "VirtualService" else cluster.watched(kind))
    slow.steer(TARGET, SPLIT, None)
    assert cluster.get(kinds.VIRTUAL_SERVICE, "web")["spec"]["http"][0]["timeout"] == "9s"
    assert slow.survey(TARGET, None)[0].split == SPLIT


def test_a_route_that_is_gone_is_not_written() -> None:
    """The watch has not brought its deletion yet; mesh clients get the temporary one."""
    cluster, _ = a_routed_cluster("web")
    late = cluster.watched("VirtualService")
    del cluster.objects["VirtualService", "web"]
    slow = Routes(cast(Cluster, cluster), lambda kind: late if kind == "VirtualService" else cluster.watched(kind))
    slow.steer(TARGET, SPLIT, None)
    assert [item["metadata"]["name"] for item in cluster.watched("VirtualService")] == ["web-rampart"]


def test_a_kind_that_the_server_does_not_know_is_no_conflict() -> None:
    """Nothing to try again."""
    cluster, _ = a_routed_cluster("web")
    del cluster.objects["DestinationRule", "web-rampart"]
    cluster.before = refusing("web-rampart", errors.Missing("the server could not find the requested resource"))
    fresh = Routes(cast(Cluster, cluster), cluster.watched)
    with pytest.raises(errors.Missing):
        fresh.define(TARGET, frozenset(SPLIT.pins))


def test_what_is_nobodys_is_not_disowned() -> None:
    """Only what was split and still carries our name as its writer."""
    cluster, found = a_routed_cluster("web")
    saved = found.survey(TARGET, None)[0].saved
    found.disown(TARGET, saved)
    found.disown(None, saved)
    assert cluster.writes == []
    found.steer(TARGET, SPLIT, saved)
    found.disown(TARGET, {})
    assert cluster.writes == [("replace", "VirtualService", "web")]
    found.disown(TARGET, saved)
    assert cluster.get(kinds.VIRTUAL_SERVICE, "web")["metadata"]["managedFields"] == [{"manager": "kubectl"}]


def test_the_router_is_the_one_that_routes_the_service() -> None:
    """Asked of what is watched; a kind that the server does not serve is asked for again after a while."""
    _, found = a_routed_cluster("web")
    chosen = found.choose(TARGET, None)
    assert isinstance(chosen, traffic.Target)
    assert chosen.router == "istio"
    bare = SmallCluster(served=frozenset())
    fresh = Routes(cast(Cluster, bare), bare.watched)
    assert fresh.choose(TARGET, None) == replace(TARGET, router="service")
    assert isinstance(fresh.choose(TARGET, "istio"), tuple)
    bare.served = frozenset({"VirtualService", "DestinationRule"})
    assert isinstance(fresh.choose(TARGET, "istio"), tuple)
    assert Routes(cast(Cluster, bare), bare.watched).choose(TARGET, None) == replace(TARGET, router="istio")


def test_a_router_that_was_named_needs_no_rights_on_the_others_kinds() -> None:
    """An installation for Istio alone."""
    cluster, _ = a_routed_cluster("web")

    def watched(kind: str) -> Sequence[Json]:
        if kind == "HTTPRoute":
            raise errors.Forbidden("no right to list HTTPRoutes")
        return cluster.watched(kind)

    found = Routes(cast(Cluster, cluster), watched)
    assert found.choose(TARGET, "istio") == TARGET
    with pytest.raises(errors.Forbidden):
        found.choose(TARGET, None)


def test_a_router_of_a_later_version_is_said() -> None:
    """A controller that was rolled back finds a release of a newer one."""
    _, found = a_routed_cluster("web")
    with pytest.raises(errors.Invalid, match="router future is not known"):
        found.survey(replace(TARGET, router="future"), None)


def test_a_fall_reads_no_endpoints() -> None:
    """What only tells whether a rise may come does not stand in its way."""
    cluster = SmallCluster(served=frozenset({"HTTPRoute"}))
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    cluster.seed(kinds.SERVICE, "web", spec=spec)
    target = replace(TARGET, router="gateway")
    found = Routes(cast(Cluster, cluster), cluster.watched)
    found.define(target, frozenset(SPLIT.pins))
    assert found.survey(target, None)[0].bare == frozenset(SPLIT.pins)
    assert "EndpointSlice" in found.objects(target)
    assert "EndpointSlice" not in found.bodies(target)
    found.steer(target, SPLIT, None)
    shown = found.survey(target, None)[0]
    assert (shown.split, shown.agreed) == (SPLIT, True)


class Indexed:
    """Of the cluster's routes those that mention a Service, and nothing else."""

    def __init__(self, cluster: SmallCluster) -> None:
        self.cluster = cluster

    def route(self, kind: str, namespace: str, name: str) -> Json | None:
        return self.cluster.objects.get((kind, name))

    def mentioning(self, kind: str, services: Collection[str]) -> Sequence[Json]:
        return [item for item in self.cluster.watched(kind) if routers.mentions(item) & set(services)]


def test_of_thousands_of_routes_those_of_the_service_are_enough() -> None:
    """A survey and a split by the index are those over everything; other routes are not even looked at."""
    cluster, whole = a_routed_cluster("web", "shop.example.com")
    cluster.seed(kinds.VIRTUAL_SERVICE, "other", spec={"hosts": ["other"], "http": []})
    cluster.seed(kinds.DESTINATION_RULE, "any", spec={"host": "*.local"})
    found = Routes(cast(Cluster, cluster), cluster.watched, Indexed(cluster))
    assert found.survey(TARGET, None)[0] == whole.survey(TARGET, None)[0]
    assert {item["metadata"]["name"] for item in found.objects(TARGET)["VirtualService"]} == {"web", "shop"}
    assert len(found.objects(TARGET)["DestinationRule"]) == 2
    assert len(found.objects(replace(TARGET, router="gateway"))["DestinationRule"]) == 2
    assert len(found.everything()["VirtualService"]) == 3
    found.steer(TARGET, SPLIT, None)
    assert whole.survey(TARGET, None)[0].split == SPLIT
    assert found.survey(TARGET, None)[0] == whole.survey(TARGET, None)[0]
    assert isinstance(found.choose(TARGET, None), type(TARGET))
