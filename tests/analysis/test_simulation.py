"""Simulated releases: the same for the same seed, and what each judge makes of the clear cases."""

from dataclasses import replace

import pytest

from analysis import simulation, trials
from analysis.simulation import Line, Question
from analysis.trials import Course
from analysis.world import Scenario, Size, World

COURSE = Course()


def lines(question: Question) -> dict[str, Line]:
    return {line.judge: line for line in simulation.simulate(question)}


def test_the_same_seed_gives_the_same_numbers_and_another_does_not() -> None:
    """So that a table can be made anew."""
    question = Question(0.05, 0.001, COURSE, runs=2, seed=7)
    judges = {"evidence": trials.evidence}
    assert simulation.simulate(question, judges) == simulation.simulate(question, judges)
    assert simulation.simulate(question, judges) != simulation.simulate(replace(question, seed=8), judges)


def test_every_judge_catches_a_release_that_fails_one_request_in_five() -> None:
    """Ours in the first step, the others after their count of checks."""
    found = lines(Question(0.2, 0.001, COURSE, runs=6))
    assert list(found) == ["evidence", "threshold", "Flagger 1.44", "Argo Rollouts 1.9"]
    assert {line.caught for line in found.values()} == {100.0}
    seconds = [line.seconds for line in found.values()]
    assert seconds[0] is not None
    assert seconds[0] <= 60
    assert seconds[2:] == [360.0, 240.0]
    failed = [line.failed for line in found.values()]
    assert failed[0] < failed[1] < failed[2] < failed[3]


def test_a_healthy_release_is_promoted_by_everybody() -> None:
    """Without a false alarm, by ours before its planned four minutes."""
    found = lines(Question(0.05, 0.001, COURSE, runs=4))
    assert {line.false_alarms for line in found.values()} == {0.0}
    through = [line.through for line in found.values()]
    assert through[0] is not None
    assert through[0] < 240
    assert through[2:] == [240.0, 240.0]


def test_who_lets_a_bad_release_through_pays_until_the_end_of_the_watch() -> None:
    """A release inside its limit that is ten times worse than stable: no threshold sees it."""
    found = lines(Question(0.005, 0.0005, COURSE, runs=4))
    flagger = found["Flagger 1.44"]
    assert (flagger.caught, flagger.seconds) == (0.0, None)
    assert flagger.exposed > 50 * (900 - 240)
    assert found["evidence"].caught > 0
    assert found["evidence"].exposed < flagger.exposed


@pytest.mark.parametrize("judge", [pytest.param(judge, id=name) for name, judge in trials.JUDGES.items()])
def test_without_traffic_to_speak_of_nobody_is_taken_for_healthy(judge: trials.Trial) -> None:
    """A canary that gets a request every minute is promoted by nobody but who steps by the clock."""
    course = replace(COURSE, size=Size(rps=0.02, canary=1), horizon=300.0)
    found = [judge(simulation.constant("quiet", 0.0, 0.0), seed, course) for seed in range(3)]
    assert not any(one.promoted for one in found)


def test_traffic_is_split_by_the_weight() -> None:
    """And every request is served by somebody."""
    world = World(simulation.constant("half", 0.1, 0.0), 1, Size(rps=100.0))
    world.shift(0.0, 0.5)
    world.run(600.0)
    world.stop(600.0)
    requests, failures = world.served
    assert requests == pytest.approx(30_000, rel=0.05)
    assert failures == pytest.approx(3_000, rel=0.1)


def test_a_counter_of_failures_is_born_with_the_first_one() -> None:
    """As client libraries do it, which is what Prometheus cannot difference."""
    world = World(simulation.constant("rare", 0.01, 0.0), 1, Size())
    world.shift(0.0, 0.05)
    world.run(300.0)
    for pod in world.canary:
        good, bad = pod.counters
        assert not bad.times or bad.times[0] > good.times[0]
        assert 0.0 not in (*good.values, *bad.values)


def test_a_burst_is_one_pods_for_ten_seconds() -> None:
    """Pods that burst all the time fail as bursts do; one that never does fails nothing."""
    calm = Scenario("calm", lambda _, __: 0.0, lambda _, __: 0.0)
    shares = []
    for bursts in (0.0, 1 / 60, 5.0):
        world = World(replace(calm, bursts=bursts), 1, Size())
        world.shift(0.0, 1.0)
        world.run(300.0)
        requests, failures = world.served
        shares.append(failures / requests)
    assert shares[0] == 0
    assert 0.01 < shares[1] < 0.15
    assert shares[2] == pytest.approx(0.3, abs=0.03)
