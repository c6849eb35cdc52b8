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
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import gcd, lcm

from deploy import backends, traffic
from deploy.gateway import places
from deploy.traffic import WHOLE, Json

FINEST = 1_000
"""Parts of which a place must at least consist where it is split, or of a multiple: a tenth of a percent each."""
HEAVIEST = 1_000_000
"""The largest weight of a ref, and MOST of them in a rule (Gateway API 1.6, HTTPRoute)."""
MOST = 16

Refs = Sequence[Json]


@dataclass(frozen=True)
class Shown:
    """What one place shows: its split, None where it is whole; exact is False where parts had to be guessed."""

    split: traffic.Split | None
    exact: bool = True


def concerns(refs: Refs, reader: places.Reader) -> bool:
    """Whether any ref in the list is the target's."""
    return any(place.ours for place in places.of(refs, reader))


def prepare(refs: Refs, pins: Collection[traffic.Pin], reader: places.Reader) -> list[Json]:
    """The list with a ref at weight 0 for each of these pins that has none yet; zeros of other pins are taken away."""
    made: list[Json] = []
    for place in places.of(refs, reader):
        if place.root is not None:
            made.append(copy.deepcopy(place.written))
        kept = [(pin, weight) for pin, weight in place.legs if weight or pin in pins]
        new = [(pin, 0) for pin in sorted(pins) if pin not in place.pins] if place.ours and place.weight else []
        made += [_leg(place, pin, weight) for pin, weight in (*kept, *new)]
    return made


def is_prepared(refs: Refs, pin: traffic.Pin, reader: places.Reader) -> bool:
    """Whether every place of the target that has requests has a ref for the pin."""
    return all(pin in place.pins for place in places.of(refs, reader) if place.ours and place.weight)


def show(refs: Refs, split: traffic.Split, reader: places.Reader, known: Refs | None = None) -> list[Json]:
    """The list with every ref of the target split so; all else keeps its share. `known`: what was saved of it."""
    found = places.of(refs, reader)
    if not any(place.ours and place.weight for place in found):
        return whole(refs, reader, known)
    if places.is_alone(found):
        return _split(found[0], split, places.HUNDRED if _percents(split) else WHOLE)
    now = places.unit(found, known)
    wanted = _unit_for(split, [place.weight // now for place in found if place.ours], _heaviest(found, now))
    wanted = max(wanted, now) if places.others_stand(found) else wanted
    made: list[Json] = []
    for place in found:
        weight = place.weight * wanted // now
        made += _split(place, split, weight) if place.ours and weight else [place.weighing(weight)]
    return made


def whole(refs: Refs, reader: places.Reader, known: Refs | None = None) -> list[Json]:
    """The list as it is without legs of the target; while another's legs stand in it, it stays scaled."""
    found = places.of(refs, reader)
    if places.is_alone(found):
        place = found[0]
        if not place.is_split:
            return [copy.deepcopy(place.written)]
        return [copy.deepcopy(known[0])] if known is not None and len(known) == 1 else [place.weighing(1)]
    now = 1 if places.others_stand(found) else places.unit(found, known)
    mine = iter(known or ())
    made: list[Json] = []
    for place in found:
        entry = place.weighing(place.weight // now)
        saved = next(mine, None) if place.ours else None
        same = saved is not None and places.weighed(saved) == places.weighed(entry)
        made.append(copy.deepcopy(saved) if saved is not None and same else entry)
    return made


def content(refs: Refs, reader: places.Reader) -> list[Json]:
    """The target's refs in the list as the user wrote them; without a weight where legs hide it."""
    found = places.of(refs, reader)
    now = places.unit(found)
    mine = [place for place in found if place.ours]
    return [places.unweighted(one.written) if one.is_split else one.weighing(one.weight // now) for one in mine]


def shown(refs: Refs, reader: places.Reader) -> tuple[Shown, ...]:
    """What each ref of the target shows; those without requests, which show nothing, are left out."""
    return tuple(_shown(place) for place in places.of(refs, reader) if place.ours and place.weight)


def fault(refs: Refs, reader: places.Reader) -> str | None:
    """Why the list can not be split, as the end of a sentence."""
    found = places.of(refs, reader)
    mine = sum(place.ours for place in found)
    if len(found) + 3 * mine > MOST:
        return f"has {len(found)} backendRefs, and each to the Service needs up to 3 more: at most {MOST} are allowed"
    bare = [places.unweighted(place.written) for place in found if place.ours]
    if any(entry in bare[:nth] for nth, entry in enumerate(bare)):
        return "names the Service twice in the same way: join the two refs into one"
    now = places.unit(found)
    heaviest = _heaviest(found, now)
    if places.is_alone(found):
        return None
    if heaviest * places.HUNDRED > HEAVIEST:
        return f"has a weight too large to be split, {heaviest}: use numbers of at most {HEAVIEST // places.HUNDRED}"
    mine_weights = [place.weight // now for place in found if place.ours and place.weight]
    totals = [weight * _finest(heaviest) for weight in mine_weights]
    if any(total < WHOLE and total % FINEST for total in totals):
        return f"gives the Service a weight too small to be split, {min(mine_weights)} beside {heaviest}"
    return None


def grain(refs: Refs, reader: places.Reader) -> int:
    """Parts of WHOLE of which each share must be a multiple: weights are whole numbers with a limit."""
    found = places.of(refs, reader)
    if places.is_alone(found):
        return 1
    now = places.unit(found)
    totals = [place.weight // now * _finest(_heaviest(found, now)) for place in found if place.ours and place.weight]
    return lcm(*(WHOLE // gcd(total, WHOLE) for total in totals if 0 < total < WHOLE))


def _heaviest(found: Sequence[places.Place], now: int) -> int:
    return max(place.weight // now for place in found)


def _finest(heaviest: int) -> int:
    """The largest unit by which all weights of a list can be multiplied."""
    return next((one for one in places.UNITS if heaviest * one <= HEAVIEST), places.HUNDRED)


def _unit_for(split: traffic.Split, users: Sequence[int], heaviest: int) -> int:
    """Small numbers where they say the split exactly, else the finest."""
    exact = all(user * places.HUNDRED * parts % WHOLE == 0 for user in users for _, parts in split.shares)
    return places.HUNDRED if exact else _finest(heaviest)


def _leg(place: places.Place, pin: traffic.Pin, weight: int) -> Json:
    entry = copy.deepcopy(place.written)
    return {**entry, "name": backends.name(str(place.written["name"]), pin), "weight": weight}


def _split(place: places.Place, split: traffic.Split, total: int) -> list[Json]:
    """Legs for one ref, their weights summing to `total`, each the nearest to its share; the largest takes the rest."""
    weights = [(2 * total * parts + WHOLE) // (2 * WHOLE) for _, parts in split.shares]
    largest = max(range(len(weights)), key=weights.__getitem__)
    weights[largest] += total - sum(weights)
    return [_leg(place, pin, weight) for pin, weight in zip(split.pins, weights, strict=True)]


def _percents(split: traffic.Split) -> bool:
    return all(parts % (WHOLE // places.HUNDRED) == 0 for _, parts in split.shares)


def _shown(place: places.Place) -> Shown:
    if not place.is_split:
        return Shown(None)
    if place.root:
        return Shown(None, exact=False)
    parts = [(2 * weight * WHOLE + place.weight) // (2 * place.weight) for _, weight in place.legs]
    lost = WHOLE - sum(parts)
    largest = max(range(len(parts)), key=parts.__getitem__)
    parts[largest] += lost
    return Shown(traffic.Split(tuple(zip(place.pins, parts, strict=True))), exact=lost == 0)
