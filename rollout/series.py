"""What /metrics shows of each release in flight; nothing of a release is left when it has ended.

The labels are those of the Deployment, so there are as many series as there are Deployments with a release in flight.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from analysis.verdict import Judgement
from rollout.status import Release

Key = tuple[str, str]
"""Namespace and name of the Deployment."""

PLACE = ("namespace", "deployment")


@dataclass(frozen=True)
class Shown:
    """One release as it was last seen; `values` is what looks at it measured."""

    release: Release
    values: Mapping[str, float] = field(default_factory=dict, hash=False)


Rows = Iterable[tuple[tuple[str, ...], float]]
"""Further labels, and a value."""


def weight(shown: Shown) -> Rows:
    yield (), float(shown.release.status.weight)


def seen(shown: Shown) -> Rows:
    if "share_percent" in shown.values:
        yield (), shown.values["share_percent"]


def step(shown: Shown) -> Rows:
    number, _, _ = shown.release.status.step_text.partition("/")
    yield (), float(number) if number.isdigit() else 0.0


def steps(shown: Shown) -> Rows:
    yield (), float(len(shown.release.plan.steps) + 1)


def phase(shown: Shown) -> Rows:
    yield (shown.release.status.phase.value,), 1.0


def holding(shown: Shown) -> Rows:
    yield (), float(bool(shown.release.status.holding))


def measured(shown: Shown) -> Rows:
    for value, number in shown.values.items():
        yield (value,), number


def thresholds(shown: Shown) -> Rows:
    plan = shown.release.plan
    if plan.success_rate:
        yield ("success_percent",), float(plan.success_rate)
    if plan.latency:
        yield ("latency_ms",), plan.latency.limit / timedelta(milliseconds=1)


FAMILIES: tuple[tuple[str, str, tuple[str, ...], Callable[[Shown], Rows]], ...] = (
    ("weight_percent", "Weight of the canary in each release in flight, as it is wished.", (), weight),
    (
        "weight_seen_percent",
        "The canary's measured share of both versions' requests at the last look that judged.",
        (),
        seen,
    ),
    (
        "step",
        "The stay of the plan that the release is at, counted from 1; 0 before the first and in a fall.",
        (),
        step,
    ),
    ("steps", "How many stays the plan has: its steps, and the bake.", (), steps),
    ("phase", "1 for the phase of each release in flight.", ("phase",), phase),
    ("holding", "1 while something holds the release at its weight, else 0.", (), holding),
    (
        "measured",
        "What the last look measured of each release in flight: success_percent, latency_ms, share_percent,"
        " requests, evidence (100 convicts) and proof.",
        ("value",),
        measured,
    ),
    (
        "threshold",
        "What the plan asks for: success_percent at least, latency_ms at most (for its quantile).",
        ("value",),
        thresholds,
    ),
)


class Series(Collector):
    """Shows what it was last told of each Deployment's release, while this process leads; safe for many threads."""

    def __init__(self, registry: CollectorRegistry, leads: Callable[[], bool]) -> None:
        self._leads = leads
        self._lock = threading.Lock()
        self._shown: dict[Key, Shown] = {}
        registry.register(self)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        with self._lock:
            shown = dict(self._shown) if self._leads() else {}
        for name, words, labels, rows in FAMILIES:
            family = GaugeMetricFamily(f"rampart_release_{name}", words, labels=(*PLACE, *labels))
            for key, one in shown.items():
                for more, value in rows(one):
                    family.add_metric((*key, *more), value)
            yield family

    def show(self, release: Release, judgement: Judgement | None = None) -> None:
        """The release as it is now; what was measured before stays, unless that was another release."""
        with self._lock:
            before = self._shown.get(key_of(release))
            is_same = before is not None and before.release.name == release.name
            values = dict(before.values) if before is not None and is_same else {}
            self._shown[key_of(release)] = Shown(release, values | numbers(judgement))

    def drop(self, release: Release) -> bool:
        """It has ended; returns whether it was shown."""
        with self._lock:
            before = self._shown.get(key_of(release))
            if before is None or before.release.name != release.name:
                return False
            del self._shown[key_of(release)]
            return True

    def rest(self, key: Key) -> None:
        """The Deployment has no release in flight, however that came."""
        with self._lock:
            self._shown.pop(key, None)

    def clear(self) -> None:
        """Another process leads: what this one saw is old."""
        with self._lock:
            self._shown.clear()


def key_of(release: Release) -> Key:
    return release.namespace, release.spec.deployment


def numbers(judgement: Judgement | None) -> dict[str, float]:
    """What a look measured; what it could not measure is not there."""
    if judgement is None:
        return {}
    found = {
        "success_percent": judgement.success,
        "latency_ms": judgement.latency_ms,
        "share_percent": None if judgement.seen_share is None else 100 * judgement.seen_share,
        "requests": judgement.requests,
        "evidence": judgement.evidence,
        "proof": judgement.proof,
    }
    return {value: float(number) for value, number in found.items() if number is not None}
