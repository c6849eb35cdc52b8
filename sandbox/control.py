"""The kubelet's control endpoint: what tests do to pods and nodes that no API object can ask for.

| request | effect |
|---|---|
| GET /healthz | 200 when the kubelet runs |
| GET /pods | the pods it runs: name, node, address, readiness, requests answered |
| POST /crash?namespace=N&selector=a=b | the pods' containers die as by SIGKILL |
| POST /unready?namespace=N&selector=a=b | the pods are no longer Ready, while they serve on |
| POST /ready?namespace=N&selector=a=b | undoes it |
| POST /nodes/NAME/kill | the node's pods are cut off, the node is Unknown |
| POST /nodes/NAME/revive | undoes it |

It listens on the loopback address inside, and on the socket `kubelet.sock` in the sandbox's directory.
"""

import asyncio
import http.client
import json
import urllib.parse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from sandbox import errors, ports, wire
from sandbox.pods import life

Json = dict[str, Any]

SOCKET = "kubelet.sock"


class Kubelet(Protocol):
    """What the endpoint needs of the kubelet."""

    lives: dict[str, life.Life]

    async def kill_node(self, name: str) -> None: ...

    async def revive_node(self, name: str) -> None: ...


async def serve(kubelet: Kubelet) -> None:
    """For ever."""
    runner = web.AppRunner(_application(kubelet), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, ports.LOOPBACK, ports.KUBELET_CONTROL).start()
    Path(SOCKET).unlink(missing_ok=True)
    await web.UnixSite(runner, SOCKET).start()
    await asyncio.Event().wait()


def _application(kubelet: Kubelet) -> web.Application:
    async def healthy(_request: web.Request) -> web.Response:
        return web.json_response({"pods": len(kubelet.lives)})

    async def pods(_request: web.Request) -> web.Response:
        return web.json_response({"pods": [_row(each) for each in kubelet.lives.values()]})

    application = web.Application()
    application.add_routes(
        [
            web.get("/healthz", healthy),
            web.get("/pods", pods),
            web.post("/crash", _to_chosen(kubelet, life.Life.crash)),
            web.post("/unready", _to_chosen(kubelet, lambda each: each.hold_unready(True))),
            web.post("/ready", _to_chosen(kubelet, lambda each: each.hold_unready(False))),
            web.post("/nodes/{name}/kill", _to_node(kubelet.kill_node)),
            web.post("/nodes/{name}/revive", _to_node(kubelet.revive_node)),
        ]
    )
    return application


Handler = Callable[[web.Request], Awaitable[web.Response]]


def _to_chosen(kubelet: Kubelet, act: Callable[[life.Life], None]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        chosen = [each for each in kubelet.lives.values() if _is_chosen(each.pod, request.query)]
        for each in chosen:
            act(each)
        return web.json_response({"pods": [_row(each) for each in chosen]})

    return handle


def _to_node(act: Callable[[str], Awaitable[None]]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        try:
            await act(name)
        except KeyError:
            return web.json_response({"error": f"no node is called {name!r}"}, status=404)
        return web.json_response({})

    return handle


def _is_chosen(pod: Json, query: Any) -> bool:
    """By namespace, and by equality of labels and of the name where they are given."""
    metadata = pod["metadata"]
    wanted = dict(pair.split("=", 1) for pair in query.get("selector", "").split(",") if "=" in pair)
    return (
        metadata["namespace"] == query.get("namespace", "default")
        and wanted.items() <= (metadata.get("labels") or {}).items()
        and query.get("pod", metadata["name"]) == metadata["name"]
    )


def _row(each: life.Life) -> Json:
    metadata = each.pod["metadata"]
    return {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "node": each.pod["spec"]["nodeName"],
        "address": each.address,
        "ready": each.is_ready,
        "ending": each.is_ending,
        "requests": each.counters.requests,
    }


class _Connection(http.client.HTTPConnection):
    """HTTP over the socket, which is reached from inside and outside alike."""

    def __init__(self, path: Path) -> None:
        super().__init__("kubelet", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = wire.connect(self._path, 60)


def ask(directory: Path, verb: str, path: str, **query: str) -> Json:
    """Send a request to the kubelet of the sandbox in `directory`; raises SandboxError when it refuses."""
    connection = _Connection(directory / SOCKET)
    try:
        connection.request(verb, f"{path}?{urllib.parse.urlencode(query)}")
        answer: Json = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise errors.SandboxError(f"the kubelet does not answer {verb} {path}: {error}") from error
    finally:
        connection.close()
    if "error" in answer:
        raise errors.SandboxError(answer["error"])
    return answer
