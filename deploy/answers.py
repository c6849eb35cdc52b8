"""What an answer of the API server means: JSON, a line of a watch, or an error of our own tree."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from deploy import errors
from deploy.traffic import Json

QUOTED = 500
"""Characters of the server's words that a message repeats."""

UNEXPLAINED = "the server rejected our request due to an error in our request"
"""All that the API server says, with status 422, of a JSON patch whose path or `test` did not match."""

NO_RIGHT = re.compile(r' is forbidden: User ".*" cannot ', re.DOTALL)
"""How the API server's authorizer says no, unlike admission plugins and webhooks, whose status is 403 too."""

BY_STATUS: dict[int, type[errors.ClusterError]] = {
    400: errors.Invalid,
    401: errors.Unknown,
    403: errors.Forbidden,
    404: errors.Missing,
    409: errors.Conflict,
    410: errors.Expired,
    422: errors.Invalid,
    429: errors.Busy,
}


@dataclass(frozen=True)
class Change:
    """One line of a watch: ADDED, MODIFIED, DELETED or BOOKMARK, and the object."""

    type: str
    object: Json = field(hash=False)


def decoded(what: str, body: bytes) -> Json:
    """The JSON object in `body`; anything else is no answer of an API server (a proxy's login page, a cut answer)."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise errors.Unreachable(f"{what}: the answer is not JSON but {_quoted(body)!r}") from None
    if not isinstance(found, dict):
        raise errors.Unreachable(f"{what}: the answer is not a JSON object but {_quoted(body)!r}")
    return found


def listed(what: str, body: bytes) -> Json:
    """A list of objects with its resource version; a JSON object of another shape is no answer of an API server."""
    page = decoded(what, body)
    items = page.get("items") or []
    if not _has_version(page) or not isinstance(items, list) or not all(_has_version(item) for item in items):
        raise errors.Unreachable(f"{what}: the answer is no list of objects but {_quoted(body)!r}")
    return page


def _has_version(subject: object) -> bool:
    about = subject.get("metadata") if isinstance(subject, dict) else None
    return isinstance(about, dict) and isinstance(about.get("resourceVersion"), str)


def refusal(what: str, status: int, body: bytes, headers: Mapping[str, str], right: str = "") -> errors.ClusterError:
    """The error that an HTTP status other than 2xx stands for, with the server's words and its Retry-After.

    `right` names what has to be granted for this call, such as `list virtualservices.networking.istio.io in shop`.
    """
    words = _words(body)
    if status == 403 and right and NO_RIGHT.search(words):
        text = f"may not {right}: grant it to the controller's ServiceAccount (403 {words})"
        return errors.NotGranted(text, right=right, said=words)
    message = f"{what}: {status} {words}" if words else f"{what}: {status}"
    return _class_for(status)(message, retry_after=_seconds(headers.get("Retry-After")))


def changes(what: str, chunks: Iterable[bytes]) -> Iterator[Change]:
    """The changes in a watch's body, however it was cut into chunks; an ERROR line is raised as what it reports.

    A last line without its line feed was cut off by a lost connection and is dropped: the watch is resumed before it.
    """
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n") if b"\n" in chunk else (rest + chunk,)
        for line in filter(None, lines):
            yield _change(what, line)


def _change(what: str, line: bytes) -> Change:
    event = decoded(what, line)
    subject = event.get("object")
    if event.get("type") == "ERROR" and isinstance(subject, dict):
        raise refusal(what, int(subject.get("code", 500)), orjson.dumps(subject), {})
    if not isinstance(event.get("type"), str) or not isinstance(subject, dict) or not _has_version(subject):
        raise errors.Unreachable(f"{what}: a line of the watch is no event but {_quoted(line)!r}")
    return Change(event["type"], subject)


def _class_for(status: int) -> type[errors.ClusterError]:
    if status >= 500:
        return errors.Busy
    return BY_STATUS.get(status, errors.ClusterError)


def _words(body: bytes) -> str:
    """The message of a Status object, or the beginning of whatever was sent instead."""
    try:
        message = orjson.loads(body).get("message", "")
    except (orjson.JSONDecodeError, AttributeError):
        return _quoted(body)
    return str(message)


def _quoted(body: bytes) -> str:
    return body[:QUOTED].decode(errors="replace").strip()


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After as the API server sends it: whole seconds. A date, which it never sends, is ignored."""
    return float(retry_after) if retry_after and retry_after.isdigit() else None
