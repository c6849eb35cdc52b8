"""Each setting of the controller can be set by a value, and what the chart renders is a known setting."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rollout import settings
from sandbox import chart
from tests.chart import renders

Json = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """A value of the chart, and what the controller reads then; None: a file's path."""

    values: Json
    read: str | None


def file(*where: str) -> Sample:
    """A setting that is a file: key `k` of Secret `s`."""
    values: Json = {"secret": "s", "key": "k"}
    for part in reversed(where):
        values = {part: values}
    return Sample(values, None)


def controller(key: str, value: object, read: str) -> Sample:
    return Sample({"controller": {key: value}}, read)


SAMPLES: dict[str, Sample] = {
    "prometheus_url": Sample({"prometheus": {"url": "https://p:9"}}, "https://p:9"),
    "prometheus_timeout": Sample({"prometheus": {"timeout": 2.5}}, "2.5"),
    "prometheus_token_file": file("prometheus", "tokenFile"),
    "prometheus_user": Sample({"prometheus": {"user": "jane"}}, "jane"),
    "prometheus_password_file": file("prometheus", "passwordFile"),
    "prometheus_ca_file": file("prometheus", "caFile"),
    "prometheus_certificate_file": file("prometheus", "certificateFile"),
    "prometheus_key_file": file("prometheus", "keyFile"),
    "prometheus_insecure": Sample({"prometheus": {"insecure": True}}, "true"),
    "prometheus_headers": Sample({"prometheus": {"headers": {"X-A": "b;c"}}}, '{"X-A":"b;c"}'),
    "mesh": Sample({"mesh": "linkerd"}, "linkerd"),
    "metric_names": Sample({"metricNames": {"workload": "app"}}, '{"workload":"app"}'),
    "kubeconfig": file("kubeconfigFile"),
    "leader_elect": Sample({"replicas": 1, "leaderElection": {"enabled": False}}, "false"),
    "lease_namespace": Sample({}, chart.NAMESPACE),
    "lease_name": Sample({"leaderElection": {"leaseName": "other"}}, "other"),
    "lease_seconds": Sample({"leaderElection": {"leaseSeconds": 30}}, "30"),
    "namespaces": Sample({"namespaces": ["shop", "cart"]}, "shop,cart"),
    "hold": Sample({"hold": {"mode": "pause"}}, "pause"),
    "cluster_domain": Sample({"clusterDomain": "corp.local"}, "corp.local"),
    "listen": Sample({"port": 9000}, "$(POD_IP):9000"),
    "workers": controller("workers", 8, "8"),
    "settle": controller("settle", 0.5, "0.5"),
    "drain": controller("drain", 3, "3"),
    "look": controller("look", 2, "2"),
    "warm_up": controller("warmUp", "1m", "1m"),
    "min_duration": controller("minDuration", "2m", "2m"),
    "min_requests": controller("minRequests", 1000000, "1000000"),
    "keep": controller("keep", 5, "5"),
    "defaults": Sample({"defaults": {"interval": "30s"}}, '{"interval":"30s"}'),
    "webhook_url_file": file("webhook", "urlFile"),
    "webhook_secret_file": file("webhook", "secretFile"),
    "webhook_events": Sample({"webhook": {"events": ["ends", "RouteDrift"]}}, "ends,RouteDrift"),
    "log_level": Sample({"logLevel": "debug"}, "debug"),
}


def test_there_is_a_sample_of_each_setting() -> None:
    """A new setting needs a value of the chart, in templates/_settings.tpl."""
    assert set(SAMPLES) == set(settings.Settings.model_fields)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_value_reaches_the_setting(name: str) -> None:
    """Under the variable's name; a file stands where the variable says."""
    sample = SAMPLES[name]
    values = {**sample.values}
    if "prometheus" in values:
        values["prometheus"] = {**chart.STANDARD["prometheus"], **values["prometheus"]}
    found = renders.environment(values)[f"{settings.PREFIX}{name.upper()}"]
    if sample.read is not None:
        assert found == sample.read
        return
    for pod in renders.pods(values):
        where = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        volume = next(each for each in pod["volumes"] if "secret" in each)
        assert volume["secret"]["secretName"] == "s"
        assert found == f"{where[volume['name']]}/k"


def test_the_chart_renders_no_unknown_setting() -> None:
    """Every name in the template, also those that stand behind no sample."""
    text = (chart.PATH / "templates" / "_settings.tpl").read_text()
    names = re.findall(r'\(list "([A-Z_]+)"', text)
    assert len(names) == len(set(names))
    assert {name.lower() for name in names} == set(settings.Settings.model_fields)


@pytest.mark.parametrize("name", renders.CASES)
def test_the_controller_takes_what_the_chart_renders(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All variables together, read by the settings themselves; files are put where they are looked for."""
    found = renders.environment(renders.CASES[name])
    for variable, value in found.items():
        if variable.startswith(settings.PREFIX):
            if value.startswith("/run/"):
                value = str(tmp_path / variable)
                Path(value).write_text("x")
            monkeypatch.setenv(variable, value.replace("$(POD_IP)", "10.0.0.1"))
    read = settings.load({})
    assert isinstance(read, settings.Settings), read
    assert read.listen == "10.0.0.1:8081"
