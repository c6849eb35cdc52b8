"""What is said where a Deployment, or a namespace, is not there: what there is instead."""

import difflib

from deploy import errors, kinds, names
from deploy.cluster import Cluster
from deploy.traffic import Json

FEW = 5
"""Names that a sentence lists before it counts the others."""


class Absent(errors.Missing):
    """What a person named is not there; the message says what is. Commands end with exit code 8."""


def deployment(door: Cluster, namespace: str, name: str) -> Absent:
    """Say that there is no such Deployment, and which ones may be meant. Raises nothing."""
    known = _deployments(door, namespace)
    if not _has_namespace(door, namespace):
        return Absent(f"there is no namespace {namespace}{_elsewhere(known, namespace, name)}")
    here = [about["name"] for about in known if about["namespace"] == namespace and _is_ours(about)]
    text = f"there is no Deployment {name} in namespace {namespace}"
    elsewhere = _elsewhere(known, namespace, name)
    if not here:
        return Absent(f"{text}{elsewhere or '; none is opted in there: rampart list -A'}")
    near = difflib.get_close_matches(name, here, n=1)
    meant = f"; the nearest is {near[0]}" if near and not elsewhere else ""
    return Absent(f"{text}{elsewhere}{meant}; opted in there: {few(sorted(here))}")


def check_namespace(door: Cluster, namespace: str | None) -> None:
    """Raises Absent where a namespace is named that is not there; who may not know takes it for granted."""
    if namespace is not None and not _has_namespace(door, namespace):
        raise Absent(f"there is no namespace {namespace}")


def few(all_names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = len(all_names) - FEW
    return ", ".join(all_names[:FEW]) + (f" and {more} more" if more > 0 else "")


def _deployments(door: Cluster, namespace: str) -> list[Json]:
    """The metadata of all Deployments that we may see: everywhere, else in the namespace."""
    for where in (None, namespace):
        try:
            return [item["metadata"] for item in door.list(kinds.DEPLOYMENT, where).items]
        except errors.ClusterError:
            continue
    return []


def _has_namespace(door: Cluster, namespace: str) -> bool:
    try:
        return door.find(kinds.NAMESPACE, namespace) is not None
    except errors.ClusterError:
        return True


def _is_ours(about: Json) -> bool:
    notes = about.get("annotations") or {}
    return names.STRATEGY in notes or names.HELD in notes


def _elsewhere(known: list[Json], namespace: str, name: str) -> str:
    """Where a Deployment of that name is, if it is in another namespace."""
    homes = sorted(str(about["namespace"]) for about in known if about["name"] == name)
    others = [home for home in homes if home != namespace]
    return f"; there is one in {few(others)}: -n {others[0]}" if others else ""
