"""Shares of traffic and numbers of pods: what a phase and a weight ask for."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from math import ceil

from deploy import backends, routers, traffic
from rollout import numbers, words
from rollout.plan import Plan
from rollout.seen import (
    Seen,
)
from rollout.status import Phase, Release, Share
from rollout.steps import Step

FULL = Decimal(100)


def split_at(release: Release, weight: Decimal) -> traffic.Split:
    """The split at a weight: what is not the canary's is shared among the stable pins by their recorded parts."""
    canary = int(weight * 100)
    left = traffic.WHOLE - canary
    stable = release.status.stable
    total = sum(share.parts for share in stable) or len(stable)
    parts = [left * (share.parts or 1) // total for share in stable]
    parts[0] += left - sum(parts)
    legs = [(share.pin, part) for share, part in zip(stable, parts, strict=True)]
    return traffic.Split((*legs, (release.pin, canary)))


def steered(release: Release, step: Step) -> traffic.Split:
    """The split at a step, with what the canary gets beside its share."""
    return replace(split_at(release, step.weight), aside=aside(release.pin, step))


def aside(pin: traffic.Pin, step: Step) -> traffic.Aside | None:
    """What the canary gets beside its share at a step."""
    if step.mirror is not None:
        return traffic.Mirror(pin, int(step.mirror * 100))
    kind, _, pair = step.only.partition(":")
    name, _, value = pair.partition("=")
    return traffic.Only(pin, name, value, cookie=kind == "cookie") if step.only else None


def asides(pin: traffic.Pin, plan: Plan) -> tuple[traffic.Aside, ...]:
    """All that the plan asks for beside shares."""
    found = (aside(pin, step) for step in plan.steps)
    return tuple(one for one in found if one is not None)


def asides_of(release: Release) -> tuple[traffic.Aside, ...]:
    """All that a release may ask for beside shares: by its plan, and at its step, which an edit may have taken out."""
    found = (*asides(release.pin, release.plan), aside(release.pin, release.step))
    return tuple(dict.fromkeys(one for one in found if one is not None))


def fallen(release: Release) -> traffic.Split:
    """All traffic to stable, and no leg for the canary."""
    down = split_at(release, Decimal(0))
    return traffic.Split(tuple((pin, parts) for pin, parts in down.shares if pin != release.pin))


def wished(release: Release) -> traffic.Split:
    """The split that the recorded phase and weight ask for."""
    if release.status.phase is Phase.FINISHING and release.status.new_stable is not None:
        return traffic.Split(((release.status.new_stable.pin, traffic.WHOLE),))
    if release.status.phase is Phase.ROLLING_BACK:
        return fallen(release)
    return steered(release, release.step)


def too_fine(splits: Iterable[traffic.Split], grain: int) -> tuple[str, ...]:
    """Why the route can not show one of these splits, as a sentence; none where it can."""
    asked = [parts for split in splits for _, parts in split.shares if parts % grain]
    if not asked:
        return ()
    finest, found = (words.percent(Decimal(parts) / 100) for parts in (grain, min(asked)))
    return (f"the weights of the route's lists show only multiples of {finest}, got {found}: write smaller weights",)


def need(seen: Seen, weight: Decimal) -> int:
    """Canary pods for this weight: its part of the Deployment's own size, at least one."""
    size = seen.workload.replicas if seen.workload is not None else 1
    return max(1, ceil(size * weight / 100))


def size(release: Release, seen: Seen, step: Step) -> int:
    """Canary pods for a step of the release's plan; a previewed one is whole from the beginning (case 3)."""
    load = release.plan.load(step)
    if numbers.apply(release) and load < FULL:
        return numbers.nearest(need(seen, FULL), load)
    return need(seen, FULL if release.plan.is_previewed else load)


def given(release: Release, seen: Seen, weight: Decimal) -> Decimal:
    """The share of the traffic that the canary has at this weight, in percent; by numbers what whole pods give."""
    if not numbers.apply(release) or weight == FULL:
        return weight
    size = need(seen, FULL)
    return numbers.share(size, numbers.nearest(size, weight))


def is_open(release: Release) -> bool:
    """Whether each further pod of the canary is met by users at once: their number is its share of the traffic."""
    return numbers.apply(release) and release.status.phase is Phase.STEPPING


def stable_shares(seen: Seen) -> tuple[Share, ...]:
    """The pins of the stable leg: the base's canary, or each ReplicaSet that runs now, by its size."""
    if seen.base is not None:
        pin = traffic.canary(seen.base.name)
        return (Share(label=pin.label, value=pin.value, parts=1),)
    running = [item for item in seen.revisions if item.replicas > 0]
    pins = [(traffic.replica_set(item.hash), item.replicas) for item in running]
    return tuple(Share(label=pin.label, value=pin.value, parts=parts) for pin, parts in pins)


def stable_digests(seen: Seen) -> tuple[str, ...]:
    if seen.base is not None:
        return (seen.base.revision,)
    return tuple(dict.fromkeys(item.digest for item in seen.revisions if item.replicas > 0))


def leg_services(release: Release) -> tuple[str, str] | None:
    """The Services of the canary's and the stable leg; of several stable ones the largest. None where legs are none."""
    status = release.status
    if status.router not in routers.BY_SERVICES or not status.stable:
        return None
    stable = max(status.stable, key=lambda share: share.parts)
    return backends.name(status.service, release.pin), backends.name(status.service, stable.pin)
