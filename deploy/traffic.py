"""Who gets which share of the traffic: pins, splits, and what a router answers about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from deploy import names

WHOLE = 10_000
"""All of a destination's traffic, in parts; one part is 0.01 percent."""

Json = dict[str, Any]


@dataclass(frozen=True, order=True)
class Pin:
    """The pods that a leg reaches, told by the value of one label on them."""

    label: str
    value: str

    @property
    def name(self) -> str:
        """The leg's name in a route: a DNS label, unique for the pin."""
        role = "stable" if self.label == names.POD_TEMPLATE_HASH else "canary"
        return names.cut(f"rampart-{role}-{self.value}").replace(".", "-")


def replica_set(pod_template_hash: str) -> Pin:
    """Pin to the pods of one ReplicaSet of the user's own Deployment."""
    return Pin(names.POD_TEMPLATE_HASH, pod_template_hash)


def canary(release: str) -> Pin:
    """Pin to the pods of one release's canary Deployment."""
    return Pin(names.RELEASE, release)


@dataclass(frozen=True)
class Only:
    """Requests that carry `name` with exactly this `value` (a cookie, else a header) go to `pin`, and no others."""

    pin: Pin
    name: str
    value: str
    cookie: bool = False

    def __str__(self) -> str:
        return f"{'cookie' if self.cookie else 'header'}:{self.name}={self.value}"


@dataclass(frozen=True)
class Mirror:
    """A copy of so many parts of WHOLE of the requests goes to `pin`, whose answers nobody gets."""

    pin: Pin
    parts: int


Aside = Only | Mirror
"""What a pin gets beside its share."""


@dataclass(frozen=True)
class Split:
    """Shares of one destination's traffic, in parts of WHOLE, in the order in which they stand in the route.

    A share of 0 is a leg that stands ready without traffic. Shares are never negative and always sum to WHOLE.
    aside: what one of the pins gets beside its share.
    """

    shares: tuple[tuple[Pin, int], ...]
    aside: Aside | None = None

    def __post_init__(self) -> None:
        if self.aside is not None and self.aside.pin not in self.pins:
            raise ValueError(f"what is beside the shares goes to one of the legs, got {self.aside}")
        pins = [pin for pin, _ in self.shares]
        if len(set(pins)) != len(pins):
            raise ValueError(f"a split names each leg once, got {pins}")
        if any(parts < 0 for _, parts in self.shares) or sum(parts for _, parts in self.shares) != WHOLE:
            raise ValueError(f"shares must be at least 0 and sum to {WHOLE}, got {self.shares}")

    @property
    def pins(self) -> tuple[Pin, ...]:
        return tuple(pin for pin, _ in self.shares)

    def share(self, pin: Pin) -> int:
        """Parts of WHOLE that go to `pin`; 0 where it is no leg."""
        return dict(self.shares).get(pin, 0)


@dataclass(frozen=True)
class Target:
    """The destination that a release moves: one Service, and the pods of one Deployment behind it."""

    namespace: str
    service: str
    pod_labels: Mapping[str, str] = field(hash=False)
    """Labels of the Deployment's running pod template (without pod-template-hash)."""
    new_pod_labels: Mapping[str, str] = field(hash=False)
    """Labels of the held template; both must match a subset that the user routes to."""
    cluster_domain: str = "cluster.local"
    router: str = "istio"
    """Whose objects route the Service: a name of `routers.TABLE`."""


class Verb(StrEnum):
    CREATE = "create"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One write: a whole object. REPLACE and DELETE carry the resourceVersion that was read."""

    verb: Verb
    body: Json = field(hash=False)


@dataclass(frozen=True)
class Survey:
    """What a router found for a target, read from the cluster's objects alone.

    split: the split that every list of the target shows; None where no leg of ours is in any list.
    agreed: False while lists differ (a write of several objects was cut short): write the wished split again.
    shown: every pin that any of the lists shows, also one that only some of them do.
    legs: the pins for which leg objects (subsets, backend Services) exist.
    saved: what the target's routes look like without us, JSON-serialisable, to be kept before the first split.
    faults: what makes splitting impossible, each a sentence that names the object.
    bare: pins whose leg objects stand, but have no ready endpoints yet; none where legs have no endpoints of their own.
    waiting: what the implementation of the routes has not accepted yet, each a sentence; a rise waits for it.
    grain: parts of WHOLE of which every share must be a multiple, or some list of the target can not show it.
    versions: (uid, generation) of every route and leg object concerned: changes exactly when one of them did.
    """

    split: Split | None = None
    agreed: bool = True
    shown: frozenset[Pin] = frozenset()
    legs: frozenset[Pin] = frozenset()
    saved: Json = field(default_factory=dict, hash=False)
    faults: tuple[str, ...] = ()
    bare: frozenset[Pin] = frozenset()
    waiting: tuple[str, ...] = ()
    grain: int = 1
    versions: tuple[tuple[str, int], ...] = ()
