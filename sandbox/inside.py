"""How a process gets into a running sandbox: its network, and an environment in which it finds kubectl."""

import contextlib
import os
import signal
import sys
from pathlib import Path

from sandbox import errors, home, standing, tools

ROOT = Path(__file__).parent.parent


def entrance(place: home.Home) -> tuple[str, ...]:
    """The command prefix that enters; empty when this process is inside already.

    Only the network and the user table are entered, not the process table: the entering process stays a child of its
    caller, who can signal it and wait for it as usual.
    """
    pid = place.pid
    if is_here(place):
        return ()
    namespaces = Path("/proc") / str(pid) / "ns"
    return (
        "nsenter",
        f"--user={namespaces / 'user'}",
        f"--net={namespaces / 'net'}",
        "--preserve-credentials",
        "--",
    )


def is_here(place: home.Home) -> bool:
    """This very process is in that sandbox's network."""
    state = standing.load(place)
    if state is None:
        raise errors.NotRunning(f"the sandbox in {place.root} has not come up yet")
    return os.stat("/proc/self/ns/net").st_ino == state.network


def environment(place: home.Home) -> dict[str, str]:
    """This process's environment and the way to the cluster; proxies of the world outside are left outside."""
    outside = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {
        **outside,
        "KUBECONFIG": str(place.admin_kubeconfig),
        "PATH": f"{tools.kubectl().parent}:{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        home.VARIABLE: str(place.root),
    }


def inhabitants(place: home.Home) -> list[int]:
    """Processes that were brought into the sandbox's network from outside, but for this one and its ancestors.

    The network's number alone proves nothing once its sandbox has ended, since the kernel gives it out again.
    """
    state = standing.load(place)
    own = _lineage()
    if state is None:
        return []
    here = [pid for pid in _processes() if _network(pid) == state.network]
    return [pid for pid in here if pid not in own and _is_marked(pid, place)]


def sweep(place: home.Home) -> None:
    """End who entered from outside and stayed: a shell, a test's controller."""
    for pid in inhabitants(place):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _network(pid: int) -> int:
    """The inode of a process's network namespace; 0 when it is gone or another user's."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:
        return 0


def _is_marked(pid: int, place: home.Home) -> bool:
    """The process's environment names this sandbox."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"{home.VARIABLE}={place.root}".encode() in variables


def _lineage() -> set[int]:
    """This process and its ancestors."""
    found = set()
    pid = os.getpid()
    while pid > 1 and pid not in found:
        found.add(pid)
        pid = _parent(pid)
    return found


def _parent(pid: int) -> int:
    """The parent's number, field 4 of /proc/PID/stat; 0 when it is gone. The name in field 2 may hold blanks."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
