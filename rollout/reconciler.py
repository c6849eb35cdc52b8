"""One look at one Deployment: observe, decide, act, and say when to look again."""

import collections
from collections.abc import Callable
from dataclasses import dataclass, field

from deploy import errors, kinds
from deploy.cluster import Cluster
from rollout import idle, machine, signals
from rollout.actor import Actor, Hand, Stale
from rollout.idle import Idle
from rollout.moves import MOVES, Course
from rollout.observer import Observer, View
from rollout.seen import Decision, Level, Pace, Seen, Told
from rollout.status import Release

AT_ONCE = 0.0
CONFLICTS_AT_ONCE = 10

Teller = Callable[[View, Release | None, Told], None]
"""Tells one decision to people: Events and the log."""


@dataclass
class Proofs:
    """Whether the hold acts, by namespace; forgotten when a policy or a binding changes."""

    known: dict[str, str | None] = field(default_factory=dict)

    def forget(self) -> None:
        self.known.clear()


class Reconciler:
    """Looks at one Deployment at a time; safe for many threads as long as no two hold the same name."""

    def __init__(
        self, cluster: Cluster, observer: Observer, actor: Actor, tell: Teller, pace: Pace, keep: int = 3
    ) -> None:
        self._cluster = cluster
        self._observer = observer
        self._actor = actor
        self._tell = tell
        self._pace = pace
        self._keep = keep
        self._proofs = Proofs()
        self._said: dict[tuple[str, str], frozenset[Told]] = {}
        self._known: set[str] = set()
        self._conflicts: collections.Counter[tuple[str, str]] = collections.Counter()

    def policies_changed(self) -> None:
        self._proofs.forget()

    def reconcile(self, namespace: str, name: str) -> float | None:
        """Look at one Deployment. Returns seconds until the next look, None if only a change calls for one.

        Raises ClusterError where the cluster did not answer or refused.
        """
        view = self._observer.view(namespace, name)
        try:
            answer = self._look(view)
        except (errors.Conflict, Stale):
            self._conflicts[namespace, name] += 1
            return AT_ONCE if self._conflicts[namespace, name] <= CONFLICTS_AT_ONCE else self._pace.poll
        self._conflicts.pop((namespace, name), None)
        return answer

    def _look(self, view: View) -> float | None:
        release = view.release
        if release is None:
            return self._at_rest(view)
        self._retell(view, release)
        seen = self._observer.seen(view, release)
        self._say_standing(view, release, standing_faults(view, seen))
        hand = Hand(view, release, self._observer.target(view, release))
        decision = machine.decide(release, seen, self._pace)
        answer = self._carry_out(decision, hand)
        if MOVES[signals.name(release, seen)] is Course.STAND and not decision.acts:
            return self._carry_out(idle.successor(self._idle(view), release), hand)
        return answer

    def _at_rest(self, view: View) -> float | None:
        """No release in flight. What is told without an act is a standing fault: said when it is new."""
        self._tidy(view)
        if view.work is None or not (view.work.opted_in or view.work.held is not None):
            self._said.pop((view.namespace, view.name), None)
            return None
        decision = idle.decide(self._idle(view))
        if not decision.acts:
            self._say_standing(view, None, (*malformed(view), *decision.told))
            return decision.look_again
        return self._carry_out(decision, Hand(view, None, None))

    def _idle(self, view: View) -> Idle:
        return self._observer.idle(view, self._proof(view))

    def _proof(self, view: View) -> str | None:
        """The namespace's proof; asked once while it holds, and again each time while it does not."""
        if view.work is None or not view.work.opted_in:
            return None
        if self._proofs.known.get(view.namespace, "unknown") is not None:
            self._proofs.known[view.namespace] = self._observer.proof(view)
        return self._proofs.known[view.namespace]

    def _carry_out(self, decision: Decision, hand: Hand) -> float | None:
        """The acts in their order, then what is told."""
        for act in decision.acts:
            self._actor.perform(act, hand)
        for told in decision.told:
            self._tell(hand.view, hand.release, told)
        return decision.look_again

    def _say_standing(self, view: View, release: Release | None, faults: tuple[Told, ...]) -> None:
        """Say the faults that were not there at the last look; one that went and came back is said again."""
        key = (view.namespace, view.name)
        for told in faults:
            if told not in self._said.get(key, frozenset()):
                self._tell(view, release, told)
        self._said[key] = frozenset(faults)

    def _retell(self, view: View, release: Release) -> None:
        """The last decision once more after a start: it may have been recorded and not told; its Event is one."""
        if release.uid in self._known:
            return
        self._known.add(release.uid)
        if release.status.decisions:
            last = release.status.decisions[-1]
            self._tell(view, release, Told(last.reason, last.message, Level(last.level)))

    def _tidy(self, view: View) -> None:
        """Ended releases carry no finalizer, and only the last few are kept."""
        for release in view.ended:
            self._actor.let_go(release)
            self._known.discard(release.uid)
            self._observer.forget(release)
        for release in view.ended[: -self._keep]:
            try:
                self._cluster.delete(kinds.RELEASE, release.name, release.namespace, uid=release.uid)
            except errors.Missing:
                continue


def malformed(view: View) -> tuple[Told, ...]:
    return tuple(Told("ReleaseMalformed", text, Level.WARNING) for text in view.malformed)


def standing_faults(view: View, seen: Seen) -> tuple[Told, ...]:
    """What is wrong beside a release in flight and does not stop it."""
    if not isinstance(seen.plan, tuple) or not seen.plan:
        return malformed(view)
    text = f"{'; '.join(seen.plan)}: the release goes on by its recorded plan"
    return (*malformed(view), Told("PlanInvalid", text, Level.WARNING))
