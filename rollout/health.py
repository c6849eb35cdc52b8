"""The controller's own endpoints: /healthz (its loop lives), /readyz (its caches are full), /metrics."""

import http.server
import socket
import threading
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Check = Callable[[], tuple[str, ...]]
"""What is wrong, each a sentence; nothing where all is well."""


class Server:
    """Serves on host:port until it is stopped."""

    def __init__(
        self, listen: str, alive: Check, ready: Check, registry: CollectorRegistry, notes: Check = lambda: ()
    ) -> None:
        """`notes` are lines that /readyz says beside what is wrong; they make nothing unready."""
        host, _, port = listen.rpartition(":")
        checks: dict[str, tuple[Check, Check]] = {"/healthz": (alive, lambda: ()), "/readyz": (ready, notes)}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path == "/metrics":
                    self.answer(200, generate_latest(registry), CONTENT_TYPE_LATEST)
                elif path in checks:
                    check, more = checks[path]
                    wrong = check()
                    text = "\n".join((*(wrong or ("ok",)), *more()))
                    self.answer(503 if wrong else 200, f"{text}\n".encode(), "text/plain; charset=utf-8")
                else:
                    self.answer(404, b"there are /healthz, /readyz and /metrics\n", "text/plain")

            def answer(self, code: int, body: bytes, kind: str) -> None:
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Probes are not worth a line."""

        family = socket.AF_INET6 if ":" in host else socket.AF_INET

        class Listener(http.server.ThreadingHTTPServer):
            address_family = family

        self._server = Listener((host.strip("[]"), int(port)), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
