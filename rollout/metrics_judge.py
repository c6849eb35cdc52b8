"""The judge over one Prometheus, asked at a desk so that no look waits for it long."""

from dataclasses import dataclass, field
from datetime import datetime

from analysis import custom, evidence, judge, preflight
from analysis.judge import Question
from analysis.mesh import Mesh, Naming
from analysis.meshes import ISTIO
from analysis.prometheus import Prometheus
from analysis.threshold import Latency
from analysis.verdict import Judgement
from rollout.desk import Desk
from rollout.metrics import Metrics


@dataclass(frozen=True)
class MetricsJudge:
    """The judge over one Prometheus, asked at a desk so that no look waits for it long."""

    prometheus: Prometheus
    desk: Desk
    metrics: Metrics
    mesh: Mesh = ISTIO
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The last answers about Deployments at rest, for looks that do not wait for a newer one."""

    def judge(self, name: str, question: Question) -> Judgement | None:
        limits, counted = question.thresholds, (question.bad_looks, question.last_bad)
        about = (question.canary, question.since, counted, limits, question.metrics)
        return self.desk.ask(name, "judge", about, lambda: self._beside(question, self._by_threshold(question)))

    def weigh(self, name: str, question: evidence.EvidenceQuestion) -> Judgement | None:
        asked = question.asked
        about = (asked.canary, asked.since, question.weight, asked.bad_looks, asked.thresholds, asked.metrics)
        return self.desk.ask(name, "evidence", about, lambda: self._beside(asked, self._by_evidence(question)))

    def _by_threshold(self, question: Question) -> Judgement:
        return judge.judge(question, self.metrics.asked("threshold", self.prometheus.ask), self.mesh)

    def _by_evidence(self, question: evidence.EvidenceQuestion) -> Judgement:
        return evidence.judge(question, self.metrics.asked("evidence", self.prometheus.read), self.mesh)

    def _beside(self, question: Question, said: Judgement) -> Judgement:
        """With the custom metrics, if there are any."""
        return custom.beside(said, question, self.metrics.asked("custom", self.prometheus.ask))

    def tried(self, name: str, now: datetime, trial: custom.Trial) -> tuple[str, ...]:
        """What is wrong with custom metrics, seen on the version that runs."""
        namespace, _, workload = name.partition("/")
        ask = self.metrics.asked("trial", self.prometheus.ask)
        answer = self.desk.ask(name, "trial", trial, lambda: custom.faults((namespace, workload), trial, ask, now))
        if answer is not None:
            self.known[f"{name} {trial}"] = answer
        return self.known.get(f"{name} {trial}", ())

    def faults(self, name: str, now: datetime, latency: Latency | None, service: str) -> tuple[str, ...]:
        """At rest a mesh that counts by Services knows the Deployment by its own Service."""
        namespace, _, workload = name.partition("/")
        workload = service if self.mesh.naming is Naming.SERVICE else workload
        ask = self.metrics.asked("preflight", self.prometheus.ask)
        answer = self.desk.ask(
            name,
            "preflight",
            latency,
            lambda: preflight.faults(namespace, workload, ask, now, latency=latency, mesh=self.mesh),
        )
        if answer is not None:
            self.known[name] = answer
        return self.known.get(name, ())
