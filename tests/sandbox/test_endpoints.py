"""The stand-in for kube-proxy: which addresses take a new connection, and real requests that follow them."""

import asyncio
from typing import Any

import pytest

from sandbox import endpoints, tally, traffic
from sandbox.pods import server
from tests.sandbox import addresses

Json = dict[str, Any]


def a_slice(*found: Json, name: str = "web-x", port: int = 8080) -> Json:
    return {"metadata": {"name": name}, "ports": [{"name": "http", "port": port}], "endpoints": list(found)}


def an_endpoint(address: str, **conditions: bool) -> Json:
    return {"addresses": [address], "conditions": conditions}


def test_only_ready_addresses_take_new_connections() -> None:
    """One that is leaving serves what it has; a missing condition means ready."""
    found = a_slice(
        an_endpoint("10.0.0.1", ready=True),
        an_endpoint("10.0.0.2", ready=False, serving=True, terminating=True),
        an_endpoint("10.0.0.3"),
        {"addresses": ["10.0.0.4"]},
    )
    ready = [("10.0.0.1", 8080), ("10.0.0.3", 8080), ("10.0.0.4", 8080)]
    assert endpoints.ready(found, "http") == ready
    assert endpoints.ready(found, "grpc") == []


def test_a_changed_slice_counts_at_once() -> None:
    """Added, changed, gone."""
    known = endpoints.Endpoints("http")
    assert known.pick() is None
    known.see("ADDED", a_slice(an_endpoint("10.0.0.1")))
    known.see("ADDED", a_slice(an_endpoint("10.0.0.2"), name="web-y"))
    assert {known.pick() for _ in range(64)} == {("10.0.0.1", 8080), ("10.0.0.2", 8080)}
    known.see("MODIFIED", a_slice(an_endpoint("10.0.0.3")))
    known.see("DELETED", a_slice(name="web-y"))
    assert known.pick() == ("10.0.0.3", 8080)


def test_a_port_is_told_by_its_number() -> None:
    """As a client says it; its name is what slices say."""
    service: Json = {"spec": {"ports": [{"name": "http", "port": 80}, {"name": "grpc", "port": 9000}]}}
    assert endpoints.port_name(service, 9000) == "grpc"
    assert endpoints.port_name({"spec": {"ports": [{"port": 80}]}}, 80) == ""
    with pytest.raises(ValueError, match=r"port must be one of \[80, 9000\], got 81"):
        endpoints.port_name(service, 81)


def test_each_request_goes_where_the_endpoints_lead_when_it_is_sent() -> None:
    """A connection of its own for each; without an endpoint it is refused."""
    here = [(addresses.fresh(), 8099)]
    now = iter(here)

    async def answer(request: server.Request) -> server.Reply:
        return server.Reply(200, {"x-version": "v1"}, b"")

    async def play() -> tally.Tally:
        served = server.Server(answer, lambda _: None)
        await served.listen(*here[0])
        sender = traffic.Traffic(traffic.plan("kube-proxy://web.shop:80", "web", 20, 0.2), lambda: next(now, None))
        await sender.run()
        served.abort()
        return sender.harvest()

    counted = asyncio.run(play())
    seen = {key[1:]: number for key, number in counted.counts.items()}
    assert seen == {("v1", "200"): 1, ("none", "connect"): 3}


def test_a_service_is_named_as_its_host_is() -> None:
    """kube-proxy://NAME.NAMESPACE:PORT/PATH."""
    made = traffic.plan("kube-proxy://web.shop:81/health", "web", 20, 1)
    assert (made.service, made.port, made.path) == ("shop/web", 81, "/health")
    with pytest.raises(ValueError, match="rate must be above 0"):
        traffic.plan("kube-proxy://web.shop", "web", 0, 1)
