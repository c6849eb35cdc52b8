"""All that the SMI router knows about one target, gathered once from the cluster's objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from deploy import backends, plain, services, traffic
from deploy.smi import manifests, places, profiles, service_names, splits
from deploy.traffic import Json


@dataclass(frozen=True)
class Ground:
    """The splits and Services of one target, sorted into the users' and ours.

    neighbours: the users' TrafficSplits of the namespace, by name.
    temporary: the TrafficSplit that stands for direct callers while the user has none.
    services: the users' Services of the namespace by name; legs: ours for the target, by name.
    profiles: every ServiceProfile. http_routes: every HTTPRoute and GRPCRoute.
    slices: the EndpointSlices of our Services.
    version: the apiVersion for a new TrafficSplit.
    """

    target: traffic.Target
    neighbours: tuple[Json, ...]
    temporary: Json | None
    services: Mapping[str, Json]
    legs: Mapping[str, Json]
    profiles: Sequence[Json]
    http_routes: Sequence[Json]
    slices: Sequence[Json]
    version: str

    @cached_property
    def reader(self) -> places.Reader:
        return places.Reader(self.owns, self._leg, self._is_leg)

    def owns(self, written: str) -> bool:
        """Whether a backend leads to the target's pods alone: its Service, or one whose selector says more."""
        name = self.service_of(written)
        if name is None or name not in self.services or self._is_leg(written):
            return False
        mine = services.selector_of(self.services.get(self.target.service, {}))
        chosen = services.selector_of(self.services[name])
        narrower = bool(mine) and mine.items() <= chosen.items()
        return name == self.target.service or (narrower and services.matches(chosen, self.target.pod_labels))

    def service_of(self, written: str) -> str | None:
        """The Service of the target's namespace that a backend names."""
        return service_names.bare(written, self.target.namespace, self.target.cluster_domain)

    def leg_name(self, written: str, pin: traffic.Pin) -> str:
        """How a list names the leg for a backend that the user wrote so."""
        return service_names.as_written(backends.name(self.service_of(written) or written, pin), written)

    @cached_property
    def callers(self) -> splits.Callers:
        return splits.callers(self.target, self.neighbours)

    @cached_property
    def users_lanes(self) -> tuple[places.Lane, ...]:
        """The users' lists that lead to the target."""
        return tuple(splits.lanes(self.neighbours, self.reader))

    @cached_property
    def lanes(self) -> tuple[places.Lane, ...]:
        """The same, and the one of the temporary TrafficSplit behind them."""
        own = [splits.lane(self.temporary, self.reader)] if self.temporary else []
        return (*self.users_lanes, *own)

    @cached_property
    def used(self) -> frozenset[str]:
        """The bare names of the Services that legs have to stand for."""
        found = (self.service_of(place.name) for lane in self.users_lanes for place in places.find(lane) if place.ours)
        direct = () if self.callers.complete else (self.target.service,)
        return frozenset(name for name in (*found, *direct) if name)

    @property
    def pins(self) -> frozenset[traffic.Pin]:
        """The pins for which there is any leg."""
        return frozenset(leg.pin for body in self.legs.values() if (leg := backends.read(body)))

    @property
    def complete_pins(self) -> frozenset[traffic.Pin]:
        """The pins whose legs can stand in every list, and are reached as the users' Services are now."""
        return frozenset(pin for pin in self.pins if all(self._has_leg(service, pin) for service in self.used))

    @property
    def versions(self) -> tuple[tuple[str, int], ...]:
        """(uid, generation) of everything that a decision about the target can depend on."""
        routes = [*self.bodies, *([self.temporary] if self.temporary else [])]
        routes += profiles.concerned(self.target, self.apexes, self.profiles)
        roots = [self.services[name] for name in sorted(self.used) if name in self.services]
        metas = [plain.metadata_of(body) for body in routes]
        counted = [(str(meta.get("uid", "")), int(meta.get("generation", 0))) for meta in metas]
        return tuple(sorted([*counted, *(backends.version(body) for body in (*roots, *self.legs.values()))]))

    @property
    def bare(self) -> frozenset[traffic.Pin]:
        """The pins of legs without a ready endpoint."""
        return backends.bare(self.legs.values(), self.slices)

    @cached_property
    def bodies(self) -> tuple[Json, ...]:
        """The users' TrafficSplits that route the target's callers, or lead to it."""
        owners = {lane.owner for lane in self.users_lanes}
        return tuple(
            body for body in self.neighbours if manifests.ident(body) in owners or body in self.callers.covering
        )

    @cached_property
    def apexes(self) -> tuple[str, ...]:
        """The Services whose callers a release of the target moves, by name."""
        named = {splits.apex(body, self.target) for body in self.bodies} | {self.target.service}
        return tuple(sorted(name for name in named if name))

    def _has_leg(self, service: str, pin: traffic.Pin) -> bool:
        """A selector that leaves out one of the versions is not followed: its leg would lose all of its pods."""
        leg, root = self.legs.get(backends.name(service, pin)), self.services.get(service)
        if leg is None or root is None:
            return leg is not None
        chosen, target = services.selector_of(root), self.target
        takes_both = all(services.matches(chosen, one) for one in (target.pod_labels, target.new_pod_labels))
        return not (takes_both and backends.is_stale(leg, root, pin))

    def _leg(self, written: str) -> places.Leg | None:
        name = self.service_of(written) or ""
        leg = backends.read(self.legs[name]) if name in self.legs else backends.guess(name, self.services)
        if leg is None or not self.owns(service_names.as_written(leg.service, written)):
            return None
        return places.Leg(service_names.as_written(leg.service, written), leg.pin)

    def _is_leg(self, written: str) -> bool:
        return backends.is_leg_name(written.partition(".")[0])


def gather(target: traffic.Target, objects: Mapping[str, Sequence[Json]]) -> Ground:
    """Sort out all objects of the cluster for one target."""
    found = [body for body in objects.get(manifests.TRAFFIC_SPLIT, ()) if _is_here(body, target)]
    temporary = next((body for body in found if manifests.is_own(body, target)), None)
    users = [body for body in found if body is not temporary]
    standing = {plain.name_of(body): body for body in objects.get(manifests.SERVICE, ()) if _is_here(body, target)}
    ours = {name: body for name, body in standing.items() if backends.read(body)}
    versions = (str(body["apiVersion"]) for body in objects.get(manifests.TRAFFIC_SPLIT, ()) if body.get("apiVersion"))
    return Ground(
        target=target,
        neighbours=tuple(sorted(users, key=manifests.ident)),
        temporary=temporary,
        services={name: body for name, body in standing.items() if name not in ours},
        legs={name: body for name, body in ours.items() if _stands_for(body, target, standing)},
        profiles=objects.get(manifests.SERVICE_PROFILE, ()),
        http_routes=[body for kind in manifests.HTTP_ROUTES for body in objects.get(kind, ())],
        slices=objects.get(manifests.ENDPOINT_SLICE, ()),
        version=next(versions, manifests.VERSION),
    )


def _is_here(body: Json, target: traffic.Target) -> bool:
    return plain.namespace_of(body) == target.namespace


def _stands_for(body: Json, target: traffic.Target, standing: Mapping[str, Json]) -> bool:
    """Whether a leg is the target's: of its Service, or of one whose selector says more."""
    leg = backends.read(body)
    root = services.selector_of(standing.get(target.service, {}))
    narrower = bool(root) and root.items() <= services.selector_of(body).items()
    return leg is not None and (leg.service == target.service or narrower)
