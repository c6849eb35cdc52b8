"""Istio's objects as plain dicts, and the temporary ones among them that Rampart makes for a Service."""

from collections.abc import Sequence

from deploy import names, plain, traffic
from deploy.traffic import Json

VIRTUAL_SERVICE = "VirtualService"
DESTINATION_RULE = "DestinationRule"
VERSION = "networking.istio.io/v1"
MANAGER = "rampart"


def ident(body: Json) -> str:
    """`namespace/name` of an object."""
    return f"{plain.namespace_of(body)}/{plain.metadata_of(body).get('name', '')}"


def own_name(target: traffic.Target) -> str:
    """The name of every temporary object for the target's Service."""
    return names.fit(target.service, MANAGER)


def own_ident(target: traffic.Target) -> str:
    return f"{target.namespace}/{own_name(target)}"


def named_after(body: Json) -> frozenset[str]:
    """The Service for which an object has the name of a temporary one, whoever made it; a cut name tells none."""
    service, joined, rest = str(plain.metadata_of(body).get("name", "")).rpartition(f"-{MANAGER}")
    return frozenset({service}) if joined and not rest else frozenset()


def is_own(body: Json, target: traffic.Target) -> bool:
    """Whether an object is the temporary one that Rampart made for the target."""
    labels = plain.metadata_of(body).get("labels") or {}
    return ident(body) == own_ident(target) and labels.get(names.MANAGED) == MANAGER


def find_own(bodies: Sequence[Json], target: traffic.Target) -> Json | None:
    return next((body for body in bodies if is_own(body, target)), None)


def new_own(kind: str, target: traffic.Target, version: str) -> Json:
    """A temporary object without a spec; `version` is its apiVersion."""
    meta = {"name": own_name(target), "namespace": target.namespace, "labels": {names.MANAGED: MANAGER}}
    return {"apiVersion": version, "kind": kind, "metadata": meta}


def name_faults(bodies: Sequence[Json], kind: str, target: traffic.Target) -> list[str]:
    """The fault of an object of somebody else's that has the temporary object's name."""
    return [
        f"{kind} {ident(body)} exists and is not Rampart's: its name is needed for a while, rename it"
        for body in bodies
        if ident(body) == own_ident(target) and not is_own(body, target)
    ]
