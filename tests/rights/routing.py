"""Acts of the routers: a split, a fall and what is put back, of a user's route or of a Service without one."""

import contextlib
from collections.abc import Callable, Mapping, Sequence

from deploy import errors, routers, traffic
from deploy.traffic import WHOLE, Json
from rollout.routes import Routes
from tests.deploy import gateway_world, istio_world, smi_world
from tests.rights.ground import Door, Ground

STABLE, CANARY = traffic.replica_set("5d4c"), traffic.canary("web-v2")
BOTH = frozenset({STABLE, CANARY})
SPLIT = traffic.Split(((STABLE, WHOLE // 2), (CANARY, WHOLE // 2)))
LOOKS = 10
"""A mesh writes the status of a route meanwhile: who meets that looks again."""
ROUTERS = {
    "VirtualService": "istio",
    "DestinationRule": "istio",
    "HTTPRoute": "gateway",
    "GRPCRoute": "gateway",
    "BackendTLSPolicy": "gateway",
    "TrafficSplit": "smi",
    "Service": "service",
}


def target(ground: Ground, kind: str) -> traffic.Target:
    labels = {"app": ground.name}
    return traffic.Target(ground.namespace, ground.name, labels, labels, router=ROUTERS[kind])


def virtual_service(ground: Ground) -> Json:
    return istio_world.a_route(istio_world.to(ground.name), hosts=(ground.name,))


def http_route(ground: Ground) -> Json:
    parent = {"group": "", "kind": "Service", "name": ground.name}
    return gateway_world.a_route(gateway_world.a_ref(ground.name), parent=parent)


def grpc_route(ground: Ground) -> Json:
    body = gateway_world.a_route(gateway_world.a_ref(ground.name), kind="GRPCRoute")
    body["spec"]["rules"][0]["matches"] = [{"method": {"type": "Exact", "service": "shop.Web"}}]
    return body


def traffic_split(ground: Ground) -> Json:
    return smi_world.a_ts((ground.name, 100), apex=ground.name)


def tls_policy(ground: Ground) -> Json:
    """It hangs on the Service by its name."""
    ref = {"group": "", "kind": "Service", "name": ground.name}
    validation = {"hostname": "web.example.com", "wellKnownCACertificates": "System"}
    return {"kind": "BackendTLSPolicy", "metadata": {}, "spec": {"targetRefs": [ref], "validation": validation}}


USERS: Mapping[str, Callable[[Ground], Json]] = {
    "VirtualService": virtual_service,
    "HTTPRoute": http_route,
    "GRPCRoute": grpc_route,
    "TrafficSplit": traffic_split,
    "BackendTLSPolicy": tls_policy,
}
"""An object of the user's for the ground's Service; it has the ground's name."""


def write_users(ground: Ground, kind: str) -> None:
    body = USERS[kind](ground)
    body["metadata"] = {"name": ground.name, "namespace": ground.namespace}
    ground.admin.create(routers.KINDS[kind], body)


def make(ground: Ground, kind: str, is_routed: bool) -> Routes:
    """A Service, with an object of the user's or without; and the administrator's routes."""
    ground.service()
    if is_routed:
        write_users(ground, kind)
    return ground.routes(ground.admin)


def split(kind: str, ground: Ground, door: Door) -> None:
    """The user's own route shows a split: it is updated."""
    made = make(ground, kind, kind in USERS)
    made.define(target(ground, kind), BOTH)
    ground.routes(door.cluster).steer(target(ground, kind), SPLIT, {})


def split_bare(kind: str, ground: Ground, door: Door) -> None:
    """Of a Service that nobody routes: a temporary route is created."""
    make(ground, kind, False)
    routes = ground.routes(door.cluster)
    routes.define(target(ground, kind), BOTH)
    routes.steer(target(ground, kind), SPLIT, {})


def restore_bare(kind: str, ground: Ground, door: Door) -> None:
    """The temporary route is deleted."""
    made = make(ground, kind, False)
    made.define(target(ground, kind), BOTH)
    made.steer(target(ground, kind), SPLIT, {})
    ground.routes(door.cluster).restore(target(ground, kind), {})


def split_late(kind: str, ground: Ground, door: Door) -> None:
    """The watch is late: the write meets a conflict, and what stands there now is got and split."""
    make(ground, kind, kind in USERS).define(target(ground, kind), BOTH)
    late = watched_now(ground, kind)
    ground.touch(kind, ground.name)
    ground.routes(door.cluster, late).steer(target(ground, kind), SPLIT, {})


def disown(kind: str, ground: Ground, door: Door) -> None:
    """The user's route is as it was: what the server noted as ours is given up."""
    made, where = make(ground, kind, kind in USERS), target(ground, kind)
    saved = made.survey(where, None)[0].saved
    made.define(where, BOTH)
    made.steer(where, SPLIT, saved)
    made.restore(where, saved)
    made.define(where, frozenset())
    for _ in range(LOOKS - 1):
        with contextlib.suppress(errors.Conflict):
            ground.routes(door.cluster).disown(where, saved)
            return
    ground.routes(door.cluster).disown(where, saved)


def define(kind: str, ground: Ground, door: Door) -> None:
    """Legs: objects that are all ours are created."""
    make(ground, kind, kind in USERS)
    ground.routes(door.cluster).define(target(ground, kind), BOTH)


def define_fewer(kind: str, ground: Ground, door: Door) -> None:
    """They are updated where the legs are others."""
    make(ground, kind, kind in USERS).define(target(ground, kind), BOTH)
    ground.routes(door.cluster).define(target(ground, kind), frozenset({STABLE}))


def define_none(kind: str, ground: Ground, door: Door) -> None:
    """And deleted at the end."""
    make(ground, kind, kind in USERS).define(target(ground, kind), BOTH)
    ground.routes(door.cluster).define(target(ground, kind), frozenset())


def define_late(kind: str, ground: Ground, door: Door) -> None:
    """The watch is late, and somebody wrote our object."""
    make(ground, kind, kind in USERS).define(target(ground, kind), BOTH)
    late = watched_now(ground, kind)
    for item in late(kind):
        ground.touch(kind, item["metadata"]["name"])
    ground.routes(door.cluster, late).define(target(ground, kind), frozenset({STABLE}))


def watched_now(ground: Ground, kind: str) -> Callable[[str], Sequence[Json]]:
    """A watch that brings nothing new of this kind from now on."""
    before = ground.standing(kind)
    return lambda asked: before if asked == kind else ground.standing(asked)


def survey(ground: Ground, door: Door) -> None:
    """Whether the legs have endpoints."""
    make(ground, "HTTPRoute", True)
    assert ground.routes(door.cluster).survey(target(ground, "HTTPRoute"), None)[0].faults == ()
