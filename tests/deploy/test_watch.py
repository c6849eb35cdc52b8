"""The reflection of a cluster that misbehaves: what it knows stays right, and what changed is said once."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy import kinds, watch
from deploy.traffic import Json
from deploy.watch import Pace, Reflector
from tests.deploy.api_server import Asked, HangUp, Reply, Stream, door, line, page, status, thing

QUICK = Pace(least_watch=60, most_watch=60, least_pause=0.01, most_pause=0.05)
PATIENCE_SECONDS = 60.0

Script = Iterator[Reply | Stream | type[HangUp]]
"""What is answered to one request after the other; the last answer to a watch should not end."""


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.005)


@dataclass
class Heard:
    """What the reflector said: changes as (namespace, name, version before, version after), and troubles."""

    changes: list[tuple[str, str, str | None, str | None]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def change(self, namespace: str, name: str, old: Json | None, new: Json | None) -> None:
        self.changes.append((namespace, name, version(old), version(new)))


def version(found: Json | None) -> str | None:
    return str(found["metadata"]["resourceVersion"]) if found else None


@dataclass
class Server:
    """Answers lists and watches by their scripts, and keeps what was asked."""

    lists: Script
    watches: Script
    asked: list[Asked] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    def __call__(self, asked: Asked) -> Reply | Stream:
        self.asked.append(asked)
        script = self.watches if "watch" in asked.query else self.lists
        reply = next(script, None)
        if reply is None:
            return Stream(self.silence())
        if reply is HangUp:
            raise HangUp
        assert not isinstance(reply, type)
        return reply

    def silence(self, *before: bytes) -> Iterator[bytes]:
        """A watch that says this, and then nothing until the test is over."""
        yield from before
        self.ending.wait(300)

    def versions(self) -> list[str]:
        """From which version each watch went on."""
        return [asked.query["resourceVersion"] for asked in self.asked if "watch" in asked.query]

    @property
    def listings(self) -> int:
        return sum("watch" not in asked.query for asked in self.asked)


@contextmanager
def reflecting(server: Server, heard: Heard, seconds: float = 30.0, **options: Any) -> Iterator[Reflector]:
    with door(server, seconds) as opened:
        options = {"pace": QUICK, "on_change": heard.change, "tell": heard.told.append, **options}
        reflector = Reflector(opened, kinds.DEPLOYMENT, **options)
        reflector.start()
        try:
            yield reflector
        finally:
            server.ending.set()
            reflector.stop()


def a_server(*lists: Reply | type[HangUp], watches: tuple[Reply | Stream | type[HangUp], ...] = ()) -> Server:
    return Server(iter(lists), iter(watches))


def test_what_is_listed_is_known_and_said() -> None:
    """After the first list everything that exists is there, and `is_synced` says so."""
    heard = Heard()
    with reflecting(a_server(page("9", thing("a", "1"), thing("b", "2", "other"))), heard) as reflector:
        assert reflector.wait_until_synced(PATIENCE_SECONDS)
        assert reflector.is_synced
        assert version(reflector.get("shop", "a")) == "1"
        assert reflector.get("shop", "absent") is None
        assert {version(found) for found in reflector.items()} == {"1", "2"}
        assert [version(found) for found in reflector.select("other")] == ["2"]
    assert heard.changes == [("shop", "a", None, "1"), ("other", "b", None, "2")]


def test_what_a_watch_says_is_applied() -> None:
    """Added, modified, deleted; each change is said with what was before."""
    heard, server = Heard(), a_server(page("9", thing("a", "1")))
    lines = (line("ADDED", thing("b", "10")), line("MODIFIED", thing("a", "11")), line("DELETED", thing("b", "12")))
    server.watches = iter([Stream(server.silence(*lines))])
    with reflecting(server, heard) as reflector:
        eventually(lambda: len(heard.changes) == 4)
        assert version(reflector.get("shop", "a")) == "11"
        assert reflector.get("shop", "b") is None
    assert heard.changes[1:] == [("shop", "b", None, "10"), ("shop", "a", "1", "11"), ("shop", "b", "10", None)]


def test_before_the_first_list_nothing_is_taken_for_absent() -> None:
    """`is_synced` is false while the server fails, and the failure is told once."""
    heard = Heard()
    with reflecting(a_server(*[status(500, "no")] * 1000), heard) as reflector:
        eventually(lambda: bool(heard.told))
        assert not reflector.wait_until_synced(0.1)
        assert not reflector.is_synced
    assert len(heard.told) == 1
    assert "watch-deployments-all is interrupted and will be resumed" in heard.told[0]


BREAKS = [
    pytest.param(Stream([line("MODIFIED", thing("a", "10"))], cut=True), "10", id="cut"),
    pytest.param(Stream([line("MODIFIED", thing("a", "10")), b"garbage\n"]), "10", id="garbage line"),
    pytest.param(Stream([line("MODIFIED", thing("a", "10")), b'{"type":"ADD']), "10", id="half a line"),
    pytest.param(HangUp, "9", id="hung up"),
    pytest.param(status(500, "no"), "9", id="500"),
    pytest.param(status(429, "later"), "9", id="429"),
    pytest.param(Stream([line("BOOKMARK", thing("", "15"))], cut=True), "15", id="cut after a bookmark"),
    pytest.param(Stream([]), "9", id="ended at once"),
]


@pytest.mark.parametrize(("broken", "resumed"), BREAKS)
def test_a_broken_watch_goes_on_where_it_was(broken: Reply | Stream | type[HangUp], resumed: str) -> None:
    """No list anew, nothing missed, nothing said twice (case 54)."""
    heard, server = Heard(), a_server(page("9", thing("a", "1")))
    server.watches = iter([broken, Stream(server.silence(line("MODIFIED", thing("a", "20"))))])
    with reflecting(server, heard) as reflector:
        eventually(lambda: version(reflector.get("shop", "a")) == "20")
    assert server.versions() == ["9", resumed]
    assert server.listings == 1
    assert len(heard.changes) == len(set(heard.changes))


GONE = {"kind": "Status", "code": 410, "message": "too old resource version"}


@pytest.mark.parametrize(
    "expired", [pytest.param(status(410, "gone"), id="status"), pytest.param(Stream([line("ERROR", GONE)]), id="event")]
)
def test_a_forgotten_version_is_listed_anew(expired: Reply | Stream) -> None:
    """What vanished meanwhile is said, what is the same is not said again (case 54)."""
    heard = Heard()
    first = page("9", thing("a", "1"), thing("b", "2"), thing("c", "3"))
    second = page("30", thing("a", "1"), thing("b", "22"), thing("d", "4"))
    server = a_server(first, second, watches=(expired,))
    with reflecting(server, heard) as reflector:
        eventually(lambda: len(heard.changes) == 6)
        assert {version(found) for found in reflector.items()} == {"1", "22", "4"}
        eventually(lambda: server.versions() == ["9", "30"])
    assert heard.changes[3:] == [("shop", "b", "2", "22"), ("shop", "d", None, "4"), ("shop", "c", "3", None)]


def test_a_list_that_expires_between_two_pages_begins_anew() -> None:
    """And nothing is lost from the cache by half a list."""
    heard = Heard()
    lists = (page("8", thing("a", "1"), more="x"), status(410, "gone"), page("9", thing("a", "1"), thing("b", "2")))
    with reflecting(a_server(*lists), heard) as reflector:
        assert reflector.wait_until_synced(PATIENCE_SECONDS)
        assert len(reflector.items()) == 2
    assert heard.changes == [("shop", "a", None, "1"), ("shop", "b", None, "2")]


def test_a_server_that_hangs_is_noticed() -> None:
    """A watch that is silent past its own end is taken for dead: half-open connections cost time, not changes."""
    heard, server = Heard(), a_server(page("9", thing("a", "1")))
    server.watches = iter([Stream(server.silence()), Stream(server.silence(line("MODIFIED", thing("a", "20"))))])
    pace = Pace(least_watch=1, most_watch=1, least_pause=0.01, most_pause=0.05)
    with reflecting(server, heard, seconds=2.0, pace=pace) as reflector:
        eventually(lambda: version(reflector.get("shop", "a")) == "20")
    assert server.versions()[:2] == ["9", "9"]


def test_a_trouble_is_told_once_and_its_end_too() -> None:
    """Not at every attempt."""
    heard, server = Heard(), a_server(page("9", thing("a", "1")))
    again = Stream(server.silence(line("MODIFIED", thing("a", "20"))))
    server.watches = iter([*[status(503, "no")] * 5, again])
    with reflecting(server, heard) as reflector:
        eventually(lambda: version(reflector.get("shop", "a")) == "20")
    assert [words.partition(":")[0] for words in heard.told] == [
        "watch-deployments-all is interrupted and will be resumed",
        "watch-deployments-all is resumed",
    ]


NO_RIGHT = status(403, 'deployments.apps is forbidden: User "x" cannot list resource "deployments"')
KNOWN = Reply(body={"resources": [{"name": "deployments"}]})


def discovering(*lists: Reply | Stream, known: Iterator[Reply]) -> Callable[[Asked], Reply | Stream]:
    """A server that also says which kinds it knows."""
    server = Server(iter(lists), iter(()))

    def answer(asked: Asked) -> Reply | Stream:
        return next(known) if asked.path == "/apis/apps/v1" else server(asked)

    return answer


@contextmanager
def optional(answer: Callable[[Asked], Reply | Stream], heard: Heard, **options: Any) -> Iterator[Reflector]:
    with door(answer) as opened:
        options = {"optional": True, "pace": QUICK, "on_change": heard.change, "tell": heard.told.append, **options}
        reflector = Reflector(opened, kinds.DEPLOYMENT, **options)
        reflector.start()
        yield reflector
        reflector.stop(0.1)


def test_an_optional_kind_that_is_not_known_has_no_objects_until_it_is() -> None:
    """Its definition is not installed, which is no trouble; once it is, the objects are there."""
    heard = Heard()
    unknown, installed = status(404, "no such page"), threading.Event()

    def lists() -> Iterator[Reply]:
        while not installed.is_set():
            yield unknown
        yield page("9", thing("a", "1"))

    server = Server(lists(), iter(()))

    def answer(asked: Asked) -> Reply | Stream:
        if asked.path == "/apis/apps/v1":
            return KNOWN if installed.is_set() else unknown
        return server(asked)

    with optional(answer, heard) as reflector:
        assert reflector.wait_until_synced(PATIENCE_SECONDS)
        assert reflector.items() == []
        installed.set()
        eventually(lambda: len(reflector.items()) == 1)
        server.ending.set()
    assert heard.changes == [("shop", "a", None, "1")]


def test_a_definition_that_is_removed_takes_its_objects_with_it() -> None:
    """They are said to be gone."""
    heard = Heard()
    answer = discovering(
        page("9", thing("a", "1")),
        *itertools.repeat(status(404, "no such page"), 50),
        known=itertools.repeat(status(404, "no such page")),
    )

    def closing(asked: Asked) -> Reply | Stream:
        return status(404, "no such page") if "watch" in asked.query else answer(asked)

    with optional(closing, heard) as reflector:
        eventually(lambda: heard.changes[-1:] == [("shop", "a", "1", None)])
        assert reflector.is_synced


@pytest.mark.parametrize(
    ("known", "is_optional"),
    [
        pytest.param(itertools.repeat(KNOWN), True, id="the server knows the kind: a fault of something between"),
        pytest.param(itertools.repeat(status(503, "later")), True, id="the server does not say"),
        pytest.param(itertools.repeat(status(404, "no")), False, id="the kind is needed"),
    ],
)
def test_not_found_alone_is_no_proof_that_there_is_nothing(known: Iterator[Reply], is_optional: bool) -> None:
    """What is not seen is not taken for absent."""
    heard = Heard()
    answer = discovering(*itertools.repeat(status(404, "no such page"), 100), known=known)
    with optional(answer, heard, optional=is_optional) as reflector:
        eventually(lambda: bool(heard.told))
        assert not reflector.wait_until_synced(0.1)


def test_a_missing_right_is_known_until_it_is_granted() -> None:
    """As the sentence that says what to grant."""
    heard = Heard()
    granted = threading.Event()

    def lists() -> Iterator[Reply]:
        while not granted.is_set():
            yield NO_RIGHT
        yield page("9")

    server = Server(lists(), iter(()))
    with reflecting(server, heard) as reflector:
        eventually(lambda: bool(reflector.not_granted))
        assert reflector.not_granted.startswith("may not list deployments.apps: grant it")
        assert not reflector.is_synced
        granted.set()
        assert reflector.wait_until_synced(PATIENCE_SECONDS)
        eventually(lambda: not reflector.not_granted)
    assert len(heard.told) == 2


def test_a_failing_server_is_not_stormed() -> None:
    """Attempts get rarer; the library's own informer made a thousand a second."""
    heard, server = Heard(), a_server(*[HangUp] * 10_000)
    with reflecting(server, heard, pace=Pace(least_pause=0.05, most_pause=10.0)):
        eventually(lambda: server.listings >= 2)
        time.sleep(1.0)
    assert server.listings <= 10


def test_a_server_that_ends_watches_at_once_is_not_stormed() -> None:
    """An end without having watched counts as a failure."""
    heard, server = Heard(), a_server(page("9"), watches=(Stream([]),) * 10_000)
    with reflecting(server, heard, pace=Pace(least_pause=0.05, most_pause=10.0)):
        eventually(lambda: len(server.versions()) >= 2)
        time.sleep(1.0)
    assert len(server.versions()) <= 10


def test_retry_after_is_waited_for() -> None:
    """The server's own wish outranks a shorter pause."""
    heard = Heard()
    server = a_server(status(429, "later", Retry_After="1"), page("9"))
    started = time.monotonic()
    with reflecting(server, heard) as reflector:
        assert reflector.wait_until_synced(PATIENCE_SECONDS)
    assert time.monotonic() - started >= 1.0


def test_one_absurd_object_does_not_stop_the_others() -> None:
    """It is told and passed over (case 55)."""
    heard = Heard()

    def trim(found: Json) -> Json:
        return {"metadata": found["metadata"], "size": int(found.get("size", 1))}

    listed = page("9", thing("a", "1"), thing("bad", "2", size="many"), thing("c", "3"))
    with reflecting(a_server(listed), heard, trim=trim) as reflector:
        assert reflector.wait_until_synced(PATIENCE_SECONDS)
        assert {version(found) for found in reflector.items()} == {"1", "3"}
    assert heard.told == [
        "shop/bad is passed over, as it could not be read: "
        """ValueError("invalid literal for int() with base 10: 'many'")"""
    ]


def test_a_defect_in_what_is_called_does_not_end_the_watch() -> None:
    """It is told with its traceback, and everything is looked at anew."""
    heard, defects = Heard(), itertools.chain([RuntimeError("defect")], itertools.repeat(None))

    def change(namespace: str, name: str, old: Json | None, new: Json | None) -> None:
        heard.change(namespace, name, old, new)
        if (defect := next(defects)) is not None:
            raise defect

    server = a_server(page("9", thing("a", "1")), page("9", thing("a", "1"), thing("b", "2")))
    with reflecting(server, heard, on_change=change) as reflector:
        assert reflector.wait_until_synced(PATIENCE_SECONDS)
    assert heard.changes == [("shop", "a", None, "1"), ("shop", "b", None, "2")]
    assert "RuntimeError: defect" in heard.told[0]


def test_only_what_is_trimmed_is_kept() -> None:
    """The cache holds what its owner needs, in what it says too."""
    news: list[Json | None] = []
    listed = page("9", thing("a", "1", spec={"huge": "x" * 1000}))

    def trim(found: Json) -> Json:
        return {"name": found["metadata"]["name"]}

    def hear(*change: Any) -> None:
        news.append(change[3])

    with reflecting(a_server(listed), Heard(), trim=trim, on_change=hear) as reflector:
        assert reflector.wait_until_synced(PATIENCE_SECONDS)
        assert reflector.items() == news == [{"name": "a"}]


def words(found: Json) -> list[str]:
    """What a thing is found under."""
    return [*found["spec"]["words"]]


def test_objects_are_found_by_their_terms() -> None:
    """Under each of them, as they are now; each object once, with its version."""
    heard = Heard()
    server = a_server(page("9", thing("a", "1", spec={"words": ["x", "y"]}), thing("b", "2", spec={"words": ["y"]})))
    lines = (
        line("MODIFIED", thing("a", "11", spec={"words": ["z"]})),
        line("DELETED", thing("b", "12")),
        line("ADDED", thing("c", "13", spec={"words": ["x"]})),
    )
    go_on = threading.Event()

    def later() -> Iterator[bytes]:
        go_on.wait(PATIENCE_SECONDS)
        yield from server.silence(*lines)

    server.watches = iter([Stream(later())])
    with reflecting(server, heard, terms=words) as reflector:
        assert reflector.wait_until_synced(PATIENCE_SECONDS)
        assert [version(found) for found in reflector.mentioning(("x", "y"))] == ["1", "2"]
        assert reflector.versions(("y",)) == {(("shop", "a"), "1"), (("shop", "b"), "2")}
        assert (reflector.version("shop", "b"), reflector.version("shop", "c")) == ("2", None)
        go_on.set()
        eventually(lambda: len(heard.changes) == 5)
        assert reflector.mentioning(("y",)) == []
        assert [version(found) for found in reflector.mentioning(("x", "z", "z"))] == ["13", "11"]
        assert reflector.versions(("x", "y", "z")) == {(("shop", "a"), "11"), (("shop", "c"), "13")}


def test_an_object_whose_terms_are_absurd_is_passed_over() -> None:
    """As one that can not be trimmed."""
    heard = Heard()
    with reflecting(
        a_server(page("9", thing("a", "1"), thing("b", "2", spec={"words": []}))), heard, terms=words
    ) as it:
        assert it.wait_until_synced(PATIENCE_SECONDS)
        assert [version(found) for found in it.items()] == ["2"]
    assert heard.told[0].startswith("shop/a is passed over")


def test_what_is_followed_is_known_while_the_watch_stands() -> None:
    """Not before the first list, nor while the server hangs up."""
    ending = threading.Event()
    server = a_server(page("9", thing("a", "1")))

    def until_told() -> Iterator[bytes]:
        yield line("ADDED", thing("b", "10"))
        ending.wait(PATIENCE_SECONDS)

    server.watches = iter([Stream(until_told()), *[status(500, "down")] * 1000])
    with reflecting(server, Heard()) as reflector:
        eventually(lambda: reflector.is_following)
        ending.set()
        eventually(lambda: not reflector.is_following)


def test_several_namespaces_are_each_listed_and_watched() -> None:
    """Rights in some namespaces suffice, and one's list says nothing about another's objects."""
    heard = Heard()
    asked: list[str] = []
    ending = threading.Event()

    def silence() -> Iterator[bytes]:
        ending.wait(300)
        yield from ()

    def answer(request: Asked) -> Reply | Stream:
        asked.append(request.path)
        where = request.path.split("/")[5]
        if "watch" in request.query:
            return Stream(silence())
        return page("9", thing("web", "1" if where == "shop" else "2", where))

    with door(answer) as opened:
        spaces = ["shop", "bank", "shop"]
        reflector = Reflector(
            opened, kinds.DEPLOYMENT, on_change=heard.change, tell=heard.told.append, namespaces=spaces, pace=QUICK
        )
        reflector.start()
        assert reflector.wait_until_synced(PATIENCE_SECONDS)
        assert sorted((ns, name, new) for ns, name, _, new in heard.changes) == [
            ("bank", "web", "2"),
            ("shop", "web", "1"),
        ]
        assert len(reflector.items()) == 2
        ending.set()
        reflector.stop()
    assert set(asked) == {f"/apis/apps/v1/namespaces/{space}/deployments" for space in ("shop", "bank")}


def test_stopping_is_prompt_and_silent() -> None:
    """A watch in the middle of its silence ends at once, and its end is no trouble."""
    heard, server = Heard(), a_server(page("9"))
    with door(server) as opened:
        reflector = Reflector(opened, kinds.DEPLOYMENT, on_change=heard.change, tell=heard.told.append, pace=QUICK)
        reflector.start()
        eventually(lambda: len(server.versions()) == 1)
        started = time.monotonic()
        reflector.stop()
        assert time.monotonic() - started < 30
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("watch-")]
        server.ending.set()
    assert heard.told == []


def test_stopping_does_not_wait_out_a_pause() -> None:
    """While it waits after a failure, too."""
    heard, server = Heard(), a_server(*[HangUp] * 100)
    with door(server) as opened:
        slow = Pace(least_pause=60.0, most_pause=60.0)
        reflector = Reflector(opened, kinds.DEPLOYMENT, on_change=heard.change, tell=heard.told.append, pace=slow)
        reflector.start()
        eventually(lambda: bool(heard.told))
        started = time.monotonic()
        reflector.stop()
        assert time.monotonic() - started < 30


def test_metadata_only_watches_metadata_only() -> None:
    """Both requests ask for partial objects."""
    server = a_server(page("9", thing("a", "1")))
    with reflecting(server, Heard(), metadata_only=True) as reflector:
        assert reflector.wait_until_synced(PATIENCE_SECONDS)
        eventually(lambda: len(server.asked) == 2)
    assert all("PartialObjectMetadata" in asked.headers["accept"] for asked in server.asked)


@pytest.mark.parametrize("failures", [0, 3, 10, 10_000])
def test_pauses_grow_with_jitter_up_to_a_most(failures: int) -> None:
    """Between half and whole of the doubled pause."""
    pace = watch.Pace()
    whole = min(30.0, 0.2 * 2.0 ** min(failures, 32))
    pauses = [pace.pause(failures) for _ in range(100)]
    assert all(whole / 2 <= pause <= whole for pause in pauses)
    assert len(set(pauses)) > 1


def test_watches_do_not_end_all_at_once() -> None:
    """Their length is drawn anew each time."""
    lengths = {watch.Pace().watch_seconds() for _ in range(200)}
    assert min(lengths) >= 240
    assert max(lengths) <= 300
    assert len(lengths) > 10
