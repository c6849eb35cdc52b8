"""Take away what is left of a release that nobody remembers: no Release, but a split route, legs or a canary (case 66).

The order is that of law 9: the route to stable, settle, drain, the canary, its addresses, the route as it was, settle,
the legs. From the first rolled pod on users stay on the canary until the native roll-out is whole (law 11).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deploy import backends, kinds, names, preview, routers, traffic
from deploy.traffic import Json, Pin, Split, Survey, Target
from deploy.workload import Held, Revision, Workload
from rollout import idle
from rollout.idle import Idle
from rollout.seen import Decision, Define, Pace, Restore, Steer, Sweep, Told

MARKS = (names.FIELD_MANAGER, names.POD_TEMPLATE_HASH)
"""What stands in every object in which anything of ours does: a leg's name or label, or one of our keys."""

SERVICE = kinds.SERVICE.kind


@dataclass(frozen=True)
class Left:
    """What is seen of a Deployment (None: it is gone) and of its Service's route, without any release in flight."""

    workload: Workload | None
    revisions: tuple[Revision, ...] = ()
    route: Survey = field(default_factory=Survey)
    route_age: float = 0.0
    """Seconds since the present content of the route's objects was first seen."""
    canaries: int = 0
    """Canary Deployments that nobody has told to go yet."""
    leavers: int = 0
    """Canaries' pods and addresses that still serve."""
    remains: bool = False
    """Objects of ours are left that are neither a split nor a leg which the router can use."""


def decide(left: Left, pace: Pace) -> Decision:
    """The next acts; no acts and no `look_again` where nothing of ours is left but the template's own pause."""
    shown = {pin for pin in left.route.shown if pin.label == names.RELEASE}
    if shown:
        return fall(left, pace)
    if left.canaries:
        return _waited(left, max(pace.settle, pace.drain)) or Decision((Sweep(),), (), pace.poll)
    if left.leavers:
        return Decision((), (Told("Draining", f"{left.leavers} of the canary's pods still serve"),), pace.poll)
    if left.route.shown:
        return _waited(left, pace.settle) or Decision((Restore(),), (), pace.settle)
    if left.route.legs:
        return _waited(left, pace.settle) or Decision((Define(frozenset()),), (), pace.poll)
    if left.remains:
        return _waited(left, pace.settle) or Decision((Restore(), Define(frozenset())), (), pace.settle)
    return template(left, pace)


def fall(left: Left, pace: Pace) -> Decision:
    """The canary's leg goes: to the stable pins while they are whole, to the root where that is the judged version."""
    work = left.workload
    stable = stable_split(left)
    if stable is not None:
        return Decision((Steer(stable),), (Told("Fallen", "all traffic back to stable"),), pace.settle)
    if work is None or work.deleting or (not work.paused and work.rolled_out):
        return Decision((Restore(),), (Told("Restored", "the route goes to the Deployment's own pods"),), pace.settle)
    if work.paused:
        text = (
            "its template was paused half way through the roll-out, so the old pods are not whole: users stay on the"
            f" canary; to go on: kubectl -n {work.namespace} rollout resume deployment/{work.name}"
            " (where the hold refuses that: with --as, in the name of the controller's account)"
        )
    else:
        text = "the Deployment rolls: users stay on the canary until the roll-out is whole"
    return Decision((), (Told("Rolling", text),), pace.poll)


def stable_split(left: Left) -> Split | None:
    """All traffic shared among the stable pins as they share it now, if their ReplicaSets are the whole Deployment."""
    pins = [pin for pin in left.route.shown if pin.label == names.POD_TEMPLATE_HASH]
    if left.workload is None or not pins or not _are_whole(left.workload, left.revisions, pins):
        return None
    sizes = {item.hash: item.replicas for item in left.revisions}
    return shared({pin: sizes.get(pin.value, 0) for pin in sorted(pins)})


def shared(sizes: Mapping[Pin, int]) -> Split:
    """All traffic among pins by their sizes; evenly where all are empty."""
    total = sum(sizes.values())
    parts = [traffic.WHOLE * (size if total else 1) // (total or len(sizes)) for size in sizes.values()]
    parts[0] += traffic.WHOLE - sum(parts)
    return Split(tuple(zip(sizes, parts, strict=True)))


def _are_whole(work: Workload, revisions: Sequence[Revision], pins: Sequence[Pin]) -> bool:
    """Whether every pod of the Deployment's own is behind these pins, and none of them is being replaced."""
    hashes = {pin.value for pin in pins}
    running = [item for item in revisions if item.replicas > 0]
    if not running or not all(item.hash in hashes for item in running):
        return False
    return work.paused or all(item.digest == work.digest for item in running)


def template(left: Left, pace: Pace) -> Decision:
    """What the Deployment's own marks need: what runs already is let go, what nobody judged stays paused."""
    work = left.workload
    if work is None or work.deleting or work.held is None:
        return Decision()
    if work.held is Held.ROLLING and not work.paused and not work.rolled_out:
        return Decision((), (Told("Rolling", "the Deployment rolls; its mark goes when that is over"),), pace.poll)
    return idle.opted_out(Idle(work, left.revisions))


def _waited(left: Left, seconds: float) -> Decision | None:
    return Decision(look_again=seconds - left.route_age) if left.route_age < seconds else None


def is_touched(body: Json) -> bool:
    """Whether an object can show anything of ours: a leg's name, a pin or a mark of ours stands in it."""
    return any(mark in _text(body) for mark in MARKS)


def services(objects: Mapping[str, Sequence[Json]]) -> frozenset[tuple[str, str]]:
    """Namespace and name of every Service of which a touched object may show something of ours.

    objects: all of each kind, with all Services. Which of them do is the routers' to say, as they read the names.
    A preview is no route: it goes with the canary.
    """
    spaces: dict[str, set[str]] = {}
    for body in objects.get(SERVICE, ()):
        spaces.setdefault(body["metadata"]["name"], set()).add(body["metadata"]["namespace"])
    found: set[tuple[str, str]] = set()
    touched = (body for items in objects.values() for body in items if is_touched(body) and not preview.is_ours(body))
    for body in touched:
        text, own = _text(body), body["metadata"]["namespace"]
        for name in _mentioned(body):
            found |= {(own, name)}
            found |= {(space, name) for space in spaces.get(name, ()) if f".{space}" in text or f'"{space}"' in text}
    return frozenset(found)


def _mentioned(body: Json) -> Iterator[str]:
    """The names of Services that an object is about, by any router that takes it, or by its own note.

    A leg tells by its note for which it stood; by its name too, where its Service is gone.
    """
    noted = (body["metadata"].get("annotations") or {}).get(backends.ROOT)
    if noted:
        yield noted
    for router in routers.TABLE.values():
        if body["kind"] in router.KINDS:
            for name in router.mentions(body):
                stood_for = name.partition(backends.JOINT)[0] if backends.is_leg_name(name) else name
                yield from (each for each in (stood_for,) if each and "*" not in each)


def _text(body: Json) -> str:
    about = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return json.dumps([about, body.get("spec")], sort_keys=True)


def target(namespace: str, service: str, domain: str) -> Target:
    """A Service that leads to no Deployment that is known."""
    return Target(namespace, service, {}, {}, domain)
