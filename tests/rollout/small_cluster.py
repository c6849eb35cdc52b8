"""A cluster in memory: what an API server keeps and refuses, and the few controllers that a release waits for.

Everything of it is one namespace, `shop`; a tick lets the controllers do all that there is to do.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy import errors, kinds, names, workload
from deploy.cluster import JsonPatch, Listing
from deploy.kinds import Kind
from deploy.traffic import Json
from deploy.workload import Held

Key = tuple[str, str]
Written = tuple[str, str, str]
"""Verb, kind and name of a write."""

SHOP = "shop"
SERVICE_NAME = names.SERVICE_NAME


def nothing(written: Written) -> None:
    """No write is hindered."""


@dataclass
class SmallCluster:
    """The methods of deploy.cluster.Cluster that the head uses. What `before` and `after` raise, a write raises."""

    objects: dict[Key, Json] = field(default_factory=dict)
    version: int = 100
    writes: list[Written] = field(default_factory=list)
    dry_runs: int = 0
    holds: bool = True
    refuses: bool = False
    """Whether the hold refuses a write that it can not change."""
    rolls: bool = True
    """Whether native roll-outs come to their end; else they stop half way."""
    served: frozenset[str] = frozenset({"VirtualService", "DestinationRule"})
    before: Callable[[Written], None] = nothing
    after: Callable[[Written], None] = nothing

    # Reading.

    def find(self, kind: Kind, name: str, namespace: str | None = None) -> Json | None:
        if kind is kinds.NAMESPACE:
            return {"metadata": {"name": name}} if name == SHOP else None
        return copy.deepcopy(self.objects.get((kind.kind, name)))

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Json:
        found = self.find(kind, name, namespace)
        if found is None:
            raise errors.Missing(f"{kind.kind} {name}")
        return found

    def list(self, kind: Kind, namespace: str | None = None, labels: str = "") -> Listing:
        found = [item for (of, _), item in sorted(self.objects.items()) if of == kind.kind]
        return Listing([copy.deepcopy(item) for item in found if selects(labels, item)], str(self.version))

    def watched(self, kind: str) -> Sequence[Json]:
        """What a watch that is never late has brought."""
        return [copy.deepcopy(item) for (of, _), item in sorted(self.objects.items()) if of == kind]

    def serves(self, kind: Kind) -> bool:
        return kind.kind in self.served or any(of == kind.kind for of, _ in self.objects)

    # Writing.

    def create(self, kind: Kind, body: Json) -> Json:
        name = body["metadata"]["name"]
        with_kind = {**copy.deepcopy(body), "apiVersion": kind.api_version, "kind": kind.kind}
        return self._write("create", kind, name, lambda: self._create(kind, name, with_kind))

    def replace(self, kind: Kind, body: Json) -> Json:
        name = body["metadata"]["name"]
        return self._write("replace", kind, name, lambda: self._replace(kind, name, body))

    def patch(
        self,
        kind: Kind,
        name: str,
        namespace: str | None,
        patch: Json | JsonPatch,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Json:
        if dry_run:
            return self._pretend(kind, name, patch)
        return self._write("patch", kind, name, lambda: self._patch(kind, name, patch, subresource))

    def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> None:
        self._write("delete", kind, name, lambda: self._delete(kind, name, uid, resource_version))

    def _write(self, verb: str, kind: Kind, name: str, act: Callable[[], Json]) -> Json:
        self.before((verb, kind.kind, name))
        answer = act()
        self.writes.append((verb, kind.kind, name))
        self.after((verb, kind.kind, name))
        return copy.deepcopy(answer)

    def _create(self, kind: Kind, name: str, body: Json) -> Json:
        if (kind.kind, name) in self.objects:
            raise errors.Conflict(f"{kind.kind} {name} exists")
        self.version += 1
        about = {"namespace": SHOP, "uid": f"uid-{self.version}", "generation": 1}
        about["creationTimestamp"] = f"2026-01-01T00:{self.version // 60 % 60:02}:{self.version % 60:02}Z"
        body["metadata"] = {**about, **body["metadata"]}
        if kind is kinds.RELEASE:
            body.pop("status", None)
        return self._store(kind, name, body)

    def _replace(self, kind: Kind, name: str, body: Json) -> Json:
        standing = self.get(kind, name)
        if standing["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise errors.Conflict(f"{kind.kind} {name} changed")
        kept = [entry for entry in body["metadata"].get("managedFields", []) if entry["manager"] != names.FIELD_MANAGER]
        body = copy.deepcopy(body)
        body["metadata"]["managedFields"] = [*kept, {"manager": names.FIELD_MANAGER}]
        return self._store(kind, name, body)

    def _patch(self, kind: Kind, name: str, patch: Json | JsonPatch, subresource: str) -> Json:
        standing = self.get(kind, name)
        changed = patched(standing, patch)
        if changed["metadata"]["resourceVersion"] != standing["metadata"]["resourceVersion"]:
            raise errors.Conflict(f"{kind.kind} {name} changed")
        if kind is kinds.RELEASE:
            part = subresource or "spec"
            metadata = standing["metadata"] if subresource else changed["metadata"]
            changed = {**standing, "metadata": metadata, part: changed.get(part)}
        if changed["metadata"].get("managedFields") == [{}]:
            changed["metadata"]["managedFields"] = []
        return self._store(kind, name, changed)

    def _pretend(self, kind: Kind, name: str, patch: Json | JsonPatch) -> Json:
        """A dry run, which the hold's policies answer too."""
        self.dry_runs += 1
        if self.refuses:
            raise errors.Invalid("leave spec.paused out")
        answer = patched(self.get(kind, name), patch)
        if self.holds:
            answer["spec"]["paused"] = True
            answer["metadata"]["annotations"][names.HELD] = Held.HELD.value
        return answer

    def _delete(self, kind: Kind, name: str, uid: str | None, resource_version: str | None) -> Json:
        standing = self.get(kind, name)
        about = standing["metadata"]
        if uid not in (None, about["uid"]) or resource_version not in (None, about["resourceVersion"]):
            raise errors.Conflict(f"{kind.kind} {name} is another")
        about["deletionTimestamp"] = "2026-01-01T01:00:00Z"
        return self._store(kind, name, standing)

    def _store(self, kind: Kind, name: str, body: Json) -> Json:
        """Keep an object at a new version; one that is deleted and that nobody holds is gone."""
        standing = self.objects.get((kind.kind, name))
        self.version += 1
        about = body["metadata"]
        about["resourceVersion"] = str(self.version)
        if standing is not None and standing.get("spec") != body.get("spec"):
            about["generation"] = about.get("generation", 1) + 1
        self.objects[kind.kind, name] = body
        if "deletionTimestamp" in about and not about.get("finalizers"):
            del self.objects[kind.kind, name]
        return body

    # What users and controllers do.

    def seed(self, kind: Kind, name: str, **parts: Any) -> Json:
        """Somebody makes an object."""
        metadata = {"name": name, "managedFields": [{"manager": "kubectl"}], **parts.pop("metadata", {})}
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **parts}
        return self._create(kind, name, copy.deepcopy(body))

    def edit(self, kind: Kind, name: str, patch: Json) -> Json:
        """Somebody edits an object."""
        return self._store(kind, name, patched(self.get(kind, name), patch))

    def tick(self) -> None:
        """The Deployment and endpoint controllers do what there is to do."""
        for item in [item for (of, _), item in sorted(self.objects.items()) if of == "Deployment"]:
            if names.RELEASE in (item["metadata"].get("labels") or {}):
                self._run_canary(item)
            elif not item["spec"].get("paused"):
                self._roll(item)
        living = {item["metadata"]["labels"][names.RELEASE] for item in self._canaries()}
        for key, item in [*self.objects.items()]:
            if key[0] in ("Pod", "EndpointSlice") and not self._serves_on(key[1], item, living):
                del self.objects[key]
        for item in [item for (of, _), item in sorted(self.objects.items()) if of == "Service"]:
            if names.MANAGED in (item["metadata"].get("labels") or {}):
                self._give_endpoints(item)

    def _canaries(self) -> Sequence[Json]:
        found = [item for (of, _), item in self.objects.items() if of == "Deployment"]
        return [item for item in found if names.RELEASE in (item["metadata"].get("labels") or {})]

    def _serves_on(self, name: str, item: Json, living: set[str]) -> bool:
        """Whether a pod's canary, or an EndpointSlice's canary or Service, is still there."""
        labels = item["metadata"]["labels"]
        if SERVICE_NAME in labels and names.RELEASE not in labels:
            return ("Service", name) in self.objects
        return labels[names.RELEASE] in living

    def _give_endpoints(self, service: Json) -> None:
        """A leg's Service has an endpoint for each ready pod of the canary or the ReplicaSet that it selects."""
        chosen, name = service["spec"]["selector"], service["metadata"]["name"]
        sets = [item for (of, _), item in self.objects.items() if of == "ReplicaSet"]
        if names.RELEASE in chosen:
            found = [item for item in self._canaries() if selects(f"{names.RELEASE}={chosen[names.RELEASE]}", item)]
            ready = sum((item.get("status") or {}).get("readyReplicas", 0) for item in found)
        else:
            hash_ = chosen[names.POD_TEMPLATE_HASH]
            found = [item for item in sets if selects(f"{names.POD_TEMPLATE_HASH}={hash_}", item)]
            ready = sum(item["spec"]["replicas"] for item in found)
        about = {"name": name, "namespace": SHOP, "labels": {**service["metadata"]["labels"], SERVICE_NAME: name}}
        endpoints = [{"conditions": {"ready": True, "serving": True}}] * ready
        self.objects["EndpointSlice", name] = {"metadata": about, "endpoints": endpoints}

    def _run_canary(self, item: Json) -> None:
        """Its pods are ready and have addresses."""
        count, about = item["spec"]["replicas"], item["metadata"]
        item["status"] = {
            "observedGeneration": about["generation"],
            "readyReplicas": count,
            "availableReplicas": count,
        }
        pods = [f"{about['name']}-{number}" for number in range(count)]
        for pod in pods:
            self.objects["Pod", pod] = {"metadata": {"name": pod, "labels": dict(about["labels"])}}
        self.objects["EndpointSlice", about["name"]] = {
            "metadata": {"name": about["name"], "labels": {**about["labels"], names.SERVICE_NAME: "web"}},
            "endpoints": [{"targetRef": {"name": pod}, "conditions": {"serving": True}} for pod in pods],
        }

    def _roll(self, item: Json) -> None:
        """The native roll-out: all at once, or no further than half."""
        size = item["spec"]["replicas"]
        sets = [each for (of, _), each in self.objects.items() if of == "ReplicaSet"]
        mark = workload.digest(item["spec"]["template"])
        if mark not in {each["metadata"]["labels"][names.POD_TEMPLATE_HASH] for each in sets}:
            sets.append(self.add_set(item, 0))
        new = next(each for each in sets if each["metadata"]["labels"][names.POD_TEMPLATE_HASH] == mark)
        done = self.rolls or all(each is new or each["spec"]["replicas"] == 0 for each in sets)
        new["spec"]["replicas"] = size if done else size // 2
        for each in sets:
            if each is not new and done:
                each["spec"]["replicas"] = 0
        counts = dict.fromkeys(("updatedReplicas", "replicas", "availableReplicas"), new["spec"]["replicas"])
        item["status"] = {"observedGeneration": item["metadata"]["generation"], **counts}

    def add_set(self, deployment: Json, replicas: int) -> Json:
        """The ReplicaSet of the Deployment's present template; its hash is the template's digest."""
        template = copy.deepcopy(deployment["spec"]["template"])
        mark = workload.digest(template)
        template["metadata"]["labels"][names.POD_TEMPLATE_HASH] = mark
        owner = {"uid": deployment["metadata"]["uid"], "controller": True}
        metadata = {"labels": dict(template["metadata"]["labels"]), "ownerReferences": [owner]}
        return self.seed(
            kinds.REPLICA_SET, f"web-{mark}", metadata=metadata, spec={"replicas": replicas, "template": template}
        )


def selects(labels: str, item: Json) -> bool:
    """Whether a label selector of the forms `a`, `a=b` and `a in (b,c)` takes the object."""
    found = item["metadata"].get("labels") or {}
    key, within, values = labels.partition(" in ")
    if within:
        return found.get(key) in values.strip("()").split(",")
    pairs = [part.partition("=") for part in labels.split(",") if part]
    return all(found.get(name) == value if sign else name in found for name, sign, value in pairs)


def patched(item: Json, patch: Json | JsonPatch) -> Json:
    """A merge patch (RFC 7386), or a JSON patch of tests and of values put at a path (RFC 6902)."""
    if isinstance(patch, dict):
        return merged(item, patch)
    changed = copy.deepcopy(item)
    for step in patch:
        *way, last = step["path"].strip("/").split("/")
        place = changed
        for part in way:
            place = place[part]
        if step["op"] == "test" and place.get(last) != step["value"]:
            raise errors.Conflict(f"{step['path']} is {place.get(last)}")
        place[last] = copy.deepcopy(step["value"])
    return changed


def merged(item: Json, patch: Json) -> Json:
    changed = copy.deepcopy(item)
    for key, value in patch.items():
        if value is None:
            changed.pop(key, None)
        elif isinstance(value, dict):
            before = changed.get(key)
            changed[key] = merged(before if isinstance(before, dict) else {}, value)
        else:
            changed[key] = copy.deepcopy(value)
    return changed
