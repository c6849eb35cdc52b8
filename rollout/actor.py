"""Act: carry out a decision's acts in their order. Each is idempotent: done again after a crash it changes nothing."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from deploy import errors, kinds, names, preview, workload
from deploy.cluster import Cluster
from deploy.kinds import Kind
from deploy.traffic import Json, Target
from deploy.workload import Held, Workload
from rollout import views
from rollout.plan import Plan
from rollout.routes import Routes, disown
from rollout.seen import (
    Act,
    Begin,
    ClearWish,
    Define,
    Disown,
    EndBase,
    HandOver,
    Hold,
    Leave,
    Mark,
    Preview,
    Raise,
    RaiseBase,
    Record,
    Remove,
    Replan,
    Rest,
    Restore,
    RevertTemplate,
    Steer,
    Sweep,
    Unhold,
    Unpause,
    Unpreview,
)
from rollout.status import ENDED, Phase, Release, Spec, Status, build, dump, release_name
from rollout.views import View

OnDeployment = Unpause | RevertTemplate | Mark | Unhold | Rest | Leave | Hold | ClearWish


DISOWN_TRIES = 10
PAUSED: Json = {"paused": True}


class Stale(Exception):
    """The world changed since the look: look again, at once."""


@dataclass
class Hand:
    """One look's hand on one release: what was read, and where its writes go."""

    view: View
    release: Release | None
    target: Target | None


class Actor:
    """Writes to the cluster what a decision says; decides nothing."""

    def __init__(self, cluster: Cluster, routes: Routes, now: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._routes = routes
        self._now = now

    def perform(self, act: Act, hand: Hand) -> None:
        """Do one act. Raises ClusterError, or Stale where the world is not the one that was decided about."""
        match act:
            case Record(status):
                self._record(hand, status)
            case Replan(plan):
                release = hand.release or missing()
                patch = {"spec": {"plan": plan_patch(release, plan.texts()), "metrics": metrics_patch(plan)}}
                hand.release = self._patch_release(release, patch)
            case Define() | Steer() | Restore():
                self._route(act, hand)
            case Disown():
                self._routes.disown(hand.target, (hand.release or missing()).status.saved)
            case Raise(replicas):
                self._raise(hand, replicas)
            case Preview():
                self._preview(hand)
            case Unpreview():
                self._unpreview(hand)
            case RaiseBase(name, replicas):
                self._resize(hand.view.namespace, name, replicas)
            case Sweep():
                self._sweep(hand.view)
            case Remove(base):
                self._remove(hand, base)
            case Begin(digest, attempt, plan):
                self.begin(
                    hand.view, Spec(**spec_of(hand.view, digest, attempt), plan=plan.texts(), metrics=plan.metrics)
                )
            case EndBase(name, phase):
                self._end_base(hand, name, phase)
            case HandOver(name, saved):
                self._hand_over(hand, name, dict(saved))
            case Unpause() | RevertTemplate() | Mark() | Unhold() | Rest() | Leave() | Hold() | ClearWish():
                self._change_deployment(hand, act)

    def _record(self, hand: Hand, status: Status) -> None:
        hand.release = self.record(hand.release or missing(), status)
        if status.phase in ENDED:
            hand.release = self.let_go(hand.release)

    def record(self, release: Release, status: Status) -> Release:
        """Write the whole status, at the version that was read; answers the release as it is now."""
        before = self._cluster.get(kinds.RELEASE, release.name, release.namespace)
        body = dump(status, before.get("status") or {}, self._now())
        patch: list[Json] = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": release.resource_version},
            {"op": "add", "path": "/status", "value": body},
        ]
        after = self._cluster.patch(kinds.RELEASE, release.name, release.namespace, patch, subresource="status")
        return renewed_release(release, after, status=status)

    def let_go(self, release: Release) -> Release:
        """Take our finalizer off a release that has ended, and its metrics, which may be long."""
        if names.FINALIZER not in release.finalizers:
            return release
        left = [item for item in release.finalizers if item != names.FINALIZER]
        patch: Json = {"metadata": {"finalizers": left or None}}
        if release.spec.metrics:
            patch["spec"] = {"metrics": None}
        return self._patch_release(release, patch)

    def forget(self, releases: Iterable[Release]) -> None:
        """Delete Releases that are kept no longer."""
        for release in releases:
            with contextlib.suppress(errors.Missing):
                self._cluster.delete(kinds.RELEASE, release.name, release.namespace, uid=release.uid)

    def _patch_release(self, release: Release, patch: Json) -> Release:
        try:
            after = self._cluster.patch(kinds.RELEASE, release.name, release.namespace, patch)
        except errors.Missing:
            return release
        check_kept(patch, after)
        return renewed_release(release, after)

    def _route(self, act: Define | Steer | Restore, hand: Hand) -> None:
        if hand.target is None:
            raise Stale("there is no route to write")
        saved = hand.release.status.saved if hand.release is not None else None
        match act:
            case Define(pins):
                self._routes.define(hand.target, pins)
            case Steer(split):
                self._routes.steer(hand.target, split, saved)
            case Restore():
                self._routes.restore(hand.target, saved)

    def _raise(self, hand: Hand, replicas: int) -> None:
        release, work = hand.release or missing(), hand.view.work
        if self._resize(release.namespace, release.name, replicas):
            return
        if work is None or work.digest != release.spec.revision:
            raise Stale("the template is not the release's any more")
        name = views.canary_name(release)
        try:
            self._cluster.create(kinds.DEPLOYMENT, workload.build_canary(work, name, release.name, replicas))
        except errors.Conflict:
            if self._resize(release.namespace, release.name, replicas):
                return
            where = f"Deployment {release.namespace}/{name}"
            raise errors.Invalid(f"{where} exists and is not Rampart's: delete or rename it") from None

    def _preview(self, hand: Hand) -> None:
        """The preview Service leads to this release's canary: made, or taken over from an earlier release."""
        release, work = hand.release or missing(), hand.view.work
        service = self._cluster.find(kinds.SERVICE, release.status.service, release.namespace)
        if work is None or service is None:
            raise Stale("there is nothing to make a preview of")
        body = preview.build(service, release.name, (work.name, work.uid))
        try:
            self._cluster.create(kinds.SERVICE, body)
        except errors.Conflict:
            self._take_preview(release, body)

    def _take_preview(self, release: Release, body: Json) -> None:
        name = body["metadata"]["name"]
        standing = self._cluster.get(kinds.SERVICE, name, release.namespace)
        if preview.leads_to(standing, release.name):
            return
        if not preview.is_ours(standing):
            where = f"Service {release.namespace}/{name}"
            raise errors.Invalid(f"{where} exists and is not Rampart's: delete or rename it")
        metadata = {"resourceVersion": standing["metadata"]["resourceVersion"], "labels": body["metadata"]["labels"]}
        patch = {"metadata": metadata, "spec": {"selector": body["spec"]["selector"]}}
        self._cluster.patch(kinds.SERVICE, name, release.namespace, patch)

    def _unpreview(self, hand: Hand) -> None:
        release = hand.release or missing()
        name = preview.name(release.status.service)
        standing = self._cluster.find(kinds.SERVICE, name, release.namespace)
        if standing is not None and preview.is_of(standing, release.name):
            self._delete(standing, kinds.SERVICE)

    def _resize(self, namespace: str, release: str, replicas: int) -> bool:
        """Change the size of a release's canary; whether there is one."""
        found = self._canaries(namespace, f"{names.RELEASE}={release}")
        for item in found:
            self._cluster.patch(kinds.DEPLOYMENT, item["metadata"]["name"], namespace, {"spec": {"replicas": replicas}})
        return bool(found)

    def _canaries(self, namespace: str, labels: str) -> list[Json]:
        """Canary Deployments by their labels."""
        return self._cluster.list(kinds.DEPLOYMENT, namespace, labels=labels).items

    def _sweep(self, view: View) -> None:
        for item in view.orphans:
            self._delete(item, kinds.SERVICE if preview.is_ours(item) else kinds.DEPLOYMENT)

    def _remove(self, hand: Hand, base: bool) -> None:
        release = hand.release or missing()
        labels = [release.name, *([release.status.base] if base and release.status.base else [])]
        for label in labels:
            for item in self._canaries(release.namespace, f"{names.RELEASE}={label}"):
                self._delete(item)

    def _delete(self, item: Json, kind: Kind = kinds.DEPLOYMENT) -> None:
        metadata = item["metadata"]
        try:
            self._cluster.delete(kind, metadata["name"], metadata["namespace"], uid=metadata["uid"])
        except errors.Missing:
            return

    def begin(self, view: View, spec: Spec) -> None:
        name = release_name(spec.deployment, spec.revision, spec.attempt)
        try:
            self._cluster.create(kinds.RELEASE, build(spec, view.namespace, name))
        except errors.Conflict:
            return

    def _end_base(self, hand: Hand, name: str, phase: Phase) -> None:
        base = standing(hand, name)
        if base is None:
            return
        text = f"Release {(hand.release or missing()).name} took its place"
        changes = {"phase": phase, "ended": self._now(), "holding": "", "reason": "Superseded", "message": text}
        self.let_go(self.record(base, base.status.model_copy(update=changes)))

    def _hand_over(self, hand: Hand, name: str, saved: Json) -> None:
        base = standing(hand, name)
        if base is not None:
            self.record(base, base.status.model_copy(update={"saved": saved}))

    def _change_deployment(self, hand: Hand, act: OnDeployment) -> None:
        """One patch of the user's Deployment, only at the version at which it was read (law 10, case 61)."""
        work = hand.view.work
        if work is None:
            raise Stale("the Deployment is gone")
        patch = deployment_patch(act, work, hand)
        if patch is None:
            return
        patch.setdefault("metadata", {})["resourceVersion"] = work.resource_version
        after = self._cluster.patch(kinds.DEPLOYMENT, work.name, work.namespace, patch)
        if isinstance(act, RevertTemplate):
            after = self._disown(after)
        hand.view = renewed(hand.view, after)

    def _disown(self, item: Json) -> Json:
        """Others write the Deployment too: tried again, and never at the cost of what was done before it."""
        metadata = item["metadata"]
        for _ in range(DISOWN_TRIES):
            try:
                return disown(self._cluster, kinds.DEPLOYMENT, item)
            except errors.Conflict:
                item = self._cluster.get(kinds.DEPLOYMENT, metadata["name"], metadata["namespace"])
        return item


def deployment_patch(act: OnDeployment, work: Workload, hand: Hand) -> Json | None:
    """The merge patch of one act; None where it is done already."""
    match act:
        case Unpause(digest, held):
            if work.digest != digest:
                raise Stale(f"the template is {work.digest} now, not {digest}")
            return {"metadata": notes(held), "spec": {"paused": None}}
        case RevertTemplate(hash_, held):
            paused = True if held is Held.REST else None
            return {"metadata": notes(held), "spec": {"paused": paused, "template": template_back(hand, hash_, work)}}
        case Mark(digest):
            return None if work.failed == digest else {"metadata": {"annotations": {names.FAILED: digest}}}
        case Unhold():
            return {"metadata": {"annotations": {names.HELD: None, names.FAILED: None}}} if work.held else None
        case Rest():
            return None if work.paused and work.held is Held.REST else {"metadata": notes(Held.REST), "spec": PAUSED}
        case Leave():
            return None if work.held is Held.LEFT else {"metadata": {"annotations": {names.HELD: Held.LEFT.value}}}
        case Hold():
            return {"metadata": {"annotations": {names.HELD: Held.HELD.value}}, "spec": PAUSED}
        case ClearWish(wish):
            return {"metadata": {"annotations": {names.DO: None}}} if work.wish == wish else None


def standing(hand: Hand, name: str) -> Release | None:
    """The release of that name, if it has not ended."""
    return next((item for item in hand.view.releases if item.name == name and not item.is_ended), None)


def notes(held: Held | None) -> Json:
    """Our marks after an un-pause: the wish and the failure go, the held mark stays while a roll-out matters."""
    return {"annotations": {names.HELD: held.value if held else None, names.DO: None, names.FAILED: None}}


def template_back(hand: Hand, hash_: str, work: Workload) -> Json:
    """The template of a ReplicaSet, as a merge patch that also removes what the present template has beyond it."""
    found = next((item for item in hand.view.revisions if item.hash == hash_), None)
    if found is None:
        raise Stale(f"ReplicaSet {hash_} is gone")
    old = strip_hash(found.template)
    return removing(work.template, old)


def strip_hash(template: Json) -> Json:
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {k: v for k, v in (metadata.get("labels") or {}).items() if k != names.POD_TEMPLATE_HASH}
    return {**template, "metadata": metadata}


def removing(present: Json, wished: Json) -> Json:
    """A merge patch (RFC 7386) from `present` to `wished`: null for each key that is to go."""
    patch: Json = {key: None for key in present if key not in wished}
    for key, value in wished.items():
        before = present.get(key)
        patch[key] = removing(before, value) if isinstance(value, dict) and isinstance(before, dict) else value
    return patch


def plan_patch(release: Release, texts: dict[str, str]) -> Json:
    return {**{key: None for key in release.spec.plan if key not in texts}, **texts}


def check_kept(patch: Json, after: Json) -> None:
    """Invalid where the server dropped the metrics: they would be written again at every look."""
    if (patch.get("spec") or {}).get("metrics") and not after["spec"].get("metrics"):
        where = f"Release {after['metadata']['namespace']}/{after['metadata']['name']}"
        raise errors.Invalid(
            f"{where} can not keep metrics: its definition is older than the controller, upgrade the chart or apply"
            " charts/rampart/definitions"
        )


def metrics_patch(plan: Plan) -> list[Json] | None:
    return [one.model_dump(mode="json", by_alias=True) for one in plan.metrics] or None


def spec_of(view: View, digest: str, attempt: int) -> Json:
    uid = view.work.uid if view.work is not None else ""
    return {"deployment": view.name, "deployment_uid": uid, "revision": digest, "attempt": attempt}


def renewed_release(release: Release, after: Json, **changes: Status) -> Release:
    """The release in hand as it was written."""
    metadata = after["metadata"]
    finalizers = tuple(metadata.get("finalizers") or ())
    return release.model_copy(
        update={"resource_version": metadata["resourceVersion"], "finalizers": finalizers, **changes}
    )


def renewed(view: View, after: Json) -> View:
    work = workload.read(after)
    return View(view.namespace, view.name, after, work, view.revisions, view.releases, view.malformed)


def missing() -> Release:
    raise Stale("there is no release in hand")
