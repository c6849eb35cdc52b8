"""How the supervisor sees that a part is ready: one short request, answered yes or no."""

import http.client
import ssl
from collections.abc import Callable
from pathlib import Path

from sandbox import ports

Probe = Callable[[], bool]

PATIENCE_SECONDS = 3.0


def answers(port: int, path: str) -> Probe:
    """Ready when plain HTTP on the loopback address answers 200."""

    def probe() -> bool:
        return _status(http.client.HTTPConnection(ports.LOOPBACK, port, timeout=PATIENCE_SECONDS), path, {}) == 200

    return probe


def answers_securely(authority: Path, token: Path, path: str) -> Probe:
    """Ready when the API server answers 200 to the administrator."""

    def probe() -> bool:
        if not authority.exists():
            return False
        try:
            trusted = ssl.create_default_context(cafile=str(authority))
        except ssl.SSLError:  # half written
            return False
        connection = http.client.HTTPSConnection(
            ports.LOOPBACK, ports.API_SERVER, timeout=PATIENCE_SECONDS, context=trusted
        )
        return _status(connection, path, {"Authorization": f"Bearer {token.read_text()}"}) == 200

    return probe


def _status(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> int:
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
