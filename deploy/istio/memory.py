"""What a route was before its first split: kept with the release, compared with the route, and put back from.

Saved is `{"namespace/name": {"http[0] rule": [destination, ...]}}`, with the target's own destinations only, so that
what other releases do in the same list is no drift. A rule that moved because the user wrote another one before it is
found again by its content.
"""

import copy
from collections.abc import Collection, Iterable, Sequence

from deploy import traffic
from deploy.istio import lists, virtual_services
from deploy.traffic import Json


def save(lanes: Iterable[virtual_services.Lane]) -> Json:
    """The target's destinations in these lists, as the user wrote them."""
    saved: Json = {}
    for lane in lanes:
        saved.setdefault(lane.owner, {})[lane.key] = lists.content(lane.route, lane.reader)
    return saved


def subsets(saved: Json) -> frozenset[str]:
    """The user's subsets that saved destinations name."""
    entries = [entry for rules in saved.values() for content in rules.values() for entry in content]
    return frozenset(subset for entry in entries if (subset := lists.subset_of(entry)))


def lone(saved: Json, lane: virtual_services.Lane) -> Json | None:
    """The only destination of a list as it was saved."""
    found = _recall(saved, lane.owner, lane.key, lists.content(lane.route, lane.reader))
    return found[0] if found is not None and len(found) == 1 else None


def remember(saved: Json, fresh: Json) -> Json:
    """The fresh content, with the saved one where the two differ in nothing but a weight that legs hide."""
    kept: Json = {}
    for owner, rules in fresh.items():
        kept[owner] = {key: _recall(saved, owner, key, content) or content for key, content in rules.items()}
    return kept


def content_drift(saved: Json, lane: virtual_services.Lane) -> str | None:
    """How the list without our legs differs from what was saved, as the end of a sentence."""
    content = lists.content(lane.route, lane.reader)
    known = _recall(saved, lane.owner, lane.key, content) is not None
    return None if known else f"leads elsewhere than what was saved: {content}"


def leg_drift(lane: virtual_services.Lane, pins: Collection[traffic.Pin]) -> str | None:
    """How the list differs from one that is split among `pins`, as the end of a sentence."""
    shown = lists.shown(lane.route, lane.reader)
    if any(show.split is None for show in shown):
        return "shows no legs: somebody else wrote the list"
    strangers = sorted({pin.name for show in shown if show.split for pin in show.split.pins if pin not in pins})
    return f"has legs that nobody defined: {', '.join(strangers)}" if strangers else None


def _recall(saved: Json, owner: str, key: str, content: Sequence[Json]) -> list[Json] | None:
    """The saved content that a list's content is; at its old place first, else anywhere in the same object."""
    rules: Json = saved.get(owner) or {}
    likely = [rules[key]] if key in rules else []
    for candidate in (*likely, *rules.values()):
        if _same(candidate, content):
            found: list[Json] = copy.deepcopy(candidate)
            return found
    return None


def _same(saved: Sequence[Json], content: Sequence[Json]) -> bool:
    """Equal, but for the weight of an only destination where its legs hide it."""
    if len(saved) == len(content) == 1 and "weight" not in content[0]:
        return _unweighted(saved[0]) == content[0]
    return list(saved) == list(content)


def _unweighted(entry: Json) -> Json:
    return {key: value for key, value in entry.items() if key != "weight"}
