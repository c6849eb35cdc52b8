"""docs/security.md names every right that the chart gives, with its verbs, and no other."""

import re
from pathlib import Path

from tests.docs import pages

PAGE = (pages.DOCS / "security.md").read_text()
RULE = re.compile(r"resources:\s*(?:\[([^\]]*)\]|((?:\n\s+- \S+)+))\s*\n\s+verbs: \[([^\]]*)\]")


def chart() -> Path:
    (found,) = (pages.ROOT / "charts" / "rampart").rglob("rbac.yaml")
    return found


def words(text: str) -> list[str]:
    return re.findall(r"[a-z/]+", text)


def granted() -> dict[str, set[str]]:
    """Each resource with its verbs, of all rules."""
    found: dict[str, set[str]] = {}
    for inline, listed, verbs in RULE.findall(chart().read_text()):
        for resource in words(inline or listed):
            found.setdefault(resource, set()).update(words(verbs))
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
    assert "*" not in re.sub(r"#.*", "", chart().read_text())


def test_only_the_warning_fails_open() -> None:
    """failurePolicy: Fail everywhere else."""
    (hold,) = (pages.ROOT / "charts" / "rampart").rglob("hold.yaml")
    parts = [part for part in hold.read_text().split("\n---\n") if "failurePolicy" in part]
    opened = [re.findall(r"name: (\S+)", part)[0] for part in parts if "failurePolicy: Ignore" in part]
    assert len(parts) == 4
    assert opened == ["rampart-held"]
