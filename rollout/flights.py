"""Which releases are in flight, and which Service each moves: known without a walk over all that ever were."""

import threading
from collections.abc import Collection

from deploy.traffic import Json
from rollout.status import ENDED

Key = tuple[str, str]
"""Namespace and name of a Release."""


class Flights:
    """Told of each change of a trimmed Release (`watching.trim_release`); safe for use by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flying: dict[Key, tuple[str, str]] = {}
        """Of each release in flight the Deployment, as `namespace/name`, and the Service; empty while it has none."""
        self._names: frozenset[str] | None = frozenset()

    def take(self, key: Key, item: Json | None) -> None:
        """A Release as it is now; None where it is gone."""
        with self._lock:
            if item is None or item["phase"] in ENDED or not item["deployment"]:
                gone = self._flying.pop(key, None)
                self._names = self._names if gone is None else None
                return
            self._flying[key] = f"{key[0]}/{item['deployment']}", item["service"]
            self._names = None

    def names(self) -> frozenset[str]:
        """The Deployments that have a release in flight."""
        with self._lock:
            if self._names is None:
                self._names = frozenset(name for name, _ in self._flying.values())
            return self._names

    def moving(self, services: Collection[str]) -> frozenset[str]:
        """Those whose releases move one of these Services, in whatever namespace, or one that is not known yet."""
        with self._lock:
            return frozenset(name for name, service in self._flying.values() if not service or service in services)
