"""Routes of the Gateway API for a Service: on Linkerd a split takes their place, so none may be made beside them.

A ServiceProfile with overrides is followed instead of any HTTPRoute (linkerd2-proxy, outbound, should_override_policy),
and a split becomes such overrides.
"""

from collections.abc import Iterator, Sequence

from deploy import plain, traffic
from deploy.smi import manifests
from deploy.traffic import Json

CORE = ("", "core")


def services(body: Json) -> frozenset[str]:
    """The names of Services whose callers a route is for."""
    return frozenset(name for _, name in _parents(body))


def routing(target: traffic.Target, bodies: Sequence[Json]) -> list[str]:
    """The routes for the callers of the target's Service, each as `Kind namespace/name`."""
    wanted = (target.namespace, target.service)
    return sorted(f"{body['kind']} {manifests.ident(body)}" for body in bodies if wanted in _parents(body))


def _parents(body: Json) -> Iterator[tuple[str, str]]:
    for parent in plain.spec_of(body).get("parentRefs") or []:
        if parent.get("kind") == manifests.SERVICE and parent.get("group", "") in CORE:
            yield parent.get("namespace") or plain.namespace_of(body), str(parent.get("name"))
