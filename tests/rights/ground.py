"""What an act of tests/rights stands on: an administrator's objects of a name of its own, and a door that hears."""

import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import CodeType

from kubernetes import client

from deploy import errors, kinds, names, routers
from deploy.cluster import Cluster
from deploy.traffic import Json
from rollout.actor import Actor, Hand
from rollout.observer import Observer
from rollout.restoring import Nobody
from rollout.routes import Routes
from rollout.settings import Settings
from rollout.status import Release, Spec
from rollout.views import View

VERBS = {"replace": "update"}
"""What rules of RBAC call the verbs of a Cluster."""
SETTINGS = Settings.model_validate({"prometheus_url": "http://127.0.0.1:9"})
PATIENCE_SECONDS = 300.0


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Call:
    """One answer of the API server, and the code of all functions that were under way in that thread."""

    verb: str
    plural: str
    status: int
    stack: frozenset[CodeType] = field(repr=False)

    @property
    def is_refused(self) -> bool:
        return self.status == 403

    @property
    def is_granted(self) -> bool:
        """Whether the authorizer let it pass, whatever became of it: none of that name may be there."""
        return 200 <= self.status < 300 or self.status in (404, 409)


class Door:
    """A Cluster as somebody whose rights are in question, and what was asked through it."""

    def __init__(self, api: client.ApiClient) -> None:
        self.calls: list[Call] = []
        self.cluster = Cluster(api, observer=self._hear)

    def _hear(self, verb: str, plural: str, status: int, seconds: float) -> None:
        frame, stack = sys._getframe(), set[CodeType]()
        while frame.f_back is not None:
            frame = frame.f_back
            stack.add(frame.f_code)
        self.calls.append(Call(VERBS.get(verb, verb), plural, status, frozenset(stack)))

    def answered(self, verb: str, plural: str) -> bool:
        """Whether such a call was let through."""
        return any((call.verb, call.plural) == (verb, plural) and call.is_granted for call in self.calls)


@dataclass(frozen=True)
class Ground:
    """A namespace, in which all that an act needs has one name that nothing else has.

    watched: the namespaces that a controller with these rights watches; none means all.
    """

    admin: Cluster
    namespace: str
    watched: tuple[str, ...] = ()
    name: str = field(default_factory=lambda: f"web-{uuid.uuid4().hex[:8]}")

    def routes(self, cluster: Cluster, watched: Callable[[str], Sequence[Json]] | None = None) -> Routes:
        """Routes over a watch of the administrator's, so that nothing but what is near is read with own rights."""
        return Routes(cluster, watched or self.standing)

    def standing(self, kind: str) -> Sequence[Json]:
        """All of a router's kind in the namespace that belong to this ground; none of a kind that is not served."""
        try:
            found = self.admin.list(routers.KINDS[kind], self.namespace).items
        except errors.Missing:
            return []
        return [item for item in found if item["metadata"]["name"].startswith(self.name)]

    def observer(self, cluster: Cluster) -> Observer:
        return Observer(cluster, self.routes(cluster), Nobody(), SETTINGS, now)

    def actor(self, cluster: Cluster) -> Actor:
        return Actor(cluster, self.routes(cluster), now)

    def view(self) -> View:
        return self.observer(self.admin).view(self.namespace, self.name)

    def deployment(self) -> Json:
        """An opted-in Deployment with a claim. It is paused, so that no pod ever runs."""
        volume = {"name": "data", "persistentVolumeClaim": {"claimName": self.name}}
        template = {
            "metadata": {"labels": {"app": self.name}},
            "spec": {"containers": [{"name": "web", "image": "web:v1"}], "volumes": [volume]},
        }
        metadata = {"name": self.name, "namespace": self.namespace, "annotations": {names.STRATEGY: "canary"}}
        selector = {"matchLabels": {"app": self.name}}
        spec = {"replicas": 1, "paused": True, "selector": selector, "template": template}
        return self.admin.create(kinds.DEPLOYMENT, {"metadata": metadata, "spec": spec})

    def service(self) -> Json:
        spec = {"selector": {"app": self.name}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
        metadata = {"name": self.name, "namespace": self.namespace}
        return self.admin.create(kinds.SERVICE, {"metadata": metadata, "spec": spec})

    def begun(self, attempt: int = 1) -> Hand:
        """A release of the Deployment has begun; it knows its Service."""
        if (view := self.view()).work is None:
            self.deployment()
            view = self.view()
        spec = self.spec(view, attempt)
        self.actor(self.admin).begin(view, spec)
        view = self.view()
        release = next(item for item in view.releases if item.spec == spec)
        known = release.status.model_copy(update={"service": self.name})
        return Hand(view, release.model_copy(update={"status": known}), None)

    def spec(self, view: View, attempt: int = 1) -> Spec:
        assert view.work is not None
        uid, revision = view.work.uid, view.work.digest
        return Spec(deployment=self.name, deployment_uid=uid, revision=revision, attempt=attempt, plan={})

    def touch(self, kind: str, name: str) -> None:
        """Somebody else writes an object, so that whoever has read it before meets a conflict."""
        note = {"metadata": {"annotations": {"team.example.com/note": uuid.uuid4().hex}}}
        self.admin.patch(routers.KINDS[kind], name, self.namespace, note)


def of(hand: Hand) -> Release:
    """The release in hand."""
    assert hand.release is not None
    return hand.release


def wait(what: str, holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:.0f} s: {what}"
        time.sleep(0.02)
