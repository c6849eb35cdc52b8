"""Gateway API objects as plain dicts: names, defaults, and the parents and rules of a route."""

from collections.abc import Iterator

from deploy import names, plain, traffic
from deploy.traffic import Json

HTTP_ROUTE = "HTTPRoute"
GRPC_ROUTE = "GRPCRoute"
REFERENCE_GRANT = "ReferenceGrant"
BACKEND_TLS_POLICY = "BackendTLSPolicy"
DESTINATION_RULE = "DestinationRule"
SERVICE_PROFILE = "ServiceProfile"
SERVICE = "Service"
ENDPOINT_SLICE = "EndpointSlice"
ROUTES = (HTTP_ROUTE, GRPC_ROUTE)
GROUP = "gateway.networking.k8s.io"
VERSION = f"{GROUP}/v1"
MANAGER = "rampart"
CORE = ("", "core")
"""The core group; Linkerd also takes its nickname."""


def ident(body: Json) -> str:
    """`Kind namespace/name` of an object."""
    return f"{body['kind']} {plain.namespace_of(body)}/{plain.name_of(body)}"


def is_ours(body: Json) -> bool:
    """Whether Rampart made the object, for this release or any other."""
    return (plain.metadata_of(body).get("labels") or {}).get(names.MANAGED) == MANAGER


def own_name(target: traffic.Target, port: int) -> str:
    """The name of the temporary route for one port of the target's Service."""
    return names.fit(target.service, f"{MANAGER}-{port}")


def new_own(body: Json, name: str, target: traffic.Target) -> Json:
    """`body` with the metadata of a temporary object for the target."""
    notes = {f"{names.GROUP}/service": target.service}
    meta = {"name": name, "namespace": target.namespace, "labels": {names.MANAGED: MANAGER}, "annotations": notes}
    return {**body, "metadata": meta}


def stands_for(body: Json, target: traffic.Target) -> bool:
    """Whether an object is a temporary one of the target's Service."""
    notes = plain.metadata_of(body).get("annotations") or {}
    same = notes.get(f"{names.GROUP}/service") == target.service
    return is_ours(body) and same and plain.namespace_of(body) == target.namespace


def is_service(ref: Json) -> bool:
    """Whether a backendRef leads to a Service, as it does where it names no kind."""
    return ref.get("kind", SERVICE) == SERVICE and ref.get("group", "") in CORE


def leads_to(ref: Json, namespace: str, target: traffic.Target) -> bool:
    """Whether a reference in an object of `namespace` is to a Service of the target's namespace."""
    return is_service(ref) and (ref.get("namespace") or namespace) == target.namespace


def parents(route: Json) -> list[Json]:
    found: list[Json] = plain.spec_of(route).get("parentRefs") or []
    return found


def mesh_parents(route: Json, target: traffic.Target) -> list[Json]:
    """The parentRefs of a route that are the target's Service: it routes calls of the Service's own name."""
    return [
        ref
        for ref in parents(route)
        if ref.get("kind") == SERVICE
        and ref.get("group", GROUP) in CORE
        and ref.get("name") == target.service
        and (ref.get("namespace") or plain.namespace_of(route)) == target.namespace
    ]


def is_mesh(route: Json) -> bool:
    """Whether a route has any Service as its parent."""
    return any(ref.get("kind") == SERVICE and ref.get("group", GROUP) in CORE for ref in parents(route))


def rules(route: Json) -> Iterator[tuple[str, Json]]:
    """Every rule with its key, `rules[0]`, or `rules[0] name` for a named one."""
    for nth, rule in enumerate(plain.spec_of(route).get("rules") or []):
        yield f"rules[{nth}] {rule.get('name') or ''}".rstrip(), rule
