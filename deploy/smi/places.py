"""The backends of one TrafficSplit as places: each of the user's, whole or split into legs, and whose it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from deploy import traffic
from deploy.smi import weights
from deploy.traffic import Json

Backends = Sequence[Json]


@dataclass(frozen=True)
class Leg:
    """What stands behind a leg's name: the user's backend as it was written, and the pods."""

    backend: str
    pin: traffic.Pin


@dataclass(frozen=True)
class Reader:
    """Tells whose a backend is, by its name.

    owns: whether the user's backend leads to the target's pods.
    leg: what a leg of the target stands for; None for every other backend, also a leg of another release.
    is_leg: whether a backend was put there by Rampart, for this release or any other.
    """

    owns: Callable[[str], bool]
    leg: Callable[[str], Leg | None]
    is_leg: Callable[[str], bool]


@dataclass(frozen=True)
class Lane:
    """The list of one TrafficSplit, with all that it takes to read it; noted is the factor that stands beside it."""

    owner: str
    backends: Backends
    form: weights.Form
    reader: Reader
    noted: int = 1

    def __str__(self) -> str:
        return f"TrafficSplit {self.owner}"

    @property
    def scale(self) -> int:
        """What one unit of the user's weights counts in this list now; a list without legs is the user's own."""
        return self.noted if any(self.reader.is_leg(name_of(entry)) for entry in self.backends) else 1


@dataclass(frozen=True)
class Place:
    """One backend of the user's where it stands: whole, or split into legs. Weights are in the user's own units.

    written: the user's entry; without a weight where legs alone stand for it.
    """

    written: Json
    weight: Fraction
    ours: bool
    legs: tuple[tuple[traffic.Pin, Fraction], ...] = ()

    @property
    def name(self) -> str:
        return name_of(self.written)

    @property
    def pins(self) -> tuple[traffic.Pin, ...]:
        return tuple(pin for pin, _ in self.legs)

    @property
    def is_whole(self) -> bool:
        """Whether all of its weight, or some of it beside legs, stands under the user's own name."""
        return self.weight > sum(weight for _, weight in self.legs) or not self.legs


def name_of(entry: Json) -> str:
    return str(entry.get("service") or "")


def find(lane: Lane) -> tuple[Place, ...]:
    """The user's backends in the list; all legs of one backend count as that backend."""
    found: list[Place] = []
    for entry in lane.backends:
        mine = _place(lane, entry)
        nth = next((n for n, place in enumerate(found) if _is_same(place, mine)), None)
        if nth is None:
            found.append(mine)
        else:
            first, second = sorted((found[nth], mine), key=lambda place: bool(place.legs))
            found[nth] = replace(first, weight=first.weight + second.weight, legs=first.legs + second.legs)
    return tuple(found)


def is_alone(found: Sequence[Place]) -> bool:
    return len(found) == 1 and found[0].ours


def _place(lane: Lane, entry: Json) -> Place:
    weight = (weights.read(entry.get("weight")) or Fraction(0)) / lane.scale
    leg = lane.reader.leg(name_of(entry))
    if leg is None:
        return Place(entry, weight, lane.reader.owns(name_of(entry)))
    written = {key: value for key, value in entry.items() if key != "weight"} | {"service": leg.backend}
    return Place(written, weight, True, ((leg.pin, weight),))


def _is_same(place: Place, other: Place) -> bool:
    return place.name == other.name and bool(place.legs or other.legs)
