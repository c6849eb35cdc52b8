"""The controller's own metrics, with labels that can not grow without bound; docs/operations.md lists them all.

What concerns one release has the labels of its Deployment, and is kept by `series`: it goes when the release ends.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from analysis import outcome
from rollout.seen import Seen
from rollout.series import Key, Series, key_of
from rollout.status import ENDED, Phase, Release

Answer = TypeVar("Answer")

SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LONG = (0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 120, 300)


class Metrics:
    """One registry of everything that /metrics shows."""

    def __init__(self, leads: Callable[[], bool] = lambda: True) -> None:
        self.registry = CollectorRegistry()
        self.looks = self._counter("looks", "Looks at a Deployment, by how they ended.", "result")
        self.look_seconds = self._histogram("look_seconds", "How long one look took.", SHORT)
        self.lateness = self._histogram(
            "look_lateness_seconds",
            "How long after it was due (planned for then, or called for by a change) a look began.",
            SHORT,
        )
        self.queue = self._gauge("queue_depth", "Deployments that wait for a look.")
        self.leader = self._gauge("leader", "1 while this process leads, 0 while it stands by.")
        self.leader.set_function(lambda: float(leads()))
        self.requests = self._counter(
            "api_requests",
            "Requests to the API server, by what came back; code 0 is no answer.",
            "verb",
            "kind",
            "code",
        )
        self.request_seconds = self._histogram(
            "api_request_seconds",
            "How long a request to the API server took until its answer began, or until it failed.",
            SHORT,
            "verb",
        )
        self.prometheus_seconds = self._histogram(
            "prometheus_seconds",
            "How long a query took, answered or not, by what it was for:"
            " threshold, evidence, custom (metrics of a ReleasePolicy), trial (of those, at rest), preflight.",
            SHORT,
            "query",
        )
        self.prometheus_errors = self._counter(
            "prometheus_errors", "Queries without a trustworthy answer, by reason.", "reason"
        )
        self.verdicts = self._counter(
            "verdicts", "Judgements, by verdict and reason; one for each look that judged.", "verdict", "reason"
        )
        self.events = self._counter("events", "Kubernetes Events written, by reason; repeats are none.", "reason")
        self.ended = self._counter("releases", "Releases whose end this process saw, by outcome.", "outcome")
        self.rollback_seconds = self._histogram(
            "rollback_seconds",
            "How long after a release was decided to fall (judged bad, aborted, superseded or other) all of its"
            " traffic was back: the route has stood without the canary for the settle time.",
            LONG,
        )
        self.series = Series(self.registry, leads)
        self._falls: dict[Key, datetime | None] = {}
        """When the releases that fall were decided to; None once their traffic is back."""

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"rampart_{name}", words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str) -> Gauge:
        return Gauge(f"rampart_{name}", words, registry=self.registry)

    def _histogram(self, name: str, words: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"rampart_{name}", words, labels, buckets=buckets, registry=self.registry)

    def request(self, verb: str, kind: str, code: int, seconds: float) -> None:
        """One answered request; 0 is no answer."""
        self.requests.labels(verb, kind, str(code)).inc()
        self.request_seconds.labels(verb).observe(seconds)

    def event(self, reason: str) -> None:
        """One Event written."""
        self.events.labels(reason).inc()

    def asked(self, query: str, ask: Callable[[str, datetime], Answer]) -> Callable[[str, datetime], Answer]:
        """The same question to Prometheus, measured."""

        def measured(promql: str, at: datetime) -> Answer:
            began = time.monotonic()
            answer = ask(promql, at)
            self.prometheus_seconds.labels(query).observe(time.monotonic() - began)
            if isinstance(answer, outcome.Broken):
                self.prometheus_errors.labels(answer.fault.value).inc()
            return answer

        return measured

    def looked(self, release: Release, seen: Seen, settle: float) -> None:
        """What a look saw of a release in flight; `settle` seconds are what proxies are given to follow a route."""
        if seen.judgement is not None:
            self.verdicts.labels(seen.judgement.verdict.value, seen.judgement.reason.value).inc()
        self.series.show(release, seen.judgement)
        is_back = release.pin not in seen.route.shown and seen.route_age >= settle
        if release.status.phase is Phase.ROLLING_BACK and is_back:
            self._back(key_of(release), seen.now - timedelta(seconds=seen.route_age - settle))

    def _back(self, key: Key, moment: datetime) -> None:
        if (decided := self._falls.get(key)) is not None:
            self._falls[key] = None
            self.rollback_seconds.observe(max(0.0, (moment - decided).total_seconds()))

    def told(self, release: Release) -> None:
        """What a release shows after a decision that is told."""
        if release.status.phase in ENDED:
            self._falls.pop(key_of(release), None)
            if self.series.drop(release):
                self.ended.labels(release.status.phase.value).inc()
            return
        if release.status.phase is Phase.ROLLING_BACK and release.status.decisions:
            self._falls.setdefault(key_of(release), release.status.decisions[-1].at)
        self.series.show(release)

    def at_rest(self, key: Key) -> None:
        """There is no release in flight."""
        self._falls.pop(key, None)
        self.series.rest(key)

    def stood_down(self) -> None:
        """Another process leads from now on: a standby shows no release."""
        self._falls.clear()
        self.series.clear()
