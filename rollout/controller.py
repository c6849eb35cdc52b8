"""The controller: watches fill the queue, workers look, the clock calls again; started and stopped in order."""

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from analysis import custom, evidence, judge, preflight
from analysis.judge import Question
from analysis.mesh import Mesh
from analysis.meshes import ISTIO
from analysis.prometheus import Access, Prometheus
from analysis.threshold import Latency
from analysis.verdict import Judgement
from deploy import errors, events
from deploy.cluster import Cluster, from_kubeconfig, in_cluster
from rollout import telemetry
from rollout.actor import Actor
from rollout.clock import Clock
from rollout.desk import Desk
from rollout.health import Server
from rollout.metrics import Metrics
from rollout.observer import Observer, View
from rollout.reconciler import Reconciler
from rollout.routes import Routes
from rollout.seen import Level, Pace, Told
from rollout.settings import Settings
from rollout.status import Release
from rollout.watching import Watches
from rollout.workqueue import Queue

SYNC_SECONDS = 30.0
NET_SECONDS = 30.0
BEAT_SECONDS = 5.0
DEAD_AFTER_SECONDS = 120.0
FIRST_LOOKS_A_SECOND = 20.0
LEAST_BACKOFF, MOST_BACKOFF = 0.2, 30.0


@dataclass(frozen=True)
class MetricsJudge:
    """The judge over one Prometheus, asked at a desk so that no look waits for it long."""

    prometheus: Prometheus
    desk: Desk
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
        return judge.judge(question, self.prometheus.ask, self.mesh)

    def _by_evidence(self, question: evidence.EvidenceQuestion) -> Judgement:
        return evidence.judge(question, self.prometheus.read, self.mesh)

    def _beside(self, question: Question, said: Judgement) -> Judgement:
        """With the custom metrics, if there are any."""
        return custom.beside(said, question, self.prometheus.ask)

    def tried(self, name: str, now: datetime, trial: custom.Trial) -> tuple[str, ...]:
        """What is wrong with custom metrics, seen on the version that runs."""
        namespace, _, workload = name.partition("/")
        answer = self.desk.ask(
            name, "trial", trial, lambda: custom.faults((namespace, workload), trial, self.prometheus.ask, now)
        )
        if answer is not None:
            self.known[f"{name} {trial}"] = answer
        return self.known.get(f"{name} {trial}", ())

    def faults(self, name: str, now: datetime, latency: Latency | None) -> tuple[str, ...]:
        namespace, _, workload = name.partition("/")
        answer = self.desk.ask(
            name,
            "preflight",
            latency,
            lambda: preflight.faults(namespace, workload, self.prometheus.ask, now, latency=latency, mesh=self.mesh),
        )
        if answer is not None:
            self.known[name] = answer
        return self.known.get(name, ())


def now() -> datetime:
    return datetime.now(UTC)


class Controller:
    """One running controller; `run` returns after `stop`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._log = telemetry.log("controller")
        self.metrics = Metrics()
        api = from_kubeconfig(str(settings.kubeconfig)) if settings.kubeconfig else in_cluster()
        self._cluster = Cluster(api, observer=self.metrics.request)
        self._prometheus = Prometheus(access_of(settings))
        self._herald = events.Herald(self._cluster, lambda text: self._log.warning("event not written", why=text))
        self._queue: Queue[str] = Queue()
        self._desk = Desk(self._queue.add)
        self._clock = Clock(self._queue.add, self._lost)
        self._watches = Watches(
            self._cluster, settings.namespaces, self._touch, self._spread, self._watch_told, self._policies_changed
        )
        routes = Routes(self._cluster, self._watches.routes)
        pace = Pace(settle=settings.settle, drain=settings.drain, look=settings.look)
        metrics_judge = MetricsJudge(self._prometheus, self._desk, settings.telemetry)
        observer = Observer(self._cluster, routes, metrics_judge, settings, now)
        actor = Actor(self._cluster, routes, now)
        self._reconciler = Reconciler(
            self._cluster, observer, actor, self._tell, pace, settings.keep, self.metrics.judged
        )
        self._server = Server(settings.listen, self._dead, self._unready, self.metrics.registry)
        self._stopping = threading.Event()
        self._failures: dict[str, int] = {}
        self._first_looks = 0
        self._beat = time.monotonic()

    def run(self) -> None:
        """Work until `stop` is called; then stop in order: no new looks, looks in hand end, watches end."""
        self._server.start()
        self._clock.start()
        self._clock.every(BEAT_SECONDS, self._mark_beat, "beat")
        self._clock.every(NET_SECONDS, self._cast_net, "net")
        unsynced = self._watches.start(SYNC_SECONDS, self._stopping)
        self._log.info("started", listen=self._settings.listen, waiting_for=list(unsynced))
        workers = [
            threading.Thread(target=self._work, name=f"worker-{number}") for number in range(self._settings.workers)
        ]
        for worker in workers:
            worker.start()
        self._stopping.wait()
        self._log.info("stopping", in_hand=self._queue.in_hand)
        self._queue.close()
        for worker in workers:
            worker.join(20)
        self._clock.stop()
        self._watches.stop()
        self._server.stop()
        self._desk.close()
        self._prometheus.close()
        self._cluster.close()
        self._log.info("stopped")

    def stop(self) -> None:
        self._stopping.set()

    def _work(self) -> None:
        while (name := self._queue.take()) is not None:
            try:
                self._look(name)
            finally:
                self._queue.done(name)
                self.metrics.queue.set(len(self._queue))

    def _look(self, name: str) -> None:
        """One look; whatever it raises, the next one is planned."""
        namespace, _, deployment = name.partition("/")
        began = time.monotonic()
        with telemetry.bound(namespace=namespace, deployment=deployment):
            try:
                again = self._reconciler.reconcile(namespace, deployment)
            except errors.ClusterError as error:
                again = self._back_off(name)
                self._log.warning("look failed", why=str(error), kind=type(error).__name__, again_in=again)
                self.metrics.looks.labels(type(error).__name__).inc()
            except Exception:  # noqa: BLE001 the loop's one net: one object's fault never stops the others
                again = self._back_off(name, least=5.0)
                self._log.exception("look broke off", again_in=again)
                self.metrics.looks.labels("broken").inc()
            else:
                self._failures.pop(name, None)
                self.metrics.looks.labels("done").inc()
        self.metrics.look_seconds.observe(time.monotonic() - began)
        if again is not None and not self._stopping.is_set():
            self._clock.after(again, name) if again > 0 else self._queue.add(name)

    def _back_off(self, name: str, least: float = LEAST_BACKOFF) -> float:
        """At once at first, then ever later; half of it random."""
        count = self._failures[name] = self._failures.get(name, 0) + 1
        whole = min(MOST_BACKOFF, least * 2.0 ** min(count - 1, 20))
        return whole * random.uniform(0.5, 1.0)

    def _tell(self, view: View, release: Release | None, told: Told) -> None:
        """One text, three places; the third, the status, is written with the decision itself."""
        revision = release.name if release else ""
        fields = {"reason": told.reason, "why": told.message, "release": revision}
        if told.level is Level.NORMAL:
            self._log.info("decided", **fields)
        else:
            self._log.warning("decided", **fields)
        words = events.Words(told.reason, told.message, told.level.value, revision)
        if view.deployment is not None:
            self._herald.say(view.deployment, words, now())
        if release is not None:
            self._herald.say(reference(release), words, now())
            self.metrics.release(release)

    def _touch(self, name: str, urgent: bool) -> None:
        self._queue.add(name, urgent)

    def _spread(self, name: str) -> None:
        """First looks at what rests are spread, so that a start is no storm."""
        self._first_looks += 1
        self._clock.after(self._first_looks / FIRST_LOOKS_A_SECOND % 600, name)

    def _cast_net(self) -> None:
        """Look at everything that is under way, against every lost wake-up."""
        for name in self._watches.open_names():
            self._queue.add(name)

    def _policies_changed(self) -> None:
        """The hold is proven anew for everything that is opted in, at a bounded rate."""
        self._reconciler.policies_changed()
        for name in self._watches.opted_in():
            self._spread(name)

    def _watch_told(self, text: str) -> None:
        self._log.warning("watch", what=text)

    def _lost(self, name: str) -> None:
        self._log.warning("wake-up lost", name=name)
        if "/" in name:
            self._queue.add(name)

    def _mark_beat(self) -> None:
        self._beat = time.monotonic()

    def _dead(self) -> tuple[str, ...]:
        silence = time.monotonic() - self._beat
        return (f"the clock has not struck for {silence:.0f} s",) if silence > DEAD_AFTER_SECONDS else ()

    def _unready(self) -> tuple[str, ...]:
        return self._watches.unsynced()


def access_of(settings: Settings) -> Access:
    return Access(
        url=settings.prometheus_url,
        headers=settings.prometheus_headers,
        token_file=settings.prometheus_token_file,
        user=settings.prometheus_user,
        password_file=settings.prometheus_password_file,
        ca_file=settings.prometheus_ca_file,
        certificate_file=settings.prometheus_certificate_file,
        key_file=settings.prometheus_key_file,
        insecure=settings.prometheus_insecure,
        read=timedelta(seconds=settings.prometheus_timeout),
    )


def reference(release: Release) -> dict[str, object]:
    """What an Event needs to know of a Release."""
    metadata = {"name": release.name, "namespace": release.namespace, "uid": release.uid}
    return {"apiVersion": "rampart.dev/v1alpha1", "kind": "Release", "metadata": metadata}
