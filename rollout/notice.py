"""One decision as it is sent to a webhook: its CloudEvents envelope, its signature, and whether it is wished for.

The envelope is CloudEvents 1.0 in the structured mode of its HTTP binding; the signature is that of Standard
Webhooks: HMAC-SHA256 over `id.timestamp.body`, so that neither body nor time can be changed or used again.
"""

import base64
import binascii
import difflib
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from rollout import reasons
from rollout.seen import Level, Told
from rollout.signals import Signal
from rollout.status import ENDED, STAYS_DOWN, Decision, Phase, Release, format_time

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
EVENT_TYPE = "dev.rampart.decision.v1"
GROUPS = ("all", "starts", "ends", "failures", "warnings")
SECRET_PREFIX = "whsec_"


@dataclass(frozen=True)
class Subject:
    """The Deployment that a decision is about."""

    namespace: str
    deployment: str
    uid: str


@dataclass(frozen=True)
class Notice:
    """One decision. `release` is None where a Deployment at rest is told of."""

    subject: Subject
    release: Release | None
    told: Told
    line: Decision | None
    """The decision in the Release's status, which knows when it was made; None where it is not recorded."""
    seen: datetime
    """When it was told."""

    @property
    def at(self) -> datetime:
        return self.line.at if self.line is not None else self.seen

    @property
    def id(self) -> str:
        """The same for the same decision, also when it is told once more after a restart.

        What no Release records is the same if it is said again on the same day (UTC).
        """
        release = self.release.uid if self.release is not None else ""
        moment = format_time(self.line.at) if self.line is not None else f"{self.seen:%Y-%m-%d} {self.told.message}"
        parts = (self.subject.uid, release, self.told.level.value, self.told.reason, moment)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def of(subject: Subject, release: Release | None, told: Told, now: datetime) -> Notice:
    """The notice of what was told; a status keeps the beginning of a long sentence."""
    lines = reversed(release.status.decisions) if release is not None else ()
    line = next((item for item in lines if item.reason == told.reason and told.message.startswith(item.message)), None)
    return Notice(subject, release, told, line, now)


def body(notice: Notice) -> bytes:
    """The envelope as JSON."""
    subject = notice.subject
    place = f"/apis/apps/v1/namespaces/{quote(subject.namespace)}/deployments/{quote(subject.deployment)}"
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": notice.id,
        "source": place,
        "type": EVENT_TYPE,
        "time": format_time(notice.at),
        "datacontenttype": "application/json",
        "reason": notice.told.reason,
        "level": notice.told.level.value,
        "data": data(notice),
    }
    if notice.release is not None:
        envelope["subject"] = notice.release.name
    return orjson.dumps(envelope)


def data(notice: Notice) -> dict[str, Any]:
    """What the decision says, and where its release stands; weight is percent."""
    found = {
        "namespace": notice.subject.namespace,
        "deployment": notice.subject.deployment,
        "reason": notice.told.reason,
        "level": notice.told.level.value,
        "message": notice.told.message,
    }
    if notice.release is None:
        return found
    spec, status = notice.release.spec, notice.release.status
    return found | {
        "release": notice.release.name,
        "revision": spec.revision,
        "attempt": spec.attempt,
        "phase": status.phase.value,
        "step": status.step_text,
        "weight": float(status.weight),
        "success": status.success,
        "latency": status.latency,
        "holding": status.holding,
    }


def headers(notice: Notice, sent: bytes, secrets: Sequence[bytes], timestamp: int) -> dict[str, str]:
    """What goes with the body; one signature for each secret. `timestamp` is seconds since 1970, of this try."""
    return {
        "Content-Type": CONTENT_TYPE,
        "User-Agent": "rampart",
        "webhook-id": notice.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, notice.id, timestamp, sent) for secret in secrets),
    }


def sign(secret: bytes, id_: str, timestamp: int, sent: bytes) -> str:
    """One signature of Standard Webhooks, version 1."""
    digest = hmac.new(secret, f"{id_}.{timestamp}.".encode() + sent, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def read_secrets(text: str) -> tuple[bytes, ...]:
    """Secrets, one a line, so that an old and a new one can overlap; ValueError, without showing them, if bad.

    `whsec_…` is base64, as the libraries of Standard Webhooks have it; anything else is taken as it is.
    """
    found = tuple(read_secret(line) for line in map(str.strip, text.splitlines()) if line)
    if not found:
        raise ValueError("must hold a secret, one a line, and is empty")
    return found


def read_secret(line: str) -> bytes:
    if not line.startswith(SECRET_PREFIX):
        return line.encode()
    try:
        found = base64.b64decode(line.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        found = b""
    if not found:
        raise ValueError(f"must hold base64 after {SECRET_PREFIX}")
    return found


def read_url(text: str) -> str:
    """The address; ValueError, without showing it, if it is none."""
    url = text.strip()
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or any(letter.isspace() for letter in url):
        raise ValueError("must hold one address such as https://hooks.example.com/rampart")
    return url


def check_events(wished: Sequence[str]) -> None:
    """ValueError that names every word that is neither a group nor a reason, and the nearest that is."""
    known = sorted({*GROUPS, *reasons.SAID})
    strange = [word for word in wished if word not in known]
    if not wished:
        raise ValueError(f"must name {', '.join(GROUPS)} or reasons of Events, and names nothing")
    if strange:
        near = {word: difflib.get_close_matches(word, known, n=1, cutoff=0.0) for word in strange}
        words = "; ".join(f"{word} is neither, the nearest is {found[0]}" for word, found in near.items())
        raise ValueError(f"must be of {', '.join(GROUPS)} or reasons of Events: {words}")


def is_wished(notice: Notice, wished: Sequence[str]) -> bool:
    """Whether one of the groups or reasons covers it."""
    return notice.told.reason in wished or any(group in wished for group in groups(notice))


def groups(notice: Notice) -> tuple[str, ...]:
    """The groups that a notice belongs to."""
    warns = notice.told.level is Level.WARNING
    phase = notice.release.status.phase if notice.release is not None else None
    falls = phase is Phase.ROLLING_BACK or phase in STAYS_DOWN or notice.told.reason == Signal.JUDGED_BAD_HELD
    holds = {
        "all": True,
        "starts": notice.told.reason == Phase.PREPARING,
        "ends": phase in ENDED,
        "failures": warns and falls,
        "warnings": warns,
    }
    return tuple(group for group in GROUPS if holds[group])
