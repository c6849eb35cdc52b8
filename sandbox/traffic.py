"""An open-loop HTTP client: each request is sent when it is due, whatever became of those before it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox import http1, tally

CONNECT_SECONDS = 5.0
MOST_IN_FLIGHT = 2_000
"""Beyond it a request is counted as `unsent`, so that a stalled server cannot exhaust this process."""


@dataclass(frozen=True)
class Plan:
    """What to send: GET `path` for `host` to `address`, `rate` times a second, for `seconds` or `most` requests."""

    address: str
    port: int
    host: str
    rate: float
    path: str = "/"
    seconds: float = 600.0
    most: int = 1_000_000
    timeout: float = 15.0
    service: str = ""
    """`namespace/name` of a Service without a mesh, whose endpoints are chosen from as kube-proxy does."""

    @property
    def request(self) -> bytes:
        return f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\nUser-Agent: sandbox-load\r\n\r\n".encode()


def plan(url: str, host: str, rate: float, seconds: float) -> Plan:
    """From a URL such as http://127.0.0.1:15080/path, or kube-proxy://web.shop:80/path for Service web in shop.

    Raises ValueError for what cannot be sent.
    """
    parts = urlsplit(url)
    if parts.scheme == "kube-proxy" and parts.hostname is not None:
        name, _, namespace = parts.hostname.partition(".")
        proxied = Plan("", parts.port or 80, host, rate, parts.path or "/", seconds, service=f"{namespace}/{name}")
        return checked(proxied)
    if parts.scheme != "http" or parts.hostname is None:
        raise ValueError(f"a load is sent over plain HTTP to http://ADDRESS:PORT/PATH, got {url!r}")
    return checked(Plan(parts.hostname, parts.port or 80, host, rate, parts.path or "/", seconds))


def checked(made: Plan) -> Plan:
    if not 0 < made.rate <= 2_000:
        raise ValueError(f"rate must be above 0 and at most 2000 requests a second, got {made.rate}")
    return made


Pick = Callable[[], tuple[str, int] | None]
"""Where a new connection goes; None: it is refused."""


class Traffic:
    """Sends a plan's requests over connections that are kept and reused; `tally` grows as answers come.

    With `pick`, each request has a connection of its own, to where that says.
    """

    def __init__(self, plan: Plan, pick: Pick | None = None) -> None:
        self.tally = tally.Tally()
        self._plan = plan
        self._pick = pick
        self._idle: list[_Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Send no more; what is in flight is still awaited."""
        self._stopped.set()

    def harvest(self) -> tally.Tally:
        """What was counted since the last harvest."""
        harvested, self.tally = self.tally, tally.Tally()
        return harvested

    async def run(self) -> None:
        """Until the plan is fulfilled or stopped, and all answers are in."""
        offset = time.time() - time.monotonic()
        start = time.monotonic()
        for number in range(min(self._plan.most, int(self._plan.seconds * self._plan.rate))):
            due = start + number / self._plan.rate
            if await self._stops_before(due):
                break
            self._spawn(int(due + offset))
        while self._tasks:
            await asyncio.wait(self._tasks)
        for connection in self._idle:
            connection.close()

    async def _stops_before(self, due: float) -> bool:
        wait = due - time.monotonic()
        if wait > 0 and not self._stopped.is_set():
            try:
                await asyncio.wait_for(self._stopped.wait(), wait)
            except TimeoutError:
                return False
        return self._stopped.is_set()

    def _spawn(self, second: int) -> None:
        if len(self._tasks) >= MOST_IN_FLIGHT:
            self.tally.add(second, tally.NOBODY, "unsent", 0)
            return
        task = asyncio.get_running_loop().create_task(self._send(second))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, second: int) -> None:
        began = time.monotonic()
        version, outcome = await self._exchange()
        self.tally.add(second, version, outcome, (time.monotonic() - began) * 1000)

    async def _exchange(self) -> tuple[str, str]:
        """One request and what it came to: version and outcome."""
        try:
            connection = await self._connection()
        except (OSError, TimeoutError):
            return tally.NOBODY, "connect"
        try:
            answer = await asyncio.wait_for(connection.send(self._plan.request), self._plan.timeout)
        except TimeoutError:
            connection.close()
            return tally.NOBODY, "timeout"
        except ConnectionError:
            return tally.NOBODY, "reset"
        if answer.wants_close or self._pick is not None:
            connection.close()
        else:
            self._idle.append(connection)
        return answer.headers.get("x-version", tally.NOBODY), outcome(answer)

    async def _connection(self) -> "_Connection":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        picked = (self._plan.address, self._plan.port) if self._pick is None else self._pick()
        if picked is None:
            raise ConnectionRefusedError("the Service has no endpoint that is ready")
        loop = asyncio.get_running_loop()
        opening = loop.create_connection(_Connection, *picked)
        _, made = await asyncio.wait_for(opening, CONNECT_SECONDS)
        return made


def outcome(answer: http1.Message) -> str:
    """The HTTP status, or `grpc-N` where a gRPC status says that the call failed."""
    grpc_status = answer.headers.get("grpc-status", "0")
    return answer.start.split(" ")[1] if grpc_status == "0" else f"grpc-{grpc_status}"


class _Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[http1.Message] | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._settle(exc or ConnectionResetError("closed before the answer was whole"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            message = http1.take(self._buffer)
        except ValueError as error:
            self._settle(ConnectionResetError(f"not HTTP/1.1: {error}"))
            self.close()
            return
        if message is not None:
            del self._buffer[: message.length]
            self._settle(message)

    async def send(self, request: bytes) -> http1.Message:
        """The answer; ConnectionError when there will be none."""
        if self._transport is None:
            raise ConnectionResetError("closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _settle(self, result: http1.Message | Exception) -> None:
        if self._answer is None or self._answer.done():
            return
        if isinstance(result, http1.Message):
            self._answer.set_result(result)
        else:
            reset = result if isinstance(result, ConnectionError) else ConnectionResetError(str(result))
            self._answer.set_exception(reset)
