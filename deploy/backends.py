"""Legs as Services: for each pin a temporary Service with the user's ports and selector, and the pin."""

import copy
from collections.abc import Collection
from dataclasses import dataclass

from deploy import names, traffic
from deploy.traffic import Change, Json, Verb

MANAGER = "rampart"
ROOT = f"{names.GROUP}/service"
JOINT = "-rampart-"
ROLES = {names.POD_TEMPLATE_HASH: "stable", names.RELEASE: "canary"}
SUFFIX_LIMIT = 48


@dataclass(frozen=True)
class Leg:
    service: str
    pin: traffic.Pin


def name(service: str, pin: traffic.Pin) -> str:
    return names.fit(service, names.cut(f"rampart-{ROLES[pin.label]}-{pin.value}", SUFFIX_LIMIT).replace(".", "-"))


def is_leg_name(text: str) -> bool:
    return any(f"{JOINT}{role}-" in text for role in ROLES.values())


def read(body: Json) -> Leg | None:
    meta = body.get("metadata") or {}
    root = (meta.get("annotations") or {}).get(ROOT)
    if root is None or (meta.get("labels") or {}).get(names.MANAGED) != MANAGER:
        return None
    chosen = body["spec"].get("selector") or {}
    label = names.RELEASE if names.RELEASE in chosen else names.POD_TEMPLATE_HASH
    return Leg(root, traffic.Pin(label, chosen.get(label, "")))


def guess(text: str, services: Collection[str]) -> Leg | None:
    for label, role in ROLES.items():
        service, joint, value = text.partition(f"{JOINT}{role}-")
        if joint and service in services and value:
            return Leg(service, traffic.Pin(label, value))
    return None


def wished(root: Json, pin: traffic.Pin) -> Json:
    spec = root["spec"]
    ports = [{key: port[key] for key in port if key != "nodePort"} for port in spec.get("ports") or []]
    kept = {key: spec[key] for key in ("sessionAffinity", "internalTrafficPolicy", "ipFamilyPolicy") if key in spec}
    meta = {
        "name": name(root["metadata"]["name"], pin),
        "namespace": root["metadata"]["namespace"],
        "labels": {names.MANAGED: MANAGER},
        "annotations": {ROOT: root["metadata"]["name"]},
    }
    selector = {**spec["selector"], pin.label: pin.value}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"selector": selector, "ports": ports, **kept},
    }


def mend(standing: Json | None, body: Json) -> tuple[Change, ...]:
    if standing is None:
        return (Change(Verb.CREATE, body),)
    made = copy.deepcopy(standing)
    made["spec"] |= body["spec"]
    return () if made == standing else (Change(Verb.REPLACE, made),)
