"""One look at one Deployment: observe, decide, act, and say when to look again."""

import collections
import contextlib
import functools
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

from deploy import errors, kinds, names
from deploy.cluster import Cluster
from rollout import idle, refusals, signals
from rollout.actor import Hand, Stale
from rollout.idle import Idle
from rollout.moves import MOVES, Course
from rollout.pair.reconciler import PairReconciler, Voice
from rollout.seen import Decision, Level, Pace, Seen, Told
from rollout.status import Phase, Release
from rollout.team import Team
from rollout.views import Near, View, Word

AT_ONCE = 0.0
CONFLICTS_AT_ONCE = 10

Looked = Callable[[View, Seen | None], None]
"""Told what each look saw; None: of a Deployment without a release in flight."""

Teller = Callable[[View, Release | None, Told], None]
"""Tells one decision to people: Events and the log."""


def unseen(view: View, seen: Seen | None) -> None:
    """Nobody is told what a look saw."""


@dataclass(frozen=True)
class Audience:
    """Who is told of decisions, and of what each look saw."""

    tell: Teller
    looked: Looked = unseen


@dataclass
class Proofs:
    """The namespaces in which the hold was seen to act; forgotten when a policy or a binding changes."""

    known: set[str] = field(default_factory=set)
    generation: int = 0

    def forget(self) -> None:
        self.generation += 1
        self.known.clear()

    def keep(self, namespace: str, generation: int) -> None:
        """A proof that was begun before the last change proves nothing."""
        if generation == self.generation:
            self.known.add(namespace)


class Reconciler:
    """Looks at one Deployment at a time; safe for many threads as long as no two hold the same name."""

    def __init__(self, cluster: Cluster, team: Team, audience: Audience, pace: Pace, keep: int = 3) -> None:
        """keep: how many ended releases of a Deployment stay."""
        self._cluster = cluster
        self._team = team
        self._observer = team.observer
        self._actor = team.actor
        self._tell = audience.tell
        self._looked = audience.looked
        self._pace = pace
        self._keep = keep
        self._mind = team.mind
        self._glances = team.glances
        self._proofs = Proofs()
        self._said: dict[tuple[str, str], frozenset[Told]] = {}
        self._known: set[str] = set()
        self._untold: set[str] = set()
        """Releases in whose last look something went wrong: what it recorded may not have been told."""
        voice = Voice(self._tell, self._say_standing, self._looked, self._retell, self._lost, self._ended)
        self._pairs = PairReconciler(team.pair_observer, (team.actor, team.pair_actor), voice, pace)
        self._conflicts: collections.Counter[tuple[str, str]] = collections.Counter()

    def policies_changed(self) -> None:
        self._proofs.forget()

    def reconcile(self, namespace: str, name: str) -> float | None:
        """Look at one Deployment. Returns seconds until the next look, None if only a change calls for one.

        Raises ClusterError where the cluster did not answer or refused.
        """
        view = View(namespace, name, None, None, (), ())
        try:
            glanced = self._glance(namespace, name)
            if isinstance(glanced, Decision):
                return glanced.look_again
            signs = self._glances.signs(namespace, name) if self._glances is not None else None
            view = self._observer.view(namespace, name)
            answer = self._look_at_pair(view) if view.is_paired else self._look(view, signs, glanced)
        except errors.NotGranted as error:
            self._say_right(view, str(error))
            raise
        except (errors.Conflict, Stale):
            self._conflicts[namespace, name] += 1
            return AT_ONCE if self._conflicts[namespace, name] <= CONFLICTS_AT_ONCE else self._pace.poll
        self._conflicts.pop((namespace, name), None)
        return answer

    def _look_at_pair(self, view: View) -> float | None:
        if freed := self._freed(view):
            return self._carry_out(freed, Hand(view, None, None))
        found = self._team.pair_observer.view(view.namespace, view.name)
        return None if found is None else self._pairs.look(found, self._keep)

    def _freed(self, view: View) -> Decision | None:
        """A Deployment that is one of a pair rolls natively: what held it before it was is let go, as at opt-out."""
        if view.release is not None or view.work is None or view.work.held is None:
            return None
        decision = idle.opted_out(Idle(view.work, view.revisions))
        return decision if decision.acts else None

    def _glance(self, namespace: str, name: str) -> Decision | Word | None:
        """A look by what the last one read, if that is still so; None where it is not.

        Where there is an act, the judge's word, for the look that is made in its stead.
        """
        glimpse = self._glances.recall(namespace, name) if self._glances is not None else None
        if glimpse is None or glimpse.view.release is None:
            return None
        view, release = glimpse.view, glimpse.view.release
        seen = self._observer.seen(view, release, glimpse.near)
        decision = self._mind.in_flight(release, seen, self._pace)
        if decision.acts or decision.told:
            return Word(release.resource_version, seen.judgement)
        self._looked(view, seen)
        self._say_standing(view, release, standing_faults(view, seen))
        return decision

    def _remember(self, view: View, near: Near, signs: Hashable | None, is_done: bool) -> None:
        if self._glances is None:
            return
        if is_done:
            self._glances.forget(view.namespace, view.name)
        else:
            self._glances.keep(view, near, signs)

    def _look(self, view: View, signs: Hashable | None = None, word: Word | None = None) -> float | None:
        release = view.release
        if release is None:
            return self._at_rest(view)
        near = self._observer.near(view, release)
        seen = self._observer.seen(view, release, near, word)
        self._looked(view, seen)
        hand = Hand(view, release, self._observer.target(view, release))
        decision = self._mind.in_flight(release, seen, self._pace)
        self._remember(view, near, signs, bool(decision.acts or decision.told))
        try:
            answer = self._carry_out(decision, hand)
        except errors.ClusterError as error:
            self._lost(release)
            tell = functools.partial(self._tell, hand.view, hand.release)
            return refusals.answer(error, decision, hand.release, tell, self._pace)
        self._say_standing(view, release, standing_faults(view, seen))
        stands = MOVES[signals.name(release, seen)] is Course.STAND and not decision.acts
        if stands and idle.calls_for_successor(view.work):
            return self._succeed(view, release, hand)
        return answer

    def _say_right(self, view: View, text: str) -> None:
        """On the Deployment, if it may be read; what else could be read of the world does not matter here."""
        if view.deployment is None:
            with contextlib.suppress(errors.ClusterError):
                view = replace(view, deployment=self._cluster.find(kinds.DEPLOYMENT, view.name, view.namespace))
        if view.deployment is not None:
            self._say_standing(view, view.release, (Told("RightMissing", text, Level.WARNING),))

    def _succeed(self, view: View, release: Release, hand: Hand) -> float | None:
        """The newer template's own release begins beside the one that it interrupted."""
        decision = self._mind.successor(self._idle(view), release)
        if decision.acts:
            return self._carry_out(decision, hand)
        self._say_standing(view, release, decision.told)
        return decision.look_again

    def _at_rest(self, view: View) -> float | None:
        """No release in flight. What is told without an act is a standing fault: said when it is new."""
        self._tidy(view)
        if not view.is_side:
            self._looked(view, None)
        if view.work is None or not (view.work.opted_in or view.work.held is not None or view.orphans):
            self._said.pop((view.namespace, view.name), None)
            return None
        decision = self._mind.at_rest(self._idle(view))
        target = self._observer.target(view, None)
        if not decision.acts:
            self._say_standing(view, None, (*malformed(view), *decision.told))
            return decision.look_again
        try:
            return self._carry_out(decision, Hand(view, None, target))
        except errors.ClusterError as error:
            return refusals.answer(error, decision, None, functools.partial(self._tell, view, None), self._pace)

    def _idle(self, view: View) -> Idle:
        return self._observer.idle(view, self._proof(view))

    def _proof(self, view: View) -> str | None:
        """The namespace's proof: asked until it is there. Behind zero replicas nothing can be proven."""
        if view.work is None or not view.work.opted_in or view.work.replicas == 0:
            return None
        if view.namespace in self._proofs.known:
            return None
        generation = self._proofs.generation
        missing = self._observer.proof(view)
        if missing is None:
            self._proofs.keep(view.namespace, generation)
        return missing

    def _carry_out(self, decision: Decision, hand: Hand) -> float | None:
        """The acts in their order, then what is told: no word delays a write."""
        before = hand.release
        for act in decision.acts:
            self._actor.perform(act, hand)
        if before is not None:
            self._retell(hand.view, before)
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

    def _lost(self, release: Release) -> None:
        """A look went wrong: what it recorded may not have been told."""
        self._known.discard(release.uid)
        self._untold.add(release.uid)

    def _ended(self, view: View, release: Release) -> None:
        """The end is told if it may not have been; then nothing of the release is remembered."""
        if names.FINALIZER in release.finalizers or release.uid in self._untold:
            self._retell(view, release)
            self._untold.discard(release.uid)
        self._known.discard(release.uid)
        self._observer.forget(release)

    def _let_malformed_go(self, view: View) -> None:
        """A Release that can not be read and is to go is not held back; what it left is swept."""
        for name in view.malformed_leaving:
            self._cluster.patch(kinds.RELEASE, name, view.namespace, {"metadata": {"finalizers": None}})

    def _tidy(self, view: View) -> None:
        """Ended releases carry no finalizer, and only the last few are kept."""
        self._let_malformed_go(view)
        for release in view.ended:
            self._ended(view, release)
            self._actor.let_go(release)
        self._actor.forget(view.ended[: -self._keep])


def malformed(view: View) -> tuple[Told, ...]:
    return tuple(Told("ReleaseMalformed", text, Level.WARNING) for text in view.malformed)


def standing_faults(view: View, seen: Seen) -> tuple[Told, ...]:
    """What is wrong beside a release in flight and does not stop it."""
    pending = view.release is None or view.release.status.phase is Phase.PENDING
    if pending or not isinstance(seen.plan, tuple) or not seen.plan:
        return malformed(view)
    text = f"{'; '.join(seen.plan)}: the release goes on by its recorded plan"
    return (*malformed(view), Told("PlanInvalid", text, Level.WARNING))
