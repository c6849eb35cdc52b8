"""Our own writes lie over what is watched, until the watch has caught up."""

import time
from typing import Any

import pytest

from deploy.traffic import Json
from rollout.overlay import Key, Overlay

KIND = "VirtualService"


def route(version: int, name: str = "web", uid: str = "u", **spec: Any) -> Json:
    return {"metadata": {"namespace": "shop", "name": name, "uid": uid, "resourceVersion": str(version)}, "spec": spec}


def versions(found: list[Json]) -> list[tuple[str, str]]:
    return sorted((item["metadata"]["name"], item["metadata"]["resourceVersion"]) for item in found)


@pytest.mark.parametrize(
    ("watched", "seen"),
    [
        pytest.param([], [("web", "5")], id="not there yet"),
        pytest.param([route(4)], [("web", "5")], id="still the old one"),
        pytest.param([route(5)], [("web", "5")], id="caught up"),
        pytest.param([route(6)], [("web", "6")], id="somebody else wrote after us"),
        pytest.param([route(10)], [("web", "10")], id="versions are numbers"),
        pytest.param([route(4), route(1, "api")], [("api", "1"), ("web", "5")], id="others as they are"),
    ],
)
def test_our_write_is_seen_until_the_watch_brings_it(watched: list[Json], seen: list[tuple[str, str]]) -> None:
    """The newer of the two."""
    memory = Overlay()
    memory.keep(KIND, route(5))
    assert versions(memory.over(KIND, watched)) == seen


def test_a_write_that_the_watch_has_brought_is_forgotten() -> None:
    """From then on the watch alone is believed, and its deletions too."""
    memory = Overlay()
    memory.keep(KIND, route(5))
    memory.over(KIND, [route(5)])
    assert memory.over(KIND, []) == []
    assert memory.written == {}


@pytest.mark.parametrize(
    ("watched", "seen"),
    [
        pytest.param([], [], id="deleted by somebody else before the watch brought it"),
        pytest.param([route(4)], [("web", "5")], id="the watch is behind, and shows it"),
        pytest.param([route(6)], [("web", "6")], id="written by somebody else"),
    ],
)
def test_a_write_that_the_watch_does_not_show_is_believed_for_a_while_only(
    watched: list[Json], seen: list[tuple[str, str]]
) -> None:
    """An object that somebody else deleted at once would stand in our mind for ever."""
    memory = Overlay()
    memory.keep(KIND, route(5))
    assert versions(memory.over(KIND, [])) == [("web", "5")]
    memory.written = {key: (item, time.monotonic()) for key, (item, _) in memory.written.items()}
    assert versions(memory.over(KIND, watched)) == seen


def test_a_write_is_believed_for_ten_seconds() -> None:
    """Longer than any watch is late, shorter than a person's patience."""
    memory = Overlay()
    before = time.monotonic()
    memory.keep(KIND, route(5))
    ((_, until),) = memory.written.values()
    assert before + 10 <= until <= time.monotonic() + 10


@pytest.mark.parametrize(
    ("watched", "seen"),
    [
        pytest.param([route(5)], [], id="still watched"),
        pytest.param([], [], id="gone"),
        pytest.param([route(9, uid="new")], [("web", "9")], id="made anew by somebody else"),
    ],
)
def test_what_we_deleted_is_not_seen_again(watched: list[Json], seen: list[tuple[str, str]]) -> None:
    """Told by its uid: another object of the same name is another."""
    memory = Overlay()
    memory.keep(KIND, route(5))
    memory.drop(KIND, route(5))
    assert versions(memory.over(KIND, watched)) == seen


def test_a_deletion_that_the_watch_has_brought_is_forgotten() -> None:
    """Nothing grows."""
    memory = Overlay()
    memory.drop(KIND, route(5))
    memory.over(KIND, [route(5)])
    assert len(memory.deleted) == 1
    memory.over(KIND, [])
    assert memory.deleted == {}


def test_made_after_it_was_deleted_it_is_there() -> None:
    """Our own later write wins over our own earlier deletion."""
    memory = Overlay()
    memory.drop(KIND, route(5))
    memory.keep(KIND, route(8, uid="new"))
    assert versions(memory.over(KIND, [route(5)])) == [("web", "8")]


def test_kinds_are_apart() -> None:
    """One name may be of two kinds."""
    memory = Overlay()
    memory.keep(KIND, route(5))
    memory.drop("DestinationRule", route(5))
    assert versions(memory.over("DestinationRule", [route(5)])) == []
    assert versions(memory.over(KIND, [])) == [("web", "5")]


def test_over_a_few_the_watch_is_asked_for_each_write() -> None:
    """What it has brought in the meantime is in what is asked for after: no write of ours is lost between the two."""
    memory = Overlay()
    memory.keep(KIND, route(5))
    memory.keep(KIND, route(7, "api"))
    watched = {("shop", "web"): route(4), ("shop", "api"): route(7, "api")}

    def shown(key: Key) -> Json | None:
        return watched.get(key[1:])

    def some() -> list[Json]:
        return [watched["shop", "web"]]

    assert versions(memory.over_some(KIND, shown, some)) == [("web", "5")]
    watched["shop", "web"] = route(6)
    assert versions(memory.over_some(KIND, shown, some)) == [("web", "6")]
    assert memory.written == {}
