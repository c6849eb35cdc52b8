"""Our own writes, seen at once: what the watch has not brought yet lies over what it has."""

import threading
import time
from collections.abc import Mapping, Sequence
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
        """The watched objects with our newer writes in their place."""
        with self.lock:
            found = {key_of(kind, item): item for item in watched}
            self._forget(kind, found)
            for key, (item, _) in self.written.items():
                if key[0] == kind:
                    found[key] = item
            return [item for key, item in found.items() if self.deleted.get(key) != item["metadata"].get("uid")]

    def _forget(self, kind: str, found: Mapping[Key, Json]) -> None:
        """The watch has caught up: an object at our version or a newer one, or none of the deleted uid."""
        for key, (item, until) in [*self.written.items()]:
            shown = found.get(key)
            caught_up = shown is not None and version(shown) >= version(item)
            if key[0] == kind and (caught_up or (shown is None and time.monotonic() > until)):
                del self.written[key]
        gone = [key for key, uid in self.deleted.items() if key[0] == kind and uid_of(found.get(key)) != uid]
        for key in gone:
            del self.deleted[key]


def key_of(kind: str, item: Json) -> Key:
    return kind, item["metadata"]["namespace"], item["metadata"]["name"]


def version(item: Json) -> int:
    """Resource versions of one kind compare as numbers (Kubernetes 1.35 on, and with etcd always)."""
    return int(item["metadata"]["resourceVersion"])


def uid_of(item: Json | None) -> str | None:
    return item["metadata"].get("uid") if item else None
