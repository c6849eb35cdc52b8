"""Say a decision where people look for it: a core/v1 Event on the object that it is about."""

import hashlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy import errors, kinds, names
from deploy.cluster import Cluster
from deploy.traffic import Json

MESSAGE_BYTES = 1024
"""What events.k8s.io allows a note (core/v1 stores more, but such an Event could not be read by the other API)."""

PATIENCE_SECONDS = 3.0
"""Saying is given up sooner than other calls, as work waits behind it."""

COMPONENT = "rampart"
NORMAL = "Normal"
WARNING = "Warning"


@dataclass(frozen=True)
class Words:
    """What is said. `revision` tells the same words about another version apart; level is NORMAL or WARNING."""

    reason: str
    message: str
    level: str = NORMAL
    revision: str = ""


class Herald:
    """Writes Events. What was said already is not said again, also after a restart: its name is taken."""

    def __init__(
        self, cluster: Cluster, tell: Callable[[str], None], wrote: Callable[[str], None] = lambda reason: None
    ) -> None:
        """`tell` hears what could not be said and why, `wrote` the reason of each Event that was not there before."""
        self._cluster = cluster.within(PATIENCE_SECONDS)
        self._tell = tell
        self._wrote = wrote

    def say(self, about: Json, words: Words, now: datetime) -> bool:
        """Say it about an object (a Deployment, a Release); returns whether it stands there now.

        Raises nothing that the API server or the network can cause: a decision does not depend on being told.
        """
        try:
            self._cluster.create(kinds.EVENT, event(about, words, now))
        except errors.Conflict:
            return True
        except errors.ClusterError as error:
            self._tell(f"{words.reason} could not be said: {error}")
            return False
        self._wrote(words.reason)
        return True


def event(about: Json, words: Words, now: datetime) -> Json:
    """The Event's content; its name is the same for the same words about the same object and revision.

    Times are written as the API server reads them: eventTime is a MicroTime, the others whole seconds (RFC 3339, UTC).
    """
    subject = about["metadata"]
    moment = now.astimezone(UTC)
    seconds = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "metadata": {"name": name(about, words), "namespace": subject["namespace"]},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "namespace": subject["namespace"],
            "name": subject["name"],
            "uid": subject["uid"],
        },
        "type": words.level,
        "reason": words.reason,
        "action": words.reason,
        "message": shortened(words.message),
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": socket.gethostname()[:128],
        "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "firstTimestamp": seconds,
        "lastTimestamp": seconds,
        "count": 1,
    }


def name(about: Json, words: Words) -> str:
    """At most 253 characters: the object's name and a digest of all that makes these words another Event."""
    subject = about["metadata"]
    told = "\0".join((subject["uid"], words.level, words.reason, words.message, words.revision))
    return names.fit(subject["name"], hashlib.sha256(told.encode()).hexdigest()[:16], names.NAME_LIMIT)


def shortened(message: str) -> str:
    """At most MESSAGE_BYTES bytes of UTF-8; what is cut off is shown by an ellipsis."""
    if len(message.encode()) <= MESSAGE_BYTES:
        return message
    ellipsis = "…"
    room = MESSAGE_BYTES - len(ellipsis.encode())
    return message.encode()[:room].decode(errors="ignore") + ellipsis
