"""What a container that is a real process finds in its environment."""

import asyncio
from typing import Any

import pytest

from sandbox.pods import probing, process, volumes

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
    assert probing.port({"ports": [{"name": "health", "containerPort": 8082}]}, named) == port


def test_a_variable_may_use_those_before_it() -> None:
    """`$(NAME)` as in any pod; an unknown one stays as it is."""
    found = environment({"name": "IP", "value": "10.1"}, {"name": "AT", "value": "$(IP):80 $(NO)"})
    assert found["AT"] == "10.1:80 $(NO)"


@pytest.mark.parametrize(
    ("spec", "command"),
    [
        pytest.param({"image": "web:v1", "command": ["a"], "args": ["b"]}, ["a", "b"], id="own command"),
        pytest.param({"image": "rampart:0.1.0", "args": ["run"]}, ["-m", "rollout", "run"], id="project's image"),
        pytest.param({"image": "here:5000/team/rampart@sha256:0", "args": None}, ["-m", "rollout"], id="by digest"),
    ],
)
def test_a_process_is_a_command_or_an_image_of_the_project(spec: Json, command: list[str]) -> None:
    """The image's entry point is this Python's package."""
    assert process.is_process(spec)
    assert process.command(spec)[-len(command) :] == command


def test_any_other_image_is_a_server_that_behaves_by_its_tag() -> None:
    """Also one whose tag or registry is called like the project."""
    assert not process.is_process({"image": "rampart/web:rampart"})


@pytest.mark.parametrize(
    ("volume", "path"),
    [
        pytest.param({"hostPath": {"path": "/"}}, "/run/x", id="kind"),
        pytest.param({"secret": {"secretName": "s"}}, "/etc/x", id="place"),
    ],
)
def test_a_volume_that_is_not_done_is_named(volume: Json, path: str) -> None:
    """Before the process starts without its files."""
    pod = {**POD, "spec": {**POD["spec"], "volumes": [{"name": "v", **volume}]}}
    with pytest.raises(process.Unsupported, match=f"container ctl: volume v at {path} is not done here"):
        list(volumes.mounted(pod, {"name": "ctl", "volumeMounts": [{"name": "v", "mountPath": path}]}))


def test_readiness_follows_the_probe_in_both_directions() -> None:
    """Ready by the first good answer, unready by the second bad one in a row, ready again."""
    answers, told = iter([False, True, False, True, False, False, True]), list[bool]()

    async def ask(_probe: Json) -> bool:
        return next(answers)

    probe = {"periodSeconds": 0, "failureThreshold": 2}
    with pytest.raises(RuntimeError):  # the answers are used up
        asyncio.run(probing.readiness(probe, ask, told.append))
    assert told == [True, True, False, True]


def test_liveness_ends_after_failures_in_a_row() -> None:
    """One good answer between them begins the count anew."""
    answers = iter([False, True, False, False, True])

    async def ask(_probe: Json) -> bool:
        return next(answers)

    asyncio.run(probing.liveness({"periodSeconds": 0, "failureThreshold": 2}, ask))
    assert list(answers) == [True]
