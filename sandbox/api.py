"""A small asynchronous client of the API server for the stand-in kubelet and scheduler: JSON in, JSON out."""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from sandbox import credentials, home, ports

Json = dict[str, Any]

WATCH_SECONDS = 240
RETRY_SECONDS = 0.5
LINE_LIMIT = 4 * 1024 * 1024
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


class Refused(Exception):
    """The API server answered with an error; `status` is its HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


FAILURES = (Refused, aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError)
"""What a call can raise; all of it is tried again by whoever loops."""


class Api:
    """One administrator's session; an asynchronous context manager."""

    def __init__(self, place: home.Home) -> None:
        token = credentials.admin_token_file(place).read_text()
        trusted = ssl.create_default_context(cafile=str(credentials.authority(place)))
        self._session = aiohttp.ClientSession(
            ports.API_SERVER_URL,
            headers={"Authorization": f"Bearer {token}"},
            connector=aiohttp.TCPConnector(ssl=trusted, limit=100),
            timeout=aiohttp.ClientTimeout(total=10),
            read_bufsize=LINE_LIMIT,
        )

    async def __aenter__(self) -> "Api":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, path: str, **query: str) -> Json:
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: Json) -> Json:
        return await self._call("POST", path, json=body)

    async def patch(self, path: str, body: Json, kind: str = STRATEGIC) -> Json:
        return await self._call("PATCH", path, data=json.dumps(body), headers={"Content-Type": kind})

    async def delete(self, path: str, body: Json) -> Json:
        return await self._call("DELETE", path, json=body)

    async def _call(self, verb: str, path: str, **options: Any) -> Json:
        async with self._session.request(verb, path, **options) as response:
            text = await response.text()
            if response.status >= 400:
                raise Refused(response.status, text)
            answer: Json = json.loads(text)
            return answer

    async def follow(self, path: str, **query: str) -> AsyncIterator[tuple[str, Json]]:
        """List and watch for ever: (ADDED | MODIFIED | DELETED, object); what vanished in a gap is told as DELETED."""
        known: dict[str, Json] = {}
        while True:
            try:
                listed = await self.get(path, **query)
                items = {item["metadata"]["uid"]: item for item in listed["items"]}
                for uid in known.keys() - items.keys():
                    yield "DELETED", known.pop(uid)
                for uid, item in items.items():
                    known[uid] = item
                    yield "ADDED", item
                async for kind, item in self._watch(path, listed["metadata"]["resourceVersion"], query):
                    if kind == "DELETED":
                        known.pop(item["metadata"]["uid"], None)
                    else:
                        known[item["metadata"]["uid"]] = item
                    yield kind, item
            except FAILURES as error:
                print(f"watch of {path}: {error!r}; listing again", file=sys.stderr, flush=True)
            await asyncio.sleep(RETRY_SECONDS)

    async def _watch(self, path: str, version: str, query: dict[str, str]) -> AsyncIterator[tuple[str, Json]]:
        """Events from a version on, over as many connections as it takes; ends when the list is too old."""
        while True:
            asked = {**query, "watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true"}
            asked["timeoutSeconds"] = str(WATCH_SECONDS)
            patience = aiohttp.ClientTimeout(total=None, sock_read=WATCH_SECONDS + 15)
            async with self._session.get(path, params=asked, timeout=patience) as response:
                if response.status >= 400:
                    raise Refused(response.status, await response.text())
                async for line in response.content:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        yield event["type"], event["object"]
