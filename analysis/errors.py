"""What can go wrong at the door of Prometheus.

PrometheusError              any question that got no trustworthy answer; `fault` is its name in a verdict
├── Unreachable              no answer: refused, reset, timed out, TLS, name not found
├── Refused                  401, 403, or a token or password file that cannot be read
├── Busy                     429, 5xx: it is there and cannot answer now
├── Malformed                an answer that is not Prometheus's: HTML, a redirect, not JSON, no data, no vector
├── BadQuery                 400, 422: it does not understand or cannot run the query
└── Partial                  an answer with warnings: some of the data behind it is missing

Two faults more are found in a good answer by who reads it: several series where one number was asked for, and an
infinite number. They are values (outcome.Broken) from the beginning.
"""

from enum import StrEnum
from typing import ClassVar


class Fault(StrEnum):
    """What went wrong, usable as reasons of Kubernetes Events."""

    UNREACHABLE = "PrometheusUnreachable"
    REFUSED = "PrometheusRefused"
    BUSY = "PrometheusBusy"
    MALFORMED = "PrometheusMalformed"
    BAD_QUERY = "PrometheusBadQuery"
    AMBIGUOUS = "PrometheusAmbiguous"
    NOT_FINITE = "PrometheusNotFinite"
    PARTIAL = "PrometheusPartial"


class PrometheusError(Exception):
    """A question without a trustworthy answer; the message names the address, what was found and what to do."""

    fault: ClassVar[Fault]


class Unreachable(PrometheusError):
    """No answer came in time."""

    fault = Fault.UNREACHABLE


class Refused(PrometheusError):
    """The credentials are missing or not accepted."""

    fault = Fault.REFUSED


class Busy(PrometheusError):
    """The server is there and asks to come back later, or failed."""

    fault = Fault.BUSY


class Malformed(PrometheusError):
    """Something answered, but not as the query API of Prometheus does."""

    fault = Fault.MALFORMED


class BadQuery(PrometheusError):
    """The query cannot be parsed or run."""

    fault = Fault.BAD_QUERY


class Partial(PrometheusError):
    """The answer came with warnings, so that a part of the data may be missing."""

    fault = Fault.PARTIAL
