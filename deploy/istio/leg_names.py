"""The subset names of legs: from a pin, and the subset that the user routed to, to one DNS label and back.

A leg's name is the pin's name, and `-<subset>` behind it where the user's destination names a subset. The pin is known
from the labels of the temporary DestinationRule's subset, so the user's subset is found by trying what could have
been joined to it. Only where that rule is gone is the name all that is left, and is read as well as can be.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from deploy import names, traffic

PREFIX = "rampart-"
STABLE = "rampart-stable-"
CANARY = "rampart-canary-"
SUBSET_ROOM = 40
"""Characters of a user's subset that a leg's name holds whole; of a longer one it holds a cut with a hash."""


@dataclass(frozen=True)
class Leg:
    """What stands behind a leg's name. `subset` is the user's own, None where the destination has none."""

    pin: traffic.Pin
    subset: str | None


def is_leg(subset: object) -> bool:
    """Whether a destination's subset was put there by Rampart, for this release or any other."""
    return isinstance(subset, str) and subset.startswith(PREFIX)


def encode(pin: traffic.Pin, subset: str | None) -> str:
    """The name of the leg that reaches those pods of the user's `subset` which `pin` tells."""
    if subset is None:
        return _plain(pin)
    short = subset if len(subset) <= SUBSET_ROOM else names.fit(subset, "subset", SUBSET_ROOM)
    return names.fit(_plain(pin), short)


def decode(name: str, pin: traffic.Pin, subsets: Iterable[str]) -> str | None:
    """The user's subset in a leg's name; `subsets` are the likely ones, None means that the leg has none."""
    if name == _plain(pin):
        return None
    tails = (name[start:] for start in range(1, len(name)))
    return next((subset for subset in (*subsets, *tails) if encode(pin, subset) == name), None)


def pin_of(labels: Mapping[str, str]) -> traffic.Pin | None:
    """The pin among the labels of a subset of ours."""
    for label in (names.RELEASE, names.POD_TEMPLATE_HASH):
        if label in labels:
            return traffic.Pin(label, labels[label])
    return None


def guess(name: str, subsets: Collection[str]) -> Leg:
    """Read a leg's name without the rule that defined it; `subsets` are the user's that may stand in it.

    A pod-template-hash has no hyphen; behind a release's name only a known subset can be told from the name.
    """
    if name.startswith(STABLE):
        value, _, rest = name.removeprefix(STABLE).partition("-")
        return Leg(traffic.replica_set(value), rest or None)
    value = name.removeprefix(CANARY)
    for subset in sorted(subsets, key=len, reverse=True):
        if value.endswith(f"-{subset}"):
            return Leg(traffic.canary(value.removesuffix(f"-{subset}")), subset)
    return Leg(traffic.canary(value), None)


def _plain(pin: traffic.Pin) -> str:
    """The pin's name; of a pin whose value leaves no room for the prefix that tells a leg, the value is cut."""
    role = STABLE if pin.label == names.POD_TEMPLATE_HASH else CANARY
    fits = pin.name.startswith(role) and len(pin.name) <= names.LABEL_LIMIT
    return pin.name if fits else names.fit(f"{role}{pin.value}", "leg")
