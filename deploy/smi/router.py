"""The SMI router: TrafficSplits translated into a split over pins, and back; each leg is a Service of its own.

Every function is pure: it takes all objects of the KINDS as the API server gave them and returns the writes that are
missing, none if nothing is. The caller keeps the order (laws 8 and 9): define, settle, steer; and on the way down
steer, settle, restore, settle, define nothing. A TrafficSplit has no status: that a mesh follows it is told by time.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from deploy import backends, plain, traffic
from deploy.smi import faults, gathering, http_routes, lists, manifests, memory, places, splits, weights
from deploy.traffic import Change, Json, Verb

API_GROUP = "split.smi-spec.io"
KINDS = (
    manifests.TRAFFIC_SPLIT,
    manifests.SERVICE_PROFILE,
    *manifests.HTTP_ROUTES,
    manifests.SERVICE,
    manifests.ENDPOINT_SLICE,
)

SERVICE_LABEL = "kubernetes.io/service-name"

Objects = Mapping[str, Sequence[Json]]


def survey(target: traffic.Target, objects: Objects) -> traffic.Survey:
    """What the target's splits show, what they are without us, and why they cannot be split further.

    `legs` are the pins with a Service for everything that the lists name, and with no split in any list all pins with
    any Service of ours: what is left to remove.
    """
    ground = gathering.gather(target, objects)
    shown = [show for lane in ground.lanes for show in lists.shown(lane)]
    split = next((show.split for show in shown if show.split), None)
    return traffic.Survey(
        split=split,
        agreed=split is None or _agreed(ground, shown, split),
        shown=frozenset(pin for show in shown if show.split for pin in show.split.pins),
        legs=ground.complete_pins if split else ground.pins,
        saved=memory.save(ground.users_lanes),
        faults=faults.find(ground),
        bare=ground.bare,
        versions=ground.versions,
    )


def define(target: traffic.Target, objects: Objects, pins: Collection[traffic.Pin]) -> tuple[Change, ...]:
    """Leg Services for exactly these pins, mended where the user's Services changed; without pins, nothing of ours."""
    ground = gathering.gather(target, objects)
    return (() if pins else _remove(ground.temporary)) + _define(ground, pins)


def steer(target: traffic.Target, objects: Objects, split: traffic.Split, saved: Json) -> tuple[Change, ...]:
    """Every list of the target shows the split, and the Service's own callers are split too.

    The legs ought to be defined and settled; if any is not, it is defined first, since a mesh has no answer for a
    backend that is not there (make before break).
    """
    ground = gathering.gather(target, objects)
    lacking = frozenset(split.pins) - ground.complete_pins
    defined = _define(ground, lacking | ground.pins) if lacking else ()
    routed = _rewrite(ground, lambda lane: lists.show(lane, split, ground.leg_name))
    if ground.callers.complete:
        return defined + routed + _remove(ground.temporary)
    return defined + routed + _write(ground.temporary, _temporary(ground, split))


def restore(target: traffic.Target, objects: Objects, saved: Json) -> tuple[Change, ...]:
    """Splits as the user wrote them; without `saved` too, but for the weight of an only backend, and spelling."""
    ground = gathering.gather(target, objects)
    routed = _rewrite(ground, lambda lane: lists.whole(lane, memory.literals(saved, lane)))
    return routed + _remove(ground.temporary)


def foreign(target: traffic.Target, objects: Objects, saved: Json, pins: Collection[traffic.Pin]) -> str | None:
    """Drift: what a foreign writer did to a list of the target, as a sentence; None if nobody did.

    pins: the legs that every list was last seen to hold; none as long as the first split has not been read back.
    Legs whose Services stand are ours too: a fall that was cut short is no drift.
    """
    ground = gathering.gather(target, objects)
    known = ground.pins.union(pins)
    for lane in ground.users_lanes:
        drift = memory.content_drift(saved, lane) or (memory.leg_drift(lane, known) if pins else None)
        if drift:
            return f"{lane} {drift}"
    if pins and not ground.callers.complete and ground.temporary is None:
        own = manifests.own_ident(target)
        return f"TrafficSplit {own} is gone: no other one splits the calls of Service {target.service}"
    return None


def remember(saved: Json, fresh: Json) -> Json:
    """What to keep when splits are saved anew: a Survey's `fresh`, with what legs hide taken from `saved`."""
    return memory.remember(saved, fresh)


def routes(target: traffic.Target, objects: Objects) -> tuple[str, ...]:
    """The TrafficSplits that split the calls of the target's Service or lead to it, by its name; ours too."""
    found = [body for body in objects.get(manifests.TRAFFIC_SPLIT, ()) if splits.names(body, target)]
    return tuple(f"{manifests.TRAFFIC_SPLIT} {ident}" for ident in sorted(map(manifests.ident, found)))


def mentions(body: Json) -> frozenset[str]:
    """The names of Services that an object of the KINDS may be about: to index thousands of them by.

    A Service of ours is about the one for which it stands.
    """
    match body["kind"]:
        case manifests.TRAFFIC_SPLIT:
            return splits.mentions(body)
        case kind if kind in manifests.HTTP_ROUTES:
            return http_routes.services(body)
        case manifests.SERVICE_PROFILE:
            return frozenset({plain.name_of(body).partition(".")[0]})
        case manifests.ENDPOINT_SLICE:
            return frozenset({(plain.metadata_of(body).get("labels") or {}).get(SERVICE_LABEL, "")})
        case _:
            leg = backends.read(body)
            return frozenset({plain.name_of(body), *([leg.service] if leg else [])})


def _agreed(ground: gathering.Ground, shown: Sequence[lists.Shown], split: traffic.Split) -> bool:
    """Whether every list shows the split exactly, on legs that are there, and direct callers have one list each."""
    even = all(show.exact and show.split == split for show in shown)
    one_list = ground.callers.complete == (ground.temporary is None)
    return even and one_list and ground.complete_pins.issuperset(split.pins)


def _temporary(ground: gathering.Ground, split: traffic.Split) -> Json:
    whole = [{"service": ground.target.service, "weight": lists.HUNDRED}]
    lane = places.Lane("", whole, weights.form_of(ground.version), ground.reader)
    entries = lists.show(lane, split, ground.leg_name).backends
    return splits.temporary(ground.target, ground.temporary, entries, ground.version)


def _define(ground: gathering.Ground, pins: Collection[traffic.Pin]) -> tuple[Change, ...]:
    """Services for these pins, one for each backend that legs have to stand for; those of other pins go."""
    wanted = {
        backends.name(service, pin): backends.wished(ground.services[service], pin)
        for service in sorted(ground.used & ground.services.keys())
        for pin in sorted(pins)
    }
    made = [change for name, body in wanted.items() for change in backends.mend(ground.legs.get(name), body)]
    left = [change for name, body in sorted(ground.legs.items()) if name not in wanted for change in _remove(body)]
    return (*made, *left)


def _rewrite(ground: gathering.Ground, change: Callable[[places.Lane], lists.Written]) -> tuple[Change, ...]:
    """The users' TrafficSplits with each list of the target made anew, where that changes anything."""
    made = [(body, splits.rewritten(body, ground.reader, change)) for body in ground.bodies]
    return tuple(Change(Verb.REPLACE, new) for old, new in made if new != old)


def _write(standing: Json | None, wished: Json) -> tuple[Change, ...]:
    if standing is None:
        return (Change(Verb.CREATE, wished),)
    return () if standing == wished else (Change(Verb.REPLACE, wished),)


def _remove(standing: Json | None) -> tuple[Change, ...]:
    return (Change(Verb.DELETE, standing),) if standing else ()
