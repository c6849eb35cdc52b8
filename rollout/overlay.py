"""Our own writes, seen at once: what the watch has not brought yet lies over what it has."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from deploy.traffic import Json

BELIEVED_SECONDS = 10.0

Key = tuple[str, str, str]
"""Kind, namespace and name."""


@dataclass
class Overlay:
    """What was written and deleted lately, as the server answered; safe for use by many threads."""

    written: dict[Key, tuple[Json, float]] = field(default_factory=dict)
    """Each with the time until which it is believed though the watch does not show it at all."""
    deleted: dict[Key, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, kind: str, item: Json) -> None:
        with self.lock:
            self.deleted.pop(key_of(kind, item), None)
            self.written[key_of(kind, item)] = (item, time.monotonic() + BELIEVED_SECONDS)

    def drop(self, kind: str, item: Json) -> None:
        with self.lock:
            self.written.pop(key_of(kind, item), None)
            self.deleted[key_of(kind, item)] = item["metadata"].get("uid", "")

    def over(self, kind: str, watched: Sequence[Json]) -> list[Json]:
        """All watched objects of a kind, with our newer writes in their place."""
        known = {key_of(kind, item): item for item in watched}
        return self.over_some(kind, known.get, lambda: watched)

    def over_some(
        self, kind: str, shown: Callable[[Key], Json | None], some: Callable[[], Iterable[Json]]
    ) -> list[Json]:
        """The same over `some` of the watched objects; `shown` gives any of them by its key.

        They are asked for after what the watch has brought is forgotten: what was in the meantime brought is in them.
        """
        with self.lock:
            self._forget(kind, shown)
            found = {key_of(kind, item): item for item in some()}
            for key, (item, _) in self.written.items():
                if key[0] == kind:
                    found[key] = item
            return [item for key, item in found.items() if self.deleted.get(key) != item["metadata"].get("uid")]

    def _forget(self, kind: str, shown: Callable[[Key], Json | None]) -> None:
        """The watch has caught up: an object at our version or a newer one, or none of the deleted uid."""
        for key, (item, until) in [*self.written.items()]:
            if key[0] != kind:
                continue
            brought = shown(key)
            caught_up = brought is not None and version(brought) >= version(item)
            if caught_up or (brought is None and time.monotonic() > until):
                del self.written[key]
        gone = [key for key, uid in self.deleted.items() if key[0] == kind and uid_of(shown(key)) != uid]
        for key in gone:
            del self.deleted[key]


def key_of(kind: str, item: Json) -> Key:
    return kind, item["metadata"]["namespace"], item["metadata"]["name"]


def version(item: Json) -> int:
    """Resource versions of one kind compare as numbers (Kubernetes 1.35 on, and with etcd always)."""
    return int(item["metadata"]["resourceVersion"])


def uid_of(item: Json | None) -> str | None:
    return item["metadata"].get("uid") if item else None
