"""What a leg gets beside its share: rules for requests that match, and mirrors of a part of all.

Each of the user's rules that lead to the target alone is preceded by a copy with one more condition, which leads to
the leg; or it is given a mirror. The name of a copy tells that it is ours, and its destination whose. Without them
the VirtualService is what the rest of the router reads and writes.
"""

import copy
import re
from collections.abc import Iterator, Sequence
from typing import assert_never

from deploy import plain, traffic
from deploy.istio import lists, manifests, virtual_services
from deploy.traffic import WHOLE, Json

MARK = "rampart-only "
"""Begins the name of a copy; the condition follows, and the name of the user's rule."""

CONDITION = re.compile(r"(header|cookie):([A-Za-z0-9_.-]+)=([^ ]+)")
OWN_MIRRORS = ("mirror", "mirrors", "mirrorPercentage", "mirrorPercent", "mirror_percent")


def without(body: Json, reader: lists.Reader) -> Json:
    """A copy of the VirtualService without what the target's legs get beside their shares."""
    made = copy.deepcopy(body)
    rules = plain.spec_of(made).get("http")
    if isinstance(rules, list):
        made["spec"]["http"] = [_unmirrored(rule, reader) for rule in rules if not _is_copy(rule, reader)]
    return made


def read(body: Json, reader: lists.Reader) -> traffic.Aside | None:
    """The first thing that a leg of the target gets beside its share."""
    for rule in plain.spec_of(body).get("http") or []:
        found = _condition(rule, reader) if _is_copy(rule, reader) else _mirror(rule, reader)
        if found is not None:
            return found
    return None


def added(body: Json, reader: lists.Reader, aside: traffic.Aside | None) -> Json:
    """The VirtualService (without any) with `aside` at each rule that can have it."""
    if aside is None or not plain.spec_of(body).get("hosts"):
        return body
    made = copy.deepcopy(body)
    rules: list[Json] = []
    for rule in plain.spec_of(made).get("http") or []:
        rules += _with(rule, reader, aside) if _fault(rule, reader, aside) is None else [rule]
    if rules:
        made["spec"]["http"] = rules
    return made


def unfit(body: Json, reader: lists.Reader, aside: traffic.Aside) -> Iterator[str]:
    """Why rules of the VirtualService that lead to the target can not have `aside`, each a sentence."""
    here = {lane.key for lane in virtual_services.lanes(body, reader)}
    for key, rule in virtual_services.rules(body):
        ident = f"VirtualService {manifests.ident(body)} {key}"
        if key in here and not key.startswith("http"):
            yield f"{ident} routes connections, not requests: {_named(aside)} needs http rules"
        elif key in here and not plain.spec_of(body).get("hosts"):
            yield f"{ident} is a delegate, whose rules are joined with another's: {_named(aside)} can not be added"
        elif key in here and (fault := _fault(rule, reader, aside)):
            yield f"{ident} {fault}"


def _named(aside: traffic.Aside) -> str:
    return f"a step by {aside}" if isinstance(aside, traffic.Only) else "a mirror"


def _fault(rule: Json, reader: lists.Reader, aside: traffic.Aside) -> str | None:
    """Why the rule can not have it, as the end of a sentence."""
    route = rule.get("route") or []
    if not lists.concerns(route, reader):
        return "does not lead to the target"
    if not lists.alone(route, reader):
        return f"leads to several destinations: {_named(aside)} needs rules that lead to one"
    match aside:
        case traffic.Only():
            header = "cookie" if aside.cookie else aside.name
            asked = [name for item in rule.get("match") or [] for name in _headers_of(item)]
            return f"has a condition on {header} itself" if header in asked else None
        case traffic.Mirror():
            return "has a mirror of its own" if any(rule.get(key) is not None for key in OWN_MIRRORS) else None
        case never:
            assert_never(never)


def _headers_of(match: Json) -> list[str]:
    """The headers on which a match of the user's has a condition."""
    asked = [*(match.get("headers") or {}), *(match.get("withoutHeaders") or {})]
    return [name.lower() for name in asked]


def _with(rule: Json, reader: lists.Reader, aside: traffic.Aside) -> list[Json]:
    leg = lists.show(rule["route"], traffic.Split(((aside.pin, WHOLE),)), reader)
    match aside:
        case traffic.Only():
            name = f"{MARK}{aside}" + (f" {rule['name']}" if rule.get("name") else "")
            return [{**copy.deepcopy(rule), "name": name, "match": _narrowed(rule, aside), "route": leg}, rule]
        case traffic.Mirror():
            percentage = {"value": aside.parts * 100 / WHOLE}
            return [{**rule, "mirrors": [{"destination": leg[0]["destination"], "percentage": percentage}]}]
        case never:
            assert_never(never)


def _narrowed(rule: Json, aside: traffic.Only) -> list[Json]:
    """The rule's matches, each with one more condition. A cookie is one of a list in the header of that name."""
    pair = re.escape(f"{aside.name}={aside.value}")
    condition = {"cookie": {"regex": f"(.*; ?)?{pair}(;.*)?"}} if aside.cookie else {aside.name: {"exact": aside.value}}
    matches: Sequence[Json] = copy.deepcopy(rule.get("match") or [{}])
    return [{**match, "headers": {**(match.get("headers") or {}), **condition}} for match in matches]


def _is_copy(rule: Json, reader: lists.Reader) -> bool:
    route = rule.get("route") or []
    return str(rule.get("name") or "").startswith(MARK) and bool(route) and reader.leg(route[0]) is not None


def _condition(rule: Json, reader: lists.Reader) -> traffic.Only | None:
    leg = reader.leg(rule["route"][0])
    found = CONDITION.match(rule["name"].removeprefix(MARK))
    if leg is None or found is None:
        return None
    return traffic.Only(leg.pin, found[2], found[3], cookie=found[1] == "cookie")


def _mirror(rule: Json, reader: lists.Reader) -> traffic.Mirror | None:
    for entry in rule.get("mirrors") or []:
        if leg := reader.leg(entry):
            percent = (entry.get("percentage") or {}).get("value", 100)
            return traffic.Mirror(leg.pin, round(percent * WHOLE / 100))
    return None


def _unmirrored(rule: Json, reader: lists.Reader) -> Json:
    """The rule without mirrors to legs of the target; they stand only where the user has none."""
    kept = [entry for entry in rule.get("mirrors") or [] if reader.leg(entry) is None]
    if kept == (rule.get("mirrors") or []):
        return rule
    bare = {key: value for key, value in rule.items() if key != "mirrors"}
    return {**bare, "mirrors": kept} if kept else bare
