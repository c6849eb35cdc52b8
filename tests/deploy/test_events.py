"""What an Event says, and that saying it twice leaves one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from deploy import events
from deploy.events import Herald, Words
from tests.deploy.api_server import Answer, Asked, Reply, door, status, thing

NOW = datetime(2026, 11, 25, 9, 30, 0, tzinfo=UTC)
WEB = thing("web", "7")
WEB["metadata"]["uid"] = "u-1"
WORDS = Words("RolledBack", "success 91.2 % is below 99 % over 60s", events.WARNING, "abc")


def test_an_event_is_about_its_object() -> None:
    """Object, words, level and who says it, where kubectl looks for them."""
    said = events.event(WEB, WORDS, NOW)
    assert said["metadata"]["namespace"] == "shop"
    assert said["involvedObject"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "web",
        "uid": "u-1",
    }
    assert (said["type"], said["reason"], said["message"]) == ("Warning", WORDS.reason, WORDS.message)
    assert said["reportingComponent"] == said["source"]["component"] == "rampart"


@pytest.mark.parametrize(
    ("moment", "micro", "seconds"),
    [
        pytest.param(NOW, "2026-11-25T09:30:00.000000Z", "2026-11-25T09:30:00Z", id="whole second"),
        pytest.param(
            NOW + timedelta(microseconds=1), "2026-11-25T09:30:00.000001Z", "2026-11-25T09:30:00Z", id="microsecond"
        ),
        pytest.param(
            NOW.astimezone(timezone(timedelta(hours=5))),
            "2026-11-25T09:30:00.000000Z",
            "2026-11-25T09:30:00Z",
            id="another zone",
        ),
    ],
)
def test_times_are_written_as_the_server_reads_them(moment: datetime, micro: str, seconds: str) -> None:
    """A MicroTime without its six digits is refused with 400."""
    said = events.event(WEB, WORDS, moment)
    assert said["eventTime"] == micro
    assert said["firstTimestamp"] == said["lastTimestamp"] == seconds


def test_the_same_words_have_the_same_name_at_any_time() -> None:
    """So that a repeat is a conflict, also after a restart."""
    later = events.event(WEB, WORDS, NOW + timedelta(hours=1))
    assert later["metadata"]["name"] == events.event(WEB, WORDS, NOW)["metadata"]["name"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(WORDS, reason="Aborted"), id="reason"),
        pytest.param(replace(WORDS, message="success 90 %"), id="message"),
        pytest.param(replace(WORDS, level=events.NORMAL), id="level"),
        pytest.param(replace(WORDS, revision="def"), id="revision"),
    ],
)
def test_other_words_have_another_name(other: Words) -> None:
    """Each is an Event of its own."""
    assert events.name(WEB, other) != events.name(WEB, WORDS)


def test_another_object_of_the_same_name_is_told_apart() -> None:
    """By its uid."""
    again = {**WEB, "metadata": {**WEB["metadata"], "uid": "u-2"}}
    assert events.name(again, WORDS) != events.name(WEB, WORDS)


@pytest.mark.parametrize("length", [1, 200, 237, 253])
def test_names_fit(length: int) -> None:
    """At most 253 characters, beginning with the object's name (case 60)."""
    long = {**WEB, "metadata": {**WEB["metadata"], "name": "w" * length}}
    name = events.name(long, WORDS)
    assert len(name) <= 253
    assert name.startswith("w" * min(length, 200))


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param("short", "short", id="short"),
        pytest.param("x" * 1024, "x" * 1024, id="just fits"),
        pytest.param("x" * 1025, "x" * 1021 + "…", id="one too many"),
        pytest.param("é" * 600, "é" * 510 + "…", id="cut between characters"),
    ],
)
def test_long_messages_are_cut_to_what_the_api_takes(message: str, shown: str) -> None:
    """1024 bytes, never in the middle of a character."""
    assert events.shortened(message) == shown
    assert len(events.shortened(message).encode()) <= events.MESSAGE_BYTES


@pytest.mark.parametrize(
    ("answer", "stands", "told"),
    [
        pytest.param(Reply(201), True, [], id="said"),
        pytest.param(status(409, "exists"), True, [], id="said before"),
        pytest.param(status(403, "no right"), False, ["RolledBack could not be said"], id="forbidden"),
        pytest.param(status(500, "broken"), False, ["RolledBack could not be said"], id="server broken"),
        pytest.param(Reply(200, b"<html>"), False, ["RolledBack could not be said"], id="no answer"),
    ],
)
def test_a_decision_does_not_depend_on_being_told(answer: Reply, stands: bool, told: list[str]) -> None:
    """What goes wrong is told, and not raised."""
    heard: list[str] = []
    with door(lambda _: answer) as opened:
        assert Herald(opened, heard.append).say(WEB, WORDS, NOW) is stands
    assert [words.partition(":")[0] for words in heard] == told


def named(standing: set[str]) -> Answer:
    """A server that keeps the names of Events."""

    def answer(asked: Asked) -> Reply:
        name = asked.body["metadata"]["name"]
        if name in standing:
            return status(409, "exists")
        standing.add(name)
        return Reply(201)

    return answer


def test_what_was_said_is_not_said_again() -> None:
    """Ten looks, one Event; another revision, another Event (case 57)."""
    standing: set[str] = set()
    with door(named(standing)) as opened:
        herald = Herald(opened, lambda _: None)
        for minute in range(10):
            assert herald.say(WEB, WORDS, NOW + timedelta(minutes=minute))
        assert len(standing) == 1
        assert herald.say(WEB, replace(WORDS, revision="def"), NOW)
    assert len(standing) == 2
