"""What is asked in PromQL, by a mesh's own names: exact differences of counters, and their samples.

`rate` and `increase` lose what a series had counted when it was first seen, and stretch the rest to fit the window
(promql/functions.go, extrapolatedRate). A canary's first errors are such a birth. Here each series is differenced
by its own samples, so that the answers are whole requests:

    END - START >= 0 or END

END is the last sample inside the window, START the last one before it. A series without START was born in the
window and counts from zero; one that fell was reset, and counts what it reached since. A pod that went away in the
window still has its END. START is looked for up to BEFORE back, so that a gap in scraping is bridged.
"""

import json
from datetime import timedelta

from analysis.mesh import EDGE as EDGE
from analysis.mesh import Mesh as Mesh
from analysis.mesh import Naming, pod_pattern
from analysis.meshes import ISTIO as ISTIO
from analysis.meshes import MESHES as MESHES

COUNTED = "counted"
"""The label that tells the rows of `counts` apart; its values follow."""
REQUESTS = "requests"
FAILURES = "failures"
DARK = "dark"
"""A workload that was scraped in the window, and of which nothing is scraped any more (its series are stale)."""

BEFORE = timedelta(minutes=15)
"""How old the sample may be that a difference starts from: the longest gap in scraping that is bridged."""

LOOKBACK = timedelta(hours=1)
"""How far back `series` looks for signs of life."""


def counts(mesh: Mesh, namespace: str, workloads: tuple[str, ...], window: timedelta) -> str:
    """Requests and failures of each workload in the window before the evaluation, and whether it went dark.

    Answers rows {mesh.key, COUNTED}; a row of nothing is missing, or zero.
    """
    scope = (*mesh.always, *_receivers(mesh, namespace, workloads))
    found = selector(mesh.requests, scope)
    failed = " or ".join(difference(selector(mesh.requests, (*scope, *rule)), window) for rule in mesh.failures)
    total, bad, was, still = (
        _led(series, mesh, workloads)
        for series in (difference(found, window), failed, f"last_over_time({found}[{duration(window)}])", found)
    )
    rows = (
        _kind(f"sum by ({mesh.key}) ({total})", REQUESTS),
        _kind(f"sum by ({mesh.key}) ({bad})", FAILURES),
        _kind(f"count by ({mesh.key}) ({was}) unless count by ({mesh.key}) ({still})", DARK),
    )
    return " or ".join(rows)


def latencies(mesh: Mesh, namespace: str, workloads: tuple[str, ...], window: timedelta) -> str:
    """Requests of each workload in the window, by latency: rows {mesh.key, EDGE}, cumulative over the edges."""
    scope = (*mesh.always, *_receivers(mesh, namespace, workloads))
    buckets = _led(difference(selector(mesh.latency, scope), window), mesh, workloads)
    return f"sum by ({mesh.key}, {EDGE}) ({buckets})"


def samples(
    mesh: Mesh, namespace: str, workloads: tuple[str, ...], span: timedelta, among: tuple[float, ...] = ()
) -> str:
    """All samples of the workloads' counters in a span: of requests, and of these edges of the latency histogram.

    among: edges in the mesh's own unit.
    """
    scope = (*mesh.always, *_receivers(mesh, namespace, workloads))
    if not among:
        return f"{selector(mesh.requests, scope)}[{duration(span)}]"
    names = f'__name__=~"{mesh.requests}|{mesh.latency}"'
    spelt = "|".join(("", *(text for edge in among for text in _spellings(edge)), r"\+Inf"))
    return f"{selector('', (names, *scope, f'{EDGE}=~{_quote(spelt)}'))}[{duration(span)}]"


def shared_edges(mesh: Mesh, namespace: str, workloads: tuple[str, ...]) -> str:
    """The edges of each workload's latency histogram: series {mesh.key, EDGE}, by a range selector."""
    found = selector(mesh.latency, (*mesh.always, *_receivers(mesh, namespace, workloads)))
    alive = _led(f"last_over_time({found}[{duration(LOOKBACK)}])", mesh, workloads)
    return f"count by ({mesh.key}, {EDGE}) ({alive})[1s:1s]"


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
    found = _one_of_pods(workloads) if mesh.naming is Naming.POD else _one_of(workloads)
    return f"{mesh.namespace}={_quote(namespace)}", f"{mesh.workload}{found}"


def _led(series: str, mesh: Mesh, workloads: tuple[str, ...]) -> str:
    """Series with a label that names the workload: written onto them where they know pods only."""
    if mesh.naming is not Naming.POD:
        return series
    for workload in workloads:
        pods = _quote(pod_pattern(workload))
        series = f'label_replace({series}, "{mesh.key}", {_quote(workload)}, "{mesh.workload}", {pods})'
    return series


def _one_of_pods(workloads: tuple[str, ...]) -> str:
    return "=~" + _quote("|".join(pod_pattern(workload) for workload in workloads))


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
