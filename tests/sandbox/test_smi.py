"""The stand-in for a mesh of TrafficSplits: what it makes of splits and profiles, and the definitions it brings."""

from typing import Any

import pytest

from sandbox.smi import definitions, translation

Json = dict[str, Any]

APEX = "web.shop.svc.cluster.local"


def a_split(**weights: object) -> Json:
    backends = [{"service": name, "weight": weight} for name, weight in weights.items()]
    return {"metadata": {"namespace": "shop"}, "spec": {"service": "web", "backends": backends}}


def routed(entries: list[Json], profile: Json | None = None, ports: tuple[int, ...] = (80,)) -> list[Json]:
    """The rules of the one VirtualService that is made."""
    services = {APEX: {"spec": {"ports": [{"port": port} for port in ports]}}}
    made = translation.virtual_services({APEX: entries}, [profile] if profile else [], services)
    assert [body["spec"]["hosts"] for body in made] == [[APEX]]
    rules: list[Json] = made[0]["spec"]["http"]
    return rules


def weights(rule: Json) -> dict[str, int]:
    return {entry["destination"]["host"].partition(".")[0]: entry["weight"] for entry in rule["route"]}


@pytest.mark.parametrize(
    ("split", "shares"),
    [
        pytest.param(a_split(stable=95, canary=5), {"stable": 19, "canary": 1}, id="whole numbers"),
        pytest.param(a_split(stable="950m", canary="50m"), {"stable": 19, "canary": 1}, id="quantities"),
        pytest.param(a_split(stable="1", canary="500m"), {"stable": 2, "canary": 1}, id="both"),
        pytest.param(a_split(stable=7, canary=0), {"stable": 1}, id="zero is no backend"),
        pytest.param(a_split(stable=0, canary=0), {"web": 1}, id="all zero falls back to the apex"),
    ],
)
def test_split_becomes_a_route(split: Json, shares: dict[str, int]) -> None:
    """The proportions stay."""
    assert weights(routed(translation.overrides(split))[0]) == shares


def test_every_port_follows_to_the_same_port() -> None:
    """A split names no port; who is told none meets the first."""
    rules = routed(translation.overrides(a_split(stable=1)), ports=(80, 9000))
    assert [rule.get("match") for rule in rules] == [[{"port": 9000}], None]
    assert [rule["route"][0]["destination"]["port"]["number"] for rule in rules] == [9000, 80]


def test_retries_and_time_outs_come_from_the_profile() -> None:
    """Without one nothing is tried again."""
    profile = {"metadata": {"name": APEX}, "spec": {"routes": [{"isRetryable": True, "timeout": "2s"}]}}
    rule = routed(translation.overrides(a_split(stable=1)), profile)[0]
    assert (rule["retries"], rule["timeout"]) == ({"attempts": 3, "retryOn": "5xx"}, "2s")
    assert routed(translation.overrides(a_split(stable=1)))[0]["retries"] == {"attempts": 0}


def test_definition_of_the_specification_is_turned_into_todays_form() -> None:
    """What was common to all versions stands in each, and unknown fields are kept as they were."""
    backends = {"type": "array", "items": {"type": "object", "properties": {"service": {"type": "string"}}}}
    common = {"openAPIV3Schema": {"properties": {"spec": {"type": "object", "properties": {"backends": backends}}}}}
    old = {
        "kind": "CustomResourceDefinition",
        "metadata": {"name": definitions.NAME},
        "spec": {
            "group": definitions.GROUP,
            "version": "v1alpha4",
            "versions": [{"name": "v1alpha4", "served": True, "storage": True}],
            "validation": common,
            "additionalPrinterColumns": [{"name": "Service", "type": "string", "JSONPath": ".spec.service"}],
        },
    }
    spec = definitions.upstream(old)["spec"]
    assert set(spec) == {"group", "versions"}
    version = spec["versions"][0]
    assert version["additionalPrinterColumns"][0]["jsonPath"] == ".spec.service"
    root = version["schema"]["openAPIV3Schema"]
    assert root["type"] == "object"
    entry = root["properties"]["spec"]["properties"]["backends"]["items"]
    assert entry["properties"] == {"service": {"type": "string"}}
    for level in (root, root["properties"]["spec"], entry):
        assert level["x-kubernetes-preserve-unknown-fields"] is True
