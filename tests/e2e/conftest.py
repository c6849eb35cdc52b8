"""End-to-end tests run inside a sandbox; outside of one they say how to get in, and fail."""

import os
import sys

import pytest

from tests.e2e import promises, stage

SECOND_CHANCE = pytest.mark.flaky(reruns=1, rerun_except=[promises.Broken])
"""Once more, and told at the end of the run; never where a promise to users was broken."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    with_debugger = config.getoption("usepdb", default=False)
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
            if stage.is_inside() and not with_debugger:
                item.add_marker(SECOND_CHANCE)


@pytest.fixture(autouse=True)
def inside_a_sandbox() -> None:
    if not stage.is_inside():
        python = os.path.relpath(sys.executable)
        how = f"make test, or {python} -m sandbox run -- {python} -m pytest tests/e2e"
        pytest.fail(f"run it inside a sandbox: {how}", pytrace=False)
