"""The rules by which Flagger 1.44 and Argo Rollouts 1.9 act on checks, as their sources have them.

Both compare one number of the canary, over the last minute, with a threshold; neither looks at stable.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

RETRY = timedelta(seconds=10)
"""After which Argo Rollouts repeats a measurement that had no answer."""


class Move(StrEnum):
    STAY = "stay"
    RISE = "rise"
    BACK = "back"


@dataclass(frozen=True)
class Flagger:
    """At every interval: back if `tolerated` checks have failed before; else a check, and a good one raises the weight.

    Failures add up and are never forgiven, and the last one is acted on an interval late (pkg/controller/scheduler.go).
    """

    tolerated: int = 5
    failures: int = 0

    def looked(self, is_good: bool | None) -> tuple["Flagger", Move]:
        """After a check; None, no answer, is a failed one."""
        if self.failures >= self.tolerated:
            return self, Move.BACK
        if is_good:
            return self, Move.RISE
        return replace(self, failures=self.failures + 1), Move.STAY

    @property
    def words(self) -> str:
        return f"{self.failures} of {self.tolerated} checks failed"


@dataclass(frozen=True)
class Argo:
    """A measurement at every interval, in the background, while the weight rises by the clock.

    Back by more than `limit` failures (failureLimit), or more than `patience` measurements in a row without an answer
    (consecutiveErrorLimit), which are repeated after RETRY.
    """

    limit: int = 3
    patience: int = 4
    failures: int = 0
    silences: int = 0

    def looked(self, is_good: bool | None) -> tuple["Argo", Move]:
        """After a measurement; None is no answer."""
        silences = self.silences + 1 if is_good is None else 0
        after = replace(self, failures=self.failures + (is_good is False), silences=silences)
        is_back = after.failures > self.limit or after.silences > self.patience
        return after, Move.BACK if is_back else Move.STAY

    def wait(self, interval: timedelta) -> timedelta:
        """Until the next measurement."""
        return min(RETRY, interval) if self.silences else interval

    @property
    def words(self) -> str:
        text = f"{self.failures} measurements failed, {self.limit} are tolerated"
        return f"{text}; {self.silences} without an answer" if self.silences else text
