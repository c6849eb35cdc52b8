"""Brings a crowd into a real cluster: each Deployment with all that stands around it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any, Protocol

from benchmarks import crowd
from benchmarks.crowd import Resident
from sandbox import api

HANDS = 48
"""Objects that are made side by side."""
ENDED_RELEASES = 3
"""As many as are kept of each Deployment."""


class Client(Protocol):
    """The administrator's calls: of sandbox.api.Api, or of the store in memory."""

    async def get(self, path: str, **query: str) -> crowd.Json: ...

    async def post(self, path: str, body: crowd.Json) -> crowd.Json: ...

    async def patch(self, path: str, body: crowd.Json, kind: str = ...) -> crowd.Json: ...

    def follow(self, path: str, **query: str) -> AsyncIterator[tuple[str, crowd.Json]]: ...


async def in_turn(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all, HANDS at once."""
    room = asyncio.Semaphore(HANDS)

    async def one(work: Coroutine[Any, Any, None]) -> None:
        async with room:
            await work

    await asyncio.gather(*(one(work) for work in works))


async def settle_in(client: Client, resident: Resident) -> None:
    """One Deployment as it stands in a cluster: rolled out, behind a Service and a route, with Releases that ended."""
    made = await client.post(resident.path("apps/v1", "deployments"), resident.deployment())
    chosen = await client.post(resident.path("apps/v1", "replicasets"), crowd.replica_set(made, crowd.REPLICAS))
    await client.patch(
        resident.path("apps/v1", "replicasets", f"{chosen['metadata']['name']}/status"),
        crowd.set_status(crowd.REPLICAS),
        api.MERGE,
    )
    await client.patch(
        resident.path("apps/v1", "deployments", f"{resident.name}/status"), crowd.deployment_status(made), api.MERGE
    )
    await client.post(resident.path("v1", "services"), resident.service())
    await client.post(resident.path("networking.istio.io/v1", "virtualservices"), resident.route())
    releases = resident.path("rampart.dev/v1alpha1", "releases")
    for number in range(ENDED_RELEASES):
        release, status = resident.release(number, made["metadata"]["uid"])
        await client.post(releases, release)
        await client.patch(f"{releases}/{release['metadata']['name']}/status", status, api.MERGE)


async def populate(client: Client, residents: list[Resident]) -> None:
    for namespace in sorted({resident.namespace for resident in residents}):
        await client.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
    await in_turn(settle_in(client, resident) for resident in residents)
