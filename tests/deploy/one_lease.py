"""One Lease, kept as an API server keeps it."""

import threading
from dataclasses import dataclass, field

from deploy.traffic import Json
from tests.deploy.api_server import Asked, Reply, status


@dataclass
class OneLease:
    """Keeps one Lease as an API server does."""

    stored: Json | None = None
    version: int = 0
    rivals: int = 0
    """So many writes of another come between our reading and our writing."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            if asked.method == "GET":
                return Reply(body=self.stored) if self.stored else status(404, "not found")
            if self.rivals:
                self.rivals -= 1
                self.put({"spec": {"holderIdentity": "rival", "leaseDurationSeconds": 15}})
            if asked.method == "POST":
                return status(409, "already exists") if self.stored else self.put(asked.body, 201)
            if self.stored is None:
                return status(404, "not found")
            if asked.body["metadata"]["resourceVersion"] != self.stored["metadata"]["resourceVersion"]:
                return status(409, "the object has been modified")
            return self.put(asked.body)

    def put(self, body: Json, code: int = 200) -> Reply:
        self.version += 1
        metadata = {**body.get("metadata", {}), "name": "rampart", "resourceVersion": str(self.version)}
        self.stored = {**body, "metadata": metadata}
        return Reply(code, self.stored)

    def holder(self) -> str:
        return str((self.stored or {}).get("spec", {}).get("holderIdentity", ""))
