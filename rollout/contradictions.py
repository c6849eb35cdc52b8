"""Settings that need or exclude each other, found beside the faults of each, so that all are said at once."""

import re
from collections.abc import Mapping

PREFIX = "RAMPART_"

TOGETHER = (("prometheus_user", "prometheus_password_file"), ("webhook_url_file", "webhook_secret_file"))
NEEDED = (("prometheus_certificate_file", "prometheus_key_file"),)
"""Needed, and what needs it."""
AUTHORIZATIONS = ("prometheus_token_file", "prometheus_user", "prometheus_headers")
AUTHORIZATION = re.compile(r"""(^|[;{,'"])\s*authorization\s*(=|['"]\s*:)""", re.IGNORECASE)
"""A header of that name, in either form of pairs."""

YES = frozenset({"true", "yes", "on", "1", "t", "y"})
"""What pydantic reads as true."""


def between(given: Mapping[str, str]) -> tuple[str, ...]:
    """Settings that need or exclude each other, whether or not each of them is right in itself."""
    found = [
        f"{called(name)} is not set: it and {called(other)} need each other"
        for pair in TOGETHER
        for name, other in (pair, pair[::-1])
        if name not in given and other in given
    ]
    found += [
        f"{called(name)} is not set: {called(other)} needs it"
        for name, other in NEEDED
        if name not in given and other in given
    ]
    authorizations = [name for name in AUTHORIZATIONS if says_authorization(name, given)]
    if len(authorizations) > 1:
        names = " and ".join(called(name) for name in authorizations)
        found.append(f"{names} exclude each other: a query has one Authorization")
    if given.get("leader_elect", "").lower() in YES and "kubeconfig" in given and "lease_namespace" not in given:
        elect, lease = called("leader_elect"), called("lease_namespace")
        found.append(f"{lease} is not set: it must be where {elect} is true and a kubeconfig is used")
    return tuple(found)


def says_authorization(name: str, given: Mapping[str, str]) -> bool:
    return name in given and (name != "prometheus_headers" or AUTHORIZATION.search(given[name]) is not None)


def called(key: str) -> str:
    """A setting by its variable and its flag."""
    return f"{PREFIX}{key.upper()} (--{key.replace('_', '-')})"
