"""What is asked in PromQL: a table by mesh, and exact differences of counters.

`rate` and `increase` lose what a series had counted when it was first seen, and stretch the rest to fit the window
(promql/functions.go, extrapolatedRate). A canary's first errors are such a birth. Here each series is differenced
by its own samples, so that the answers are whole requests:

    END - START >= 0 or END

END is the last sample inside the window, START the last one before it. A series without START was born in the
window and counts from zero; one that fell was reset, and counts what it reached since. A pod that went away in the
window still has its END. START is looked for up to BEFORE back, so that a gap in scraping is bridged.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

COUNTED = "counted"
"""The label that tells the rows of `counts` apart; its values follow."""
REQUESTS = "requests"
FAILURES = "failures"
DARK = "dark"
"""A workload that was scraped in the window, and of which nothing is scraped any more (its series are stale)."""

EDGE = "le"
"""The label of a histogram bucket's upper edge."""

BEFORE = timedelta(minutes=15)
"""How old the sample may be that a difference starts from: the longest gap in scraping that is bridged."""

LOOKBACK = timedelta(hours=1)
"""How far back `series` looks for signs of life."""


@dataclass(frozen=True)
class Mesh:
    """Names and rules of one mesh's telemetry.

    requests: counter of requests. latency: histogram buckets in milliseconds.
    namespace, workload: labels that name the receiving workload.
    always: matchers of every query. failures: alternatives, each a list of matchers, that make a request a failure.
    """

    requests: str
    latency: str
    namespace: str
    workload: str
    always: tuple[str, ...]
    failures: tuple[tuple[str, ...], ...]


ISTIO = Mesh(
    requests="istio_requests_total",
    latency="istio_request_duration_milliseconds_bucket",
    namespace="destination_workload_namespace",
    workload="destination_workload",
    always=('reporter="destination"', 'response_code!="0"'),
    failures=(
        ('request_protocol!="grpc"', 'response_code=~"5.."'),
        ('request_protocol="grpc"', 'grpc_response_status!~"|0|1|3|5|6|9|11|16"'),
        ('request_protocol="grpc"', 'grpc_response_status=""', 'response_flags!="DC"'),
    ),
)
"""Sidecars of the receiving side: they name the workload from their own metadata, the sender only learns it.

response_code 0: the client went away before there was an answer; it counts neither as request nor as failure.
HTTP fails by 5xx. gRPC answers 200 whatever happens and fails by its status, unless that is OK (0) or the client's
own doing: CANCELLED 1, INVALID_ARGUMENT 3, NOT_FOUND 5, ALREADY_EXISTS 6, FAILED_PRECONDITION 9, OUT_OF_RANGE 11,
UNAUTHENTICATED 16. No status at all is a broken stream, unless the client hung up in mid-stream (flag DC).
"""

MESHES: Mapping[str, Mesh] = {"istio": ISTIO}


def counts(mesh: Mesh, namespace: str, workloads: tuple[str, ...], window: timedelta) -> str:
    """Requests and failures of each workload in the window before the evaluation, and whether it went dark.

    Answers rows {workload label, COUNTED}; a row of nothing is missing, or zero.
    """
    scope = (*mesh.always, *_receivers(mesh, namespace, workloads))
    found = selector(mesh.requests, scope)
    failed = " or ".join(difference(selector(mesh.requests, (*scope, *rule)), window) for rule in mesh.failures)
    was, still = f"last_over_time({found}[{duration(window)}])", found
    rows = (
        _kind(f"sum by ({mesh.workload}) ({difference(found, window)})", REQUESTS),
        _kind(f"sum by ({mesh.workload}) ({failed})", FAILURES),
        _kind(f"count by ({mesh.workload}) ({was}) unless count by ({mesh.workload}) ({still})", DARK),
    )
    return " or ".join(rows)


def latencies(mesh: Mesh, namespace: str, workloads: tuple[str, ...], window: timedelta) -> str:
    """Requests of each workload in the window, by latency: rows {workload label, EDGE}, cumulative over the edges."""
    scope = (*mesh.always, *_receivers(mesh, namespace, workloads))
    return f"sum by ({mesh.workload}, {EDGE}) ({difference(selector(mesh.latency, scope), window)})"


def samples(
    mesh: Mesh, namespace: str, workloads: tuple[str, ...], span: timedelta, among: tuple[float, ...] = ()
) -> str:
    """All samples of the workloads' counters in a span: of requests, and of these edges of the latency histogram."""
    scope = (*mesh.always, *_receivers(mesh, namespace, workloads))
    if not among:
        return f"{selector(mesh.requests, scope)}[{duration(span)}]"
    names = f'__name__=~"{mesh.requests}|{mesh.latency}"'
    spelt = "|".join(("", *(text for edge in among for text in _spellings(edge)), r"\+Inf"))
    return f"{selector('', (names, *scope, f'{EDGE}=~{_quote(spelt)}'))}[{duration(span)}]"


def shared_edges(mesh: Mesh, namespace: str, workloads: tuple[str, ...]) -> str:
    """The edges of each workload's latency histogram: series {workload label, EDGE}, by a range selector."""
    found = selector(mesh.latency, (*mesh.always, *_receivers(mesh, namespace, workloads)))
    return f"count by ({mesh.workload}, {EDGE}) (last_over_time({found}[{duration(LOOKBACK)}]))[1s:1s]"


def series(metric: str, matchers: tuple[str, ...]) -> str:
    """How many series a selector found within LOOKBACK; no row where it found none."""
    return f"count(last_over_time({selector(metric, matchers)}[{duration(LOOKBACK)}]))"


def edges(mesh: Mesh, namespace: str, workload: str) -> str:
    """The edges of a workload's latency histogram: rows {EDGE}."""
    found = selector(mesh.latency, receiver(mesh, namespace, workload))
    return f"count by ({EDGE}) (last_over_time({found}[{duration(LOOKBACK)}]))"


def receiver(mesh: Mesh, namespace: str, workload: str) -> tuple[str, ...]:
    """Every matcher that a workload's series must meet, the general ones first."""
    return (*mesh.always, *_receivers(mesh, namespace, (workload,)))


def difference(found: str, window: timedelta) -> str:
    """What the counters of a selector counted in the window before the evaluation, series by series."""
    span = duration(window)
    end = f"last_over_time({found}[{span}])"
    start = f"last_over_time({found}[{duration(BEFORE)}] offset {span})"
    return f"({end} - {start} >= 0 or {end})"


def selector(metric: str, matchers: tuple[str, ...]) -> str:
    """A metric's name and matchers as PromQL writes them."""
    return f"{metric}{{{','.join(matchers)}}}"


def duration(span: timedelta) -> str:
    """A span as PromQL writes it, to the millisecond."""
    return f"{span // timedelta(milliseconds=1)}ms"


def _receivers(mesh: Mesh, namespace: str, workloads: tuple[str, ...]) -> tuple[str, ...]:
    return f"{mesh.namespace}={_quote(namespace)}", f"{mesh.workload}{_one_of(workloads)}"


def _one_of(workloads: tuple[str, ...]) -> str:
    """A matcher's operator and value; of what a regular expression reads, names of Kubernetes hold the dot alone."""
    if len(workloads) == 1:
        return f"={_quote(workloads[0])}"
    return "=~" + _quote("|".join(workload.replace(".", r"\.") for workload in workloads))


def _spellings(edge: float) -> list[str]:
    """How clients write an edge: 500, 500.0, 5e+02; as a pattern."""
    found = sorted({f"{edge:g}", repr(edge), f"{edge:.0f}" if edge.is_integer() else repr(edge)})
    return [text.replace(".", r"\.").replace("+", r"\+") for text in found]


def _quote(text: str) -> str:
    return json.dumps(text)


def _kind(rows: str, kind: str) -> str:
    return f'label_replace({rows}, "{COUNTED}", "{kind}", "", "")'
