"""Where pods go, and which address and which Service's name they get."""

from typing import Any

import pytest

from sandbox import kubelet, nodes, scheduler

Json = dict[str, Any]


def a_node(*, ready: str = "True", cordoned: bool = False, **labels: str) -> Json:
    return {
        "metadata": {"labels": {nodes.HOSTNAME: "sandbox-node"} | labels},
        "spec": {"unschedulable": cordoned},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


@pytest.mark.parametrize(
    ("node", "selector", "fits"),
    [
        pytest.param(a_node(), {}, True, id="plain"),
        pytest.param(a_node(cordoned=True), {}, False, id="cordoned"),
        pytest.param(a_node(ready="Unknown"), {}, False, id="dead"),
        pytest.param(a_node(), {nodes.HOSTNAME: "sandbox-node"}, True, id="chosen by name"),
        pytest.param(a_node(), {nodes.HOSTNAME: "sandbox-node-2"}, False, id="another is chosen"),
    ],
)
def test_a_pod_goes_where_it_fits(node: Json, selector: dict[str, str], fits: bool) -> None:
    """Ready, not cordoned, with the labels that are asked for."""
    assert scheduler.fits({"spec": {"nodeSelector": selector}}, node) is fits


def test_addresses_are_given_once_and_again_as_late_as_possible() -> None:
    """One that was given back is not the next one; a wished one is kept where it is free."""
    pool = nodes.AddressPool()
    assert [pool.take(), pool.take()] == ["10.244.0.1", "10.244.0.2"]
    pool.give_back("10.244.0.1")
    assert pool.take() == "10.244.0.3"
    assert pool.take("10.244.7.7") == "10.244.7.7"
    assert pool.take("10.244.7.7") == "10.244.0.4"


def test_all_addresses_taken_is_said() -> None:
    """The whole range is usable, and its end is an error."""
    pool = nodes.AddressPool()
    assert len({pool.take() for _ in range(pool.SIZE)}) == pool.SIZE
    with pytest.raises(LookupError, match=f"all {pool.SIZE} pod addresses are taken"):
        pool.take()


def a_service(name: str, created: str = "2026-01-01T00:00:00Z", namespace: str = "default", **selector: str) -> Json:
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": created}
    return {"metadata": metadata, "spec": {"selector": selector}}


@pytest.mark.parametrize(
    ("services", "name"),
    [
        pytest.param([a_service("web", app="web")], "web", id="matches"),
        pytest.param([a_service("web", app="api")], "", id="selects others"),
        pytest.param([a_service("web")], "", id="no selector"),
        pytest.param([a_service("web", namespace="shop", app="web")], "", id="another namespace"),
        pytest.param(
            [a_service("new", "2026-02-01T00:00:00Z", app="web"), a_service("old", app="web")], "old", id="the oldest"
        ),
    ],
)
def test_the_leading_service_is_the_oldest_that_matches(services: list[Json], name: str) -> None:
    """As a sidecar names the one that an inbound request is for."""
    pod = {"metadata": {"namespace": "default", "labels": {"app": "web", "x": "y"}}}
    assert kubelet.leading_service(pod, services) == name
