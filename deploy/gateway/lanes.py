"""Lanes: the rules' lists that lead to the target, in the routes of users and in temporary ones."""

import copy
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from deploy import plain, traffic
from deploy.gateway import manifests, places, refs
from deploy.traffic import Json

WEIGHT = 1


@dataclass(frozen=True)
class Lane:
    """One list of backendRefs: of which route, at which place there, and how it is read."""

    owner: str
    key: str
    entries: list[Json]
    reader: places.Reader

    def __str__(self) -> str:
        return f"{self.owner} {self.key}"


def of(route: Json, reader: places.Reader) -> Iterator[Lane]:
    """The lists of a route in which the reader finds a ref of the target's."""
    for key, rule in manifests.rules(route):
        lane = Lane(manifests.ident(route), key, rule.get("backendRefs") or [], reader)
        if refs.concerns(lane.entries, reader):
            yield lane


def rewritten(route: Json, reader: places.Reader, change: Callable[[Lane], list[Json]]) -> Json:
    """A copy of the route in which `change` made each of its lanes anew."""
    made = copy.deepcopy(route)
    changed = {lane.key: change(lane) for lane in of(route, reader)}
    for key, rule in manifests.rules(made):
        if key in changed:
            rule["backendRefs"] = changed[key]
    return made


def temporary(target: traffic.Target, port: int, of: Collection[int], version: str) -> Json:
    """The route that stands for callers of one port of the Service while no user's route does; leads to the root.

    of: all ports of the Service; where it is the only one, the parent need not name it.
    """
    parent: Json = {"group": "", "kind": manifests.SERVICE, "name": target.service}
    if len(of) > 1:
        parent["port"] = port
    root = {"group": "", "kind": manifests.SERVICE, "name": target.service, "port": port, "weight": WEIGHT}
    spec = {"parentRefs": [parent], "rules": [{"backendRefs": [root]}]}
    body = {"apiVersion": version, "kind": manifests.HTTP_ROUTE, "spec": spec}
    return manifests.new_own(body, manifests.own_name(target, port), target)


def ports(service: Json) -> list[int]:
    """The ports of a Service that a route can lead to: those of TCP."""
    found = plain.spec_of(service).get("ports") or []
    return [int(port["port"]) for port in found if port.get("protocol", "TCP") == "TCP"]


def uncovered(service: Json | None, routes: list[Json], target: traffic.Target) -> tuple[int, ...]:
    """The ports of the Service whose callers no user's route of its own namespace routes.

    A route of another namespace routes the callers of that namespace alone.
    """
    producers = [route for route in routes if plain.namespace_of(route) == target.namespace]
    named = [ref.get("port") for route in producers for ref in manifests.mesh_parents(route, target)]
    if service is None or None in named:
        return ()
    return tuple(port for port in ports(service) if port not in named)
