"""What a person asks about: Deployments with their releases, read once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from deploy import errors, kinds, names, services, workload
from deploy.cluster import Cluster
from deploy.traffic import Json
from deploy.workload import Held, Revision, Workload
from rollout import signals, status, words
from rollout.cli import absent
from rollout.cli.clock import now
from rollout.plan import Wish
from rollout.seen import Seen
from rollout.signals import Stage
from rollout.status import Phase, Release

HIDDEN = frozenset({"checkpoint", "checkpointAt", "saved", "podLabels", "stable", "stableDigests", "newStable"})
"""Fields of a status that only the controller can read."""

WISH = re.compile(rf"\bdo=({'|'.join(Wish)})\b")


@dataclass(frozen=True)
class Sight:
    """One Deployment and its releases, the oldest first. partner: in pair mode the one that it takes turns with."""

    work: Workload
    releases: tuple[Release, ...] = ()
    revisions: tuple[Revision, ...] = ()
    partner: Workload | None = None

    @property
    def key(self) -> str:
        return f"{self.work.namespace}/{self.work.name}"

    @property
    def in_flight(self) -> Release | None:
        """The newest release that has not ended."""
        return next((item for item in reversed(self.releases) if not item.is_ended), None)

    @property
    def latest(self) -> Release | None:
        return self.in_flight or (self.releases[-1] if self.releases else None)

    def of(self, revision: str) -> Release | None:
        """The newest release of a template."""
        return next((item for item in reversed(self.releases) if item.spec.revision == revision), None)

    @property
    def sides(self) -> tuple[Workload, ...]:
        """The Deployment, and its partner."""
        return (self.work,) if self.partner is None else (self.work, self.partner)

    @property
    def annotated(self) -> Workload:
        """The one that carries the plan."""
        return next((side for side in self.sides if side.canary_of), self.work)

    @property
    def active(self) -> Workload:
        """Of a pair the side that was promoted last; before any was, the one without annotations."""
        promoted = [item.spec.deployment for item in self.releases if item.status.phase is Phase.PROMOTED]
        first = next((side.name for side in self.sides if side is not self.annotated), self.work.name)
        return next((side for side in self.sides if side.name == (promoted or [first])[-1]), self.work)

    @property
    def is_held(self) -> bool:
        """Whether the present template waits for a release, or for a person."""
        return self.work.held is Held.HELD and self.work.paused

    @property
    def is_down(self) -> bool:
        """Whether the present template failed before and stays down."""
        return self.is_held and self.work.failed == self.work.digest

    @property
    def running(self) -> Revision | None:
        return next((item for item in self.revisions if item.replicas > 0), None)

    def stage(self, release: Release) -> Stage:
        """Where the release stands; Promoting is told apart by whether a pod has rolled."""
        return signals.stage(release, Seen(now(), self.work, self.revisions))


def sight(door: Cluster, namespace: str, name: str) -> Sight:
    """One Deployment; of a pair, with the other side and the releases of both.

    Raises Absent where there is none, and other ClusterErrors.
    """
    body = door.find(kinds.DEPLOYMENT, name, namespace)
    if body is None:
        raise absent.deployment(door, namespace, name)
    work = workload.read(body)
    sets = door.list(kinds.REPLICA_SET, namespace, labels=services.selector(work.spec)).items
    other = partner(door, work)
    both = {name} | ({other.name} if other is not None else set())
    mine = [item for item in releases(door, namespace) if item.spec.deployment == name or item.spec.pair in both]
    return Sight(work, tuple(mine), workload.revisions(sets, work.uid), other)


def partner(door: Cluster, work: Workload) -> Workload | None:
    """The Deployment that it takes turns with, if it is one of a pair; either may be the annotated one."""
    if work.opted_in:
        found = door.find(kinds.DEPLOYMENT, work.canary_of, work.namespace) if work.canary_of else None
        return workload.read(found) if found is not None else None
    others = map(workload.read, door.list(kinds.DEPLOYMENT, work.namespace).items)
    return next((one for one in others if one.opted_in and one.canary_of == work.name), None)


def opted_in(door: Cluster, namespace: str | None) -> tuple[Sight, ...]:
    """Every Deployment that is opted in or carries a mark of ours, without its ReplicaSets; None: of all namespaces.

    A pair is its annotated Deployment, with the releases of both.
    """
    known = releases(door, namespace)
    found = []
    for item in door.list(kinds.DEPLOYMENT, namespace).items:
        about = item["metadata"]
        notes = about.get("annotations") or {}
        mine = tuple(one for one in known if one.key == f"{about['namespace']}/{about['name']}")
        if names.STRATEGY in notes or names.HELD in notes or any(not one.is_ended for one in mine):
            found.append(Sight(workload.read(item), mine))
    return tuple(found)


def releases(door: Cluster, namespace: str | None) -> tuple[Release, ...]:
    """All Releases that can be read, the oldest first. Raises Missing where their definition is not installed."""
    try:
        items = door.list(kinds.RELEASE, namespace).items
    except errors.Missing as error:
        raise errors.Missing(
            "the definition of Releases is not installed: upgrade the chart, or apply charts/rampart/definitions"
        ) from error
    return tuple(sorted(_readable(items), key=lambda item: (item.created, item.spec.attempt, item.name)))


def _readable(items: Iterable[Json]) -> Iterable[Release]:
    for item in items:
        try:
            yield status.parse(item)
        except (ValidationError, KeyError, ValueError, TypeError):
            continue


def opt_in(work: Workload) -> str:
    """The command that opts a Deployment in."""
    return f"kubectl -n {work.namespace} annotate deployment {work.name} {names.STRATEGY}=canary"


def spoken(message: str) -> str:
    """A message of the controller's with the commands in the place of the annotation that they write."""
    return WISH.sub(r"rampart \1", message)


def cause(release: Release) -> str:
    """Why a release ended, without the annotations that would follow: the command line has commands for them.

    The status may have kept only the beginning of these.
    """
    message = release.status.message
    kept = next((n for n in range(len(words.WAYS_ON), 2, -1) if message.endswith(words.WAYS_ON[:n])), 0)
    return message[: len(message) - kept]


def advice(sight: Sight, release: Release) -> str:
    """What a person can do about a release's template, if that stays down and this was its last try; else empty."""
    if not release.is_ended or sight.of(release.spec.revision) is not release:
        return ""
    if release.spec.pair:
        down = any(side.failed == release.spec.revision == side.digest for side in sight.sides)
        return f"it stays down: rampart retry -n {sight.work.namespace} {sight.work.name}" if down else ""
    if not sight.is_down or release.spec.revision != sight.work.digest:
        return ""
    name = f"-n {sight.work.namespace} {sight.work.name}"
    return f"it stays down: rampart retry {name}, or rampart revert {name}"


def advices(door: Cluster, namespace: str | None, found: Iterable[Release]) -> dict[str, str]:
    """What a person can do about each release's template, by `namespace/name` of the release; only where there is
    something. Who may not list Deployments gets no advice.
    """
    try:
        works = [workload.read(item) for item in door.list(kinds.DEPLOYMENT, namespace).items]
    except errors.Forbidden:
        return {}
    texts: dict[str, str] = {}
    for work in works:
        about = (work.namespace, work.name)
        sight = Sight(work, tuple(item for item in found if (item.namespace, item.spec.deployment) == about))
        texts |= {f"{item.namespace}/{item.name}": text for item in sight.releases if (text := advice(sight, item))}
    return texts


def body(release: Release) -> Json:
    """A release as programs read it: its names and plan, and what the status tells."""
    told = release.status.model_dump(mode="json", by_alias=True)
    about = {
        "namespace": release.namespace,
        "deployment": release.spec.deployment,
        **({"pair": release.spec.pair} if release.spec.pair else {}),
        "release": release.name,
        "revision": release.spec.revision,
        "attempt": release.spec.attempt,
        "plan": release.spec.plan,
    }
    return {**about, **{key: value for key, value in told.items() if key not in HIDDEN}}
