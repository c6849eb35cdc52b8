"""Wait until every proxy is taken to follow what was written."""

from deploy.traffic import Split
from rollout.seen import Decision, Pace, Seen

TOLD_AFTER = 10.0
"""Seconds for which an implementation's silence about a route is not worth a word."""


def wait_for_settle(seen: Seen, pace: Pace, least: float | None = None) -> Decision | None:
    """Wait until every proxy is taken to follow what stands in the route's objects."""
    needed = pace.settle if least is None else max(pace.settle, least)
    return Decision(look_again=needed - seen.route_age) if seen.route_age < needed else None


def wait_for_legs(split: Split, seen: Seen, pace: Pace) -> Decision | None:
    """Before a rise: wait until every leg that is given a share has ready endpoints, where legs have their own."""
    given = {pin for pin, parts in split.shares if parts > 0}
    given |= {split.aside.pin} if split.aside else set()
    return Decision(look_again=pace.poll) if given & seen.route.bare else None


def is_silent(seen: Seen) -> bool:
    """Whether a route's implementation has not accepted what stands there, for so long that people should know."""
    return bool(seen.route.waiting) and seen.route_age >= TOLD_AFTER
