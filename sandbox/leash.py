"""A starter's hold on its sandbox: launched on a leash, which is let go or pulled."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import IO

from sandbox import box, credentials, errors, home, host, inside, standing

START_PATIENCE = timedelta(minutes=10)
LOCK_PATIENCE = timedelta(seconds=1)
END_PATIENCE = timedelta(seconds=6)
POLL_SECONDS = 0.05

Tell = Callable[[standing.State], None]


def silently(_state: standing.State) -> None:
    """For who does not want to watch the parts come up."""


@dataclass(frozen=True)
class Leash:
    """A starter's hold on its sandbox: closing it, or dying, ends the sandbox."""

    home: home.Home
    process: subprocess.Popen[bytes]

    @property
    def box(self) -> box.Box:
        return box.Box(self.home)

    @property
    def pipe(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    def let_go(self) -> None:
        """The sandbox outlives its starter from here on."""
        self.pipe.write(b".")
        self.pipe.close()

    def pull(self) -> None:
        """End the sandbox and wait until its last process is gone."""
        self.pipe.close()
        try:
            self.process.wait(END_PATIENCE.total_seconds())
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        inside.sweep(self.home)

    def await_ready(self, tell: Tell) -> None:
        """Until all parts are ready, telling each new state; raises StartFailed with the culprit's last words."""
        deadline = time.monotonic() + START_PATIENCE.total_seconds()
        told: standing.State | None = None
        while time.monotonic() < deadline:
            state = standing.load(self.home)
            if state is not None and state != told:
                told = state
                tell(state)
            if state is not None and state.phase is standing.Phase.READY:
                return
            if self.process.poll() is not None:
                raise _why_it_failed(self.home)
            time.sleep(POLL_SECONDS)
        raise errors.StartFailed(f"the sandbox was not ready after {START_PATIENCE.total_seconds():.0f} s")


@dataclass(frozen=True)
class Shape:
    """What a sandbox is to be like."""

    scrape_interval: timedelta
    without: Collection[str] = ()
    """Names of parts that are left out."""
    kubernetes: str = ""
    """The version that the API server behaves as, such as 1.35; empty: its own."""


def launch(place: home.Home, shape: Shape) -> Leash:
    """Start the supervisor in namespaces of its own; nothing is ready yet."""
    place.prepare()
    lock = _lock(place)
    try:
        inside.sweep(place)
        place.empty()
        credentials.prepare(place)
        settings = {
            "scrape_interval_seconds": shape.scrape_interval.total_seconds(),
            "without": sorted(shape.without),
            "kubernetes": shape.kubernetes,
        }
        home.write(place.settings_file, json.dumps(settings))
        with place.log("supervisor").open("wb") as log:
            process = subprocess.Popen(
                [*host.isolation(), sys.executable, "-m", "sandbox.supervisor", str(place.root)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=inside.environment(place),
                start_new_session=True,
                pass_fds=(lock,),
            )
        home.write(place.pid_file, str(process.pid))
    finally:
        os.close(lock)
    return Leash(place, process)


def _lock(place: home.Home) -> int:
    """Take the directory; a moment's grace is for who only looks whether it is in use."""
    deadline = time.monotonic() + LOCK_PATIENCE.total_seconds()
    while time.monotonic() < deadline:
        if (lock := place.take()) is not None:
            return lock
        time.sleep(POLL_SECONDS)
    raise errors.SandboxError(f"a sandbox runs in {place.root} already; end it with: {home.PROGRAM} down")


def _why_it_failed(place: home.Home) -> errors.StartFailed:
    state = standing.load(place)
    culprit = state.culprit if state is not None and state.culprit else "supervisor"
    failure = state.failure if state is not None and state.failure else "ended"
    return errors.StartFailed(
        f"{culprit} {failure}; the last lines of {place.log(culprit)}:\n{place.last_lines(culprit)}"
    )
