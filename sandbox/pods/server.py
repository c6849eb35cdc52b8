"""A real HTTP/1.1 server on a pod's own address, which stops the way a well-made server does."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sandbox import http1

BACKLOG = 512


@dataclass(frozen=True)
class Request:
    """What a handler may want to know of a request."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""

    @property
    def wants_close(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


@dataclass(frozen=True)
class Reply:
    """What goes back; length and connection headers are added."""

    status: int
    headers: dict[str, str]
    body: bytes


Handler = Callable[[Request], Awaitable[Reply]]
Gone = Callable[[Request], None]


class Server:
    """One listener and its connections.

    `handler` answers a request; `gone` hears of a request whose client left before the answer.
    """

    def __init__(self, handler: Handler, gone: Gone) -> None:
        self.handler = handler
        self.gone = gone
        self.is_draining = False
        self.connections: set[_Connection] = set()
        self._listener: asyncio.Server | None = None

    async def listen(self, address: str, port: int) -> None:
        """Accept from now on; raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: _Connection(self), address, port, reuse_address=True, backlog=BACKLOG
        )

    def drain(self) -> None:
        """Refuse new connections at once, close idle ones, let requests in hand finish."""
        self.is_draining = True
        if self._listener is not None:
            self._listener.close()
        for connection in list(self.connections):
            connection.close_if_idle()

    @property
    def is_idle(self) -> bool:
        return not self.connections

    def abort(self) -> None:
        """As when the process dies: everything is cut off."""
        self.drain()
        for connection in list(self.connections):
            connection.cut()


class _Connection(asyncio.Protocol):
    """One client's connection: requests one after the other; pipelined bytes wait."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._request: Request | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server.connections.add(self)
        if self._server.is_draining:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._task is not None and self._request is not None:
            self._task.cancel()
            self._server.gone(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._task is None:
            self._next()

    def close_if_idle(self) -> None:
        if self._task is None and self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """The server dies: what was in hand is nobody's any more."""
        self._request = None
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _next(self) -> None:
        """Take one whole request out of the buffer, if one is there."""
        try:
            message = http1.take(self._buffer)
            if message is None:
                return
            method, path, _ = message.start.split(" ", 2)
        except ValueError:
            self.cut()
            return
        del self._buffer[: message.length]
        request = Request(method, path, message.headers)
        self._request = request
        self._task = asyncio.get_running_loop().create_task(self._serve(request))

    async def _serve(self, request: Request) -> None:
        reply = await self._server.handler(request)
        self._request = None
        self._task = None
        if self._transport is None or self._transport.is_closing():
            return
        closes = self._server.is_draining or request.wants_close
        self._transport.write(_bytes(reply, closes))
        if closes:
            self._transport.close()
        elif self._buffer:
            self._next()


def _bytes(reply: Reply, closes: bool) -> bytes:
    headers = {**reply.headers, "content-length": str(len(reply.body))}
    if closes:
        headers["connection"] = "close"
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    reason = "OK" if reply.status < 400 else "Error"
    return f"HTTP/1.1 {reply.status} {reason}\r\n{head}\r\n".encode("latin-1") + reply.body
