"""Promises to users, as end-to-end tests check them. One that was broken is no accident of a slow machine.

A test that fails is run once more, and passes if it does then; not so a test in which a promise was broken, since that
is never to happen at all.
"""

from datetime import UTC, datetime

from sandbox import tally


class Broken(AssertionError):
    """A promise to users was broken: a request failed, or the new version met somebody whom it was not to meet."""


def keep(holds: bool, words: str) -> None:
    """Assert, about a promise."""
    if not holds:
        raise Broken(words)


def none_failed(total: tally.Tally) -> tally.Tally:
    """No request failed (promise 5)."""
    keep(total.failed == 0, f"{total}, {when(total)}")
    return total


def only_failed(total: tally.Tally, version: str) -> tally.Tally:
    """Requests failed that this version answered, and no others."""
    found = {failed for failed, _ in total.failures}
    keep(found <= {version}, f"others than {version} failed too: {total}, {when(total)}")
    assert found == {version}, f"no request of {version} failed: {total}"
    return total


def when(total: tally.Tally) -> str:
    """The seconds in which requests failed, as a log writes them."""
    seconds = sorted({second for second, _, outcome in total.counts if not tally.is_success(outcome)})
    return "at " + ", ".join(f"{datetime.fromtimestamp(second, UTC):%H:%M:%S}" for second in seconds[:20])


def lost(total: tally.Tally, steady: str) -> dict[tuple[str, str], int]:
    """(version, outcome) to number of what must never fail: what nobody answered, and what this version did."""
    return {key: number for key, number in total.failures.items() if key[0] in (tally.NOBODY, steady)}
