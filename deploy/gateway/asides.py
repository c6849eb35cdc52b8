"""What a leg gets beside its share: rules for requests that match, and mirrors of a part of all.

Each of the user's rules that lead to the target alone is preceded by a copy with one more condition, which leads to
the leg; or it is given a filter. A copy is told by its only ref: a leg of weight 1, while a split writes hundreds; the
names of rules are not kept by every version of the API. Without them the route is what the rest of the router reads.
"""

import copy
from collections.abc import Container, Iterator
from typing import assert_never

from deploy import plain, traffic
from deploy.gateway import manifests, places, refs, rivals
from deploy.traffic import WHOLE, Json

MARK = 1
"""The weight of a copy's only ref."""

MIRROR = "RequestMirror"
EXACT = "Exact"
MOST_RULES = 16
MOST_MATCHES = 128
"""Of all rules of a route together (Gateway API 1.6, HTTPRoute)."""
MOST_LISTED = 16
"""Headers of a match, and filters of a rule."""
REFERENCE = ("group", "kind", "name", "namespace", "port")
LINKERD = "linkerd.io/policy-controller"


NO_COOKIES = (
    "no route knows cookies: to find one in its list takes a regular expression, which each implementation reads as it "
    "likes or not at all; use a step by header"
)


def unable(aside: traffic.Aside, served: Container[str]) -> str | None:
    """Why no route whatever can have it where these kinds are served, as the end of a sentence."""
    if isinstance(aside, traffic.Only):
        return NO_COOKIES if aside.cookie else None
    is_linkerds = manifests.SERVICE_PROFILE in served and manifests.DESTINATION_RULE not in served
    return "the cluster's mesh is Linkerd, which takes no route with a mirror" if is_linkerds else None


def without(body: Json, reader: places.Reader) -> Json:
    """A copy of the route without what the target's legs get beside their shares."""
    made = copy.deepcopy(body)
    rules = plain.spec_of(made).get("rules")
    if isinstance(rules, list):
        made["spec"]["rules"] = [_unmirrored(rule, reader) for rule in rules if _copied(rule, reader) is None]
    return made


def read(body: Json, reader: places.Reader) -> traffic.Aside | None:
    """The first thing that a leg of the target gets beside its share."""
    for _, rule in manifests.rules(body):
        pin = _copied(rule, reader)
        found = _mirror(rule, reader) if pin is None else _condition(rule, pin)
        if found is not None:
            return found
    return None


def added(body: Json, reader: places.Reader, aside: traffic.Aside | None) -> Json:
    """The route (without any) with `aside` at each rule that can have it."""
    if aside is None or _route_fault(body, reader, aside):
        return body
    made = copy.deepcopy(body)
    rules: list[Json] = []
    for _, rule in manifests.rules(made):
        fit = _has_requests(rule, reader) and _fault(rule, reader, aside) is None
        rules += _with(rule, reader, aside) if fit else [rule]
    if rules:
        made["spec"]["rules"] = rules
    return made


def unfit(body: Json, reader: places.Reader, aside: traffic.Aside) -> Iterator[str]:
    """Why the route, or its rules that lead to the target, can not have `aside`, each a sentence."""
    concerned = [(key, rule) for key, rule in manifests.rules(body) if _has_requests(rule, reader)]
    if concerned and (fault := _route_fault(body, reader, aside)):
        yield f"{manifests.ident(body)} {fault}"
        return
    for key, rule in concerned:
        if fault := _fault(rule, reader, aside):
            yield f"{manifests.ident(body)} {key} {fault}"


def _named(aside: traffic.Aside) -> str:
    return f"a step by {aside}" if isinstance(aside, traffic.Only) else "a mirror"


def _has_requests(rule: Json, reader: places.Reader) -> bool:
    return any(place.ours and place.weight for place in places.of(rule.get("backendRefs") or [], reader))


def _route_fault(body: Json, reader: places.Reader, aside: traffic.Aside) -> str | None:
    """Why no rule of the route can have it, as the end of a sentence."""
    match aside:
        case traffic.Only():
            return NO_COOKIES if aside.cookie else _too_many(body, reader, aside) or _rivalled(body, reader)
        case traffic.Mirror():
            if body["kind"] != manifests.HTTP_ROUTE:
                return "routes streams of messages, of which a part can not be mirrored: a mirror needs an HTTPRoute"
            entries = (body.get("status") or {}).get("parents") or []
            if any(entry.get("controllerName") == LINKERD for entry in entries):
                return "is served by Linkerd, which takes no route with a mirror"
            return None
        case never:
            assert_never(never)


def _too_many(body: Json, reader: places.Reader, aside: traffic.Only) -> str | None:
    """Whether the copies are more than the API takes of one route."""
    rules = [rule for _, rule in manifests.rules(body)]
    copied = [rule for rule in rules if _has_requests(rule, reader)]
    if len(rules) + len(copied) > MOST_RULES:
        return f"has {len(rules)} rules, and {_named(aside)} needs {len(copied)} more: at most {MOST_RULES} are allowed"
    matches, more = (sum(len(rule.get("matches") or [{}]) for rule in some) for some in (rules, copied))
    if matches + more > MOST_MATCHES:
        return f"has {matches} matches, and {_named(aside)} needs {more} more: at most {MOST_MATCHES} are allowed"
    return None


def _rivalled(body: Json, reader: places.Reader) -> str | None:
    """Whether a copy would take requests that one of the other rules has today.

    The most specific match wins and not the first rule, and one more header makes a match more specific.
    """
    found = list(manifests.rules(body))
    mine = {nth for nth, (_, rule) in enumerate(found) if _has_requests(rule, reader)}
    for nth in sorted(mine):
        for other in sorted(set(range(len(found))) - mine):
            if rivals.would_lose(found[other][1], found[nth][1], stands_first=other < nth):
                return (
                    f"{found[nth][0]} with one more header would take requests from {found[other][0]}, "
                    "which leads elsewhere for the same path"
                )
    return None


def _fault(rule: Json, reader: places.Reader, aside: traffic.Aside) -> str | None:
    """Why the rule can not have it, as the end of a sentence."""
    if not places.is_alone(places.of(rule.get("backendRefs") or [], reader)):
        return f"leads to several destinations: {_named(aside)} needs rules that lead to one"
    match aside:
        case traffic.Only():
            headers = [match.get("headers") or [] for match in rule.get("matches") or []]
            if any(str(header.get("name")).lower() == aside.name for some in headers for header in some):
                return f"has a condition on {aside.name} itself"
            full = any(len(some) >= MOST_LISTED for some in headers)
            return f"has a match with {MOST_LISTED} headers, and no more are allowed" if full else None
        case traffic.Mirror():
            filters = rule.get("filters") or []
            every = [*filters, *(one for ref in rule["backendRefs"] for one in ref.get("filters") or [])]
            if any(one.get("type") == MIRROR for one in every):
                return "has a mirror of its own"
            full = len(filters) >= MOST_LISTED
            return f"has {MOST_LISTED} filters, and no more are allowed" if full else None
        case never:
            assert_never(never)


def _with(rule: Json, reader: places.Reader, aside: traffic.Aside) -> list[Json]:
    (leg,) = refs.show(rule["backendRefs"], traffic.Split(((aside.pin, WHOLE),)), reader)
    match aside:
        case traffic.Only():
            # Two rules of one route may not have the same name.
            made = {key: copy.deepcopy(value) for key, value in rule.items() if key != "name"}
            condition = {"type": EXACT, "name": aside.name, "value": aside.value}
            matches: list[Json] = made.get("matches") or [{}]
            narrowed = [{**match, "headers": [*(match.get("headers") or []), condition]} for match in matches]
            return [{**made, "matches": narrowed, "backendRefs": [{**leg, "weight": MARK}]}, rule]
        case traffic.Mirror():
            mirror = {"backendRef": {key: leg[key] for key in REFERENCE if key in leg}, **_part(aside.parts)}
            return [{**rule, "filters": [*(rule.get("filters") or []), {"type": MIRROR, "requestMirror": mirror}]}]
        case never:
            assert_never(never)


def _part(parts: int) -> Json:
    """A part of WHOLE in whole percents, or as a fraction where it is none."""
    percent, rest = divmod(parts * 100, WHOLE)
    return {"fraction": {"numerator": parts, "denominator": WHOLE}} if rest else {"percent": percent}


def _copied(rule: Json, reader: places.Reader) -> traffic.Pin | None:
    """The leg to which a copy leads; None for every other rule."""
    found = rule.get("backendRefs") or []
    return reader.pin(found[0]) if len(found) == 1 and places.weight_of(found[0]) == MARK else None


def _condition(rule: Json, pin: traffic.Pin) -> traffic.Only | None:
    """The header that was added last."""
    headers = ((rule.get("matches") or [{}])[0].get("headers") or [])[-1:]
    return traffic.Only(pin, str(headers[0].get("name")), str(headers[0].get("value"))) if headers else None


def _mirror(rule: Json, reader: places.Reader) -> traffic.Mirror | None:
    for one in rule.get("filters") or []:
        pin = _mirrored(one, reader)
        if pin is not None:
            said = one["requestMirror"]
            fraction = said.get("fraction") or {"numerator": said.get("percent", 100)}
            return traffic.Mirror(pin, round(fraction["numerator"] * WHOLE / fraction.get("denominator", 100)))
    return None


def _mirrored(one: Json, reader: places.Reader) -> traffic.Pin | None:
    """The leg to which a filter mirrors; None for every other filter."""
    return reader.pin((one.get("requestMirror") or {}).get("backendRef") or {}) if one.get("type") == MIRROR else None


def _unmirrored(rule: Json, reader: places.Reader) -> Json:
    """The rule without mirrors to legs of the target; they stand only where the user has none."""
    filters = rule.get("filters") or []
    kept = [one for one in filters if _mirrored(one, reader) is None]
    if kept == filters:
        return rule
    bare = {key: value for key, value in rule.items() if key != "filters"}
    return {**bare, "filters": kept} if kept else bare
