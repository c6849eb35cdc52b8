"""A crowded cluster as plain objects: Deployments behind Services and routes, and the Releases that they had."""

from dataclasses import dataclass
from typing import Any

from deploy import names, workload

Json = dict[str, Any]

HOUSE = 20
"""Deployments in one namespace."""
REPLICAS = 3
STEPS = ",".join(str(percent) for percent in range(5, 55, 5))
PLAN = {"strategy": "canary", "steps": STEPS, "interval": "60s"}
"""The default interval; many steps, so that a measurement finds all releases stepping."""
REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Resident:
    """One opted-in Deployment by its number."""

    number: int

    @property
    def namespace(self) -> str:
        return f"team-{self.number // HOUSE:04}"

    @property
    def name(self) -> str:
        return f"app-{self.number:05}"

    def path(self, group: str, plural: str, name: str = "") -> str:
        """URL path of the collection in its namespace, or of one object there."""
        root = "/api/v1" if group == "v1" else f"/apis/{group}"
        return "/".join(filter(None, (root, "namespaces", self.namespace, plural, name)))

    def template(self, version: str = "v1") -> Json:
        """As a usual pod template: probes, resources, environment."""
        probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5}
        container = {
            "name": "app",
            "image": f"registry.example/{self.name}:{version}",
            "ports": [{"name": "http", "containerPort": 8080}],
            "env": [{"name": f"SETTING_{number}", "value": f"value of {number}"} for number in range(8)],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
            "readinessProbe": probe,
            "livenessProbe": probe,
        }
        return {"metadata": {"labels": {"app": self.name}}, "spec": {"containers": [container]}}

    def deployment(self) -> Json:
        notes = {f"{names.GROUP}/{key}": value for key, value in PLAN.items()}
        return {
            "metadata": {"name": self.name, "annotations": notes, "labels": {"app": self.name, "team": self.namespace}},
            "spec": {
                "replicas": REPLICAS,
                "selector": {"matchLabels": {"app": self.name}},
                "template": self.template(),
            },
        }

    def service(self) -> Json:
        ports = [{"name": "http", "port": 80, "targetPort": 8080}]
        return {"metadata": {"name": self.name}, "spec": {"selector": {"app": self.name}, "ports": ports}}

    def route(self) -> Json:
        """A VirtualService with the usual: two rules, a timeout, retries."""
        to = [{"destination": {"host": self.name, "port": {"number": 80}}}]
        calm = {"timeout": "10s", "retries": {"attempts": 2, "perTryTimeout": "2s"}}
        rules = [
            {"name": "api", "match": [{"uri": {"prefix": "/api/"}}], "route": to, **calm},
            {"name": "rest", "route": to, "timeout": "3s"},
        ]
        return {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": self.name, "labels": {"app": self.name, "team": self.namespace}},
            "spec": {"hosts": [self.name], "http": rules},
        }

    def release(self, number: int, uid: str) -> tuple[Json, Json]:
        """A Release that ended, and its status."""
        revision = f"{self.number:05x}{number:05x}"
        release = {
            "apiVersion": f"{names.GROUP}/{names.VERSION}",
            "kind": "Release",
            "metadata": {"name": f"{self.name}-{revision}"},
            "spec": {
                "deployment": self.name,
                "deploymentUid": uid,
                "revision": revision,
                "attempt": 1,
                "plan": {"strategy": "canary", "steps": STEPS, "interval": "1m", "success-rate": "99"},
            },
        }
        when = f"2026-01-0{number + 1}T10:00:00.000000Z"
        told = [
            {"at": when, "reason": reason, "message": f"{reason.lower()}: " + "as it was told to people " * 3}
            for reason in ("Preparing", "Stepping", "Baking", "Promoting", "Finishing", "Promoted")
        ]
        ended = {"phase": "Promoted", "outcome": "Promoted", "weight": "100", "reason": "Promoted", "ended": when}
        status = {**ended, "started": when, "message": "promoted", "service": self.name, "router": "istio"}
        return release, {"status": {**status, "decisions": told}}


def replica_set(deployment: Json, replicas: int) -> Json:
    """The ReplicaSet of the Deployment's present template."""
    metadata, template = deployment["metadata"], deployment["spec"]["template"]
    mark = workload.digest(template)
    labels = {**template["metadata"]["labels"], names.POD_TEMPLATE_HASH: mark}
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "metadata": {
            "name": f"{metadata['name']}-{mark}",
            "labels": labels,
            "annotations": {REVISION: str(metadata["generation"])},
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
        },
    }


def set_status(replicas: int) -> Json:
    """Of a ReplicaSet whose pods are all ready."""
    counts = dict.fromkeys(("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"), replicas)
    return {"status": counts}


def deployment_status(deployment: Json) -> Json:
    """Of a Deployment that is rolled out."""
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    size, generation = deployment["spec"]["replicas"], deployment["metadata"]["generation"]
    return {"status": {"observedGeneration": generation, **dict.fromkeys(counts, size)}}
