"""A shop with one opted-in Deployment behind a Service and a route, and a whole head over it, but for its threads."""

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from analysis import custom, evidence, judge
from analysis.threshold import Latency
from analysis.verdict import Judgement, Verdict
from deploy import kinds, names
from deploy.cluster import Cluster
from deploy.traffic import Json
from deploy.workload import Held
from rollout import settings, status, team
from rollout.glances import Glances
from rollout.observer import Observer
from rollout.reconciler import Audience, Looked, Reconciler, unseen
from rollout.routes import Routes
from rollout.seen import Pace, Told
from rollout.settings import Settings
from rollout.status import Release
from rollout.views import View
from tests.rollout.building import START, a_judgement
from tests.rollout.small_cluster import SHOP, SmallCluster

PACE = Pace(settle=0, drain=0, look=5, poll=1)
"""Routes are followed at once, as nothing here is late."""

ROUTE: Json = {"hosts": ["web"], "http": [{"timeout": "3s", "route": [{"destination": {"host": "web"}}]}]}


@dataclass
class Judge:
    """Says what it is told to."""

    says: Judgement = field(default_factory=lambda: a_judgement(Verdict.PASS))
    asked: list[judge.Question] = field(default_factory=list)
    weighed: list[evidence.EvidenceQuestion] = field(default_factory=list)
    wrong: tuple[str, ...] = ()
    tries: list[custom.Trial] = field(default_factory=list)
    late: list[Judgement] | None = None
    """Answers that take long: each comes once; None: it always answers."""

    def judge(self, name: str, question: judge.Question) -> Judgement | None:
        self.asked.append(question)
        if self.late is not None:
            return self.late.pop(0) if self.late else None
        return self.says

    def weigh(self, name: str, question: evidence.EvidenceQuestion) -> Judgement | None:
        self.weighed.append(question)
        return self.judge(name, question.asked)

    def faults(self, name: str, now: datetime, latency: Latency | None, service: str) -> tuple[str, ...]:
        return self.wrong

    def tried(self, name: str, now: datetime, trial: custom.Trial) -> tuple[str, ...]:
        self.tries.append(trial)
        return tuple(f"metric {one.name} is tried" for one in trial.metrics)


@dataclass
class Shop:
    """The cluster, the head's parts, and what was told; each look is ten seconds after the last."""

    cluster: SmallCluster = field(default_factory=SmallCluster)
    judge: Judge = field(default_factory=Judge)
    told: list[Told] = field(default_factory=list)
    clock: datetime = START
    settings: dict[str, object] = field(default_factory=dict)
    late: Hashable | None = None
    """The signs of a watch that has stopped telling."""
    looked: Looked = unseen

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The head begins anew, knowing nothing."""
        door = cast(Cluster, self.cluster)
        routes = Routes(door, self.cluster.watched)
        usual = {"prometheus_url": "http://prometheus", "settle": 0.001, "drain": 0.001}
        found = settings.load({**usual, **self.settings}, {})
        assert isinstance(found, Settings)
        self.observer = Observer(door, routes, self.judge, found, lambda: self.clock)
        crew = team.around(self.observer, door, routes, lambda: self.clock)
        self.glances = Glances(self.signs)
        crew = replace(crew, glances=self.glances)
        self.reconciler = Reconciler(door, crew, Audience(self._tell, self.looked), PACE)

    def signs(self, namespace: str, name: str) -> Hashable | None:
        """What watches that are never late tell of; of ReplicaSets and pods the Deployments' statuses tell."""
        if self.late is not None:
            return self.late
        watched = ("Deployment", "Release", "ReleasePolicy")
        return json.dumps([item for (kind, _), item in sorted(self.cluster.objects.items()) if kind in watched])

    def _tell(self, view: View, release: Release | None, told: Told) -> None:
        self.told.append(told)

    def look(self) -> float | None:
        """One look at the Deployment; then the cluster's own controllers, and ten seconds."""
        try:
            return self.reconciler.reconcile(SHOP, "web")
        finally:
            self.cluster.tick()
            self.clock += timedelta(seconds=10)

    def live(self, enough: Callable[["Shop"], bool], looks: int = 80) -> None:
        """Look until it is enough."""
        for _ in range(looks):
            if enough(self):
                return
            self.look()
        raise AssertionError(f"not enough after {looks} looks: {self.phases}, {self.reasons[-5:]}")

    def change(self, version: str) -> None:
        """Somebody writes a template, and the hold's policies hold it."""
        template = {"metadata": {"labels": {"app": "web", "version": version}}}
        held = {"annotations": {names.HELD: Held.HELD.value}}
        self.cluster.edit(kinds.DEPLOYMENT, "web", {"metadata": held, "spec": {"paused": True, "template": template}})

    def slip(self, version: str) -> None:
        """Somebody writes a template, and no policy holds it."""
        template = {"metadata": {"labels": {"app": "web", "version": version}}}
        self.cluster.edit(kinds.DEPLOYMENT, "web", {"spec": {"template": template}})

    def annotate(self, **annotations: str | None) -> None:
        """Somebody writes our annotations; `on_failure` is `on-failure`, None takes one away."""
        ours = {f"{names.GROUP}/{key.replace('_', '-')}": value for key, value in annotations.items()}
        self.cluster.edit(kinds.DEPLOYMENT, "web", {"metadata": {"annotations": ours}})

    def share(self, name: str = "default", **spec: Any) -> None:
        """Somebody makes a ReleasePolicy."""
        self.cluster.seed(kinds.RELEASE_POLICY, name, spec=spec)

    def unshare(self, name: str = "default") -> None:
        """Somebody deletes it."""
        del self.cluster.objects["ReleasePolicy", name]

    @property
    def deployment(self) -> Json:
        return self.cluster.get(kinds.DEPLOYMENT, "web")

    @property
    def notes(self) -> dict[str, str]:
        """Our annotations on the Deployment, without their prefix."""
        found = self.deployment["metadata"]["annotations"]
        return {key.removeprefix(f"{names.GROUP}/"): value for key, value in found.items()}

    @property
    def releases(self) -> list[Release]:
        """The oldest first; those that can not be read are left out."""
        found = [item for item in self.cluster.list(kinds.RELEASE).items if item["metadata"]["name"] != "broken"]
        return sorted((status.parse(item) for item in found), key=lambda item: item.created)

    @property
    def phases(self) -> list[str]:
        return [item.status.phase.value for item in self.releases]

    @property
    def reasons(self) -> list[str]:
        return [told.reason for told in self.told]

    @property
    def route(self) -> Json:
        found: Json = self.cluster.get(kinds.VIRTUAL_SERVICE, "web")["spec"]
        return found

    @property
    def weights(self) -> list[tuple[str, int]]:
        """For each destination `stable`, `canary` or `root`, and its percent."""
        entries = self.route["http"][0]["route"]
        legs = [str(entry["destination"].get("subset", "rampart-root")).split("-")[1] for entry in entries]
        return [(leg, entry.get("weight", 100)) for leg, entry in zip(legs, entries, strict=True)]


def a_shop(cluster: SmallCluster | None = None, **spec: Any) -> Shop:
    """Four pods of v1 run, nothing is held."""
    shop = Shop(cluster or SmallCluster())
    template = {"metadata": {"labels": {"app": "web", "version": "v1"}}, "spec": {"containers": [{"name": "web"}]}}
    deployment = shop.cluster.seed(
        kinds.DEPLOYMENT,
        "web",
        metadata={"annotations": {names.STRATEGY: "canary"}},
        spec={"replicas": 4, "selector": {"matchLabels": {"app": "web"}}, "template": template, **spec},
    )
    shop.cluster.add_set(deployment, 4)
    shop.cluster.seed(kinds.SERVICE, "web", spec={"selector": {"app": "web"}})
    shop.cluster.seed(kinds.VIRTUAL_SERVICE, "web", spec=ROUTE)
    shop.cluster.tick()
    return shop


def at_rest(shop: Shop) -> bool:
    """There was a release, and none is in flight."""
    return bool(shop.releases) and all(item.is_ended for item in shop.releases)
