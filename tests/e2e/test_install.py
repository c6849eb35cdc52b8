"""Installed by Helm, upgraded, rolled back and removed in mid-release: nothing breaks and no request fails."""

import json
import shutil
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from sandbox import chart, cluster
from sandbox.cluster import Box
from tests.e2e import installed, stage
from tests.rights import needs

RARE = {
    ("get", "virtualservices"): "a write met a conflict",
    ("get", "destinationrules"): "a write met a conflict",
    ("create", "virtualservices"): "a Service without a VirtualService",
    ("delete", "virtualservices"): "the same, afterwards",
    ("update", "destinationrules"): "a subset that changes in mid-release",
    ("create", "leases"): "the first start in a namespace",
    ("get", "persistentvolumeclaims"): "a template with claims",
    ("get", "services"): "a write met a conflict",
    ("create", "services"): "legs or a preview that are Services",
    ("update", "services"): "the same",
    ("patch", "services"): "a Service whose selector was written",
    ("delete", "services"): "legs or a preview that are Services",
}
"""What a release does not do each time; tests of their own do."""
ELSEWHERE = frozenset({"gateway.networking.k8s.io", "split.smi-spec.io", "linkerd.io"})
"""Groups of routes that this cluster does not serve."""
VERBS = {"replace": "update"}
HASTY = {
    "terminationGracePeriodSeconds": 3,
    "probes": {
        "liveness": {"periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 12},
        "readiness": {"periodSeconds": 1, "timeoutSeconds": 2, "failureThreshold": 1},
    },
}


@pytest.fixture(scope="module")
def bare() -> Iterator[Box]:
    """A cluster with a mesh and without anything of the project; one at a time, whichever workers run these tests."""
    with (
        installed.one_at_a_time(),
        cluster.running(scrape_interval=timedelta(seconds=2), without=("manifests",)) as box,
    ):
        yield box


def test_installed_upgraded_and_rolled_back_under_load(bare: Box) -> None:
    """Pods as the chart says; one leads; a release is promoted; two more while the controllers are replaced."""
    app = installed.App(bare)
    with installed.opened(app, {**stage.PLAN, "steps": "20@20s,50"}) as house:
        assert len(house.pods()) == 2
        stage.wait("one of them leads", house.leader)
        app.set_image("v2")
        app.wait_promoted("v2")

        first = house.leader()
        app.reach("v3", "20")
        calls = house.calls()
        house.upgrade(logLevel="debug")
        assert house.leader() != first
        app.wait_promoted("v3")

        app.reach("v4", "20")
        calls |= house.calls()
        house.helm("rollback", chart.RELEASE)
        app.wait_promoted("v4")
        calls |= house.calls()

        app.check_none_failed()
        check_rights(calls)


def check_rights(calls: dict[tuple[str, str, str], float]) -> None:
    """No call was refused, and each right was used, but for those that a release seldom needs."""
    refused = {key for key in calls if key[2] == "403"}
    assert refused == set()
    used = {(VERBS.get(verb, verb), kind) for verb, kind, code in calls if code.startswith("2")}
    given = {(verb, resource.partition("/")[0]) for group, resource, verb in needs.NEEDS if group not in ELSEWHERE}
    assert given - used <= RARE.keys()
    assert {call for call in used if call[1] in {kind for _, kind in given}} <= given


def test_an_upgrade_brings_newer_definitions(bare: Box, tmp_path: Path) -> None:
    """From a chart whose Release has fewer columns; with a token from a Secret, without whose file nothing starts."""
    old = shutil.copytree(chart.PATH, tmp_path / "rampart")
    definition = yaml.safe_load((old / "definitions" / "release.yaml").read_text())
    columns = definition["spec"]["versions"][0]["additionalPrinterColumns"]
    definition["spec"]["versions"][0]["additionalPrinterColumns"] = columns[:-2]
    (old / "definitions" / "release.yaml").write_text(yaml.safe_dump(definition))
    prometheus = {**installed.VALUES["prometheus"], "tokenFile": {"secret": "prometheus", "key": "token"}}
    values = {**installed.VALUES, "prometheus": prometheus}
    house = installed.Installation(bare)
    bare.kubectl("create", "secret", "generic", "prometheus", "--from-literal=token=t", "-n", chart.NAMESPACE)
    house.helm("install", chart.RELEASE, "--chart", str(old), "--values", json.dumps(values))
    try:
        assert shown_columns(bare) == columns[:-2]
        house.upgrade()
        assert shown_columns(bare) == columns
    finally:
        house.helm("uninstall", chart.RELEASE)
        bare.kubectl("delete", "leases", "--all", "-n", chart.NAMESPACE)
        bare.kubectl("delete", "secret", "prometheus", "-n", chart.NAMESPACE)


def shown_columns(box: Box) -> list[dict[str, object]]:
    found = json.loads(box.kubectl("get", "crd", "releases.rampart.dev", "-o", "json"))
    columns: list[dict[str, object]] = found["spec"]["versions"][0]["additionalPrinterColumns"]
    return columns


def test_a_dead_controller_is_restarted_by_its_probe(bare: Box) -> None:
    """Frozen: its liveness probe fails, it is killed and started again, and meanwhile the other one leads."""
    with installed.opened(installed.App(bare), stage.PLAN, **HASTY) as house:
        stage.wait("one leads", house.leader)
        first = house.leader()
        freeze(bare, first)
        stage.wait("the other one leads", lambda: house.leader() not in ("", first))

        def restarted() -> bool:
            states = {pod["metadata"]["name"]: pod["status"]["containerStatuses"][0] for pod in house.pods()}
            return bool(states[first]["restartCount"] >= 1 and states[first]["ready"])

        stage.wait("it is restarted and ready", restarted)


def freeze(box: Box, pod: str) -> None:
    """SIGSTOP to the process of a pod, which is found by the address that it listens at."""
    address = json.loads(box.kubectl("get", "pod", pod, "-n", chart.NAMESPACE, "-o", "json"))["status"]["podIP"]
    script = (
        "import os, signal, pathlib\n"
        "for entry in pathlib.Path('/proc').glob('[0-9]*'):\n"
        "    try: variables = (entry / 'environ').read_bytes().split(b'\\0')\n"
        "    except OSError: continue\n"
        f"    if b'POD_IP={address}' in variables: os.kill(int(entry.name), signal.SIGSTOP)\n"
    )
    assert box.run([sys.executable, "-c", script]).returncode == 0


def test_uninstalled_in_mid_release_brings_all_traffic_back_first(bare: Box) -> None:
    """Rights in one namespace only: the hook takes the Lease, restores, says what stays paused; then all is gone."""
    app = installed.App(bare)
    with installed.opened(app, installed.SLOW, namespaces=[app.namespace]) as house:
        app.reach("v2", "20")
        house.helm("uninstall", chart.RELEASE)
        app.check_restored("v2")
        said = house.words("restore")
        assert "rollout resume" in said
        assert app.namespace in said
        check_gone(house)
        app.check_none_failed()


def check_gone(house: installed.Installation) -> None:
    """Nothing of the chart runs or holds any more; the definitions are kept, and so are the Releases."""
    kinds = "deployments,serviceaccounts,roles,rolebindings,poddisruptionbudgets,clusterroles,clusterrolebindings"
    hold = "mutatingadmissionpolicies,mutatingadmissionpolicybindings,validatingadmissionpolicies"
    listed = house.get(f"{kinds},{hold}", "-l", "app.kubernetes.io/instance=rampart")
    assert [item["metadata"]["name"] for item in listed] == []
    assert "releases.rampart.dev" in house.box.kubectl("get", "crd", "releases.rampart.dev", "-o", "name")


def test_without_the_hook_restore_by_hand_does_the_same(bare: Box) -> None:
    """Uninstalled without a hook in mid-release: the documented command, by an administrator, brings all to rest."""
    app = installed.App(bare)
    with installed.opened(app, installed.SLOW, restore={"onUninstall": False}) as house:
        app.reach("v2", "20")
        house.helm("uninstall", chart.RELEASE)
        assert 20 in app.weights(), "nobody has touched the route"
        done = bare.run([sys.executable, "-m", "rollout", "restore", "--all", "--take-lease"], capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "rollout resume" in done.stdout
        app.check_restored("v2")
        app.check_none_failed()
