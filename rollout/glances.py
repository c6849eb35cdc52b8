"""A look that asks the API server nothing: what the last one read, as long as the watches show it unchanged.

Most looks at a step decide nothing: the judge is asked, and the weight stays. Such a look may go by what is
remembered; one that comes to an act is made again from the beginning over the live cluster. So nothing is ever written
for what a memory says, and what the memory hides until the watch brings it is seen as late as a slow look would be.

The signs are the versions that the watches know of everything that a look reads and is not watched whole. They are
taken before the reading begins: whatever changes from then on changes them.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from rollout.status import Phase
from rollout.views import Near, View

LASTS_SECONDS = 30.0
"""After so long all is read anew, whatever the watches say."""

STEADY = frozenset({Phase.STEPPING, Phase.BAKING})
"""Phases in which a release waits for its judge, look after look."""

Signs = Callable[[str, str], Hashable | None]
"""Of the Deployment by namespace and name; None while some watch does not stand."""


@dataclass(frozen=True)
class Glimpse:
    """What one look read of a Deployment, and the signs that were there before it."""

    view: View
    near: Near
    signs: Hashable
    until: float = field(compare=False)


class Glances:
    """Remembers for each Deployment at most one glimpse; safe for many threads, as no two look at one name at once."""

    def __init__(self, signs: Signs, clock: Callable[[], float] = time.monotonic) -> None:
        self.signs = signs
        self._clock = clock
        self._kept: dict[tuple[str, str], Glimpse] = {}

    def keep(self, view: View, near: Near, signs: Hashable | None) -> None:
        """A look came to no act: the next one may go by the same, if that can be told from the watches."""
        if signs is not None and is_steady(view, near):
            self._kept[view.namespace, view.name] = Glimpse(view, near, signs, self._clock() + LASTS_SECONDS)

    def recall(self, namespace: str, name: str) -> Glimpse | None:
        """What is still so; anything else is forgotten."""
        found = self._kept.get((namespace, name))
        if found is not None and (self._clock() >= found.until or self.signs(namespace, name) != found.signs):
            self.forget(namespace, name)
            return None
        return found

    def forget(self, namespace: str, name: str) -> None:
        """Something was done, or went wrong."""
        self._kept.pop((namespace, name), None)


def is_steady(view: View, near: Near) -> bool:
    """Whether the watches tell of all that matters: pods say nothing while the canary has all that it should have."""
    release, canary = view.release, near.canary
    if release is None or canary is None or release.status.base or view.is_side or release.status.phase not in STEADY:
        return False
    return (
        canary.ready >= canary.replicas > 0 and canary.waiting is None and canary.dead is None and not canary.deleting
    )
