"""Starts, enters and ends a sandbox: what the command line, the demo and the tests call."""

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path

from sandbox import box, building, errors, home, host, inside, leash, wire

SCRAPE_INTERVAL = timedelta(seconds=5)
END_PATIENCE = timedelta(seconds=6)
POLL_SECONDS = 0.05

Tell = leash.Tell
"""Hears of each new state while a sandbox comes up."""


Box = box.Box
current = box.current
kubeconfig_for = box.kubeconfig_for


def start(
    place: home.Home,
    scrape_interval: timedelta = SCRAPE_INTERVAL,
    tell: Tell = leash.silently,
    without: Collection[str] = (),
    kubernetes: str = "",
) -> leash.Leash:
    """Build what is missing, start all parts but those left out, return when all are ready.

    Raises Unfit, BuildFailed or StartFailed (with the last lines of the log of the part that did not start).
    """
    host.check()
    building.ensure()
    held = leash.launch(place, leash.Shape(scrape_interval, without, kubernetes))
    try:
        held.await_ready(tell)
    except BaseException:
        held.pull()
        raise
    return held


@contextlib.contextmanager
def running(
    directory: Path | None = None,
    *,
    scrape_interval: timedelta = SCRAPE_INTERVAL,
    tell: Tell = leash.silently,
    without: Collection[str] = (),
    kubernetes: str = "",
) -> Iterator[Box]:
    """A sandbox for the length of a `with`; without a directory it has one of its own, removed at the end.

    `without` names parts that are left out, such as "manifests" for a cluster that does not know the project yet.
    `kubernetes` is the version that the API server behaves as, such as 1.35: it serves what that one serves.
    """
    root = directory or Path(tempfile.mkdtemp(prefix="rampart-sandbox-"))
    try:
        held = start(home.Home(root.absolute()), scrape_interval, tell, without, kubernetes)
        try:
            yield held.box
        finally:
            held.pull()
    finally:
        if directory is None:
            shutil.rmtree(root, ignore_errors=True)


def down(place: home.Home) -> bool:
    """End the sandbox of that directory and everything in its network. False when none runs there."""
    if not place.is_in_use:
        inside.sweep(place)
        return False
    pid = place.pid
    with contextlib.suppress(errors.NotRunning):
        wire.ask(place.root / "supervisor.sock", {"verb": "down"}, seconds=2)
    if not _is_free(place, END_PATIENCE):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _is_free(place, END_PATIENCE)
    inside.sweep(place)
    return True


def _is_free(place: home.Home, patience: timedelta) -> bool:
    """Wait until no process holds the directory."""
    deadline = time.monotonic() + patience.total_seconds()
    while place.is_in_use:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
