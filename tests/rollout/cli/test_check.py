"""`rampart check` as a whole: ticks, crosses and the exit code."""

import argparse
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
import yaml

from deploy import errors, kinds, routers, workload
from deploy.cluster import Cluster, Listing
from deploy.kinds import Kind
from deploy.leases import Leases
from rollout import settings
from rollout.cli import absent, asking, check, doors
from rollout.cli.clock import now
from rollout.settings import Settings
from rollout.status import Phase
from tests.rollout import test_gateway_release, test_smi_release
from tests.rollout.a_shop import Shop, a_shop
from tests.rollout.pair.a_pair_shop import a_pair_shop
from tests.rollout.test_checks import CHART, Server


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROMETHEUS_URL", "MESH", "METRIC_NAMES", "DEFAULTS", "CLUSTER_DOMAIN", "NAMESPACES"):
        monkeypatch.delenv(f"RAMPART_{name}", raising=False)


def a_healthy_shop() -> Shop:
    shop = a_shop()
    server = Server(objects=shop.cluster.objects, version=shop.cluster.version)
    for file in ("release", "releasepolicy"):
        made = yaml.safe_load((CHART / "definitions" / f"{file}.yaml").read_text())
        server.seed(kinds.CRD, made["metadata"]["name"], spec=made["spec"])
    Leases(cast(Cluster, server), "shop", "rampart").take(None, "rampart-0", 15, now())
    shop.cluster = server
    shop.restart()
    return shop


def call(shop: Shop, **changes: Any) -> int:
    values = {"namespace": None, "all_namespaces": False, "output": "table", "lease_namespace": "shop"}
    more = dict.fromkeys(("prometheus_url", "mesh", "metric_names", "defaults", "cluster_domain", "hold"))
    given = argparse.Namespace(**{**values, "lease_name": "rampart", **more, **changes})
    return check.run(cast(Cluster, shop.cluster), given)


def test_a_healthy_installation_has_no_cross(capsys: pytest.CaptureFixture[str]) -> None:
    """What could not be asked is no fault."""
    assert call(a_healthy_shop(), namespace="shop") == 0
    said = capsys.readouterr().out
    assert "✔ API server: Kubernetes 1.37" in said
    assert "✔ hold: in shop: a changed template of web would be held" in said
    assert "✔ shop/web: Service, route and plan are fit for a release" in said
    assert "- Prometheus: no address is known" in said
    assert said.endswith("nothing is wrong\n")


def test_each_cross_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1; the plan and the Service of each Deployment, the hold."""
    shop = a_healthy_shop()
    shop.cluster.holds = False
    shop.annotate(steps="50,10")
    del shop.cluster.objects["Service", "web"]
    assert call(shop) == 1
    said = capsys.readouterr().out
    assert "✘ hold: in shop: the hold does not act on deployment shop/web" in said
    assert "✘ shop/web: PlanInvalid: rampart.dev/steps must rise" in said
    assert "✘ shop/web: Refused: Deployment shop/web: no Service" in said
    assert said.count("    → ") == 3
    assert "3 of " in said


def test_programs_get_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """State, text, and what to do."""
    shop = a_healthy_shop()
    shop.cluster.holds = False
    assert call(shop, output="json", all_namespaces=True) == 1
    found = {item["about"]: item for item in json.loads(capsys.readouterr().out)}
    assert found["hold"]["state"] == "bad"
    assert found["hold"]["do"]
    assert found["mesh"]["state"] == "good"


def test_a_prometheus_that_does_not_answer_is_a_cross(capsys: pytest.CaptureFixture[str]) -> None:
    """And what it would be asked of each Deployment, too."""
    assert call(a_healthy_shop(), prometheus_url="http://127.0.0.1:9") == 1
    said = capsys.readouterr().out
    assert "✘ Prometheus: Prometheus at http://127.0.0.1:9" in said
    assert "✘ shop/web: TelemetryMissing:" in said


def test_a_release_in_flight_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """Its legs belong into the route."""
    shop = a_healthy_shop()
    shop.change("v2")
    shop.live(lambda shop: bool(shop.phases) and shop.phases[-1] == Phase.STEPPING)
    assert call(shop) == 0


def test_a_bad_setting_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2."""
    assert call(a_healthy_shop(), mesh="isto") == 2
    assert "RAMPART_MESH" in capsys.readouterr().err


class Ignorant(Server):
    """Definitions may not be read, as by the controller's own account."""

    def find(self, kind: Kind, name: str, namespace: str | None = None) -> Any:
        if kind is kinds.CRD:
            raise errors.Forbidden("customresourcedefinitions is forbidden")
        return super().find(kind, name, namespace)


def test_what_may_not_be_asked_does_not_end_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    """It is said, and it is no cross."""
    shop = a_healthy_shop()
    shop.cluster = Ignorant(objects=shop.cluster.objects, version=shop.cluster.version)
    assert call(shop) == 0
    said = capsys.readouterr().out
    assert "- definitions: it can not be asked: customresourcedefinitions is forbidden" in said
    assert "✔ mesh" in said


def test_a_namespace_that_is_not_there_has_nothing_to_check() -> None:
    """It is no empty one."""
    with pytest.raises(absent.Absent, match="there is no namespace shpo"):
        call(a_healthy_shop(), namespace="shop,shpo")


class Blind(Server):
    """Deployments may not be listed."""

    def list(self, kind: Kind, namespace: str | None = None, labels: str = "") -> Listing:
        if kind is kinds.DEPLOYMENT:
            raise errors.NotGranted("may not", right="list deployments.apps", said="User jane cannot")
        return super().list(kind, namespace, labels)


def test_deployments_that_may_not_be_listed_do_not_hide_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    """What was asked before is shown."""
    shop = a_healthy_shop()
    shop.cluster = Blind(objects=shop.cluster.objects, version=shop.cluster.version)
    call(shop)
    said = capsys.readouterr().out
    assert "✔ API server: Kubernetes 1.37" in said
    assert "- Deployments: they can not be asked: you may not list deployments.apps (User jane cannot)" in said


def test_a_pair_is_checked_as_a_pair(capsys: pytest.CaptureFixture[str]) -> None:
    """Two Deployments behind one Service are no fault of theirs; a route without both is; in flight nothing is."""
    shop = a_pair_shop()
    door = cast(Cluster, shop.cluster)
    found = settings.load({"prometheus_url": "http://p"}, {})
    assert isinstance(found, Settings)
    with asking.eyes(door, found.model_copy(update={"prometheus_url": doors.NO_PROMETHEUS})) as eyes:
        work = workload.read(shop.side("web-v2"))
        assert check.faults(door, eyes, work) == ()
        route = shop.cluster.objects.pop(("VirtualService", "web"))
    with asking.eyes(door, found.model_copy(update={"prometheus_url": doors.NO_PROMETHEUS})) as eyes:
        assert "no route in the cluster" in check.faults(door, eyes, work)[0][1]
        shop.cluster.objects["VirtualService", "web"] = route
    shop.live(lambda shop: bool(shop.phases) and shop.phases[-1] == Phase.STEPPING)
    with asking.eyes(door, found.model_copy(update={"prometheus_url": doors.NO_PROMETHEUS})) as eyes:
        assert check.faults(door, eyes, workload.read(shop.side("web-v2"))) == ()


@pytest.mark.parametrize("released", [test_gateway_release.released, test_smi_release.released], ids=["gateway", "smi"])
def test_other_routers_are_checked_as_well(released: Callable[[], Shop]) -> None:
    """A route of theirs is fit; one that names the Service twice is not."""
    shop = released()
    shop.cluster.edit(kinds.DEPLOYMENT, "web", {"metadata": {"annotations": {"rampart.dev/held": None}}})
    door = cast(Cluster, shop.cluster)
    found = settings.load({"prometheus_url": "http://p"}, {})
    assert isinstance(found, Settings)
    work = workload.read(shop.deployment)
    with asking.eyes(door, found.model_copy(update={"prometheus_url": doors.NO_PROMETHEUS})) as eyes:
        assert check.faults(door, eyes, work) == ()
    for spec in (item["spec"] for (kind, _), item in shop.cluster.objects.items() if kind in routers.ROUTES):
        entries = spec["rules"][0]["backendRefs"] if "rules" in spec else spec["backends"]
        entries += [dict(entries[0])]
    with asking.eyes(door, found.model_copy(update={"prometheus_url": doors.NO_PROMETHEUS})) as eyes:
        assert "Refused" in [reason for reason, _ in check.faults(door, eyes, work)]
