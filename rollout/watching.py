"""Which Deployment a change in the cluster concerns: from watched objects to names of the queue."""

import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, field

from deploy import errors, kinds, names, routers, watch
from deploy.cluster import Cluster
from deploy.hold import Mode
from deploy.traffic import Json
from deploy.workload import Held
from rollout.flights import Flights
from rollout.status import ENDED, Phase

Touch = Callable[[str, bool], None]
"""Asks for a look at `namespace/name`; the flag: it is urgent."""

NEEDED = frozenset({kinds.DEPLOYMENT.kind, kinds.RELEASE.kind})
"""Without these nothing can be looked at; any other kind is needed by some Deployments only, or by none."""

POLICIES = (
    kinds.MUTATING_POLICY,
    kinds.MUTATING_BINDING,
    kinds.VALIDATING_POLICY,
    kinds.VALIDATING_BINDING,
)


def trim_metadata(item: Json) -> Json:
    """What tells whether a Deployment concerns us."""
    metadata = item["metadata"]
    ours = {
        key: value for key, value in (metadata.get("annotations") or {}).items() if key.startswith(f"{names.GROUP}/")
    }
    labels = metadata.get("labels") or {}
    owners = metadata.get("ownerReferences") or [{}]
    return {
        "key": f"{metadata['namespace']}/{metadata['name']}",
        "generation": metadata.get("generation"),
        "annotations": ours,
        "canary_of": owners[0].get("name") if names.RELEASE in labels else None,
    }


def terms_of_metadata(kept: Json) -> tuple[str, ...]:
    """A canary is found under its owner's name."""
    owner = kept["canary_of"]
    return (f"{kept['key'].partition('/')[0]}/{owner}",) if owner else ()


def trim_route(item: Json) -> Json:
    """All of it but who wrote which field, which is half of many objects and is read live where it matters."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
    return {**item, "metadata": metadata}


def trim_release(item: Json) -> Json:
    """Whose it is and where it stands; `bound`: it can not be deleted without us. The Service is that of no pair."""
    status = item.get("status") or {}
    return {
        "namespace": item["metadata"]["namespace"],
        "deployment": (item.get("spec") or {}).get("pair") or (item.get("spec") or {}).get("deployment"),
        "service": "" if (item.get("spec") or {}).get("pair") else status.get("service") or "",
        "phase": status.get("phase", Phase.PENDING),
        "deleting": "deletionTimestamp" in item["metadata"],
        "bound": names.FINALIZER in (item["metadata"].get("finalizers") or ()),
        "side": (item.get("spec") or {}).get("deployment"),
    }


def terms_of_release(kept: Json) -> tuple[str, ...]:
    """A Release is found under its Deployment, and under that of its pair."""
    return tuple({f"{kept['namespace']}/{name}": None for name in (kept["deployment"], kept["side"]) if name})


def trim_policy(item: Json) -> Json:
    """Which content it is; the content itself is read when it is needed."""
    return {"namespace": item["metadata"].get("namespace"), "generation": item["metadata"].get("generation")}


def terms_of_policy(kept: Json) -> tuple[str, ...]:
    return (kept["namespace"] or "",)


def concerns(seen: Json | None) -> bool:
    """Whether a trimmed Deployment is opted in, or carries a mark of ours."""
    return seen is not None and bool(seen["annotations"])


def is_marked(seen: Json) -> bool:
    """Whether a trimmed Deployment carries a mark that waits for something; to be kept paused at rest does not."""
    return bool(seen["annotations"].get(names.HELD, Held.REST) != Held.REST)


@dataclass
class Watches:
    """All reflectors of the controller. `spread` asks for a look some time soon, at a bounded rate."""

    cluster: Cluster
    namespaces: Iterable[str]
    touch: Touch
    spread: Callable[[str], None]
    tell: Callable[[str], None]
    policies_changed: Callable[[], None]
    mode: Mode = Mode.POLICIES
    reflectors: dict[str, watch.Reflector] = field(default_factory=dict)
    pairs: dict[str, str] = field(default_factory=dict)
    """Pair mode: from the Deployment that another one names to that other one, both as `namespace/name`."""
    flights: Flights = field(default_factory=Flights)

    def __post_init__(self) -> None:
        self._add(kinds.RELEASE, self.release_changed, trim_release, terms=terms_of_release)
        for kind in routers.WATCHED.values():
            self._add(kind, self.route_changed, trim_route, everywhere=True, terms=routers.mentions)
        self._add(kinds.RELEASE_POLICY, self.release_policy_changed, trim_policy, terms=terms_of_policy)
        self._add(kinds.DEPLOYMENT, self.deployment_changed, trim_metadata, metadata_only=True, terms=terms_of_metadata)
        for kind in POLICIES if self.mode is Mode.POLICIES else ():
            self._add(kind, self.policy_changed, lambda item: {}, metadata_only=True, everywhere=True)

    def _add(
        self,
        kind: kinds.Kind,
        on_change: watch.OnChange,
        trim: watch.Trim = lambda item: item,
        metadata_only: bool = False,
        everywhere: bool = False,
        terms: watch.Terms = lambda kept: (),
    ) -> None:
        self.reflectors[kind.kind] = watch.Reflector(
            self.cluster,
            kind,
            on_change=on_change,
            tell=self.tell,
            namespaces=() if everywhere else self.namespaces,
            trim=trim,
            metadata_only=metadata_only,
            optional=kind.kind not in NEEDED,
            terms=terms,
        )

    def start(self, seconds: float, stopping: threading.Event) -> tuple[str, ...]:
        """Start all, Deployments last, so that releases in flight are known first.

        Returns the kinds that are not full after `seconds`, or when it is to stop.
        """
        deadline = time.monotonic() + seconds
        deployments = self.reflectors["Deployment"]
        others = [item for item in self.reflectors.values() if item is not deployments]
        for reflector in others:
            reflector.start()
        while not all(item.is_synced or item.not_granted for item in others) and time.monotonic() < deadline:
            if stopping.wait(0.05):
                break
        deployments.start()
        while not (deployments.is_synced or deployments.not_granted) and time.monotonic() < deadline:
            if stopping.wait(0.05):
                break
        return self.unsynced()

    def recall(self) -> None:
        """Ask for looks at everything that is known, as if it were all new: what is in flight before all else.

        Releases that have ended call for a look at once where they still have to be let go, else for one some time
        soon: there are thousands.
        """
        flying, ended, rests = self.in_flight(), set[str](), set[str]()
        for name in flying:
            self.touch(name, True)
        for item in self.reflectors["Release"].items():
            if item["phase"] in ENDED and item["deployment"]:
                (ended if item["bound"] else rests).add(f"{item['namespace']}/{item['deployment']}")
        for name in ended:
            self.touch(name, False)
        for item in self.reflectors["Deployment"].items():
            self._deployment_changed(item["key"] in flying, item["key"], None, item)
            if concerns(item):
                rests.discard(item["key"])
        for name in rests - ended - flying:
            self.spread(name)

    def opted_in(self) -> list[str]:
        """All Deployments that are opted in."""
        found = self.reflectors["Deployment"].items()
        return [item["key"] for item in found if names.STRATEGY in item["annotations"]]

    def unsynced(self) -> tuple[str, ...]:
        """Why nothing can be looked at yet; a right that only some Deployments need is among the `notes`."""
        found = []
        for kind, item in self.reflectors.items():
            if not item.is_synced and (kind in NEEDED or not item.not_granted):
                found.append(item.not_granted or f"the watch of {kind}s is not established")
        return tuple(found)

    def notes(self) -> tuple[str, ...]:
        """The rights that are missing and hinder some looks, or will."""
        return tuple(
            item.not_granted
            for kind, item in self.reflectors.items()
            if item.not_granted and (kind not in NEEDED or item.is_synced)
        )

    def stop(self) -> None:
        for reflector in self.reflectors.values():
            reflector.stop(2)

    def routes(self, kind: str) -> list[Json]:
        """All watched objects of a route's kind; Unreachable while some may be missing, NotGranted without a right."""
        return self._full(kind).items()

    def route(self, kind: str, namespace: str, name: str) -> Json | None:
        """One of them by its name."""
        return self._full(kind).get(namespace, name)

    def mentioning(self, kind: str, services: Collection[str]) -> list[Json]:
        """Those that may be about one of these Services."""
        return self._full(kind).mentioning(services)

    def signs(self, namespace: str, name: str) -> Hashable | None:
        """Changes when anything does that a look at the Deployment reads of what is not watched whole.

        That is the Deployment, whose status tells of its ReplicaSets and pods, its canaries, its Releases, and the
        policies of its namespace. None while a watch of these does not stand.
        """
        deployments, releases = self.reflectors["Deployment"], self.reflectors["Release"]
        policies = self.reflectors[kinds.RELEASE_POLICY.kind]
        if not (deployments.is_following and releases.is_following and policies.is_following):
            return None
        key = f"{namespace}/{name}"
        return (
            deployments.version(namespace, name),
            deployments.versions((key,)),
            releases.versions((key,)),
            policies.versions((namespace,)),
        )

    def _full(self, kind: str) -> watch.Reflector:
        if words := self.reflectors[kind].not_granted:
            raise errors.NotGranted(words)
        if not self.reflectors[kind].is_synced:
            raise errors.Unreachable(f"the {kind}s are not all known yet")
        return self.reflectors[kind]

    def in_flight(self) -> frozenset[str]:
        """The Deployments that have a release in flight."""
        return self.flights.names()

    def open_names(self) -> frozenset[str]:
        """What the net looks at again and again: releases in flight, and held templates."""
        found = self.reflectors["Deployment"].items()
        return self.in_flight() | {item["key"] for item in found if is_marked(item)}

    def release_changed(self, namespace: str, name: str, old: Json | None, new: Json | None) -> None:
        item = new or old
        self.flights.take((namespace, name), new)
        if item is not None and item["deployment"]:
            self.touch(f"{namespace}/{item['deployment']}", item["phase"] not in ENDED)

    def route_changed(self, namespace: str, name: str, old: Json | None, new: Json | None) -> None:
        """A route concerns the releases whose Service it mentions, before or now, or else it may concern any."""
        if old is not None and new is not None and old.get("spec") == new.get("spec"):
            return
        mentioned = frozenset[str]().union(*(routers.mentions(body) for body in (old, new) if body is not None))
        for key in self.in_flight() if routers.ANY in mentioned else self.flights.moving(mentioned):
            self.touch(key, True)

    def deployment_changed(self, namespace: str, name: str, old: Json | None, new: Json | None) -> None:
        key = f"{namespace}/{name}"
        self._deployment_changed(key in self.in_flight(), key, old, new)

    def _deployment_changed(self, is_flying: bool, key: str, old: Json | None, new: Json | None) -> None:
        item = new or old or {}
        namespace, _, _ = key.partition("/")
        self._pair(namespace, old, new)
        if (annotated := self.pairs.get(key)) is not None:
            self.touch(annotated, annotated in self.in_flight())
        if item.get("canary_of"):
            self.touch(f"{namespace}/{item['canary_of']}", True)
        elif is_flying:
            self.touch(key, True)
        elif concerns(old) or concerns(new):
            if old is None and new is not None and not is_marked(new):
                self.spread(key)
            elif old != new:
                self.touch(key, False)

    def _pair(self, namespace: str, old: Json | None, new: Json | None) -> None:
        """Know who takes turns with whom."""
        for item in (old, new):
            other = (item or {}).get("annotations", {}).get(names.CANARY_OF)
            if item is not None and other is not None:
                key = f"{namespace}/{other}"
                if item is new:
                    self.pairs[key] = item["key"]
                elif self.pairs.get(key) == item["key"]:
                    del self.pairs[key]

    def release_policy_changed(self, namespace: str, name: str, old: Json | None, new: Json | None) -> None:
        """It may be that of any Deployment of its namespace: at once where a release is in flight, else some time."""
        if old == new:
            return
        flying = self.in_flight()
        for key in flying:
            if key.partition("/")[0] == namespace:
                self.touch(key, True)
        for key in self.opted_in():
            if key.partition("/")[0] == namespace and key not in flying:
                self.spread(key)

    def policy_changed(self, namespace: str, name: str, old: Json | None, new: Json | None) -> None:
        self.policies_changed()
