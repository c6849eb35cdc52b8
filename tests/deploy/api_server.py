"""An API server on the loopback that answers as it is told to: well, badly, late, or by hanging up."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from deploy import cluster
from deploy.traffic import Json


@dataclass(frozen=True)
class Asked:
    """A request as it came over the wire."""

    method: str
    path: str
    query: dict[str, str] = field(hash=False)
    headers: dict[str, str] = field(hash=False)
    body: Any = field(hash=False)


@dataclass(frozen=True)
class Reply:
    """A whole answer; a body that is no bytes is written as JSON."""

    status: int = 200
    body: Any = field(default_factory=dict, hash=False)
    headers: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Stream:
    """A chunked answer, one chunk for each piece; `cut` hangs up in mid-answer instead of ending it."""

    chunks: Iterable[bytes] = field(hash=False)
    cut: bool = False


class HangUp(Exception):
    """Close the connection without an answer."""


Answer = Callable[[Asked], Reply | Stream]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answer: Answer

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        heads = {key.lower(): value for key, value in self.headers.items()}
        asked = Asked(self.command, url.path, dict(parse_qsl(url.query)), heads, json.loads(body or b"null"))
        with suppress(BrokenPipeError, ConnectionResetError):
            self.reply(asked)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def reply(self, asked: Asked) -> None:
        try:
            reply = self.answer(asked)
        except HangUp:
            self.close_connection = True
            return
        if isinstance(reply, Stream):
            self.stream(reply)
        else:
            self.whole(reply)

    def whole(self, reply: Reply) -> None:
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for key, value in {"Content-Length": str(len(body)), **reply.headers}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self, reply: Stream) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in reply.chunks:
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        if not reply.cut:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = reply.cut

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Run a server whose requests `answer` answers, from several threads; yields its URL."""
    handler = type("Answering", (Handler,), {"answer": staticmethod(answer)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def door(answer: Answer, seconds: float = 30.0, **options: Any) -> Iterator[cluster.Cluster]:
    """A Cluster that speaks to such a server."""
    with serving(answer) as url:
        opened = cluster.Cluster(cluster.at(url, "s3cret"), **options).within(seconds)
        yield opened
        opened.close()


def line(kind: str, found: Json) -> bytes:
    """One event of a watch."""
    return json.dumps({"type": kind, "object": found}).encode() + b"\n"


def thing(name: str, version: str, namespace: str = "shop", **more: Any) -> Json:
    """Any object."""
    about = {"name": name, "namespace": namespace, "resourceVersion": version}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": about, **more}


def page(version: str, *items: Json, more: str = "") -> Reply:
    """One page of a list."""
    about = {"resourceVersion": version, **({"continue": more} if more else {})}
    return Reply(body={"apiVersion": "apps/v1", "kind": "DeploymentList", "metadata": about, "items": list(items)})


def status(code: int, message: str, **headers: str) -> Reply:
    """A refusal in the API server's words."""
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "code": code, "message": message}
    return Reply(code, body, {key.replace("_", "-"): value for key, value in headers.items()})
