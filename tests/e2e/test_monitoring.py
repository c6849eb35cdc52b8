"""Prometheus itself reads each query of the chart's alerts and dashboard."""

import json
import urllib.parse
import urllib.request

import pytest

from sandbox import ports
from tests.chart import test_monitoring


@pytest.mark.parametrize("expression", test_monitoring.expressions())
def test_prometheus_understands_the_query(expression: str) -> None:
    """With Grafana's variables filled in."""
    filled = expression.replace("$namespace", ".*").replace("$deployment", ".*")
    asked = urllib.parse.urlencode({"query": filled})
    with urllib.request.urlopen(f"{ports.url(ports.PROMETHEUS)}/api/v1/query?{asked}", timeout=60) as answer:
        assert json.load(answer)["status"] == "success"
