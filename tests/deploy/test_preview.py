"""The preview Service: what it copies of the user's, and to whom it belongs."""

from typing import Any

import pytest

from deploy import names, preview
from deploy.traffic import Json

OWNER = ("web", "web-uid")
PORTS = [
    {"name": "http", "port": 80, "targetPort": 8080, "nodePort": 30080, "protocol": "TCP"},
    {"name": "grpc", "port": 9000, "targetPort": "grpc", "appProtocol": "kubernetes.io/h2c"},
]


def a_service(name: str = "web", labels: dict[str, str] | None = None, **spec: Any) -> Json:
    whole = {"selector": {"app": "web"}, "ports": PORTS, **spec}
    return {"metadata": {"name": name, "namespace": "shop", "labels": labels or {}}, "spec": whole}


def test_the_preview_has_the_ports_of_the_service_and_the_canary_s_pods() -> None:
    """No node port and no outside address is taken twice; of labels only a mesh's are needed."""
    service = a_service(
        labels={"team": "shop", "istio.io/use-waypoint": "shop"},
        type="LoadBalancer",
        clusterIP="10.0.0.1",
        externalTrafficPolicy="Local",
        healthCheckNodePort=30081,
        sessionAffinity="ClientIP",
        ipFamilyPolicy="SingleStack",
    )
    assert preview.build(service, "web-v2", OWNER) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "web-rampart-canary",
            "namespace": "shop",
            "labels": {"istio.io/use-waypoint": "shop", names.MANAGED: "rampart", names.PREVIEW: "web-v2"},
            "annotations": {},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": "web",
                    "uid": "web-uid",
                    "controller": False,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": "web", names.RELEASE: "web-v2"},
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}, PORTS[1]],
            "sessionAffinity": "ClientIP",
            "ipFamilyPolicy": "SingleStack",
        },
    }


def test_a_pin_that_stands_in_the_service_is_not_the_preview_s() -> None:
    """The Service router moves the user's own selector."""
    pinned = a_service(selector={"app": "web", names.POD_TEMPLATE_HASH: "abc"})
    assert preview.selector(pinned, "web-v2") == {"app": "web", names.RELEASE: "web-v2"}


def test_a_long_name_is_still_one() -> None:
    """Case 60: a Service's name is a DNS label, and two long ones stay two."""
    first, second = (preview.name("s" * 62 + end) for end in "ab")
    assert len(first) == len(second) == 63
    assert first != second


@pytest.mark.parametrize(
    ("found", "leads", "ours", "of"),
    [
        pytest.param(None, False, False, False, id="nothing there"),
        pytest.param(a_service("web-rampart-canary"), False, False, False, id="somebody else's"),
        pytest.param(
            a_service("web-rampart-canary", {names.PREVIEW: "web-v2"}, selector={names.RELEASE: "web-v2"}),
            True,
            True,
            True,
            id="this release's",
        ),
        pytest.param(
            a_service("web-rampart-canary", {names.PREVIEW: "web-v1"}, selector={names.RELEASE: "web-v1"}),
            False,
            True,
            False,
            id="an earlier release's",
        ),
        pytest.param(
            a_service("web-rampart-canary", selector={"app": "web", names.RELEASE: "web-v2"}),
            True,
            False,
            False,
            id="the leg of a router",
        ),
    ],
)
def test_a_preview_is_told_by_its_label_and_its_selector(found: Json | None, leads: bool, ours: bool, of: bool) -> None:
    """A router's leg leads to the canary too, and is the router's to remove."""
    assert (preview.leads_to(found, "web-v2"), preview.is_ours(found), preview.is_of(found, "web-v2")) == (
        leads,
        ours,
        of,
    )
