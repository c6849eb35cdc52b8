"""The weights in one list of destinations: what the user wrote there, how it shows a split, how it is put back.

Istio gives a destination weight/sum of its list, whatever the sum is; a lone destination gets everything, whatever
its weight. From that follow two ways of writing a split:

* The user's only destination becomes legs that sum to 100, or to 10000 where a share is no whole percent.
* In a list of several, one unit of the user's weight counts WHOLE while a leg of any release stands in the list. So a
  destination of weight W becomes legs of W x share, nobody else's share moves, and releases of two Services in one
  list may come and go in any order: who comes when legs stand there finds the list scaled, and the last to leave
  divides it again. A weight that is absent counts 0, is never split, and stays absent.
"""

import copy
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from deploy import traffic
from deploy.istio import leg_names
from deploy.traffic import WHOLE, Json

HUNDRED = 100
HEAVIEST_ENTRY = 2**31 - 1
"""A weight is an int32 (VirtualService CRD)."""
HEAVIEST_LIST = 2**32 - 1
"""The sum that Envoy takes for one weighted_clusters (uint32)."""

Route = Sequence[Json]


@dataclass(frozen=True)
class Reader:
    """Tells whose an entry is, in the lists of one namespace.

    owns: whether the user's entry leads to the target.
    leg: what a leg of the target stands for; None for every other entry, also a leg of another Service.
    """

    owns: Callable[[Json], bool]
    leg: Callable[[Json], leg_names.Leg | None]


@dataclass(frozen=True)
class Place:
    """One destination of the user's where it stands in the list: whole, or split into legs.

    written: the user's entry; without a weight where `legs` stand for it.
    """

    written: Json
    ours: bool
    legs: tuple[tuple[traffic.Pin, int], ...] = ()

    @property
    def weight(self) -> int:
        return sum(weight for _, weight in self.legs) if self.legs else weight_of(self.written)

    @property
    def pins(self) -> tuple[traffic.Pin, ...]:
        return tuple(pin for pin, _ in self.legs)

    def weighing(self, weight: int) -> Json:
        """The user's entry with `weight`; without one where the user wrote none."""
        entry = copy.deepcopy(self.written)
        if self.legs or entry.get("weight") is not None:
            entry["weight"] = weight
        return entry


@dataclass(frozen=True)
class Shown:
    """What one destination shows: its split, None where it is whole; exact is False where parts had to be rounded."""

    split: traffic.Split | None
    exact: bool = True


def weight_of(entry: Json) -> int:
    """An entry's weight; what is absent counts 0, as in istiod."""
    weight = entry.get("weight")
    return weight if isinstance(weight, int) else 0


def subset_of(entry: Json) -> str | None:
    subset: str | None = (entry.get("destination") or {}).get("subset") or None
    return subset


def places(route: Route, reader: Reader) -> tuple[Place, ...]:
    """The user's destinations in the list: neighbouring legs of one destination count as that destination."""
    found: list[Place] = []
    for entry in route:
        leg = reader.leg(entry)
        if leg is None:
            found.append(Place(entry, reader.owns(entry)))
            continue
        mine = Place(_before(entry, leg), True, ((leg.pin, weight_of(entry)),))
        last = found[-1] if found else None
        if last and last.legs and last.written == mine.written and leg.pin not in last.pins:
            found[-1] = replace(last, legs=last.legs + mine.legs)
        else:
            found.append(mine)
    return tuple(found)


def alone(route: Route, reader: Reader) -> bool:
    """Whether the list leads to one destination, and that is the target's."""
    return _alone(places(route, reader))


def concerns(route: Route, reader: Reader) -> bool:
    """Whether any destination in the list is the target's."""
    return any(place.ours for place in places(route, reader))


def show(route: Route, split: traffic.Split, reader: Reader) -> list[Json]:
    """The list with every destination of the target split so; all else keeps its share.

    A destination of weight 0 among others has no traffic to split and stays whole.
    """
    found = places(route, reader)
    if _alone(found):
        percents = all(parts % (WHOLE // HUNDRED) == 0 for _, parts in split.shares)
        return _legs(found[0], split, HUNDRED if percents else WHOLE)
    if not any(place.ours and place.weight for place in found):
        return whole(route, reader)
    factor = WHOLE // _unit(found)
    shown: list[Json] = []
    for place in found:
        weight = place.weight * factor
        shown += _legs(place, split, weight) if place.ours and weight else [place.weighing(weight)]
    return shown


def whole(route: Route, reader: Reader, lone: Json | None = None) -> list[Json]:
    """The list as it is without legs of the target; while another's legs stand in it, it stays scaled.

    lone: the user's only destination as it was saved: its weight cannot be told from its legs.
    """
    found = places(route, reader)
    if _alone(found):
        return [_lone(found[0], lone)]
    unit = 1 if _others_stand(found) else _unit(found)
    return [place.weighing(place.weight // unit) for place in found]


def content(route: Route, reader: Reader) -> list[Json]:
    """The target's destinations in the list as the user wrote them, in the user's own units."""
    found = places(route, reader)
    if _alone(found):
        return [_lone(found[0], None)]
    unit = _unit(found)
    return [place.weighing(place.weight // unit) for place in found if place.ours]


def shown(route: Route, reader: Reader) -> tuple[Shown, ...]:
    """What each destination of the target shows; those without traffic, which show nothing, are left out."""
    found = places(route, reader)
    return tuple(_shown(place) for place in found if place.ours and (place.weight or len(found) == 1))


def fault(route: Route, reader: Reader) -> str | None:
    """Why the list's weights cannot be split, as the end of a sentence."""
    found = places(route, reader)
    weights = [place.weight for place in found]
    entries = [weight for place in found for weight in ([w for _, w in place.legs] or [place.weight])]
    if min(entries) < 0:
        return f"has a negative weight: {entries}"
    if _alone(found):
        return None
    if sum(weights) == 0:
        return f"has {len(weights)} destinations that all weigh 0: at least one must have a weight"
    unit = WHOLE // _unit(found)
    if max(weights) * unit > HEAVIEST_ENTRY or sum(weights) * unit > HEAVIEST_LIST:
        return f"has weights too large to be split in {WHOLE} parts: {weights}; use numbers that sum to 100"
    return None


def _before(entry: Json, leg: leg_names.Leg) -> Json:
    """The user's entry behind a leg, without its weight."""
    written = copy.deepcopy(entry)
    written.pop("weight", None)
    del written["destination"]["subset"]
    if leg.subset is not None:
        written["destination"]["subset"] = leg.subset
    return written


def _legs(place: Place, split: traffic.Split, total: int) -> list[Json]:
    """Legs for one destination, their weights summing to `total`."""
    legs = []
    for pin, parts in split.shares:
        entry = copy.deepcopy(place.written)
        entry["destination"]["subset"] = leg_names.encode(pin, subset_of(place.written))
        entry["weight"] = total * parts // WHOLE
        legs.append(entry)
    return legs


def _lone(place: Place, saved: Json | None) -> Json:
    entry = copy.deepcopy(place.written)
    if place.legs and saved is not None and "weight" in saved:
        entry["weight"] = saved["weight"]
    return entry


def _alone(found: Sequence[Place]) -> bool:
    return len(found) == 1 and found[0].ours


def _others_stand(found: Sequence[Place]) -> bool:
    return any(not place.ours and leg_names.is_leg(subset_of(place.written)) for place in found)


def _unit(found: Sequence[Place]) -> int:
    """What one unit of the user's weights counts in this list now.

    A list with legs is scaled. Where somebody has edited it so that it cannot be, its weights are taken as they are.
    """
    sums: Counter[object] = Counter()
    for nth, place in enumerate(found):
        other_leg = not place.ours and leg_names.is_leg(subset_of(place.written))
        sums[(place.written["destination"].get("host") or "").lower() if other_leg else nth] += place.weight
    split = any(place.legs for place in found) or _others_stand(found)
    return WHOLE if split and not _alone(found) and all(total % WHOLE == 0 for total in sums.values()) else 1


def _shown(place: Place) -> Shown:
    total = place.weight
    if len(place.legs) == 1:
        return Shown(traffic.Split(((place.pins[0], WHOLE),)))
    if total <= 0 or any(weight < 0 for _, weight in place.legs) or not place.legs:
        return Shown(None)
    parts = [weight * WHOLE // total for _, weight in place.legs]
    largest = max(range(len(parts)), key=parts.__getitem__)
    lost = WHOLE - sum(parts)
    parts[largest] += lost
    return Shown(traffic.Split(tuple(zip(place.pins, parts, strict=True))), exact=lost == 0)
