"""Controllers are kept out by their Lease while restore acts."""

import argparse
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from deploy import kinds
from deploy.cluster import Cluster
from deploy.lease import Record
from deploy.leases import Leases
from rollout.cli import fence
from tests.rollout.small_cluster import SmallCluster

NOW = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)


def a_lease(cluster: SmallCluster) -> Leases:
    return Leases(cast(Cluster, cluster), "shop", "rampart")


def test_a_leader_is_known_until_its_lease_has_run_out() -> None:
    """By its last sign of life."""
    door = a_lease(SmallCluster())
    assert fence.leader(door, NOW) == ""
    door.take(None, "controller-1", 15, NOW)
    assert fence.leader(door, NOW + timedelta(seconds=14)) == "controller-1"
    assert fence.leader(door, NOW + timedelta(seconds=16)) == ""


def test_a_fence_that_an_earlier_restore_left_is_no_leader() -> None:
    """It may be called again at once."""
    door = a_lease(SmallCluster())
    door.take(None, "rampart-restore-1a2b3c", 120, NOW)
    assert fence.leader(door, NOW) == ""


def test_the_lease_is_ours_during_the_work_and_for_a_while_after(capsys: pytest.CaptureFixture[str]) -> None:
    """The former leader is given the time to stop first."""
    cluster = SmallCluster()
    door = a_lease(cluster)
    door.take(None, "controller-1", 1, datetime.now(UTC))
    with fence.taken(door, 600, 60):
        during = door.read()
        assert during is not None
        assert during.holder.startswith("rampart-restore-")
        assert fence.patience(during) == 1, "who comes after a killed restore waits for the same controller"
        assert during.seconds == 661
    after = door.read()
    assert after is not None
    assert (after.holder, after.seconds) == (during.holder, 60)
    assert "taken from controller-1: 1 s until it has certainly stopped" in capsys.readouterr().out


def test_another_restore_is_not_waited_for() -> None:
    """Only the controller that it may have stopped just now."""
    assert fence.patience(None) == 0
    assert fence.patience(Record()) == 0
    assert fence.patience(Record("controller-1", 15)) == 15
    assert fence.patience(Record("rampart-restore-1a2b3c-15", 720)) == 15
    assert fence.patience(Record("rampart-restore-1a2b3c", 720)) == 0


def test_the_lease_is_looked_for_with_the_account_that_the_hold_names() -> None:
    """A policy says which account it lets write; its namespace is the controllers'."""
    cluster = SmallCluster()
    given = argparse.Namespace(lease_namespace=None, lease_name="rampart")
    assert fence.leases(cast(Cluster, cluster), given).namespace == "rampart-system"
    text = "request.userInfo.username != 'system:serviceaccount:delivery:rampart' && 'rampart.dev/held' in x"
    cluster.seed(kinds.MUTATING_POLICY, "rampart-hold", spec={"matchConditions": [{"expression": text}]})
    assert fence.leases(cast(Cluster, cluster), given).namespace == "delivery"
    named = argparse.Namespace(lease_namespace="here", lease_name="other")
    assert fence.leases(cast(Cluster, cluster), named).namespace == "here"
