"""What makes it impossible to split a target's calls, each in a sentence that names the object."""

from collections.abc import Callable, Iterator

from deploy import backends, plain, services
from deploy.smi import gathering, http_routes, lists, manifests, places, profiles, splits
from deploy.traffic import Json

HEADLESS = "None"


def find(ground: gathering.Ground) -> tuple[str, ...]:
    """All faults, each once."""
    return tuple(
        dict.fromkeys(
            [
                *_of_names(ground),
                *_of_services(ground),
                *ground.callers.faults,
                *_of_weights(ground),
                *_of_selectors(ground),
                *_of_ports(ground),
                *_of_no_way(ground),
                *_of_http_routes(ground),
                *profiles.faults(ground.target, ground.apexes, _expected(ground), ground.profiles),
            ]
        )
    )


def _of_names(ground: gathering.Ground) -> Iterator[str]:
    """An object of somebody else's that has a temporary one's name."""
    for name in sorted(ground.services):
        if backends.guess(name, ground.used) is not None:
            where = f"Service {ground.target.namespace}/{name}"
            yield f"{where} has a leg's name and is not Rampart's, or somebody changed its selector: delete it"
    for body in ground.neighbours:
        if manifests.ident(body) == manifests.own_ident(ground.target):
            yield (
                f"TrafficSplit {manifests.ident(body)} exists and is not Rampart's: its name is needed for a while,"
                f" rename it"
            )


def _of_services(ground: gathering.Ground) -> Iterator[str]:
    """Only calls of a cluster IP are split; a backend too is reached by its own."""
    concerned = sorted(ground.used | {ground.target.service} | (set(ground.apexes) & set(ground.services)))
    for name in concerned:
        where = f"Service {ground.target.namespace}/{name}"
        if name not in ground.services:
            yield f"{where} is not there"
        elif plain.spec_of(ground.services[name]).get("clusterIP") == HEADLESS:
            yield f"{where} is headless: a TrafficSplit moves only calls of a cluster IP"


def _of_weights(ground: gathering.Ground) -> Iterator[str]:
    for lane in ground.users_lanes:
        if fault := lists.fault(lane):
            yield f"{lane} {fault}"


def _of_selectors(ground: gathering.Ground) -> Iterator[str]:
    """Backends that would lose one of the two versions."""
    for name in sorted(ground.used & ground.services.keys()):
        chosen = services.selector_of(ground.services[name])
        if not services.matches(chosen, ground.target.new_pod_labels):
            yield (
                f"Service {ground.target.namespace}/{name}: its selector {dict(chosen)} does not take the held"
                f" template's labels {dict(ground.target.new_pod_labels)}"
            )


def _of_ports(ground: gathering.Ground) -> Iterator[str]:
    """A split names no port: a call of the apex's port goes to the same number of the backend."""
    for body in ground.bodies:
        apex = ground.services.get(splits.apex(body, ground.target) or "")
        for place in places.find(splits.lane(body, ground.reader)):
            backend = ground.services.get(ground.service_of(place.name) or "")
            if apex is None or backend is None or not place.ours:
                continue
            lacking = sorted(_ports(apex) - _ports(backend))
            if lacking:
                yield (
                    f"TrafficSplit {manifests.ident(body)} splits port {lacking[0]} of Service"
                    f" {manifests.ident(apex)}, and its backend {manifests.ident(backend)} has no such port: give it"
                    f" the same"
                )


def _of_no_way(ground: gathering.Ground) -> Iterator[str]:
    """The user's split sends all direct callers elsewhere, and no list gives the target any traffic."""
    if not ground.callers.complete or any(lists.shown(lane) for lane in ground.users_lanes):
        return
    covering = ", ".join(manifests.ident(body) for body in ground.callers.covering)
    yield (
        f"TrafficSplit {covering} sends the calls of Service {ground.target.namespace}/{ground.target.service}"
        f" elsewhere, and no backend with a weight above 0 leads to its pods"
    )


def _of_http_routes(ground: gathering.Ground) -> Iterator[str]:
    """Where the user has a split for direct callers, that is what they follow already."""
    if not ground.callers.complete:
        for route in http_routes.routing(ground.target, ground.http_routes):
            yield (
                f"{route} routes the calls of Service {ground.target.namespace}/{ground.target.service}, and a"
                f" TrafficSplit beside it would take its place: choose router gateway"
            )


def _expected(ground: gathering.Ground) -> Callable[[str], bool]:
    """Whether Linkerd's extension may have led an override there: backends of today, legs of any release."""
    splits_here = [*ground.neighbours, *([ground.temporary] if ground.temporary else [])]
    named = frozenset(name for body in splits_here for name in splits.mentions(body))
    return lambda name: name in named or ground.reader.is_leg(name)


def _ports(service: Json) -> set[int]:
    return {int(port["port"]) for port in plain.spec_of(service).get("ports") or []}
