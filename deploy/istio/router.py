"""The Istio router: VirtualServices and DestinationRules translated into a split over pins, and back.

Every function is pure: it takes all objects of the KINDS as the API server gave them and returns the writes that are
missing, none if nothing is. The caller keeps the order (laws 8 and 9): define, settle, steer; and on the way down
steer, settle, restore, settle, define nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from deploy import plain, traffic
from deploy.istio import (
    asides,
    destination_rules,
    faults,
    gathering,
    hostnames,
    lists,
    manifests,
    memory,
    subsets,
    virtual_services,
)
from deploy.traffic import Change, Json, Verb

API_GROUP = "networking.istio.io"
KINDS = (manifests.VIRTUAL_SERVICE, manifests.DESTINATION_RULE)
ANY = "*"

Objects = Mapping[str, Sequence[Json]]


def survey(target: traffic.Target, objects: Objects) -> traffic.Survey:
    """What the target's routes show, what they are without us, and why they cannot be split.

    `legs` are the pins with a subset for everything that the lists name, and with no split in any list all pins with
    any subset: what is left to remove.
    """
    ground = gathering.gather(target, objects)
    shown = [show for lane in ground.lanes for show in lists.shown(lane.route, lane.reader)]
    split = next((show.split for show in shown if show.split), None)
    aside = _aside(ground)
    whole = replace(split, aside=aside) if split and aside and aside.pin in split.pins else split
    standing = {show.split for show in shown if show.split}
    return traffic.Survey(
        split=whole,
        agreed=split is None or (_agreed(ground, shown, split) and _even(ground, whole.aside if whole else None)),
        shown=frozenset(pin for one in standing for pin in one.pins) | ({aside.pin} if aside else set()),
        legs=ground.complete_pins if split else subsets.pins(ground.rules),
        saved=memory.save(ground.users_lanes),
        faults=faults.find(ground),
        versions=ground.versions,
    )


def define(target: traffic.Target, objects: Objects, pins: Collection[traffic.Pin]) -> tuple[Change, ...]:
    """Leg objects for exactly these pins, mended where the user's rules have changed; without pins, nothing of ours."""
    ground = gathering.gather(target, objects)
    if not pins:
        return _remove(ground.temporary) + _remove(ground.rules.own)
    return _define(ground, pins)


def steer(target: traffic.Target, objects: Objects, split: traffic.Split, saved: Json) -> tuple[Change, ...]:
    """Every list of the target shows the split, and every mesh client has a list.

    The legs ought to be defined and settled; if any is not, it is defined first, since a route to a subset that is
    not there answers 503 (make before break).
    """
    ground = gathering.gather(target, objects, memory.subsets(saved))
    lacking = frozenset(split.pins) - ground.complete_pins
    defined = _define(ground, lacking | subsets.pins(ground.rules)) if lacking else ()
    routed = _rewrite(ground, lambda lane: lists.show(lane.route, split, lane.reader), split.aside)
    if ground.mesh.complete:
        return defined + routed + _remove(ground.temporary)
    route = lists.show(virtual_services.default_route(target), split, ground.reader(target.namespace))
    wished = virtual_services.temporary(target, ground.temporary, route, ground.version)
    whole = asides.added(wished, ground.reader(target.namespace), split.aside)
    return defined + routed + _write(ground.standing.get(manifests.own_ident(target)), whole)


def restore(target: traffic.Target, objects: Objects, saved: Json) -> tuple[Change, ...]:
    """Routes as the user wrote them; without `saved` too, but for the weight of an only destination."""
    ground = gathering.gather(target, objects, memory.subsets(saved))
    routed = _rewrite(ground, lambda lane: lists.whole(lane.route, lane.reader, memory.lone(saved, lane)))
    return routed + _remove(ground.temporary)


def foreign(target: traffic.Target, objects: Objects, saved: Json, pins: Collection[traffic.Pin]) -> str | None:
    """Drift: what a foreign writer did to a list of the target, as a sentence; None if nobody did.

    pins: the legs that every list was last seen to hold; none as long as the first split has not been read back.
    Legs that the temporary rule defines are ours too: a fall that was cut short is no drift.
    """
    ground = gathering.gather(target, objects, memory.subsets(saved))
    known = subsets.pins(ground.rules).union(pins)
    for lane in ground.users_lanes:
        drift = memory.content_drift(saved, lane) or (memory.leg_drift(lane, known) if pins else None)
        if drift:
            return f"{lane} {drift}"
    if pins and not ground.mesh.complete and ground.temporary is None:
        own, host = manifests.own_ident(target), hostnames.fqdn(target)
        return f"VirtualService {own} is gone: no other one routes the mesh's calls of {host}"
    return None


def unfit(target: traffic.Target, objects: Objects, wanted: Collection[traffic.Aside]) -> tuple[str, ...]:
    """Why legs of the target can not get these beside their shares, each a sentence that names the object."""
    ground = gathering.gather(target, objects)
    found = (
        fault
        for aside in wanted
        for body in ground.services
        for fault in asides.unfit(body, ground.reader(plain.namespace_of(body)), aside)
    )
    return tuple(dict.fromkeys(found))


def remember(saved: Json, fresh: Json) -> Json:
    """What to keep when routes are saved anew: a Survey's `fresh`, with weights from `saved` where legs hide them."""
    return memory.remember(saved, fresh)


def routes(target: traffic.Target, objects: Objects) -> tuple[str, ...]:
    """The VirtualServices that lead to the target's Service, or route calls of its name; ours too."""
    ground = gathering.gather(target, objects)
    found = {lane.owner for lane in ground.users_lanes} | {manifests.ident(body) for body in ground.mesh.covering}
    own = {manifests.ident(ground.temporary)} if ground.temporary else set()
    return tuple(f"{manifests.VIRTUAL_SERVICE} {ident}" for ident in sorted(found | own))


def mentions(body: Json) -> frozenset[str]:
    """The names of Services that an object of the KINDS may be about, and ANY: to index thousands of them by.

    A survey needs the objects that mention the target's Service or ANY, and no others.
    """
    hosts = virtual_services.hosts(body) if body["kind"] == manifests.VIRTUAL_SERVICE else destination_rules.hosts(body)
    named = {ANY if host.startswith("*") else host.partition(".")[0].lower() for host in hosts}
    return frozenset(named | manifests.named_after(body))


def _agreed(ground: gathering.Ground, shown: Sequence[lists.Shown], split: traffic.Split) -> bool:
    """Whether every list shows the split exactly, on legs that are there, and mesh clients have one route each."""
    even = all(show.exact and show.split == split for show in shown)
    whole_mesh = ground.mesh.complete == (ground.temporary is None)
    return even and whole_mesh and ground.complete_pins.issuperset(split.pins)


def _routes(ground: gathering.Ground) -> Sequence[Json]:
    """Every VirtualService with a list of the target, without what legs get beside their shares."""
    return (*ground.services, *((ground.temporary,) if ground.temporary else ()))


def _aside(ground: gathering.Ground) -> traffic.Aside | None:
    found = (
        asides.read(ground.standing[manifests.ident(body)], ground.reader(plain.namespace_of(body)))
        for body in _routes(ground)
    )
    return next((aside for aside in found if aside is not None), None)


def _even(ground: gathering.Ground, aside: traffic.Aside | None) -> bool:
    """Whether each VirtualService has it at every rule that can have it, and nothing else."""
    return all(
        asides.added(body, ground.reader(plain.namespace_of(body)), aside) == ground.standing[manifests.ident(body)]
        for body in _routes(ground)
    )


def _define(ground: gathering.Ground, pins: Collection[traffic.Pin]) -> tuple[Change, ...]:
    return _write(ground.rules.own, subsets.wished(ground.rules, pins, ground.used, ground.version))


def _rewrite(
    ground: gathering.Ground,
    change: Callable[[virtual_services.Lane], list[Json]],
    aside: traffic.Aside | None = None,
) -> tuple[Change, ...]:
    """The users' VirtualServices with each list of the target made anew, where that changes anything."""
    changes = []
    for body in ground.services:
        reader = ground.reader(plain.namespace_of(body))
        new = asides.added(virtual_services.rewritten(body, reader, change), reader, aside)
        if new != ground.standing[manifests.ident(body)]:
            changes.append(Change(Verb.REPLACE, new))
    return tuple(changes)


def _write(standing: Json | None, wished: Json) -> tuple[Change, ...]:
    if standing is None:
        return (Change(Verb.CREATE, wished),)
    return () if standing == wished else (Change(Verb.REPLACE, wished),)


def _remove(standing: Json | None) -> tuple[Change, ...]:
    return (Change(Verb.DELETE, standing),) if standing else ()
