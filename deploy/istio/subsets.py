"""Legs as subsets: the temporary DestinationRule that defines them, and what is read from it.

It stands in the Service's namespace under the Service's full name and is exported like the user's rule, so that istiod
merges the two and the user's trafficPolicy holds for the legs. Where it would hide a wildcard rule or one of the root
namespace instead, it repeats what it hides. The pods of a leg are told by the pin's label, and by the labels of the
user's subset where the route names one; that subset's own policy is repeated.
"""

import copy
from collections.abc import Collection, Mapping, Sequence

from deploy import plain, traffic
from deploy.istio import destination_rules, hostnames, leg_names, manifests
from deploy.traffic import Json

Used = Collection[str | None]
"""The user's subsets that routes of the target name; None is a destination without one."""


def wished(rules: destination_rules.Rules, pins: Collection[traffic.Pin], used: Used, version: str) -> Json:
    """The temporary rule with subsets for each pin: one plain, and one within each of the user's subsets in `used`.

    version: apiVersion for a rule that does not stand yet.
    """
    new = manifests.new_own(manifests.DESTINATION_RULE, rules.target, version)
    body: Json = copy.deepcopy(rules.own) if rules.own else new
    subsets = [_derived(rules, pin, subset) for pin in sorted(pins) for subset in _ordered(used)]
    spec: Json = {"host": hostnames.fqdn(rules.target)}
    if rules.export_to:
        spec["exportTo"] = list(rules.export_to)
    if rules.hidden:
        spec |= _policy(rules)
        subsets = copy.deepcopy(list(rules.subsets.values())) + subsets
    body["spec"] = spec | {"subsets": subsets}
    return body


def pins(rules: destination_rules.Rules) -> frozenset[traffic.Pin]:
    """The pins for which there is any subset."""
    return frozenset(pin for pin in _defined(rules).values() if pin)


def complete(rules: destination_rules.Rules, used: Used) -> frozenset[traffic.Pin]:
    """Those of the pins that have a subset for everything in `used`, and one for the whole Service."""
    defined = _defined(rules)
    return frozenset(
        pin
        for pin in pins(rules)
        if all(defined.get(leg_names.encode(pin, subset)) == pin for subset in _ordered(used))
    )


def leg(rules: destination_rules.Rules, name: str, remembered: Collection[str]) -> leg_names.Leg:
    """What a leg's name stands for; `remembered` are subsets of the user's that may have gone meanwhile."""
    likely = (*rules.subsets, *remembered)
    pin = _defined(rules).get(name)
    if pin is None:
        return leg_names.guess(name, likely)
    return leg_names.Leg(pin, leg_names.decode(name, pin, likely))


def mismatch(rules: destination_rules.Rules, name: str) -> str | None:
    """Why a route to the user's subset `name` cannot be split, as the end of a sentence.

    None if it can be, and if neither template's pods are in it: then it is somebody else's.
    """
    subset = rules.subsets.get(name)
    if subset is None:
        searched = ", ".join(manifests.ident(rule) for rule in rules.base) or "there is none"
        return f"routes to subset {name!r}, which no DestinationRule for the host defines (found: {searched})"
    target = rules.target
    running = destination_rules.contained(subset, target.pod_labels)
    new = destination_rules.contained(subset, target.new_pod_labels)
    if running == new:
        return None
    inside, outside, labels = (
        ("running", "new", target.new_pod_labels) if running else ("new", "running", target.pod_labels)
    )
    has = {key: labels.get(key) for key in subset["labels"]}
    return (
        f"routes to subset {name!r}, whose labels {subset['labels']} select the {inside} pods"
        f" but not the {outside} ones, which have {has}: both must match"
    )


def _derived(rules: destination_rules.Rules, pin: traffic.Pin, name: str | None) -> Json:
    """The pods of the user's subset that the pin tells, under the subset's own policy."""
    users: Json = {} if name is None else copy.deepcopy(rules.subsets.get(name, {}))
    labels = {**(users.get("labels") or {}), pin.label: pin.value}
    return {**users, "name": leg_names.encode(pin, name), "labels": labels}


def _policy(rules: destination_rules.Rules) -> Json:
    """The trafficPolicy that holds today: the first one of the merged rules."""
    policies = (plain.spec_of(rule).get("trafficPolicy") for rule in rules.base)
    first = next(filter(None, policies), None)
    return {} if first is None else {"trafficPolicy": copy.deepcopy(first)}


def _ordered(used: Used) -> Sequence[str | None]:
    return [None, *sorted(subset for subset in set(used) if subset is not None)]


def _defined(rules: destination_rules.Rules) -> Mapping[str, traffic.Pin | None]:
    """The pin of each leg by its name, from the labels in the temporary rule."""
    subsets = plain.spec_of(rules.own).get("subsets") or [] if rules.own else []
    legs = (subset for subset in subsets if leg_names.is_leg(subset.get("name")))
    return {subset["name"]: leg_names.pin_of(subset.get("labels") or {}) for subset in legs}
