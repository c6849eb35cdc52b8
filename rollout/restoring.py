"""Take Rampart out of the traffic, now: every Deployment counts as opted out, and the proven machine does the rest.

A release in flight falls, its canary goes and the route is put back as for an opt-out (law 14); what has no Release
any more is salvaged (case 66). Needs no Prometheus and no controller, and must be the only one that acts.
"""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from analysis import custom, evidence, judge
from analysis.threshold import Latency
from analysis.verdict import Judgement
from deploy import errors, events, kinds, names, routers, workload
from deploy.cluster import Cluster
from deploy.traffic import Json
from deploy.workload import Workload
from rollout import routes, salvage, status, team, words
from rollout.actor import Hand, Stale
from rollout.leftovers import Inventory, Lists, Scope
from rollout.observer import Observer
from rollout.pair.observer import PairView
from rollout.reconciler import Audience, Reconciler
from rollout.remains import Remains
from rollout.routes import Routes
from rollout.salvage import Left
from rollout.seen import Pace, Told
from rollout.settings import Settings
from rollout.status import Phase, Release
from rollout.views import View

LEAVING = "rampart restore takes Rampart out of the traffic"
SIDE_BY_SIDE = 8
ROLLED = frozenset({Phase.PROMOTING, Phase.FINISHING})
"""Phases in which there may be no way back to the old pods (law 11)."""

Say = Callable[[str, Told], None]
"""Told each decision about a Deployment, `namespace/name`."""


@dataclass(frozen=True)
class Nobody:
    """The judge while nothing is judged."""

    def judge(self, name: str, question: judge.Question) -> Judgement | None:
        return None

    def weigh(self, name: str, question: evidence.EvidenceQuestion) -> Judgement | None:
        return None

    def faults(self, name: str, now: datetime, latency: Latency | None, service: str) -> tuple[str, ...]:
        return ()

    def tried(self, name: str, now: datetime, trial: custom.Trial) -> tuple[str, ...]:
        return ()


def leaving(deployment: Json) -> Workload:
    return replace(workload.read(deployment), leaving=LEAVING)


def now() -> datetime:
    return datetime.now(UTC)


class Restorer:
    """Brings Deployments to rest, several side by side."""

    def __init__(self, cluster: Cluster, settings: Settings, say: Say, namespaces: tuple[str, ...] = ()) -> None:
        self._cluster = cluster
        self._say = say
        self._domain = settings.cluster_domain
        self._pace = Pace(settle=settings.settle, drain=settings.drain, poll=min(1.0, settings.settle))
        lists = Lists(cluster, namespaces)
        self._routes = Routes(cluster, lists.watched)
        self.inventory = Inventory(cluster, self._routes, lists, settings.cluster_domain)
        self._observer = Observer(cluster, self._routes, Nobody(), settings, now, leaving)
        self._remains = Remains(cluster, self._routes, self._observer, self.inventory, leaving)
        crew = team.around(self._observer, cluster, self._routes, now, leaving)
        self._actor, self._pairs = crew.actor, crew.pair_observer
        self._herald = events.Herald(cluster, lambda text: None)
        self._reconciler = Reconciler(cluster, crew, Audience(self._tell), self._pace)
        self._waiting: dict[str, str] = {}
        self._said: set[tuple[str, Told]] = set()

    def prospect(self, key: str) -> str:
        """What would be done first about a Deployment, in words; nothing is written."""
        view = self._remains.view(key)
        pair = self._pair(view)
        release = pair.release if pair is not None else view.release
        if release is not None:
            text = f"release {release.name} is {release.status.phase} at {words.percent(release.status.weight)}"
            return f"{text}: {foreseen(release)}"
        decision = salvage.decide(self._remains.left(view)[0], self._pace)
        texts = [told.message for told in decision.told] or [type(act).__name__ for act in decision.acts]
        return "; ".join(texts) or ("it is left as it is" if decision.look_again is None else "it is cleaned up")

    # What is done.

    def bring_to_rest(self, keys: Sequence[str], seconds: float) -> Mapping[str, str]:
        """Work until all are at rest or the time is over. Answers what those wait for that are not."""
        return self._until_done(self._step, keys, seconds)

    def clear_strays(self, scope: Scope, seconds: float) -> Mapping[str, str]:
        """Put back the routes whose legs belong to no Deployment that is known; then free unreadable Releases."""
        keys = [f"{namespace}/{service}" for namespace, service in self.inventory.strays(scope)]
        left = self._until_done(self._step_stray, keys, seconds)
        if not left:
            self._free_unreadable(scope)
        return left

    def disown(self) -> None:
        """Give up what the server noted as ours in routes that show nothing of it any more (promise 7)."""
        for kind, items in self.inventory.everything().items():
            for item in items if kind in routers.GIVEN_BACK else ():
                if not self.inventory.shows_ours(item):
                    with contextlib.suppress(errors.Conflict, errors.Missing):
                        routes.disown(self._cluster, routers.KINDS[kind], item)

    def _until_done(
        self, step: Callable[[str], float | None], keys: Sequence[str], seconds: float
    ) -> Mapping[str, str]:
        deadline = time.monotonic() + seconds
        due = dict.fromkeys(keys, 0.0)
        self._waiting = {}
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            while due and time.monotonic() < deadline:
                ready = [key for key, moment in due.items() if moment <= time.monotonic()]
                for key, wait in zip(ready, pool.map(lambda key: self._safely(step, key), ready), strict=True):
                    due.pop(key) if wait is None else due.update({key: time.monotonic() + wait})
                time.sleep(max(0.0, min(due.values(), default=0.0) - time.monotonic()))
        return {key: self._waiting.get(key, "the time was over") for key in due}

    def _safely(self, step: Callable[[str], float | None], key: str) -> float | None:
        """One step; what the cluster refuses is told and tried again."""
        try:
            return step(key)
        except (errors.Conflict, Stale):
            return 0.1
        except errors.ClusterError as error:
            self._wait_for(key, Told("Refused", str(error)))
            return self._pace.poll

    def _step(self, key: str) -> float | None:
        view = self._remains.view(key)
        pair = self._pair(view)
        release = pair.release if pair is not None else view.release
        if release is not None or pair is not None:
            again = self._reconciler.reconcile(view.namespace, view.name)
            self._waiting[key] = release.status.message if release is not None else "its ended release is let go"
            return self._pace.poll if again is None else min(again, self._pace.poll)
        left, target = self._remains.left(view)
        decision = salvage.decide(left, self._pace)
        for told in decision.told:
            self._wait_for(key, told)
        for act in decision.acts:
            self._actor.perform(act, Hand(view, None, target))
        for release in view.ended:
            self._actor.let_go(release)
        return decision.look_again

    def _step_stray(self, key: str) -> float | None:
        namespace, _, service = key.partition("/")
        trace = self.inventory.trace(salvage.target(namespace, service, self._domain))
        if trace is None:
            return None
        route, age = self._routes.survey(trace.target, None)
        decision = salvage.decide(Left(None, (), route, age, remains=True), self._pace)
        for told in decision.told:
            self._wait_for(key, told)
        view = View(namespace, service, None, None, (), ())
        for act in decision.acts:
            self._actor.perform(act, Hand(view, None, trace.target))
        return decision.look_again

    def _pair(self, view: View) -> PairView | None:
        """The pair of which a release is in flight, or is still to be let go."""
        return self._pairs.view(view.namespace, view.name) if view.is_paired else None

    def _free_unreadable(self, scope: Scope) -> None:
        """A Release that can not be read is not held back by us either."""
        for item in self.inventory.all(kinds.RELEASE, scope):
            about = item["metadata"]
            if names.FINALIZER in (about.get("finalizers") or ()) and not _is_readable(item):
                kept = [each for each in about["finalizers"] if each != names.FINALIZER]
                patch = {"metadata": {"finalizers": kept or None}}
                self._cluster.patch(kinds.RELEASE, about["name"], about["namespace"], patch)

    # What is told.

    def _tell(self, view: View, release: Release | None, told: Told) -> None:
        if told.reason == "PlanInvalid":
            return
        self._say(f"{view.namespace}/{view.name}", told)
        if view.deployment is not None:
            said = events.Words(told.reason, told.message, told.level.value, release.name if release else "")
            self._herald.say(view.deployment, said, now())

    def _wait_for(self, key: str, told: Told) -> None:
        self._waiting[key] = told.message
        if (key, told) not in self._said:
            self._said.add((key, told))
            self._say(key, told)


def foreseen(release: Release) -> str:
    """What would be done about a release in flight, in words."""
    at = release.status.phase
    if release.spec.pair:
        return "all traffic stays on it" if at in ROLLED else "traffic to the old side; both Deployments stay"
    first = "users stay on the canary until the roll-out is whole" if at in ROLLED else "traffic to stable"
    return f"{first}, then canary removed, route restored"


def _is_readable(item: Json) -> bool:
    try:
        status.parse(item)
    except (KeyError, ValueError, TypeError):
        return False
    return True
