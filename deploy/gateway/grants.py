"""Whether routes of other namespaces may lead to the Service, and to the temporary ones beside it.

A ReferenceGrant of the Service's namespace allows references from a kind in a namespace, to all Services or to one by
its name (Gateway API, ReferenceGrant). A route with the Service as parent is the mesh's and needs none.
"""

from collections.abc import Iterator, Sequence

from deploy import plain, traffic
from deploy.gateway import manifests
from deploy.traffic import Json


def faults(target: traffic.Target, routes: Sequence[Json], grants: Sequence[Json]) -> Iterator[str]:
    """Each route of another namespace that may not lead to the Service, or not to its legs."""
    here = [grant for grant in grants if plain.namespace_of(grant) == target.namespace]
    where = f"Service {target.namespace}/{target.service}"
    for route in routes:
        if plain.namespace_of(route) == target.namespace or manifests.is_mesh(route):
            continue
        fitting = [grant for grant in here if _is_from(grant, route)]
        if any(_allows_all(grant) for grant in fitting):
            continue
        named = next((grant for grant in fitting if _names(grant, target.service)), None)
        if named is None:
            yield (
                f"{manifests.ident(route)} leads to {where} of another namespace, and no ReferenceGrant in"
                f" {target.namespace} allows {route['kind']}s of {plain.namespace_of(route)} to do so"
            )
        else:
            yield (
                f"{manifests.ident(named)} allows {manifests.ident(route)} to lead to Service {target.service} by name"
                " only: a release needs temporary Services beside it; allow all Services of the namespace (a `to`"
                " without a name)"
            )


def _is_from(grant: Json, route: Json) -> bool:
    wanted = (manifests.GROUP, route["kind"], plain.namespace_of(route))
    given = plain.spec_of(grant).get("from") or []
    return any((one.get("group"), one.get("kind"), one.get("namespace")) == wanted for one in given)


def _to_services(grant: Json) -> list[Json]:
    return [one for one in plain.spec_of(grant).get("to") or [] if manifests.is_service(one)]


def _allows_all(grant: Json) -> bool:
    return any(not one.get("name") for one in _to_services(grant))


def _names(grant: Json, service: str) -> bool:
    return any(one.get("name") == service for one in _to_services(grant))
