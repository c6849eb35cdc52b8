"""Each right of the chart has a function that needs it (tests/e2e/test_rights.py takes each away), and none is more."""

import re
from collections import Counter
from typing import Any

import pytest

from deploy import kinds
from deploy.kinds import Kind
from rollout import checks
from sandbox import chart
from tests.chart import renders
from tests.rights import needs
from tests.rights.needs import Right

Json = dict[str, Any]

EITHER = pytest.mark.parametrize(
    "values", [pytest.param({}, id="cluster"), pytest.param(renders.NAMED, id="namespaces")]
)


def roles(values: Json | None = None) -> list[Json]:
    return [item for item in chart.objects(values) if item["kind"] in ("ClusterRole", "Role")]


def given(values: Json | None = None) -> set[Right]:
    """All rights of all roles."""
    return {right for role in roles(values) for right in needs.given_by(role["rules"])}


@EITHER
def test_each_right_has_a_function_that_needs_it(values: Json) -> None:
    """No more and no less."""
    assert given(values) == set(needs.NEEDS)


@EITHER
def test_no_right_is_given_twice(values: Json) -> None:
    """Neither in one role nor in two that hold for one namespace: of two rules one would not be needed."""
    found = Counter(
        right
        for role in roles(values)
        if role["metadata"].get("namespace") != "cart"  # the same as for the other namespace
        for right in needs.given_by(role["rules"])
    )
    assert [right for right, times in found.items() if times > 1] == []


@pytest.mark.parametrize("right", needs.NEEDS, ids="/".join)
def test_the_named_function_exists(right: Right) -> None:
    """That it makes the call is seen where it is refused."""
    need = needs.NEEDS[right]
    assert need.function.rpartition(".")[2].rpartition(":")[2] == need.code.co_name


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
        (item["kind"], item["metadata"].get("namespace")): set(needs.given_by(item["rules"]))
        for item in roles(renders.NAMED)
    }  # fmt: skip
    assert named["ClusterRole", None] == cluster
    assert given(renders.PAUSED) == given() - listed(checks.HOLD_RULES)
    assert named["Role", "shop"] == named["Role", "cart"] == listed(checks.RULES)
    assert named["Role", chart.NAMESPACE] == listed(checks.LEASE_RULES)


@EITHER
def test_no_right_reaches_too_far(values: Json) -> None:
    """No Secrets, no ConfigMaps, no roles, no wildcards, nothing that runs a command in a pod."""
    found = given(values)
    assert not {right for right in found if "*" in "".join(right)}
    assert {resource for _, resource, _ in found}.isdisjoint(
        {"secrets", "configmaps", "serviceaccounts", "roles", "clusterroles", "nodes", "pods/exec", "pods/log"}
    )


def test_named_namespaces_are_the_only_ones_that_are_written() -> None:
    """Cluster-wide there is reading only."""
    found = [item for item in roles(renders.NAMED) if item["kind"] == "ClusterRole"]
    assert {verb for _, _, verb in needs.given_by(found[0]["rules"])} == {"list", "watch"}


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
