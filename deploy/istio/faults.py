"""What makes it impossible to split a target's routes, each in a sentence that names the object."""

from collections.abc import Iterator

from deploy import plain
from deploy.istio import gathering, hostnames, leg_names, lists, manifests, subsets, virtual_services


def find(ground: gathering.Ground) -> tuple[str, ...]:
    """All faults, each once, those of rules first."""
    return tuple(
        dict.fromkeys(
            [
                *ground.rules.faults,
                *ground.mesh.faults,
                *ground.name_faults,
                *_of_subsets(ground),
                *_of_weights(ground),
                *_of_reach(ground),
                *_of_no_route(ground),
            ]
        )
    )


def _of_subsets(ground: gathering.Ground) -> Iterator[str]:
    """Destinations with a subset that is not there, or that would lose one of the two versions."""
    for body in ground.services:
        for key, rule in virtual_services.rules(body):
            for subset in _users_subsets(ground, plain.namespace_of(body), rule.get("route") or []):
                if fault := subsets.mismatch(ground.rules, subset):
                    yield f"VirtualService {manifests.ident(body)} {key} {fault}"


def _users_subsets(ground: gathering.Ground, namespace: str, route: lists.Route) -> list[str]:
    entries = (entry for entry in route if virtual_services.leads_here(entry, namespace, ground.target))
    named = {lists.subset_of(entry) for entry in entries}
    return sorted(subset for subset in named if subset and not leg_names.is_leg(subset))


def _of_weights(ground: gathering.Ground) -> Iterator[str]:
    for lane in ground.users_lanes:
        if fault := lists.fault(lane.route, lane.reader):
            yield f"{lane} {fault}"


def _of_reach(ground: gathering.Ground) -> Iterator[str]:
    """Proxies that would see a route to legs without the rule that defines them answer 503."""
    known = ground.rules.reach
    owners = {lane.owner for lane in ground.users_lanes}
    wider = [
        manifests.ident(body)
        for body in ground.services
        if manifests.ident(body) in owners and not hostnames.within(virtual_services.reach(body), known)
    ]
    rules = ", ".join(manifests.ident(rule) for rule in ground.rules.base)
    for name in wider:
        yield f"VirtualService {name} reaches more namespaces than DestinationRule {rules}: make their exportTo equal"
    if not ground.mesh.complete and hostnames.EVERYWHERE not in known:
        host = hostnames.fqdn(ground.target)
        yield (
            f"DestinationRule {rules} reaches {sorted(known)} only, and no VirtualService that all namespaces see"
            f" routes {host}: export the rule to all, or write that VirtualService"
        )


def _of_no_route(ground: gathering.Ground) -> Iterator[str]:
    if ground.users_lanes or not ground.mesh.complete:
        return
    covering = ", ".join(manifests.ident(body) for body in ground.mesh.covering)
    target = ground.target
    yield (
        f"VirtualService {covering} routes the mesh's calls of {hostnames.fqdn(target)} elsewhere,"
        f" and no other route leads to the pods of Service {target.namespace}/{target.service}"
    )
