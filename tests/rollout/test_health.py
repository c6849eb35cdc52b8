"""The controller's own endpoints, over real HTTP on the loopback."""

import socket
import struct
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from rollout.health import Server
from rollout.metrics import Metrics


class Wrongs:
    """What is wrong, as the checks would find it."""

    def __init__(self) -> None:
        self.alive: tuple[str, ...] = ()
        self.ready: tuple[str, ...] = ()


@pytest.fixture
def wrongs() -> Wrongs:
    return Wrongs()


@pytest.fixture
def base(wrongs: Wrongs) -> Iterator[str]:
    metrics = Metrics()
    metrics.looks.labels("done").inc()
    server = Server("127.0.0.1:0", lambda: wrongs.alive, lambda: wrongs.ready, metrics.registry)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/readyz?verbose"])
def test_all_is_well(base: str, path: str) -> None:
    """200 and a word, with or without a query."""
    assert get(f"{base}{path}") == (200, "ok\n")


def test_each_check_tells_its_own_wrongs(base: str, wrongs: Wrongs) -> None:
    """503 with every sentence; being unready is not being dead."""
    wrongs.ready = ("the watch of Releases is not established", "the watch of Pods is not established")
    assert get(f"{base}/healthz") == (200, "ok\n")
    assert get(f"{base}/readyz") == (503, "\n".join(wrongs.ready) + "\n")
    wrongs.alive = ("the clock has not struck for 121 s",)
    assert get(f"{base}/healthz") == (503, "the clock has not struck for 121 s\n")


def test_notes_are_said_beside_and_make_nothing_unready() -> None:
    """Leader or standby, and rights that some looks lack."""
    wrongs = Wrongs()
    notes = ("leader", "may not list virtualservices.networking.istio.io: grant it")
    server = Server("127.0.0.1:0", lambda: (), lambda: wrongs.ready, Metrics().registry, lambda: notes)
    server.start()
    try:
        assert get(f"http://127.0.0.1:{server.port}/readyz") == (200, "\n".join(("ok", *notes)) + "\n")
        assert get(f"http://127.0.0.1:{server.port}/healthz") == (200, "ok\n")
        wrongs.ready = ("the watch of Releases is not established",)
        assert get(f"http://127.0.0.1:{server.port}/readyz") == (503, "\n".join((*wrongs.ready, *notes)) + "\n")
    finally:
        server.stop()


def test_metrics_are_shown(base: str) -> None:
    """In the text format of Prometheus."""
    code, text = get(f"{base}/metrics")
    assert code == 200
    assert 'rampart_looks_total{result="done"} 1.0' in text


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        pytest.param("[::1]:0", "http://[::1]", id="IPv6"),
        pytest.param("127.0.0.1:0", "http://127.0.0.1", id="IPv4"),
        pytest.param("localhost:0", "http://localhost", id="by name"),
    ],
)
def test_it_listens_where_it_is_told_to(listen: str, url: str) -> None:
    """An address of IPv6 stands in brackets."""
    server = Server(listen, lambda: (), lambda: (), Metrics().registry)
    server.start()
    assert get(f"{url}:{server.port}/healthz") == (200, "ok\n")
    server.stop()


def test_another_path_says_what_there_is(base: str) -> None:
    """404 with the three."""
    assert get(f"{base}/") == (404, "there are /healthz, /readyz and /metrics\n")


def test_who_asks_and_goes_leaves_no_stack_trace(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A connection that is reset, as a port scan or an impatient probe does it."""
    host, _, port = base.removeprefix("http://").partition(":")
    for _ in range(5):
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert get(f"{base}/healthz")[0] == 200
    assert capsys.readouterr().err == ""
