"""One look at a pair: observe, decide, act, and say when to look again."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from deploy import errors, names
from rollout import refusals
from rollout.actor import Actor
from rollout.pair import machine, rest
from rollout.pair.actor import PairActor, PairHand, hand_of, view_of
from rollout.pair.observer import PairObserver, PairView
from rollout.seen import Decision, Level, Pace, Seen, Told
from rollout.status import Release
from rollout.views import View

Say = Callable[[View, Release | None, Told], None]
Standing = Callable[[View, Release | None, tuple[Told, ...]], None]
Looked = Callable[[View, Seen | None], None]
Again = Callable[[View, Release], None]


@dataclass(frozen=True)
class Voice:
    """How decisions are told: `say` a new one, `standing` faults once each; `looked` is given what a look saw.

    again: the last decision of a release once more, unless this process is known to have told it; lost: a look went
    wrong, and what it recorded may not have been told; ended: no more is to be told of it.
    """

    say: Say
    standing: Standing
    looked: Looked
    again: Again
    lost: Callable[[Release], None]
    ended: Again


class PairReconciler:
    """Looks at one pair at a time."""

    def __init__(self, observer: PairObserver, actor: tuple[Actor, PairActor], voice: Voice, pace: Pace) -> None:
        self._observer = observer
        self._actor, self._pair_actor = actor
        self._voice = voice
        self._pace = pace

    def look(self, view: PairView, keep: int) -> float | None:
        """Look at a pair. Returns seconds until the next look. Raises ClusterError and Stale."""
        release = view.release
        if release is None:
            return self._rest(view, keep)
        flying = self._observer.flying(view, release)
        self._voice.looked(view_of(view, release.spec.deployment), flying.seen)
        decision = machine.decide(release, flying, self._pace)
        hand = hand_of(view)
        try:
            return self._carry_out(decision, hand)
        except errors.ClusterError as error:
            self._voice.lost(release)
            tell = functools.partial(self._voice.say, hand.new.view, hand.release)
            return refusals.answer(error, decision, hand.release, tell, self._pace)

    def _rest(self, view: PairView, keep: int) -> float | None:
        self._tidy(view, keep)
        for side in view.sides:
            self._voice.looked(view_of(view, side.name), None)
        if not view.is_pair:
            return None
        resting = self._observer.resting(view)
        decision = rest.decide(resting)
        malformed = tuple(Told("ReleaseMalformed", text, Level.WARNING) for text in view.malformed)
        if decision.acts and not malformed:
            return self._carry_out(decision, hand_of(view))
        self._voice.standing(view_of(view, view.name), None, (*malformed, *decision.told))
        return decision.look_again

    def _carry_out(self, decision: Decision, hand: PairHand) -> float | None:
        """The acts in their order, then what is told: no word delays a write."""
        before = hand.release
        for act in decision.acts:
            self._pair_actor.perform(act, hand)
        if before is not None:
            self._voice.again(hand.new.view, before)
        for told in decision.told:
            self._voice.say(hand.new.view, hand.release, told)
        return decision.look_again

    def _tidy(self, view: PairView, keep: int) -> None:
        """Ended releases carry no finalizer, and only the last few are kept."""
        for release in view.ended:
            self._voice.ended(view_of(view, release.spec.deployment), release)
            if names.FINALIZER in release.finalizers:
                self._actor.let_go(release)
        for side in view.sides:
            self._actor.forget([item for item in view.ended if item.spec.deployment == side.name][:-keep])
