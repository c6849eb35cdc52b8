"""A real Prometheus of a test's own, over the sandbox's configuration, to be stopped, hung and emptied."""

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import cluster, tools
from sandbox.cluster import Box


class OwnPrometheus:
    """Listens at a port of its own."""

    def __init__(self, directory: Path, box: Box, port: int, scrape: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._storage = directory / "data"
        usual = (box.home.data / "prometheus.yaml").read_text()
        configuration = directory / "prometheus.yaml"
        configuration.write_text(re.sub(r"scrape_interval: .*", f"scrape_interval: {scrape}", usual))
        self._arguments = [
            str(tools.prometheus()),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={self._storage}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        self.process = self._start()

    def forget(self) -> None:
        """What it has stored is gone."""
        shutil.rmtree(self._storage)
        self._storage.mkdir()


@contextmanager
def opened(port: int, scrape: str = "5s") -> Iterator[OwnPrometheus]:
    with tempfile.TemporaryDirectory() as directory:
        prometheus = OwnPrometheus(Path(directory), cluster.current(), port, scrape)
        try:
            yield prometheus
        finally:
            prometheus.process.send_signal(signal.SIGCONT)
            prometheus.end()
