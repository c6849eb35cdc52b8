"""The door to one Lease, over the wire: optimistic writes, and taking it by force."""

from datetime import UTC, datetime

import pytest

from deploy import errors
from deploy.leases import TRIES, Leases
from deploy.traffic import Json
from tests.deploy.api_server import door, status
from tests.deploy.one_lease import OneLease

NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)


def test_a_lease_is_made_taken_renewed_and_released() -> None:
    """One life of a Lease; each write goes on from the last one, without reading again."""
    server = OneLease()
    with door(server.answer) as cluster:
        leases = Leases(cluster, "sys", "rampart")
        assert leases.read() is None
        mine = leases.take(None, "one", 15, NOW)
        assert leases.read() == mine
        again = leases.renew(mine, 15, NOW)
        assert server.holder() == "one"
        free = leases.release(again, NOW)
        assert server.holder() == ""
        assert leases.take(free, "two", 15, NOW).transitions == 1


def test_who_comes_second_is_told() -> None:
    """Two made it at once, or took it at once: a Conflict, and the first stays."""
    server = OneLease()
    with door(server.answer) as cluster:
        leases = Leases(cluster, "sys", "rampart")
        leases.take(None, "one", 15, NOW)
        with pytest.raises(errors.Conflict):
            leases.take(None, "two", 15, NOW)
        seen = leases.read()
        leases.take(seen, "three", 15, NOW)
        with pytest.raises(errors.Conflict):
            leases.take(seen, "two", 15, NOW)
        assert server.holder() == "three"


def test_force_takes_it_from_whoever_holds_it() -> None:
    """And says for how long the former holder may still write."""
    server = OneLease(rivals=TRIES - 1)
    with door(server.answer) as cluster:
        seizure = Leases(cluster, "sys", "rampart").seize("restore", 600, NOW)
        assert server.holder() == "restore"
        assert server.stored is not None
        assert server.stored["spec"]["leaseDurationSeconds"] == 600
        assert seizure.seconds_until_safe == 15
        assert seizure.record.transitions == 1


@pytest.mark.parametrize("before", [None, {"spec": {}}, {"spec": {"holderIdentity": "restore"}}])
def test_force_has_nothing_to_wait_for_where_nobody_holds_it(before: Json | None) -> None:
    """No Lease, a released one, and our own."""
    server = OneLease()
    if before is not None:
        server.put(before)
    with door(server.answer) as cluster:
        assert Leases(cluster, "sys", "rampart").seize("restore", 60, NOW).seconds_until_safe == 0


def test_force_gives_up_on_a_lease_that_never_rests() -> None:
    """The last conflict is told."""
    server = OneLease(rivals=TRIES)
    with door(server.answer) as cluster, pytest.raises(errors.Conflict):
        Leases(cluster, "sys", "rampart").seize("restore", 60, NOW)


def test_a_missing_right_is_told() -> None:
    """Not as a lease that is free."""
    with door(lambda asked: status(403, "no")) as cluster, pytest.raises(errors.Forbidden):
        Leases(cluster, "sys", "rampart").read()
