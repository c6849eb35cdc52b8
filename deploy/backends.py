"""Legs as Services: for each pin a temporary Service with the user's ports and selector, and the pin.

Routers that tell versions apart by Services share them. Whatever decides how a mesh or a gateway reaches the user's
Service is copied, so that a leg is reached in the same way; nothing is that makes the Service known elsewhere (node
ports, addresses from outside, owners, labels of other tools).
"""

import copy
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from deploy import names, traffic
from deploy.traffic import Change, Json, Verb

SERVICE = "Service"
MANAGER = "rampart"
ROOT = f"{names.GROUP}/service"
"""The annotation of a leg that names the Service for which it stands."""

JOINT = "-rampart-"
ROLES = {names.POD_TEMPLATE_HASH: "stable", names.RELEASE: "canary"}
SUFFIX_LIMIT = 48
"""Characters of a Service's name that tell the leg; the rest is left for the user's own name."""

COPIED = (
    "sessionAffinity",
    "sessionAffinityConfig",
    "internalTrafficPolicy",
    "trafficDistribution",
    "ipFamilies",
    "ipFamilyPolicy",
    "publishNotReadyAddresses",
)
OPTIONAL = frozenset({"sessionAffinityConfig", "trafficDistribution", "publishNotReadyAddresses"})
"""Of these, what no server fills in: where the user took it out it goes from the legs too."""

MESHES = (
    "istio.io",
    "linkerd.io",
    "cilium.io",
    "consul.hashicorp.com",
    "kuma.io",
    "traefik.io",
    "traefik.ingress.kubernetes.io",
    "konghq.com",
    "projectcontour.io",
    "service.kubernetes.io",
)
"""Whose labels and annotations of a Service say how it is reached: of these domains, and of those below them."""


@dataclass(frozen=True)
class Leg:
    """What a temporary Service stands for: the user's Service, and the pods."""

    service: str
    pin: traffic.Pin


def name(service: str, pin: traffic.Pin) -> str:
    """The name of the leg that stands for a Service: at most 63 characters, unique for the pin."""
    return names.fit(service, names.cut(f"rampart-{ROLES[pin.label]}-{pin.value}", SUFFIX_LIMIT).replace(".", "-"))


def is_leg_name(text: str) -> bool:
    """Whether a Service of that name was made by Rampart, for this release or any other."""
    return any(f"{JOINT}{role}-" in text for role in ROLES.values())


def read(body: Json) -> Leg | None:
    """What a Service stands for; None where it is not one of ours."""
    meta = body.get("metadata") or {}
    root = (meta.get("annotations") or {}).get(ROOT)
    chosen = (body.get("spec") or {}).get("selector") or {}
    label = next((label for label in (names.RELEASE, names.POD_TEMPLATE_HASH) if label in chosen), None)
    if root is None or label is None or (meta.get("labels") or {}).get(names.MANAGED) != MANAGER:
        return None
    return Leg(root, traffic.Pin(label, chosen[label]))


def guess(text: str, services: Collection[str]) -> Leg | None:
    """What the name of a leg says, where its Service is gone; `services` are the likely ones.

    A name that was cut tells a pin that never was: whoever wishes for the true one defines it anew, by the same name.
    """
    for label, role in ROLES.items() if JOINT in text else ():
        _, joint, value = text.partition(f"{JOINT}{role}-")
        for service in services if joint and value else ():
            if names.fit(service, f"rampart-{role}-{value}") == text:
                return Leg(service, traffic.Pin(label, value))
    return None


def wished(root: Json, pin: traffic.Pin) -> Json:
    """The Service of one leg, made after the user's own; it is reached by an address of its own."""
    spec, about = root["spec"], root["metadata"]
    ports = [{key: value for key, value in port.items() if key != "nodePort"} for port in spec.get("ports") or ()]
    labels = {**of_meshes(about.get("labels")), names.MANAGED: MANAGER}
    notes = {**of_meshes(about.get("annotations")), ROOT: about["name"]}
    meta: Json = {"name": name(about["name"], pin), "namespace": about["namespace"]}
    if about.get("uid"):
        meta["ownerReferences"] = [_owner(about)]
    return {
        "apiVersion": "v1",
        "kind": SERVICE,
        "metadata": {**meta, "labels": labels, "annotations": notes},
        "spec": {
            **{key: copy.deepcopy(spec[key]) for key in COPIED if key in spec},
            "type": "ClusterIP",
            "ports": ports,
            "selector": {**(spec.get("selector") or {}), pin.label: pin.value},
        },
    }


def mend(standing: Json | None, body: Json) -> tuple[Change, ...]:
    """The write that makes a leg what it ought to be; none where it is. What the server filled in is kept."""
    if standing is None:
        return (Change(Verb.CREATE, body),)
    made = copy.deepcopy(standing)
    made["spec"] = {key: value for key, value in made["spec"].items() if key in body["spec"] or key not in OPTIONAL}
    made["spec"] |= {key: value for key, value in body["spec"].items() if key != "ports"}
    if [_bare(port) for port in made["spec"].get("ports") or ()] != [_bare(port) for port in body["spec"]["ports"]]:
        made["spec"]["ports"] = body["spec"]["ports"]
    for part in ("labels", "annotations"):
        made["metadata"][part] = {**(made["metadata"].get(part) or {}), **body["metadata"][part]}
    return () if made == standing else (Change(Verb.REPLACE, made),)


def is_stale(standing: Json, root: Json, pin: traffic.Pin) -> bool:
    """Whether the user's Service has changed since the leg was made after it."""
    return bool(mend(standing, wished(root, pin)))


def bare(legs: Iterable[Json], slices: Sequence[Json]) -> frozenset[traffic.Pin]:
    """The pins of those legs that have no ready endpoint in any EndpointSlice of theirs."""
    found = {body["metadata"]["name"]: leg.pin for body in legs if (leg := read(body))}
    return frozenset(pin for name, pin in found.items() if not any(ready(item, name) for item in slices))


def ready(endpoint_slice: Json, service: str) -> int:
    """How many ready endpoints the slice has for a Service; a condition that is absent counts as ready."""
    if (endpoint_slice["metadata"].get("labels") or {}).get("kubernetes.io/service-name") != service:
        return 0
    endpoints = endpoint_slice.get("endpoints") or ()
    return sum((item.get("conditions") or {}).get("ready") is not False for item in endpoints)


def version(body: Json) -> tuple[str, int]:
    """(uid, number) of an object that counts no generations: the number changes exactly when its spec does."""
    text = json.dumps(body.get("spec") or {}, sort_keys=True)
    return str(body["metadata"].get("uid", "")), int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


def _owner(about: Json) -> Json:
    """With the user's Service its legs go; the garbage collector is the last to clean up."""
    found = {"apiVersion": "v1", "kind": SERVICE, "name": about["name"], "uid": about["uid"]}
    return {**found, "controller": False, "blockOwnerDeletion": False}


def of_meshes(found: Mapping[str, str] | None) -> dict[str, str]:
    """Labels or annotations by which a mesh or an ingress knows how a Service is reached."""
    return {key: value for key, value in (found or {}).items() if _is_of_mesh(key.partition("/")[0])}


def _is_of_mesh(domain: str) -> bool:
    return any(domain == mesh or domain.endswith(f".{mesh}") for mesh in MESHES)


def _bare(port: Json) -> Json:
    """A port without what the server fills in."""
    filled = {"protocol": "TCP", "targetPort": port.get("port")}
    return filled | {key: value for key, value in port.items() if key != "nodePort"}
