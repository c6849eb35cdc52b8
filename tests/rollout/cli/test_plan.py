"""`rampart plan`: what would happen, with the source of each value; nothing is written."""

import argparse
import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from deploy import kinds
from deploy.cluster import Cluster
from rollout.cli import plan
from tests.rollout import test_gateway_release, test_smi_release
from tests.rollout.a_shop import Shop, a_shop
from tests.rollout.pair.a_pair_shop import a_pair_shop


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROMETHEUS_URL", "MESH", "METRIC_NAMES", "DEFAULTS", "CLUSTER_DOMAIN", "HOLD"):
        monkeypatch.delenv(f"RAMPART_{name}", raising=False)


def call(shop: Shop, **changes: Any) -> int:
    values = {"namespace": "shop", "name": "web", "output": "json", "prometheus_url": None, "mesh": None}
    more = {"metric_names": None, "defaults": None, "cluster_domain": None, "hold": None, "queries": False}
    return plan.run(cast(Cluster, shop.cluster), argparse.Namespace(**{**values, **more, **changes}))


def foretold(shop: Shop, capsys: pytest.CaptureFixture[str], **changes: Any) -> Any:
    call(shop, **changes)
    return json.loads(capsys.readouterr().out)


def test_each_value_says_who_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Annotation over policy over installation over what is built in."""
    shop = a_shop()
    shop.annotate(steps="10")
    shop.share("default", plan={"interval": "20s", "steps": "40"}, metrics=[])
    found = foretold(shop, capsys, defaults="latency=p99<300ms")
    assert found["plan"]["steps"] == {"value": "10", "from": "annotation"}
    assert found["plan"]["interval"] == {"value": "20s", "from": "ReleasePolicy default"}
    assert found["plan"]["latency"] == {"value": "p99<300ms", "from": "installation"}
    assert found["plan"]["success-rate"] == {"value": "99", "from": "built-in"}
    assert found["stays"] == [
        {"exposure": "10 %", "canaryPods": 1, "atMost": "20s"},
        {"exposure": "100 %", "canaryPods": 4, "atMost": "20s"},
    ]
    assert [each["name"] for each in found["questions"]] == ["requests and failures", "p99<300ms"]
    assert found["questions"][0]["today"] == "not asked: no --prometheus-url"


def test_the_routes_edits_are_a_diff_of_the_first_step(capsys: pytest.CaptureFixture[str]) -> None:
    """The legs' object, and the user's route with only our destination touched."""
    shop = a_shop()
    shop.cluster.writes.clear()
    rule, route = foretold(shop, capsys)["edits"]
    assert rule.startswith("--- DestinationRule shop/web-rampart (none)")
    assert "\n+    weight: 95" in route.replace("+      weight", "+    weight")
    assert "timeout" not in "".join(line for line in route.splitlines() if line.startswith(("+", "-")))
    assert shop.cluster.writes == []


def test_what_keeps_a_release_from_beginning_is_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, each in a sentence."""
    shop = a_shop()
    assert call(shop) == 0
    capsys.readouterr()
    shop.annotate(strategy=None)
    del shop.cluster.objects["Service", "web"]
    assert call(shop) == 1
    faults = json.loads(capsys.readouterr().out)["faults"]
    assert "no Service in the namespace selects its pods" in faults[0]
    assert faults[1] == "it is not opted in: kubectl -n shop annotate deployment web rampart.dev/strategy=canary"
    shop.annotate(strategy="canary", steps="50,10")
    assert call(shop) == 1


def test_people_get_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """The same, to be read."""
    shop = a_shop()
    assert call(shop, output="table") == 0
    text = capsys.readouterr().out
    assert "shop/web  behind Service web" in text
    assert "steps" in text
    assert "built-in" in text
    assert "+++ VirtualService shop/web" in text
    assert all(len(line) <= 120 for line in text.splitlines())
    assert "asked of Prometheus at each look; as PromQL: --queries" in text
    assert "what istio_requests_total counted of both versions in 1m" in text
    assert call(shop, output="table", queries=True) == 0
    assert "label_replace(sum by (destination_workload)" in capsys.readouterr().out


def test_a_release_in_flight_hides_the_routes_edits(capsys: pytest.CaptureFixture[str]) -> None:
    """The route is another then."""
    shop = a_shop()
    shop.change("v2")
    shop.live(lambda shop: bool(shop.phases))
    call(shop, output="table")
    text = capsys.readouterr().out
    assert "a release is in flight" in text
    assert "+++" not in text


def test_a_bad_setting_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2."""
    assert call(a_shop(), mesh="isto") == 2
    assert "RAMPART_MESH" in capsys.readouterr().err


@pytest.mark.parametrize(
    "container",
    [
        {"env": [{"name": "RAMPART_DEFAULTS", "value": "steps=7"}]},
        {"args": ["run", "--defaults", "steps=7"]},
        {"args": ["run", "--defaults=steps=7"]},
    ],
)
def test_the_installed_controllers_settings_count(container: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody has to repeat them."""
    shop = a_shop()
    template = {"metadata": {"labels": {"app": "rampart"}}, "spec": {"containers": [{"name": "rampart", **container}]}}
    shop.cluster.seed(kinds.DEPLOYMENT, "rampart", spec={"replicas": 1, "selector": {}, "template": template})
    assert foretold(shop, capsys)["plan"]["steps"] == {"value": "7", "from": "installation"}
    assert foretold(shop, capsys, defaults="steps=8")["plan"]["steps"]["value"] == "8"


def without(shop: Shop) -> Shop:
    """Nothing was changed in it yet."""
    fresh = a_shop()
    for key in ("Deployment", "web"), ("Service", "web"):
        shop.cluster.objects[key]["spec"] = {**fresh.cluster.objects[key]["spec"], "ports": [{"port": 80}]}
    del shop.cluster.objects["Deployment", "web"]["metadata"]["annotations"]["rampart.dev/held"]
    shop.cluster.writes.clear()
    return shop


@pytest.mark.parametrize(
    ("shop", "heads"),
    [
        pytest.param(
            lambda: test_gateway_release.released(),
            ["+++ Service shop/web-rampart-stable", "+++ Service shop/web-rampart-canary", "+++ HTTPRoute shop/web"],
            id="gateway",
        ),
        pytest.param(
            lambda: test_gateway_release.released(route=None), ["+++ HTTPRoute shop/web-rampart-80"], id="its own route"
        ),
        pytest.param(
            lambda: test_smi_release.released(),
            ["+++ Service shop/web-rampart-stable", "+++ Service shop/web-rampart-canary", "+++ TrafficSplit shop/web"],
            id="smi",
        ),
        pytest.param(
            lambda: test_smi_release.released(split=None), ["+++ TrafficSplit shop/web-rampart"], id="its own split"
        ),
    ],
)
def test_the_edits_of_other_routers_are_foretold(
    shop: Callable[[], Shop], heads: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The leg Services, and the user's route or a temporary one; nothing is written."""
    found = without(shop())
    told = foretold(found, capsys)
    assert told["faults"] == []
    lines = "\n".join(told["edits"]).splitlines()
    for head in heads:
        assert any(line.startswith(head) for line in lines), head
    assert any(line.endswith(("weight: 5", "weight: 4")) for line in lines if line.startswith("+"))
    assert found.cluster.writes == []


PAIR = {"name": "web-v2"}


def test_a_pair_is_named_and_its_weights_are_foretold(capsys: pytest.CaptureFixture[str]) -> None:
    """The next side, and the first step's weights in the user's route; nothing else."""
    shop = a_pair_shop()
    told = foretold(shop, capsys, **PAIR)
    assert told["faults"] == []
    assert told["pair"] == {"annotated": "web-v2", "other": "web-v1", "next": "web-v2"}
    assert len(told["edits"]) == 1
    changed = [line for line in told["edits"][0].splitlines()[3:] if line.startswith(("+", "-"))]
    assert [line[1:].strip() for line in changed] == ["weight: 100", "weight: 80", "weight: 0", "weight: 20"]
    assert [stay["exposure"] for stay in told["stays"]] == ["20 %", "50 %", "100 %"]
    assert shop.cluster.writes == []
    assert call(shop, **PAIR, output="table") == 0
    assert "in turn with web-v1; next: web-v2" in capsys.readouterr().out


def test_either_name_of_a_pair_tells_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """The plan stands on the annotated one."""
    shop = a_pair_shop()
    assert foretold(shop, capsys, name="web-v1") == foretold(shop, capsys, **PAIR)


def test_what_keeps_a_pairs_release_from_beginning_is_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """A route that names one of the two alone; a second Deployment that is not there."""
    shop = a_pair_shop()
    del shop.cluster.objects["VirtualService", "web"]
    assert call(shop, **PAIR) == 1
    assert "no route in the cluster has destinations for both" in json.loads(capsys.readouterr().out)["faults"][0]
    del shop.cluster.objects["Deployment", "web-v1"]
    assert call(shop, **PAIR) == 1
    assert "rampart.dev/canary-of must name a Deployment" in capsys.readouterr().out


def test_a_pairs_release_in_flight_hides_the_edits(capsys: pytest.CaptureFixture[str]) -> None:
    """As any release's."""
    shop = a_pair_shop()
    shop.live(lambda shop: bool(shop.phases) and shop.phases[-1] == "Stepping")
    assert foretold(shop, capsys, **PAIR)["edits"] == []
