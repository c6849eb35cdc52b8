"""End-to-end tests run inside a sandbox; outside of one they say how to get in, and fail."""

import os
import sys

import pytest

from tests.e2e import stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(autouse=True)
def inside_a_sandbox() -> None:
    if not stage.is_inside():
        python = os.path.relpath(sys.executable)
        how = f"make test, or {python} -m sandbox run -- {python} -m pytest tests/e2e"
        pytest.fail(f"run it inside a sandbox: {how}", pytrace=False)
