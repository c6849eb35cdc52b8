"""The backendRefs of one rule: what the user wrote there, how they show a split, how they are put back.

A ref gets weight/sum of its rule's requests, a lone one with any weight all of them, and an absent weight counts 1.
From that follow three ways of writing them:

* Prepared: the user's ref as it is, and beside it a ref at weight 0 for each leg, so that implementations that learn
  of a backend by the route know it before it is given requests.
* The user's only ref becomes legs that sum to 100, or to 10000 where a share is no whole percent.
* In a list of several, one unit of the user's weight counts 100, or 1000 or 10000 where a share asks for it, while a
  leg of any release stands in the list, so nobody's share moves, and releases of two Services in one list may come and
  go in any order.

The unit is told by what was saved of the list, and without that by what divides all its weights.
"""

import copy
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from deploy import backends, traffic
from deploy.traffic import WHOLE, Json

HUNDRED = 100
UNITS = (WHOLE, 1_000, HUNDRED)
"""What a unit may count, the finest first; each is a multiple of the next."""
FINEST = 1_000
"""Parts of which a place must at least consist where it is split: a tenth of a percent."""
HEAVIEST = 1_000_000
"""The largest weight of a ref, and MOST of them in a rule (Gateway API 1.6, HTTPRoute)."""
MOST = 16

Refs = Sequence[Json]


@dataclass(frozen=True)
class Reader:
    """Tells whose a ref is, in the routes of one namespace.

    owns: whether the user's ref leads to the target. pin: that of a leg of the target; None for every other ref.
    """

    owns: Callable[[Json], bool]
    pin: Callable[[Json], traffic.Pin | None]
    service: str


@dataclass(frozen=True)
class Place:
    """One ref of the user's where it stands: whole, prepared, or split.

    written: the user's entry; without a weight where legs alone stand for it. root: its own weight, None without it.
    """

    written: Json
    ours: bool
    root: int | None
    legs: tuple[tuple[traffic.Pin, int], ...] = ()

    @property
    def weight(self) -> int:
        return (self.root or 0) + sum(weight for _, weight in self.legs)

    @property
    def pins(self) -> tuple[traffic.Pin, ...]:
        return tuple(pin for pin, _ in self.legs)

    @property
    def is_split(self) -> bool:
        """Whether legs have the place's requests; zeros beside the user's ref have none."""
        return any(weight for _, weight in self.legs) or (self.root is None and bool(self.legs))

    def weighing(self, weight: int) -> Json:
        """The user's entry with `weight`; without one where the user wrote none and it would say the same."""
        entry = copy.deepcopy(self.written)
        if "weight" in entry or weight != 1:
            entry["weight"] = weight
        return entry


@dataclass(frozen=True)
class Shown:
    """What one place shows: its split, None where it is whole; exact is False where parts had to be guessed."""

    split: traffic.Split | None
    exact: bool = True


def weight_of(ref: Json) -> int:
    """A ref's weight; what is absent counts 1."""
    weight = ref.get("weight")
    return weight if isinstance(weight, int) else 1


def unweighted(ref: Json) -> Json:
    return {key: value for key, value in ref.items() if key != "weight"}


def places(refs: Refs, reader: Reader) -> tuple[Place, ...]:
    """The user's refs in the list: legs that follow their ref, or each other, count as that one."""
    found: list[Place] = []
    for ref in refs:
        pin = reader.pin(ref)
        if pin is None:
            found.append(Place(ref, reader.owns(ref), weight_of(ref)))
            continue
        written = {**unweighted(ref), "name": reader.service}
        last = found[-1] if found else None
        if last and last.ours and unweighted(last.written) == written and pin not in last.pins:
            found[-1] = replace(last, legs=(*last.legs, (pin, weight_of(ref))))
        else:
            found.append(Place(copy.deepcopy(written), True, None, ((pin, weight_of(ref)),)))
    return tuple(found)


def concerns(refs: Refs, reader: Reader) -> bool:
    """Whether any ref in the list is the target's."""
    return any(place.ours for place in places(refs, reader))


def prepare(refs: Refs, pins: Collection[traffic.Pin], reader: Reader) -> list[Json]:
    """The list with a ref at weight 0 for each of these pins that has none yet; zeros of other pins are taken away."""
    made: list[Json] = []
    for place in places(refs, reader):
        if place.root is not None:
            made.append(copy.deepcopy(place.written))
        kept = [(pin, weight) for pin, weight in place.legs if weight or pin in pins]
        new = [(pin, 0) for pin in sorted(pins) if pin not in place.pins] if place.ours and place.weight else []
        made += [_leg(place, pin, weight) for pin, weight in (*kept, *new)]
    return made


def is_prepared(refs: Refs, pin: traffic.Pin, reader: Reader) -> bool:
    """Whether every place of the target that has requests has a ref for the pin."""
    return all(pin in place.pins for place in places(refs, reader) if place.ours and place.weight)


def show(refs: Refs, split: traffic.Split, reader: Reader, known: Refs | None = None) -> list[Json]:
    """The list with every ref of the target split so; all else keeps its share. `known`: what was saved of it."""
    found = places(refs, reader)
    if not any(place.ours and place.weight for place in found):
        return whole(refs, reader, known)
    if _alone(found):
        return _split(found[0], split, HUNDRED if _percents(split) else WHOLE)
    now = unit(found, known)
    wanted = _unit_for(split, [place.weight // now for place in found if place.ours], _heaviest(found, now))
    wanted = max(wanted, now) if _others_stand(found) else wanted
    made: list[Json] = []
    for place in found:
        weight = place.weight * wanted // now
        made += _split(place, split, weight) if place.ours and weight else [place.weighing(weight)]
    return made


def whole(refs: Refs, reader: Reader, known: Refs | None = None) -> list[Json]:
    """The list as it is without legs of the target; while another's legs stand in it, it stays scaled."""
    found = places(refs, reader)
    if _alone(found):
        place = found[0]
        if not place.is_split:
            return [copy.deepcopy(place.written)]
        return [copy.deepcopy(known[0])] if known is not None and len(known) == 1 else [place.weighing(1)]
    now = 1 if _others_stand(found) else unit(found, known)
    mine = iter(known or ())
    made: list[Json] = []
    for place in found:
        entry = place.weighing(place.weight // now)
        saved = next(mine, None) if place.ours else None
        same = saved is not None and unweighted(saved) == unweighted(entry) and weight_of(saved) == weight_of(entry)
        made.append(copy.deepcopy(saved) if saved is not None and same else entry)
    return made


def content(refs: Refs, reader: Reader) -> list[Json]:
    """The target's refs in the list as the user wrote them; without a weight where legs hide it."""
    found = places(refs, reader)
    now = unit(found)
    mine = [place for place in found if place.ours]
    return [unweighted(place.written) if place.is_split else place.weighing(place.weight // now) for place in mine]


def shown(refs: Refs, reader: Reader) -> tuple[Shown, ...]:
    """What each ref of the target shows; those without requests, which show nothing, are left out."""
    return tuple(_shown(place) for place in places(refs, reader) if place.ours and place.weight)


def fault(refs: Refs, reader: Reader) -> str | None:
    """Why the list can not be split, as the end of a sentence."""
    found = places(refs, reader)
    mine = sum(place.ours for place in found)
    if len(found) + 3 * mine > MOST:
        return f"has {len(found)} backendRefs, and each to the Service needs up to 3 more: at most {MOST} are allowed"
    bare = [unweighted(place.written) for place in found if place.ours]
    if any(entry in bare[:nth] for nth, entry in enumerate(bare)):
        return "names the Service twice in the same way: join the two refs into one"
    now = unit(found)
    heaviest = _heaviest(found, now)
    if _alone(found):
        return None
    if heaviest * HUNDRED > HEAVIEST:
        return f"has a weight too large to be split, {heaviest}: use numbers of at most {HEAVIEST // HUNDRED}"
    mine_weights = [place.weight // now for place in found if place.ours and place.weight]
    if any(weight * _finest(heaviest) < FINEST for weight in mine_weights):
        return f"gives the Service a weight too small to be split, {min(mine_weights)} beside {heaviest}"
    return None


def unit(found: Sequence[Place], known: Refs | None = None) -> int:
    """What one unit of the user's weights counts in this list now; 1 while no legs have requests."""
    if not (any(place.is_split for place in found) or _others_stand(found)) or _alone(found):
        return 1
    for place, saved in zip([place for place in found if place.ours], known or (), strict=False):
        if weight_of(saved) > 0 and place.weight % weight_of(saved) == 0 and place.weight // weight_of(saved) in UNITS:
            return place.weight // weight_of(saved)
    sums: Counter[object] = Counter()
    for nth, place in enumerate(found):
        name = str(place.written.get("name", ""))
        sums[name.partition(backends.JOINT)[0] if _is_others(place) else nth] += place.weight
    return next((one for one in UNITS if all(total % one == 0 for total in sums.values())), 1)


def _heaviest(found: Sequence[Place], now: int) -> int:
    return max(place.weight // now for place in found)


def _finest(heaviest: int) -> int:
    """The largest unit by which all weights of a list can be multiplied."""
    return next((one for one in UNITS if heaviest * one <= HEAVIEST), HUNDRED)


def _unit_for(split: traffic.Split, users: Sequence[int], heaviest: int) -> int:
    """Small numbers where they say the split exactly, else the finest."""
    exact = all(user * HUNDRED * parts % WHOLE == 0 for user in users for _, parts in split.shares)
    return HUNDRED if exact else _finest(heaviest)


def _leg(place: Place, pin: traffic.Pin, weight: int) -> Json:
    entry = copy.deepcopy(place.written)
    return {**entry, "name": backends.name(str(place.written["name"]), pin), "weight": weight}


def _split(place: Place, split: traffic.Split, total: int) -> list[Json]:
    """Legs for one ref, their weights summing to `total`, each the nearest to its share; the largest takes the rest."""
    weights = [(2 * total * parts + WHOLE) // (2 * WHOLE) for _, parts in split.shares]
    largest = max(range(len(weights)), key=weights.__getitem__)
    weights[largest] += total - sum(weights)
    return [_leg(place, pin, weight) for pin, weight in zip(split.pins, weights, strict=True)]


def _percents(split: traffic.Split) -> bool:
    return all(parts % (WHOLE // HUNDRED) == 0 for _, parts in split.shares)


def _alone(found: Sequence[Place]) -> bool:
    return len(found) == 1 and found[0].ours


def _is_others(place: Place) -> bool:
    return not place.ours and backends.is_leg_name(str(place.written.get("name", "")))


def _others_stand(found: Sequence[Place]) -> bool:
    """Whether legs of another release have requests in this list."""
    return any(_is_others(place) and place.weight for place in found)


def _shown(place: Place) -> Shown:
    if not place.is_split:
        return Shown(None)
    if place.root:
        return Shown(None, exact=False)
    parts = [(2 * weight * WHOLE + place.weight) // (2 * place.weight) for _, weight in place.legs]
    lost = WHOLE - sum(parts)
    largest = max(range(len(parts)), key=parts.__getitem__)
    parts[largest] += lost
    return Shown(traffic.Split(tuple(zip(place.pins, parts, strict=True))), exact=lost == 0)
