"""Who we are to Prometheus: a token or a password, from files that are read for every request, as they are renewed."""

import base64
from pathlib import Path

import requests
from requests import auth

from analysis import errors


class BearerFile(auth.AuthBase):
    """A bearer token from a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = _read(self._path, "token")
        if not token.isascii():
            raise errors.Refused(f"the token file {self._path} holds characters that no header may have")
        request.headers["Authorization"] = f"Bearer {token}"
        return request


class PasswordFile(auth.AuthBase):
    """Basic authentication with a password from a file (RFC 7617), in UTF-8."""

    def __init__(self, user: str, path: Path) -> None:
        self._user, self._path = user, path

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        pair = f"{self._user}:{_read(self._path, 'password')}"
        request.headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return request


def _read(path: Path, kind: str) -> str:
    """The one line of a file."""
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise errors.Refused(f"the {kind} file {path} cannot be read: {reason}") from error
    if not text or not text.isprintable():
        found = "more than one line" if text else "nothing"
        raise errors.Refused(f"the {kind} file {path} must hold one line, and holds {found}")
    return text
