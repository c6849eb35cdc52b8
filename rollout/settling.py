"""Wait until every proxy is taken to follow what was written."""

from rollout.seen import Decision, Pace, Seen


def wait_for_settle(seen: Seen, pace: Pace, least: float | None = None) -> Decision | None:
    """Wait until every proxy is taken to follow what stands in the route's objects."""
    needed = pace.settle if least is None else max(pace.settle, least)
    return Decision(look_again=needed - seen.route_age) if seen.route_age < needed else None
