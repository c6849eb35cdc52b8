"""What the exit codes of the commands mean: pipelines go by them."""

from enum import IntEnum

from rollout.status import Phase


class Code(IntEnum):
    DONE = 0
    """Done; of `wait`: promoted."""
    FAILED = 1
    """Something is wrong or was refused; the message says what."""
    USAGE = 2
    """The command line is wrong."""
    ROLLED_BACK = 3
    CANCELLED = 4
    SUPERSEDED = 5
    REVERTED = 6
    TIMED_OUT = 7
    NOT_FOUND = 8


OUTCOMES = {
    Phase.PROMOTED: Code.DONE,
    Phase.ROLLED_BACK: Code.ROLLED_BACK,
    Phase.CANCELLED: Code.CANCELLED,
    Phase.SUPERSEDED: Code.SUPERSEDED,
    Phase.REVERTED: Code.REVERTED,
}
"""How a release ended, as an exit code."""
