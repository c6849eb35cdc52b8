"""Single requests through the client's proxy, with headers, answered one by one: what a load can not tell."""

import asyncio
import time
from dataclasses import dataclass

import aiohttp

from sandbox import ports


@dataclass(frozen=True)
class Reply:
    """version: who answered; empty where the proxy did itself."""

    status: int
    version: str
    seconds: float


def ask(host: str, number: int, at_once: int = 25, **headers: str) -> list[Reply]:
    """Send requests with these headers (`x_fault` is `x-fault`), some of them at once."""
    given = {key.replace("_", "-"): value for key, value in headers.items()}
    return asyncio.run(_ask({**given, "Host": host}, number, at_once))


async def _ask(headers: dict[str, str], number: int, at_once: int) -> list[Reply]:
    turns = asyncio.Semaphore(at_once)
    async with aiohttp.ClientSession() as session:

        async def one() -> Reply:
            async with turns:
                began = time.monotonic()
                async with session.get(ports.url(ports.CLIENT_PROXY), headers=headers) as response:
                    await response.read()
                    version = response.headers.get("x-version", "")
                    return Reply(response.status, version, time.monotonic() - began)

        return await asyncio.gather(*(one() for _ in range(number)))


def versions(replies: list[Reply]) -> set[str]:
    return {reply.version for reply in replies if reply.version}
