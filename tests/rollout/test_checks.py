"""Is everything there: each answer, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from deploy import errors, kinds, workload
from deploy.cluster import Cluster
from deploy.hold import Mode
from deploy.kinds import Kind
from deploy.leases import Leases
from deploy.traffic import Json
from rollout import checks
from rollout.checks import Check, State
from tests.rollout.a_shop import a_shop
from tests.rollout.small_cluster import SmallCluster

CHART = Path(__file__).parents[2] / "charts" / "rampart"
NOW = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)


@dataclass
class Server(SmallCluster):
    """What else a server says of itself."""

    version_: tuple[int, int] = (1, 37)
    mesh: bool = True
    denied: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    def server_version(self) -> tuple[int, int]:
        return self.version_

    def serves(self, kind: Kind) -> bool:
        return self.mesh

    def versions(self, group: str) -> tuple[str, ...]:
        return ("v1", "v1beta1")

    def user(self) -> str:
        return "jane"

    def may(self, verb: str, kind: Kind, namespace: str | None = None, subresource: str = "") -> bool:
        return (verb, kind.plural) not in self.denied


def only(found: Iterable[Check]) -> Check:
    (one,) = found
    return one


def door(cluster: SmallCluster) -> Cluster:
    return cast(Cluster, cluster)


def test_a_server_without_mutating_policies_is_too_old() -> None:
    """The hold needs them."""
    assert only(checks.api(door(Server()))).state is State.GOOD
    found = only(checks.api(door(Server(version_=(1, 35)))))
    assert (found.state, found.text) == (State.BAD, "Kubernetes 1.35: the hold needs mutating admission policies")
    assert found.do == "upgrade to 1.36 or later, or keep opted-in Deployments paused: hold.mode=pause"
    assert only(checks.api(door(Server(version_=(1, 35))), Mode.PAUSE)).state is State.GOOD
    found = only(checks.api(door(Server(version_=(1, 29))), Mode.PAUSE))
    assert (found.state, found.do) == (State.BAD, "upgrade to 1.30 or later")


def with_definitions(change: Any = None) -> Server:
    server = Server()
    for file in ("release", "releasepolicy"):
        made = yaml.safe_load((CHART / "definitions" / f"{file}.yaml").read_text())
        if change is not None:
            change(made)
        server.seed(kinds.CRD, made["metadata"]["name"], spec=made["spec"])
    return server


def test_the_charts_definitions_keep_all_that_this_version_writes() -> None:
    """Else a field would be lost without a word."""
    assert [each.state for each in checks.definitions(door(with_definitions()))] == [State.GOOD, State.GOOD]


def test_definitions_that_are_missing_or_older_are_named() -> None:
    """With the fields that they lack."""
    missing = list(checks.definitions(door(Server())))
    assert [each.text for each in missing] == [
        "releases.rampart.dev is not installed",
        "releasepolicies.rampart.dev is not installed",
    ]

    def age(made: Any) -> None:
        for version in made["spec"]["versions"]:
            properties = version["schema"]["openAPIV3Schema"]["properties"]
            properties["spec"].get("properties", {}).pop("metrics", None)

    older = next(iter(checks.definitions(door(with_definitions(age)))))
    assert older.state is State.BAD
    assert older.text == "releases.rampart.dev is older than this program: it lacks spec.metrics"

    def unserve(made: Any) -> None:
        made["spec"]["versions"][0]["served"] = False

    assert "lacks version v1alpha1" in next(iter(checks.definitions(door(with_definitions(unserve))))).text


def test_a_cluster_without_a_mesh_is_said() -> None:
    """What is missing is named."""
    assert only(checks.mesh(door(Server()))).text == "Istio (networking.istio.io: v1, v1beta1)"
    assert "VirtualService and DestinationRule" in only(checks.mesh(door(Server(mesh=False)))).text


def test_rights_that_are_missing_are_named_with_who_lacks_them() -> None:
    """Verb, kind and namespace."""
    assert only(checks.rights(door(Server()), (None,))).text == "jane may do all that the controller does"
    lacking = Server(denied=frozenset({("patch", "deployments"), ("list", "mutatingadmissionpolicies")}))
    found = only(checks.rights(door(lacking), ("shop",)))
    assert found.text == "jane may not: patch deployments in shop, list mutatingadmissionpolicies"


def test_a_leader_that_is_silent_or_missing_is_said() -> None:
    """And where to look."""
    leases = Leases(door(Server()), "shop", "rampart")
    assert (
        only(checks.leader(leases, NOW)).text
        == "nobody holds Lease shop/rampart (a controller that runs with a kubeconfig takes none)"
    )
    leases.take(None, "rampart-0", 15, NOW)
    assert only(checks.leader(leases, NOW + timedelta(seconds=3))).text == (
        "rampart-0 holds Lease shop/rampart, renewed 3 s ago"
    )
    silent = only(checks.leader(leases, NOW + timedelta(seconds=60)))
    assert silent.state is State.BAD
    assert "has been silent since" in silent.text
    assert silent.do == "see whether the controller runs: kubectl -n shop get pods"


def test_the_hold_is_proven_once_in_each_namespace() -> None:
    """By a dry run; behind zero replicas nothing can be proven."""
    shop = a_shop()
    items = tuple(shop.cluster.list(kinds.DEPLOYMENT).items)
    assert only(checks.held(door(shop.cluster), items * 3)).state is State.GOOD
    shop.cluster.holds = False
    found = only(checks.held(door(shop.cluster), items))
    assert found.state is State.BAD
    assert "the hold does not act on deployment shop/web" in found.text
    empty = {**items[0], "spec": {**items[0]["spec"], "replicas": 0}}
    assert only(checks.held(door(shop.cluster), (empty,))).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("spec", "refuses", "state", "text"),
    [
        pytest.param(
            {"paused": True}, True, State.GOOD, "web is kept paused, and nobody else may un-pause it", id="so"
        ),
        pytest.param(
            {"paused": True}, False, State.UNKNOWN, "nothing refuses a write that un-paused it", id="no policy"
        ),
        pytest.param({}, True, State.BAD, "web is opted in and not paused", id="nobody keeps it paused"),
    ],
)
def test_what_is_kept_paused_is_proven_too(spec: Json, refuses: bool, state: State, text: str) -> None:
    """That it is paused, and that no other write would be let through."""
    shop = a_shop(**spec)
    shop.cluster.refuses = refuses
    found = only(checks.held(door(shop.cluster), tuple(shop.cluster.list(kinds.DEPLOYMENT).items), Mode.PAUSE))
    assert found.state is state
    assert text in found.text


class Closed(SmallCluster):
    """Nothing may be written or read."""

    def patch(self, *words: Any, **more: Any) -> Any:
        raise errors.Forbidden("you may not patch")

    def find(self, kind: Kind, name: str, namespace: str | None = None) -> Any:
        raise errors.Forbidden("you may not get")


def test_what_may_not_be_asked_is_no_fault() -> None:
    """It is said that it could not be asked."""
    items = tuple(a_shop().cluster.list(kinds.DEPLOYMENT).items)
    assert only(checks.held(door(Closed()), items)).state is State.UNKNOWN
    assert only(checks.leader(Leases(door(Closed()), "shop", "rampart"), NOW)).state is State.UNKNOWN


def test_each_deployment_is_answered_for_itself() -> None:
    """One that can not be asked does not keep the others from it."""
    shop = a_shop()
    work = workload.read(shop.deployment)

    def faults(work: Any) -> tuple[tuple[str, str], ...]:
        raise errors.Unreachable("away")

    assert only(checks.each((work,), faults)).state is State.UNKNOWN
    assert only(checks.each((work,), lambda work: ())).state is State.GOOD
    found = only(checks.each((work,), lambda work: (("PlanInvalid", "steps"),)))
    assert (found.text, found.do) == ("PlanInvalid: steps", "mend the annotation or the ReleasePolicy")


@pytest.mark.parametrize("reason", ["PlanInvalid", "Refused", "TelemetryMissing", "HoldMissing"])
def test_every_standing_fault_has_its_advice(reason: str) -> None:
    """What the controller would say of a Deployment at rest."""
    assert checks.ADVICE[reason]
