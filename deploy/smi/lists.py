"""The backends of one TrafficSplit: what the user wrote there, how they show a split, how they are put back.

A weight counts relative to the sum of its list; where all are 0 the mesh takes it for no split at all. From that
follow two ways of writing one:

* The user's only backend becomes legs that sum to 100, or to 10000 where a share is no whole percent.
* In a list of several, a backend of weight W becomes legs of W x share, and the others stay as they are. Where such a
  weight cannot be written (4 / 5 in a version that knows whole numbers only), all weights of the list are multiplied
  by the smallest number that helps. That number stands beside the list as an annotation as long as it is not 1, so
  releases of two Services in one list may come and go in any order, and the last to leave divides it again.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from deploy import traffic
from deploy.smi import places, weights
from deploy.traffic import WHOLE, Json

HUNDRED = 100


@dataclass(frozen=True)
class Written:
    """A list as it is to stand, and the factor to be noted beside it."""

    backends: list[Json]
    scale: int = 1


@dataclass(frozen=True)
class Shown:
    """What one backend shows: its split, None where it is whole; exact is False where parts had to be rounded."""

    split: traffic.Split | None
    exact: bool = True


def show(lane: places.Lane, split: traffic.Split, name: Callable[[str, traffic.Pin], str]) -> Written:
    """The list with every backend of the target split so; all else keeps its share. name: of a backend's leg.

    A backend of weight 0 among others has no traffic to split and stays whole.
    """
    found = places.find(lane)
    if places.is_alone(found):
        percents = all(parts % (WHOLE // HUNDRED) == 0 for _, parts in split.shares)
        only = replace(found[0], weight=Fraction(HUNDRED if percents else WHOLE))
        return _written(lane, _legs(only, split, name), scaled=True)
    if not any(place.ours and place.weight for place in found):
        return whole(lane, {})
    lines: list[tuple[Json, Fraction]] = []
    for place in found:
        lines += _legs(place, split, name) if place.ours and place.weight else [(place.written, place.weight)]
    return _written(lane, lines, scaled=True)


def whole(lane: places.Lane, literals: Mapping[str, weights.Literal]) -> Written:
    """The list as it is without legs of the target; while another's legs stand in it, it may stay multiplied.

    literals: weights as the user spelt them, by backend; an only backend's can not be told from its legs.
    """
    found = places.find(lane)
    if places.is_alone(found):
        return Written([_lone(found[0], literals)])
    others_stand = any(lane.reader.is_leg(place.name) for place in found)
    lines = [(place.written | {"weight": 0} if place.legs else place.written, place.weight) for place in found]
    written = _written(lane, lines, scaled=others_stand)
    if written.scale != 1:
        return written
    return Written([_respelt(entry, literals) for entry in written.backends])


def content(lane: places.Lane) -> list[Json]:
    """The target's backends in the list as the user wrote them; without a weight where legs hide it."""
    found = places.find(lane)
    if places.is_alone(found):
        return [_lone(found[0], {})]
    return [_whole(lane, place) for place in found if place.ours]


def spelt(lane: places.Lane) -> dict[str, weights.Literal]:
    """How the user spelt the weight of each backend that stands whole, in the list's present units."""
    if lane.scale != 1:
        return {}
    whole_places = (place for place in places.find(lane) if not place.legs and not lane.reader.is_leg(place.name))
    return {place.name: place.written["weight"] for place in whole_places if "weight" in place.written}


def shown(lane: places.Lane) -> tuple[Shown, ...]:
    """What each backend of the target shows; those without traffic, which show nothing, are left out."""
    found = places.find(lane)
    return tuple(_shown(place) for place in found if place.ours and (place.weight or places.is_alone(found)))


def fault(lane: places.Lane) -> str | None:
    """Why the list's weights cannot be split, as the end of a sentence."""
    if odd := next(_odd(lane), None):
        return odd
    found = places.find(lane)
    if twice := [name for name, times in Counter(place.name for place in found).items() if times > 1]:
        return f"names backend {twice[0]} twice: give it one entry"
    total = sum((place.weight for place in found), Fraction(0))
    if total == 0:
        return "has no backend with a weight above 0: the mesh takes that for no split"
    if places.is_alone(found):
        return None
    finest = [place.weight / WHOLE for place in found if place.ours]
    factor = lane.form.factor(*finest, *(place.weight for place in found))
    if total * factor > lane.form.heaviest:
        spelled = [spell(place.weight) for place in found]
        return f"has weights too large to be split in {WHOLE} parts: {spelled}; use whole numbers that sum to 100"
    return None


def spell(value: Fraction) -> weights.Literal:
    """A weight for people and for what is remembered: also one that no version of TrafficSplit can hold."""
    fine = weights.Form(quantities=True)
    return fine.write(value) if fine.factor(value) == 1 else str(value)


def _legs(
    place: places.Place, split: traffic.Split, name: Callable[[str, traffic.Pin], str]
) -> list[tuple[Json, Fraction]]:
    """Legs for one backend, their weights summing to its own."""
    return [
        (place.written | {"service": name(place.name, pin), "weight": 0}, place.weight * parts / WHOLE)
        for pin, parts in split.shares
    ]


def _written(lane: places.Lane, lines: Sequence[tuple[Json, Fraction]], scaled: bool) -> Written:
    """Entries with their weights in units that the version can hold; what does not change keeps its spelling.

    scaled: whether a factor may be noted, which only legs justify.
    """
    factor = lane.form.factor(*(weight for _, weight in lines))
    made: list[Json] = []
    for entry, weight in lines:
        mine = copy.deepcopy(entry)
        if weights.read(mine.get("weight")) != weight * factor:
            mine["weight"] = lane.form.write(weight * factor)
        made.append(mine)
    return Written(made, factor if scaled else 1)


def _lone(place: places.Place, literals: Mapping[str, weights.Literal]) -> Json:
    entry = copy.deepcopy(place.written)
    if place.legs:
        entry.pop("weight", None)
        entry |= {"weight": literals[place.name]} if place.name in literals else {}
    return entry


def _whole(lane: places.Lane, place: places.Place) -> Json:
    """A backend of several as the user wrote it."""
    if not place.legs and lane.scale == 1:
        return copy.deepcopy(place.written)
    return place.written | {"weight": spell(place.weight)}


def _respelt(entry: Json, literals: Mapping[str, weights.Literal]) -> Json:
    known = literals.get(places.name_of(entry))
    same = known is not None and weights.read(known) == weights.read(entry.get("weight"))
    return entry | {"weight": known} if same else entry


def _odd(lane: places.Lane) -> Iterator[str]:
    """Weights that are none."""
    for entry in lane.backends:
        weight = weights.read(entry.get("weight"))
        where = f"{entry.get('weight')!r} of backend {places.name_of(entry)}"
        if weight is None:
            yield f"has weight {where}, which is no number"
        elif weight < 0:
            yield f"has a negative weight: {where}"
        elif lane.form.factor(weight) != 1:
            yield f"has weight {where}, which must be a multiple of 1/{lane.form.grain}: use whole numbers"


def _shown(place: places.Place) -> Shown:
    if place.is_whole or place.weight <= 0 or any(weight < 0 for _, weight in place.legs):
        return Shown(None)
    parts = [int(weight * WHOLE / place.weight) for _, weight in place.legs]
    largest = max(range(len(parts)), key=parts.__getitem__)
    exact = all(weight * WHOLE / place.weight == part for (_, weight), part in zip(place.legs, parts, strict=True))
    parts[largest] += WHOLE - sum(parts)
    return Shown(traffic.Split(tuple(zip(place.pins, parts, strict=True))), exact)
