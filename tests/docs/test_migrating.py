"""The pages about moving here: every key and value that they name is one that the plan takes."""

import re

import pytest

from rollout import plan as plans
from rollout.plan import Plan, Wish
from tests.docs import pages

PAGES = ("migrating-from-flagger.md", "migrating-from-argo-rollouts.md")


def settings(page: str) -> list[tuple[str, str]]:
    """`key: value` in the second column of the table."""
    rows = [line.split("|") for line in (pages.DOCS / page).read_text().splitlines() if line.startswith("| ")]
    found = [match for row in rows for match in re.findall(r"`([a-z-]+): ([^`]+)`", row[2])]
    assert len(found) > 10
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_is_one_that_the_plan_takes(page: str) -> None:
    for key, value in settings(page):
        if key == "do":
            assert value in set(Wish)
        elif key != "policy":
            found = plans.resolve({f"{plans.PREFIX}strategy": "canary", f"{plans.PREFIX}{key}": value}, {})
            assert isinstance(found, Plan), found


@pytest.mark.parametrize("page", PAGES)
def test_annotations_in_commands_are_known(page: str) -> None:
    named = re.findall(rf"{re.escape(plans.PREFIX)}([a-z-]+)=", (pages.DOCS / page).read_text())
    assert set(named) == {"strategy"}
