"""What a running controller says and takes: its /metrics read twice, its memory and its processor time."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

WRITES = frozenset({"create", "replace", "patch", "delete"})
TICKS = os.sysconf("SC_CLK_TCK")


class Row(NamedTuple):
    """One sample's name and labels."""

    name: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Gauges:
    """All samples at one moment, or what was added to them between two; `seconds` of the processor."""

    samples: dict[Row, float] = field(hash=False)
    seconds: float

    def since(self, before: "Gauges") -> "Gauges":
        added = {row: value - before.samples.get(row, 0.0) for row, value in self.samples.items()}
        return Gauges(added, self.seconds - before.seconds)

    def total(self, name: str, **labels: str) -> float:
        """The sum of a name's samples that have these labels."""
        return sum(
            value
            for row, value in self.samples.items()
            if row.name == name and labels.items() <= dict(row.labels).items()
        )

    @property
    def looks(self) -> float:
        return self.total("rampart_looks_total")

    def requests(self) -> dict[tuple[str, str], float]:
        """Requests to the API server by verb and kind."""
        found: dict[tuple[str, str], float] = {}
        for row, value in self.samples.items():
            if row.name == "rampart_api_requests_total" and value:
                labels = dict(row.labels)
                key = labels["verb"], labels["kind"]
                found[key] = found.get(key, 0.0) + value
        return found

    def writes(self) -> float:
        """Of anything but Events; attempts count too."""
        return sum(count for (verb, kind), count in self.requests().items() if verb in WRITES and kind != "events")

    def buckets(self, name: str) -> list[tuple[float, float]]:
        """A histogram's edges and how many lie at or below each."""
        found = [
            (float(dict(row.labels)["le"]), value)
            for row, value in self.samples.items()
            if row.name == f"{name}_bucket"
        ]
        return sorted(found)

    def quantile(self, name: str, share: float) -> float:
        """By lines between a histogram's edges, as Prometheus does it."""
        found = self.buckets(name)
        if not found or not found[-1][1]:
            return float("nan")
        wanted, low, below = share * found[-1][1], 0.0, 0.0
        for edge, count in found:
            if count >= wanted:
                return low if edge == float("inf") else low + (edge - low) * (wanted - below) / max(count - below, 1e-9)
            low, below = edge, count
        return low

    def share_within(self, name: str, edge: float) -> float:
        """Percent of what was measured that is not above an edge."""
        found = dict(self.buckets(name))
        return 100 * found[edge] / found[float("inf")] if found and found[float("inf")] else float("nan")


def read(text: str, pid: int) -> Gauges:
    """From what /metrics says, and from the kernel."""
    families = text_string_to_metric_families(text)
    samples = {
        Row(sample.name, tuple(sorted(sample.labels.items()))): float(sample.value)
        for family in families
        for sample in family.samples
    }
    return Gauges(samples, processor_seconds(pid))


def processor_seconds(pid: int) -> float:
    """What a process has used: user and system time, fields 14 and 15 of its stat; its name may hold blanks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid: int) -> tuple[float, float]:
    """Megabytes (10^6) that a process keeps in memory now, and the most that it ever kept."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    now, most = (int(lines[key].split()[0]) * 1024 / 1e6 for key in ("VmRSS", "VmHWM"))
    return now, most
