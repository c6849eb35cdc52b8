"""Two real controllers, one Lease, and everything that ends a reign: nothing is written by two, and nothing is lost."""

import signal
import time
from datetime import UTC, datetime

import pytest

from sandbox import ports
from tests.e2e import pair, promises, stage, wire
from tests.e2e.pair import SECONDS, Member, Pair
from tests.e2e.wire import Mood

SLOW = 20.0
"""Seconds that a busy machine may take on top of what is promised."""


def check_two_never_led(found: Pair, seconds: float) -> None:
    """Watch for a while: the one that led says that it does not before the other one says that it does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        first, second = found.members
        before, between, after = first.leads, second.leads, first.leads
        promises.keep(not (before and between and after), "two lead at once")
        time.sleep(0.05)


def quiet_writes(one: Member) -> dict[str, float]:
    """What it has written, at a moment when it writes nothing: not in two looks."""
    before = one.writes()
    while True:
        time.sleep(5.0)
        now = one.writes()
        if now == before:
            return now
        before = now


def test_both_are_ready_and_one_leads() -> None:
    """/readyz is 200 for both and says which; a standby shows no release and asks nothing but the Lease."""
    with pair.opened() as found:
        leader = found.leader()
        standby = found.other(leader)
        holder = found.leases.read()
        assert holder is not None
        stage.wait("it knows", lambda: leader.ask("/readyz") == (200, "ok\nleader\n"))
        stage.wait("it knows", lambda: standby.ask("/readyz") == (200, f"ok\nstandby: {holder.holder} leads\n"))
        found.play.send()
        found.play.set_image("v2")
        found.play.wait_weight("20")
        stage.wait("it is measured", lambda: "rampart_release_weight_percent{" in leader.ask("/metrics")[1])
        assert "rampart_release_weight_percent{" not in standby.ask("/metrics")[1]
        assert standby.writes() == {}
        found.play.wait_phase("Promoted")
        assert standby.writes() == {}
        after = found.leases.read()
        assert after is not None
        assert (after.holder, after.transitions) == (holder.holder, holder.transitions)
        found.play.check_none_failed()
        found.play.check_rest("v2")


@pytest.mark.parametrize(
    ("number", "within"),
    [
        pytest.param(signal.SIGTERM, SECONDS, id="a clean stop: handed over before the lease runs out"),
        pytest.param(signal.SIGKILL, SECONDS * 1.2 + SLOW, id="a crash: within the lease's time"),
    ],
)
@pytest.mark.parametrize("moment", ["Stepping", "Promoting"])
def test_the_other_one_finishes_what_the_leader_began(number: int, within: float, moment: str) -> None:
    """In mid-release, under load: no request fails, and the release is promoted (promises 5 and 6)."""
    with pair.opened() as found:
        play, leader = found.play, found.leader()
        standby = found.other(leader)
        play.send()
        play.set_image("v2")
        play.wait_phase(moment)
        leader.signal(number)
        assert found.seconds_until(standby) <= within
        play.wait_phase("Promoted")
        assert leader.controller.process is not None
        leader.controller.process.wait(stage.PATIENCE)
        leader.controller.process = None
        play.check_none_failed()
        play.check_rest("v2")
        record = found.leases.read()
        assert record is not None
        assert record.transitions >= 1


def test_a_leader_that_was_stopped_writes_nothing_when_it_goes_on() -> None:
    """SIGSTOP in mid-release, the other one goes on, SIGCONT: its reign is over before it has done anything."""
    with pair.opened() as found:
        play, leader = found.play, found.leader()
        standby = found.other(leader)
        play.set_image("v2")
        stage.wait("it holds: nobody sends anything", lambda: play.status().get("holding") == "NoRequests")
        written = quiet_writes(leader)
        leader.signal(signal.SIGSTOP)
        assert found.seconds_until(standby) <= SECONDS * 1.2 + SLOW
        play.send()
        play.wait_weight("50")
        leader.signal(signal.SIGCONT)
        stage.wait("it stands by", lambda: leader.told("standing by"))
        play.wait_phase("Promoted")
        assert leader.writes() == written
        assert not leader.leads
        assert standby.leads
        play.check_none_failed()
        play.check_rest("v2")


@pytest.mark.parametrize("mood", [Mood.REFUSE, Mood.HANG])
def test_a_leader_without_an_api_server_leads_no_more_before_another_does(mood: Mood) -> None:
    """Refused, or hanging: its reign ends by its own clock; the other one finishes; it comes back as a standby."""
    with wire.opened(ports.API_SERVER) as own, pair.opened((own.port, ports.API_SERVER)) as found:
        play = found.play
        leader, standby = found.members
        make_lead(found, leader)
        play.set_image("v2")
        stage.wait("it holds: nobody sends anything", lambda: play.status().get("holding") == "NoRequests")
        written = quiet_writes(leader)
        own.set(mood)
        promises.keep(pair.last_led(leader, lambda: standby.leads) <= pair.SAFE, "it led for too long")
        promises.keep(not leader.leads, "two lead at once")
        play.send()
        play.wait_weight("50")
        own.set(Mood.FORWARD)
        play.wait_phase("Promoted")
        stage.wait("it is ready again", lambda: is_standby(leader))
        assert leader.writes() == written
        play.check_none_failed()
        play.check_rest("v2")


def is_standby(one: Member) -> bool:
    code, text = one.ask("/readyz")
    return code == 200 and "standby" in text


def make_lead(found: Pair, one: Member) -> None:
    """Whichever began: that one leads, and the other one stands by."""
    if found.leader() is one:
        return
    other = found.other(one)
    other.controller.end(signal.SIGTERM)
    found.seconds_until(one)
    other.controller.start()
    stage.wait("it is back", lambda: other.ask("/readyz")[0] == 200)


@pytest.mark.parametrize("mood", [Mood.REFUSE, Mood.HANG])
def test_an_outage_of_the_api_server_ends_no_process(mood: Mood) -> None:
    """It is away for both, for longer than the lease: both stand by, and then one goes on with the release."""
    with wire.opened(ports.API_SERVER) as own, pair.opened((own.port, own.port)) as found:
        play = found.play
        found.leader()
        play.send()
        play.set_image("v2")
        play.wait_weight("20")
        own.set(mood)
        stage.wait("nobody leads", lambda: not any(one.leads for one in found.members))
        time.sleep(SECONDS)
        own.set(Mood.FORWARD)
        found.leader()
        check_two_never_led(found, 3)
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def test_a_lease_taken_by_force_stops_the_leader() -> None:
    """As `rampart restore` does: it writes no more at its next renewal, and nobody leads until it is let go."""
    with pair.opened() as found:
        play, leader = found.play, found.leader()
        play.set_image("v2")
        stage.wait("it holds: nobody sends anything", lambda: play.status().get("holding") == "NoRequests")
        seizure = found.leases.seize("restore", 600, datetime.now(UTC))
        assert seizure.seconds_until_safe == SECONDS
        promises.keep(pair.last_led(leader, lambda: not leader.leads) <= pair.SAFE, "it led for too long")
        written = [one.writes() for one in found.members]
        play.send()
        time.sleep(SECONDS * 2)
        assert not any(one.leads for one in found.members)
        assert [one.writes() for one in found.members] == written
        for one in found.members:
            stage.wait("it says who leads", lambda one=one: "standby: restore leads" in one.ask("/readyz")[1])  # type: ignore[misc]
        found.leases.release(seizure.record, datetime.now(UTC))
        found.leader()
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")
