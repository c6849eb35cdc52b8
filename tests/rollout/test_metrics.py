"""The controller's own metrics: a release in flight has its series, an ended one has none."""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from analysis import errors, outcome
from analysis.verdict import Verdict
from rollout.metrics import Metrics
from rollout.status import ENDED, Decision, Phase
from tests.rollout.building import DOWN, START, a_judgement, a_look, a_plan, a_release, a_survey, after

PLACE = 'deployment="web",namespace="shop"'
SETTLE = 1.0


def lines(metrics: Metrics, *beginnings: str) -> list[str]:
    """The samples whose names begin so, without when they were created."""
    found = generate_latest(metrics.registry).decode().splitlines()
    return [line for line in found if line.startswith(beginnings) and "_created" not in line]


def shown(metrics: Metrics) -> list[str]:
    """Everything about releases."""
    return lines(metrics, "rampart_release_", "rampart_releases_total")


def value(metrics: Metrics, name: str) -> float:
    """The one sample of that name."""
    (line,) = lines(metrics, f"{name} ")
    return float(line.split()[-1])


def test_a_release_in_flight_shows_where_it_is_and_what_is_asked() -> None:
    """One series of each, whatever it was before."""
    metrics, plan = Metrics(), a_plan(steps="0.5,50", latency="p99<300ms")
    metrics.told(a_release(Phase.PREPARING, plan))
    metrics.told(a_release(Phase.STEPPING, plan, weight=Decimal("0.5"), step_text="1/3", holding="NoRequests"))
    assert shown(metrics) == [
        f"rampart_release_weight_percent{{{PLACE}}} 0.5",
        f"rampart_release_step{{{PLACE}}} 1.0",
        f"rampart_release_steps{{{PLACE}}} 3.0",
        f'rampart_release_phase{{{PLACE},phase="Stepping"}} 1.0',
        f"rampart_release_holding{{{PLACE}}} 1.0",
        f'rampart_release_threshold{{{PLACE},value="success_percent"}} 99.0',
        f'rampart_release_threshold{{{PLACE},value="latency_ms"}} 300.0',
    ]


def test_what_is_not_asked_has_no_threshold() -> None:
    """No latency, no success rate; and a release without a step is at step 0."""
    metrics = Metrics()
    metrics.told(a_release(Phase.PREPARING, a_plan(success_rate="0")))
    assert not [line for line in shown(metrics) if "threshold" in line]
    assert f"rampart_release_step{{{PLACE}}} 0.0" in shown(metrics)


@pytest.mark.parametrize("end", sorted(ENDED))
def test_the_series_of_an_ended_release_go(end: Phase) -> None:
    """Case 56: it is counted once, and nothing of it is left."""
    metrics = Metrics()
    metrics.told(a_release(Phase.STEPPING))
    metrics.told(a_release(end))
    metrics.told(a_release(end))
    assert shown(metrics) == [f'rampart_releases_total{{outcome="{end}"}} 1.0']


def test_the_end_of_another_release_leaves_what_is_shown() -> None:
    """An interrupted release ends while its successor is in flight."""
    metrics = Metrics()
    metrics.told(a_release(Phase.STEPPING))
    metrics.told(a_release(Phase.SUPERSEDED).model_copy(update={"name": "web-v1"}))
    assert f'rampart_release_phase{{{PLACE},phase="Stepping"}} 1.0' in shown(metrics)


def test_a_release_that_vanished_is_shown_no_more() -> None:
    """Its object was removed by force: a look at the Deployment at rest takes its series away."""
    metrics = Metrics()
    metrics.looked(a_release(Phase.STEPPING), a_look(judgement=a_judgement(Verdict.PASS, success=99.5)), SETTLE)
    metrics.at_rest(("shop", "web"))
    metrics.at_rest(("shop", "web"))
    assert shown(metrics) == []


def test_a_standby_shows_no_release() -> None:
    """Another process leads: what this one saw is old."""
    metrics = Metrics()
    metrics.told(a_release(Phase.STEPPING))
    metrics.stood_down()
    assert shown(metrics) == []


def test_what_a_look_measured_is_shown_until_the_release_ends() -> None:
    """What was not measured now is what it was; another release begins with nothing."""
    metrics, release = Metrics(), a_release(Phase.STEPPING)
    judgement = a_judgement(Verdict.HOLD, success=99.5, evidence=12.0, seen_share=0.05, requests=7)
    metrics.looked(release, a_look(judgement=judgement), SETTLE)
    metrics.looked(release, a_look(judgement=a_judgement(Verdict.NO_DATA, requests=0)), SETTLE)
    metrics.told(release)
    assert lines(metrics, "rampart_release_measured", "rampart_release_weight_seen") == [
        f"rampart_release_weight_seen_percent{{{PLACE}}} 5.0",
        f'rampart_release_measured{{{PLACE},value="success_percent"}} 99.5',
        f'rampart_release_measured{{{PLACE},value="share_percent"}} 5.0',
        f'rampart_release_measured{{{PLACE},value="requests"}} 0.0',
        f'rampart_release_measured{{{PLACE},value="evidence"}} 12.0',
    ]
    metrics.looked(release.model_copy(update={"name": "web-v3"}), a_look(), SETTLE)
    assert lines(metrics, "rampart_release_measured", "rampart_release_weight_seen") == []


def test_judgements_are_counted() -> None:
    """By verdict and reason; a look that did not judge counts nothing."""
    metrics = Metrics()
    metrics.looked(a_release(), a_look(), SETTLE)
    metrics.looked(a_release(), a_look(judgement=a_judgement(Verdict.PASS)), SETTLE)
    assert lines(metrics, "rampart_verdicts_total") == ['rampart_verdicts_total{reason="Passed",verdict="Pass"} 1.0']


def test_the_way_back_is_timed_from_the_decision_until_the_route_has_settled() -> None:
    """Decided at 0 s, the route without the canary seen at 1.5 s, settled at 2.5 s; looked at 7.5 s; timed once."""
    metrics, fallen = Metrics(), a_survey(DOWN)
    release = a_release(Phase.ROLLING_BACK, decisions=(Decision(at=START, reason="JudgedBad", message="bad"),))
    metrics.told(release)
    metrics.looked(release, a_look(now=after(1.2), route_age=30.0), SETTLE)
    metrics.looked(release, a_look(now=after(2), route=fallen, route_age=0.5), SETTLE)
    assert value(metrics, "rampart_rollback_seconds_count") == 0
    metrics.looked(release, a_look(now=after(7.5), route=fallen, route_age=6.0), SETTLE)
    metrics.told(release)
    metrics.looked(release, a_look(now=after(9), route=fallen, route_age=7.5), SETTLE)
    assert value(metrics, "rampart_rollback_seconds_count") == 1
    assert value(metrics, "rampart_rollback_seconds_sum") == pytest.approx(2.5)


@pytest.mark.parametrize("end", ["ended", "at rest", "stood down"])
def test_a_fall_whose_end_is_not_seen_is_not_timed(end: str) -> None:
    """And the next release's way back is its own."""
    metrics, fallen = Metrics(), a_survey(DOWN)
    release = a_release(Phase.ROLLING_BACK, decisions=(Decision(at=START, reason="JudgedBad", message="bad"),))
    metrics.told(release)
    match end:
        case "ended":
            metrics.told(a_release(Phase.ROLLED_BACK))
        case "at rest":
            metrics.at_rest(("shop", "web"))
        case _:
            metrics.stood_down()
    metrics.looked(release, a_look(now=after(900), route=fallen), SETTLE)
    assert value(metrics, "rampart_rollback_seconds_count") == 0


def test_a_release_in_flight_is_not_on_its_way_back() -> None:
    """A route without the canary in another phase is no fall."""
    metrics = Metrics()
    metrics.told(a_release(Phase.PREPARING, decisions=(Decision(at=START, reason="Preparing", message="made"),)))
    metrics.looked(a_release(Phase.PREPARING), a_look(route=a_survey(DOWN), route_age=60.0), SETTLE)
    assert value(metrics, "rampart_rollback_seconds_count") == 0


def test_requests_are_counted_and_timed() -> None:
    """Verb, kind and code; 0 is no answer."""
    metrics = Metrics()
    metrics.request("get", "releases", 0, 0.1)
    assert lines(metrics, "rampart_api_requests_total") == [
        'rampart_api_requests_total{code="0",kind="releases",verb="get"} 1.0'
    ]
    assert lines(metrics, "rampart_api_request_seconds_sum") == ['rampart_api_request_seconds_sum{verb="get"} 0.1']


def test_queries_are_timed_and_their_failures_counted() -> None:
    """The answer goes through as it is."""
    metrics = Metrics()
    broken = outcome.Broken(errors.Fault.BUSY, "503")
    answers = iter((outcome.Table(), broken))
    ask = metrics.asked("threshold", lambda promql, at: next(answers))
    assert ask("up", START) == outcome.Table()
    assert ask("up", START + timedelta(seconds=1)) == broken
    assert lines(metrics, "rampart_prometheus_errors_total") == [
        'rampart_prometheus_errors_total{reason="PrometheusBusy"} 1.0'
    ]
    assert lines(metrics, "rampart_prometheus_seconds_count") == [
        'rampart_prometheus_seconds_count{query="threshold"} 2.0'
    ]


def test_events_are_counted_by_reason() -> None:
    """Each that was written."""
    metrics = Metrics()
    metrics.event("Promoted")
    assert lines(metrics, "rampart_events_total") == ['rampart_events_total{reason="Promoted"} 1.0']


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    """Names in the table of docs/operations.md, with type and labels."""
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| `(rampart_\w+)` \| (\w+) \|([^|]*)\|", text, re.MULTILINE)
    return {name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def registered(metrics: Metrics) -> dict[str, str]:
    """Names as Prometheus shows them, with their types."""
    found = metrics.registry.collect()
    return {f"{item.name}_total" if item.type == "counter" else item.name: item.type for item in found}


def test_the_documentation_lists_every_metric_and_no_other() -> None:
    """With its type; what stands in docs/operations.md is what /metrics shows."""
    assert {name: kind for name, (kind, _) in documented().items()} == registered(Metrics())


def test_the_documentation_names_every_label() -> None:
    """Each family with a sample has exactly the labels of its row."""
    metrics, plan = Metrics(), a_plan(latency="p99<300ms")
    judgement = a_judgement(Verdict.HOLD, success=99.5, seen_share=0.05)
    metrics.looked(a_release(Phase.STEPPING, plan), a_look(judgement=judgement), SETTLE)
    metrics.told(a_release(Phase.PROMOTED).model_copy(update={"name": "web-v1"}))
    metrics.ended.labels("Promoted").inc()
    metrics.looks.labels("done").inc()
    metrics.request("get", "releases", 200, 0.1)
    metrics.event("Promoted")
    metrics.asked("threshold", lambda promql, at: outcome.Broken(errors.Fault.BUSY, "503"))("up", START)
    labels: dict[str, set[str]] = {}
    for family in metrics.registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        for sample in family.samples:
            labels.setdefault(name, set()).update(sample.labels.keys() - {"le"})
    assert labels == {name: set(found) for name, (_, found) in documented().items()}
