"""What follows from what happened: the table of moves, one row a signal, one column a stage."""

from enum import StrEnum

from rollout.signals import Signal, Stage
from rollout.status import Phase


class Course(StrEnum):
    """What a look does about its signal."""

    GO_ON = "go on"
    """Do the stage's own next thing."""
    FALL = "fall"
    """All traffic to stable, first of all; then RollingBack."""
    END = "end"
    """Nothing of ours is in the route yet: end at once."""
    LET_GO = "let go"
    """The stable pods vanish natively: the root gets the traffic at once; then RollingBack."""
    RETREAT = "retreat"
    """The canary's share to zero, its leg stays: it rises again when its pods are ready."""
    KEEP = "keep"
    """No way back to the old pods: users stay on the canary, the wish is cleared and said (law 11)."""
    TURN = "turn"
    """Roll natively towards the old template, users staying on the canary."""
    STAND = "stand"
    """The canary is production; the newer template's own release stands on it (law 13)."""
    HOLD = "hold"
    """Stay as it is and say why."""
    PAUSE = "pause"
    RESUME = "resume"
    HURRY = "hurry"
    """Skip what remains of the analysis."""
    REPLAN = "replan"
    RESPLIT = "resplit"
    """Save what is in the route now, and split it again."""
    REFUSE = "refuse"
    """The wish does not fit here: clear it and say so."""


C = Course
ORDER = tuple(Stage)

ROWS: dict[Signal, tuple[Course, ...]] = {
    #                        Pending   Preparing  Stepping   Baking     Promoting  Rolling    Finishing  RollingBack
    Signal.DEPLOYMENT_GONE: (C.END, C.LET_GO, C.LET_GO, C.LET_GO, C.LET_GO, C.LET_GO, C.GO_ON, C.GO_ON),
    Signal.RELEASE_DELETED: (C.END, C.FALL, C.FALL, C.FALL, C.FALL, C.KEEP, C.GO_ON, C.GO_ON),
    Signal.HOLD_ESCAPED: (C.END, C.LET_GO, C.LET_GO, C.LET_GO, C.GO_ON, C.GO_ON, C.GO_ON, C.GO_ON),
    Signal.OPTED_OUT: (C.END, C.FALL, C.FALL, C.FALL, C.FALL, C.KEEP, C.GO_ON, C.GO_ON),
    Signal.REVERTED: (C.END, C.FALL, C.FALL, C.FALL, C.FALL, C.TURN, C.GO_ON, C.GO_ON),
    Signal.SUPERSEDED: (C.END, C.FALL, C.FALL, C.FALL, C.FALL, C.STAND, C.GO_ON, C.GO_ON),
    Signal.ABORTED: (C.END, C.FALL, C.FALL, C.FALL, C.FALL, C.KEEP, C.KEEP, C.GO_ON),
    Signal.REVERT_WISHED: (C.END, C.FALL, C.FALL, C.FALL, C.FALL, C.TURN, C.REFUSE, C.GO_ON),
    Signal.JUDGED_BAD: (C.GO_ON, C.FALL, C.FALL, C.FALL, C.FALL, C.GO_ON, C.GO_ON, C.GO_ON),
    Signal.CANARY_DEAD: (C.GO_ON, C.FALL, C.FALL, C.FALL, C.FALL, C.GO_ON, C.GO_ON, C.GO_ON),
    Signal.DEADLINE_PASSED: (C.GO_ON, C.FALL, C.FALL, C.FALL, C.FALL, C.GO_ON, C.GO_ON, C.GO_ON),
    Signal.CANARY_UNREADY: (C.GO_ON, C.GO_ON, C.RETREAT, C.RETREAT, C.RETREAT, C.GO_ON, C.GO_ON, C.GO_ON),
    Signal.NO_DATA_CANCELLED: (C.GO_ON, C.FALL, C.FALL, C.FALL, C.FALL, C.GO_ON, C.GO_ON, C.GO_ON),
    Signal.ROUTE_CONTESTED: (C.GO_ON, C.FALL, C.FALL, C.FALL, C.FALL, C.GO_ON, C.GO_ON, C.GO_ON),
    Signal.SCALED_TO_ZERO: (C.HOLD, C.FALL, C.FALL, C.FALL, C.FALL, C.GO_ON, C.GO_ON, C.GO_ON),
    Signal.FALL_FOUND: (C.GO_ON, C.FALL, C.FALL, C.FALL, C.FALL, C.GO_ON, C.GO_ON, C.GO_ON),
    Signal.PAUSE_WISHED: (C.PAUSE, C.PAUSE, C.PAUSE, C.PAUSE, C.PAUSE, C.REFUSE, C.REFUSE, C.REFUSE),
    Signal.RESUME_WISHED: (C.RESUME, C.RESUME, C.RESUME, C.RESUME, C.RESUME, C.REFUSE, C.REFUSE, C.REFUSE),
    Signal.RETRY_WISHED: (C.REFUSE, C.REFUSE, C.REFUSE, C.REFUSE, C.REFUSE, C.REFUSE, C.REFUSE, C.GO_ON),
    Signal.JUDGED_BAD_HELD: (C.GO_ON, C.HOLD, C.HOLD, C.HOLD, C.HOLD, C.GO_ON, C.GO_ON, C.GO_ON),
    Signal.PLAN_CHANGED: (C.REPLAN, C.REPLAN, C.REPLAN, C.REPLAN, C.REPLAN, C.GO_ON, C.GO_ON, C.GO_ON),
    Signal.ROUTE_DRIFT: (C.GO_ON, C.GO_ON, C.RESPLIT, C.RESPLIT, C.RESPLIT, C.RESPLIT, C.GO_ON, C.GO_ON),
    Signal.PROMOTE_WISHED: (C.HURRY, C.HURRY, C.HURRY, C.HURRY, C.HURRY, C.REFUSE, C.REFUSE, C.REFUSE),
    Signal.PROCEED: (C.GO_ON,) * 8,
}

MOVES: dict[tuple[Stage, Signal], Course] = {
    (stage, signal): course for signal, row in ROWS.items() for stage, course in zip(ORDER, row, strict=True)
}

OUTCOMES: dict[Signal, Phase] = {
    Signal.DEPLOYMENT_GONE: Phase.CANCELLED,
    Signal.RELEASE_DELETED: Phase.CANCELLED,
    Signal.HOLD_ESCAPED: Phase.CANCELLED,
    Signal.OPTED_OUT: Phase.CANCELLED,
    Signal.REVERTED: Phase.REVERTED,
    Signal.SUPERSEDED: Phase.SUPERSEDED,
    Signal.ABORTED: Phase.CANCELLED,
    Signal.REVERT_WISHED: Phase.REVERTED,
    Signal.JUDGED_BAD: Phase.ROLLED_BACK,
    Signal.CANARY_DEAD: Phase.ROLLED_BACK,
    Signal.DEADLINE_PASSED: Phase.CANCELLED,
    Signal.NO_DATA_CANCELLED: Phase.CANCELLED,
    Signal.ROUTE_CONTESTED: Phase.CANCELLED,
    Signal.FALL_FOUND: Phase.REVERTED,
    Signal.SCALED_TO_ZERO: Phase.CANCELLED,
}
"""The end that each fall leads to. A cause that is gone is not made up: it ends as Reverted (law 7)."""

MARKED = frozenset(
    {
        Signal.RELEASE_DELETED,
        Signal.ABORTED,
        Signal.JUDGED_BAD,
        Signal.CANARY_DEAD,
        Signal.DEADLINE_PASSED,
        Signal.NO_DATA_CANCELLED,
        Signal.ROUTE_CONTESTED,
    }
)
"""Causes after which this template must not start again by itself (law 3)."""


def table() -> str:
    """The moves as a Markdown table."""
    head = "| what happened | " + " | ".join(ORDER) + " |\n" + "|---" * (len(ORDER) + 1) + "|\n"
    rows = ("| " + signal + " | " + " | ".join(row) + " |" for signal, row in ROWS.items())
    return head + "\n".join(rows) + "\n"
