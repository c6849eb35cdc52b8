"""All that the Gateway API router knows about one target, gathered once from the cluster's objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from deploy import backends, plain, services, traffic
from deploy.gateway import acceptance, asides, hangers, lanes, manifests, memory, places, refs
from deploy.traffic import Json

MESHES = (manifests.DESTINATION_RULE, manifests.SERVICE_PROFILE)
"""Kinds that only a cluster with a mesh serves; both of those meshes take routes with a Service as parent."""


@dataclass(frozen=True)
class Ground:
    """The routes and Services of one target, sorted into the users' and ours.

    root: the target's Service. legs: ours for it, by name. routes: the users' routes that lead to it, or have it as
    their parent. temporary: our routes for its callers. hanging: the users' objects that are to be copied for the legs,
    copies: those copies. strangers: Services of others with the name of a leg. saved: what the target's lists were.
    """

    target: traffic.Target
    root: Json | None
    legs: Mapping[str, Json]
    routes: tuple[Json, ...]
    temporary: tuple[Json, ...]
    hanging: tuple[Json, ...]
    copies: tuple[Json, ...]
    grants: tuple[Json, ...]
    profiles: tuple[Json, ...]
    slices: tuple[Json, ...]
    strangers: tuple[str, ...]
    saved: Json
    has_mesh: bool
    version: str
    standing: Mapping[str, Json] = field(default_factory=dict, hash=False)
    """The routes as they stand, by ident; above they are without what our legs get beside their shares."""

    def reader(self, namespace: str) -> places.Reader:
        """How the lists of a route in `namespace` are read."""

        def owns(ref: Json) -> bool:
            return manifests.leads_to(ref, namespace, self.target) and ref.get("name") == self.target.service

        def pin(ref: Json) -> traffic.Pin | None:
            name = str(ref.get("name", ""))
            if not manifests.leads_to(ref, namespace, self.target):
                return None
            body = self.legs.get(name)
            leg = backends.read(body) if body else backends.guess(name, [self.target.service])
            return leg.pin if leg is not None else None

        return places.Reader(owns, pin, self.target.service)

    @cached_property
    def users_lanes(self) -> tuple[lanes.Lane, ...]:
        """The users' lists that lead to the target."""
        return tuple(lane for body in self.routes for lane in lanes.of(body, self.reader(plain.namespace_of(body))))

    @cached_property
    def every_lane(self) -> tuple[lanes.Lane, ...]:
        """The same, and those of temporary routes behind them."""
        own = self.reader(self.target.namespace)
        return (*self.users_lanes, *(lane for body in self.temporary for lane in lanes.of(body, own)))

    @cached_property
    def wanted(self) -> tuple[Json, ...]:
        """The temporary routes that callers of the Service's own name need, as they are before any split."""
        routed = any(refs.shown(lane.entries, lane.reader) for lane in self.users_lanes)
        if routed and not self.has_mesh:
            return ()
        free = lanes.uncovered(self.root, [*self.routes], self.target)
        ports = lanes.ports(self.root) if self.root else []
        return tuple(lanes.temporary(self.target, port, ports, self.version) for port in free)

    @property
    def is_covered(self) -> bool:
        """Whether exactly those temporary routes stand that are needed."""
        standing = {plain.name_of(body) for body in self.temporary}
        return standing == {plain.name_of(body) for body in self.wanted}

    @property
    def pins(self) -> frozenset[traffic.Pin]:
        """The pins for which there is a Service."""
        return frozenset(leg.pin for body in self.legs.values() if (leg := backends.read(body)))

    @property
    def true_pins(self) -> frozenset[traffic.Pin]:
        """Those of them that are reached as the user's Service is now: both it and what hangs on it may be edited.

        A selector that leaves out one of the versions is not followed: its leg would lose all of its pods.
        """
        if self.root is None or not self.takes_both:
            return self.pins
        wished = {manifests.ident(body): body["spec"] for body in hangers.copies(self.target, self.hanging, self.pins)}
        if self.pins and wished != {manifests.ident(body): body.get("spec") for body in self.copies}:
            return frozenset()
        read = ((body, backends.read(body)) for body in self.legs.values())
        return frozenset(leg.pin for body, leg in read if leg and not backends.is_stale(body, self.root, leg.pin))

    @property
    def takes_both(self) -> bool:
        """Whether the Service's selector takes the pods of both versions."""
        chosen = services.selector_of(self.root or {})
        return all(services.matches(chosen, one) for one in (self.target.pod_labels, self.target.new_pod_labels))

    @property
    def prepared_pins(self) -> frozenset[traffic.Pin]:
        """The pins that have a Service like the user's, and a ref in every list."""
        if not self.is_covered:
            return frozenset()
        return frozenset(
            pin
            for pin in self.true_pins
            if all(refs.is_prepared(lane.entries, pin, lane.reader) for lane in self.every_lane)
        )

    @property
    def bare_pins(self) -> frozenset[traffic.Pin]:
        return backends.bare(self.legs.values(), self.slices)

    def known(self, lane: lanes.Lane) -> list[Json] | None:
        """What was saved of a list."""
        return memory.known(self.saved, lane)

    @property
    def versions(self) -> tuple[tuple[str, int], ...]:
        """(uid, number) of everything that a decision about the target can depend on."""
        owners = {lane.owner for lane in self.every_lane}
        mesh = [body for body in self.routes if manifests.mesh_parents(body, self.target)]
        bodies = [body for body in self.routes if manifests.ident(body) in owners and body not in mesh]
        metas = [plain.metadata_of(body) for body in (*bodies, *mesh, *self.temporary, *self.hanging, *self.copies)]
        found = [(str(meta.get("uid", "")), int(meta.get("generation", 0))) for meta in metas]
        found += [backends.version(body) for body in (*self.legs.values(), *([self.root] if self.root else []))]
        bare = self.bare_pins
        return tuple(sorted([*found, *((pin.name, int(pin not in bare)) for pin in self.pins)]))


def gather(target: traffic.Target, objects: Mapping[str, Sequence[Json]], saved: Json | None = None) -> Ground:
    """Sort out all objects of the cluster for one target."""
    standing = {plain.name_of(body): body for body in objects.get(manifests.SERVICE, ()) if _here(body, target)}
    every = [body for kind in manifests.ROUTES for body in objects.get(kind, ())]
    users = [body for body in every if not manifests.is_ours(body) and _concerns(body, target)]
    hanging = [
        *hangers.policies(target, objects.get(manifests.BACKEND_TLS_POLICY, ())),
        *hangers.rules(target, objects.get(manifests.DESTINATION_RULE, ())),
    ]
    copies = [*objects.get(manifests.BACKEND_TLS_POLICY, ()), *objects.get(manifests.DESTINATION_RULE, ())]
    versions = (str(body["apiVersion"]) for body in objects.get(manifests.HTTP_ROUTE, ()) if body.get("apiVersion"))
    legs = {name: body for name, body in standing.items() if (leg := backends.read(body)) and _of(leg, target)}
    users.sort(key=manifests.ident)
    temporary = sorted((body for body in every if manifests.stands_for(body, target)), key=manifests.ident)
    ground = Ground(
        target=target,
        root=standing.get(target.service),
        legs=legs,
        routes=tuple(users),
        temporary=tuple(temporary),
        hanging=tuple(hanging),
        copies=tuple(body for body in copies if manifests.stands_for(body, target)),
        grants=tuple(objects.get(manifests.REFERENCE_GRANT, ())),
        profiles=tuple(objects.get(manifests.SERVICE_PROFILE, ())),
        slices=tuple(body for body in objects.get(manifests.ENDPOINT_SLICE, ()) if _here(body, target)),
        strangers=tuple(
            name
            for name, body in standing.items()
            if backends.read(body) is None and backends.guess(name, [target.service]) is not None
        ),
        saved=saved or {},
        has_mesh=any(kind in objects for kind in MESHES) or any(acceptance.is_accepted_mesh(body) for body in every),
        version=next(versions, manifests.VERSION),
        standing={manifests.ident(body): body for body in (*users, *temporary)},
    )
    own = ground.reader(target.namespace)
    return replace(
        ground,
        routes=tuple(asides.without(body, ground.reader(plain.namespace_of(body))) for body in users),
        temporary=tuple(asides.without(body, own) for body in temporary),
    )


def _here(body: Json, target: traffic.Target) -> bool:
    return plain.namespace_of(body) == target.namespace


def _of(leg: backends.Leg, target: traffic.Target) -> bool:
    return leg.service == target.service


def _concerns(route: Json, target: traffic.Target) -> bool:
    """Whether a route has the Service as its parent, or leads to it or to a leg of it."""
    namespace = plain.namespace_of(route)
    return bool(manifests.mesh_parents(route, target)) or any(
        manifests.leads_to(ref, namespace, target)
        and (ref.get("name") == target.service or backends.guess(str(ref.get("name")), [target.service]) is not None)
        for _, rule in manifests.rules(route)
        for ref in rule.get("backendRefs") or []
    )
