"""All that the Istio router knows about one target, gathered once from the cluster's objects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from deploy import (
    istio_legs,
    istio_lists,
    istio_objects,
    istio_routes,
    istio_rules,
    istio_subsets,
    traffic,
)
from deploy.traffic import Json


@dataclass(frozen=True)
class Ground:
    """The routes and rules of one Service, sorted into the users' and ours.

    services: the users' VirtualServices with any host that is the Service's, by name.
    temporary: the VirtualService that stands for mesh clients while the user has none.
    remembered: subsets of the user's that were routed to before the release.
    version: the apiVersion for new objects.
    """

    target: traffic.Target
    rules: istio_rules.Rules
    mesh: istio_routes.Mesh
    services: tuple[Json, ...]
    temporary: Json | None
    remembered: frozenset[str]
    version: str
    name_faults: tuple[str, ...] = field(default=())

    def reader(self, namespace: str) -> istio_lists.Reader:
        """How the lists of a VirtualService in `namespace` are read."""

        def owns(entry: Json) -> bool:
            subset = istio_lists.subset_of(entry)
            here = istio_routes.leads_here(entry, namespace, self.target)
            return here and not istio_legs.is_leg(subset) and self.rules.selects(subset)

        def leg(entry: Json) -> istio_legs.Leg | None:
            subset = istio_lists.subset_of(entry)
            here = istio_routes.leads_here(entry, namespace, self.target)
            if subset is None or not here or not istio_legs.is_leg(subset):
                return None
            return istio_subsets.leg(self.rules, subset, self.remembered)

        return istio_lists.Reader(owns, leg)

    @cached_property
    def users_lanes(self) -> tuple[istio_routes.Lane, ...]:
        """The users' lists that lead to the target."""
        return tuple(lane for body in self.services for lane in self._lanes(body))

    @cached_property
    def lanes(self) -> tuple[istio_routes.Lane, ...]:
        """The same, and the one of the temporary VirtualService behind them."""
        return self.users_lanes + (tuple(self._lanes(self.temporary)) if self.temporary else ())

    @cached_property
    def used(self) -> frozenset[str | None]:
        """The user's subsets that destinations of the target name; None for a destination without one."""
        found = (place for lane in self.lanes for place in istio_lists.places(lane.route, lane.reader))
        return frozenset(istio_lists.subset_of(place.written) for place in found if place.ours)

    @property
    def complete_pins(self) -> frozenset[traffic.Pin]:
        """The pins whose legs can stand in every list."""
        return istio_subsets.complete(self.rules, self.used)

    @property
    def versions(self) -> tuple[tuple[str, int], ...]:
        """(uid, generation) of everything that a decision about the target can depend on."""
        owners = {lane.owner for lane in self.lanes}
        routes = [body for body in self.services if istio_objects.ident(body) in owners or body in self.mesh.covering]
        own = [self.temporary] if self.temporary else []
        metas = [istio_objects.metadata_of(body) for body in (*routes, *own, *self.rules.concerned)]
        return tuple(sorted((meta.get("uid", ""), meta.get("generation", 0)) for meta in metas))

    def _lanes(self, body: Json) -> Iterator[istio_routes.Lane]:
        return istio_routes.lanes(body, self.reader(istio_objects.namespace_of(body)))


def gather(
    target: traffic.Target, objects: Mapping[str, Sequence[Json]], remembered: frozenset[str] = frozenset()
) -> Ground:
    """Sort out all objects of the cluster for one target."""
    found = objects.get(istio_objects.VIRTUAL_SERVICE, ())
    bodies = sorted((body for body in found if istio_routes.concerns(body, target)), key=istio_objects.ident)
    rules = objects.get(istio_objects.DESTINATION_RULE, ())
    temporary = istio_objects.find_own(bodies, target)
    services = tuple(body for body in bodies if body is not temporary)
    versions = (body["apiVersion"] for body in (*bodies, *rules) if body.get("apiVersion"))
    return Ground(
        target=target,
        rules=istio_rules.find(target, rules),
        mesh=istio_routes.mesh(target, services),
        services=services,
        temporary=temporary,
        remembered=remembered,
        version=next(versions, istio_objects.VERSION),
        name_faults=tuple(istio_objects.name_faults(services, istio_objects.VIRTUAL_SERVICE, target)),
    )
