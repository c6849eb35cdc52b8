"""Tell a decision to people: the log, Events on Deployment and Release, metrics, and a webhook where one is set."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploy import events
from rollout import notice, telemetry
from rollout.metrics import Metrics
from rollout.notifier import Notifier
from rollout.seen import Level, Told
from rollout.status import Release
from rollout.views import View


@dataclass(frozen=True)
class Speaker:
    """Says each decision once to each of them; notifier: None where nobody is notified."""

    herald: events.Herald
    metrics: Metrics
    notifier: Notifier | None
    leads: Callable[[], bool]
    now: Callable[[], datetime]

    def tell(self, view: View, release: Release | None, told: Told) -> None:
        """One text, three places; the third, the status, is written with the decision itself. A webhook may follow."""
        revision = release.name if release else ""
        say(told, revision)
        words = events.Words(told.reason, told.message, told.level.value, revision)
        if view.deployment is not None:
            self.herald.say(view.deployment, words, self.now())
        if release is not None:
            self.herald.say(reference(release), words, self.now())
            if self.leads():
                self.metrics.told(release)
        if self.notifier is not None:
            self.notifier.tell(notice.of(subject_of(view, release), release, told, self.now()))


def say(told: Told, revision: str) -> None:
    """To the log, under the controller's name."""
    log: Any = telemetry.log("controller")
    fields = {"reason": told.reason, "why": told.message, "release": revision}
    if told.level is Level.NORMAL:
        log.info("decided", **fields)
    else:
        log.warning("decided", **fields)


def subject_of(view: View, release: Release | None) -> notice.Subject:
    """The Deployment that is told of: the release's, though another of that name may stand there now."""
    if release is not None:
        return notice.Subject(view.namespace, view.name, release.spec.deployment_uid)
    return notice.Subject(view.namespace, view.name, view.work.uid if view.work is not None else "")


def reference(release: Release) -> dict[str, object]:
    """What an Event needs to know of a Release."""
    metadata = {"name": release.name, "namespace": release.namespace, "uid": release.uid}
    return {"apiVersion": "rampart.dev/v1alpha1", "kind": "Release", "metadata": metadata}
