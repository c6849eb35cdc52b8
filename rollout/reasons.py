"""Every reason that an Event, a log line or a notification can carry; docs/reasons has a page for each.

A test finds all reasons in the code and compares them with this list and with the pages.
"""

from analysis.errors import Fault
from analysis.verdict import ROUTINE, Reason
from rollout.signals import Signal
from rollout.status import Phase

UNSAID: frozenset[str] = frozenset(
    {
        Signal.JUDGED_BAD,
        Signal.CANARY_UNREADY,
        Signal.PAUSE_WISHED,
        Signal.RESUME_WISHED,
        Signal.RETRY_WISHED,
        Signal.PROMOTE_WISHED,
        Signal.PROCEED,
        Phase.PENDING,
        Phase.ROLLING_BACK,
        Reason.PASSED,
        *ROUTINE,
    }
)
"""Names that are told by another reason, or not at all; metrics, columns and docs/moves.md know them."""

LITERAL: frozenset[str] = frozenset(
    {
        "AbortTooLate",
        "ActiveSideChanged",
        "CanaryNotReady",
        "Caution",
        "CanaryTooSmall",
        "FallRefused",
        "GoingOn",
        "HeldAgain",
        "HoldMissing",
        "KeptPaused",
        "LeftPaused",
        "NothingRuns",
        "NothingToFallTo",
        "NothingToResume",
        "Paused",
        "PlanInvalid",
        "PolicyMissing",
        "Previewing",
        "PredecessorFalling",
        "Refused",
        "ReleaseMalformed",
        "Restarting",
        "Resumed",
        "RightMissing",
        "RolloutStalled",
        "RouteNotAccepted",
        "RouteRefused",
        "StableUnhealthy",
        "Swept",
        "TelemetryMissing",
        "Unheld",
        "WishRefused",
        "WriteRefused",
    }
)
"""Reasons that are no member of an enum."""

NAMED: frozenset[str] = frozenset(str(item) for kind in (Signal, Phase, Reason, Fault) for item in kind)

SAID: frozenset[str] = (NAMED | LITERAL) - UNSAID
"""What is told."""
