"""One line of JSON there, one line back, over a Unix socket in the sandbox's directory (reached from any network)."""

import json
import os
import socket
from pathlib import Path
from typing import Any

from sandbox import errors

Json = dict[str, Any]
LIMIT = 65536


def listen(path: Path) -> socket.socket:
    """Serve at a path; its directory has to be the current one, since a socket's path is at most 107 bytes long."""
    if path.parent.resolve() != Path.cwd():
        raise errors.SandboxError(f"a socket is made from within its directory; {path.parent} is not the current one")
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path.name)
    server.listen()
    return server


def connect(path: Path, seconds: float) -> socket.socket:
    """Connect to a socket however long its path is."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(seconds)
    try:
        client.connect(f"/proc/self/fd/{directory}/{path.name}")
    except OSError:
        client.close()
        raise
    finally:
        os.close(directory)
    return client


def ask(path: Path, question: Json, seconds: float = 10) -> Json:
    """Send a question and wait for the answer; raises SandboxError with the other side's words when it refuses."""
    try:
        with connect(path, seconds) as client:
            client.sendall(json.dumps(question).encode() + b"\n")
            answer: Json = json.loads(client.makefile("rb").readline(LIMIT))
    except (OSError, ValueError) as error:
        raise errors.NotRunning(f"nobody answers at {path}: {error}") from error
    if "error" in answer:
        raise errors.SandboxError(answer["error"])
    return answer


def answer(connection: socket.socket, reply: Json) -> None:
    """Send the answer; a caller that has gone is no matter."""
    try:
        connection.sendall(json.dumps(reply).encode() + b"\n")
    except OSError:
        return
