"""What was measured of one leg in one window, and its counts once they are known to be sound."""

from dataclasses import dataclass, field
from fractions import Fraction

from analysis import histogram, outcome


@dataclass(frozen=True)
class Leg:
    """The answers about one leg.

    latency: Nothing too where it was not asked for. dark: none of its pods is scraped any more.
    """

    requests: outcome.Outcome = field(default_factory=outcome.Nothing)
    failures: outcome.Outcome = field(default_factory=outcome.Nothing)
    latency: histogram.Quantile | outcome.Nothing | outcome.Broken = field(default_factory=outcome.Nothing)
    dark: bool = False


@dataclass(frozen=True)
class Tally:
    """Requests, and failures among them: 0 <= failures <= requests, both finite."""

    requests: float = 0.0
    failures: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.failures <= self.requests < float("inf"):
            raise ValueError(f"a tally has 0 <= failures <= requests, got {self.failures} of {self.requests}")

    @property
    def failing(self) -> Fraction:
        """The share of failures, 0 to 1, exactly; 0 without requests."""
        return Fraction(self.failures) / Fraction(self.requests) if self.requests else Fraction(0)

    @property
    def success(self) -> Fraction:
        """The percentage of requests that succeeded, exactly; meaningless, and 100, without requests."""
        return 100 * (1 - self.failing)


@dataclass(frozen=True)
class Unsound:
    """Counts that contradict each other."""

    text: str


def tally(leg: Leg) -> Tally | Unsound | outcome.Broken:
    """Add up a leg's answers: no series of requests is no requests; a broken answer stays broken."""
    match leg.requests, leg.failures:
        case (outcome.Broken() as broken, _) | (_, outcome.Broken() as broken):
            return broken
        case outcome.Nothing(), _:
            return Tally()
        case outcome.Number(requests), outcome.Number(failures) if 0 <= failures <= requests:
            return Tally(requests, failures)
        case outcome.Number(requests), outcome.Number(failures):
            return Unsound(f"{failures:g} failures of {requests:g} requests")
        case _:
            return Unsound("requests are counted, and their failures are not a number")
