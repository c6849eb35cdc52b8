"""A reflection of the cluster's objects of one kind, kept by a list and then a watch, whatever the network does."""

import random
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deploy import errors
from deploy.cluster import Cluster
from deploy.kinds import Kind
from deploy.streams import Watch
from deploy.traffic import Json

Key = tuple[str, str]
"""Namespace (empty for kinds that have none) and name."""

SHORT_SECONDS = 1.0
"""A watch that the server ends sooner is taken for a failure, lest it be asked for again and again."""

OnChange = Callable[[str, str, Json | None, Json | None], None]
"""Told namespace, name, the trimmed object before (None: new) and after (None: gone)."""

Trim = Callable[[Json], Json]
Terms = Callable[[Json], Iterable[str]]
"""The words under which a trimmed object is found by `mentioning`."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Pace:
    """How long a watch is asked for, and how long a failure is waited out; seconds, all of them jittered."""

    least_watch: int = 240
    most_watch: int = 300
    least_pause: float = 0.2
    most_pause: float = 30.0

    def watch_seconds(self) -> int:
        return random.randint(self.least_watch, self.most_watch)

    def pause(self, failures: int) -> float:
        """Doubles with each failure in a row; half of it is random, so that many watchers do not return as one."""
        whole = min(self.most_pause, self.least_pause * 2.0 ** min(failures, 32))
        return whole * random.uniform(0.5, 1.0)


class Cache:
    """The trimmed objects with their versions, and an index by their terms; safe for use by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[Key, tuple[str, Json, tuple[str, ...]]] = {}
        self._index: dict[str, dict[Key, None]] = {}

    def mentioning(self, terms: Iterable[str]) -> list[Json]:
        """The objects with any of these terms, each once."""
        with self._lock:
            keys = {key: None for term in terms for key in self._index.get(term, ())}
            return [self._objects[key][1] for key in keys]

    def versions(self, terms: Iterable[str]) -> frozenset[tuple[Key, str]]:
        """The keys and resource versions of the objects with any of these terms."""
        with self._lock:
            return frozenset((key, self._objects[key][0]) for term in terms for key in self._index.get(term, ()))

    def version(self, key: Key) -> str | None:
        """The resource version of the newest object that was brought; None where there is none."""
        with self._lock:
            entry = self._objects.get(key)
        return entry[0] if entry else None

    def get(self, key: Key) -> Json | None:
        with self._lock:
            entry = self._objects.get(key)
        return entry[1] if entry else None

    def items(self) -> list[tuple[Key, Json]]:
        with self._lock:
            return [(key, kept) for key, (_, kept, _) in self._objects.items()]

    def put(self, key: Key, version: str, kept: Json, terms: tuple[str, ...] = ()) -> tuple[bool, Json | None]:
        """Keep an object; returns whether it is another version, and what was kept before."""
        with self._lock:
            before = self._objects.get(key)
            self._unlist(key, before)
            self._objects[key] = (version, kept, terms)
            for term in terms:
                self._index.setdefault(term, {})[key] = None
        return before is None or before[0] != version, before[1] if before else None

    def drop(self, key: Key) -> Json | None:
        with self._lock:
            before = self._objects.pop(key, None)
            self._unlist(key, before)
        return before[1] if before else None

    def _unlist(self, key: Key, entry: tuple[str, Json, tuple[str, ...]] | None) -> None:
        for term in entry[2] if entry else ():
            keys = self._index.get(term, {})
            keys.pop(key, None)
            if not keys:
                self._index.pop(term, None)


class Reflector:
    """Keeps a cache of one kind in all namespaces, or in the ones named, and says what changes.

    `on_change` is called by the reflector's own threads, one after the other for each object; it must not block.
    What `get`, `items` and `select` return is shared: read it, never write it. An `optional` kind that the server does
    not know has no objects, until it is known.
    """

    def __init__(
        self,
        cluster: Cluster,
        kind: Kind,
        *,
        on_change: OnChange,
        tell: Tell,
        namespaces: Iterable[str] = (),
        trim: Trim = lambda found: found,
        metadata_only: bool = False,
        optional: bool = False,
        pace: Pace | None = None,
        terms: Terms = lambda kept: (),
    ) -> None:
        self._cache = Cache()
        source = _Source(cluster, kind, metadata_only, optional, pace or Pace())
        scopes: list[str | None] = [*sorted(set(namespaces))] or [None]
        self._feeds = [_Feed(source, scope, _Sink(self._cache, trim, terms, on_change, tell)) for scope in scopes]

    def start(self) -> None:
        for feed in self._feeds:
            feed.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End the threads; returns when they ended, or after `seconds` (one may wait for a server that hangs)."""
        for feed in self._feeds:
            feed.stop()
        for feed in self._feeds:
            if feed.is_alive():
                feed.join(seconds)

    @property
    def is_synced(self) -> bool:
        """Whether everything was listed once; before that, an absent object may exist."""
        return all(feed.listed.is_set() for feed in self._feeds)

    @property
    def is_following(self) -> bool:
        """Whether all is known, and every watch stands that would bring what changes."""
        return all(feed.listed.is_set() and feed.is_following for feed in self._feeds)

    @property
    def not_granted(self) -> str:
        """The right that is missing, and so what is known is old or nothing; empty where none is."""
        return next((feed.not_granted for feed in self._feeds if feed.not_granted), "")

    def wait_until_synced(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        return all(feed.listed.wait(max(0.0, deadline - time.monotonic())) for feed in self._feeds)

    def get(self, namespace: str, name: str) -> Json | None:
        return self._cache.get((namespace, name))

    def items(self) -> list[Json]:
        return [kept for _, kept in self._cache.items()]

    def mentioning(self, terms: Iterable[str]) -> list[Json]:
        """The objects that are found under any of these words."""
        return self._cache.mentioning(terms)

    def versions(self, terms: Iterable[str]) -> frozenset[tuple[Key, str]]:
        """The keys and resource versions of the objects that are found under any of these words."""
        return self._cache.versions(terms)

    def version(self, namespace: str, name: str) -> str | None:
        """The resource version of an object as it was last brought; None where there is none."""
        return self._cache.version((namespace, name))

    def select(self, namespace: str) -> list[Json]:
        """The objects in one namespace."""
        return [kept for (where, _), kept in self._cache.items() if where == namespace]


@dataclass(frozen=True)
class _Source:
    cluster: Cluster
    kind: Kind
    metadata_only: bool
    optional: bool
    pace: Pace

    @property
    def is_unknown(self) -> bool:
        """Whether the kind may be missing, and the server says that it is. ClusterError where it says nothing."""
        return self.optional and not self.cluster.serves(self.kind)


@dataclass(frozen=True)
class _Sink:
    """Where objects go: trimmed into the cache, and what changed to who wants to know."""

    cache: Cache
    trim: Trim
    terms: Terms
    on_change: OnChange
    tell: Tell

    def take(self, found: Json) -> Key:
        """Keep an object; one of absurd content is told and passed over, for it must not stop the others."""
        about = found["metadata"]
        key = (about.get("namespace", ""), about["name"])
        try:
            kept = self.trim(found)
            terms = tuple(self.terms(kept))
        except Exception as error:  # noqa: BLE001
            self.tell(f"{'/'.join(key)} is passed over, as it could not be read: {error!r}")
            return key
        is_other, before = self.cache.put(key, about["resourceVersion"], kept, terms)
        if is_other:
            self.on_change(*key, before, kept)
        return key

    def lose(self, key: Key) -> None:
        before = self.cache.drop(key)
        if before is not None:
            self.on_change(*key, before, None)


class _Feed(threading.Thread):
    """The thread that follows one namespace, or all of them where there is no scope."""

    def __init__(self, source: _Source, scope: str | None, sink: _Sink) -> None:
        super().__init__(name=f"watch-{source.kind.plural}-{scope or 'all'}", daemon=True)
        self.listed = threading.Event()
        self.not_granted = ""
        self._source = source
        self._scope = scope
        self._sink = sink
        self._stopping = threading.Event()
        self._stream: Watch | None = None
        self._version: str | None = None
        self._failures = 0
        self._trouble = ""

    @property
    def is_following(self) -> bool:
        """Whether a watch stands now; a peer that vanished is noticed by the socket (cluster._keep_alive)."""
        return self._stream is not None

    def run(self) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(self._attempt())

    def stop(self) -> None:
        self._stopping.set()
        if stream := self._stream:
            stream.stop()

    def _attempt(self) -> float:
        """List where that is due, then watch until it ends; returns the seconds to wait before the next attempt."""
        try:
            if self._version is None:
                self._version = self._list()
            return 0.0 if self._follow(self._version) else self._wait()
        except errors.ClusterError as error:
            self._hear(error)
            return max(self._wait(), error.retry_after or 0.0)
        except Exception:  # noqa: BLE001
            self._version = None
            self._say(traceback.format_exc(), "defect")
            return self._wait()

    def _hear(self, error: errors.ClusterError) -> None:
        self.not_granted = str(error) if isinstance(error, errors.NotGranted) else ""
        if isinstance(error, errors.Expired | errors.Missing):
            self._version = None
        try:
            if isinstance(error, errors.Missing) and self._source.is_unknown:
                self._lose_all_but(set())
                error = errors.Missing("the API server does not know this kind")
        except errors.ClusterError as other:
            error = other
        self._say(str(error), type(error).__name__)

    def _wait(self) -> float:
        self._failures += 1
        return self._source.pace.pause(self._failures - 1)

    def _list(self) -> str:
        """Take everything page by page, then lose what is no longer there; returns the list's version."""
        source, seen, version = self._source, set[Key](), ""
        for page in source.cluster.pages(source.kind, self._scope, metadata_only=source.metadata_only):
            seen.update(self._sink.take(found) for found in page.items)
            version = page.resource_version
        self._lose_all_but(seen)
        self._recover()
        return version

    def _lose_all_but(self, seen: set[Key]) -> None:
        """Everything that there is was seen; what is known beside it is gone."""
        for key, _ in self._sink.cache.items():
            if self._scope in (None, key[0]) and key not in seen:
                self._sink.lose(key)
        self.listed.set()

    def _follow(self, version: str) -> bool:
        """Watch until the server ends it; returns whether it was a real watch, and not one that ended at once."""
        source, started = self._source, time.monotonic()
        seconds = source.pace.watch_seconds()
        stream = source.cluster.watch(source.kind, self._scope, version, seconds, source.metadata_only)
        self._stream = stream
        try:
            if self._stopping.is_set():
                stream.stop()
            for change in stream:
                self._recover()
                self._version = change.object["metadata"]["resourceVersion"]
                self._apply(change.type, change.object)
        finally:
            self._stream = None
        lasted = time.monotonic() - started >= min(SHORT_SECONDS, seconds)
        if lasted:
            self._recover()
        return lasted

    def _apply(self, kind_of_change: str, found: Json) -> None:
        match kind_of_change:
            case "ADDED" | "MODIFIED":
                self._sink.take(found)
            case "DELETED":
                self._sink.lose((found["metadata"].get("namespace", ""), found["metadata"]["name"]))
            case _:
                pass

    def _say(self, words: str, trouble: str) -> None:
        """Tell a trouble once, until it is another or over."""
        if self._stopping.is_set() or self._trouble == trouble:
            return
        self._trouble = trouble
        self._sink.tell(f"{self.name} is interrupted and will be resumed: {words}")

    def _recover(self) -> None:
        self._failures = 0
        self.not_granted = ""
        if self._trouble:
            self._trouble = ""
            self._sink.tell(f"{self.name} is resumed")
