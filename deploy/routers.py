"""The routers by name: which objects each takes, which one a Service needs, and in which order their objects go."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from deploy import kinds, names, traffic
from deploy.gateway import router as gateway
from deploy.istio import router as istio
from deploy.kinds import Kind
from deploy.service import router as service
from deploy.smi import router as smi
from deploy.traffic import Change, Json

CHOICE = f"{names.GROUP}/router"
"""The annotation that names the router."""

Objects = Mapping[str, Sequence[Json]]
"""All objects of each kind; a kind that the cluster does not serve is absent. To choose, none of NEAR are read."""


class Router(Protocol):
    """The face of a router: a module of pure functions over whole objects, which returns the writes that are missing.

    KINDS are the kinds of objects that it takes, by the names of WATCHED and NEAR.
    """

    @property
    def KINDS(self) -> Collection[str]: ...  # noqa: N802 a module's constant

    def survey(self, target: traffic.Target, objects: Objects) -> traffic.Survey: ...

    def define(self, target: traffic.Target, objects: Objects, pins: Collection[traffic.Pin]) -> tuple[Change, ...]: ...

    def steer(
        self, target: traffic.Target, objects: Objects, split: traffic.Split, saved: Json
    ) -> tuple[Change, ...]: ...

    def restore(self, target: traffic.Target, objects: Objects, saved: Json) -> tuple[Change, ...]: ...

    def foreign(
        self, target: traffic.Target, objects: Objects, saved: Json, pins: Collection[traffic.Pin]
    ) -> str | None: ...

    def remember(self, saved: Json, fresh: Json) -> Json: ...

    def routes(self, target: traffic.Target, objects: Objects) -> tuple[str, ...]:
        """The route objects that lead to the target's Service today, each as `Kind namespace/name`."""

    def mentions(self, body: Json) -> frozenset[str]: ...


TABLE: Mapping[str, Router] = {"istio": istio, "gateway": gateway, "smi": smi, "service": service}
"""Every router that is built, in the order in which one is taken where nothing routes the Service yet."""

Unfit = Callable[[traffic.Target, Objects, Collection[traffic.Aside]], tuple[str, ...]]

ASIDES: Mapping[str, Unfit] = {"istio": istio.unfit, "gateway": gateway.unfit}
"""Routers that can give a leg something beside its share, and how each is asked why it can not."""

NEEDED: Mapping[str, str] = {
    "istio": "VirtualService",
    "gateway": "HTTPRoute",
    "smi": "TrafficSplit",
    "service": "Service",
}
"""The kind without which a router can do nothing."""

WATCHED: Mapping[str, Kind] = {
    kind.kind: kind
    for kind in (
        kinds.VIRTUAL_SERVICE,
        kinds.DESTINATION_RULE,
        kinds.SERVICE_PROFILE,
        kinds.HTTP_ROUTE,
        kinds.GRPC_ROUTE,
        kinds.REFERENCE_GRANT,
        kinds.BACKEND_TLS_POLICY,
        kinds.TRAFFIC_SPLIT,
    )
}
"""Kinds of which a router needs the whole cluster's objects, by name; they are watched."""

NEAR: Mapping[str, Kind] = {kind.kind: kind for kind in (kinds.SERVICE, kinds.ENDPOINT_SLICE)}
"""Kinds of which a router needs those in the Service's namespace: read at each look, and not kept."""

KINDS: Mapping[str, Kind] = {**WATCHED, **NEAR}

BY_SERVICES = frozenset({"gateway", "smi"})
"""Routers whose legs are Services of their own (deploy/backends), by which some meshes count."""

ROUTES = frozenset({"VirtualService", "HTTPRoute", "GRPCRoute", "TrafficSplit"})
"""Kinds of routes that users write; all other objects that a router writes are legs, or a Service of the user's."""

GIVEN_BACK = ROUTES | {kinds.SERVICE.kind}
"""Kinds of objects of the user's that a router writes, and in which it gives up what the server noted as ours."""


ANY = istio.ANY
"""Among what an object mentions: it may be about any Service."""


def mentions(body: Json) -> frozenset[str]:
    """The names of the Services, in whatever namespaces, that a watched object may be about by any router, or ANY."""
    kind = body.get("kind")
    if kind not in ROUTES and kind != kinds.DESTINATION_RULE.kind:
        return frozenset({ANY})
    return frozenset[str]().union(*(router.mentions(body) for router in TABLE.values() if kind in router.KINDS))


def choose(target: traffic.Target, objects: Objects, wanted: str | None) -> str | tuple[str, ...]:
    """The router that the annotation names, else the one whose objects route the Service, else one the cluster has.

    wanted: the annotation's value. Sentences say what was found where none can be named.
    """
    where = f"Service {target.namespace}/{target.service}"
    served = [name for name in TABLE if NEEDED[name] in objects]
    if wanted is not None:
        return wanted if wanted in served else (_unserved(wanted, where, served),)
    found = {name: TABLE[name].routes(target, objects) for name in served}
    routing = [name for name in served if found[name]]
    if len(routing) > 1:
        listed = " and ".join(f"{found[name][0]} ({name})" for name in routing)
        return (f"{where} is routed by {listed}: name the one to move with {CHOICE}, or delete the other",)
    if routing:
        return routing[0]
    return served[0] if served else (_unserved(None, where, served),)


def unfit(target: traffic.Target, objects: Objects, wanted: Sequence[traffic.Aside]) -> tuple[str, ...]:
    """Why legs of the target can not get these beside their shares, each a sentence; none where none is wanted."""
    if not wanted:
        return ()
    asked = ASIDES.get(target.router)
    if asked is not None:
        return asked(target, objects, wanted)
    where = f"Service {target.namespace}/{target.service}"
    return (
        f"header, cookie and mirror steps need the router {' or '.join(ASIDES)}; {where} is moved by {target.router}",
    )


def is_leg(body: Json) -> bool:
    """Whether an object is what a route leads to, so that no route may be written without it."""
    if body["kind"] in ROUTES:
        return False
    managed = names.MANAGED in (body["metadata"].get("labels") or {})
    return body["kind"] not in NEAR or managed


def _unserved(wanted: str | None, where: str, served: Sequence[str]) -> str:
    has = ", ".join(served) or "nothing that moves traffic"
    if wanted is None:
        needs = " or ".join(NEEDED.values())
        return f"{where}: the cluster serves no kind of route, it needs {needs}"
    if wanted not in TABLE:
        return f"{CHOICE} {wanted} is not supported by this version; it has {', '.join(TABLE)}"
    return (
        f"{CHOICE} {wanted} on {where} needs the kind {NEEDED[wanted]}, which the cluster does not serve; it has {has}"
    )
