"""End-to-end tests run inside a sandbox; outside of one they say how to get in, and fail."""

import pytest

from tests.e2e import stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(autouse=True)
def inside_a_sandbox() -> None:
    if not stage.is_inside():
        pytest.fail("run it inside a sandbox: make test, or python -m sandbox run -- pytest tests/e2e", pytrace=False)
