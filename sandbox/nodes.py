"""The sandbox's two nodes: the objects, and the addresses that pods get."""

from datetime import UTC, datetime
from typing import Any

from sandbox import api
from sandbox.pods import status

Json = dict[str, Any]

ADDRESSES = {"sandbox-node": "10.244.254.1", "sandbox-node-2": "10.244.254.2"}
HOSTNAME = "kubernetes.io/hostname"


def node(name: str) -> Json:
    labels = {HOSTNAME: name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def node_status(name: str, is_ready: bool) -> Json:
    """Room for many pods; Ready, or Unknown as a node controller says of a silent node."""
    room = {"cpu": "64", "memory": "256Gi", "pods": "500", "ephemeral-storage": "100Gi"}
    now = status.timestamp(datetime.now(UTC))
    condition = {
        "type": "Ready",
        "status": "True" if is_ready else "Unknown",
        "reason": "KubeletReady" if is_ready else "NodeStatusUnknown",
        "message": "the stand-in kubelet runs" if is_ready else "the node was killed through the control endpoint",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }
    return {
        "status": {
            "capacity": room,
            "allocatable": room,
            "conditions": [condition],
            "addresses": [{"type": "InternalIP", "address": ADDRESSES[name]}, {"type": "Hostname", "address": name}],
            "nodeInfo": {"kubeletVersion": "v1.37.2-sandbox", "operatingSystem": "linux", "architecture": "amd64"},
        }
    }


async def register(client: api.Api) -> None:
    """Make the Node objects, or find them made."""
    for name in ADDRESSES:
        try:
            await client.post("/api/v1/nodes", node(name))
        except api.Refused as error:
            if error.status != 409:
                raise
        await report(client, name, is_ready=True)


async def report(client: api.Api, name: str, *, is_ready: bool) -> None:
    await client.patch(f"/api/v1/nodes/{name}/status", node_status(name, is_ready))


class AddressPool:
    """Pod addresses 10.244.0.1 to 10.244.199.254, each given out again as late as possible."""

    SIZE = 200 * 254

    def __init__(self) -> None:
        self._next = 0
        self._taken: set[str] = set()

    def take(self, wished: str = "") -> str:
        """An address of its own; the wished one where it is free. Raises LookupError when all are taken."""
        if wished and wished not in self._taken:
            self._taken.add(wished)
            return wished
        for _ in range(self.SIZE):
            high, low = divmod(self._next % self.SIZE, 254)
            self._next += 1
            if (address := f"10.244.{high}.{low + 1}") not in self._taken:
                self._taken.add(address)
                return address
        raise LookupError(f"all {self.SIZE} pod addresses are taken")

    def give_back(self, address: str) -> None:
        self._taken.discard(address)
