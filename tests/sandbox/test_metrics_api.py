"""The stand-in for metrics.k8s.io: what it takes for a pod's load."""

from datetime import UTC, datetime

import pytest

from sandbox import metrics_api


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        pytest.param([], 0, id="never seen"),
        pytest.param([(0.0, 5)], 0, id="seen once"),
        pytest.param([(0.0, 0), (2.0, 80)], 40, id="two samples"),
        pytest.param([(0.0, 0), (1.0, 10), (2.0, 20), (9.0, 90), (10.0, 140)], 15, id="the window, bridged"),
        pytest.param([(0.0, 50), (2.0, 3)], 0, id="started again"),
    ],
)
def test_rate_is_that_of_the_window(samples: list[tuple[float, int]], rate: float) -> None:
    """Of the kubelet's counts."""
    rates = metrics_api.Rates()
    for now, count in samples:
        rates.add(now, {"shop/web": count})
    assert rates.rate("shop/web") == pytest.approx(rate)


def test_load_is_the_first_containers() -> None:
    """As millicores; an idle container uses one."""
    pod = {"metadata": {"name": "w", "namespace": "s"}, "spec": {"containers": [{"name": "web"}, {"name": "log"}]}}
    found = metrics_api.pod_metrics(pod, 40, datetime(2026, 1, 1, tzinfo=UTC))
    assert [(each["name"], each["usage"]["cpu"]) for each in found["containers"]] == [("web", "400m"), ("log", "1m")]
    assert found["timestamp"] == "2026-01-01T00:00:00Z"
