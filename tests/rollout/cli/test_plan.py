"""`rampart plan`: what would happen, with the source of each value; nothing is written."""

import argparse
import json
from typing import Any, cast

import pytest

from deploy import kinds
from deploy.cluster import Cluster
from rollout.cli import plan
from tests.rollout.a_shop import Shop, a_shop


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROMETHEUS_URL", "MESH", "METRIC_NAMES", "DEFAULTS", "CLUSTER_DOMAIN"):
        monkeypatch.delenv(f"RAMPART_{name}", raising=False)


def call(shop: Shop, **changes: Any) -> int:
    values = {"namespace": "shop", "name": "web", "output": "json", "prometheus_url": None, "mesh": None}
    more = {"metric_names": None, "defaults": None, "cluster_domain": None}
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
