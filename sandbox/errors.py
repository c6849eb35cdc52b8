"""What can go wrong with the sandbox; every message is one sentence for the person who typed the command.

SandboxError          anything below; the command line prints it and exits with 1
├── Unfit             this machine lacks something that the sandbox needs
├── BuildFailed       a tool could not be built
├── StartFailed       a part did not become ready
└── NotRunning        no sandbox runs in that directory
"""


class SandboxError(Exception):
    """The sandbox cannot do what was asked."""


class Unfit(SandboxError):
    """This machine lacks something that the sandbox needs."""


class BuildFailed(SandboxError):
    """A tool could not be built."""


class StartFailed(SandboxError):
    """A part did not become ready."""


class NotRunning(SandboxError):
    """No sandbox runs in that directory."""
