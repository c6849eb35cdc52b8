"""What the bytes that came back from a query mean; pure, raises errors.PrometheusError.

The shapes are those of the Prometheus HTTP API ("Format overview", "Instant queries").
"""

import json
import math
from collections.abc import Mapping
from typing import Any
from urllib import parse

from analysis import errors, outcome, samples

STATUSES: Mapping[int, type[errors.PrometheusError]] = {
    400: errors.BadQuery,
    401: errors.Refused,
    403: errors.Refused,
    422: errors.BadQuery,
    429: errors.Busy,
}
"""What a status means; any other of 500 and above is Busy, the rest Malformed."""

ERROR_TYPES: Mapping[str, type[errors.PrometheusError]] = {
    "bad_data": errors.BadQuery,
    "execution": errors.BadQuery,
}
"""What `errorType` of an answer with `status: error` means; any other is Busy."""

WORDS = 200
"""Characters of a foreign answer that are quoted."""


def check_status(status: int, location: str | None, body: bytes, name: str) -> None:
    """Let only 200 through. `name` is how the server is called in messages."""
    if status == 200:
        return
    if location is not None:
        target = without_password(location)
        raise errors.Malformed(f"{name} redirects to {target}: name the address that answers queries itself")
    kind = STATUSES.get(status, errors.Busy if status >= 500 else errors.Malformed)
    raise kind(f"{name} answered {status}: {_words(body)}")


def check_payload(content_type: str, body: bytes, name: str, expected: str = "vector") -> None:
    """Let only a complete answer of the expected `resultType` through."""
    try:
        payload = json.loads(body)
    except ValueError as error:
        kind = content_type.partition(";")[0] or "no content type"
        raise errors.Malformed(f"{name} answered {kind} that is no JSON: {_words(body)}") from error
    if not isinstance(payload, dict):
        raise errors.Malformed(f"{name} answered JSON that is no object: {_words(body)}")
    if payload.get("status") == "error":
        refusal = ERROR_TYPES.get(str(payload.get("errorType")), errors.Busy)
        raise refusal(f"{name} answered an error: {_words(body)}")
    if warnings := payload.get("warnings"):
        raise errors.Partial(f"{name} warns that data may be missing: {short(str(warnings))}")
    if payload.get("isPartial"):  # VictoriaMetrics, which gives no warnings
        raise errors.Partial(f"{name} says that its answer is partial: a storage node did not answer")
    data = payload.get("data")
    if not isinstance(data, dict) or "result" not in data:
        raise errors.Malformed(f"{name} answered JSON without data: {_words(body)}")
    if data.get("resultType") != expected:
        raise errors.Malformed(f"{name} answered a {data.get('resultType')} where a {expected} was asked for")


def table(vector: Any, name: str) -> outcome.Table:
    """Read the `result` of an instant vector: `[{"metric": {label: value}, "value": [seconds, "number"]}]`."""
    try:
        return outcome.Table(tuple(_row(series) for series in vector))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise errors.Malformed(f"{name} answered a vector of another shape: {short(str(vector))}") from error


def matrix(found: Any, name: str) -> samples.Matrix:
    """Read the `result` of a range selector: `[{"metric": {label: value}, "values": [[seconds, "number"], …]}]`."""
    try:
        series = tuple(_series(one) for one in found)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise errors.Malformed(f"{name} answered a matrix of another shape: {short(str(found))}") from error
    return samples.Matrix(tuple(one for one in series if one is not None))


def without_password(url: str) -> str:
    """An address fit for a message: no user, password, query or fragment."""
    parts = parse.urlsplit(url)
    return parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")).rstrip("/")


def short(text: str) -> str:
    """One line, cut to WORDS characters."""
    line = " ".join(text.split())
    return line if len(line) <= WORDS else f"{line[:WORDS]} …"


def _row(series: Any) -> outcome.Row:
    _, value = series["value"]
    if not isinstance(value, str):
        raise TypeError("a sample's value is a string")
    return outcome.Row({str(label): str(text) for label, text in series["metric"].items()}, float(value))


def _series(found: Any) -> samples.Series | None:
    """One counter; what is not finite is no sample, and without samples there is no series."""
    if not all(isinstance(value, str) for _, value in found["values"]):
        raise TypeError("a sample's value is a string")
    pairs = [(float(time), float(value)) for time, value in found["values"]]
    known = [pair for pair in pairs if math.isfinite(pair[1])]
    if not known:
        return None
    times, values = zip(*known, strict=True)
    return samples.Series({str(label): str(text) for label, text in found["metric"].items()}, times, values)


def _words(body: bytes) -> str:
    """Prometheus's own words where it has some, else the beginning of what came."""
    try:
        payload = json.loads(body)
        return short(str(payload["error"]))
    except (ValueError, TypeError, KeyError):
        return short(body[: 4 * WORDS].decode(errors="replace")) or "nothing"
