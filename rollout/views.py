"""What was read of one Deployment and its Releases, and which Releases are whose."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from analysis.verdict import Judgement
from deploy import names, workload
from deploy.traffic import Json
from deploy.workload import Canary, Revision, Workload
from rollout.plan import Plan
from rollout.seen import Base
from rollout.status import Release, parse


@dataclass(frozen=True)
class View:
    """What was read of one Deployment and its releases; `release` is the one in hand, None if all have ended."""

    namespace: str
    name: str
    deployment: Json | None = field(hash=False)
    work: Workload | None
    revisions: tuple[Revision, ...]
    releases: tuple[Release, ...]
    """The oldest first."""
    malformed: tuple[str, ...] = ()
    malformed_leaving: tuple[str, ...] = ()
    """Names of Releases that can not be read and are being deleted."""
    orphans: tuple[Json, ...] = field(default=(), hash=False)
    """Canary Deployments of this Deployment, and previews, that belong to no release in flight."""
    is_paired: bool = False
    """Pair mode: it takes turns with another Deployment, or a release between the two is in flight."""
    is_side: bool = False
    """Pair mode: it is being released under the other one's name."""

    @property
    def open(self) -> tuple[Release, ...]:
        return tuple(item for item in self.releases if not item.is_ended)

    @property
    def release(self) -> Release | None:
        """The newest release that has not ended."""
        return self.open[-1] if self.open else None

    @property
    def ended(self) -> tuple[Release, ...]:
        return tuple(item for item in self.releases if item.is_ended)


@dataclass(frozen=True)
class Near:
    """What was read beside the view of a release in flight: its canary, and the plan that is asked for now."""

    canary: Canary | None
    plan: Plan | tuple[str, ...]
    policy_missing: str


@dataclass(frozen=True)
class Word:
    """What the judge said of a release as it stands at this version; a late answer comes only once."""

    version: str
    judgement: Judgement | None

    def of(self, release: Release) -> Judgement | None:
        """What was said of just this release; None where it must be asked anew."""
        return self.judgement if release.resource_version == self.version else None


def running_labels(view: View) -> Mapping[str, str]:
    """Labels of the pods that run now: of the largest ReplicaSet, else of the template."""
    if view.revisions:
        labels = dict(view.revisions[0].template.get("metadata", {}).get("labels") or {})
        labels.pop(names.POD_TEMPLATE_HASH, None)
        return labels
    return view.work.labels if view.work is not None else {}


def read_releases(items: Iterable[Json]) -> tuple[tuple[Release, ...], tuple[str, ...], tuple[str, ...]]:
    """The Releases, the oldest first; sentences about malformed ones, and names of those that leave."""
    found, malformed, leaving = [], [], []
    for item in items:
        metadata = item["metadata"]
        try:
            found.append(parse(item))
        except (ValidationError, KeyError, ValueError, TypeError) as error:
            malformed.append(f"Release {metadata['namespace']}/{metadata['name']} can not be read, delete it: {error}")
            leaving += [metadata["name"]] if "deletionTimestamp" in metadata else []
    found.sort(key=lambda item: (item.created, item.spec.attempt, item.name))
    return tuple(found), tuple(malformed), tuple(leaving)


def is_of(name: str, item: Json) -> bool:
    """Whether a Release is one of the Deployment alone, and of no pair."""
    spec = item.get("spec") or {}
    return spec.get("deployment") == name and not spec.get("pair")


def is_side(name: str, item: Json) -> bool:
    """Whether a Release in flight releases `name` for the pair of another Deployment."""
    spec = item.get("spec") or {}
    flying = names.FINALIZER in (item["metadata"].get("finalizers") or ())
    return spec.get("deployment") == name and bool(spec.get("pair")) and flying


def is_one_of_a_pair(name: str, items: Sequence[Json]) -> bool:
    """Whether a Release in flight is one of the pair whose annotated Deployment is `name`."""
    mine = (item for item in items if (item.get("spec") or {}).get("pair") == name)
    return any(names.FINALIZER in (item["metadata"].get("finalizers") or ()) for item in mine)


def owner_name(item: Json) -> str | None:
    owners = item["metadata"].get("ownerReferences") or [{}]
    name: str | None = owners[0].get("name")
    return name


def canary_name(release: Release) -> str:
    """The name of the release's canary Deployment."""
    return workload.canary_name(release.spec.deployment, release.spec.revision, release.spec.attempt)


def base_canary_name(release: Release, base: Base) -> str:
    return workload.canary_name(release.spec.deployment, base.revision, base.attempt)
