"""What a list was before its first split: kept with the release, compared with the list, and put back from.

Saved is `{"namespace/name": {"backends": [...], "weights": {...}}}`. The first holds the target's own backends, so that
what other releases do in the same list is no drift; the second how the user spelt every weight, which a Quantity can
be in several ways.
"""

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence

from deploy import traffic
from deploy.smi import lists, places, weights
from deploy.traffic import Json

BACKENDS = "backends"
WEIGHTS = "weights"


def save(lanes: Iterable[places.Lane]) -> Json:
    """The target's backends in these lists as the user wrote them, and all weights as they are spelt."""
    return {lane.owner: {BACKENDS: lists.content(lane), WEIGHTS: lists.spelt(lane)} for lane in lanes}


def literals(saved: Json, lane: places.Lane) -> Mapping[str, weights.Literal]:
    """How the user spelt the weights of a list."""
    known = saved.get(lane.owner) or {}
    found: dict[str, weights.Literal] = dict(known.get(WEIGHTS) or {})
    own = {places.name_of(entry): entry["weight"] for entry in known.get(BACKENDS) or () if "weight" in entry}
    return found | own


def remember(saved: Json, fresh: Json) -> Json:
    """The fresh content, spelt as it was saved where the two mean the same."""
    kept: Json = {}
    for owner, found in fresh.items():
        known = saved.get(owner) or {}
        same = _same(known.get(BACKENDS) or (), found[BACKENDS])
        kept[owner] = {
            BACKENDS: copy.deepcopy(known[BACKENDS]) if same else found[BACKENDS],
            WEIGHTS: _spelt(known.get(WEIGHTS) or {}, found[WEIGHTS]),
        }
    return kept


def content_drift(saved: Json, lane: places.Lane) -> str | None:
    """How the list without our legs differs from what was saved, as the end of a sentence."""
    found = lists.content(lane)
    known = (saved.get(lane.owner) or {}).get(BACKENDS) or ()
    return None if _same(known, found) else f"leads elsewhere than what was saved: {found}"


def leg_drift(lane: places.Lane, pins: Collection[traffic.Pin]) -> str | None:
    """How the list differs from one that is split among `pins`, as the end of a sentence."""
    shown = lists.shown(lane)
    if any(show.split is None for show in shown):
        return "shows no legs: somebody else wrote the list"
    strangers = sorted({pin.name for show in shown if show.split for pin in show.split.pins if pin not in pins})
    return f"has legs that nobody defined: {', '.join(strangers)}" if strangers else None


def _same(saved: Sequence[Json], found: Sequence[Json]) -> bool:
    """Equal in all but the spelling of weights, and a weight that legs hide."""
    return len(saved) == len(found) and all(_alike(one, other) for one, other in zip(saved, found, strict=True))


def _alike(saved: Json, found: Json) -> bool:
    if _unweighted(saved) != _unweighted(found):
        return False
    return "weight" not in found or weights.read(saved.get("weight")) == weights.read(found["weight"])


def _unweighted(entry: Json) -> Json:
    return {key: value for key, value in entry.items() if key != "weight"}


def _spelt(saved: Mapping[str, weights.Literal], found: Mapping[str, weights.Literal]) -> Json:
    """What is spelt anew with another meaning, over what was saved."""
    new = {key: text for key, text in found.items() if weights.read(saved.get(key)) != weights.read(text)}
    return dict(saved) | new
