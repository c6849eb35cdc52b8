"""The stand-in for kube-proxy: for each new connection to a Service, one of its ready addresses at random.

It follows the Service's EndpointSlices as kube-proxy does, so a changed selector counts as soon as the endpoint
controller has written the slices; connections that are open stay where they are.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

from sandbox.api import Api, Json

Address = tuple[str, int]


class Endpoints:
    """The ready addresses behind one port of a Service."""

    def __init__(self, port_name: str) -> None:
        self._port_name = port_name
        self._slices: dict[str, Json] = {}

    def see(self, kind: str, endpoint_slice: Json) -> None:
        """One change of a slice: ADDED, MODIFIED or DELETED."""
        name = endpoint_slice["metadata"]["name"]
        if kind == "DELETED":
            self._slices.pop(name, None)
        else:
            self._slices[name] = endpoint_slice

    @property
    def addresses(self) -> list[Address]:
        return [address for item in self._slices.values() for address in ready(item, self._port_name)]

    def pick(self) -> Address | None:
        """Where the next connection goes; None: it is refused."""
        return random.choice(self.addresses or [None])


def ready(endpoint_slice: Json, port_name: str) -> list[Address]:
    """The addresses of a slice that take new connections: a missing condition means ready."""
    numbers = [port["port"] for port in endpoint_slice.get("ports") or () if port.get("name", "") == port_name]
    found = endpoint_slice.get("endpoints") or ()
    up = [item for item in found if (item.get("conditions") or {}).get("ready", True) is not False]
    return [(address, number) for item in up for address in item["addresses"] for number in numbers]


def port_name(service: Json, number: int) -> str:
    """The name of a Service's port; ValueError where it has no such port."""
    ports = service["spec"].get("ports") or []
    found = [port for port in ports if port["port"] == number]
    if not found:
        raise ValueError(f"port must be one of {[port['port'] for port in ports]}, got {number}")
    return str(found[0].get("name", ""))


@contextlib.asynccontextmanager
async def followed(api: Api, namespace: str, service: str, number: int) -> AsyncIterator[Endpoints]:
    """The endpoints of a Service's port, kept up to date; there are some when it begins."""
    found = await api.get(f"/api/v1/namespaces/{namespace}/services/{service}")
    endpoints = Endpoints(port_name(found, number))
    task = asyncio.create_task(_follow(api, namespace, service, endpoints))
    try:
        while not endpoints.addresses:
            await asyncio.sleep(0.05)
        yield endpoints
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _follow(api: Api, namespace: str, service: str, endpoints: Endpoints) -> None:
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    async for kind, item in api.follow(path, labelSelector=f"kubernetes.io/service-name={service}"):
        endpoints.see(kind, item)
