"""What tests of TrafficSplits need beside the stage: one of the two definitions, for a while, and the objects."""

import contextlib
import fcntl
import json
from collections.abc import Iterator

from deploy import errors, kinds
from deploy.cluster import Cluster, from_kubeconfig
from deploy.traffic import Json
from sandbox import cluster as sandbox_cluster
from sandbox.smi import definitions
from sandbox.smi.definitions import Flavour
from tests.e2e import stage


@contextlib.contextmanager
def defined(flavour: Flavour) -> Iterator[None]:
    """TrafficSplits are defined in that way; undefined, and all of them gone, at the end.

    One at a time, whichever workers run such tests: both definitions have one name.
    """
    box = sandbox_cluster.current()
    admin = Cluster(from_kubeconfig(str(box.kubeconfig)))
    made = definitions.of(flavour)
    lock = (box.home.root / "smi.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        for body in made:
            admin.create(kinds.CRD, body)
        stage.wait("both are established", lambda: all(is_established(admin, name_of(body)) for body in made))
        stage.wait("TrafficSplits are served", lambda: bool(admin.versions(definitions.GROUP)))
        yield
    finally:
        for body in made:
            with contextlib.suppress(errors.Missing):
                admin.delete(kinds.CRD, name_of(body))
        stage.wait("they are gone", lambda: not any(admin.find(kinds.CRD, name_of(body)) for body in made))
        admin.close()
        lock.close()


def name_of(body: Json) -> str:
    return str(body["metadata"]["name"])


def is_established(admin: Cluster, name: str) -> bool:
    found = admin.get(kinds.CRD, name)
    conditions = (found.get("status") or {}).get("conditions") or ()
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)


def a_split(*backends: tuple[str, object], apex: str = "web", version: str, name: str = "web", **spec: object) -> str:
    """A TrafficSplit as kubectl takes it."""
    entries: list[Json] = [{"service": service, "weight": weight} for service, weight in backends]
    body = {
        "apiVersion": f"{definitions.GROUP}/{version}",
        "kind": "TrafficSplit",
        "metadata": {"name": name},
        "spec": {"service": apex, "backends": entries, **spec},
    }
    return json.dumps(body)


def a_service(name: str, **labels: str) -> str:
    """A Service on port 80 for pods of those labels."""
    spec = {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    return json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
