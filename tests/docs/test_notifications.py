"""docs/notifications.md: its code runs, its example is what is sent, its numbers are the code's."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from rollout import notice, notifier
from rollout.seen import Level, Told
from rollout.status import Phase
from tests.docs import pages
from tests.rollout.building import a_release
from tests.rollout.test_notice import a_notice

PAGE = pages.DOCS / "notifications.md"


@pytest.fixture
def is_genuine() -> Callable[[dict[str, str], bytes, bytes], bool]:
    """The page's own function."""
    (code,) = pages.blocks(PAGE, "python")
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    found: Callable[[dict[str, str], bytes, bytes], bool] = names["is_genuine"]
    return found


def sent(secret: bytes, at: float) -> tuple[dict[str, str], bytes]:
    told = a_notice()
    body = notice.body(told)
    headers = notice.headers(told, body, (b"another", secret), int(at))
    return {key.lower(): value for key, value in headers.items()}, body


def test_the_example_verifies_what_is_sent(is_genuine: Callable[[dict[str, str], bytes, bytes], bool]) -> None:
    """And refuses another body, another secret, another time."""
    headers, body = sent(b"secret", time.time())
    assert is_genuine(headers, body, b"secret")
    assert is_genuine(headers, body, b"another")
    assert not is_genuine(headers, body + b" ", b"secret")
    assert not is_genuine(headers, body, b"guess")
    assert not is_genuine({**headers, "webhook-id": "x"}, body, b"secret")
    assert not is_genuine(*sent(b"secret", time.time() - 301), b"secret")
    later = str(int(headers["webhook-timestamp"]) + 1)
    assert not is_genuine({**headers, "webhook-timestamp": later}, body, b"secret")


def test_the_example_event_has_the_fields_that_are_sent() -> None:
    """In their order, with values of their kinds."""
    (text,) = pages.blocks(PAGE, "json")
    shown = json.loads(text)
    told = Told("SuccessRateLow", "bad", Level.WARNING)
    real = json.loads(notice.body(a_notice(told, a_release(Phase.ROLLING_BACK))))
    assert shape(shown) == shape(real)
    assert shown["type"] == notice.EVENT_TYPE
    assert len(shown["id"]) == len(real["id"])


def shape(value: Any) -> Any:
    return {key: shape(item) for key, item in value.items()} if isinstance(value, dict) else type(value)


def test_the_page_names_every_group_and_result_and_the_limits() -> None:
    text = PAGE.read_text()
    patience = notifier.Patience()
    for word in (*notice.GROUPS, *notifier.Result):
        assert f"`{word}`" in text
    assert f"{notifier.ROOM:,}" in text
    assert (patience.read, patience.asked, patience.whole, patience.most) == (5, 300, 900, 60)
