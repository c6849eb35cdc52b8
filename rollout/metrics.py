"""The controller's own metrics, with labels that can not grow without bound; a release's series go when it ends."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from analysis.verdict import Judgement
from rollout.status import ENDED, Release


class Metrics:
    """One registry of everything that /metrics shows."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.looks = Counter(
            "rampart_looks", "Looks at a Deployment, by how they ended.", ["result"], registry=self.registry
        )
        self.look_seconds = Histogram(
            "rampart_look_seconds",
            "How long one look took.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self.queue = Gauge("rampart_queue_depth", "Deployments that wait for a look.", registry=self.registry)
        self.requests = Counter(
            "rampart_api_requests", "Requests to the API server.", ["verb", "kind", "code"], registry=self.registry
        )
        self.weight = Gauge(
            "rampart_release_weight_percent",
            "Weight of the canary in each release in flight.",
            ["namespace", "deployment"],
            registry=self.registry,
        )
        self.phase = Gauge(
            "rampart_release_phase",
            "1 for the phase of each release in flight.",
            ["namespace", "deployment", "phase"],
            registry=self.registry,
        )
        self.measured = Gauge(
            "rampart_release_measured",
            "What the last look measured of each release in flight: success_percent, latency_ms, share_percent,"
            " requests, evidence (100 convicts) and proof.",
            ["namespace", "deployment", "value"],
            registry=self.registry,
        )
        self.verdicts = Counter(
            "rampart_verdicts", "Judgements, by verdict and reason.", ["verdict", "reason"], registry=self.registry
        )
        self.ended = Counter(
            "rampart_releases", "Releases that ended, by outcome.", ["outcome"], registry=self.registry
        )
        self.notifications = Counter(
            "rampart_notifications", "Notifications, by what became of them.", ["result"], registry=self.registry
        )
        self._phases: dict[tuple[str, str], str] = {}
        self._values: dict[tuple[str, str], set[str]] = {}

    def request(self, verb: str, kind: str, code: int, seconds: float) -> None:
        """One answered request; 0 is no answer."""
        self.requests.labels(verb, kind, str(code)).inc()

    def judged(self, release: Release, judgement: Judgement) -> None:
        """What a look measured."""
        self.verdicts.labels(judgement.verdict.value, judgement.reason.value).inc()
        share = None if judgement.seen_share is None else 100 * judgement.seen_share
        values = {
            "success_percent": judgement.success,
            "latency_ms": judgement.latency_ms,
            "share_percent": share,
            "requests": judgement.requests,
            "evidence": judgement.evidence,
            "proof": judgement.proof,
        }
        key = (release.namespace, release.spec.deployment)
        for value, number in values.items():
            if number is not None:
                self.measured.labels(*key, value).set(number)
                self._values.setdefault(key, set()).add(value)

    def release(self, release: Release) -> None:
        """What a release shows now."""
        key = (release.namespace, release.spec.deployment)
        before = self._phases.pop(key, None)
        if before is not None:
            self.phase.remove(*key, before)
        if release.status.phase in ENDED:
            for value in self._values.pop(key, ()):
                self.measured.remove(*key, value)
            if before is not None:
                self.weight.remove(*key)
                self.ended.labels(release.status.phase.value).inc()
            return
        self._phases[key] = release.status.phase.value
        self.phase.labels(*key, release.status.phase.value).set(1)
        self.weight.labels(*key).set(float(release.status.weight))
