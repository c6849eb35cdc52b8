"""The door to Prometheus: one instant query in, a table, samples or a named fault out, within a bounded time.

prometheus-api-client fetches. A response hook of its session, which requests offers for such purposes, looks at
every answer first, because the client throws `resultType` and `warnings` away and leaves time and size open.
Nothing is retried here: a caller that looks again in a few seconds is the retry.
"""

import functools
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import prometheus_api_client
import requests
import urllib3
from requests import auth

from analysis import answers, credentials, errors, outcome, samples

BODY_LIMIT = 16 * 2**20
"""Bytes of an answer that are read at most."""

SERVER_SHARE = 0.8
"""Prometheus is told to give up after this share of our own patience, so that its words arrive before we hang up."""


@dataclass(frozen=True)
class Access:
    """Where Prometheus is, and what it wants to see.

    url: http or https, with a path prefix if there is one.
    token_file: sent as a bearer token; read for every query, because projected tokens are renewed in place.
    user, password_file: for basic authentication, in the token's stead; the file is read for every query, too.
    ca_file: whom to trust; insecure: the server's certificate is not checked.
    certificate_file, key_file: our own certificate and its key (PEM), which may both be in the first; read for every
    new connection.
    connect, read: how long a connection, and then each half of an answer (its head, its body), may take.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    token_file: Path | None = None
    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    insecure: bool = False
    connect: timedelta = timedelta(seconds=3)
    read: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        if self.token_file is not None and self.user is not None:
            raise ValueError("token_file and user exclude each other: a request has one Authorization")
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file need each other")
        if self.key_file is not None and self.certificate_file is None:
            raise ValueError("key_file needs certificate_file")

    @property
    def credentials(self) -> auth.AuthBase | None:
        """What signs each request."""
        if self.token_file is not None:
            return credentials.BearerFile(self.token_file)
        if self.user is not None and self.password_file is not None:
            return credentials.PasswordFile(self.user, self.password_file)
        return None

    @property
    def certificate(self) -> str | tuple[str, str] | None:
        """Our own certificate as requests wants it."""
        if self.certificate_file is None or self.key_file is None:
            return None if self.certificate_file is None else str(self.certificate_file)
        return str(self.certificate_file), str(self.key_file)


class Prometheus:
    """The query API of Prometheus or of what speaks like it; one object may serve many threads."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._name = f"Prometheus at {answers.without_password(access.url)}"
        self._sessions: list[requests.Session] = []
        self._vectors = self._client("vector")
        self._matrices = self._client("matrix")

    def _client(self, expected: str) -> prometheus_api_client.PrometheusConnect:
        """A client that lets only answers of one `resultType` through."""
        access, session = self._access, requests.Session()
        self._sessions.append(session)
        session.trust_env = False  # no proxy, .netrc or CA bundle of the environment decides who is asked
        session.verify = str(access.ca_file) if access.ca_file and not access.insecure else not access.insecure
        session.cert = access.certificate
        session.hooks["response"].append(functools.partial(self._inspect, expected))
        return prometheus_api_client.PrometheusConnect(
            url=access.url.rstrip("/"),
            headers=dict(access.headers),
            auth=access.credentials,
            session=session,
            retry=urllib3.Retry(total=0, read=False),
        )

    def ask(self, promql: str, at: datetime) -> outcome.Answer:
        """The series of an instant query, evaluated at `at`; a failure is a value too."""
        try:
            return self.query(promql, at)
        except errors.PrometheusError as error:
            return outcome.Broken(error.fault, str(error))

    def read(self, promql: str, at: datetime) -> samples.Answer:
        """The raw samples of a range selector that ends at `at`; a failure is a value too."""
        try:
            return answers.matrix(self._fetch(self._matrices, promql, at), self._name)
        except errors.PrometheusError as error:
            return outcome.Broken(error.fault, str(error))

    def query(self, promql: str, at: datetime) -> outcome.Table:
        """As `ask`, raising errors.PrometheusError."""
        return answers.table(self._fetch(self._vectors, promql, at), self._name)

    def _fetch(self, client: prometheus_api_client.PrometheusConnect, promql: str, at: datetime) -> Any:
        connect, read = self._access.connect.total_seconds(), self._access.read.total_seconds()
        params = {"time": f"{at.timestamp():.3f}", "timeout": f"{read * SERVER_SHARE:.3f}"}
        try:
            return client.custom_query(promql, params=params, timeout=(connect, read))
        except errors.BadQuery as error:
            raise errors.BadQuery(f"{error}; the query was {answers.short(promql)}") from error
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise errors.Unreachable(f"{self._name} {_silence(error, self._access)}") from error

    def close(self) -> None:
        """Close the connections."""
        for session in self._sessions:
            session.close()

    def _inspect(self, expected: str, response: requests.Response, *_: Any, **__: Any) -> None:
        """Let only a complete answer through to the client, which reads it once more."""
        with response:
            body = _body(response, self._name, self._access.read)
        location = response.headers["Location"] if response.is_redirect else None
        answers.check_status(response.status_code, location, body, self._name)
        answers.check_payload(response.headers.get("Content-Type", ""), body, self._name, expected)
        response.raw = io.BytesIO(body)


def _body(response: requests.Response, name: str, patience: timedelta) -> bytes:
    """Read an answer that may come drop by drop, or without end."""
    deadline = time.monotonic() + patience.total_seconds()
    body = bytearray()
    while chunk := response.raw.read1(2**16, decode_content=True):
        body += chunk
        if len(body) > BODY_LIMIT:
            raise errors.Malformed(f"{name} answered more than {BODY_LIMIT} bytes: select fewer series")
        if time.monotonic() > deadline:
            raise errors.Unreachable(f"{name} gave no whole answer within {patience.total_seconds():g} s")
    return bytes(body)


def _silence(error: Exception, access: Access) -> str:
    """Why no answer came, in words that are the same at every look."""
    match error:
        case requests.exceptions.ConnectTimeout():
            return f"took no connection within {access.connect.total_seconds():g} s"
        case requests.exceptions.ReadTimeout() | urllib3.exceptions.ReadTimeoutError():
            return f"gave no answer within {access.read.total_seconds():g} s"
        case _:
            return f"cannot be reached: {_root(error)}"


def _root(error: BaseException) -> str:
    """The innermost cause in a chain of wrapped errors."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__
