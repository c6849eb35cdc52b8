"""A real API server with the hold's policies in force, and three who write to it: a user, kubectl, the controller."""

import contextlib
import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from deploy import cluster, errors, hold, kinds, names
from deploy.cluster import Cluster
from deploy.traffic import Json
from sandbox import install, tools

NAMESPACE = "rampart-system"
PATIENCE_SECONDS = 300.0


def eventually(what: str, condition: Callable[[], bool]) -> None:
    """Wait until the condition holds; the cluster's controllers and policies act in their own time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:.0f} s: {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Said:
    """What a kubectl command answered."""

    code: int
    out: str
    err: str


def kubectl(*words: str, given: str | None = None) -> Said:
    """Run kubectl as the administrator, who is a user like any other to the hold."""
    done = subprocess.run(
        [str(tools.kubectl()), *words], input=given, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    return Said(done.returncode, done.stdout, done.stderr)


def kubectl_succeeds(*words: str, given: str | None = None) -> Said:
    said = kubectl(*words, given=given)
    assert said.code == 0, f"kubectl {' '.join(words)}: {said.err}"
    return said


def a_deployment(namespace: str, name: str = "web", **annotations: str) -> Json:
    """An opted-in Deployment of two pods, as a user would write it; annotations without the prefix, `_` for `-`."""
    notes = {"strategy": "canary", **annotations}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {f"{names.GROUP}/{key.replace('_', '-')}": value for key, value in notes.items()},
        },
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [{"name": "web", "image": "web:v1", "resources": {"requests": {"cpu": "1"}}}],
                    "terminationGracePeriodSeconds": 0,
                },
            },
        },
    }


@dataclass(frozen=True)
class Shop:
    """One namespace with one Deployment `web`, and what its owner and the controller do to it."""

    user: Cluster
    controller: Cluster
    namespace: str

    def create(self, body: Json | None = None) -> Json:
        """Create it and wait until its first ReplicaSet is there (unless paused)."""
        made = self.user.create(kinds.DEPLOYMENT, body or a_deployment(self.namespace))
        if not made["spec"].get("paused"):
            eventually("the first ReplicaSet", lambda: len(self.sets()) == 1)
        return self.read()

    def read(self) -> Json:
        return self.user.get(kinds.DEPLOYMENT, "web", self.namespace)

    def patch(self, patch: Json | list[Json], dry_run: bool = False) -> Json:
        return self.user.patch(kinds.DEPLOYMENT, "web", self.namespace, patch, dry_run=dry_run)

    def controls(self, patch: Json | list[Json]) -> Json:
        """Write as the controller, for real."""
        return self.controller.patch(kinds.DEPLOYMENT, "web", self.namespace, patch)

    def annotate(self, **notes: str | None) -> Json:
        """Annotate without the prefix, `_` for `-`; None removes."""
        keyed = {f"{names.GROUP}/{key.replace('_', '-')}": value for key, value in notes.items()}
        return self.patch({"metadata": {"annotations": keyed}})

    def replace(self, change: Callable[[Json], None]) -> Json:
        """Read, change, write the whole object; anew where the cluster's own controllers wrote in between."""
        while True:
            body = self.read()
            change(body)
            with contextlib.suppress(errors.Conflict):
                return self.user.replace(kinds.DEPLOYMENT, body)

    def sets(self) -> list[Json]:
        return self.user.list(kinds.REPLICA_SET, self.namespace).items

    def kubectl(self, *words: str, given: str | None = None) -> Said:
        return kubectl(*words, "-n", self.namespace, given=given)

    def let_roll(self) -> Json:
        """What the controller does when a held template was judged good."""
        rolling = {"metadata": {"annotations": {names.HELD: "rolling"}}, "spec": {"paused": False}}
        return self.controls(rolling)


def mark(deployment: Json) -> str | None:
    """What the hold has written on it."""
    notes: dict[str, str] = deployment["metadata"].get("annotations", {})
    return notes.get(names.HELD)


def is_paused(deployment: Json) -> bool:
    return bool(deployment["spec"].get("paused", False))


def image(name: str) -> Json:
    """A merge patch to another version."""
    return {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": name}]}}}}


def held(deployment: Json) -> tuple[bool, str | None]:
    return is_paused(deployment), mark(deployment)


HELD = (True, "true")
FREE = (False, None)

CHANGES = [
    pytest.param(image("web:v2"), id="image"),
    pytest.param({"spec": {"template": {"metadata": {"labels": {"tier": "gold"}}}}}, id="pod label"),
    pytest.param({"spec": {"template": {"metadata": {"annotations": {"note": "new"}}}}}, id="pod annotation"),
    pytest.param({"spec": {"template": {"spec": {"priorityClassName": None, "hostNetwork": True}}}}, id="pod spec"),
    pytest.param({"spec": {"replicas": 5, **image("web:v2")["spec"]}}, id="image and size at once"),
    pytest.param({"spec": {"replicas": 0, **image("web:v2")["spec"]}}, id="image and size zero at once"),
]

INNOCENT = [
    pytest.param({"spec": {"replicas": 3}}, id="size"),
    pytest.param({"metadata": {"labels": {"team": "a"}}}, id="label"),
    pytest.param({"metadata": {"annotations": {"note": "x"}}}, id="annotation"),
    pytest.param({"spec": {"minReadySeconds": 5}}, id="min ready seconds"),
    pytest.param(
        {"spec": {"template": {"metadata": {"annotations": {names.RESTARTED_AT: "2026-01-01T00:00:00Z"}}}}},
        id="restart",
    ),
    pytest.param(
        {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [{"name": "web", "image": "web:v1", "resources": {"requests": {"cpu": "1000m"}}}]
                    }
                }
            }
        },
        id="another spelling of the same quantity",
    ),
    pytest.param({"spec": {"template": {"spec": {"restartPolicy": "Always"}}}}, id="a default spelt out"),
]


@pytest.fixture(scope="session")
def user() -> Iterator[Cluster]:
    """The administrator of the API server that KUBECONFIG names."""
    assert os.environ.get("KUBECONFIG"), "KUBECONFIG must name the administrator's kubeconfig of a sandbox"
    door = Cluster(cluster.from_kubeconfig(os.environ["KUBECONFIG"]))
    yield door
    door.close()


@pytest.fixture(scope="session")
def installed(user: Cluster) -> None:
    """The definition of Releases, the rights and the hold; what a chart has installed already is left as it is."""
    if user.find(kinds.NAMESPACE, NAMESPACE) is None:
        user.create(kinds.NAMESPACE, {"metadata": {"name": NAMESPACE}})
    if user.find(kinds.MUTATING_POLICY, "rampart-hold") is None:
        kubectl_succeeds("apply", "--server-side", "-f", "-", given=json.dumps(install.manifests()))


@pytest.fixture(scope="session")
def controller(user: Cluster, installed: None) -> Iterator[Cluster]:
    """The controller's ServiceAccount, by a token of its own."""
    token = kubectl_succeeds("create", "token", "rampart", "-n", NAMESPACE).out.strip()
    administrators = cluster.from_kubeconfig(os.environ["KUBECONFIG"]).configuration
    door = Cluster(cluster.at(administrators.host, token, administrators.ssl_ca_cert))
    yield door
    door.close()


@pytest.fixture(scope="session")
def in_force(user: Cluster, controller: Cluster) -> None:
    """A policy acts about a second after it was created: wait until a dry run shows all of them acting."""
    namespace = f"proof-{uuid.uuid4().hex[:8]}"
    user.create(kinds.NAMESPACE, {"metadata": {"name": namespace}})
    made = user.create(kinds.DEPLOYMENT, a_deployment(namespace))
    bad = json.dumps({"metadata": {"annotations": {f"{names.GROUP}/steps": "none"}}})
    patch = ("patch", "deployment", "web", "-n", namespace, "--dry-run=server", "--type=merge", "-p")
    eventually("the hold is proven", lambda: hold.prove(controller, made) is None)
    eventually("bad annotations are refused", lambda: kubectl(*patch, bad).code != 0)
    eventually("held is said", lambda: "rampart holds" in kubectl(*patch, json.dumps(image("web:v2"))).err)
    user.delete(kinds.NAMESPACE, namespace)


@contextlib.contextmanager
def opened(user: Cluster, controller: Cluster) -> Iterator[Shop]:
    namespace = f"shop-{uuid.uuid4().hex[:8]}"
    user.create(kinds.NAMESPACE, {"metadata": {"name": namespace}})
    yield Shop(user, controller, namespace)
    user.delete(kinds.NAMESPACE, namespace)


@pytest.fixture
def shop(user: Cluster, controller: Cluster, in_force: None) -> Iterator[Shop]:
    """A new namespace."""
    with opened(user, controller) as found:
        yield found


@pytest.fixture(scope="session")
def window(user: Cluster, controller: Cluster, in_force: None) -> Iterator[Shop]:
    """One namespace for all who only ask and pretend, and write nothing."""
    with opened(user, controller) as found:
        yield found
