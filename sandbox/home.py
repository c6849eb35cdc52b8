"""The directory that is one sandbox: logs, credentials, data, and how its supervisor is found."""

import fcntl
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import errors

PROGRAM = f"{os.path.relpath(sys.executable)} -m sandbox"
"""How this program is called from where the caller stands."""

VARIABLE = "RAMPART_SANDBOX"


def default() -> Path:
    """$RAMPART_SANDBOX, else a directory of this user's for things that live no longer than the machine is up."""
    if named := os.environ.get(VARIABLE):
        return Path(named).absolute()
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / "rampart-sandbox"
    return Path("/tmp") / f"rampart-sandbox-{os.getuid()}"


@dataclass(frozen=True)
class Home:
    """Where everything of one sandbox lies."""

    root: Path

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def certificates(self) -> Path:
        """The API server's own certificate appears here; `apiserver.crt` is the authority for clients."""
        return self.root / "certificates"

    @property
    def kubeconfigs(self) -> Path:
        return self.root / "kubeconfigs"

    @property
    def admin_kubeconfig(self) -> Path:
        return self.kubeconfigs / "admin.yaml"

    @property
    def pid_file(self) -> Path:
        return self.root / "pid"

    @property
    def lock_file(self) -> Path:
        """Locked by the sandbox's processes for as long as one of them lives."""
        return self.root / "lock"

    @property
    def state_file(self) -> Path:
        return self.root / "state.json"

    @property
    def settings_file(self) -> Path:
        return self.root / "settings.json"

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def prepare(self) -> None:
        """Make the directory anew, readable by this user alone; only a sandbox's directory or an empty one is taken."""
        if self.root.is_dir() and any(self.root.iterdir()) and not self.lock_file.exists():
            raise errors.SandboxError(f"{self.root} is not empty and is no sandbox's directory; choose another")
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.root.stat().st_uid != os.getuid():
            raise errors.SandboxError(f"{self.root} belongs to another user; choose another directory")
        self.root.chmod(0o700)
        self.lock_file.touch()

    def empty(self) -> None:
        """Remove what an earlier sandbox left; the lock file stays, since somebody may be waiting on it."""
        for entry in self.root.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry != self.lock_file:
                entry.unlink()
        for directory in (self.logs, self.data, self.certificates, self.kubeconfigs):
            directory.mkdir()

    def take(self) -> int | None:
        """Lock the directory; returns the descriptor that holds it (close it to let go), None when it is in use."""
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    @property
    def is_in_use(self) -> bool:
        """A supervisor, or somebody about to start one, holds the directory."""
        if not self.lock_file.exists():
            return False
        if (descriptor := self.take()) is None:
            return True
        os.close(descriptor)
        return False

    @property
    def pid(self) -> int:
        """The process whose namespaces are the sandbox's, as this machine numbers it."""
        if not (self.is_in_use and self.pid_file.exists()):
            raise errors.NotRunning(f"no sandbox runs in {self.root}; start one with: {PROGRAM} up")
        return int(self.pid_file.read_text())

    def state(self) -> dict[str, Any]:
        """What the supervisor wrote last; empty before its first word."""
        try:
            state: dict[str, Any] = json.loads(self.state_file.read_text())
        except FileNotFoundError:
            return {}
        return state

    def last_lines(self, part: str, count: int = 20) -> str:
        """The end of a part's log, for a person to read."""
        try:
            text = self.log(part).read_text(errors="replace")
        except FileNotFoundError:
            return "(no log)"
        return "\n".join(text.splitlines()[-count:])


def write(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of it."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(text)
    draft.rename(path)
