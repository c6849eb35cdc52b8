"""What hangs on a Service by its name, and is copied for its legs: BackendTLSPolicies and Istio's DestinationRules.

A leg is another host, so what says how the Service is called would not hold for it. A wildcard rule holds for both.
"""

import copy
from collections.abc import Collection, Iterator, Sequence

from deploy import backends, names, plain, traffic
from deploy.gateway import manifests
from deploy.istio import hostnames
from deploy.traffic import Json


def policies(target: traffic.Target, bodies: Sequence[Json]) -> list[Json]:
    """The user's BackendTLSPolicies for the target's Service."""
    return [
        body
        for body in bodies
        if plain.namespace_of(body) == target.namespace
        and not manifests.is_ours(body)
        and any(_is_target(ref, target) for ref in plain.spec_of(body).get("targetRefs") or [])
    ]


def rules(target: traffic.Target, bodies: Sequence[Json]) -> list[Json]:
    """The user's DestinationRules for exactly the target's host."""
    return [
        body
        for body in bodies
        if not manifests.is_ours(body)
        and hostnames.means(str(plain.spec_of(body).get("host", "")), plain.namespace_of(body), target)
    ]


def copies(target: traffic.Target, found: Sequence[Json], pins: Collection[traffic.Pin]) -> Iterator[Json]:
    """The temporary objects that say of the legs what these say of the Service."""
    for body in found:
        if body["kind"] == manifests.BACKEND_TLS_POLICY:
            yield _policy(target, body, pins)
        else:
            yield from (_rule(target, body, pin) for pin in sorted(pins))


def faults(target: traffic.Target, found: Sequence[Json]) -> Iterator[str]:
    """What can not be said of the legs too."""
    for body in found:
        if body["kind"] == manifests.DESTINATION_RULE and plain.namespace_of(body) != target.namespace:
            yield (
                f"{manifests.ident(body)} for host {plain.spec_of(body).get('host')} stands in another namespace"
                f" than the Service and would not hold for its temporary Services: move it to {target.namespace}"
            )


def _policy(target: traffic.Target, body: Json, pins: Collection[traffic.Pin]) -> Json:
    spec = copy.deepcopy(plain.spec_of(body))
    mine = [ref for ref in spec["targetRefs"] if _is_target(ref, target)]
    spec["targetRefs"] = [{**ref, "name": backends.name(target.service, pin)} for pin in sorted(pins) for ref in mine]
    made = {"apiVersion": body["apiVersion"], "kind": body["kind"], "spec": spec}
    return manifests.new_own(made, names.fit(plain.name_of(body), manifests.MANAGER, names.NAME_LIMIT), target)


def _rule(target: traffic.Target, body: Json, pin: traffic.Pin) -> Json:
    spec = copy.deepcopy(plain.spec_of(body))
    leg = backends.name(target.service, pin)
    spec["host"] = f"{leg}.{target.namespace}.svc.{target.cluster_domain}"
    made = {"apiVersion": body["apiVersion"], "kind": body["kind"], "spec": spec}
    return manifests.new_own(made, names.fit(plain.name_of(body), leg, names.NAME_LIMIT), target)


def _is_target(ref: Json, target: traffic.Target) -> bool:
    return ref.get("kind") == manifests.SERVICE and ref.get("group", "") == "" and ref.get("name") == target.service
