"""A real Prometheus that scrapes made-up sidecars on loopback, and the counters they show."""

import contextlib
import http.server
import pathlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from analysis import outcome, prometheus
from sandbox import tools
from tests.analysis import loopback

PATIENCE = 120
"""Seconds within which a condition comes true."""


@dataclass
class Sidecars:
    """What is exported: {series: value}, each series written as it stands in an exposition; None: scrapes fail."""

    series: dict[str, float] | None = field(default_factory=dict)

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Show the counters."""
        if self.series is None:
            loopback.body("down", 503)(request)
            return
        text = "".join(f"{name} {value:g}\n" for name, value in self.series.items())
        loopback.body(text, content_type="text/plain; version=0.0.4")(request)


@contextlib.contextmanager
def scraping(folder: pathlib.Path, sidecars: Sidecars) -> Iterator[prometheus.Prometheus]:
    """Run a Prometheus that scrapes every second, until the block ends."""
    with loopback.serving(sidecars.answer) as target:
        config = folder / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            f'- {{job_name: pods, static_configs: [{{targets: ["127.0.0.1:{target.server_port}"]}}]}}\n'
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [str(tools.prometheus()), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        process = subprocess.Popen(command)
        door = prometheus.Prometheus(prometheus.Access(f"http://127.0.0.1:{port}"))
        try:
            yield door
        finally:
            door.close()
            process.terminate()
            process.wait(PATIENCE)


def until(door: prometheus.Prometheus, promql: str, value: float) -> datetime:
    """Wait until a query gives this number, and say when that was."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        now = datetime.now(UTC)
        found = outcome.number(door.ask(promql, now))
        if found == outcome.Number(value):
            return now
        time.sleep(0.1)
    raise AssertionError(f"{promql} is not {value} within {PATIENCE} s, but {found}")
