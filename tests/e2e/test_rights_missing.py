"""Rights that are missing, definitions that are not installed: told where people look, and nobody else is hindered."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy import kinds, watch
from deploy.cluster import Cluster, from_kubeconfig
from deploy.kinds import Kind
from deploy.traffic import Json
from sandbox import cluster as sandbox_cluster
from tests.e2e import stage

RBAC = "rbac.authorization.k8s.io"
ROLE = Kind(RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False)
BINDING = Kind(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False)
SERVICE_ACCOUNT = Kind("", "v1", "serviceaccounts", "ServiceAccount")


def without(rules: list[Json], resource: str) -> list[Json]:
    """The rules of a role, and nothing about one resource."""
    kept = [{**rule, "resources": [one for one in rule["resources"] if one != resource]} for rule in rules]
    return [rule for rule in kept if rule["resources"]]


@contextmanager
def lacking(resource: str) -> Iterator[tuple[Path, Cluster, str]]:
    """A ServiceAccount with all the rights of the installation but those for one resource; its kubeconfig.

    The hold takes it for a user, since it exempts the installation's own name: it can not promote what it released.
    """
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


def wait_ready(play: stage.Stage, words: str, code: int = 200) -> None:
    """Wait until /readyz answers so, and says these words."""

    def says() -> bool:
        answered, text = play.controller.ask("/readyz")
        return answered == code and words in text

    stage.wait(f"/readyz is {code} and says {words}", says)


def is_content(play: stage.Stage) -> bool:
    """Whether /readyz lacks nothing."""
    code, text = play.controller.ask("/readyz")
    return code == 200 and "may not" not in text


def test_a_route_that_may_not_be_listed_is_told_and_goes_on_when_it_may() -> None:
    """An Event on the Deployment and a line of /readyz say what to grant; no stack trace; granted, it is released."""
    with (
        lacking("virtualservices") as (kubeconfig, admin, name),
        stage.opened(kubeconfig=kubeconfig) as play,
    ):
        told = play.told("RightMissing")
        assert told["message"].startswith("may not list virtualservices.networking.istio.io")
        assert "grant it" in told["message"]
        wait_ready(play, "may not list virtualservices.networking.istio.io")
        play.send()
        play.set_image("v2")
        assert "Traceback" not in play.controller.words()
        assert "look broke off" not in play.controller.words()
        admin.patch(ROLE, name, None, {"rules": admin.get(ROLE, "rampart")["rules"]})
        stage.wait("it goes on", lambda: play.status().get("weight") in ("50", "100"))
        stage.wait("nothing is missing", lambda: is_content(play))
        play.check_none_failed()


def test_policies_that_may_not_be_read_hinder_nobody_who_names_none() -> None:
    """The rights of an older installation: released as ever, and /readyz says what is missing."""
    with lacking("releasepolicies") as (kubeconfig, _, _), stage.opened(kubeconfig=kubeconfig) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("50")
        wait_ready(play, "may not list releasepolicies.rampart.dev")
        assert play.events("RightMissing") == []
        play.check_none_failed()


def test_without_the_right_to_watch_deployments_it_is_not_ready() -> None:
    """And says why; it does not end."""
    with lacking("deployments") as (kubeconfig, _, _), stage.opened(kubeconfig=kubeconfig) as play:
        wait_ready(play, "may not list deployments.apps", 503)


def test_a_kind_that_is_not_installed_has_no_objects_until_it_is() -> None:
    """A mesh that is not there, policies in an older installation: the real server's way of not knowing a kind."""
    admin = Cluster(from_kubeconfig(str(sandbox_cluster.current().kubeconfig)))
    group = f"e2e-{uuid.uuid4().hex[:8]}.rampart.dev"
    kind = Kind(group, "v1", "things", "Thing")
    heard: list[str] = []
    reflector = watch.Reflector(
        admin,
        kind,
        on_change=lambda namespace, name, old, new: heard.append(name),
        tell=lambda text: None,
        optional=True,
        pace=watch.Pace(most_pause=1.0),
    )
    reflector.start()
    try:
        assert reflector.wait_until_synced(60)
        assert reflector.items() == []
        admin.create(kinds.CRD, definition(kind))
        stage.wait("it is served", lambda: admin.serves(kind))
        admin.create(kind, {"metadata": {"name": "one", "namespace": "default"}})
        stage.wait("it is noticed", lambda: heard == ["one"])
        admin.delete(kinds.CRD, f"things.{group}")
        stage.wait("it is gone with its definition", lambda: reflector.items() == [])
        assert reflector.is_synced
    finally:
        reflector.stop()
        admin.close()


def definition(kind: Kind) -> Json:
    """A kind of any content."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "scope": "Namespaced",
            "names": {"plural": kind.plural, "kind": kind.kind},
            "versions": [{"name": kind.version, "served": True, "storage": True, "schema": schema}],
        },
    }
