"""Rights that are missing, definitions that are not installed: told where people look, and nobody else is hindered."""

import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy import kinds
from deploy.cluster import Cluster, from_kubeconfig
from deploy.kinds import Kind
from deploy.traffic import Json
from sandbox import cluster as sandbox_cluster
from tests.e2e import stage
from tests.e2e.stage import Stage

RBAC = "rbac.authorization.k8s.io"
ROLE = Kind(RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False)
BINDING = Kind(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False)
SERVICE_ACCOUNT = Kind("", "v1", "serviceaccounts", "ServiceAccount")
PORT = 18093
LISTEN = {"listen": f"127.0.0.1:{PORT}"}
CRDS = Path(__file__).parents[2] / "charts" / "rampart" / "crds"


def readyz() -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=2) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def without(rules: list[Json], resource: str) -> list[Json]:
    """The rules of a role, and nothing about one resource."""
    kept = [{**rule, "resources": [one for one in rule["resources"] if one != resource]} for rule in rules]
    return [rule for rule in kept if rule["resources"]]


@contextmanager
def lacking(resource: str) -> Iterator[tuple[Path, Cluster, str]]:
    """A ServiceAccount with all the rights of the installation but those for one resource; its kubeconfig."""
    name = f"lacking-{uuid.uuid4().hex[:8]}"
    admin = Cluster(from_kubeconfig(str(sandbox_cluster.current().kubeconfig)))
    rules = without(admin.get(ROLE, "rampart")["rules"], resource)
    about = {"metadata": {"name": name}}
    admin.create(SERVICE_ACCOUNT, {"metadata": {"name": name, "namespace": "rampart-system"}})
    admin.create(ROLE, {**about, "rules": rules})
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "rampart-system"}
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}
    admin.create(BINDING, {**about, "roleRef": reference, "subjects": [subject]})
    try:
        yield sandbox_cluster.kubeconfig_for("rampart-system", name), admin, name
    finally:
        admin.delete(BINDING, name)
        admin.delete(ROLE, name)
        admin.delete(SERVICE_ACCOUNT, name, "rampart-system")
        admin.close()


def test_a_route_that_may_not_be_listed_is_told_and_goes_on_when_it_may() -> None:
    """An Event on the Deployment and a line of /readyz say what to grant; no stack trace; granted, it is released."""
    with (
        lacking("virtualservices") as (kubeconfig, admin, name),
        stage.opened(kubeconfig=kubeconfig, flags=LISTEN) as play,
    ):
        stage.wait("it is told", lambda: play.events("RightMissing"))
        told = play.events("RightMissing")[0]
        assert told["message"].startswith("may not list virtualservices.networking.istio.io")
        assert "grant it" in told["message"]
        code, text = readyz()
        assert (code, "may not list virtualservices.networking.istio.io" in text) == (200, True)
        play.send()
        play.set_image("v2")
        stage.wait("a release waits", lambda: play.status().get("phase") == "Pending" or play.events("RightMissing"))
        assert "Traceback" not in play.controller.words()
        assert "look broke off" not in play.controller.words()
        admin.patch(ROLE, name, None, {"rules": admin.get(ROLE, "rampart")["rules"]})
        play.wait_phase("Promoted", patience=150)
        assert "may not" not in readyz()[1]
        play.check_none_failed()
        play.check_rest("v2")


def test_policies_that_may_not_be_read_hinder_nobody_who_names_none() -> None:
    """The rights of an older installation: released as ever, and /readyz says what is missing."""
    with lacking("releasepolicies") as (kubeconfig, _, _), stage.opened(kubeconfig=kubeconfig, flags=LISTEN) as play:
        play.send()
        play.set_image("v2")
        play.wait_phase("Promoted")
        code, text = readyz()
        assert (code, "may not list releasepolicies.rampart.dev" in text) == (200, True)
        assert play.events("RightMissing") == []
        play.check_none_failed()
        play.check_rest("v2")


def test_without_the_right_to_watch_deployments_it_is_not_ready() -> None:
    """And says why; it does not end."""
    with lacking("deployments") as (kubeconfig, _, _), stage.opened(kubeconfig=kubeconfig, flags=LISTEN):
        stage.wait("it says so", lambda: "may not list deployments.apps" in readyz()[1])
        assert readyz()[0] == 503


@pytest.fixture
def without_policies() -> Iterator[None]:
    """The definition of ReleasePolicies is not installed for the length of a test."""
    admin = Cluster(from_kubeconfig(str(sandbox_cluster.current().kubeconfig)))
    name = f"{kinds.RELEASE_POLICY.plural}.{kinds.RELEASE_POLICY.group}"
    admin.delete(kinds.CRD, name)
    stage.wait("it is gone", lambda: admin.find(kinds.CRD, name) is None)
    stage.wait("it is not served", lambda: not admin.serves(kinds.RELEASE_POLICY))
    yield
    if admin.find(kinds.CRD, name) is None:
        install(sandbox_cluster.current())
    admin.close()


def install(box: sandbox_cluster.Box) -> None:
    box.kubectl("apply", "--server-side", "-f", str(CRDS / "releasepolicy.yaml"))
    box.kubectl("wait", "--for=condition=Established", "crd/releasepolicies.rampart.dev", "--timeout=30s")


def test_an_older_installation_without_policies_is_ready_and_releases(without_policies: None) -> None:
    """The kind is not known: nothing waits for it; installed later, a policy is followed without a restart."""
    with stage.opened(flags=LISTEN) as play:
        assert readyz() == (200, "ok\nleader\n")
        play.send()
        play.set_image("v2")
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")
        install(play.box)
        follow_a_policy(play)


def follow_a_policy(play: Stage) -> None:
    """One is made, and the next release goes by it."""
    play.apply(
        "apiVersion: rampart.dev/v1alpha1\nkind: ReleasePolicy\nmetadata: {name: strict}\nspec: {plan: {steps: '30'}}\n"
    )
    play.kubectl("annotate", "deployment/web", "rampart.dev/policy=strict", "rampart.dev/steps-")
    play.set_image("v3")
    stage.wait("its plan is the policy's", lambda: play.releases()[-1]["spec"]["plan"].get("steps") == "30")
    play.wish("abort")
    play.wait_phase("Cancelled")
