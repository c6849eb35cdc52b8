"""Counts what a load's requests came to: by second, version and outcome."""

import bisect
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Key = tuple[int, str, str]

NOBODY = "none"
"""The version of a request that no pod answered."""

EDGES_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)


def is_success(outcome: str) -> bool:
    """An HTTP status below 400, and grpc-status 0 where there is one; `connect`, `reset`, `timeout` are none."""
    return outcome.isdigit() and int(outcome) < 400


@dataclass
class Tally:
    """Requests by (second in which they were due, version, outcome), and latency by version.

    An outcome is the HTTP status, `grpc-N` for a gRPC failure, or why there was no answer: `connect`, `reset`,
    `timeout`, `unsent`.
    """

    counts: Counter[Key] = field(default_factory=Counter)
    latency: dict[str, Counter[float]] = field(default_factory=dict)
    """Version to upper edge in milliseconds (infinity too) to number of answers."""

    def add(self, second: int, version: str, outcome: str, milliseconds: float) -> None:
        self.counts[second, version, outcome] += 1
        place = bisect.bisect_left(EDGES_MS, milliseconds)
        edge = float(EDGES_MS[place]) if place < len(EDGES_MS) else float("inf")
        self.latency.setdefault(version, Counter())[edge] += 1

    def merge(self, other: "Tally") -> None:
        self.counts.update(other.counts)
        for version, edges in other.latency.items():
            self.latency.setdefault(version, Counter()).update(edges)

    def copy(self) -> "Tally":
        return Tally(Counter(self.counts), {version: Counter(edges) for version, edges in self.latency.items()})

    def to_json(self) -> Json:
        return {
            "counts": [[*key, number] for key, number in self.counts.items()],
            "latency": [[v, str(edge), n] for v, edges in self.latency.items() for edge, n in edges.items()],
        }

    @staticmethod
    def from_json(raw: Mapping[str, Any]) -> "Tally":
        tally = Tally()
        for second, version, outcome, number in raw["counts"]:
            tally.counts[second, version, outcome] += number
        for version, edge, number in raw["latency"]:
            tally.latency.setdefault(version, Counter())[float(edge)] += number
        return tally

    @property
    def requests(self) -> int:
        return self.counts.total()

    @property
    def failed(self) -> int:
        return sum(number for (_, _, outcome), number in self.counts.items() if not is_success(outcome))

    @property
    def failures(self) -> dict[tuple[str, str], int]:
        """(version, outcome) to number, of what failed."""
        found: Counter[tuple[str, str]] = Counter()
        for (_, version, outcome), number in self.counts.items():
            if not is_success(outcome):
                found[version, outcome] += number
        return dict(found)

    @property
    def versions(self) -> dict[str, int]:
        """Version to number of requests that it answered."""
        found: Counter[str] = Counter()
        for (_, version, _), number in self.counts.items():
            found[version] += number
        return dict(found)

    @property
    def seconds(self) -> list[int]:
        """Unix seconds in which a request was due, in order."""
        return sorted({second for second, _, _ in self.counts})

    def within(self, seconds: Iterable[int]) -> "Tally":
        """The counts of these seconds alone (latency is not kept by second)."""
        wanted = set(seconds)
        return Tally(Counter({key: number for key, number in self.counts.items() if key[0] in wanted}))

    def share(self, version: str) -> float:
        """The version's part of all requests, 0 to 1; 0 when there are none."""
        return self.versions.get(version, 0) / self.requests if self.requests else 0.0

    def share_by_second(self, version: str) -> dict[int, float]:
        return {second: self.within([second]).share(version) for second in self.seconds}

    def quantile_ms(self, version: str, quantile: float) -> float:
        """Upper edge of the bucket in which that quantile of the version's answers lies; NaN without answers."""
        edges = self.latency.get(version, Counter())
        rank = quantile * edges.total()
        seen = 0
        for edge in sorted(edges):
            seen += edges[edge]
            if seen >= rank:
                return edge
        return float("nan")

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {number}" for name, number in sorted(self.versions.items()))
        text = f"{self.failed} failed of {self.requests} ({versions})"
        why = ", ".join(
            f"{version} {outcome}: {number}" for (version, outcome), number in sorted(self.failures.items())
        )
        return f"{text}; {why}" if why else text
