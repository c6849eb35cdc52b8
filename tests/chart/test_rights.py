"""Each right of the chart is used by a function that is named here; a right that nobody names fails."""

import importlib
import inspect
import re
from typing import Any

import pytest

from deploy import kinds
from deploy.kinds import Kind
from rollout import checks
from sandbox import chart
from tests.chart import renders

Json = dict[str, Any]
Right = tuple[str, str, str]
"""API group, resource, verb."""

ISTIO = ("virtualservices", "destinationrules")
POLICIES = (
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
)
WATCHES = "rollout.watching:Watches.__post_init__"
GATEWAY = "gateway.networking.k8s.io"
ROUTES = (
    *(("networking.istio.io", kind) for kind in ISTIO),
    (GATEWAY, "httproutes"),
    (GATEWAY, "grpcroutes"),
    ("split.smi-spec.io", "trafficsplits"),
)
"""Kinds of which there are the user's own, so that what the server noted as ours is given up."""
ROUTED = (*ROUTES, (GATEWAY, "backendtlspolicies"))
READ = ((GATEWAY, "referencegrants"), ("linkerd.io", "serviceprofiles"))
WRITES = {
    "get": "rollout.routes:Routes._refresh",
    "create": "rollout.routes:Routes._carry_out",
    "update": "rollout.routes:Routes._carry_out",
    "delete": "rollout.routes:Routes._delete",
}
USES: dict[Right, str] = {
    ("apps", "deployments", "get"): "rollout.observer:Observer.view",
    ("apps", "deployments", "list"): WATCHES,
    ("apps", "deployments", "watch"): WATCHES,
    ("apps", "deployments", "create"): "rollout.actor:Actor._raise",
    ("apps", "deployments", "patch"): "deploy.hold:prove",
    ("apps", "deployments", "delete"): "rollout.actor:Actor._delete",
    ("apps", "replicasets", "list"): "rollout.observer:Observer.view",
    ("", "pods", "list"): "rollout.observer:Observer.canary",
    ("", "services", "list"): "rollout.observer:Observer._service",
    ("", "services", "get"): "rollout.routes:Routes._refresh",
    ("", "services", "create"): "rollout.routes:Routes._carry_out",
    ("", "services", "patch"): "rollout.routes:disown",
    ("", "services", "update"): "rollout.routes:Routes._carry_out",
    ("", "services", "delete"): "rollout.routes:Routes._delete",
    ("discovery.k8s.io", "endpointslices", "list"): "rollout.observer:Observer._leavers",
    ("autoscaling", "horizontalpodautoscalers", "list"): "rollout.observer:Observer._cautions",
    ("policy", "poddisruptionbudgets", "list"): "rollout.observer:Observer._cautions",
    ("", "persistentvolumeclaims", "get"): "rollout.observer:Observer._cautions",
    ("", "events", "create"): "deploy.events:Herald.say",
    ("rampart.dev", "releases", "get"): "rollout.actor:Actor.record",
    ("rampart.dev", "releases", "list"): WATCHES,
    ("rampart.dev", "releases", "watch"): WATCHES,
    ("rampart.dev", "releases", "create"): "rollout.actor:Actor.begin",
    ("rampart.dev", "releases", "patch"): "rollout.actor:Actor._patch_release",
    ("rampart.dev", "releases", "delete"): "rollout.actor:Actor.forget",
    ("rampart.dev", "releases/status", "patch"): "rollout.actor:Actor.record",
    ("rampart.dev", "releasepolicies", "list"): WATCHES,
    ("rampart.dev", "releasepolicies", "watch"): WATCHES,
    ("coordination.k8s.io", "leases", "get"): "deploy.leases:Leases.read",
    ("coordination.k8s.io", "leases", "create"): "deploy.leases:Leases._write",
    ("coordination.k8s.io", "leases", "update"): "deploy.leases:Leases._write",
    **{(group, kind, verb): use for group, kind in ROUTED for verb, use in WRITES.items()},
    **{(group, kind, "patch"): "rollout.routes:disown" for group, kind in ROUTES},
    **{(group, kind, verb): WATCHES for group, kind in (*ROUTED, *READ) for verb in ("list", "watch")},
    **{("admissionregistration.k8s.io", kind, verb): WATCHES for kind in POLICIES for verb in ("list", "watch")},
}  # fmt: skip
CALLS = {
    "get": (".find(", ".get("), "list": (".list(", "_add("), "watch": ("_add(",), "create": (".create(",),
    "patch": (".patch(",), "update": (".replace(",), "delete": (".delete(",),
}  # fmt: skip


def rights(rules: list[Json]) -> set[Right]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def given(values: Json | None = None) -> set[Right]:
    """All rights of all roles."""
    roles = [item for item in chart.objects(values) if item["kind"] in ("ClusterRole", "Role")]
    return set().union(*(rights(role["rules"]) for role in roles))


@pytest.mark.parametrize("values", [pytest.param({}, id="cluster"), pytest.param(renders.NAMED, id="namespaces")])
def test_each_right_has_a_function_that_needs_it(values: Json) -> None:
    """No more and no less."""
    assert given(values) == set(USES)


@pytest.mark.parametrize("right", USES, ids="/".join)
def test_the_named_function_makes_that_call(right: Right) -> None:
    """It exists, and it calls the API server in that way."""
    module, _, path = USES[right].partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    assert any(call in inspect.getsource(found) for call in CALLS[right[2]]), f"{USES[right]} calls no {right[2]}"


def listed(rules: tuple[tuple[Kind, str, tuple[str, ...]], ...]) -> set[Right]:
    return {
        (kind.group, f"{kind.plural}/{sub}" if sub else kind.plural, verb)
        for kind, sub, verbs in rules
        for verb in verbs
    }


def test_rampart_check_asks_for_exactly_the_rights_that_are_given() -> None:
    """In the watched namespaces, of the cluster, and in the controller's own namespace."""
    cluster = listed(checks.CLUSTER_RULES) | listed(checks.HOLD_RULES)
    assert listed(checks.RULES) | cluster | listed(checks.LEASE_RULES) == given()
    named = {
        (item["kind"], item["metadata"].get("namespace")): rights(item["rules"])
        for item in chart.objects(renders.NAMED)
        if item["kind"] in ("ClusterRole", "Role")
    }
    assert named["ClusterRole", None] == cluster
    assert given(renders.PAUSED) == given() - listed(checks.HOLD_RULES)
    assert named["Role", "shop"] == named["Role", "cart"] == listed(checks.RULES)
    assert named["Role", chart.NAMESPACE] == listed(checks.LEASE_RULES)


@pytest.mark.parametrize("values", [pytest.param({}, id="cluster"), pytest.param(renders.NAMED, id="namespaces")])
def test_no_right_reaches_too_far(values: Json) -> None:
    """No Secrets, no ConfigMaps, no roles, no wildcards, nothing that runs a command in a pod."""
    found = given(values)
    assert not {right for right in found if "*" in "".join(right)}
    assert {resource for _, resource, _ in found}.isdisjoint(
        {"secrets", "configmaps", "serviceaccounts", "roles", "clusterroles", "nodes", "pods/exec", "pods/log"}
    )


def test_named_namespaces_are_the_only_ones_that_are_written() -> None:
    """Cluster-wide there is reading only."""
    roles = [item for item in chart.objects(renders.NAMED) if item["kind"] == "ClusterRole"]
    assert {verb for _, _, verb in rights(roles[0]["rules"])} == {"list", "watch"}


EVERYBODYS = {"ACCESS_REVIEW", "SELF_REVIEW"}
"""Kinds that everybody may ask for by default."""


def test_each_kind_that_the_controller_touches_is_granted() -> None:
    """A new kind needs a rule in templates/_rights.tpl; found by its name in the sources, the command line left out."""
    root = chart.PATH.parents[1]
    files = [*root.glob("deploy/**/*.py"), *root.glob("rollout/*.py")]
    texts = [file.read_text() for file in files if file.name not in {"checks.py", "kinds.py"}]
    used = {name for text in texts for name in re.findall(r"\bkinds\.([A-Z][A-Z_]+)\b", text)} - EVERYBODYS
    granted = {(group, resource) for group, resource, _ in given()}
    assert len(used) > 10
    for name in used:
        kind: Kind = getattr(kinds, name)
        assert (kind.group, kind.plural) in granted, f"kinds.{name} is used, and no rule of the chart grants it"


def test_without_rbac_no_role_is_made() -> None:
    """Somebody else grants them."""
    made = {item["kind"] for item in chart.objects({"rbac": {"create": False}})}
    assert not {kind for kind in made if "Role" in kind}
