"""A container's probes, as a kubelet asks them: again and again, by the periods and thresholds of its spec."""

import asyncio
import http.client
from collections.abc import Awaitable, Callable
from typing import Any

Json = dict[str, Any]
Ask = Callable[[Json], Awaitable[bool]]
"""Whether one attempt of a probe succeeded."""


async def readiness(probe: Json, ask: Ask, told: Callable[[bool], None]) -> None:
    """Ready after successThreshold good answers in a row, no longer after failureThreshold bad ones; for ever."""
    await asyncio.sleep(probe.get("initialDelaySeconds", 0))
    good = bad = 0
    while True:
        good, bad = (good + 1, 0) if await ask(probe) else (0, bad + 1)
        if good == probe.get("successThreshold", 1):
            told(True)
        elif bad == probe.get("failureThreshold", 3):
            told(False)
        await asyncio.sleep(probe.get("periodSeconds", 10))


async def liveness(probe: Json, ask: Ask) -> None:
    """Until failureThreshold attempts in a row have failed."""
    await asyncio.sleep(probe.get("initialDelaySeconds", 0))
    bad = 0
    while bad < probe.get("failureThreshold", 3):
        await asyncio.sleep(probe.get("periodSeconds", 10))
        bad = 0 if await ask(probe) else bad + 1


def answers(address: str, port: int, probe: Json) -> bool:
    """One attempt of an httpGet; blocks for timeoutSeconds at most."""
    connection = http.client.HTTPConnection(address, port, timeout=probe.get("timeoutSeconds", 1))
    try:
        connection.request("GET", probe["httpGet"].get("path", "/"))
        answer = connection.getresponse()
        answer.read()  # else the connection is reset under the server's hands
        return answer.status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def port(spec: Json, named: int | str) -> int:
    """A probe's port, which may be the name of one of the container's."""
    if isinstance(named, int):
        return named
    return next(int(each["containerPort"]) for each in spec.get("ports", ()) if each.get("name") == named)
