"""Pair mode: two Deployments that the user owns, told apart by subsets or Services that exist; only weights move.

A list of destinations in which both Deployments have a place is a lane; their part of its weights is shared anew, and
nothing else in the object is touched. Lists that name one of the two alone are the user's own and stay as they are.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd

from deploy import plain, traffic
from deploy.istio import destination_rules, hostnames, manifests, virtual_services
from deploy.traffic import WHOLE, Change, Json, Verb

KINDS = ("VirtualService", "DestinationRule", "HTTPRoute", "GRPCRoute", "TrafficSplit")
ROUTES = ("VirtualService", "HTTPRoute", "GRPCRoute", "TrafficSplit")

Objects = Mapping[str, Sequence[Json]]


@dataclass(frozen=True)
class Side:
    """One Deployment of a pair: its name, and the labels of its pods."""

    name: str
    labels: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True)
class Pair:
    """Two Deployments of one namespace, and the Services there."""

    namespace: str
    sides: tuple[Side, Side]
    services: Sequence[Json] = field(hash=False, default=())
    cluster_domain: str = "cluster.local"

    def alone(self, labels: Mapping[str, str]) -> str | None:
        """The side that these labels select, if they select one and not the other."""
        found = [side.name for side in self.sides if labels.items() <= side.labels.items()]
        return found[0] if len(found) == 1 and labels else None


@dataclass(frozen=True)
class Lane:
    """One list with both sides in it. entries: its destinations, as they stand in the object; places: each side's."""

    where: str
    entries: Sequence[Json] = field(hash=False)
    places: Mapping[str, int] = field(hash=False)
    absent: int = 0
    """What a destination without a weight counts."""

    def weights(self) -> tuple[int, ...]:
        return tuple(weight_of(entry, self.absent) for entry in self.entries)

    @property
    def whole(self) -> int:
        """The weight that both sides have together."""
        weights = self.weights()
        return sum(weights[place] for place in self.places.values())

    def parts(self, side: str) -> tuple[int, bool]:
        """A side's part of the pair's traffic, in parts of WHOLE, and whether that is exact."""
        found = self.weights()[self.places[side]] * WHOLE
        return found // self.whole, found % self.whole == 0


@dataclass(frozen=True)
class Survey:
    """What the lanes show. parts: each side's share in parts of WHOLE; None where no lane is, or two differ."""

    parts: Mapping[str, int] | None = field(hash=False, default=None)
    faults: tuple[str, ...] = ()
    versions: tuple[tuple[str, int], ...] = ()
    saved: Mapping[str, int] = field(hash=False, default_factory=dict)
    """For each lane the weight that both sides have together, before the first of our writes."""


def weight_of(entry: Json, absent: int) -> int:
    weight = entry.get("weight", absent)
    return weight if isinstance(weight, int) else absent


def survey(pair: Pair, objects: Objects) -> Survey:
    """What the routes show of the pair, and why its weights can not be moved."""
    found = [(body, lane) for body in _bodies(objects) for lane in lanes(pair, body, objects)]
    faults = tuple(text for _, lane in found if (text := fault(lane)))
    if not found:
        one, other = (side.name for side in pair.sides)
        faults = (f"no route in the cluster has destinations for both {one} and {other}: add the one that is missing",)
    versions = {(body["metadata"].get("uid", ""), body["metadata"].get("generation", 0)) for body, _ in found}
    saved = {lane.where: lane.whole for _, lane in found}
    return Survey(
        None if faults else _common(pair, [lane for _, lane in found]), faults, tuple(sorted(versions)), saved
    )


def steer(pair: Pair, objects: Objects, side: str, parts: int, saved: Mapping[str, int]) -> tuple[Change, ...]:
    """In every lane, `parts` of WHOLE of the pair's traffic to `side` and the rest to the other; 409s are the caller's.

    saved: as a Survey gave it before the first write: the numbers go back to that scale where the parts allow it.
    """
    changes = []
    for body in _bodies(objects):
        made = copy.deepcopy(body)
        for lane in lanes(pair, made, objects):
            if fault(lane) is None:
                move(lane, side, parts, saved.get(lane.where, lane.whole))
        if made != body:
            changes.append(Change(Verb.REPLACE, made))
    return tuple(changes)


def move(lane: Lane, side: str, parts: int, original: int) -> None:
    """Write the weights of one lane, in place; what is not the pair's keeps its share.

    original: the pair's weight as the user wrote it. The list is scaled by the least whole factor that needs no
    rounding; a list that somebody else has scaled meanwhile is taken as it stands.
    """
    weights = lane.weights()
    scale = lane.whole // original if original and lane.whole % original == 0 else 1
    if any(weight % scale for place, weight in enumerate(weights) if place not in lane.places.values()):
        scale = 1
    whole = lane.whole // scale
    factor = WHOLE // gcd(WHOLE, whole * parts)
    shares = {name: whole * factor * (parts if name == side else WHOLE - parts) // WHOLE for name in lane.places}
    for place, entry in enumerate(lane.entries):
        name = next((name for name, where in lane.places.items() if where == place), None)
        wished = shares[name] if name is not None else weights[place] // scale * factor
        if weights[place] != wished:
            entry["weight"] = wished


def fault(lane: Lane) -> str | None:
    """Why a lane's weights can not be moved."""
    raw = [entry.get("weight", lane.absent) for entry in lane.entries]
    if not all(isinstance(weight, int) for weight in raw):
        return f"{lane.where}: weights must be whole numbers, got {raw}"
    if min(raw) < 0:
        return f"{lane.where}: has a negative weight: {raw}"
    if lane.whole == 0:
        return f"{lane.where}: {' and '.join(lane.places)} weigh 0 both: give one of them the traffic"
    return None


def lanes(pair: Pair, body: Json, objects: Objects) -> Iterator[Lane]:
    """The lists of a route object in which both sides have one place each."""
    whose = READERS[body["kind"]](pair, body, objects)
    absent = 1 if body["kind"] in ("HTTPRoute", "GRPCRoute") else 0
    for key, entries in _lists(body):
        names = [whose(entry) for entry in entries]
        places = {side.name: names.index(side.name) for side in pair.sides if names.count(side.name) == 1}
        if len(places) == len(pair.sides):
            yield Lane(f"{body['kind']} {manifests.ident(body)} {key}", entries, places, absent)


def _common(pair: Pair, found: Sequence[Lane]) -> Mapping[str, int] | None:
    """The shares that all lanes show."""
    side, other = (one.name for one in pair.sides)
    shown = {lane.parts(side) for lane in found}
    if len(shown) != 1:
        return None
    parts, exact = shown.pop()
    return {side: parts, other: WHOLE - parts} if exact else None


def _bodies(objects: Objects) -> Iterator[Json]:
    for kind in ROUTES:
        yield from objects.get(kind, ())


def _lists(body: Json) -> Iterator[tuple[str, Sequence[Json]]]:
    """The lists of destinations of a route object, each with its place."""
    spec = body.get("spec") or {}
    match body["kind"]:
        case "VirtualService":
            for key, rule in virtual_services.rules(body):
                yield key, rule.get("route") or []
        case "TrafficSplit":
            yield "backends", spec.get("backends") or []
        case _:
            for nth, rule in enumerate(spec.get("rules") or []):
                yield f"rules[{nth}]", rule.get("backendRefs") or []


Whose = Callable[[Json], str | None]


def _of_virtual_service(pair: Pair, body: Json, objects: Objects) -> Whose:
    """By host and subset: the labels that both ask for."""
    namespace = plain.namespace_of(body)
    subsets: dict[str, Mapping[str, Json]] = {}

    def whose(entry: Json) -> str | None:
        destination = entry.get("destination") or {}
        for service in pair.services:
            name = service["metadata"]["name"]
            target = traffic.Target(pair.namespace, name, {}, {}, pair.cluster_domain)
            if not hostnames.means(destination.get("host") or "", namespace, target):
                continue
            if name not in subsets:
                subsets[name] = destination_rules.find(target, objects.get("DestinationRule", ())).subsets
            chosen = destination.get("subset")
            if chosen and chosen not in subsets[name]:
                return None
            labels = (subsets[name][chosen].get("labels") or {}) if chosen else {}
            return pair.alone({**_selector(service), **labels})
        return None

    return whose


def _of_traffic_split(pair: Pair, body: Json, objects: Objects) -> Whose:
    """By the Service that a backend names."""

    def whose(entry: Json) -> str | None:
        return _side_of(pair, plain.namespace_of(body), entry.get("service", ""))

    return whose


def _of_route(pair: Pair, body: Json, objects: Objects) -> Whose:
    """By the Service that a backendRef names, in the route's own namespace where it names none."""

    def whose(entry: Json) -> str | None:
        if entry.get("kind", "Service") != "Service":
            return None
        return _side_of(pair, entry.get("namespace") or plain.namespace_of(body), entry.get("name", ""))

    return whose


READERS: Mapping[str, Callable[[Pair, Json, Objects], Whose]] = {
    "VirtualService": _of_virtual_service,
    "TrafficSplit": _of_traffic_split,
    "HTTPRoute": _of_route,
    "GRPCRoute": _of_route,
}


def _side_of(pair: Pair, namespace: str, service: str) -> str | None:
    found = [item for item in pair.services if item["metadata"]["name"] == service]
    return pair.alone(_selector(found[0])) if found and namespace == pair.namespace else None


def _selector(service: Json) -> Mapping[str, str]:
    chosen: Mapping[str, str] = (service.get("spec") or {}).get("selector") or {}
    return chosen
