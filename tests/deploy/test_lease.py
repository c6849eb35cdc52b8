"""Who holds a Lease and when it may be taken; and what is written into it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from deploy import lease
from deploy.lease import Record, Sight

NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
HELD = Record("one", 15, 2, "a", "b")


@pytest.mark.parametrize(
    ("record", "free_after"),
    [
        pytest.param(None, 0, id="no lease at all"),
        pytest.param(Record(), 0, id="never taken"),
        pytest.param(replace(HELD, holder=""), 0, id="released"),
        pytest.param(HELD, 15, id="held: after the record's own duration"),
        pytest.param(replace(HELD, seconds=600), 600, id="held for long"),
        pytest.param(replace(HELD, seconds=0), 0, id="a holder that names no duration"),
        pytest.param(replace(HELD, seconds=-5), 0, id="a negative duration"),
        pytest.param(replace(HELD, seconds=10**9), 86_400, id="a typing error keeps nobody out for ever"),
    ],
)
def test_a_lease_is_free_after_its_own_duration_of_silence(record: Record | None, free_after: float) -> None:
    """Counted from when this process saw the record, whatever the times in it say."""
    sight = lease.observed(None, record, 100.0)
    assert sight.runs_out() == 100.0 + free_after
    assert sight.is_free(100.0 + free_after)
    assert free_after == 0 or not sight.is_free(99.9 + free_after)


def test_only_a_change_of_the_record_is_a_sign_of_life() -> None:
    """An edited label makes another resourceVersion and says nothing about the holder."""
    first = lease.observed(None, HELD, 100.0)
    edited = replace(HELD, stored={"metadata": {"labels": {"a": "b"}}})
    assert lease.observed(first, edited, 109.0) == Sight(edited, 100.0)
    renewed = lease.renewed(HELD, 15, NOW)
    assert lease.observed(first, renewed, 109.0).since == 109.0
    assert lease.observed(first, None, 109.0).is_free(109.0)


def test_changes_of_the_holder_are_counted() -> None:
    """Taken by another, by the same again, and after a release."""
    assert lease.taken(None, "one", 15, NOW).transitions == 0
    assert lease.taken(HELD, "two", 4, NOW) == Record(
        "two", 4, 3, "2026-11-28T09:30:00.000000Z", "2026-11-28T09:30:00.000000Z"
    )
    assert lease.taken(HELD, "one", 15, NOW).transitions == 2
    assert lease.taken(lease.released(HELD, NOW), "one", 15, NOW).transitions == 3


def test_renewing_leaves_the_time_of_taking() -> None:
    """Only the last sign of life changes."""
    assert lease.renewed(HELD, 15, NOW) == replace(HELD, renewed="2026-11-28T09:30:00.000000Z")


def test_releasing_leaves_no_holder() -> None:
    """Whoever reads it may take it at once."""
    free = lease.released(HELD, NOW)
    assert (free.holder, free.seconds, free.transitions) == ("", 1, 2)
    assert lease.observed(None, free, 5.0).is_free(5.0)


def test_what_others_wrote_into_the_lease_stays() -> None:
    """Labels, and fields of the spec that are not ours; the holder of a released one is left out."""
    stored = {
        "metadata": {"name": "rampart", "resourceVersion": "7", "labels": {"app": "rampart"}},
        "spec": {"holderIdentity": "one", "leaseDurationSeconds": 15, "leaseTransitions": 2, "strategy": "OldestFirst"},
    }
    body = lease.written(lease.released(lease.read(stored), NOW))
    assert body["metadata"] == stored["metadata"]
    assert body["spec"] == {
        "leaseDurationSeconds": 1,
        "leaseTransitions": 2,
        "acquireTime": "2026-11-28T09:30:00.000000Z",
        "renewTime": "2026-11-28T09:30:00.000000Z",
        "strategy": "OldestFirst",
    }


def test_an_empty_or_odd_lease_is_read_as_free() -> None:
    """One that was made without a spec, or by hand."""
    bare = {"metadata": {"resourceVersion": "1"}}
    assert lease.read(bare) == Record()
    odd = {**bare, "spec": {"holderIdentity": None, "leaseDurationSeconds": "15"}}
    assert lease.read(odd) == Record()


def test_a_micro_time_has_six_digits_in_utc() -> None:
    """Anything else is refused by the API server with 400."""
    moment = (NOW + timedelta(microseconds=7)).astimezone(timezone(timedelta(hours=5)))
    assert lease.micro_time(NOW) == "2026-11-28T09:30:00.000000Z"
    assert lease.micro_time(moment) == "2026-11-28T09:30:00.000007Z"
