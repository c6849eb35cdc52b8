"""What follows when the cluster refuses a write: a fall is tried again at once, another one is told and given up."""

from collections.abc import Callable

from deploy import errors
from rollout import seen, status

FALL_AGAIN_SECONDS = 1.0


def is_fall(decision: seen.Decision, release: status.Release | None) -> bool:
    """Whether traffic is taken back: the route is written first, and recorded then or already."""
    falling = release is not None and release.status.phase is status.Phase.ROLLING_BACK
    starts_with_a_route = bool(decision.acts) and isinstance(decision.acts[0], seen.Steer | seen.Restore)
    return starts_with_a_route and (falling or len(decision.acts) > 1)


def answer(
    error: errors.ClusterError,
    decision: seen.Decision,
    release: status.Release | None,
    tell: Callable[[seen.Told], None],
    pace: seen.Pace,
) -> float:
    """Seconds until a fall is tried again, whatever the refusal (promise 3). Raises the error where it is no fall.

    Conflict and Fenced are no refusals: they are raised untold, and so is a right that is missing, which is told as a
    standing fault.
    """
    if isinstance(error, errors.Conflict | errors.Fenced):
        raise error
    if is_fall(decision, release):
        tell(seen.Told("FallRefused", f"tried again at once: {error}", seen.Level.WARNING))
        return min(pace.poll, FALL_AGAIN_SECONDS)
    if isinstance(error, errors.Forbidden | errors.Invalid) and not isinstance(error, errors.NotGranted):
        tell(seen.Told("WriteRefused", str(error), seen.Level.WARNING))
    raise error
