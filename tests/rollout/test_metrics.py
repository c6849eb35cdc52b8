"""The controller's own metrics: a release in flight has its series, an ended one has none."""

from decimal import Decimal

import pytest
from prometheus_client import generate_latest

from analysis.verdict import Verdict
from rollout.metrics import Metrics
from rollout.status import ENDED, Phase
from tests.rollout.building import a_judgement, a_release


def shown(metrics: Metrics) -> list[str]:
    lines = generate_latest(metrics.registry).decode().splitlines()
    return [line for line in lines if line.startswith(("rampart_release_", "rampart_releases_total"))]


PLACE = 'deployment="web",namespace="shop"'


def test_a_release_in_flight_shows_its_phase_and_weight() -> None:
    """One series of each, whatever the phase was before."""
    metrics = Metrics()
    metrics.release(a_release(Phase.PREPARING))
    metrics.release(a_release(Phase.STEPPING, weight=Decimal("0.5")))
    assert shown(metrics) == [
        f"rampart_release_weight_percent{{{PLACE}}} 0.5",
        f'rampart_release_phase{{{PLACE},phase="Stepping"}} 1.0',
    ]


@pytest.mark.parametrize("end", sorted(ENDED))
def test_the_series_of_an_ended_release_go(end: Phase) -> None:
    """Case 56: it is counted once, and nothing of it is left."""
    metrics = Metrics()
    metrics.release(a_release(Phase.STEPPING))
    metrics.release(a_release(end))
    metrics.release(a_release(end))
    assert shown(metrics) == [f'rampart_releases_total{{outcome="{end}"}} 1.0']


def test_requests_are_counted_by_what_came_back() -> None:
    """Verb, kind and code; 0 is no answer."""
    metrics = Metrics()
    metrics.request("get", "releases", 0, 0.1)
    text = generate_latest(metrics.registry).decode()
    assert 'rampart_api_requests_total{code="0",kind="releases",verb="get"} 1.0' in text


def test_what_a_look_measured_is_shown_until_the_release_ends() -> None:
    """Case 56: no series of dead releases."""
    metrics, release = Metrics(), a_release(Phase.STEPPING)
    metrics.release(release)
    judgement = a_judgement(Verdict.HOLD, success=99.5, evidence=12.0, seen_share=0.05, requests=7)
    metrics.judged(release, judgement)
    text = generate_latest(metrics.registry).decode()
    assert 'rampart_release_measured{deployment="web",namespace="shop",value="evidence"} 12.0' in text
    assert 'rampart_release_measured{deployment="web",namespace="shop",value="share_percent"} 5.0' in text
    metrics.release(a_release(Phase.PROMOTED))
    assert "rampart_release_measured{" not in generate_latest(metrics.registry).decode()
