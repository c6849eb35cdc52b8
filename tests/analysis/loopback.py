"""A real HTTP server on loopback whose answer is one function."""

import contextlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[http.server.ThreadingHTTPServer]:
    """Serve until the block ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):
                answer(self)

        def log_message(self, format: str, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def address(server: http.server.HTTPServer, scheme: str = "http") -> str:
    """Where the server listens."""
    return f"{scheme}://127.0.0.1:{server.server_port}"


def body(
    text: bytes | str,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Answer always this."""
    raw = text.encode() if isinstance(text, str) else text

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", content_type)
        request.send_header("Content-Length", str(len(raw)))
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(raw)

    return answer


def success(result: object, result_type: str = "vector", **more: object) -> Answer:
    """Answer as Prometheus does when all is well."""
    payload = {"status": "success", "data": {"resultType": result_type, "result": result}, **more}
    return body(json.dumps(payload))


def failure(status: int, error_type: str, error: str) -> Answer:
    """Answer as Prometheus does when it refuses."""
    return body(json.dumps({"status": "error", "errorType": error_type, "error": error}), status)


def vector(*values: str, **labels: str) -> list[dict[str, object]]:
    """An instant vector of series that are told apart by their place."""
    return [{"metric": {**labels, "place": str(place)}, "value": [1.5, value]} for place, value in enumerate(values)]
