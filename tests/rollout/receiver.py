"""A webhook receiver on the loopback: keeps what arrives, and answers as it is told."""

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Answer = tuple[int, dict[str, str]]
TAKEN: Answer = (204, {})


@dataclass(frozen=True)
class Delivery:
    """One request: when it came (monotonic seconds), its headers in small letters, its body as it was sent."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)


@dataclass
class Inbox:
    """What has arrived."""

    url: str = ""
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def messages(self) -> list[str]:
        return [item.event["data"]["message"] for item in self.deliveries]

    @property
    def reasons(self) -> list[str]:
        return [item.event["reason"] for item in self.deliveries]

    def wait(self, number: int, seconds: float = 60.0) -> None:
        """Until so many have come."""
        deadline = time.monotonic() + seconds
        while len(self.deliveries) < number:
            assert time.monotonic() < deadline, f"{len(self.deliveries)} of {number} came within {seconds} s"
            time.sleep(0.01)


def in_turn(*answers: Answer) -> Callable[[Delivery], Answer]:
    """One answer after another, and then success."""
    left = list(answers)
    return lambda delivery: left.pop(0) if left else TAKEN


@contextlib.contextmanager
def receiving(answer: Callable[[Delivery], Answer]) -> Iterator[Inbox]:
    """Receive until the block ends; an `answer` that raises hangs up."""
    inbox = Inbox()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {key.lower(): value for key, value in self.headers.items()}
            delivery = Delivery(time.monotonic(), self.path, headers, body)
            inbox.deliveries.append(delivery)
            try:
                status, more = answer(delivery)
            except ConnectionError:
                return
            self.send_response(status)
            for key, value in {"Content-Length": "0", **more}.items():
                self.send_header(key, value)
            self.end_headers()

        def log_message(self, format: str, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    inbox.url = f"http://127.0.0.1:{server.server_port}/hooks/s3cret"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
