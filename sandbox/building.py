"""Builds the sandbox's programs once, from pinned Go modules, and shows how far it is."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from sandbox import errors, host, tools

PLAIN_LINE_EVERY = timedelta(seconds=30)


def ensure(stream: TextIO = sys.stderr) -> None:
    """Build what is missing; needs neither Go nor network when nothing is."""
    if _missing() or not tools.definitions().is_dir() or not tools.traffic_split().is_file():
        tools.cache().mkdir(parents=True, exist_ok=True)
        with _alone(stream):
            _build_missing(stream)


def _missing() -> list[tools.Build]:
    return [build for build in tools.BUILDS if not build.directory.is_dir()]


def _build_missing(stream: TextIO) -> None:
    missing = _missing()
    for build in missing:
        host.check_go(build.source / "go.mod")
    for done, build in enumerate(missing):
        _build(build, Progress(stream, build.name, done + 1, len(missing)))
    if not tools.definitions().is_dir():
        host.check_go(tools.ISTIO.source / "go.mod")
        _copy_definitions(tools.definitions())
    if not tools.traffic_split().is_file():
        host.check_go(tools.SMI_SOURCE / "go.mod")
        _copy_traffic_split(tools.traffic_split())


@contextmanager
def _alone(stream: TextIO) -> Iterator[None]:
    """One builder at a time on this machine; the next one finds the work done."""
    with (tools.cache() / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another process is building the sandbox's tools; waiting for it", file=stream, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(build: tools.Build, progress: "Progress") -> None:
    draft = build.directory.with_name(build.directory.name + ".part")
    draft.mkdir(exist_ok=True)
    log = draft.with_suffix(".log")
    command = ["go", "install", "-mod=readonly", *build.flags, "tool"]
    environment = {**os.environ, "GOBIN": str(draft), "CGO_ENABLED": "0", "GOFLAGS": ""}
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=build.source, env=environment, stdout=output, stderr=output)
        try:
            _follow(process, progress)
        finally:
            process.kill()
            process.wait()
    if process.returncode != 0:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise errors.BuildFailed(f"building {build.name} failed; the last lines of {log}:\n{end}")
    draft.rename(build.directory)
    log.unlink()


def _follow(process: subprocess.Popen[bytes], progress: "Progress") -> None:
    while process.poll() is None:
        progress.show()
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            continue
    progress.finish()


class Progress:
    """Which part is being built, for how long already, and how many are left after it."""

    def __init__(self, stream: TextIO, name: str, number: int, total: int) -> None:
        self._stream = stream
        self._text = f"building {name} ({number} of {total}, {total - number} left after it)"
        self._started = time.monotonic()
        self._last_line: float | None = None

    def show(self) -> None:
        """Rewrite the line on a terminal; elsewhere a new line now and then."""
        now = time.monotonic()
        if self._stream.isatty():
            self._stream.write(f"\r\033[K{self._text}: {spoken(now - self._started)} so far")
            self._stream.flush()
        elif self._last_line is None or now - self._last_line >= PLAIN_LINE_EVERY.total_seconds():
            self._last_line = now
            print(f"{self._text}: {spoken(now - self._started)} so far", file=self._stream, flush=True)

    def finish(self) -> None:
        start = "\r\033[K" if self._stream.isatty() else ""
        took = spoken(time.monotonic() - self._started)
        print(f"{start}{self._text}: took {took}", file=self._stream, flush=True)


def spoken(seconds: float) -> str:
    """A span of time for a person: `7s`, `2m 05s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m {rest:02}s" if minutes else f"{rest}s"


def _copy_definitions(target: Path) -> None:
    """Istio's and the Gateway API's own files, out of the module cache that istiod's build filled."""
    draft = target.with_name(target.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    istio = _module("istio.io/istio", tools.ISTIO.source) / "manifests/charts/base/files/crd-all.gen.yaml"
    shutil.copyfile(istio, draft / "istio.yaml")
    gateway = _module("sigs.k8s.io/gateway-api", tools.ISTIO.source) / "config/crd/standard"
    for file in sorted(gateway.glob("gateway.networking.k8s.io_*.yaml")):
        if "kind: CustomResourceDefinition" in file.read_text():
            shutil.copyfile(file, draft / file.name)
    draft.rename(target)


def _copy_traffic_split(target: Path) -> None:
    draft = target.with_name(target.name + ".part")
    shutil.copyfile(_module("github.com/servicemeshinterface/smi-sdk-go", tools.SMI_SOURCE) / "crds/split.yaml", draft)
    draft.rename(target)


def _module(path: str, source: Path) -> Path:
    """Where the module cache holds the version that the go.mod in `source` asks for; downloaded when it is gone."""
    command = ["go", "mod", "download", "-json", path]
    environment = {**os.environ, "GOFLAGS": ""}
    result = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise errors.BuildFailed(f"`{' '.join(command)}` failed: {result.stdout.strip()} {result.stderr.strip()}")
    return Path(json.loads(result.stdout)["Dir"])
