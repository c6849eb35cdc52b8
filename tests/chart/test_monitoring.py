"""Alerts and dashboard ask only for metrics and labels that the controller has."""

import json
import re
from typing import Any

import pytest
import yaml

from sandbox import chart
from tests.chart import renders

Json = dict[str, Any]

ALERTS = yaml.safe_load((chart.PATH / "monitoring" / "alerts.yaml").read_text())
DASHBOARD = json.loads((chart.PATH / "monitoring" / "dashboard.json").read_text())


def known() -> dict[str, frozenset[str]]:
    """Series to labels, out of docs/operations.md, which tests/rollout/test_metrics.py holds against the code."""
    text = (chart.PATH.parents[1] / "docs" / "operations.md").read_text()
    found: dict[str, frozenset[str]] = {}
    for name, kind, labels in re.findall(r"^\| `(rampart_[a-z_]+)` \| (\w+) \| ([^|]*)\|", text, flags=re.MULTILINE):
        own = frozenset(re.findall(r"`([a-z_]+)`", labels))
        found |= {f"{name}_bucket": own | {"le"}} if kind == "histogram" else {name: own}
    return found


KNOWN = known()


def rules() -> list[Json]:
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    """Every PromQL text of both."""
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [*(rule["expr"] for rule in rules()), *panels]


@pytest.mark.parametrize("expression", expressions())
def test_each_metric_exists(expression: str) -> None:
    """Under that name, with the suffix of its type."""
    names = re.findall(r"rampart_[a-z_]+", expression)
    assert names
    assert set(names) <= KNOWN.keys()


@pytest.mark.parametrize("expression", expressions())
def test_each_label_exists(expression: str) -> None:
    """In selectors and behind `by`."""
    names = re.findall(r"rampart_[a-z_]+", expression)
    own = frozenset[str]().union(*(KNOWN[name] for name in names))
    used = set(re.findall(r"[{,]\s*([a-z_]+)\s*(?:=|!)", expression))
    for group in re.findall(r"by \(([^)]*)\)", expression):
        used |= {label.strip() for label in group.split(",")}
    assert used <= own, f"{used - own} are no labels of {names}"


def test_each_alert_says_what_it_means() -> None:
    """Name, severity, summary and description; one name once."""
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_each_alert_names_its_page(rule: Json) -> None:
    """A path in this repository, for where the pages are served is not the chart's to know."""
    page = rule["annotations"]["page"]
    assert page.startswith("docs/")
    assert (chart.PATH.parents[1] / page).is_file()


def test_they_are_off_by_default_and_come_whole() -> None:
    """The templates put in the files as they are: braces of alerts and legends are not Helm's."""
    optional = {"PrometheusRule", "ServiceMonitor", "PodMonitor", "ConfigMap", "NetworkPolicy"}
    assert optional.isdisjoint(item["kind"] for item in chart.objects())
    assert renders.pick("PrometheusRule", renders.MONITORED)["spec"] == ALERTS
    shown = renders.pick("ConfigMap", renders.MONITORED)["data"]["rampart.json"]
    assert json.loads(shown) == DASHBOARD
