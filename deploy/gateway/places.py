"""The user's refs in one list of backendRefs: each whole, prepared beside zeros, or split into legs."""

import copy
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from deploy import backends, traffic
from deploy.traffic import WHOLE, Json

HUNDRED = 100
UNITS = (WHOLE, 1_000, HUNDRED)
"""What a unit may count, the finest first; each is a multiple of the next."""

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


def weight_of(ref: Json) -> int:
    """A ref's weight; what is absent counts 1."""
    weight = ref.get("weight")
    return weight if isinstance(weight, int) else 1


def unweighted(ref: Json) -> Json:
    return {key: value for key, value in ref.items() if key != "weight"}


def weighed(ref: Json) -> Json:
    """The ref with its weight, also where it is absent."""
    return {**ref, "weight": weight_of(ref)}


def of(refs: Refs, reader: Reader) -> tuple[Place, ...]:
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


def unit(found: Sequence[Place], known: Refs | None = None) -> int:
    """What one unit of the user's weights counts in this list now; 1 while no legs have requests."""
    if not (any(place.is_split for place in found) or others_stand(found)) or is_alone(found):
        return 1
    for place, saved in zip([place for place in found if place.ours], known or (), strict=False):
        if weight_of(saved) > 0 and place.weight % weight_of(saved) == 0 and place.weight // weight_of(saved) in UNITS:
            return place.weight // weight_of(saved)
    sums: Counter[object] = Counter()
    for nth, place in enumerate(found):
        name = str(place.written.get("name", ""))
        sums[name.partition(backends.JOINT)[0] if _is_others(place) else nth] += place.weight
    return next((one for one in UNITS if all(total % one == 0 for total in sums.values())), 1)


def is_alone(found: Sequence[Place]) -> bool:
    return len(found) == 1 and found[0].ours


def _is_others(place: Place) -> bool:
    return not place.ours and backends.is_leg_name(str(place.written.get("name", "")))


def others_stand(found: Sequence[Place]) -> bool:
    """Whether legs of another release have requests in this list."""
    return any(_is_others(place) and place.weight for place in found)
