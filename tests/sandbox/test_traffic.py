"""The open-loop client against real servers on the loopback range."""

import asyncio
import dataclasses
import itertools
import time
from collections.abc import Awaitable, Callable

import pytest

from sandbox import http1, tally, traffic
from sandbox.pods import server

PORT = 8099
_NUMBERS = itertools.count(1)

Handler = Callable[[server.Request], Awaitable[server.Reply]]


async def good(_request: server.Request) -> server.Reply:
    return server.Reply(200, {"x-version": "v1"}, b"hello")


async def failing(_request: server.Request) -> server.Reply:
    return server.Reply(503, {}, b"")


async def grpc_failing(_request: server.Request) -> server.Reply:
    return server.Reply(200, {"x-version": "v1", "grpc-status": "14"}, b"")


async def slow(_request: server.Request) -> server.Reply:
    await asyncio.sleep(2)
    return server.Reply(200, {"x-version": "v1"}, b"")


def send(handler: Handler | None, **changes: float | int) -> tally.Tally:
    """Ten requests at 50 a second; without a handler nobody listens."""

    async def play() -> tally.Tally:
        address = f"127.78.0.{next(_NUMBERS)}"
        plan = traffic.plan(f"http://{address}:{PORT}", "web", 50, 0.2)
        sender = traffic.Traffic(dataclasses.replace(plan, **changes))  # type: ignore[arg-type]
        if handler is not None:
            served = server.Server(handler, lambda _: None)
            await served.listen(address, PORT)
        await sender.run()
        if handler is not None:
            served.abort()
        return sender.harvest()

    return asyncio.run(play())


@pytest.mark.parametrize(
    ("handler", "counted"),
    [
        pytest.param(good, {("v1", "200"): 10}, id="answered"),
        pytest.param(failing, {("none", "503"): 10}, id="refused by a proxy"),
        pytest.param(grpc_failing, {("v1", "grpc-14"): 10}, id="grpc failure"),
        pytest.param(None, {("none", "connect"): 10}, id="nobody listens"),
    ],
)
def test_requests_are_counted_by_version_and_outcome(
    handler: Handler | None, counted: dict[tuple[str, str], int]
) -> None:
    """Each request is counted once, with what became of it."""
    found: dict[tuple[str, str], int] = {}
    for (_, version, outcome), number in send(handler).counts.items():
        found[version, outcome] = found.get((version, outcome), 0) + number
    assert found == counted


def test_a_request_waits_for_none_before_it() -> None:
    """Ten replies of 2 s each, due within 0.2 s, are over long before 20 s."""
    began = time.monotonic()
    assert str(send(slow)) == "0 failed of 10 (v1 10)"
    assert time.monotonic() - began < 15


def test_no_answer_in_time_is_a_failure() -> None:
    """Counted as `timeout`, by nobody."""
    assert send(slow, timeout=0.1).failures == {("none", "timeout"): 10}


def test_a_server_that_dies_cuts_requests_off() -> None:
    """Counted as `reset`."""

    async def play() -> tally.Tally:
        address = f"127.78.0.{next(_NUMBERS)}"
        served = server.Server(slow, lambda _: None)
        await served.listen(address, PORT)
        sender = traffic.Traffic(traffic.plan(f"http://{address}:{PORT}", "web", 50, 0.2))
        running = asyncio.create_task(sender.run())
        await asyncio.sleep(0.3)
        served.abort()
        await running
        return sender.harvest()

    assert asyncio.run(play()).failures == {("none", "reset"): 10}


def test_it_stops_when_told_and_loses_no_answer() -> None:
    """What is in flight is awaited; nothing is sent any more."""

    async def play() -> tally.Tally:
        address = f"127.78.0.{next(_NUMBERS)}"
        served = server.Server(slow, lambda _: None)
        await served.listen(address, PORT)
        sender = traffic.Traffic(traffic.plan(f"http://{address}:{PORT}", "web", 50, 600))
        asyncio.get_running_loop().call_later(0.3, sender.stop)
        await sender.run()
        served.abort()
        return sender.harvest()

    counted = asyncio.run(play())
    assert counted.failed == 0
    assert 5 <= counted.requests <= 20


@pytest.mark.parametrize(
    ("url", "rate", "complaint"),
    [
        pytest.param("https://127.0.0.1", 50, "over plain HTTP to http://ADDRESS:PORT/PATH", id="tls"),
        pytest.param("127.0.0.1:15080", 50, "over plain HTTP", id="no scheme"),
        pytest.param(
            "http://127.0.0.1", 0, "rate must be above 0 and at most 2000 requests a second, got 0", id="rate"
        ),
    ],
)
def test_a_plan_that_cannot_be_sent_is_refused(url: str, rate: float, complaint: str) -> None:
    """Before anything is started, with what would be right."""
    with pytest.raises(ValueError, match=complaint):
        traffic.plan(url, "web", rate, 10)


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        pytest.param({}, "200", id="http"),
        pytest.param({"grpc-status": "0"}, "200", id="grpc ok"),
        pytest.param({"grpc-status": "13"}, "grpc-13", id="grpc failure"),
    ],
)
def test_the_outcome_heeds_grpc_status(headers: dict[str, str], outcome: str) -> None:
    """HTTP 200 is no success for a failed call."""
    assert traffic.outcome(http1.Message("HTTP/1.1 200 OK", headers, 0)) == outcome
