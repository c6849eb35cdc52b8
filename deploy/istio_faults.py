"""What makes it impossible to split a target's routes, each in a sentence that names the object."""

from collections.abc import Iterator

from deploy import istio_ground, istio_hosts, istio_legs, istio_lists, istio_objects, istio_routes, istio_subsets


def find(ground: istio_ground.Ground) -> tuple[str, ...]:
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


def _of_subsets(ground: istio_ground.Ground) -> Iterator[str]:
    """Destinations with a subset that is not there, or that would lose one of the two versions."""
    for body in ground.services:
        for key, rule in istio_routes.rules(body):
            for subset in _users_subsets(ground, istio_objects.namespace_of(body), rule.get("route") or []):
                if fault := istio_subsets.mismatch(ground.rules, subset):
                    yield f"VirtualService {istio_objects.ident(body)} {key} {fault}"


def _users_subsets(ground: istio_ground.Ground, namespace: str, route: istio_lists.Route) -> list[str]:
    entries = (entry for entry in route if istio_routes.leads_here(entry, namespace, ground.target))
    named = {istio_lists.subset_of(entry) for entry in entries}
    return sorted(subset for subset in named if subset and not istio_legs.is_leg(subset))


def _of_weights(ground: istio_ground.Ground) -> Iterator[str]:
    for lane in ground.users_lanes:
        if fault := istio_lists.fault(lane.route, lane.reader):
            yield f"{lane} {fault}"


def _of_reach(ground: istio_ground.Ground) -> Iterator[str]:
    """Proxies that would see a route to legs without the rule that defines them answer 503."""
    known = ground.rules.reach
    owners = {lane.owner for lane in ground.users_lanes}
    wider = [
        istio_objects.ident(body)
        for body in ground.services
        if istio_objects.ident(body) in owners and not istio_hosts.within(istio_routes.reach(body), known)
    ]
    rules = ", ".join(istio_objects.ident(rule) for rule in ground.rules.base)
    for name in wider:
        yield f"VirtualService {name} reaches more namespaces than DestinationRule {rules}: make their exportTo equal"
    if not ground.mesh.complete and istio_hosts.EVERYWHERE not in known:
        host = istio_hosts.fqdn(ground.target)
        yield (
            f"DestinationRule {rules} reaches {sorted(known)} only, and no VirtualService that all namespaces see"
            f" routes {host}: export the rule to all, or write that VirtualService"
        )


def _of_no_route(ground: istio_ground.Ground) -> Iterator[str]:
    if ground.users_lanes or not ground.mesh.complete:
        return
    covering = ", ".join(istio_objects.ident(body) for body in ground.mesh.covering)
    target = ground.target
    yield (
        f"VirtualService {covering} routes the mesh's calls of {istio_hosts.fqdn(target)} elsewhere,"
        f" and no other route leads to the pods of Service {target.namespace}/{target.service}"
    )
