"""The store's two doors: HTTP as the controller speaks it, and calls of this process that cost it nothing."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from benchmarks import store
from benchmarks.store import Event, Json, Place, Refusal, Store

OURS = "Bearer controller"
KINDS = {
    "deployments": "Deployment",
    "replicasets": "ReplicaSet",
    "releases": "Release",
    "releasepolicies": "ReleasePolicy",
    "services": "Service",
    "virtualservices": "VirtualService",
    "destinationrules": "DestinationRule",
}
GROUPS = {"networking.istio.io": ("v1", ("virtualservices", "destinationrules"))}
ROOT = "admissionregistration.k8s.io"


def place_of(path: str) -> Place:
    parts = [part for part in path.split("/") if part]
    api_version, rest = (parts[1], parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    return Place(api_version, rest[0], namespace, *rest[1:3])


class Door:
    """HTTP over the store."""

    def __init__(self, kept: Store) -> None:
        self._store = kept

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except Refusal as refusal:
            body = {"kind": "Status", "message": str(refusal), "code": refusal.status}
            return web.json_response(body, status=refusal.status)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path.startswith("/apis/") and path.count("/") <= 3:
            return web.json_response(self._about(path))
        place, is_part = place_of(path), "PartialObjectMetadata" in request.headers.get("Accept", "")
        match request.method:
            case "GET" if place.name:
                return whole(self._store.read(place))
            case "GET" if "watch" in request.query:
                return await self._watch(request, place, is_part)
            case "GET":
                return self._list(request, place, is_part)
        body = orjson.loads(await request.read())
        return whole(self._write(request, place, body))

    def _about(self, path: str) -> Json:
        group, _, version = path.removeprefix("/apis/").partition("/")
        if group not in GROUPS:
            raise Refusal(404, f"{path} is not served")
        served, plurals = GROUPS[group]
        if version:
            return {"resources": [{"name": plural} for plural in plurals]}
        return {"versions": [{"version": served}], "preferredVersion": {"version": served}}

    def _write(self, request: web.Request, place: Place, body: Any) -> Event:
        is_ours, dry_run = request.headers.get("Authorization") == OURS, "dryRun" in request.query
        match request.method:
            case "POST":
                return self._store.create(place, body)
            case "PUT":
                return self._store.change(place, body, is_ours, dry_run)
            case "PATCH":
                before = self._store.read(place).body
                after = store.stepped(before, body) if isinstance(body, list) else store.merged(before, body)
                return self._store.change(place, after, is_ours, dry_run)
            case _:
                return self._store.delete(place)

    def _list(self, request: web.Request, place: Place, is_part: bool) -> web.Response:
        if (
            place.plural not in KINDS
            and not place.api_version.startswith(ROOT)
            and place.plural not in self._store.shelves
        ):
            found: list[Event] = []
        else:
            found = list(self._store.every(place, request.query.get("labelSelector", "")))
        limit, begin = int(request.query.get("limit", "500")), int(request.query.get("continue", "0"))
        page = found[begin : begin + limit]
        more = str(begin + limit) if begin + limit < len(found) else ""
        kind = "PartialObjectMetadata" if is_part else KINDS.get(place.plural, "Thing")
        about = {"resourceVersion": str(self._store.version), "continue": more}
        head = orjson.dumps({"apiVersion": place.api_version, "kind": f"{kind}List", "metadata": about})
        items = b",".join(event.metadata if is_part else event.whole for event in page)
        return web.Response(body=head[:-1] + b',"items":[' + items + b"]}", content_type="application/json")

    async def _watch(self, request: web.Request, place: Place, is_part: bool) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        shelf = self._store.shelf(place.plural)
        async for event in follow(shelf, int(request.query["resourceVersion"])):
            body = event.metadata if is_part else with_kind(event, place.plural)
            await response.write(b'{"type":"' + event.type.encode() + b'","object":' + body + b"}\n")
        return response


def with_kind(event: Event, plural: str) -> bytes:
    return b'{"kind":"' + KINDS.get(plural, "Thing").encode() + b'",' + event.whole[1:]


def whole(event: Event) -> web.Response:
    return web.Response(body=event.whole, content_type="application/json")


async def follow(shelf: store.Shelf, version: int) -> AsyncIterator[Event]:
    """What happened after a version, for ever."""
    at = next((number for number, event in enumerate(shelf.events) if event.version > version), len(shelf.events))
    while True:
        while at < len(shelf.events):
            yield shelf.events[at]
            at += 1
        async with shelf.news:
            if at == len(shelf.events):
                await shelf.news.wait()


class Inside:
    """The calls of sandbox.api.Api that the benchmark makes, without HTTP."""

    def __init__(self, kept: Store) -> None:
        self._store = kept

    async def get(self, path: str, **query: str) -> Json:
        place = place_of(path)
        if place.name:
            return self._store.read(place).body
        return {"items": [event.body for event in self._store.every(place, query.get("labelSelector", ""))]}

    async def post(self, path: str, body: Json) -> Json:
        await asyncio.sleep(0)
        place = place_of(path)
        return self._store.create(place, {**body, "kind": KINDS.get(place.plural, "Thing")}).body

    async def patch(self, path: str, body: Json, kind: str = "") -> Json:
        await asyncio.sleep(0)
        place = place_of(path)
        after = store.merged(self._store.read(place).body, json.loads(json.dumps(body)))
        return self._store.change(place, after).body

    async def follow(self, path: str, **query: str) -> AsyncIterator[tuple[str, Json]]:
        shelf = self._store.shelf(place_of(path).plural)
        async for event in follow(shelf, self._store.version):
            yield event.type, event.body


async def serve(kept: Store, host: str, port: int) -> web.AppRunner:
    application = web.Application(client_max_size=16 * 2**20)
    application.add_routes([web.route("*", "/{path:.*}", Door(kept).handle)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def kubeconfig(url: str) -> Path:
    """The controller's way to it. JSON is YAML."""
    found = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "memory", "cluster": {"server": url}}],
        "users": [{"name": "user", "user": {"token": OURS.removeprefix("Bearer ")}}],
        "contexts": [{"name": "memory", "context": {"cluster": "memory", "user": "user"}}],
        "current-context": "memory",
    }
    path = Path(tempfile.mkdtemp()) / "kubeconfig"
    path.write_text(json.dumps(found))
    return path
