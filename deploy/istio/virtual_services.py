"""The VirtualServices of a Service: their lists that lead to it, and the temporary one where mesh clients have none.

A mesh client that calls the Service by its name is routed by the one VirtualService whose `hosts` name it most
specifically (pilot/pkg/networking/core/route/route.go); without one it meets every pod of the Service. A
VirtualService that is exported to some namespaces only is taken before one that all see, so both may stand together.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from deploy import plain, traffic
from deploy.istio import hostnames, lists, manifests
from deploy.traffic import Json

PROTOCOLS = ("http", "tls", "tcp")
MESH = "mesh"


@dataclass(frozen=True)
class Lane:
    """One list of destinations: of which VirtualService, at which place there, and how it is read."""

    owner: str
    key: str
    route: list[Json]
    reader: lists.Reader

    def __str__(self) -> str:
        return f"VirtualService {self.owner} {self.key}"


def rules(body: Json) -> Iterator[tuple[str, Json]]:
    """Every rule with its key, `http[0]`, or `http[0] name` for a named one."""
    for protocol in PROTOCOLS:
        for nth, rule in enumerate(plain.spec_of(body).get(protocol) or []):
            yield f"{protocol}[{nth}] {rule.get('name') or ''}".rstrip(), rule


def leads_here(entry: Json, namespace: str, target: traffic.Target) -> bool:
    """Whether a destination of a VirtualService in `namespace` is the target's Service, whatever its subset."""
    host = (entry.get("destination") or {}).get("host") or ""
    return hostnames.means(host, namespace, target)


def concerns(body: Json, target: traffic.Target) -> bool:
    """Whether a VirtualService has anything to do with the Service: a host, a destination, or the temporary name."""
    if _pattern(body, target) or manifests.ident(body) == manifests.own_ident(target):
        return True
    namespace = plain.namespace_of(body)
    return any(leads_here(entry, namespace, target) for _, rule in rules(body) for entry in rule.get("route") or [])


def hosts(body: Json) -> list[str]:
    """Every host that a VirtualService names, for itself or as a destination, as it is written."""
    named: list[str] = list(plain.spec_of(body).get("hosts") or [])
    for _, rule in rules(body):
        named += [(entry.get("destination") or {}).get("host") or "" for entry in rule.get("route") or []]
    return [host for host in named if host]


def lanes(body: Json, reader: lists.Reader) -> Iterator[Lane]:
    """The lists of a VirtualService in which the reader finds a destination of the target's."""
    for key, rule in rules(body):
        lane = Lane(manifests.ident(body), key, rule.get("route") or [], reader)
        if lists.concerns(lane.route, reader):
            yield lane


def rewritten(body: Json, reader: lists.Reader, change: Callable[[Lane], list[Json]]) -> Json:
    """A copy of the VirtualService in which `change` made each of its lanes anew."""
    made = copy.deepcopy(body)
    changed = {lane.key: change(lane) for lane in lanes(body, reader)}
    for key, rule in rules(made):
        if key in changed:
            rule["route"] = changed[key]
    return made


@dataclass(frozen=True)
class Mesh:
    """Who routes the mesh's clients of a Service.

    covering: the users' VirtualServices that name it, most specifically.
    complete: whether every client in the mesh is routed by one of them.
    """

    covering: tuple[Json, ...]
    complete: bool
    faults: tuple[str, ...]


def mesh(target: traffic.Target, bodies: Sequence[Json]) -> Mesh:
    """Sort out the VirtualServices for mesh clients; the temporary one must not be among them."""
    naming = [body for body in bodies if _is_mesh(body) and _pattern(body, target)]
    public = _most_specific([body for body in naming if hostnames.EVERYWHERE in reach(body)], target)
    limited = [body for body in naming if hostnames.EVERYWHERE not in reach(body)]
    faults = [
        f"VirtualServices {manifests.ident(one)} and {manifests.ident(other)} both route the mesh's calls of"
        f" {hostnames.fqdn(target)}: Istio takes only one of them, and does not say which"
        for one, other in combinations([*public, *limited], 2)
        if _pattern(one, target) == _pattern(other, target) and reach(one) & reach(other)
    ]
    return Mesh((*public, *limited), bool(public), tuple(faults))


def temporary(target: traffic.Target, standing: Json | None, route: Sequence[Json], version: str) -> Json:
    """The VirtualService that routes mesh clients while the user has none; HTTP only, TCP keeps its default route.

    standing: the one that is there; version: apiVersion for one that is not there yet.
    """
    body = copy.deepcopy(standing) or manifests.new_own(manifests.VIRTUAL_SERVICE, target, version)
    body["spec"] = {"hosts": [hostnames.fqdn(target)], "http": [{"route": list(route)}]}
    return body


def default_route(target: traffic.Target) -> list[Json]:
    """What a mesh client without any VirtualService has."""
    return [{"destination": {"host": hostnames.fqdn(target)}}]


def reach(body: Json) -> frozenset[str]:
    """The namespaces whose proxies see a VirtualService."""
    return hostnames.reach(plain.spec_of(body).get("exportTo"), plain.namespace_of(body))


def _is_mesh(body: Json) -> bool:
    return MESH in (plain.spec_of(body).get("gateways") or [MESH])


def _pattern(body: Json, target: traffic.Target) -> str | None:
    """The host of a VirtualService that stands for the Service; None where there is none, as in a delegate."""
    namespace = plain.namespace_of(body)
    hosts = plain.spec_of(body).get("hosts") or []
    resolved = (hostnames.resolve(host, namespace, target.cluster_domain) for host in hosts)
    return hostnames.most_specific(resolved, hostnames.fqdn(target))


def _most_specific(bodies: Sequence[Json], target: traffic.Target) -> list[Json]:
    patterns = [pattern for body in bodies if (pattern := _pattern(body, target))]
    best = hostnames.most_specific(patterns, hostnames.fqdn(target))
    return [body for body in bodies if _pattern(body, target) == best]
