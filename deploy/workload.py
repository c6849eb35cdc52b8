"""The user's Deployment and our canary beside it, read from plain objects and built as plain objects."""

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from deploy import names
from deploy.traffic import Json

WORKLOAD_LABELS = (
    "service.istio.io/workload-name",
    "service.istio.io/canonical-name",
    "linkerd.io/proxy-deployment",
)
"""Pod labels by which a mesh names the workload in its metrics; on the canary they carry the canary's own name."""


class Held(StrEnum):
    """The value of the held annotation."""

    HELD = "true"
    ROLLING = "rolling"
    LEFT = "left"
    REST = "rest"
    """Kept paused at rest, where no policy holds a changed template: what runs is what it says."""


@dataclass(frozen=True)
class Workload:
    """The user's Deployment as one look sees it."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    annotations: Mapping[str, str] = field(hash=False)
    template: Json = field(hash=False)
    spec: Json = field(hash=False)
    digest: str
    replicas: int
    paused: bool
    held: Held | None
    rolled_out: bool
    """The native roll-out of the present template is over and all replicas are available."""
    stalled: str | None
    """Why the native roll-out does not go on, in the Deployment controller's words."""
    deleting: bool
    leaving: str = ""
    """Why it counts as opted out although its annotation says otherwise, as the beginning of a sentence."""

    @property
    def opted_in(self) -> bool:
        return names.STRATEGY in self.annotations and not self.leaving

    @property
    def rests(self) -> bool:
        """No template is held: it carries no mark, or that of its rest."""
        return self.held in (None, Held.REST)

    @property
    def wish(self) -> str | None:
        return self.annotations.get(names.DO)

    @property
    def failed(self) -> str | None:
        return self.annotations.get(names.FAILED)

    @property
    def retired(self) -> str | None:
        """Pair mode: the digest that had its turn."""
        return self.annotations.get(names.RETIRED)

    @property
    def canary_of(self) -> str | None:
        """Pair mode: the Deployment that this one takes turns with."""
        return self.annotations.get(names.CANARY_OF)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the pods of the present template."""
        return dict(self.template.get("metadata", {}).get("labels") or {})


@dataclass(frozen=True)
class Revision:
    """One ReplicaSet of the user's Deployment."""

    hash: str
    digest: str
    replicas: int
    ready: int
    template: Json = field(hash=False)
    number: int = 0
    """The Deployment controller's number of the roll-out that last used it."""


@dataclass(frozen=True)
class Canary:
    """The temporary Deployment of one release."""

    name: str
    replicas: int
    ready: int
    dead: str | None
    """Why it can not come up, in its pods' own words; None while it may."""
    waiting: str | None
    """What it waits for, for people."""
    deleting: bool


def digest(template: Json) -> str:
    """Ten hex digits that tell templates apart; a native restart and the hash label do not count."""
    bare = copy.deepcopy(template)
    metadata = bare.get("metadata") or {}
    for part, key in (("labels", names.POD_TEMPLATE_HASH), ("annotations", names.RESTARTED_AT)):
        (metadata.get(part) or {}).pop(key, None)
    bare["metadata"] = {key: value for key, value in metadata.items() if value and key != "creationTimestamp"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def read(deployment: Json) -> Workload:
    """Read a Deployment of apps/v1."""
    metadata, spec, status = deployment["metadata"], deployment["spec"], deployment.get("status") or {}
    annotations = metadata.get("annotations") or {}
    held = annotations.get(names.HELD)
    return Workload(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        annotations=annotations,
        template=spec["template"],
        spec=spec,
        digest=digest(spec["template"]),
        replicas=spec.get("replicas", 1),
        paused=bool(spec.get("paused")),
        held=Held(held) if held in set(Held) else (Held.HELD if held else None),
        rolled_out=is_rolled_out(metadata, spec, status),
        stalled=why_stalled(status),
        deleting="deletionTimestamp" in metadata,
    )


def is_rolled_out(metadata: Json, spec: Json, status: Json) -> bool:
    """The rule of `kubectl rollout status`, with availability: nothing old, nothing missing."""
    wished = spec.get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= metadata.get("generation", 0)
        and status.get("updatedReplicas", 0) == wished
        and status.get("replicas", 0) == wished
        and status.get("availableReplicas", 0) == wished
    )


def why_stalled(status: Json) -> str | None:
    for condition in status.get("conditions") or ():
        failed = condition["type"] == "ReplicaFailure" and condition["status"] == "True"
        overdue = condition["type"] == "Progressing" and condition["status"] == "False"
        if failed or (overdue and condition.get("reason") == "ProgressDeadlineExceeded"):
            return f"{condition.get('reason')}: {condition.get('message')}"
    return None


def revisions(replica_sets: Iterable[Json], uid: str) -> tuple[Revision, ...]:
    """The ReplicaSets that the Deployment `uid` controls: the largest first, among equals the one rolled out last."""
    ours = [item for item in replica_sets if controller(item) == uid]
    ours.sort(key=lambda item: (rolled_out_as(item), item["metadata"]["name"]), reverse=True)
    found = [
        Revision(
            hash=item["metadata"]["labels"][names.POD_TEMPLATE_HASH],
            digest=digest(item["spec"]["template"]),
            replicas=item["spec"].get("replicas", 1),
            ready=(item.get("status") or {}).get("readyReplicas", 0),
            template=item["spec"]["template"],
            number=rolled_out_as(item),
        )
        for item in ours
    ]
    return tuple(sorted(found, key=lambda revision: -revision.replicas))


def rolled_out_as(replica_set: Json) -> int:
    """The Deployment controller's number of the roll-out that last used it."""
    number = (replica_set["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", "0")
    return int(number) if number.isdigit() else 0


def controller(item: Json) -> str | None:
    """The uid of the object that controls this one."""
    owners = item["metadata"].get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def canary_name(deployment: str, revision: str, attempt: int) -> str:
    """The canary's name: it is also the name of the workload in the mesh's metrics, so it fits a label."""
    mark = revision if attempt == 1 else f"{revision}-{attempt}"
    return names.fit(deployment, f"canary-{mark}")


def build_canary(workload: Workload, name: str, release: str, replicas: int) -> Json:
    """The temporary Deployment: the held template with all its labels, and no label of the user's on the object."""
    template = copy.deepcopy(workload.template)
    labels = template.setdefault("metadata", {}).setdefault("labels", {})
    labels |= {names.RELEASE: release, names.MANAGED: names.FIELD_MANAGER}
    labels.update({key: name for key in WORKLOAD_LABELS if key in labels})
    owner = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": workload.name,
        "uid": workload.uid,
        "controller": False,
        "blockOwnerDeletion": False,
    }
    copied = ("minReadySeconds", "progressDeadlineSeconds")
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": workload.namespace,
            "labels": {names.MANAGED: names.FIELD_MANAGER, names.RELEASE: release},
            "ownerReferences": [owner],
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {names.RELEASE: release}},
            "template": template,
            "revisionHistoryLimit": 1,
            **{key: workload.spec[key] for key in copied if key in workload.spec},
        },
    }


def read_canary(deployment: Json, pods: Sequence[Json]) -> Canary:
    """Read the canary Deployment and what its pods say of themselves."""
    status, spec = deployment.get("status") or {}, deployment["spec"]
    current = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    ready = status.get("readyReplicas", 0) if current else 0
    available = min(ready, status.get("availableReplicas", 0))
    troubles = tuple(trouble for pod in pods for trouble in troubles_of(pod))
    seen_ready = status.get("readyReplicas", 0)
    fatal = next((text for reason, text in troubles if is_fatal(reason, seen_ready)), None)
    waiting = next((text for _, text in troubles), None) or why_stalled(status)
    return Canary(
        name=deployment["metadata"]["name"],
        replicas=spec.get("replicas", 1),
        ready=available,
        dead=fatal,
        waiting=waiting,
        deleting="deletionTimestamp" in deployment["metadata"],
    )


CRASHES = frozenset({"CrashLoopBackOff", "RunContainerError", "CreateContainerConfigError", "CreateContainerError"})
NO_IMAGE = frozenset({"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})


def is_fatal(reason: str, ready: int) -> bool:
    """A crash loop condemns the version; an image that one node can not pull does not while other pods run."""
    return reason in CRASHES or (reason in NO_IMAGE and ready == 0)


def troubles_of(pod: Json) -> Iterable[tuple[str, str]]:
    """Reasons, each with a sentence, why a pod is not ready; the containers' own words."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = waiting.get("reason")
        if reason and reason not in ("ContainerCreating", "PodInitializing"):
            message = waiting.get("message") or f"{container.get('restartCount', 0)} restarts"
            yield reason, f"pod {name}, container {container['name']}: {reason}: {message}"
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield "Unschedulable", f"pod {name}: {condition.get('reason')}: {condition.get('message')}"


def refusals(workload: Workload) -> tuple[str, ...]:
    """What makes this Deployment unfit for a release, each a sentence."""
    where = f"Deployment {workload.namespace}/{workload.name}"
    found = []
    if (workload.spec.get("strategy") or {}).get("type") == "Recreate":
        found.append(f"{where}: spec.strategy.type is Recreate, which says that two versions must not run together")
    if workload.spec.get("revisionHistoryLimit") == 0:
        found.append(
            f"{where}: spec.revisionHistoryLimit is 0, so the running ReplicaSet would be deleted while held;"
            " set it to at least 1"
        )
    return tuple(found)
