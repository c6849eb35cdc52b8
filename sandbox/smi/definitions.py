"""The two definitions of TrafficSplit that exist under one name, and Linkerd's ServiceProfile.

UPSTREAM is the specification's own file, out of the module cache. It is written for a form of definitions that
clusters no longer serve, so it is turned into today's, meaning the same. LINKERD is made after the extension of
Linkerd 2.12 and later: v1alpha1 (stored, Quantities) and v1alpha2 are served, with no conversion between them.
"""

from enum import StrEnum
from typing import Any

import yaml

from sandbox import tools

Json = dict[str, Any]

GROUP = "split.smi-spec.io"
NAME = f"trafficsplits.{GROUP}"
PROFILE_NAME = "serviceprofiles.linkerd.io"


class Flavour(StrEnum):
    """Whose definition is installed."""

    UPSTREAM = "upstream"
    LINKERD = "linkerd"


def of(flavour: Flavour) -> list[Json]:
    """The definitions that come with a flavour."""
    match flavour:
        case Flavour.UPSTREAM:
            return [upstream(yaml.safe_load(tools.traffic_split().read_text()))]
        case Flavour.LINKERD:
            return [_linkerd(), _profile()]


def upstream(written: Json) -> Json:
    """A definition of apiextensions.k8s.io/v1beta1 as one of v1: what was common to all versions stands in each."""
    spec = dict(written["spec"])
    schema = spec.pop("validation")["openAPIV3Schema"]
    columns = [{**column, "jsonPath": column["JSONPath"]} for column in spec.pop("additionalPrinterColumns")]
    for column in columns:
        column.pop("JSONPath")
    spec.pop("version")
    loose = _keeping({"type": "object", **schema})
    common = {"schema": {"openAPIV3Schema": loose}, "additionalPrinterColumns": columns}
    spec["versions"] = [{**version, **common} for version in spec["versions"]]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": written["kind"],
        "metadata": written["metadata"],
        "spec": spec,
    }


def _keeping(schema: Json) -> Json:
    """Fields that the schema does not name are kept at every level, as they were unless a definition said otherwise."""
    kept: Json = {
        key: {name: _keeping(part) for name, part in value.items()} if key == "properties" else value
        for key, value in schema.items()
    }
    if "items" in kept:
        kept["items"] = _keeping(kept["items"])
    return kept | ({"x-kubernetes-preserve-unknown-fields": True} if kept.get("type") == "object" else {})


def _linkerd() -> Json:
    quantity = {"x-kubernetes-int-or-string": True}
    versions = [
        _version("v1alpha1", quantity, storage=True),
        _version("v1alpha2", {"type": "number"}, storage=False),
    ]
    return _definition(NAME, {"kind": "TrafficSplit", "plural": "trafficsplits", "shortNames": ["ts"]}, versions)


def _version(name: str, weight: Json, storage: bool) -> Json:
    backend = {
        "type": "object",
        "required": ["service"],
        "properties": {"service": {"type": "string"}, "weight": weight},
    }
    properties = {"service": {"type": "string"}, "backends": {"type": "array", "items": backend}}
    spec = {"type": "object", "required": ["service", "backends"], "properties": properties}
    return {
        "name": name,
        "served": True,
        "storage": storage,
        "schema": _schema({"type": "object", "properties": {"spec": spec}}),
    }


def _profile() -> Json:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = _schema({"type": "object", "properties": {"spec": anything}})
    version = {"name": "v1alpha2", "served": True, "storage": True, "schema": schema}
    names = {"kind": "ServiceProfile", "plural": "serviceprofiles", "shortNames": ["sp"]}
    return _definition(PROFILE_NAME, names, [version])


def _schema(root: Json) -> Json:
    return {"openAPIV3Schema": root}


def _definition(name: str, names: Json, versions: list[Json]) -> Json:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {"group": name.partition(".")[2], "scope": "Namespaced", "names": names, "versions": versions},
    }
