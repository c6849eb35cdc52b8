"""The TrafficSplits of a Service: their lists that lead to it, and the temporary one for those who call it directly.

Splits do not nest: a backend is reached at its own endpoints, whatever split it is the apex of. So a Service may be
split as a backend of other apexes and, for its own callers, as an apex itself.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from deploy import backends as leg_services
from deploy import plain, traffic
from deploy.smi import lists, manifests, places, service_names, weights
from deploy.traffic import Json


def backends(body: Json) -> list[Json]:
    found: list[Json] = list(plain.spec_of(body).get("backends") or [])
    return found


def apex(body: Json, target: traffic.Target) -> str | None:
    """The Service whose callers a TrafficSplit routes; None where it is none of the target's namespace."""
    written = str(plain.spec_of(body).get("service") or "")
    return service_names.bare(written, target.namespace, target.cluster_domain)


def is_apex(body: Json, target: traffic.Target) -> bool:
    """Whether a TrafficSplit routes the callers of the target's Service."""
    return plain.namespace_of(body) == target.namespace and apex(body, target) == target.service


def names(body: Json, target: traffic.Target) -> bool:
    """Whether a TrafficSplit names the target's Service: as its apex, as a backend, or by a leg that stands for it."""
    if plain.namespace_of(body) != target.namespace:
        return False
    written = [places.name_of(entry) for entry in backends(body)]
    bare = [service_names.bare(name, target.namespace, target.cluster_domain) for name in written]
    legs = [leg_services.guess(name, [target.service]) for name in bare if name]
    return is_apex(body, target) or target.service in bare or any(legs)


def lane(body: Json, reader: places.Reader) -> places.Lane:
    """A TrafficSplit's list, as it is read."""
    form = weights.form_of(str(body.get("apiVersion", "")))
    return places.Lane(manifests.ident(body), backends(body), form, reader, manifests.noted_scale(body))


def lanes(bodies: Sequence[Json], reader: places.Reader) -> Iterator[places.Lane]:
    """The lists in which the reader finds a backend of the target's."""
    for body in bodies:
        found = lane(body, reader)
        if any(place.ours for place in places.find(found)):
            yield found


def rewritten(body: Json, reader: places.Reader, change: Callable[[places.Lane], lists.Written]) -> Json:
    """A copy of the TrafficSplit whose list, if it is one of the target's, `change` made anew."""
    made = copy.deepcopy(body)
    for found in lanes([body], reader):
        written = change(found)
        made["spec"]["backends"] = written.backends
        manifests.note_scale(made, written.scale)
    return made


def mentions(body: Json) -> frozenset[str]:
    """The bare names of all Services in a TrafficSplit."""
    named = [str(plain.spec_of(body).get("service") or ""), *(places.name_of(entry) for entry in backends(body))]
    return frozenset(name.partition(".")[0] for name in named if name)


@dataclass(frozen=True)
class Callers:
    """Who routes those who call the target's Service by its name.

    covering: the user's TrafficSplits with that apex. complete: whether one of them holds for every request.
    """

    covering: tuple[Json, ...]
    complete: bool
    faults: tuple[str, ...]


def callers(target: traffic.Target, bodies: Sequence[Json]) -> Callers:
    """Sort out the TrafficSplits for direct callers; the temporary one must not be among them."""
    covering = tuple(body for body in bodies if is_apex(body, target))
    whole = [body for body in covering if not plain.spec_of(body).get("matches")]
    faults = [
        f"TrafficSplits {manifests.ident(one)} and {manifests.ident(other)} both split the calls of Service"
        f" {target.namespace}/{target.service}: a mesh takes only one of them, and does not say which"
        for one, other in combinations(whole, 2)
    ]
    if covering and not whole:
        faults.append(
            f"TrafficSplit {manifests.ident(covering[0])} has `matches`, and no other one splits the rest of the calls"
            f" of Service {target.namespace}/{target.service}: write one without `matches`"
        )
    return Callers(covering, bool(covering), tuple(faults))


def temporary(target: traffic.Target, standing: Json | None, entries: Sequence[Json], version: str) -> Json:
    """The TrafficSplit for direct callers while the user has none.

    standing: the one that is there; version: apiVersion for one that is not there yet.
    """
    body = copy.deepcopy(standing) or manifests.new_own(target, version)
    body["spec"] = {"service": target.service, "backends": list(entries)}
    return body
