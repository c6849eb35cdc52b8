"""What the implementations say of a route: `status.parents`, one entry for each parent and controller.

Accepted and ResolvedRefs of an entry are taken as said of the route's present generation, unless its
`observedGeneration` is there and older (Istio sets it, Linkerd never does). That a route is accepted does not say that
proxies follow it: the settle time does.
"""

from collections.abc import Iterator

from deploy import plain
from deploy.gateway import manifests
from deploy.traffic import Json

BELIEVED = ("Accepted", "ResolvedRefs")


def waiting(route: Json) -> tuple[str, ...]:
    """What a rise has to wait for, each a sentence.

    What is said of a parent that the route names no more is old, and nobody may be left to take it out. A Gateway of
    which nobody says anything is served by nobody, and its silence holds nothing up. A Service's callers are served
    without any route too, by every pod: so some mesh must have accepted a route for them, whatever a Gateway says.
    """
    entries = [entry for entry in _entries(route) if _is_of_parent(route, entry)]
    where = manifests.ident(route)
    if manifests.is_mesh(route):
        of_mesh = [entry for entry in entries if _is_service(entry)]
        if not of_mesh:
            return (f"{where}: no mesh has accepted it, so callers of its Service would meet every pod",)
        if not any(_said(entry, "Accepted").get("status") == "True" for entry in of_mesh):
            return tuple(_words(where, entry, "Accepted") for entry in of_mesh)
    if not entries:
        return ()
    stale = [_parent(entry) for entry in entries if _is_stale(route, entry)]
    if stale:
        return (f"{where}: {', '.join(stale)} has not been told of its present content yet",)
    accepting = [entry for entry in entries if _said(entry, "Accepted").get("status") == "True"]
    if not accepting:
        return tuple(_words(where, entry, "Accepted") for entry in entries)
    bad = [entry for entry in accepting if _said(entry, "ResolvedRefs").get("status", "True") != "True"]
    return tuple(_words(where, entry, "ResolvedRefs") for entry in bad)


def is_accepted_mesh(route: Json) -> bool:
    """Whether some mesh has accepted the route for a Service: then the cluster has one that takes such routes."""
    entries = _entries(route)
    return any(_is_service(entry) and _said(entry, "Accepted").get("status") == "True" for entry in entries)


def _entries(route: Json) -> list[Json]:
    found: list[Json] = (route.get("status") or {}).get("parents") or []
    return found


def _is_of_parent(route: Json, entry: Json) -> bool:
    """Whether an entry speaks of a parent that the route has now."""
    namespace = plain.namespace_of(route)
    return _key(entry.get("parentRef") or {}, namespace) in [_key(ref, namespace) for ref in manifests.parents(route)]


def _key(ref: Json, namespace: str) -> tuple[str, str, str]:
    """What a parent is told by; its listener or port may be said in several ways."""
    return str(ref.get("kind", "Gateway")), str(ref.get("namespace") or namespace), str(ref.get("name"))


def _is_service(entry: Json) -> bool:
    return bool((entry.get("parentRef") or {}).get("kind") == manifests.SERVICE)


def _said(entry: Json, kind: str) -> Json:
    found: Iterator[Json] = (one for one in entry.get("conditions") or [] if one.get("type") == kind)
    return next(found, {})


def _is_stale(route: Json, entry: Json) -> bool:
    generation = plain.metadata_of(route).get("generation", 0)
    return any(_said(entry, kind).get("observedGeneration", generation) < generation for kind in BELIEVED)


def _parent(entry: Json) -> str:
    ref = entry.get("parentRef") or {}
    return f"parent {ref.get('kind', 'Gateway')} {ref.get('name')}"


def _words(where: str, entry: Json, kind: str) -> str:
    said = _said(entry, kind)
    return f"{where}: {_parent(entry)} says {kind} {said.get('status')}, {said.get('reason')}: {said.get('message')}"
