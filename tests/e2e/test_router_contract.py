"""The contract of a router on the real API server, with the real definitions: the same rows as in thought."""

import contextlib
import copy
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from deploy import errors, kinds, names, routers, traffic
from deploy.cluster import Cluster, from_kubeconfig
from deploy.kinds import Kind
from deploy.traffic import WHOLE, Json
from rollout.routes import Routes
from sandbox import cluster as sandbox_cluster
from sandbox.smi.definitions import Flavour
from tests.deploy import contenders
from tests.deploy.contenders import CANARY, STABLE, Contender
from tests.e2e import smi_stage
from tests.e2e.stage import content

SHARES = (0, 50, 500, 3_333, WHOLE)
OTHERS = (kinds.ENDPOINT_SLICE, kinds.SERVICE_PROFILE)
"""Kinds that no router writes, but the cluster and the mesh do."""
DOWN = traffic.Split(((STABLE, WHOLE),))


def a_split(share: int) -> traffic.Split:
    return traffic.Split(((STABLE, WHOLE - share), (CANARY, share)))


@dataclass
class Ground:
    """One row's objects in a namespace of their own."""

    cluster: Cluster
    contender: Contender
    namespace: str
    before: dict[tuple[str, str], Json] = field(default_factory=dict)

    @property
    def target(self) -> traffic.Target:
        return replace(self.contender.target, namespace=self.namespace)

    @property
    def kinds(self) -> Sequence[Kind]:
        """The kinds that the router writes and that people write."""
        found = [routers.KINDS[kind] for kind in self.contender.router.KINDS]
        return [kind for kind in found if kind not in OTHERS and self.cluster.serves(kind)]

    def watched(self, kind: str) -> Sequence[Json]:
        """What a watch that is never late has brought; nothing of a kind that is not served."""
        try:
            return self.cluster.list(routers.KINDS[kind], self.namespace).items
        except errors.Missing:
            return []

    def routes(self, watched: Callable[[str], Sequence[Json]] | None = None) -> Routes:
        return Routes(self.cluster, watched or self.watched)

    def seen(self) -> dict[tuple[str, str], Json]:
        """Everything in the namespace as people see it."""
        listed = [item for kind in self.kinds for item in self.cluster.list(kind, self.namespace).items]
        return {(item["kind"], item["metadata"]["name"]): content(item) for item in listed}

    def edit(self, change: Callable[[Json], None]) -> None:
        """Somebody writes the user's route; istiod writes its status meanwhile, so again where that came between."""
        kind, _, name = self.contender.route
        for _ in range(10):
            body = self.cluster.get(routers.KINDS[kind], name, self.namespace)
            change(body)
            with contextlib.suppress(errors.Conflict):
                self.cluster.replace(routers.KINDS[kind], body)
                return
        raise AssertionError(f"{kind} {name} changed ten times under the hand that writes it")


ROWS = [
    *[pytest.param((make, None), id=make.__name__) for make in contenders.ROWS if make is not contenders.smi],
    *[pytest.param((contenders.smi, flavour), id=f"smi, {flavour}'s definition") for flavour in Flavour],
]


@pytest.fixture(params=ROWS)
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """One row; TrafficSplits are defined in each of the two ways that there are."""
    make, flavour = request.param
    with smi_stage.defined(flavour) if flavour else contextlib.nullcontext():
        yield from opened(make())


def opened(contender: Contender) -> Iterator[Ground]:
    box = sandbox_cluster.current()
    cluster = Cluster(from_kubeconfig(str(box.kubeconfig)))
    namespace = f"e2e-{uuid.uuid4().hex[:8]}"
    cluster.create(kinds.NAMESPACE, {"metadata": {"name": namespace}})
    found = Ground(cluster, contender, namespace)
    for body in contender.bodies:
        made = copy.deepcopy(body)
        made["metadata"] = {"name": made["metadata"]["name"], "namespace": namespace}
        made["spec"].pop("clusterIP", None)
        cluster.create(routers.KINDS[made["kind"]], made)
    found.before = found.seen()
    yield found
    cluster.delete(kinds.NAMESPACE, namespace)
    cluster.close()


def test_router_keeps_its_contract(ground: Ground) -> None:
    """Chosen, split at any share, read back, done again without a write, restored byte for byte."""
    routes, target = ground.routes(), ground.target
    if ground.contender.name in ("istio", "gateway", "smi"):
        chosen = routes.choose(target, None)
        assert isinstance(chosen, traffic.Target), chosen
        assert chosen.router == ground.contender.name
    found, _ = routes.survey(target, None)
    assert (found.split, found.faults) == (None, ())
    saved = found.saved
    routes.define(target, frozenset({STABLE, CANARY}))
    for share in SHARES:
        routes.steer(target, a_split(share), saved)
        shown, _ = ground.routes().survey(target, saved)
        assert (shown.split, shown.agreed, shown.saved) == (a_split(share), True, saved)
        assert routes.drift(target, saved, frozenset({STABLE, CANARY})) is None
    there = ground.seen()
    routes.define(target, frozenset({STABLE, CANARY}))
    routes.steer(target, a_split(WHOLE), saved)
    assert ground.seen() == there
    routes.steer(target, DOWN, saved)
    routes.restore(target, saved)
    routes.define(target, frozenset())
    routes.disown(target, saved)
    assert ground.seen() == ground.before
    kind, _, name = ground.contender.route
    left = ground.cluster.get(routers.KINDS[kind], name, ground.namespace)["metadata"].get("managedFields") or []
    if kind in routers.ROUTES or ground.contender.name == "service":
        assert names.FIELD_MANAGER not in {entry["manager"] for entry in left} or len(left) == 1


def test_a_write_of_somebody_else_is_kept(ground: Ground) -> None:
    """Our watch is late: the server answers 409, and what stands there now is split at once."""
    late = {kind.kind: ground.watched(kind.kind) for kind in ground.kinds if kind.kind in routers.WATCHED}
    slow = ground.routes(lambda kind: late.get(kind, ()))
    saved = slow.survey(ground.target, None)[0].saved
    slow.define(ground.target, frozenset({STABLE, CANARY}))
    ground.edit(lambda body: body["metadata"].setdefault("annotations", {}).update({"team.example.com/note": "mine"}))
    slow.steer(ground.target, a_split(500), saved)
    assert ground.routes().survey(ground.target, saved)[0].split == a_split(500)
    kind, _, name = ground.contender.route
    body = ground.cluster.get(routers.KINDS[kind], name, ground.namespace)
    assert body["metadata"]["annotations"]["team.example.com/note"] == "mine"


def test_what_somebody_else_writes_is_drift_and_is_split_anew(ground: Ground) -> None:
    """The new content is what is put back."""
    routes, target = ground.routes(), ground.target
    saved = routes.survey(target, None)[0].saved
    routes.define(target, frozenset({STABLE, CANARY}))
    routes.steer(target, a_split(500), saved)
    ground.edit(ground.contender.foreign)
    kind, _, name = ground.contender.route
    theirs = ground.seen()[kind, name]
    fresh = ground.routes()
    assert fresh.drift(target, saved, frozenset({STABLE, CANARY}))
    again = fresh.survey(target, saved)[0].saved
    fresh.define(target, frozenset({STABLE, CANARY}))
    fresh.steer(target, a_split(500), again)
    assert fresh.survey(target, again)[0].agreed
    fresh.steer(target, DOWN, again)
    fresh.restore(target, again)
    fresh.define(target, frozenset())
    assert ground.seen()[kind, name] == theirs


def test_a_lost_leg_is_made_before_the_route_is_written(ground: Ground) -> None:
    """Somebody deleted our objects in mid-release."""
    routes, target = ground.routes(), ground.target
    saved = routes.survey(target, None)[0].saved
    routes.define(target, frozenset({STABLE, CANARY}))
    routes.steer(target, a_split(500), saved)
    for kind in ground.kinds:
        for item in ground.cluster.list(kind, ground.namespace, labels=names.MANAGED).items:
            if routers.is_leg(item):
                ground.cluster.delete(kind, item["metadata"]["name"], ground.namespace)
    fresh = ground.routes()
    found = fresh.survey(target, saved)[0]
    assert found.split is None or not found.agreed or found.legs == {STABLE, CANARY}
    fresh.define(target, frozenset({STABLE, CANARY}))
    fresh.steer(target, a_split(500), saved)
    found = fresh.survey(target, saved)[0]
    assert (found.split, found.agreed) == (a_split(500), True)
