"""What the controller's own ServiceAccount may do: enough, and no more."""

from datetime import UTC, datetime

import pytest

from deploy import events, kinds, names
from deploy.traffic import Json
from rollout import checks
from tests.e2e.hold_fixtures import Shop, controller, in_force, installed, shop, user, window

__all__ = ["controller", "in_force", "installed", "shop", "user", "window"]

pytestmark = pytest.mark.e2e


RIGHTS = [
    (verb, kind, sub)
    for kind, sub, verbs in (*checks.RULES, *checks.CLUSTER_RULES, *checks.HOLD_RULES)
    for verb in verbs
]


@pytest.mark.parametrize(("verb", "kind", "subresource"), RIGHTS, ids=str)
def test_the_controller_has_the_rights_it_needs(window: Shop, verb: str, kind: kinds.Kind, subresource: str) -> None:
    """Everywhere, since users' namespaces are not known beforehand."""
    assert window.controller.may(verb, kind, subresource=subresource)


def test_the_controller_may_write_leases_in_its_own_namespace_only(window: Shop) -> None:
    """A Role, not a ClusterRole."""
    for verb in ("get", "create", "update"):
        assert window.controller.may(verb, kinds.LEASE, "rampart-system")
        assert not window.controller.may(verb, kinds.LEASE, window.namespace)


@pytest.mark.parametrize("plural", ["secrets", "configmaps", "serviceaccounts", "nodes", "pods/exec"])
@pytest.mark.parametrize("verb", ["get", "list", "create", "patch"])
def test_the_controller_has_no_rights_beyond(window: Shop, verb: str, plural: str) -> None:
    """No Secrets above all (case 59)."""
    resource, _, subresource = plural.partition("/")
    assert not window.controller.may(verb, kinds.Kind("", "v1", resource, resource), subresource=subresource)


def test_events_are_shown_by_kubectl_and_said_once(shop: Shop) -> None:
    """Under the Deployment, with type, reason and words; a repeat is no second Event (case 57)."""
    web, troubles = shop.create(), list[str]()
    herald = events.Herald(shop.controller, troubles.append)
    words = events.Words("RolledBack", "success 91.2 % is below 99 % over 60s", events.WARNING, "abc")
    for _ in range(3):
        assert herald.say(web, words, datetime.now(UTC))
    assert troubles == []
    shown = shop.kubectl("events", "--for", "deployment/web", "--types=Warning").out
    assert shown.count("success 91.2 % is below 99 % over 60s") == 1
    assert "RolledBack" in shop.kubectl("describe", "deployment", "web").out


def test_releases_live_as_the_controller_needs(shop: Shop) -> None:
    """Created with a finalizer, status by its subresource, shown in columns, found by the short name, deleted."""
    release: Json = {
        "metadata": {"name": "web-1", "namespace": shop.namespace, "finalizers": [names.FINALIZER]},
        "spec": {"deployment": "web", "deploymentUid": "u", "revision": "abc", "plan": {"steps": "5,25"}},
    }
    made = shop.controller.create(kinds.RELEASE, release)
    assert made["spec"]["attempt"] == 1
    condition = {
        "type": "Complete", "status": "True", "reason": "Promoted", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    status = {"phase": "Promoted", "stepText": "2/2", "weight": "100", "novel": {"x": 1}, "conditions": [condition]}
    shop.controller.patch(kinds.RELEASE, "web-1", shop.namespace, {"status": status}, subresource="status")
    assert shop.user.get(kinds.RELEASE, "web-1", shop.namespace)["status"]["novel"] == {"x": 1}
    assert shop.kubectl("get", "rel").out.split()[:8] == [
        "NAME", "DEPLOYMENT", "PHASE", "STEP", "WEIGHT", "SUCCESS", "LATENCY", "REASON",
    ]  # fmt: skip
    assert shop.kubectl("wait", "--for=condition=Complete", "rel/web-1", "--timeout=60s").code == 0
    shop.controller.patch(kinds.RELEASE, "web-1", shop.namespace, {"metadata": {"finalizers": None}})
    shop.controller.delete(kinds.RELEASE, "web-1", shop.namespace, uid=made["metadata"]["uid"])
    assert shop.user.find(kinds.RELEASE, "web-1", shop.namespace) is None
