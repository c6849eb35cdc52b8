"""The first process inside the sandbox: starts the parts, watches them, and takes all of them along when it ends.

It runs as process 1 of a process table of its own, so the kernel ends every part with it, however it dies; each part
also asks to be killed when its parent goes. It holds the directory's lock by a descriptor it was born with, and a
leash: a pipe from its starter, whose end without a word means that the starter is gone.
"""

import ctypes
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sandbox import home, parts, ports, standing, wire

TICK_SECONDS = 0.05
GOODBYE_SECONDS = 1.0
LEASH = 0
"""Standard input. One byte sets the supervisor free; end of file before that stops it."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    """For a child, before it becomes another program: be killed when the parent's thread ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Supervisor:
    """Runs a set of parts in the order that their `after` asks for."""

    def __init__(self, place: home.Home, members: tuple[parts.Part, ...]) -> None:
        self._home = place
        self._parts = {part.name: part for part in members}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}
        self._born = time.monotonic()
        self._asked_to_stop = False
        self._leashed = True
        network = os.stat("/proc/self/ns/net").st_ino
        self._state = standing.State(network=network, records={name: standing.Record() for name in self._parts})

    def run(self) -> int:
        """Until asked to stop, let off the leash's end, or a part fails to start. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        self._tell(self._state)
        with wire.listen(self._home.root / "supervisor.sock") as server:
            while not self._asked_to_stop and self._state.phase is not standing.Phase.FAILED:
                self._wait(server)
                self._reap()
                self._advance()
        self._stop_all()
        return 1 if self._state.phase is standing.Phase.FAILED else 0

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._asked_to_stop = True

    def _tell(self, state: standing.State) -> None:
        self._state = state
        standing.save(self._home, state)

    def _record(self, name: str, **changes: object) -> None:
        self._tell(self._state.with_record(name, **changes))

    def _wait(self, server: socket.socket) -> None:
        sources: list[socket.socket | int] = [server, LEASH] if self._leashed else [server]
        ready, _, _ = select.select(sources, [], [], TICK_SECONDS)
        if LEASH in ready:
            if not os.read(LEASH, 1):
                self._asked_to_stop = True
            self._leashed = False
        if server in ready:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(1)
                wire.answer(connection, self._answer(connection))

    def _answer(self, connection: socket.socket) -> wire.Json:
        try:
            question = json.loads(connection.makefile("rb").readline(wire.LIMIT))
            return self._obey(question["verb"], question.get("part", ""), question.get("signal", 0))
        except (OSError, ValueError, KeyError) as error:
            return {"error": f"not understood: {error!r}"}

    def _obey(self, verb: str, name: str, number: int) -> wire.Json:
        if verb == "down":
            self._asked_to_stop = True
            return {}
        if name not in self._parts:
            return {"error": f"no part is called {name!r}; there are {', '.join(self._parts)}"}
        verbs: dict[str, Callable[[], None]] = {
            "stop": lambda: self._stop(name),
            "start": lambda: self._start(self._parts[name]),
            "signal": lambda: self._processes[name].send_signal(number),
        }
        if verb not in verbs:
            return {"error": f"the supervisor cannot {verb!r}; it can down, {', '.join(verbs)}"}
        if verb == "start" and self._is_alive(name):
            return {"error": f"{name} runs already"}
        if verb != "start" and not self._is_alive(name):
            return {"error": f"{name} does not run"}
        verbs[verb]()
        return {}

    def _is_alive(self, name: str) -> bool:
        return name in self._processes and self._processes[name].poll() is None

    def _reap(self) -> None:
        """Collect whatever ended: parts, and orphans, whose parent is process 1 by law."""
        known = {process.pid: name for name, process in self._processes.items()}
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            name = known.get(ended.si_pid)
            if name is None:
                os.waitpid(ended.si_pid, 0)
            else:
                self._processes[name].wait()
                self._ended(name, self._processes.pop(name).returncode)

    def _ended(self, name: str, code: int) -> None:
        record = self._state.records[name]
        match record.standing:
            case standing.Standing.STOPPED:
                self._record(name, pid=None, exit_code=code)
            case standing.Standing.STARTING if code == 0 and self._parts[name].ready is None:
                self._settle(name, standing.Standing.DONE)
            case standing.Standing.STARTING:
                self._record(name, standing=standing.Standing.EXITED, pid=None, exit_code=code)
                self._fail(name, f"ended with code {code} before it was ready")
            case _:
                self._record(name, standing=standing.Standing.EXITED, pid=None, exit_code=code)

    def _fail(self, name: str, what: str) -> None:
        """A part that fails while the sandbox comes up fails the sandbox; later it is only noted."""
        if self._state.phase is standing.Phase.STARTING:
            self._tell(replace(self._state, phase=standing.Phase.FAILED, culprit=name, failure=what))

    def _advance(self) -> None:
        """Start what can start, ask those who start, and note when all stands."""
        for name, record in self._state.records.items():
            if record.standing is standing.Standing.WAITING and self._may_start(self._parts[name]):
                self._start(self._parts[name])
            elif record.standing is standing.Standing.STARTING:
                self._ask(self._parts[name])
        if self._state.phase is standing.Phase.STARTING and self._state.is_up:
            seconds = time.monotonic() - self._born
            self._tell(replace(self._state, phase=standing.Phase.READY, seconds=seconds))

    def _may_start(self, part: parts.Part) -> bool:
        return all(self._state.records[name].standing in standing.SETTLED for name in part.after)

    def _start(self, part: parts.Part) -> None:
        with self._home.log(part.name).open("ab") as log:
            process = subprocess.Popen(
                part.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **part.environment},
                preexec_fn=die_with_parent,
            )
        self._processes[part.name] = process
        self._started[part.name] = time.monotonic()
        self._record(part.name, standing=standing.Standing.STARTING, pid=process.pid, took=None, exit_code=None)

    def _ask(self, part: parts.Part) -> None:
        if part.ready is not None and part.ready():
            self._settle(part.name, standing.Standing.READY)
        elif time.monotonic() - self._started[part.name] > part.patience.total_seconds():
            self._fail(part.name, f"was not ready after {part.patience.total_seconds():.0f} s")

    def _settle(self, name: str, where: standing.Standing) -> None:
        self._record(name, standing=where, took=round(time.monotonic() - self._started[name], 2))

    def _stop(self, name: str) -> None:
        """As an operator would: a polite signal, then the other one."""
        self._record(name, standing=standing.Standing.STOPPED)
        process = self._processes[name]
        process.terminate()
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._ended(name, self._processes.pop(name).returncode)

    def _stop_all(self) -> None:
        """The kernel ends whoever stays; a moment is given to those who write on their way out."""
        if self._state.phase is not standing.Phase.FAILED:
            self._tell(replace(self._state, phase=standing.Phase.STOPPING))
        for process in self._processes.values():
            process.terminate()
        deadline = time.monotonic() + GOODBYE_SECONDS
        while self._processes and time.monotonic() < deadline:
            self._processes = {name: p for name, p in self._processes.items() if p.poll() is None}
            time.sleep(TICK_SECONDS)


def bring_up_network() -> None:
    """Loopback, and every pod address on it: any process inside can listen on any of them."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "route", "add", "local", ports.POD_RANGE, "dev", "lo"], check=True)


def allow_many_sockets() -> None:
    """Every pod listens twice, and is connected to; the usual soft limit of 1024 is soon reached."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> int:
    place = home.Home(Path(sys.argv[1]))
    os.chdir(place.root)
    allow_many_sockets()
    settings = json.loads(place.settings_file.read_text())
    bring_up_network()
    scrape_interval = timedelta(seconds=settings["scrape_interval_seconds"])
    members = parts.everything(place, scrape_interval, settings["kubernetes"])
    return Supervisor(place, tuple(part for part in members if part.name not in settings["without"])).run()


if __name__ == "__main__":
    sys.exit(main())
