"""A pod's life, on real sockets of the loopback range."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sandbox import http1, ports
from sandbox.pods import life, runtime, status, telemetry

Json = dict[str, Any]
Scene = Callable[[life.Life], Awaitable[None]]

_NUMBERS = itertools.count(1)


def a_pod(image: str, **spec: Any) -> Json:
    """A pod with one container, called web."""
    container = {"name": "web", "image": image} | spec.pop("container", {})
    return {
        "metadata": {"namespace": "default", "name": "web-1", "labels": {"app": "web"}},
        "spec": {"containers": [container], "nodeName": "sandbox-node"} | spec,
    }


def no_process(_pod: Json, spec: Json, _address: str) -> runtime.Runtime:
    raise AssertionError(f"container {spec['name']} has no command")


def live(pod: Json, scene: Scene) -> None:
    """Run a pod on an address of its own for the length of a scene."""

    async def play() -> None:
        address = f"127.77.0.{next(_NUMBERS)}"
        addresses = status.Addresses(address, "10.244.254.1")
        subject = life.Life(pod, addresses, lambda p: telemetry.labels(p, "web"), no_process)
        subject.start()
        try:
            await asyncio.wait_for(scene(subject), 120)
        finally:
            subject.is_ending = True
            subject.cut()

    asyncio.run(play())


async def until(claim: Callable[[], bool]) -> None:
    while not claim():
        await asyncio.sleep(0.01)


async def get(address: str, port: int = ports.POD_DEFAULT) -> tuple[http1.Message, str]:
    """One request on a connection of its own; raises OSError when nobody listens."""
    reader, writer = await asyncio.open_connection(address, port)
    writer.write(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
    raw = bytearray(await reader.read())
    writer.close()
    message = http1.take(raw)
    if message is None:
        raise ConnectionResetError("cut off")
    return message, raw[: message.length].partition(b"\r\n\r\n")[2].decode()


def web(subject: life.Life) -> Json:
    """The container's status as reported."""
    found: Json = subject.report()["containerStatuses"][0]
    return found


def ready(subject: life.Life) -> str:
    conditions: list[Json] = subject.report()["conditions"]
    return next(str(condition["status"]) for condition in conditions if condition["type"] == "Ready")


def test_a_ready_pod_answers_with_its_version_and_exports_telemetry() -> None:
    """Running and Ready; a request is answered, and counted where Prometheus looks."""

    async def scene(subject: life.Life) -> None:
        await until(lambda: subject.is_ready)
        message, body = await get(subject.address)
        assert (message.headers["x-version"], message.headers["x-pod"]) == ("v2", "web-1")
        assert body == "web-1 v2\n"
        _, exposition = await get(subject.address, ports.POD_TELEMETRY)
        assert 'response_code="200",grpc_response_status="",response_flags="-"} 1' in exposition
        assert (subject.report()["phase"], ready(subject), web(subject)["ready"]) == ("Running", "True", True)

    live(a_pod("web:v2"), scene)


def test_a_container_serves_on_its_own_ports() -> None:
    """Every containerPort is a listener."""

    async def scene(subject: life.Life) -> None:
        await until(lambda: subject.is_ready)
        for port in (9001, 9002):
            assert (await get(subject.address, port))[0].start == "HTTP/1.1 200 OK"

    live(a_pod("web:v1", container={"ports": [{"containerPort": 9001}, {"containerPort": 9002}]}), scene)


def test_a_pod_that_is_never_ready_still_serves() -> None:
    """As one whose readiness probe fails."""

    async def scene(subject: life.Life) -> None:
        await until(lambda: subject.report()["phase"] == "Running")
        await asyncio.sleep(0.7)
        assert (await get(subject.address))[0].headers["x-version"] == "v4"
        assert (subject.report()["phase"], ready(subject)) == ("Running", "False")

    live(a_pod("web:v4-neverready"), scene)


def test_a_crashing_container_backs_off() -> None:
    """The first restart is immediate, then CrashLoopBackOff, with the last exit on record."""

    async def scene(subject: life.Life) -> None:
        await until(lambda: "waiting" in web(subject)["state"] and web(subject)["restartCount"] == 1)
        assert web(subject)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        assert "back-off 10s restarting failed container=web" in web(subject)["state"]["waiting"]["message"]
        assert web(subject)["lastState"]["terminated"]["exitCode"] == 1
        assert (subject.report()["phase"], ready(subject)) == ("Running", "False")

    live(a_pod("web:v5-crashloop"), scene)


@pytest.mark.parametrize(
    ("policy", "phase"), [pytest.param("Never", "Failed", id="Never"), pytest.param("Always", "Running", id="Always")]
)
def test_the_restart_policy_decides_whether_an_exit_is_the_end(policy: str, phase: str) -> None:
    """Never: the pod has failed; Always: it runs again."""

    async def scene(subject: life.Life) -> None:
        await until(lambda: "terminated" in web(subject)["state"] or web(subject)["restartCount"] > 0)
        await asyncio.sleep(0.1)
        assert subject.report()["phase"] == phase

    live(a_pod("web:v1-exit0.2", restartPolicy=policy), scene)


def test_an_image_that_cannot_be_pulled_keeps_the_pod_pending() -> None:
    """First ErrImagePull, then ImagePullBackOff, as the kubelet says it."""

    async def scene(subject: life.Life) -> None:
        reasons = []
        while "ImagePullBackOff" not in reasons:
            reason = web(subject)["state"]["waiting"]["reason"]
            if reason not in reasons:
                reasons.append(reason)
            await asyncio.sleep(0.01)
        assert reasons == ["ContainerCreating", "ErrImagePull", "ImagePullBackOff"]
        assert subject.report()["phase"] == "Pending"

    live(a_pod("web:v6-pullfail"), scene)


def test_an_unknown_word_is_shown_in_the_status() -> None:
    """The pod does not start, and says which word it does not know."""

    async def scene(subject: life.Life) -> None:
        await until(lambda: web(subject)["state"]["waiting"]["reason"] == "InvalidImageName")
        assert "'errrors20'" in web(subject)["state"]["waiting"]["message"]

    live(a_pod("web:v1-errrors20"), scene)


def test_without_prestop_new_connections_are_refused_at_once() -> None:
    """SIGTERM closes the listener; a request in hand is finished, and the pod is over with it."""

    async def scene(subject: life.Life) -> None:
        await until(lambda: subject.is_ready)
        in_hand = asyncio.create_task(get(subject.address))
        await asyncio.sleep(0.1)
        ending = asyncio.create_task(subject.end(30))
        await asyncio.sleep(0.1)
        with pytest.raises(ConnectionRefusedError):
            await get(subject.address)
        assert not ending.done()
        assert (await in_hand)[0].start == "HTTP/1.1 200 OK"
        await asyncio.wait_for(ending, 30)

    live(a_pod("web:v3-slow2000"), scene)


def test_a_prestop_sleep_keeps_serving_first() -> None:
    """During the sleep new connections are welcome; after it they are refused."""

    async def scene(subject: life.Life) -> None:
        await until(lambda: subject.is_ready)
        began = time.monotonic()
        ending = asyncio.create_task(subject.end(30))
        await asyncio.sleep(0.5)
        assert (await get(subject.address))[0].start == "HTTP/1.1 200 OK"
        await ending
        assert time.monotonic() - began >= 3
        with pytest.raises(ConnectionRefusedError):
            await get(subject.address)

    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 3}}}}
    live(a_pod("web:v1", container=hook), scene)


def test_the_grace_period_is_the_longest_drain() -> None:
    """When it is over, what is in hand is cut off."""

    async def scene(subject: life.Life) -> None:
        await until(lambda: subject.is_ready)
        in_hand = asyncio.create_task(get(subject.address))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await subject.end(0.3)
        assert 0.25 < time.monotonic() - began < 8
        with pytest.raises(ConnectionError):
            await in_hand

    live(a_pod("web:v3-slow9000"), scene)


def test_a_dead_node_takes_its_pods_along() -> None:
    """Nobody listens, the pod is unready; when the node is back it serves again, one restart later."""

    async def scene(subject: life.Life) -> None:
        await until(lambda: subject.is_ready)
        subject.lose_node()
        assert ready(subject) == "False"
        with pytest.raises(ConnectionRefusedError):
            await get(subject.address)
        subject.regain_node()
        await until(lambda: subject.is_ready)
        assert (await get(subject.address))[0].start == "HTTP/1.1 200 OK"
        assert web(subject)["restartCount"] == 1

    live(a_pod("web:v1"), scene)


def test_readiness_can_be_taken_away_while_it_serves() -> None:
    """Held unready and let go: only the condition changes."""

    async def scene(subject: life.Life) -> None:
        await until(lambda: subject.is_ready)
        subject.hold_unready(True)
        assert ready(subject) == "False"
        assert (await get(subject.address))[0].start == "HTTP/1.1 200 OK"
        subject.hold_unready(False)
        assert ready(subject) == "True"

    live(a_pod("web:v1"), scene)


@pytest.mark.parametrize(
    ("hook", "seconds"),
    [
        pytest.param({}, 0, id="none"),
        pytest.param({"sleep": {"seconds": 5}}, 5, id="sleep"),
        pytest.param({"exec": {"command": ["sleep", "7"]}}, 7, id="exec"),
        pytest.param({"exec": {"command": ["/bin/sh", "-c", "sleep 2.5; nginx -s quit"]}}, 2.5, id="in a shell"),
        pytest.param({"exec": {"command": ["nginx", "-s", "quit"]}}, 0, id="another command"),
    ],
)
def test_the_prestop_hook_is_read(hook: Json, seconds: float) -> None:
    """How long the pod goes on serving after it was told to end."""
    assert life.pre_stop_seconds(a_pod("web:v1", container={"lifecycle": {"preStop": hook}})) == seconds
