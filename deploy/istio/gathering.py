"""All that the Istio router knows about one target, gathered once from the cluster's objects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from deploy import plain, traffic
from deploy.istio import asides, destination_rules, leg_names, lists, manifests, subsets, virtual_services
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
    rules: destination_rules.Rules
    mesh: virtual_services.Mesh
    services: tuple[Json, ...]
    temporary: Json | None
    remembered: frozenset[str]
    version: str
    name_faults: tuple[str, ...] = field(default=())
    standing: Mapping[str, Json] = field(default_factory=dict, hash=False)
    """The VirtualServices as they stand, by ident; above they are without what our legs get beside their shares."""

    def reader(self, namespace: str) -> lists.Reader:
        """How the lists of a VirtualService in `namespace` are read."""

        def owns(entry: Json) -> bool:
            subset = lists.subset_of(entry)
            here = virtual_services.leads_here(entry, namespace, self.target)
            return here and not leg_names.is_leg(subset) and self.rules.selects(subset)

        def leg(entry: Json) -> leg_names.Leg | None:
            subset = lists.subset_of(entry)
            here = virtual_services.leads_here(entry, namespace, self.target)
            if subset is None or not here or not leg_names.is_leg(subset):
                return None
            return subsets.leg(self.rules, subset, self.remembered)

        return lists.Reader(owns, leg)

    @cached_property
    def users_lanes(self) -> tuple[virtual_services.Lane, ...]:
        """The users' lists that lead to the target."""
        return tuple(lane for body in self.services for lane in self._lanes(body))

    @cached_property
    def lanes(self) -> tuple[virtual_services.Lane, ...]:
        """The same, and the one of the temporary VirtualService behind them."""
        return self.users_lanes + (tuple(self._lanes(self.temporary)) if self.temporary else ())

    @cached_property
    def used(self) -> frozenset[str | None]:
        """The user's subsets that destinations of the target name; None for a destination without one."""
        found = (place for lane in self.lanes for place in lists.places(lane.route, lane.reader))
        return frozenset(lists.subset_of(place.written) for place in found if place.ours)

    @property
    def complete_pins(self) -> frozenset[traffic.Pin]:
        """The pins whose legs can stand in every list."""
        return subsets.complete(self.rules, self.used)

    @property
    def versions(self) -> tuple[tuple[str, int], ...]:
        """(uid, generation) of everything that a decision about the target can depend on."""
        owners = {lane.owner for lane in self.lanes}
        routes = [body for body in self.services if manifests.ident(body) in owners or body in self.mesh.covering]
        own = [self.temporary] if self.temporary else []
        metas = [plain.metadata_of(body) for body in (*routes, *own, *self.rules.concerned)]
        return tuple(sorted((meta.get("uid", ""), meta.get("generation", 0)) for meta in metas))

    def _lanes(self, body: Json) -> Iterator[virtual_services.Lane]:
        return virtual_services.lanes(body, self.reader(plain.namespace_of(body)))


def gather(
    target: traffic.Target, objects: Mapping[str, Sequence[Json]], remembered: frozenset[str] = frozenset()
) -> Ground:
    """Sort out all objects of the cluster for one target."""
    found = objects.get(manifests.VIRTUAL_SERVICE, ())
    bodies = sorted((body for body in found if virtual_services.concerns(body, target)), key=manifests.ident)
    rules = objects.get(manifests.DESTINATION_RULE, ())
    temporary = manifests.find_own(bodies, target)
    services = tuple(body for body in bodies if body is not temporary)
    versions = (body["apiVersion"] for body in (*bodies, *rules) if body.get("apiVersion"))
    ground = Ground(
        target=target,
        rules=destination_rules.find(target, rules),
        mesh=virtual_services.mesh(target, services),
        services=services,
        temporary=temporary,
        standing={manifests.ident(body): body for body in bodies},
        remembered=remembered,
        version=next(versions, manifests.VERSION),
        name_faults=tuple(manifests.name_faults(services, manifests.VIRTUAL_SERVICE, target)),
    )
    return replace(
        ground,
        services=tuple(asides.without(body, ground.reader(plain.namespace_of(body))) for body in services),
        temporary=asides.without(temporary, ground.reader(target.namespace)) if temporary else None,
    )
