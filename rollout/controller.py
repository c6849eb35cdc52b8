"""The controller: watches fill the queue, workers look, the clock calls again; started and stopped in order."""

import random
import threading
import time
from collections.abc import Callable

from analysis.prometheus import Prometheus
from deploy import errors, events
from deploy.cluster import Cluster, from_kubeconfig, in_cluster
from rollout import addresses, elector, office, telemetry
from rollout.clock import Clock
from rollout.desk import Desk
from rollout.elector import Reign
from rollout.health import Server
from rollout.lateness import Lateness
from rollout.metrics import Metrics
from rollout.metrics_judge import MetricsJudge
from rollout.notifier import Notifier
from rollout.office import Office, Premises
from rollout.reconciler import Audience
from rollout.seen import Seen
from rollout.settings import Settings
from rollout.telling import Speaker
from rollout.views import View
from rollout.watching import Watches
from rollout.workqueue import Haste, Queue

SYNC_SECONDS = 30.0
NET_SECONDS = 30.0
BEAT_SECONDS = 5.0
DEAD_AFTER_SECONDS = 120.0
FIRST_LOOKS_A_SECOND = 20.0
FAREWELL_SECONDS = 1.0
"""Looks in hand may go on for so long before a leader that stops writes no more, so that the next one need not wait."""
NOTIFY_SECONDS = 3.0
"""How long what is told last may take to be sent when the controller stops."""
LEAST_BACKOFF, MOST_BACKOFF = 0.2, 30.0


class Controller:
    """One running controller; `run` returns after `stop`.

    Its watches always run. It looks and writes while it leads; otherwise it stands by, with full caches.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._log = telemetry.log("controller")
        self._office: Office | None = None
        self.metrics = Metrics(self._leads)
        self._api = from_kubeconfig(str(settings.kubeconfig)) if settings.kubeconfig else in_cluster()
        self._cluster = Cluster(self._api, observer=self.metrics.request)
        self._prometheus = Prometheus(addresses.access_of(settings))
        self._queue: Queue[str] = Queue()
        self._lateness = Lateness(time.monotonic)
        self._desk = Desk(self._touch)
        self._clock = Clock(self._ring, self._lost)
        self._watches = Watches(
            self._cluster,
            settings.namespaces,
            self._touch,
            self._spread,
            self._watch_told,
            self._policies_changed,
            settings.hold,
        )
        self._elector = elector.of(
            settings, self._cluster, elector.Court(self._lead, self._stand_by, self._elector_told)
        )
        receiver = addresses.receiver_of(settings)
        self._notifier = Notifier(receiver, self._notified) if receiver is not None else None
        self._premises = Premises(
            settings, self._fenced, self._watches, self._judge, Audience(self._speaker().tell, self._looked)
        )
        self._server = Server(settings.listen, self._dead, self._unready, self.metrics.registry, self._notes)
        self._stopping = threading.Event()
        self._failures: dict[str, int] = {}
        self._first_looks = 0
        self._beat = time.monotonic()

    def _fenced(self, allow: Callable[[], None]) -> Cluster:
        """The same door, for writes that only a leader may do."""
        return Cluster(self._api, observer=self.metrics.request, allow=allow)

    def _speaker(self) -> Speaker:
        herald = events.Herald(self._fenced(self._permit), self._event_lost, self.metrics.event)
        return Speaker(herald, self.metrics, self._notifier, self._leads, office.now)

    def _judge(self) -> MetricsJudge:
        """A judge that remembers no answers."""
        return MetricsJudge(self._prometheus, self._desk, self.metrics, self._settings.telemetry)

    def run(self) -> None:
        """Work until `stop` is called; then stop in order: no new looks, looks in hand end, watches end."""
        self._server.start()
        if self._notifier is not None:
            self._notifier.start()
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
        if self._elector is None:
            self._lead(elector.unopposed())
        else:
            self._elector.start()
        self._stopping.wait()
        self._log.info("stopping", in_hand=self._queue.in_hand)
        self._queue.close()
        self._resign(workers)
        if self._notifier is not None:
            self._notifier.stop(NOTIFY_SECONDS)
        self._clock.stop()
        self._watches.stop()
        self._server.stop()
        self._desk.close()
        self._prometheus.close()
        self._cluster.close()
        self._log.info("stopped")

    def _resign(self, workers: list[threading.Thread]) -> None:
        """Looks in hand end, or break off at their next write; the lease is let go when nothing is being written."""
        join(workers, FAREWELL_SECONDS if self._elector is not None else 20)
        if self._elector is not None:
            self._elector.close()
            if join(workers, 10):
                self._elector.release()

    def _leads(self) -> bool:
        office = self._office
        return office is not None and office.reign.holds()

    def _permit(self) -> None:
        """Stands before what is told by whoever leads now."""
        if not self._leads():
            raise errors.Fenced("not written: this process does not lead")

    def _lead(self, reign: Reign) -> None:
        """Look at everything, with a fresh memory: another one led until now."""
        self.metrics.stood_down()
        self._first_looks = 0
        self._failures.clear()
        self._office = self._premises.open(reign)
        self._log.info("leading", in_flight=len(self._watches.in_flight()))
        self._watches.recall()

    def _stand_by(self, why: str) -> None:
        """Caches stay full, so that this process can lead again at once; nothing is looked at."""
        self._office = None
        self._lateness.clear()
        self.metrics.stood_down()
        self._log.warning("standing by", why=why)

    @property
    def port(self) -> int:
        """Where its own endpoints are served."""
        return self._server.port

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
        """One look; whatever it raises, the next one is planned. A standby does not look."""
        office = self._office
        if office is None or not office.reign.holds():
            return
        namespace, _, deployment = name.partition("/")
        self.metrics.lateness.observe(self._lateness.begin(name))
        began = time.monotonic()
        with telemetry.bound(namespace=namespace, deployment=deployment):
            try:
                again = office.reconciler.reconcile(namespace, deployment)
            except errors.Fenced as error:
                again = None
                self._log.info("look broken off", why=str(error))
                self.metrics.looks.labels("Fenced").inc()
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
            self._plan(name, again)

    def _back_off(self, name: str, least: float = LEAST_BACKOFF) -> float:
        """At once at first, then ever later; half of it random."""
        count = self._failures[name] = self._failures.get(name, 0) + 1
        whole = min(MOST_BACKOFF, least * 2.0 ** min(count - 1, 20))
        return whole * random.uniform(0.5, 1.0)

    def _notified(self, result: str) -> None:
        self.metrics.notifications.labels(result).inc()

    def _looked(self, view: View, seen: Seen | None) -> None:
        if not self._leads():
            return
        if view.release is None or seen is None:
            self.metrics.at_rest((view.namespace, view.name))
        else:
            self.metrics.looked(view.release, seen, self._settings.settle)

    def _touch(self, name: str, urgent: bool = False) -> None:
        """Ask for a look; a standby asks for none: whoever comes to lead looks at everything."""
        if self._office is None:
            return
        self._lateness.call(name)
        self._queue.add(name, Haste.URGENT if urgent else Haste.DUE)

    def _ring(self, name: str) -> None:
        if self._office is None:
            return
        self._lateness.ring(name)
        self._queue.add(name, Haste.DUE if name in self._watches.in_flight() else Haste.REST)

    def _plan(self, name: str, seconds: float) -> None:
        if seconds <= 0:
            self._touch(name)
            return
        self._lateness.plan(name, seconds)
        self._clock.after(seconds, name)

    def _spread(self, name: str) -> None:
        """First looks at what rests are spread, so that a start is no storm."""
        self._first_looks += 1
        self._plan(name, self._first_looks / FIRST_LOOKS_A_SECOND % 600)

    def _cast_net(self) -> None:
        """Look at what is under way and was not looked at for long, against every lost wake-up."""
        for name in self._lateness.silent(self._watches.open_names(), NET_SECONDS):
            self._touch(name)

    def _policies_changed(self) -> None:
        """The hold is proven anew for everything that is opted in, at a bounded rate."""
        if (office := self._office) is None:
            return
        office.reconciler.policies_changed()
        for name in self._watches.opted_in():
            self._spread(name)

    def _elector_told(self, text: str) -> None:
        self._log.warning("leadership", what=text)

    def _event_lost(self, text: str) -> None:
        self._log.warning("event not written", why=text)

    def _watch_told(self, text: str) -> None:
        self._log.warning("watch", what=text)

    def _lost(self, name: str) -> None:
        self._log.warning("wake-up lost", name=name)
        if "/" in name:
            self._touch(name)

    def _mark_beat(self) -> None:
        self._beat = time.monotonic()

    def _dead(self) -> tuple[str, ...]:
        silence = time.monotonic() - self._beat
        return (f"the clock has not struck for {silence:.0f} s",) if silence > DEAD_AFTER_SECONDS else ()

    def _unready(self) -> tuple[str, ...]:
        """A standby is as ready as a leader; one that may not even read the lease never will be."""
        forbidden = self._elector.forbidden if self._elector is not None else ""
        return (*self._watches.unsynced(), *((forbidden,) if forbidden else ()))

    def _notes(self) -> tuple[str, ...]:
        """What /readyz says beside whether it is."""
        leader = self._elector.leader if self._elector is not None else ""
        state = "leader" if self._leads() else f"standby: {leader} leads" if leader else "standby: no leader is known"
        return (state, *self._watches.notes())


def join(threads: list[threading.Thread], seconds: float) -> bool:
    """Wait for all of them for at most so long; whether all have ended."""
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
