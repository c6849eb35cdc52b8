"""What the demo sees at one moment, and what it adds up to at the end."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sandbox import tally

WINDOW_SECONDS = 5


@dataclass(frozen=True)
class Share:
    """One version's part of the real requests of the last seconds, and how many of them succeeded (percent)."""

    version: str
    percent: float
    success: float


@dataclass(frozen=True)
class Moment:
    """One look at the stage."""

    seconds: float
    phase: str = "-"
    step: str = ""
    weight: str = "0"
    shares: tuple[Share, ...] = ()
    news: tuple[str, ...] = ()
    """Events that were not seen before."""

    @property
    def line(self) -> str:
        """The moment for a terminal that shows lines."""
        parts = [f"{item.version} {item.percent:.0f} % (success {item.success:.0f} %)" for item in self.shares]
        return f"{self.seconds:5.0f} s  {self.phase:<11} weight {self.weight:>3} %  requests: {', '.join(parts)}"


@dataclass
class Watcher:
    """Turns what is read into moments, and remembers what was shown."""

    seen: set[str] = field(default_factory=set)

    def moment(
        self,
        seconds: float,
        release: dict[str, Any] | None,
        events: list[dict[str, Any]],
        recent: Counter[tuple[str, bool]],
    ) -> Moment:
        status = (release or {}).get("status") or {}
        return Moment(
            seconds=seconds,
            phase=status.get("phase", "Pending" if release else "-"),
            step=status.get("stepText", ""),
            weight=status.get("weight", "0"),
            shares=shares_of(recent),
            news=tuple(self._fresh(events)),
        )

    def _fresh(self, events: list[dict[str, Any]]) -> list[str]:
        fresh = [item for item in events if item["metadata"]["uid"] not in self.seen]
        self.seen.update(item["metadata"]["uid"] for item in fresh)
        return [f"{item['type']:<7} {item['reason']}: {item['message']}" for item in fresh]


def recent(counts: tally.Tally) -> Counter[tuple[str, bool]]:
    """(version, succeeded) to number, over the last whole seconds."""
    found: Counter[tuple[str, bool]] = Counter()
    last = max((second for second, _, _ in counts.counts), default=0)
    for (second, version, outcome), number in counts.counts.items():
        if last - WINDOW_SECONDS <= second < last:
            found[version, tally.is_success(outcome)] += number
    return found


def shares_of(recent: Counter[tuple[str, bool]]) -> tuple[Share, ...]:
    total = recent.total()
    versions = sorted({version for version, _ in recent})
    found = []
    for version in versions:
        good, bad = recent[version, True], recent[version, False]
        found.append(Share(version, 100 * (good + bad) / total, 100 * good / (good + bad)))
    return tuple(found)


@dataclass(frozen=True)
class Act:
    """One release of the demo, over."""

    title: str
    image: str
    phase: str
    seconds: float
    requests: int
    failed: int
    exposed: int
    """Requests that the new version served."""

    @property
    def line(self) -> str:
        return (
            f"{self.title}: {self.phase} after {self.seconds:.0f} s; {self.requests} requests, {self.failed} failed,"
            f" {self.exposed} served by {self.image}"
        )


def added_up(title: str, image: str, phase: str, seconds: float, before: tally.Tally, after: tally.Tally) -> Act:
    """What happened between two counts."""
    version = image.partition("-")[0]
    served = sum(number for (_, seen, _), number in after.counts.items() if seen == version)
    earlier = sum(number for (_, seen, _), number in before.counts.items() if seen == version)
    return Act(
        title,
        image,
        phase,
        seconds,
        after.requests - before.requests,
        after.failed - before.failed,
        served - earlier,
    )
