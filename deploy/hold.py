"""Prove that the cluster holds a changed template: by a write of our own that is only pretended."""

from enum import StrEnum

from deploy import errors, kinds, names
from deploy.cluster import Cluster
from deploy.traffic import Json


class Mode(StrEnum):
    """What keeps a changed template from rolling out by itself."""

    POLICIES = "policies"
    """Admission policies hold the write that changes it (Kubernetes 1.36 and newer)."""
    PAUSE = "pause"
    """The controller keeps opted-in Deployments paused at rest."""


PROBE: Json = {
    "spec": {
        "paused": False,
        "template": {"metadata": {"annotations": {f"{names.GROUP}/proof": "a dry run asks whether this is held"}}},
    }
}
"""Changes the template and un-pauses, so that it begins a hold whatever the Deployment's state is."""


def pretended(cluster: Cluster, deployment: Json) -> Json:
    """What the Deployment would be after a dry run of the probe. Raises ClusterError; Invalid: it would be refused."""
    about = deployment["metadata"]
    return cluster.patch(kinds.DEPLOYMENT, about["name"], about["namespace"], PROBE, dry_run=True)


def refuses(cluster: Cluster, deployment: Json) -> bool:
    """Whether a write that un-pauses this opted-in Deployment beside a changed template is refused, by a dry run.

    Raises ClusterError where the question could not be asked.
    """
    try:
        pretended(cluster, deployment)
    except errors.Invalid:
        return True
    return False


def prove(cluster: Cluster, deployment: Json) -> str | None:
    """Whether a changed template of this opted-in Deployment would be held: None, or a sentence that says why not.

    The hold's policies exempt what we write, but for dry runs. Behind zero replicas nothing is held, by intent.
    Raises ClusterError where the question could not be asked, which says nothing about the hold.
    """
    about = deployment["metadata"]
    if deployment["spec"].get("replicas") == 0:
        return None
    what = f"the hold does not act on deployment {about['namespace']}/{about['name']}"
    try:
        answer = pretended(cluster, deployment)
    except errors.Invalid as refused:
        return f"{what}: a dry run of a changed template was refused: {refused}"
    paused = answer["spec"].get("paused", False)
    mark = answer["metadata"].get("annotations", {}).get(names.HELD, "missing")
    if paused and mark == "true":
        return None
    return (
        f"{what}: a dry run of a changed template came back with paused {str(paused).lower()} and {names.HELD} {mark}; "
        f"apply the policies rampart-hold and rampart-hold-holds, with bindings that select the namespace"
    )
