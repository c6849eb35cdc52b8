"""What the chart makes of the value sets that matter; the golden files are read as manifests in a review.

`CHART=write pytest tests/chart` writes them anew, and the table of values in the chart's README.
"""

import os
import re
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from rollout import cli, plan
from sandbox import chart
from tests.chart import renders

Json = dict[str, Any]

GOLDEN = Path(__file__).parent / "golden"
ELSEWHERE = ("CustomResourceDefinition", "AdmissionPolicy")
"""Kinds that are not repeated in each golden file: they are the sources, with labels."""


def golden(values: Json) -> str:
    kept = [item for item in chart.objects(values) if not item["kind"].endswith(ELSEWHERE)]
    return yaml.safe_dump_all(kept, sort_keys=True, width=120)


@pytest.mark.parametrize("name", renders.CASES)
def test_the_chart_renders_as_before(name: str) -> None:
    """Byte for byte."""
    text, path = golden(renders.CASES[name]), GOLDEN / f"{name}.yaml"
    if os.environ.get("CHART") == "write":
        path.write_text(text)
    assert path.read_text() == text


@pytest.mark.parametrize("name", renders.CASES)
def test_helm_finds_no_fault(name: str) -> None:
    """`helm lint --strict`."""
    report = helm_python.lint(chart.PATH, {**chart.STANDARD, **renders.CASES[name]}, strict=True)
    assert report["errors"] == []
    assert [each for each in report["messages"] if each["severity"] > 1] == []


RESTORING_LONE = {**renders.LONE, "restore": {"onUninstall": True}}


@pytest.mark.parametrize("values", [pytest.param({}, id="default"), pytest.param(RESTORING_LONE, id="lone")])
def test_no_pod_has_more_than_it_needs(values: Json) -> None:
    """Not root, nothing to write to but /tmp, no capabilities, no way to get any."""
    for pod in renders.pods(values):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "privileged": False,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_definitions_are_upgraded_and_never_deleted() -> None:
    """As templates, which an upgrade applies, and kept at uninstall; the file's content is not changed by it."""
    found = [item for item in chart.objects() if item["kind"] == "CustomResourceDefinition"]
    assert {item["metadata"]["name"] for item in found} == {"releases.rampart.dev", "releasepolicies.rampart.dev"}
    for item in found:
        assert item["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    files = [yaml.safe_load(path.read_text())["spec"] for path in sorted((chart.PATH / "definitions").glob("*.yaml"))]
    assert [item["spec"] for item in found] == files
    assert not (chart.PATH / "crds").exists(), "Helm never upgrades what stands in crds/"


def test_the_hold_exempts_exactly_the_charts_account() -> None:
    """Whatever it is called and wherever it is."""
    for values, file in (({}, "hold.yaml"), (renders.PAUSED, "hold.yaml"), (renders.PAUSED, "hold-paused.yaml")):
        texts = chart.templates({**values, "serviceAccount": {"name": "controller"}}, "green", "platform")
        users = {line.partition("system:serviceaccount:")[2].partition("'")[0] for line in texts[file].splitlines()}
        assert users - {"", "kube-system:"} == {"platform:controller"}


def test_the_hold_knows_the_keys_that_the_controller_reads() -> None:
    """Those that people write, which it lists in their order, and the marks of our own, which it does not."""
    policies = [item for item in chart.objects() if item["kind"] == "ValidatingAdmissionPolicy"]
    variables = {one["name"]: one["expression"] for item in policies for one in item["spec"].get("variables", ())}
    lists = {name: tuple(re.findall(r"'([a-z-]+)'", variables[name])) for name in ("known", "marks")}
    assert lists == {"known": plan.WRITABLE, "marks": plan.MARKS}


def test_the_hold_is_bound_to_the_watched_namespaces() -> None:
    """All of them, or those that are named; never others than the controller watches."""
    named = ["shop", "cart"]
    cases: tuple[tuple[Json, int, list[str] | None], ...] = (
        ({}, 4, None),
        (renders.NAMED, 4, named),
        (renders.PAUSED, 3, None),
        ({**renders.NAMED, **renders.PAUSED}, 3, named),
    )
    for values, number, expected in cases:
        bindings = [item for item in chart.objects(values) if item["kind"].endswith("PolicyBinding")]
        assert len(bindings) == number
        for item in bindings:
            where = item["spec"].get("matchResources", {}).get("namespaceSelector", {}).get("matchExpressions")
            assert (where and where[0]["values"]) == expected


@pytest.mark.parametrize("values", [pytest.param({}, id="policies"), pytest.param(renders.PAUSED, id="pause")])
def test_each_binding_names_a_policy_of_the_chart(values: Json) -> None:
    """Also under another release's name, so that two installations do not meet."""
    found = chart.objects(values, release="green")
    policies = {item["metadata"]["name"] for item in found if item["kind"].endswith("AdmissionPolicy")}
    bound = {item["spec"]["policyName"] for item in found if item["kind"].endswith("PolicyBinding")}
    assert policies == bound
    assert all(name.startswith("green-rampart-") for name in policies)


def test_the_uninstallation_restores_first_with_the_controllers_own_settings() -> None:
    """A hook before anything is deleted; the same account, Lease and namespaces."""
    job = renders.pick("Job", renders.NAMED)
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete"
    deployed, restoring = renders.pods(renders.NAMED)
    assert restoring["serviceAccountName"] == deployed["serviceAccountName"]
    assert restoring["containers"][0]["args"] == ["restore", "--all", "--take-lease", "--timeout=4m"]
    assert restoring["containers"][0]["env"] == deployed["containers"][0]["env"]


def test_what_restores_reads_the_same_kubeconfig() -> None:
    """Where the controller serves another cluster."""
    values = {"kubeconfigFile": {"secret": "other", "key": "config"}}
    path = renders.environment(values)["RAMPART_KUBECONFIG"]
    assert f"--kubeconfig={path}" in renders.pods(values)[1]["containers"][0]["args"]


def test_the_restore_command_is_one_that_exists(capsys: pytest.CaptureFixture[str]) -> None:
    """With these flags: a wrong one would be found at the uninstallation only."""
    words = renders.pods({"kubeconfigFile": {"secret": "other", "key": "config"}})[1]["containers"][0]["args"]
    with pytest.raises(SystemExit) as said:
        cli.main([*words, "--help"])
    assert said.value.code == 0
    with pytest.raises(SystemExit) as said:
        cli.main([*words, "--no-such-flag"])
    assert "unrecognized arguments: --no-such-flag" in capsys.readouterr().err


def test_the_jobs_pods_are_not_counted_as_controllers() -> None:
    """Neither the Deployment's selector nor the budget's takes them."""
    marks = renders.pick("Job")["spec"]["template"]["metadata"]["labels"].items()
    for chosen in (renders.pick("Deployment")["spec"], renders.pick("PodDisruptionBudget")["spec"]):
        assert not chosen["selector"]["matchLabels"].items() <= marks


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        pytest.param({"prometheus": {"url": ""}}, "prometheus.url is not set: where Prometheus answers", id="url"),
        pytest.param(
            {"leaderElection": {"enabled": False}},
            "leaderElection.enabled is false with 2 replicas: two controllers would write at once",
            id="two without election",
        ),
        pytest.param(
            {"hold": {"mode": "auto"}},
            "this renderer does not know whether the cluster serves admissionregistration.k8s.io/v1/Mutating.*: set"
            " hold.mode=policies for Kubernetes 1.36 or newer, hold.mode=pause for older ones",
            id="no cluster is asked",
        ),
    ],
)
def test_what_would_be_unsafe_is_refused(values: Json, complaint: str) -> None:
    """Nothing is installed, and one sentence says why. (Rendering without a cluster serves no kinds.)"""
    with pytest.raises(helm_python.HelmError, match=complaint):
        chart.objects(values)


def test_an_older_cluster_is_asked_for_nothing_that_it_does_not_serve() -> None:
    """No policy that changes a write, no right to read one; the controller is told, and so is who installs it."""
    kinds = {item["kind"] for item in chart.objects(renders.PAUSED)}
    assert "ValidatingAdmissionPolicy" in kinds
    assert not {kind for kind in kinds if kind.startswith("Mutating")}
    rules = renders.pick("ClusterRole", renders.PAUSED)["rules"]
    assert not [rule for rule in rules if "admissionregistration.k8s.io" in rule["apiGroups"]]
    assert renders.environment(renders.PAUSED)["RAMPART_HOLD"] == "pause"
    assert "kept paused at rest (hold.mode=pause)" in chart.templates(renders.PAUSED)["NOTES.txt"]
    assert "kept paused" not in chart.templates()["NOTES.txt"]


def test_the_notes_say_the_next_command() -> None:
    """With the names of this installation."""
    notes = chart.templates(renders.NAMED, "green", "platform")["NOTES.txt"]
    assert "watches shop, cart." in notes
    assert "kubectl -n platform rollout status deployment/green-rampart" in notes
    assert "kubectl annotate deployment NAME rampart.dev/strategy=canary" in notes
