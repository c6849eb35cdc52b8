"""The Gateway API router: HTTPRoutes and GRPCRoutes translated into a split over pins, and back.

Each leg is a Service of its own, made after the user's. Every function is pure: it takes all objects of the KINDS as
the API server gave them and returns the writes that are missing, none if nothing is. The caller keeps the order (laws
8 and 9): define, settle, steer; and on the way down steer, settle, restore, settle, define nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from math import lcm

from deploy import backends, plain, traffic
from deploy.gateway import acceptance, asides, faults, gathering, hangers, lanes, manifests, memory, places, refs
from deploy.traffic import Change, Json, Verb

API_GROUP = manifests.GROUP
KINDS = (
    manifests.HTTP_ROUTE,
    manifests.GRPC_ROUTE,
    manifests.REFERENCE_GRANT,
    manifests.BACKEND_TLS_POLICY,
    manifests.DESTINATION_RULE,
    manifests.SERVICE_PROFILE,
    manifests.SERVICE,
    manifests.ENDPOINT_SLICE,
)

Objects = Mapping[str, Sequence[Json]]


def survey(target: traffic.Target, objects: Objects) -> traffic.Survey:
    """What the target's routes show, what they are without us, and why they can not be split.

    `legs` are the pins with a Service and a ref in every list; where no list has any ref of ours, all pins with a
    Service: what is left to remove.
    """
    ground = gathering.gather(target, objects)
    shown = [show for lane in ground.every_lane for show in refs.shown(lane.entries, lane.reader)]
    split = next((show.split for show in shown if show.split), None)
    aside = _aside(ground)
    whole = replace(split, aside=aside) if split and aside and aside.pin in split.pins else split
    touched = any(place.legs for lane in ground.every_lane for place in places.of(lane.entries, lane.reader))
    routed = [body for body in (*ground.routes, *ground.temporary) if _leads(ground, body)]
    return traffic.Survey(
        split=whole,
        agreed=split is None or (_agreed(ground, shown, split) and _even(ground, whole.aside if whole else None)),
        shown=frozenset(pin for show in shown if show.split for pin in show.split.pins)
        | ({aside.pin} if aside else set()),
        legs=ground.prepared_pins if touched or ground.temporary else ground.pins,
        saved=memory.save(ground.users_lanes),
        faults=faults.find(ground),
        bare=ground.bare_pins,
        waiting=tuple(text for body in routed for text in acceptance.waiting(body)) if touched else (),
        grain=lcm(*(refs.grain(lane.entries, lane.reader) for lane in ground.every_lane)),
        versions=ground.versions,
    )


def define(target: traffic.Target, objects: Objects, pins: Collection[traffic.Pin]) -> tuple[Change, ...]:
    """Leg Services for exactly these pins, what hangs on them, and a ref of weight 0 for each in every list.

    Mended where the user's objects have changed; without pins, nothing of ours. What a leg of them gets beside its
    share stays with it.
    """
    ground = gathering.gather(target, objects)
    made, left = _legs(ground, pins)
    aside = _aside(ground)
    kept = aside if aside and aside.pin in pins else None
    routed = _rewrite(ground.routes, ground, lambda lane: refs.prepare(lane.entries, pins, lane.reader), kept)
    if not pins:
        return (*routed, *_remove(ground.temporary), *left)
    wanted = {plain.name_of(body): body for body in ground.wanted}
    standing = {plain.name_of(body): body for body in ground.temporary}
    own: list[Change] = []
    for name, body in {**standing, **{key: wanted[key] for key in wanted if key not in standing}}.items():
        prepared = asides.added(_prepared(ground, body, pins), ground.reader(target.namespace), kept)
        same = prepared == ground.standing.get(manifests.ident(body), body)
        own += [Change(Verb.REPLACE if name in standing else Verb.CREATE, prepared)] if not same else []
    return (*made, *routed, *own, *left)


def steer(target: traffic.Target, objects: Objects, split: traffic.Split, saved: Json) -> tuple[Change, ...]:
    """Every list of the target shows the split, and every caller of the Service has a route.

    The legs ought to be defined and settled; if any is not, it is defined first, since a ref to a Service that is not
    there answers 500 (make before break).
    """
    ground = gathering.gather(target, objects, saved)
    lacking = frozenset(split.pins) - ground.pins
    made = _legs(ground, lacking | ground.pins)[0] if lacking else ()
    show = _showing(split, ground)
    wanted = {plain.name_of(body): body for body in ground.wanted}
    kept = [body for body in ground.temporary if plain.name_of(body) in wanted]
    missing = [wanted[name] for name in wanted.keys() - {plain.name_of(body) for body in kept}]
    own = ground.reader(target.namespace)
    new = [asides.added(lanes.rewritten(body, own, show), own, split.aside) for body in missing]
    created = tuple(Change(Verb.CREATE, body) for body in new)
    needless = [body for body in ground.temporary if body not in kept]
    return (*made, *_rewrite((*ground.routes, *kept), ground, show, split.aside), *created, *_remove(needless))


def restore(target: traffic.Target, objects: Objects, saved: Json) -> tuple[Change, ...]:
    """Routes as the user wrote them; without `saved` too, but for weights that legs hide."""
    ground = gathering.gather(target, objects, saved)
    routed = _rewrite(ground.routes, ground, lambda lane: refs.whole(lane.entries, lane.reader, ground.known(lane)))
    return (*routed, *_remove(ground.temporary))


def foreign(target: traffic.Target, objects: Objects, saved: Json, pins: Collection[traffic.Pin]) -> str | None:
    """Drift: what a foreign writer did to a list of the target, as a sentence; None if nobody did.

    pins: the legs that every list was last seen to hold; none as long as the first split has not been read back.
    Legs whose Services stand are ours too: a fall that was cut short is no drift.
    """
    ground = gathering.gather(target, objects, saved)
    known = ground.pins.union(pins)
    for lane in ground.users_lanes:
        drift = memory.content_drift(saved, lane) or (memory.leg_drift(lane, known) if pins else None)
        if drift:
            return f"{lane} {drift}"
    standing = {plain.name_of(body) for body in ground.temporary}
    gone = [body for body in ground.wanted if plain.name_of(body) not in standing]
    if pins and gone:
        return f"{manifests.ident(gone[0])} is gone: no other one routes the calls of Service {target.service}"
    return None


def unfit(target: traffic.Target, objects: Objects, wanted: Collection[traffic.Aside]) -> tuple[str, ...]:
    """Why legs of the target can not get these beside their shares, each a sentence that names the object."""
    ground = gathering.gather(target, objects)
    where = f"Service {target.namespace}/{target.service}"
    found: list[str] = []
    for aside in wanted:
        if fault := asides.unable(aside, objects):
            found.append(f"{where}: {fault}")
            continue
        for body in (*ground.routes, *ground.temporary):
            found += asides.unfit(body, ground.reader(plain.namespace_of(body)), aside)
    return tuple(dict.fromkeys(found))


def remember(saved: Json, fresh: Json) -> Json:
    """What to keep when routes are saved anew: a Survey's `fresh`, with weights from `saved` where legs hide them."""
    return memory.remember(saved, fresh)


def routes(target: traffic.Target, objects: Objects) -> tuple[str, ...]:
    """The routes that lead to the target's Service, or have it as their parent; ours too."""
    ground = gathering.gather(target, objects)
    return tuple(manifests.ident(body) for body in (*ground.routes, *ground.temporary))


def mentions(body: Json) -> frozenset[str]:
    """The names of Services that an object of the KINDS may be about: to index thousands of them by."""
    named = [plain.name_of(body)] if body["kind"] == manifests.SERVICE else []
    named += [str(ref.get("name")) for ref in manifests.parents(body)]
    for _, rule in manifests.rules(body):
        named += [str(ref.get("name")) for ref in rule.get("backendRefs") or []]
    return frozenset({name.partition(backends.JOINT)[0] for name in named} | set(named))


def _agreed(ground: gathering.Ground, shown: Sequence[refs.Shown], split: traffic.Split) -> bool:
    """Whether every list shows the split exactly, on legs that are there, and callers have one route each."""
    even = all(show.exact and show.split == split for show in shown)
    return even and ground.is_covered and ground.true_pins.issuperset(split.pins)


def _leads(ground: gathering.Ground, body: Json) -> bool:
    return any(lane.owner == manifests.ident(body) for lane in ground.every_lane)


def _aside(ground: gathering.Ground) -> traffic.Aside | None:
    found = (asides.read(body, ground.reader(plain.namespace_of(body))) for body in ground.standing.values())
    return next((aside for aside in found if aside is not None), None)


def _even(ground: gathering.Ground, aside: traffic.Aside | None) -> bool:
    """Whether each route has it at every rule that can have it, and nothing else."""
    return all(
        asides.added(body, ground.reader(plain.namespace_of(body)), aside) == ground.standing[manifests.ident(body)]
        for body in (*ground.routes, *ground.temporary)
    )


def _showing(split: traffic.Split, ground: gathering.Ground) -> Callable[[lanes.Lane], list[Json]]:
    return lambda lane: refs.show(lane.entries, split, lane.reader, ground.known(lane))


def _prepared(ground: gathering.Ground, body: Json, pins: Collection[traffic.Pin]) -> Json:
    reader = ground.reader(ground.target.namespace)
    return lanes.rewritten(body, reader, lambda lane: refs.prepare(lane.entries, pins, lane.reader))


def _legs(ground: gathering.Ground, pins: Collection[traffic.Pin]) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """What is made and mended of leg Services and of what hangs on them, and what of them is left to remove."""
    if ground.root is None:
        return (), _remove([*ground.copies, *ground.legs.values()]) if not pins else ()
    services = {plain.name_of(body): body for body in (backends.wished(ground.root, pin) for pin in sorted(pins))}
    copies = (
        {manifests.ident(body): body for body in hangers.copies(ground.target, ground.hanging, pins)} if pins else {}
    )
    standing = {manifests.ident(body): body for body in ground.copies}
    made = [change for name, body in services.items() for change in backends.mend(ground.legs.get(name), body)]
    made += [change for ident, body in copies.items() for change in _put(standing.get(ident), body)]
    needless = [body for ident, body in standing.items() if ident not in copies]
    needless += [body for name, body in sorted(ground.legs.items()) if name not in services]
    return tuple(made), _remove(needless)


def _rewrite(
    bodies: Sequence[Json],
    ground: gathering.Ground,
    change: Callable[[lanes.Lane], list[Json]],
    aside: traffic.Aside | None = None,
) -> tuple[Change, ...]:
    """The routes with each list of the target made anew, where that changes anything."""
    changes = []
    for body in bodies:
        reader = ground.reader(plain.namespace_of(body))
        new = asides.added(lanes.rewritten(body, reader, change), reader, aside)
        if new != ground.standing[manifests.ident(body)]:
            changes.append(Change(Verb.REPLACE, new))
    return tuple(changes)


def _put(standing: Json | None, wished: Json) -> tuple[Change, ...]:
    if standing is None:
        return (Change(Verb.CREATE, wished),)
    return (
        () if standing.get("spec") == wished["spec"] else (Change(Verb.REPLACE, {**standing, "spec": wished["spec"]}),)
    )


def _remove(bodies: Sequence[Json]) -> tuple[Change, ...]:
    return tuple(Change(Verb.DELETE, body) for body in bodies)
