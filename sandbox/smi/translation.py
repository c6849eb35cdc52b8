"""From TrafficSplits and ServiceProfiles to what istiod serves, so that real requests follow them. Pure.

It keeps to what Linkerd does: a call of the apex's port goes to the same port of a backend; a backend of weight 0 is
none; where none is left, the apex's own endpoints answer; a profile of the clients' namespace would win; retries and
time-outs come from the apex's profile, and without one nothing is tried again.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import gcd
from typing import Any

Json = dict[str, Any]

NAMESPACE = "smi-mesh"
"""Where the made objects stand: not beside the user's, as a mesh's own configuration does not."""
CLIENTS = "default"
"""The namespace of the sandbox's client."""
DOMAIN = "svc.cluster.local"
SKIP = "smi.linkerd.io/skip"
RETRIES = 3


def profile_name(split: Json) -> str:
    """The ServiceProfile that a split's weights are written to."""
    return f"{split['spec']['service']}.{split['metadata']['namespace']}.{DOMAIN}"


def overrides(split: Json) -> list[Json]:
    """A split's backends as a profile has them; weights are Quantities there."""
    namespace = split["metadata"]["namespace"]
    return [
        {"authority": f"{backend['service']}.{namespace}.{DOMAIN}", "weight": str(backend.get("weight", 0))}
        for backend in split["spec"]["backends"]
    ]


def virtual_services(
    overridden: Mapping[str, Sequence[Json]], profiles: Sequence[Json], services: Mapping[str, Json]
) -> list[Json]:
    """What istiod is to serve. overridden: by the apex's full name; services: by their full names."""
    known = {profile["metadata"]["name"]: profile for profile in profiles}
    made = []
    for apex in sorted(overridden.keys() | known.keys()):
        ports = [port["port"] for port in services[apex]["spec"]["ports"]] if apex in services else []
        if ports:
            targets = [entry for entry in shares(overridden.get(apex, ())) if entry[1]] or [(apex, 1)]
            rules = [_rule(port, targets, known.get(apex), last=port == ports[0]) for port in [*ports[1:], ports[0]]]
            made.append(_virtual_service(apex, rules))
    return made


def shares(entries: Sequence[Json]) -> list[tuple[str, int]]:
    """Hosts with the smallest whole weights that have the same proportions, in thousandths as Linkerd counts."""
    weights = [milli(str(entry["weight"])) for entry in entries]
    common = gcd(*weights) or 1
    return [(entry["authority"], weight // common) for entry, weight in zip(entries, weights, strict=True)]


def milli(weight: str) -> int:
    """A Quantity, whole or in thousandths, as a number of thousandths."""
    return int(weight.removesuffix("m")) if weight.endswith("m") else int(Decimal(weight) * 1000)


def _rule(port: int, targets: Sequence[tuple[str, int]], profile: Json | None, last: bool) -> Json:
    """Clients that are told no port, as at the client proxy's own, meet the last rule."""
    routes = [{"destination": {"host": host, "port": {"number": port}}, "weight": weight} for host, weight in targets]
    chosen = {} if last else {"match": [{"port": port}]}
    return {**chosen, "route": routes, **_manners(profile)}


def _manners(profile: Json | None) -> Json:
    """Retries and time-out by the profile's first route."""
    routes = ((profile or {}).get("spec") or {}).get("routes") or [{}]
    attempts = RETRIES if routes[0].get("isRetryable") else 0
    retries = {"attempts": attempts, **({"retryOn": "5xx"} if attempts else {})}
    return {"retries": retries, **({"timeout": routes[0]["timeout"]} if "timeout" in routes[0] else {})}


def _virtual_service(apex: str, rules: list[Json]) -> Json:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": apex.removesuffix(f".{DOMAIN}"), "namespace": NAMESPACE},
        "spec": {"hosts": [apex], "http": rules},
    }
