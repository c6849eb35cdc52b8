"""The Service router: no mesh; the Service's own selector is the route, and a pin in it is the switch.

A Service has no weights. All traffic of one leg is the user's selector with that leg's pin; traffic of several legs is
shared by the numbers of their ready pods, so the head chooses how many there are (`rollout.shares`). Every function is
pure: it takes all objects of the KINDS as the API server gave them and returns the writes that are missing, none if
nothing is. Each is one write of one object, so no list can be half written.
"""

from collections.abc import Collection, Mapping, Sequence

from deploy import traffic
from deploy.service import selectors
from deploy.services import PINS, matches, selector_of, written
from deploy.traffic import Change, Json, Verb

API_GROUP = ""
SERVICE = "Service"
KINDS = (SERVICE,)

Objects = Mapping[str, Sequence[Json]]


def survey(target: traffic.Target, objects: Objects) -> traffic.Survey:
    """What the Service's selector shows, what it is without us, and why it cannot be moved."""
    service = find(target, objects)
    if service is None:
        return traffic.Survey(faults=(f"{_about(target)} is gone",))
    memory = selectors.recall(service)
    return traffic.Survey(
        split=memory.split,
        shown=frozenset(memory.split.pins) if memory.split else frozenset(),
        legs=memory.legs,
        saved={_about(target): dict(memory.users)},
        faults=faults(target, service),
        versions=((service["metadata"].get("uid", ""), selectors.number(service)),),
    )


def faults(target: traffic.Target, service: Json) -> tuple[str, ...]:
    """Why no share of the Service's traffic can be kept, or its selector not put back."""
    where, found = _about(target), []
    if service["spec"].get("publishNotReadyAddresses"):
        found.append(f"{where}: publishNotReadyAddresses is set, so pods that are not ready would be given users")
    ours = PINS & selector_of(service).keys() if selectors.read(service) is None else ()
    text = "by which Rampart tells versions apart: take it out"
    found += [f"{where}: its selector names {key}, {text}" for key in sorted(ours)]
    chosen = selectors.recall(service).users
    if not matches(chosen, target.new_pod_labels):
        text = f"{written(chosen)} does not take the held template's labels {written(target.new_pod_labels)}"
        found.append(f"{where}: its selector {text}")
    return tuple(found)


def define(target: traffic.Target, objects: Objects, pins: Collection[traffic.Pin]) -> tuple[Change, ...]:
    """Legs for exactly these pins; without pins, nothing of ours, neither annotation nor pin."""
    service = find(target, objects)
    if service is None:
        return ()
    memory = selectors.recall(service)
    return _write(service, selectors.kept(service, selectors.defined(memory, pins) if pins else None))


def steer(target: traffic.Target, objects: Objects, split: traffic.Split, saved: Json) -> tuple[Change, ...]:
    """The selector leads to the split's pods: new connections meet them as soon as proxies know the endpoints."""
    service = find(target, objects)
    if service is None:
        return ()
    return _write(service, selectors.kept(service, selectors.steered(selectors.recall(service), split)))


def restore(target: traffic.Target, objects: Objects, saved: Json) -> tuple[Change, ...]:
    """The selector as the user wrote it; the legs stay until nothing of ours is defined."""
    service = find(target, objects)
    if service is None:
        return ()
    memory = selectors.recall(service)
    if not memory.legs and not PINS & selector_of(service).keys():
        return ()
    return _write(service, selectors.kept(service, selectors.steered(memory, None)))


def foreign(target: traffic.Target, objects: Objects, saved: Json, pins: Collection[traffic.Pin]) -> str | None:
    """Drift: what a foreign writer did to the selector, as a sentence; None if nobody did."""
    service = find(target, objects)
    where = _about(target)
    if service is None:
        return f"{where} is gone"
    memory, present = selectors.recall(service), dict(selector_of(service))
    before = saved.get(_about(target))
    if before is not None and dict(memory.users) != before:
        return f"{where} selects {dict(memory.users)} now, it was {before}"
    if pins and memory.split is None:
        return f"{where} leads to every version: somebody else wrote its selector {present}"
    return None


def remember(saved: Json, fresh: Json) -> Json:
    """What to keep when the route is saved anew: our legs hide nothing of the user's selector."""
    return fresh


def routes(target: traffic.Target, objects: Objects) -> tuple[str, ...]:
    """The Service itself, as long as it carries anything of ours: at rest no Service is a route."""
    service = find(target, objects)
    moved = service is not None and (selectors.read(service) or PINS & selector_of(service).keys())
    return (_about(target),) if moved else ()


def mentions(body: Json) -> frozenset[str]:
    """The name of the Service that an object of the KINDS is."""
    return frozenset({body["metadata"]["name"]})


def find(target: traffic.Target, objects: Objects) -> Json | None:
    """The target's Service."""
    wanted = (target.namespace, target.service)
    every = objects.get(SERVICE, ())
    return next((item for item in every if (item["metadata"]["namespace"], item["metadata"]["name"]) == wanted), None)


def _about(target: traffic.Target) -> str:
    return f"{SERVICE} {target.namespace}/{target.service}"


def _write(standing: Json, wished: Json) -> tuple[Change, ...]:
    same = selectors.number(standing) == selectors.number(wished)
    return () if same else (Change(Verb.REPLACE, {"apiVersion": "v1", "kind": SERVICE, **wished}),)
