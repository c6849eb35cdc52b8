"""A recorded release: its text, its faults, its stays, and what its canary served."""

import json
from decimal import Decimal
from typing import Any

import pytest

from analysis import queries, recording
from analysis.recording import Recording, Served, Shift
from tests.analysis import recorded
from tests.analysis.scrapes import series
from tests.analysis.traffic import at


def test_what_was_written_is_read_as_the_same() -> None:
    """Every digit of every sample."""
    known = recorded.release(0.02)
    assert recording.parse(recording.dump(known)) == known


def test_each_series_has_a_line_of_its_own() -> None:
    """So that two files can be compared."""
    known = recorded.release(0.02)
    lines = [line for line in recording.dump(known).splitlines() if '"times"' in line]
    assert len(lines) == len(known.samples)


def body(**changes: Any) -> str:
    """The text of a small recording, with changes."""
    known = recorded.of(series("web-canary", "web-canary-1", {15: 10, 30: 20}))
    return json.dumps({**json.loads(recording.dump(known)), **changes})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("", "must be a JSON file that `rampart record` wrote: EOF", id="empty"),
        pytest.param("apiVersion: v1", "must be a JSON file that `rampart record` wrote: expected value", id="yaml"),
        pytest.param("[]", "must be an object, got []", id="list"),
        pytest.param(body(version=2), "version must be 1, the one that this rampart reads, got 2", id="version"),
        pytest.param(body(colour="red"), "colour is not known", id="unknown key"),
        pytest.param(body(began="noon"), "began must be a valid datetime", id="no time"),
        pytest.param(body(began="2026-11-03T10:00:00"), "began must have timezone info", id="no zone"),
        pytest.param(body(ended="2026-11-03T09:00:00Z"), "ended must be after began", id="ends before"),
        pytest.param(body(stable="web-canary"), "canary and stable must be two workloads", id="one workload"),
        pytest.param(body(mesh="fishnet"), "mesh must be one of istio", id="unknown mesh"),
        pytest.param(body(metric_names={"colour": "red"}), "metric_names has colour", id="unknown name"),
        pytest.param(body(weights=[]), "weights must not be empty", id="no weights"),
        pytest.param(
            body(weights=[{"at": "2026-11-03T10:00:00Z", "weight": 101}]), "weights.0.weight must", id="101 %"
        ),
        pytest.param(body(weights=[{"at": "2026-11-03T10:00:00Z", "weight": 0}]), "weights must begin", id="0 %"),
        pytest.param(
            body(samples=[{"labels": {}, "times": [1.0, 2.0], "values": [1.0]}]),
            "samples.0: must have a value for each time, got 1 for 2",
            id="a value is missing",
        ),
        pytest.param(
            body(samples=[{"labels": {}, "times": [2.0, 1.0], "values": [1.0, 2.0]}]),
            "samples.0: times must rise",
            id="times fall",
        ),
        pytest.param(
            body(samples=[{"labels": {}, "times": [1e200], "values": [1.0]}]),
            "samples.0: times must be Unix seconds, got 1e+200",
            id="times of no clock",
        ),
        pytest.param(
            body(samples=[{"labels": {"pod": "c"}, "times": [1.0], "values": [-3.0]}]),
            "samples.0: a counter of requests runs from 0 to 9e+15, got -3 in a series of c",
            id="below zero",
        ),
        pytest.param(
            body(samples=[{"labels": {"__name__": queries.ISTIO.latency}, "times": [1.0], "values": [3.0]}]),
            "samples.0: a bucket of latencies has a number in le",
            id="a bucket without its edge",
        ),
        pytest.param(
            body(began=at(-6 * 3600).isoformat()), "ended must be at most 6 hours after began", id="without end"
        ),
        pytest.param(
            body(warm_until="9999-12-31T23:59:59Z"), "warm_until must be within a day of began", id="never warm"
        ),
        pytest.param(
            body(samples=[{"labels": {}, "times": [1.0], "values": ["many"]}]),
            "samples.0.values.0 must be a valid number",
            id="no number",
        ),
    ],
)
def test_a_fault_names_the_place_and_what_would_be_right(text: str, fault: str) -> None:
    """In one sentence each."""
    found = recording.parse(text)
    assert isinstance(found, tuple)
    assert found[0].startswith(fault)


def test_what_is_missing_is_said_for_each_key() -> None:
    """Not one after the other."""
    found = recording.parse('{"version": 1, "namespace": "shop"}')
    assert isinstance(found, tuple)
    assert found[0] == "canary is missing"
    assert len(found) == recording.MOST_FAULTS


def test_weights_are_in_the_order_of_their_times() -> None:
    """Else no stay has an end."""
    shifts = [{"at": at(second).isoformat(), "weight": "5"} for second in (20, 10)]
    assert recording.parse(body(weights=shifts)) == ("weights must stand in the order of their times",)


def test_stays_end_where_the_next_begins_or_the_canary_lost_its_traffic() -> None:
    """What comes after the fall is no stay."""
    shifts = tuple(
        Shift(at=at(second), weight=Decimal(weight)) for second, weight in ((0, 5), (20, 25), (40, 0), (50, 5))
    )
    found = recording.stays(recorded.of(weights=shifts))
    assert [(stay.number, stay.weight, stay.following, stay.since, stay.until) for stay in found] == [
        (1, Decimal(5), Decimal(25), at(0), at(20)),
        (2, Decimal(25), None, at(20), at(40)),
    ]


def test_the_last_stay_ends_with_the_samples() -> None:
    """Where the canary still had its traffic."""
    (stay,) = recording.stays(recorded.of())
    assert (stay.since, stay.until, stay.following) == (at(0), at(60), None)


SERVED = (
    series("web-canary", "web-canary-1", {15: 30, 30: 60, 45: 90}),
    series("web-canary", "web-canary-1", {30: 6, 45: 6}, response_code="503"),
    series("web", "web-1", {-15: 1000, 0: 1500, 15: 2000, 30: 2500}),
)


@pytest.mark.parametrize(
    ("second", "served"),
    [
        pytest.param(15, Served(30, 0), id="at a scrape"),
        pytest.param(20, Served(42, 2), id="between scrapes evenly"),
        pytest.param(30, Served(66, 6), id="with the failures"),
        pytest.param(60, Served(96, 6), id="all of it"),
    ],
)
def test_what_the_canary_served_up_to_a_moment(second: float, served: Served) -> None:
    """From its birth on; stable's requests are not the canary's."""
    assert recording.served(recorded.of(*SERVED), at(second)) == served


def test_a_pod_that_two_jobs_scrape_served_once() -> None:
    """Though its series are there twice."""
    twice = series("web-canary", "web-canary-1", {15: 30, 30: 60, 45: 90}, job="sidecars")
    assert recording.served(recorded.of(SERVED[0], twice), at(60)) == Served(90, 0)


def test_what_a_workload_had_served_before_the_release_is_not_counted() -> None:
    """An older canary workload has a past."""
    known = recorded.of(series("web-canary", "web-canary-1", {-15: 500, 15: 530, 30: 560}))
    assert recording.served(known, at(30)) == Served(45, 0)


def test_other_names_of_metrics_are_kept() -> None:
    """A recording says itself how it is read."""
    known = recorded.of(metric_names={"workload": "app"})
    assert known.telemetry.workload == "app"
    assert isinstance(known, Recording)
