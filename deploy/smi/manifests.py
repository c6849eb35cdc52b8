"""TrafficSplits, ServiceProfiles and Services as plain dicts, and the temporary TrafficSplit that Rampart makes."""

from deploy import names, plain, traffic
from deploy.traffic import Json

TRAFFIC_SPLIT = "TrafficSplit"
SERVICE_PROFILE = "ServiceProfile"
SERVICE = "Service"
ENDPOINT_SLICE = "EndpointSlice"
HTTP_ROUTES = ("HTTPRoute", "GRPCRoute")
VERSION = "split.smi-spec.io/v1alpha4"
MANAGER = "rampart"
SCALE = f"{names.GROUP}/scale"
"""By what the weights of a list are multiplied while legs stand in it; an annotation of the TrafficSplit."""


def ident(body: Json) -> str:
    """`namespace/name` of an object."""
    return f"{plain.namespace_of(body)}/{plain.name_of(body)}"


def own_ident(target: traffic.Target) -> str:
    """Of the temporary TrafficSplit for the target's Service."""
    return f"{target.namespace}/{names.fit(target.service, MANAGER)}"


def is_own(body: Json, target: traffic.Target) -> bool:
    """Whether a TrafficSplit is the temporary one that Rampart made for the target."""
    labels = plain.metadata_of(body).get("labels") or {}
    return ident(body) == own_ident(target) and labels.get(names.MANAGED) == MANAGER


def new_own(target: traffic.Target, version: str) -> Json:
    """The temporary TrafficSplit without a spec; `version` is its apiVersion."""
    name = names.fit(target.service, MANAGER)
    meta = {"name": name, "namespace": target.namespace, "labels": {names.MANAGED: MANAGER}}
    return {"apiVersion": version, "kind": TRAFFIC_SPLIT, "metadata": meta}


def noted_scale(body: Json) -> int:
    """The factor that stands beside a TrafficSplit's list; 1 where there is none, or none that makes sense."""
    text = str((plain.metadata_of(body).get("annotations") or {}).get(SCALE, ""))
    return max(int(text), 1) if text.isdecimal() and len(text) < 12 else 1


def note_scale(body: Json, scale: int) -> None:
    """Note the factor, or take the note away where it is 1: then nothing of ours is left in the metadata."""
    notes = dict(plain.metadata_of(body).get("annotations") or {})
    had = notes.pop(SCALE, None) is not None
    if scale != 1:
        notes[SCALE] = str(scale)
    if notes:
        body["metadata"]["annotations"] = notes
    elif had:
        body["metadata"].pop("annotations", None)
