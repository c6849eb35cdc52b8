"""What a container that is a real process finds in its environment."""

from typing import Any

import pytest

from sandbox.pods import process

Json = dict[str, Any]

POD = {
    "metadata": {"name": "ctl-1", "namespace": "shop", "uid": "u1"},
    "spec": {"nodeName": "sandbox-node", "serviceAccountName": "ctl"},
}


def environment(*variables: Json, **spec: Any) -> dict[str, str]:
    return process.environment(POD, {"name": "ctl", "env": list(variables), **spec}, "10.244.0.9")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param({"value": "x"}, "x", id="value"),
        pytest.param({}, "", id="empty"),
        pytest.param({"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, "ctl-1", id="name"),
        pytest.param({"valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}, "shop", id="namespace"),
        pytest.param({"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}, "10.244.0.9", id="address"),
        pytest.param({"valueFrom": {"fieldRef": {"fieldPath": "spec.serviceAccountName"}}}, "ctl", id="account"),
    ],
)
def test_variables_are_values_or_fields_of_the_pod(variable: Json, value: str) -> None:
    """As the kubelet resolves them."""
    assert environment({"name": "X"} | variable)["X"] == value


def test_the_api_server_is_found_as_in_any_pod() -> None:
    """By the two variables that every client library reads."""
    found = environment()
    assert (found["KUBERNETES_SERVICE_HOST"], found["KUBERNETES_SERVICE_PORT"]) == ("127.0.0.1", "6443")
    assert "KUBECONFIG" not in found


@pytest.mark.parametrize(
    ("variables", "spec", "complaint"),
    [
        pytest.param(
            [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
            {},
            "container ctl: variable X is neither a value nor one of metadata.name",
            id="secret",
        ),
        pytest.param([], {"envFrom": [{}]}, "container ctl: envFrom is not done here", id="envFrom"),
    ],
)
def test_what_is_not_supported_is_named(variables: list[Json], spec: Json, complaint: str) -> None:
    """Container and variable, instead of a process with half of its settings."""
    with pytest.raises(process.Unsupported, match=complaint):
        environment(*variables, **spec)


@pytest.mark.parametrize(
    ("named", "port"), [pytest.param(8081, 8081, id="number"), pytest.param("health", 8082, id="name")]
)
def test_a_probes_port_may_be_named(named: int | str, port: int) -> None:
    """By the name of one of the container's ports."""
    assert process.port({"ports": [{"name": "health", "containerPort": 8082}]}, named) == port
