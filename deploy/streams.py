"""Read the body of an answer: whole, or line by line for as long as a watch lasts."""

from collections.abc import Iterator

import urllib3

from deploy import answers, errors


def whole(what: str, response: urllib3.BaseHTTPResponse) -> bytes:
    """The whole body; the connection goes back to its pool."""
    try:
        return response.data
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise errors.Unreachable(f"{what}: {error}") from error


class Watch(Iterator[answers.Change]):
    """An open watch; it ends when the server closes it. Any thread may `stop` it, which ends it at once."""

    def __init__(self, what: str, response: urllib3.BaseHTTPResponse) -> None:
        self._what = what
        self._response = response
        self._changes = answers.changes(what, response.stream(amt=None, decode_content=False))

    def __next__(self) -> answers.Change:
        try:
            return next(self._changes)
        except (StopIteration, errors.ClusterError):
            self._response.close()
            raise
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            self._response.close()
            raise errors.Unreachable(f"{self._what}: {error}") from error

    def stop(self) -> None:
        try:
            self._response.shutdown()
        except (ValueError, RuntimeError, OSError):
            self._response.close()
