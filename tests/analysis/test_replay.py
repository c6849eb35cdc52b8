"""A recorded release through every judge: who acts when, and at what cost."""

from datetime import timedelta
from decimal import Decimal

import pytest

from analysis import replay, threshold
from analysis.replay import Act, Rules
from analysis.threshold import Latency
from tests.analysis import recorded
from tests.analysis.scrapes import series
from tests.analysis.traffic import at

MINUTE = timedelta(seconds=60)
RULES = Rules(threshold.Thresholds(interval=MINUTE), bake=MINUTE)


def test_each_stay_is_judged_over_its_own_interval() -> None:
    """A weight may have one; 100 % has the bake."""
    rules = Rules(threshold.Thresholds(interval=MINUTE), bake=3 * MINUTE, own={Decimal(5): 2 * MINUTE})
    assert [rules.at(Decimal(weight)).interval / MINUTE for weight in (5, 25, 100)] == [2, 1, 3]


def acts(failing: float) -> dict[str, Act]:
    return {act.judge: act for act in replay.replay(recorded.release(failing), RULES)}


def after(act: Act) -> float | None:
    return None if act.at is None else (act.at - recorded.release(0.2).began).total_seconds()


def test_a_healthy_release_is_taken_back_by_nobody() -> None:
    """And every judge says why it did not act."""
    found = acts(0.001)
    assert list(found) == ["evidence", "threshold", "Flagger 1.44", "Argo Rollouts 1.9"]
    assert {act.at for act in found.values()} == {None}
    assert {act.served.requests for act in found.values()} == {found["evidence"].served.requests}
    assert found["Flagger 1.44"].said == "0 of 5 checks failed"
    assert found["Argo Rollouts 1.9"].said == "0 measurements failed, 3 are tolerated"


def test_the_evidence_judge_takes_a_bad_release_back_first() -> None:
    """In its first step, after few requests, while others have looked once."""
    found = acts(0.2)
    ours, theirs = found["evidence"], found["threshold"]
    assert ours.at is not None
    assert theirs.at is not None
    assert ours.at < theirs.at
    assert (ours.stay.number, ours.stay.weight) == (1, Decimal(5))
    assert 0 < ours.served.failures < theirs.served.failures < found["Flagger 1.44"].served.failures
    assert "evidence" in ours.said
    assert "bad look 3 of 3" in theirs.said


def test_what_was_served_by_then_grows_with_the_time() -> None:
    """Of who did not act it is all there is."""
    found = acts(0.2)
    whole = found["Flagger 1.44"]
    assert whole.at is None
    assert whole.stay.weight == 100
    assert found["evidence"].served.requests < found["threshold"].served.requests < whole.served.requests


def test_peers_act_where_the_release_is_long_enough() -> None:
    """Flagger at the check after the fifth bad one, Argo Rollouts at the fourth bad one."""
    short = Rules(threshold.Thresholds(interval=timedelta(seconds=30)), bake=MINUTE)
    found = {act.judge: after(act) for act in replay.replay(recorded.release(0.2), short)}
    assert found["Flagger 1.44"] == 180
    assert found["Argo Rollouts 1.9"] == 120


def test_slow_requests_count_where_the_plan_limits_latency() -> None:
    """One in ten above a limit that one in a hundred may pass."""
    limits = threshold.Thresholds(
        interval=timedelta(seconds=30), latency=Latency(Decimal("0.99"), timedelta(milliseconds=500))
    )
    found = {act.judge: act for act in replay.replay(recorded.release(0.001, slow=0.1), Rules(limits, bake=MINUTE))}
    assert all(act.at is not None for act in found.values())
    assert "p99 between 500 ms and 1,000 ms" in found["evidence"].said
    assert "p99 between 500 ms and 1,000 ms" in found["threshold"].said


def test_without_any_answer_argo_gives_up_and_our_judges_do_not() -> None:
    """A canary that was seen once has no rate: five measurements in a row without an answer."""
    once = recorded.of(
        series("web-canary", "web-canary-1", {5: 40}), series("web", "web-1", {-15: 1, 15: 400, 45: 800})
    )
    rules = Rules(threshold.Thresholds(interval=timedelta(seconds=10)), bake=MINUTE)
    found = {act.judge: act for act in replay.replay(once, rules)}
    argo = found["Argo Rollouts 1.9"]
    assert argo.at == once.began + timedelta(seconds=50)
    assert argo.said == "0 measurements failed, 3 are tolerated; 5 without an answer"
    assert found["evidence"].at is None
    assert found["threshold"].at is None


def test_a_release_that_was_over_before_the_first_look_is_said() -> None:
    """Nobody had the time to act."""
    brief = recorded.of(series("web-canary", "web-canary-1", {2: 40}), ended=at(4))
    found = replay.replay(brief, RULES)
    assert [act.at for act in found] == [None] * 4
    assert found[0].said == found[1].said == "over before the first look"


@pytest.mark.parametrize("failing", [pytest.param(0.001, id="good"), pytest.param(0.05, id="bad")])
def test_a_replay_is_the_same_every_time(failing: float) -> None:
    """It is a function of the file."""
    known = recorded.release(failing)
    assert replay.replay(known, RULES) == replay.replay(known, RULES)
