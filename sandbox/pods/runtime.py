"""Runs one container: a real HTTP server that behaves as its image's tag says."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sandbox.pods import behaviour, server, telemetry

BASE_MILLISECONDS = 3.0
"""The median of a healthy reply's own time; its spread is log-normal, as real services' are."""
SPREAD = 0.35

KILLED = 137
"""Exit code of a process ended by SIGKILL."""


class Runtime(Protocol):
    """One run of a container, from start to exit."""

    async def run(self, ready: Callable[[bool], None]) -> int:
        """Until it exits; tells `ready` whether it is. Returns the exit code."""

    def drain(self) -> None:
        """As SIGTERM: take nothing new, finish what is in hand."""

    def crash(self) -> None:
        """As SIGKILL."""

    @property
    def is_idle(self) -> bool:
        """Nothing is in hand any more."""


@dataclass(frozen=True)
class Place:
    """Where a container serves, and as whom."""

    pod: str
    address: str
    ports: tuple[int, ...]


class HttpContainer:
    """A container that serves HTTP on each of its ports."""

    def __init__(self, place: Place, acts: behaviour.Behaviour, counters: telemetry.Telemetry) -> None:
        self._place = place
        self._acts = acts
        self._counters = counters
        self._dice = random.Random()
        self._born = time.monotonic()
        self._servers = [server.Server(self._handle, self._gone) for _ in place.ports]
        self._exit: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self, ready: Callable[[bool], None]) -> int:
        """Serve from `ready_after` on, until the exit that the tag asks for or a crash."""
        loop = asyncio.get_running_loop()
        timer = None
        if self._acts.exits_after is not None:
            timer = loop.call_later(self._acts.exits_after, self._end, 1)
        try:
            await asyncio.wait({self._exit}, timeout=self._acts.ready_after)
            if not self._exit.done():
                await self._listen()
                if not self._acts.never_ready:
                    ready(True)
            return await self._exit
        finally:
            if timer is not None:
                timer.cancel()
            for each in self._servers:
                each.abort()

    async def _listen(self) -> None:
        for each, port in zip(self._servers, self._place.ports, strict=True):
            try:
                await each.listen(self._place.address, port)
            except OSError as error:
                print(f"{self._place.pod} cannot serve at {self._place.address}:{port}: {error}", flush=True)
                self._end(1)

    def drain(self) -> None:
        for each in self._servers:
            each.drain()

    def crash(self) -> None:
        self._end(KILLED)
        for each in self._servers:
            each.abort()

    @property
    def is_idle(self) -> bool:
        return all(each.is_idle for each in self._servers)

    def _end(self, code: int) -> None:
        if not self._exit.done():
            self._exit.set_result(code)

    async def _handle(self, request: server.Request) -> server.Reply:
        began = time.monotonic()
        answer = behaviour.answer(self._acts, began - self._born, self._dice)
        own_time = BASE_MILLISECONDS / 1000 * self._dice.lognormvariate(0, SPREAD)
        await asyncio.sleep(own_time + answer.delay)
        self._count(request, answer, (time.monotonic() - began) * 1000)
        return self._reply(answer)

    def _reply(self, answer: behaviour.Answer) -> server.Reply:
        headers = {"x-version": self._acts.version, "x-pod": self._place.pod, "content-type": "text/plain"}
        if answer.grpc_status is not None:
            headers |= {"content-type": "application/grpc", "grpc-status": str(answer.grpc_status)}
        return server.Reply(answer.status, headers, f"{self._place.pod} {self._acts.version}\n".encode())

    def _count(self, request: server.Request, answer: behaviour.Answer, milliseconds: float) -> None:
        protocol = self._protocol(request)
        grpc_status = "" if answer.grpc_status is None else str(answer.grpc_status)
        self._counters.record(telemetry.Outcome(protocol, str(answer.status), "-", grpc_status), milliseconds)

    def _gone(self, request: server.Request) -> None:
        """The client left first: Istio counts code 0 and flag DC."""
        self._counters.record(telemetry.Outcome(self._protocol(request), "0", "DC"), 0.0)

    def _protocol(self, request: server.Request) -> str:
        is_grpc = self._acts.speaks_grpc or request.headers.get("content-type", "").startswith("application/grpc")
        return "grpc" if is_grpc else "http"
