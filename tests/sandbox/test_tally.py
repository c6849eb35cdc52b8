"""The load's count: what fails, whose share is how large, and that nothing is lost on the way."""

import json
import math

import pytest

from sandbox import tally


def a_tally() -> tally.Tally:
    """Two seconds: 3 of v1 and 1 of v2 in the first, 1 of v1 and 3 of v2 (one failed) in the second."""
    counted = tally.Tally()
    for second, version, outcome, milliseconds in [
        (100, "v1", "200", 3.0),
        (100, "v1", "200", 4.0),
        (100, "v1", "200", 30.0),
        (100, "v2", "200", 3.0),
        (101, "v1", "200", 3.0),
        (101, "v2", "200", 3.0),
        (101, "v2", "200", 3.0),
        (101, "v2", "500", 99_000.0),
    ]:
        counted.add(second, version, outcome, milliseconds)
    return counted


@pytest.mark.parametrize(
    ("outcome", "succeeded"),
    [
        pytest.param("200", True, id="ok"),
        pytest.param("302", True, id="redirect"),
        pytest.param("404", False, id="no route"),
        pytest.param("503", False, id="no healthy upstream"),
        pytest.param("grpc-14", False, id="grpc failure"),
        pytest.param("connect", False, id="no connection"),
        pytest.param("reset", False, id="cut off"),
        pytest.param("timeout", False, id="no answer in time"),
        pytest.param("unsent", False, id="never sent"),
    ],
)
def test_only_an_answer_below_400_is_a_success(outcome: str, succeeded: bool) -> None:
    """Whatever is not plainly good has failed."""
    assert tally.is_success(outcome) is succeeded


def test_shares_are_by_second() -> None:
    """The share of a version is known for the whole and for each second."""
    counted = a_tally()
    assert counted.share("v2") == 0.5
    assert counted.share_by_second("v2") == {100: 0.25, 101: 0.75}
    assert counted.within([101]).requests == 4
    assert counted.share("v3") == 0.0


def test_failures_are_told_by_version_and_outcome() -> None:
    """The sentence at the end names number, version and outcome."""
    counted = a_tally()
    assert (counted.failed, counted.requests) == (1, 8)
    assert counted.failures == {("v2", "500"): 1}
    assert str(counted) == "1 failed of 8 (v1 4, v2 4); v2 500: 1"


def test_counts_survive_the_way_between_processes() -> None:
    """Through JSON and back, then merged: the same counts and latencies."""
    whole = tally.Tally()
    for part in (a_tally(), a_tally()):
        whole.merge(tally.Tally.from_json(json.loads(json.dumps(part.to_json()))))
    assert whole.requests == 16
    assert whole.latency["v2"] == {5.0: 6, math.inf: 2}


@pytest.mark.parametrize(
    ("version", "quantile", "edge"),
    [
        pytest.param("v1", 0.5, 5.0, id="median"),
        pytest.param("v1", 0.99, 50.0, id="tail"),
        pytest.param("v2", 0.99, math.inf, id="beyond the last edge"),
    ],
)
def test_a_quantile_is_its_buckets_upper_edge(version: str, quantile: float, edge: float) -> None:
    """Latency is kept in buckets; the answer is an upper bound."""
    assert a_tally().quantile_ms(version, quantile) == edge


def test_no_answers_have_no_quantile() -> None:
    """NaN, and not zero, which would look fast."""
    assert math.isnan(a_tally().quantile_ms("v3", 0.5))
