"""What makes it impossible to split a target's requests, each in a sentence that names the object."""

from collections.abc import Iterator

from deploy import plain, services
from deploy.gateway import gathering, grants, hangers, manifests, refs

HEADLESS = "None"


def find(ground: gathering.Ground) -> tuple[str, ...]:
    """All faults, each once."""
    leading = {lane.owner for lane in ground.users_lanes}
    routes = [body for body in ground.routes if manifests.ident(body) in leading]
    found = [
        *_of_root(ground),
        *_of_lists(ground),
        *_of_names(ground),
        *grants.faults(ground.target, routes, ground.grants),
        *hangers.faults(ground.target, ground.hanging),
        *_of_profiles(ground),
    ]
    return tuple(dict.fromkeys(found))


def _of_root(ground: gathering.Ground) -> Iterator[str]:
    where = f"Service {ground.target.namespace}/{ground.target.service}"
    if ground.root is None:
        yield f"{where} is not there"
        return
    if ground.wanted and plain.spec_of(ground.root).get("clusterIP") == HEADLESS:
        yield f"{where} is headless, and no route leads to it: a mesh routes only calls of a cluster IP"
    if not ground.wanted and not any(refs.shown(lane.entries, lane.reader) for lane in ground.every_lane):
        ours = ", ".join(manifests.ident(body) for body in ground.routes) or "no route"
        yield f"{where}: {ours} leads its callers elsewhere, and no backendRef with a weight above 0 to the Service"
    chosen, wanted = services.selector_of(ground.root), ground.target.new_pod_labels
    if not services.matches(chosen, wanted):
        yield f"{where}: its selector {dict(chosen)} does not take the held template's labels {dict(wanted)}"


def _of_lists(ground: gathering.Ground) -> Iterator[str]:
    for lane in ground.users_lanes:
        if fault := refs.fault(lane.entries, lane.reader):
            yield f"{lane} {fault}"


def _of_names(ground: gathering.Ground) -> Iterator[str]:
    """An object of somebody else's that has a temporary one's name."""
    for name in ground.strangers:
        where = f"Service {ground.target.namespace}/{name}"
        yield f"{where} has a leg's name and is not Rampart's, or somebody changed its selector: delete it"
    wanted = {manifests.ident(body) for body in ground.wanted}
    for body in ground.routes:
        if manifests.ident(body) in wanted:
            yield f"{manifests.ident(body)} exists and is not Rampart's: its name is needed for a while, rename it"


def _of_profiles(ground: gathering.Ground) -> Iterator[str]:
    """A profile that Linkerd's proxies follow instead of any route, in the Service's namespace or a client's.

    One without routes and without overrides that weigh anything is not followed (linkerd2-proxy, profile.rs).
    """
    target = ground.target
    host = f"{target.service}.{target.namespace}.svc.{target.cluster_domain}"
    for body in ground.profiles:
        spec = plain.spec_of(body)
        overrides = [one for one in spec.get("dstOverrides") or [] if str(one.get("weight", "0")) != "0"]
        if plain.name_of(body) == host and (spec.get("routes") or overrides):
            has = "routes" if spec.get("routes") else "dstOverrides"
            yield f"{manifests.ident(body)} has {has}, and Linkerd follows it instead of any route: delete it"
