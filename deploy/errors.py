"""What can go wrong at the cluster's door.

ClusterError                 any refusal or failure; `retry_after` seconds if the server asked for it
├── Unreachable              no answer: refused, reset, timed out, not JSON
│   └── Unconfigured         no way to a server is known: no kubeconfig, or one that can not be read
├── Busy                     429, 5xx
├── Conflict                 409: the object changed since it was read, or exists already
├── Missing                  404
├── Forbidden                401, 403: who we are is not known, or an admission plugin refused
│   ├── Unknown              401: the credentials are none of the server's
│   └── NotGranted           403 of the authorizer: a right that the installation lacks
├── Invalid                  400, 422: the server refused the content (an admission policy too)
├── Expired                  410: a watch or list has to begin anew
└── Fenced                   not sent at all: this process may not write now
"""


class ClusterError(Exception):
    """A call to the API server that did not succeed; the message names verb, object and the server's words."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(ClusterError):
    """No usable answer came."""


class Unconfigured(Unreachable):
    """Nobody said where a server is, or the file that should say it can not be read."""


class Busy(ClusterError):
    """The server is there and asks to come back later, or failed."""


class Conflict(ClusterError):
    """The object changed since it was read, or exists already."""


class Missing(ClusterError):
    """No such object, or no such kind."""


class Forbidden(ClusterError):
    """We are not known, or may not."""


class Unknown(Forbidden):
    """The server does not accept who we say we are."""


class NotGranted(Forbidden):
    """A right is missing; the message says which one is to be granted to the controller.

    right: as a rule of RBAC names it, such as `list pods in shop`; said: the server's own words.
    """

    def __init__(self, message: str, *, right: str = "", said: str = "") -> None:
        super().__init__(message)
        self.right = right
        self.said = said


class Invalid(ClusterError):
    """The content was refused."""


class Expired(ClusterError):
    """The resource version is too old; list again."""


class Fenced(ClusterError):
    """The write was not sent, as this process does not lead."""
