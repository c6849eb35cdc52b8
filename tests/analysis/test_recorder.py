"""Recording: what is read, which weights it shows, and why there may be nothing to record."""

from datetime import timedelta

import pytest

from analysis import recorder, samples
from analysis.recording import Recording
from tests.analysis import recorded
from tests.analysis.scrapes import series
from tests.analysis.traffic import at


def test_the_steps_are_found_in_the_traffic() -> None:
    """Each within a scrape of when it began, and the fall at the end."""
    found = recorded.release(0.001).weights
    assert [float(shift.weight) for shift in found] == [5, 25, 50, 100, 0]
    for shift, second in zip(found, (0, 60, 120, 180, 240), strict=True):
        assert abs(shift.at - at(second)) <= timedelta(seconds=15)


def test_a_release_in_flight_has_no_fall() -> None:
    """It is recorded as far as it got."""
    found = recorder.record(recorded.wanted(ended=at(170)), recorded.cluster(0.001).read)
    assert isinstance(found, Recording)
    assert [float(shift.weight) for shift in found.weights] == [5, 25, 50]


def test_the_past_of_stable_is_recorded_too() -> None:
    """By it the evidence judge knows how stable's failures fall."""
    first = min(line.times[0] for line in recorded.release(0.001).samples)
    assert first < at(-500).timestamp()


def test_latency_is_recorded_with_all_its_edges() -> None:
    """Others' quantiles need them all."""
    known = recorded.release(0.001, slow=0.02)
    edges = {line.labels["le"] for line in known.samples if "le" in line.labels}
    assert edges == {"25", "100", "250", "500", "1000", "+Inf"}


def test_without_requests_there_is_nothing_to_record() -> None:
    """The sentence names workload and times."""
    found = recorder.record(recorded.wanted(canary="web-other"), recorded.cluster(0.001).read)
    assert found == (
        "no request to shop/web-other between 2026-11-03 10:00:00Z and 2026-11-03 10:05:00Z is known to Prometheus:"
        " check the namespace, the workload and the times"
    )


@pytest.mark.parametrize("is_timed", [pytest.param(False, id="samples"), pytest.param(True, id="edges")])
def test_a_broken_answer_is_said(is_timed: bool) -> None:
    """In its own words."""
    away = recorded.cluster(0.001)
    away.away = ((0, 1000),)
    assert recorder.record(recorded.wanted(is_timed=is_timed), away.read) == "Prometheus is away"


def test_samples_that_no_counter_has_are_not_recorded() -> None:
    """The series is named."""
    odd = samples.Matrix((series("web-canary", "c", {15: 5, 30: -5}),))
    assert recorder.of(recorded.wanted(), odd) == (
        "a counter of requests runs from 0 to 9e+15, got -5 in"
        " istio_requests_total of c, destination_workload=web-canary"
    )
