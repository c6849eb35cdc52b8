"""What Prometheus is asked at a look, and what it answers today: in words for people, row by row for programs."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from analysis import histogram, mesh, outcome, queries
from analysis.mesh import Mesh
from deploy.traffic import Json
from rollout import foresight
from rollout.cli.asking import Eyes
from rollout.cli.clock import now
from rollout.plan import Plan

NOT_ASKED = "not asked: no --prometheus-url"
NO_SERIES = "no series: has the version that runs had traffic?"
WIDTH, LONGEST = 100, 400
"""Columns of a query's short form, and its characters."""


@dataclass(frozen=True)
class Asked:
    """One question, what it answers today row by row, and the same in a few words."""

    question: foresight.Question
    today: str
    brief: str


def ask(eyes: Eyes, namespace: str, legs: tuple[str, str], plan: Plan, service: str) -> Iterator[Asked]:
    """Each question about the legs, the new one and the one that runs, and what it answers today."""
    canary, stable = legs
    places = {"namespace": namespace, "workload": stable, "service": service}
    telemetry = eyes.settings.telemetry
    for question in foresight.questions(plan, telemetry, places, canary):
        if eyes.prometheus is None:
            yield Asked(question, NOT_ASKED, NOT_ASKED)
            continue
        found = eyes.prometheus.ask(question.promql, now())
        yield Asked(question, answer(found), brief(found, telemetry, plan))


def answer(found: outcome.Answer) -> str:
    """An answer in words: each row with its labels."""
    if isinstance(found, outcome.Broken):
        return found.text
    rows = [f"{' '.join(filter(None, row.labels.values())) or 'value'}: {row.value:g}" for row in found.rows]
    return ", ".join(rows) or NO_SERIES


def brief(found: outcome.Answer, telemetry: Mesh, plan: Plan) -> str:
    """An answer as a person asks for it: requests and failures, or the quantile, of each version."""
    if isinstance(found, outcome.Broken) or not found.rows:
        return answer(found)
    if all(queries.COUNTED in row.labels for row in found.rows):
        return "; ".join(f"{who}: {counted(rows)}" for who, rows in by_version(found.rows, telemetry))
    if plan.latency is not None and all(mesh.EDGE in row.labels for row in found.rows):
        return "; ".join(f"{who}: {quantile(rows, telemetry, plan)}" for who, rows in by_version(found.rows, telemetry))
    return answer(found)


def by_version(rows: Iterable[outcome.Row], telemetry: Mesh) -> list[tuple[str, list[outcome.Row]]]:
    """The rows of each version, by the label that names it."""
    found: dict[str, list[outcome.Row]] = {}
    for row in rows:
        found.setdefault(row.labels.get(telemetry.key, ""), []).append(row)
    return sorted(found.items())


def counted(rows: Iterable[outcome.Row]) -> str:
    """A row of nothing is missing, or zero."""
    values = {row.labels[queries.COUNTED]: row.value for row in rows}
    text = f"{values.get(queries.REQUESTS, 0):g} requests, {values.get(queries.FAILURES, 0):g} failed"
    return text + (", scraped no more" if values.get(queries.DARK) else "")


def quantile(rows: Iterable[outcome.Row], telemetry: Mesh, plan: Plan) -> str:
    """The plan's quantile of one version's histogram."""
    limit = plan.latency
    found = histogram.quantile(histogram.buckets(rows, telemetry.unit), limit.quantile) if limit else None
    return f"{str(limit).partition('<')[0]} {found.estimate:.0f} ms" if found else "no requests"


def show(console: Console, all_asked: tuple[Asked, ...], whole: bool) -> None:
    """For people: what each question asks, or the whole of its PromQL to be copied, and what it answers today."""
    if all_asked:
        console.print("asked of Prometheus at each look" + ("" if whole else "; as PromQL: --queries"))
    for asked in all_asked:
        console.print(Text(f"  {asked.question.name}", style="bold"))
        for line in (asked.question.promql,) if whole else short(asked.question):
            console.print(Text(f"    {line}", style="dim"), soft_wrap=True)
        console.print(Text(f"    today: {asked.brief}"), soft_wrap=True)


def short(question: foresight.Question) -> list[str]:
    """What it asks; somebody's own query, of which nothing else is known, as it stands."""
    text = question.about or textwrap.shorten(question.promql, LONGEST, placeholder=" …")
    return textwrap.wrap(text, WIDTH, break_on_hyphens=False)


def body(asked: Asked) -> Json:
    """For programs."""
    return {"name": asked.question.name, "promql": asked.question.promql, "today": asked.today}
