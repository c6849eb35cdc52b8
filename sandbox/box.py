"""A running sandbox, as its users see it: commands inside, kubectl, parts that go away for a while."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sandbox import control, credentials, errors, home, inside, standing, tools, wire

START_PATIENCE = timedelta(minutes=10)
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Box:
    """A running sandbox, as seen from inside or outside of it."""

    home: home.Home

    @property
    def kubeconfig(self) -> Path:
        """The administrator's; its server is reachable from inside only."""
        return self.home.admin_kubeconfig

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The same command, run inside."""
        return [*inside.entrance(self.home), *arguments]

    def run(self, arguments: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """As subprocess.run, inside, in text mode; `env` adds to the sandbox's environment."""
        options.setdefault("text", True)
        environment = {**inside.environment(self.home), **options.pop("env", {})}
        result: subprocess.CompletedProcess[str] = subprocess.run(
            self.command(arguments), env=environment, check=options.pop("check", False), **options
        )
        return result

    def popen(self, arguments: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """As subprocess.Popen, inside; signals reach the command itself."""
        environment = {**inside.environment(self.home), **options.pop("env", {})}
        return subprocess.Popen(self.command(arguments), env=environment, **options)

    def kubectl(self, *arguments: str, text: str = "") -> str:
        """What kubectl printed, as the administrator; raises SandboxError with its complaint. `text` is its input."""
        result = self.run([str(tools.kubectl()), *arguments], input=text, capture_output=True)
        if result.returncode != 0:
            raise errors.SandboxError(f"kubectl {' '.join(arguments)}: {result.stderr.strip()}")
        return result.stdout

    def kubeconfig_for(self, namespace: str, name: str) -> Path:
        """A kubeconfig that speaks as a ServiceAccount (token for one day)."""
        if inside.is_here(self.home):
            return credentials.service_account(self.home, namespace, name)
        command = [sys.executable, "-m", "sandbox", "--dir", str(self.home.root), "kubeconfig", namespace, name]
        result = self.run(command, capture_output=True)
        if result.returncode != 0:
            raise errors.SandboxError(result.stderr.strip())
        return Path(result.stdout.strip())

    def stop(self, part: str) -> None:
        """End one part and leave it ended."""
        self._tell_supervisor(verb="stop", part=part)

    def start(self, part: str) -> None:
        """Start a part again that was stopped or has ended, and wait until it is ready."""
        self._tell_supervisor(verb="start", part=part)
        deadline = time.monotonic() + START_PATIENCE.total_seconds()
        while self.state().records[part].standing is not standing.Standing.READY:
            if self.state().records[part].standing is standing.Standing.EXITED or time.monotonic() > deadline:
                raise errors.StartFailed(f"{part} did not become ready:\n{self.home.last_lines(part)}")
            time.sleep(POLL_SECONDS)

    def signal(self, part: str, number: int) -> None:
        """Send a part a signal, such as SIGSTOP, SIGCONT or SIGKILL."""
        self._tell_supervisor(verb="signal", part=part, signal=int(number))

    def kubelet(self, verb: str, path: str, **query: str) -> dict[str, Any]:
        """Ask the control endpoint (sandbox/control.py), such as ("POST", "/crash", selector="app=web")."""
        return control.ask(self.home.root, verb, path, **query)

    def state(self) -> standing.State:
        state = standing.load(self.home)
        if state is None or not self.home.is_in_use:
            raise errors.NotRunning(f"no sandbox runs in {self.home.root}")
        return state

    def _tell_supervisor(self, **question: str | int) -> None:
        wire.ask(self.home.root / "supervisor.sock", question)


def current() -> Box:
    """The sandbox that the environment names, or the default one; raises NotRunning when it does not run."""
    box = Box(home.Home(home.default()))
    box.state()
    return box


def kubeconfig_for(namespace: str, serviceaccount: str) -> Path:
    """`Box.kubeconfig_for` of the current sandbox."""
    return current().kubeconfig_for(namespace, serviceaccount)
