"""Legs as Services."""

import copy

import pytest

from deploy import backends, traffic
from deploy.traffic import Json, Verb

STABLE = traffic.replica_set("6d4f8b9c7")
CANARY = traffic.canary("web-abc123")
ROOT: Json = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "u1",
        "labels": {"app": "web", "istio.io/use-waypoint": "main"},
        "annotations": {"config.linkerd.io/opaque-ports": "80", "argocd.argoproj.io/tracking-id": "x"},
    },
    "spec": {
        "type": "NodePort",
        "clusterIP": "10.0.0.7",
        "clusterIPs": ["10.0.0.7"],
        "selector": {"app": "web"},
        "sessionAffinity": "ClientIP",
        "trafficDistribution": "PreferClose",
        "externalTrafficPolicy": "Local",
        "ports": [
            {"name": "http", "port": 80, "targetPort": "http", "appProtocol": "kubernetes.io/h2c", "nodePort": 30080}
        ],
    },
}


def test_leg_is_reached_as_the_service_is() -> None:
    """Ports, affinity and the meshes' own marks are copied; addresses, node ports and other tools' marks are not."""
    made = backends.wished(ROOT, CANARY)
    assert made["spec"] == {
        "type": "ClusterIP",
        "selector": {"app": "web", "rampart.dev/release": "web-abc123"},
        "sessionAffinity": "ClientIP",
        "trafficDistribution": "PreferClose",
        "ports": [{"name": "http", "port": 80, "targetPort": "http", "appProtocol": "kubernetes.io/h2c"}],
    }
    meta = made["metadata"]
    assert meta["labels"] == {"istio.io/use-waypoint": "main", "rampart.dev/managed-by": "rampart"}
    assert meta["annotations"] == {"config.linkerd.io/opaque-ports": "80", "rampart.dev/service": "web"}
    assert meta["ownerReferences"][0] | {} == {
        "apiVersion": "v1",
        "kind": "Service",
        "name": "web",
        "uid": "u1",
        "controller": False,
        "blockOwnerDeletion": False,
    }


@pytest.mark.parametrize("pin", [STABLE, CANARY], ids=["stable", "canary"])
@pytest.mark.parametrize("service", ["web", "w" * 63], ids=["short", "long"])
def test_leg_is_read_back(service: str, pin: traffic.Pin) -> None:
    """From the Service itself; its name is a DNS label."""
    root = copy.deepcopy(ROOT)
    root["metadata"]["name"] = service
    made = backends.wished(root, pin)
    assert backends.read(made) == backends.Leg(service, pin)
    assert len(made["metadata"]["name"]) <= 63
    assert backends.is_leg_name(made["metadata"]["name"])
    assert backends.read(root) is None


def test_lost_leg_is_told_by_its_name() -> None:
    """Of a name that was cut at least the Service and the role are."""
    assert backends.guess(backends.name("web", CANARY), ["web"]) == backends.Leg("web", CANARY)
    assert backends.guess(backends.name("web", STABLE), ["web"]) == backends.Leg("web", STABLE)
    cut = backends.guess(backends.name("w" * 63, STABLE), ["w" * 63, "web"])
    assert cut is not None
    assert (cut.service, cut.pin.label) == ("w" * 63, STABLE.label)
    assert backends.guess("web-v2", ["web"]) is None


def stored(made: Json) -> Json:
    """As a server keeps it."""
    kept = copy.deepcopy(made)
    kept["metadata"] |= {"uid": "u2", "resourceVersion": "7"}
    kept["spec"] |= {"clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"], "ipFamilies": ["IPv4"]}
    for port in kept["spec"]["ports"]:
        port.setdefault("protocol", "TCP")
    return kept


def test_leg_that_stands_is_not_written_again() -> None:
    """What the server filled in is no difference; a port that the user changed is."""
    made = backends.wished(ROOT, STABLE)
    assert [change.verb for change in backends.mend(None, made)] == [Verb.CREATE]
    assert backends.mend(stored(made), made) == ()
    moved = copy.deepcopy(ROOT)
    moved["spec"]["ports"][0]["targetPort"] = 8081
    (change,) = backends.mend(stored(made), backends.wished(moved, STABLE))
    assert change.verb is Verb.REPLACE
    assert change.body["spec"]["ports"][0]["targetPort"] == 8081
    assert change.body["spec"]["clusterIP"] == "10.0.0.9"
    assert backends.version(stored(made)) != backends.version(change.body)


@pytest.mark.parametrize(
    ("endpoints", "is_bare"),
    [
        pytest.param([], True, id="none"),
        pytest.param([{"conditions": {"ready": False}}], True, id="not ready"),
        pytest.param([{"conditions": {"ready": True}}], False, id="ready"),
        pytest.param([{}], False, id="nothing said"),
    ],
)
def test_leg_without_ready_endpoints_is_bare(endpoints: list[Json], is_bare: bool) -> None:
    """By the EndpointSlices of that Service alone."""
    legs = [backends.wished(ROOT, STABLE)]
    labels = {"kubernetes.io/service-name": backends.name("web", STABLE)}
    other = {"metadata": {"labels": {"kubernetes.io/service-name": "web"}}, "endpoints": [{}]}
    slices = [other, {"metadata": {"labels": labels}, "endpoints": endpoints}]
    assert backends.bare(legs, slices) == (frozenset({STABLE}) if is_bare else frozenset())


def test_what_the_user_took_out_goes_from_the_leg() -> None:
    """A server refuses the configuration of an affinity that is none."""
    sticky = {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10}}}
    root: Json = {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}], "sessionAffinity": "None"},
    }
    standing = stored(backends.wished({**root, "spec": {**root["spec"], **sticky}}, CANARY))
    assert backends.is_stale(standing, root, CANARY)
    (change,) = backends.mend(standing, backends.wished(root, CANARY))
    assert change.body["spec"]["sessionAffinity"] == "None"
    assert "sessionAffinityConfig" not in change.body["spec"]
    assert not backends.is_stale(change.body, root, CANARY)


def test_a_service_of_somebody_else_with_our_annotation_is_no_leg() -> None:
    """Whoever copies a leg by hand has it deleted by nobody."""
    made = backends.wished(ROOT, CANARY)
    del made["metadata"]["labels"]
    assert backends.read(made) is None
