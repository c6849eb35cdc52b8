"""What routes were before their first split: kept with the release, compared with the routes, and put back from.

Saved is `{"HTTPRoute namespace/name": {"rules[0] name": [ref, ...]}}`, with the target's own refs only, so that what
other releases do in the same list is no drift. A rule that moved because the user wrote another one before it is found
again by its content.
"""

import copy
from collections.abc import Collection, Iterable, Sequence

from deploy import traffic
from deploy.gateway import places, refs
from deploy.gateway.lanes import Lane
from deploy.traffic import Json


def save(lanes: Iterable[Lane]) -> Json:
    """The target's refs in these lists, as the user wrote them."""
    saved: Json = {}
    for lane in lanes:
        saved.setdefault(lane.owner, {})[lane.key] = refs.content(lane.entries, lane.reader)
    return saved


def known(saved: Json, lane: Lane) -> list[Json] | None:
    """What was saved of a list."""
    return _recall(saved, lane.owner, lane.key, refs.content(lane.entries, lane.reader))


def remember(saved: Json, fresh: Json) -> Json:
    """The fresh content, with the saved one where the two differ in nothing but weights that legs hide."""
    kept: Json = {}
    for owner, rules in fresh.items():
        kept[owner] = {key: _recall(saved, owner, key, content) or content for key, content in rules.items()}
    return kept


def content_drift(saved: Json, lane: Lane) -> str | None:
    """How the list without our legs differs from what was saved, as the end of a sentence."""
    content = refs.content(lane.entries, lane.reader)
    found = _recall(saved, lane.owner, lane.key, content)
    return None if found is not None else f"leads elsewhere than what was saved: {content}"


def leg_drift(lane: Lane, pins: Collection[traffic.Pin]) -> str | None:
    """How the list differs from one that is split among `pins`, as the end of a sentence."""
    shown = refs.shown(lane.entries, lane.reader)
    if any(show.split is None for show in shown):
        return "shows no legs: somebody else wrote the list"
    strangers = sorted({pin.name for show in shown if show.split for pin in show.split.pins if pin not in pins})
    return f"has legs that nobody defined: {', '.join(strangers)}" if strangers else None


def _recall(saved: Json, owner: str, key: str, content: Sequence[Json]) -> list[Json] | None:
    """The saved content that a list's content is; at its old place first, else anywhere in the same object."""
    rules: Json = saved.get(owner) or {}
    likely = [rules[key]] if key in rules else []
    for candidate in (*likely, *rules.values()):
        if len(candidate) == len(content) and all(map(_same, candidate, content)):
            found: list[Json] = copy.deepcopy(candidate)
            return found
    return None


def _same(saved: Json, found: Json) -> bool:
    """Equal, but for a weight that legs hide."""
    hidden = "weight" not in found
    return places.unweighted(saved) == places.unweighted(found) and (
        hidden or places.weight_of(saved) == found["weight"]
    )
