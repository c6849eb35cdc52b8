"""Leadership: at any moment at most one may write, whatever happens to clocks, answers and records."""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy import errors
from deploy.cluster import Cluster
from deploy.leases import Leases
from rollout import controller, elector
from rollout.elector import Candidate, Court, Elector, Reign
from rollout.settings import Settings
from tests.deploy.api_server import Asked, HangUp, Reply, door, status
from tests.deploy.one_lease import OneLease

NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
SECONDS = 15
SAFE = 10.0


@dataclass
class World:
    """A clock that is set by hand, one Lease, and what happens on the way to it."""

    now: float = 1000.0
    lease: OneLease = field(default_factory=OneLease)
    road: Callable[[Asked, Callable[[Asked], Reply]], Reply] = lambda asked, answer: answer(asked)

    def answer(self, asked: Asked) -> Reply:
        return self.road(asked, self.lease.answer)

    def clock(self) -> float:
        return self.now


@dataclass
class Standing:
    """One candidate and what it was told."""

    elector: Elector
    reigns: list[Reign]
    lost: list[str]
    told: list[str]

    def step(self) -> float:
        return self.elector.step()


def standing(world: World, cluster: Cluster, identity: str, seconds: int = SECONDS) -> Standing:
    reigns, lost, told = list[Reign](), list[str](), list[str]()
    court = Court(reigns.append, lost.append, told.append)
    leases = Leases(cluster, "sys", "rampart")
    micro = itertools.count()

    def now() -> datetime:
        return NOW.replace(microsecond=next(micro))

    return Standing(Elector(leases, Candidate(identity, seconds), court, now, world.clock), reigns, lost, told)


@contextmanager
def two(world: World) -> Iterator[tuple[Standing, Standing]]:
    """Two candidates of one world."""
    with door(world.answer, 0.3) as cluster:
        yield standing(world, cluster, "one"), standing(world, cluster, "two")


def refused(asked: Asked, answer: Callable[[Asked], Reply]) -> Reply:
    raise HangUp


def lost_on_the_way_back(asked: Asked, answer: Callable[[Asked], Reply]) -> Reply:
    """The server does what is asked, and the answer never comes."""
    answer(asked)
    raise HangUp


def test_the_first_leads_and_the_second_waits() -> None:
    """And each knows who leads."""
    world = World()
    with two(world) as (one, two_):
        one.step()
        two_.step()
        assert (one.elector.leads, two_.elector.leads) == (True, False)
        assert (one.elector.leader, two_.elector.leader) == ("one", "one")
        assert world.lease.holder() == "one"
        assert len(one.reigns) == 1
        one.reigns[0].check()


def test_a_leader_that_renews_leads_on() -> None:
    """One reign, one request for each renewal, and nobody takes it."""
    world = World()
    with two(world) as (one, two_):
        for _ in range(20):
            one.step()
            two_.step()
            world.now += 4
        assert (len(one.reigns), two_.reigns, one.lost) == (1, [], [])
        assert one.reigns[0].holds()


def test_a_silent_leader_may_write_no_more_long_before_another_leads() -> None:
    """It needs no answer and no thread for that: its own clock says so (SIGSTOP, a hanging server)."""
    world = World()
    with two(world) as (one, two_):
        one.step()
        two_.step()
        reign = one.reigns[0]
        world.now += SAFE - 0.01
        assert reign.holds()
        world.now += 0.01
        with pytest.raises(errors.Fenced, match="does not lead"):
            reign.check()
        two_.step()
        assert not two_.elector.leads
        world.now += SECONDS - SAFE
        two_.step()
        assert two_.elector.leads


def test_a_leader_that_wakes_finds_another_one() -> None:
    """Its reign does not come back; it stands by, and says why."""
    world = World()
    with two(world) as (one, two_):
        one.step()
        two_.step()
        world.now += 60
        two_.step()
        one.step()
        assert one.lost == ["it could not be renewed in time"]
        one.step()
        assert (one.elector.leads, two_.elector.leads, one.elector.leader) == (False, True, "two")


def test_a_leader_that_wakes_before_another_one_took_the_lease_begins_a_new_reign() -> None:
    """What it looked at before is old: the reign that is over stays over."""
    world = World()
    with two(world) as (one, _):
        one.step()
        world.now += SAFE + 1
        one.step()
        one.step()
        assert [reign.holds() for reign in one.reigns] == [False, True]
        assert one.lost == ["it could not be renewed in time"]


def test_a_standby_waits_for_the_records_own_duration() -> None:
    """The holder may have another one than we: after an edit of the settings, or a restore that took it for long."""
    world = World()
    with door(world.answer) as cluster:
        long, short = standing(world, cluster, "long", 60), standing(world, cluster, "short", 3)
        long.step()
        short.step()
        world.now += 59
        short.step()
        assert not short.elector.leads
        world.now += 1
        short.step()
        assert short.elector.leads


def test_a_server_that_refuses_ends_a_reign_in_time_and_no_standby() -> None:
    """Outages are waited out; told once, and their end too."""
    world = World()
    with two(world) as (one, two_):
        one.step()
        two_.step()
        world.road = refused
        for _ in range(12):
            one.step()
            two_.step()
            world.now += 1
        assert (one.elector.leads, one.lost) == (False, ["it could not be renewed in time"])
        assert [len(found.told) for found in (one, two_)] == [1, 1]
        world.road = World.road
        two_.step()
        assert two_.told[-1] == "the lease can be read and written again"
        assert not two_.elector.leads, "the record is the one that was seen 12 s ago"
        world.now += 3
        two_.step()
        assert two_.elector.leads


def test_a_short_outage_is_survived() -> None:
    """Two failed renewals, and the third in time."""
    world = World()
    with two(world) as (one, _):
        one.step()
        world.road = refused
        for _ in range(2):
            world.now += 3
            one.step()
        world.road = World.road
        world.now += 3
        one.step()
        assert (len(one.reigns), one.lost) == (1, [])
        world.now += SAFE - 0.01
        assert one.reigns[0].holds()


def test_an_answer_that_comes_too_late_does_not_prolong_a_reign() -> None:
    """The server hung with our renewal in its hands; it was over when the answer came."""
    world = World()
    with two(world) as (one, _):
        one.step()
        world.now += 3

        def late(asked: Asked, answer: Callable[[Asked], Reply]) -> Reply:
            world.now += SAFE
            return answer(asked)

        world.road = late
        one.step()
        assert one.lost == ["it was renewed too late"]
        assert not one.reigns[0].holds()


def test_taking_that_took_too_long_is_no_reign() -> None:
    """The answer to our taking came when the lease had nearly run out again."""
    world = World()
    with two(world) as (one, _):

        def late(asked: Asked, answer: Callable[[Asked], Reply]) -> Reply:
            world.now += SAFE
            return answer(asked)

        world.road = late
        one.step()
        assert (one.reigns, one.elector.leads) == ([], False)
        world.road = World.road
        one.step()
        assert one.elector.leads


@pytest.mark.parametrize("moment", ["taking", "renewing"])
def test_a_write_whose_answer_was_lost_is_known_as_our_own(moment: str) -> None:
    """The next write meets a conflict with ourselves, and is no reason to give up."""
    world = World()
    with two(world) as (one, _):
        if moment == "renewing":
            one.step()
        world.road = lost_on_the_way_back
        one.step()
        world.road = World.road
        world.now += 2
        one.step()
        assert (one.elector.leads, len(one.reigns), one.lost) == (True, 1, [])
        assert world.lease.stored is not None
        assert world.lease.stored["spec"]["leaseTransitions"] == 0


def test_an_edited_label_is_no_other_leader() -> None:
    """The resourceVersion is another one; the holder is still ourselves."""
    world = World()
    with two(world) as (one, _):
        one.step()
        assert world.lease.stored is not None
        edited = {**world.lease.stored, "metadata": {"labels": {"team": "shop"}}}
        world.lease.put(edited)
        world.now += 3
        one.step()
        assert (len(one.reigns), one.lost) == (1, [])
        assert world.lease.stored["metadata"]["labels"] == {"team": "shop"}
        world.now += SAFE - 0.01
        assert one.reigns[0].holds()


def test_force_ends_a_reign_at_the_next_renewal() -> None:
    """`rampart restore` took it: nobody leads until its time is over, or it lets go."""
    world = World()
    with two(world) as (one, two_), door(world.answer) as cluster:
        one.step()
        leases = Leases(cluster, "sys", "rampart")
        seizure = leases.seize("restore", 600, NOW)
        one.step()
        assert (one.elector.leads, one.lost) == (False, ["restore holds it"])
        world.now += 599
        for found in (one, two_):
            found.step()
        world.now += 1
        assert not one.elector.leads
        leases.release(seizure.record, NOW)
        two_.step()
        assert two_.elector.leads


def test_a_deleted_lease_ends_a_reign() -> None:
    """Somebody may have taken it meanwhile: it is stood for anew."""
    world = World()
    with two(world) as (one, _):
        one.step()
        world.lease.stored = None
        one.step()
        assert one.lost == ["it was deleted"]
        one.step()
        assert [reign.holds() for reign in one.reigns] == [False, True]


def test_of_two_that_take_it_at_once_one_leads() -> None:
    """The other's write is refused, and it waits."""
    world = World()
    with two(world) as (one, two_):

        def overtaken(asked: Asked, answer: Callable[[Asked], Reply]) -> Reply:
            world.road = World.road
            seen = answer(asked)
            two_.step()
            return seen

        world.road = overtaken
        one.step()
        assert (one.elector.leads, two_.elector.leads) == (False, True)
        assert one.told == []


def test_a_clean_stop_hands_over_at_once() -> None:
    """First no write, then the lease; whoever waits takes it at its next step."""
    world = World()
    with two(world) as (one, two_):
        one.step()
        two_.step()
        one.elector.close()
        assert not one.reigns[0].holds()
        assert world.lease.holder() == "one", "until nothing is being written any more"
        one.elector.release()
        two_.step()
        assert two_.elector.leads
        assert one.lost == []


def test_a_clean_stop_takes_at_most_the_three_seconds_that_are_documented() -> None:
    """Looks in hand end, and whoever waits looks again: by their limits, and not by a clock."""
    assert controller.FAREWELL_SECONDS + 1.2 * Candidate("one").retry <= 3


def test_a_lease_that_is_another_ones_is_not_released() -> None:
    """It was taken by force while we stopped; and a second release changes nothing."""
    world = World()
    with two(world) as (one, two_), door(world.answer) as cluster:
        one.step()
        Leases(cluster, "sys", "rampart").seize("restore", 600, NOW)
        one.elector.close()
        one.elector.release()
        one.elector.release()
        two_.elector.release()
        assert world.lease.holder() == "restore"
        assert len(one.told) == 1
        assert "not released" in one.told[0]


def test_a_missing_right_is_named() -> None:
    """It never leads, and says what is missing."""
    words = 'leases.coordination.k8s.io "rampart" is forbidden: User "x" cannot get resource "leases" in API group'
    with door(lambda asked: status(403, words)) as cluster:
        one = standing(World(), cluster, "one")
        one.step()
        assert one.elector.forbidden.startswith("may not get leases.coordination.k8s.io in sys: grant it")
        assert (one.elector.leads, one.elector.leader) == (False, "")


@pytest.mark.parametrize("seed", range(12))
def test_never_do_two_lead(seed: int) -> None:
    """Law: whatever the network, the clock and the processes do, at most one reign holds at any moment.

    Three candidates take random steps; requests are refused, answers lost or late, processes asleep.
    """
    dice, world = random.Random(seed), World()
    with door(world.answer, 0.3) as cluster:
        candidates = [standing(world, cluster, name, dice.choice((5, 15))) for name in ("one", "two", "three")]

        def weather(asked: Asked, answer: Callable[[Asked], Reply]) -> Reply:
            match dice.randrange(8):
                case 0:
                    raise HangUp
                case 1:
                    return lost_on_the_way_back(asked, answer)
                case 2:
                    world.now += dice.uniform(0, 6)
                    found = answer(asked)
                    world.now += dice.uniform(0, 6)
                    return found
                case _:
                    return answer(asked)

        world.road = weather
        leaders = set[int]()
        for _ in range(200):
            awake = dice.choice(candidates)
            awake.step()
            holding = [found for found in candidates if any(reign.holds() for reign in found.reigns)]
            assert len(holding) <= 1
            leaders.update(id(found) for found in holding)
            world.now += dice.choice((0.1, 0.5, 1, 1, 2, 8))
        assert leaders, "the weather was too foul to prove anything"


def test_a_thread_stands_until_it_is_closed() -> None:
    """With real clocks: it leads soon, renews, survives a defect of whom it tells, and ends."""
    lease, gained = OneLease(), []

    def first_breaks(reign: Reign) -> None:
        gained.append(reign)
        if len(gained) == 1:
            raise ValueError("a defect")

    told: list[str] = []
    with door(lease.answer) as cluster:
        court = Court(first_breaks, told.append, told.append)
        one = Elector(Leases(cluster, "sys", "rampart"), Candidate("one", 3), court, lambda: datetime.now(UTC))
        one.start()
        deadline = elector.boot_time() + 60
        while not (one.leads and len(gained) == 2):
            assert elector.boot_time() < deadline, "it does not lead again"
            time.sleep(0.01)
        assert any("ValueError: a defect" in text for text in told)
        one.close()
        one.release()
    assert lease.holder() == ""


def settings(**given: object) -> Settings:
    return Settings(prometheus_url="http://prometheus:9090", **given)  # type: ignore[arg-type]


COURT = Court(lambda reign: None, lambda why: None, lambda text: None)


def test_with_a_kubeconfig_nobody_is_elected_unless_asked() -> None:
    """A developer's controller leads at once, without a Lease."""
    with door(lambda asked: status(404, "no")) as cluster:
        alone = settings(kubeconfig=Path(__file__))
        assert elector.of(alone, cluster, COURT) is None
        assert elector.of(settings(leader_elect=False), cluster, COURT) is None
        asked = settings(kubeconfig=Path(__file__), leader_elect=True, lease_namespace="sys")
        assert isinstance(elector.of(asked, cluster, COURT), Elector)
    elector.unopposed().check()


def test_outside_of_a_pod_the_namespace_has_to_be_said() -> None:
    """There is no ServiceAccount's file to read it from."""
    with door(lambda asked: status(404, "no")) as cluster, pytest.raises(errors.Unreachable, match="own namespace"):
        elector.of(settings(), cluster, COURT)
