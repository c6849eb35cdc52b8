"""docs/security.md names every right that the chart gives, with its verbs, and no other."""

import re

from sandbox import chart
from tests.docs import pages

PAGE = (pages.DOCS / "security.md").read_text()


def words(text: str) -> list[str]:
    return re.findall(r"[a-z/]+", text)


def granted() -> dict[str, set[str]]:
    """Each resource with its verbs, of all rules."""
    found: dict[str, set[str]] = {}
    roles = [item for item in chart.objects() if item["kind"] in ("ClusterRole", "Role")]
    for rule in (rule for role in roles for rule in role["rules"]):
        for resource in rule["resources"]:
            found.setdefault(resource, set()).update(rule["verbs"])
    return found


def explained() -> dict[str, set[str]]:
    """The same, of the page's first table."""
    table = PAGE.partition("| resource | verbs | why |\n")[2].partition("\n\n")[0]
    rows = [row.split("|")[1:4] for row in table.splitlines()[1:]]
    assert all(why.strip() for *_, why in rows)
    return {resource: set(words(verbs)) for resources, verbs, _ in rows for resource in words(resources)}


def test_every_right_is_explained_and_no_other() -> None:
    given, told = granted(), explained()
    assert len(given) > 15
    assert told.keys() == given.keys()
    for resource, verbs in given.items():
        own = resource.startswith("releases")
        assert verbs <= told[resource] if own else verbs == told[resource], resource


def test_what_it_has_no_right_to_is_not_granted() -> None:
    """As the page says."""
    assert not granted().keys() & {"secrets", "configmaps", "serviceaccounts", "pods/exec", "roles", "nodes"}
    assert all("*" not in (resource, *verbs) for resource, verbs in granted().items())


def test_only_the_warning_fails_open() -> None:
    """failurePolicy: Fail everywhere else."""
    policies = [item for item in chart.objects() if "failurePolicy" in item.get("spec", {})]
    opened = [item["metadata"]["name"] for item in policies if item["spec"]["failurePolicy"] == "Ignore"]
    assert len(policies) == 4
    assert opened == ["rampart-held"]
