"""A small world with one Deployment, its native controller, a route and a judge, for whole releases in thought.

It keeps what the cluster would keep, and checks the safety laws after every act. Times are seconds.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from analysis import errors, judge, outcome, queries
from analysis.threshold import Thresholds
from analysis.verdict import Judgement
from deploy import names, traffic
from deploy.hold import Mode
from deploy.traffic import Pin, Split, Survey
from deploy.workload import Canary, Held, Revision, Workload
from rollout import idle, numbers, questions, resting, shares, signals
from rollout import plan as plans
from rollout.idle import Idle
from rollout.moves import MOVES, Course
from rollout.plan import Plan
from rollout.seen import (
    Act,
    Base,
    Begin,
    ClearWish,
    Decision,
    Define,
    Disown,
    EndBase,
    HandOver,
    Hold,
    Leave,
    Mark,
    Pace,
    Preview,
    Raise,
    RaiseBase,
    Record,
    Remove,
    Replan,
    Rest,
    Restore,
    RevertTemplate,
    Seen,
    Steer,
    Sweep,
    Told,
    Unhold,
    Unpause,
    Unpreview,
)
from rollout.signals import Stage
from rollout.status import Phase, Release, Spec, Status, release_name

START = datetime(2026, 1, 1, tzinfo=UTC)
PACE = Pace(settle=1, drain=2, look=5, poll=1)
MATCHING = 0.1
"""The part of the requests that have the header or the cookie of a step."""
WARM_UP = timedelta(seconds=10)


class Killed(Exception):
    """The controller died before this act."""


class LawBroken(AssertionError):
    """An act has left the world in a state that users could notice."""


@dataclass
class Pods:
    """A set of pods of one template."""

    digest: str
    replicas: int
    ready: int = 0
    born: float = 0.0
    changed: float = 0.0
    """When the number of ready pods last changed."""
    deleting: bool = False
    number: int = 0
    """Which roll-out was the last to use them."""


@dataclass
class Version:
    """How a template behaves."""

    errors: float = 0.0
    ready_after: float = 1.0
    dead: str | None = None
    never_rolls: str | None = None


@dataclass
class World:
    """The cluster of a story. `versions` names the templates; a digest is a version's name."""

    versions: dict[str, Version] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=lambda: {names.STRATEGY: "canary"})
    replicas: int = 4
    digest: str = "v1"
    paused: bool = False
    exists: bool = True
    clock: float = 0.0
    requests_a_second: float = 50.0
    tests_a_second: float = 0.0
    """Requests to the preview, which no user makes."""
    prometheus: bool = True
    sets: dict[str, Pods] = field(default_factory=dict)
    canaries: dict[str, Pods] = field(default_factory=dict)
    releases: list[Release] = field(default_factory=list)
    preview: str | None = None
    """The release to whose canary the preview Service leads."""
    split: Split | None = None
    legs: frozenset[Pin] = frozenset()
    content: str = "as the user wrote it"
    route_changed: float = -100.0
    counters: dict[str, list[tuple[float, float, float]]] = field(default_factory=dict)
    """For each workload: time, requests and failures until then."""
    recorded: set[traffic.Aside | None] = field(default_factory=set)
    """What canaries were ever meant to get beside their share."""
    told: list[Told] = field(default_factory=list)
    acts: int = 0
    kill_before: int = -1
    lenient: bool = False
    mode: Mode = Mode.POLICIES
    """What holds a changed template."""

    def __post_init__(self) -> None:
        self.versions = {"v1": Version(), "v2": Version(), "v3": Version(), **self.versions}
        self.sets["v1"] = Pods("v1", self.replicas, self.replicas)

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.clock)

    @property
    def held(self) -> str | None:
        return self.annotations.get(names.HELD)

    @property
    def mind(self) -> resting.Mind:
        return resting.MINDS[self.mode]

    @property
    def release(self) -> Release | None:
        return next((item for item in reversed(self.releases) if not item.is_ended), None)

    # What users and the cluster do.

    def write_template(self, digest: str) -> None:
        """A user's write, as the hold lets it through."""
        if digest != self.digest and self.replicas > 0:
            self.paused = True
            if self.mode is Mode.POLICIES:
                self.annotations[names.HELD] = Held.HELD
        self.digest = digest

    def wish(self, what: str) -> None:
        self.annotations[names.DO] = what

    def tick(self, seconds: float) -> None:
        """Time passes: requests are served, pods become ready, the native roll-out goes on, deleted pods are gone."""
        self._serve(seconds)
        self.clock += seconds
        for pods in (*self.sets.values(), *self.canaries.values()):
            version = self.versions[pods.digest]
            if version.dead is None and self.clock - pods.born >= version.ready_after and pods.ready != pods.replicas:
                pods.ready, pods.changed = pods.replicas, self.clock
        self.canaries = {name: pods for name, pods in self.canaries.items() if not pods.deleting}
        if self.exists and not self.paused:
            self._roll()
        self._scale()

    def _serve(self, seconds: float) -> None:
        """Requests by the shares of the route, as counters that Prometheus keeps."""
        for pin, parts in self.served():
            on_canary = pin.label == names.RELEASE and pin.value in self.canaries
            name = pin.value if on_canary else "web"
            failing = self.versions[self.canaries[name].digest].errors if on_canary else 0.0
            count = self.requests_a_second * seconds * self._part(pin, parts)
            if on_canary and name == self.preview and self.canaries[name].ready:
                count += self.tests_a_second * seconds
            total, failed = self.counters.setdefault(name, [(0.0, 0.0, 0.0)])[-1][1:]
            self.counters[name].append((self.clock + seconds, total + count, failed + count * failing))

    def served(self) -> tuple[tuple[Pin, float], ...]:
        """Each leg's part of all traffic; without a mesh a mixed one is by numbers of ready pods."""
        split = self.split.shares if self.split else ()
        if self.router != "service" or any(parts == traffic.WHOLE for _, parts in split):
            return split
        ready = [(pin, ready_behind(self, pin)) for pin, _ in split]
        every = sum(number for _, number in ready) or 1
        return tuple((pin, traffic.WHOLE * number / every) for pin, number in ready)

    @property
    def router(self) -> str:
        return self.annotations.get(f"{names.GROUP}/router", "istio")

    def _part(self, pin: Pin, parts: float) -> float:
        """The part of all requests that a pin answers, or gets a copy of."""
        match self.split.aside if self.split else None:
            case traffic.Only(to):
                return MATCHING if pin == to else (1 - MATCHING) * parts / traffic.WHOLE
            case traffic.Mirror(to, copied):
                return copied / traffic.WHOLE if pin == to else parts / traffic.WHOLE
            case _:
                return parts / traffic.WHOLE

    def _counted(self, name: str, seconds: float) -> tuple[int, int]:
        """Whole requests and failures of a workload in the last `seconds`."""
        samples = self.counters.get(name, [(0.0, 0.0, 0.0)])
        start = [sample for sample in samples if sample[0] <= self.clock - seconds + 1e-6] or samples[:1]
        end = samples[-1]
        return round(end[1] - start[-1][1]), round(end[2] - start[-1][2])

    def _roll(self) -> None:
        """One step of the Deployment controller: the new set grows, then the old ones shrink."""
        new = self.sets.get(self.digest)
        if new is None:
            new = self.sets[self.digest] = Pods(self.digest, 0, born=self.clock)
        if new.number < (newest := max(pods.number for pods in self.sets.values())) or not newest:
            new.number = newest + 1
        if self.versions[self.digest].never_rolls:
            return
        old = [pods for pods in self.sets.values() if pods.digest != self.digest and pods.replicas > 0]
        if new.replicas < self.replicas:
            new.replicas += 1
            new.born = self.clock
        elif new.ready == new.replicas and old:
            old[0].replicas -= 1
            old[0].ready = min(old[0].ready, old[0].replicas)

    def _scale(self) -> None:
        running = [pods for pods in self.sets.values() if pods.replicas > 0]
        if len(running) == 1 and running[0].replicas != self.replicas:
            running[0].replicas = self.replicas
            running[0].ready = min(running[0].ready, self.replicas)

    @property
    def rolled_out(self) -> bool:
        new = self.sets.get(self.digest)
        whole = new is not None and new.replicas == self.replicas == new.ready
        return whole and all(pods.replicas == 0 for pods in self.sets.values() if pods.digest != self.digest)

    def rewrite_route(self, content: str) -> None:
        """A foreign writer puts the route, without our legs."""
        self.split, self.content, self.route_changed = None, content, self.clock

    # What a look sees.

    def workload(self) -> Workload | None:
        if not self.exists:
            return None
        held = self.held
        return Workload(
            namespace="shop",
            name="web",
            uid="web-uid",
            resource_version=str(self.acts),
            annotations=dict(self.annotations),
            template={"metadata": {"labels": {"app": "web"}}},
            spec={},
            digest=self.digest,
            replicas=self.replicas,
            paused=self.paused,
            held=Held(held) if held else None,
            rolled_out=self.rolled_out,
            stalled=self.versions[self.digest].never_rolls,
            deleting=False,
        )

    def revisions(self) -> tuple[Revision, ...]:
        if not self.exists:
            return ()
        found = [Revision(p.digest, p.digest, p.replicas, p.ready, {}, p.number) for p in self.sets.values()]
        return tuple(sorted(found, key=lambda item: (-item.replicas, item.hash)))

    def canary(self, name: str) -> Canary | None:
        pods = self.canaries.get(name)
        if pods is None:
            return None
        dead = self.versions[pods.digest].dead
        return Canary(name, pods.replicas, pods.ready, dead, dead, pods.deleting)

    def survey(self) -> Survey:
        saved = {"content": self.content}
        shown = frozenset(self.split.pins) if self.split else frozenset()
        return Survey(split=self.split, shown=shown, legs=self.legs, saved=saved)

    def plan(self) -> Plan | tuple[str, ...]:
        return plans.resolve(self.annotations, {})

    def seen(self, release: Release) -> Seen:
        base, predecessor = self._others(release)
        seen = Seen(
            now=self.now,
            workload=self.workload(),
            revisions=self.revisions(),
            canary=self.canary(release.name),
            canary_age=self.clock - self.canaries[release.name].changed if release.name in self.canaries else 0.0,
            base=base,
            predecessor=predecessor,
            previewed=self.preview == release.name,
            preview_left=self.preview == release.name,
            service="web",
            router=self.router,
            route=self.survey(),
            route_age=self.clock - self.route_changed,
            plan=self.plan(),
            release_deleting=release.deleting,
        )
        if signals.stage(release, seen) in signals.SPLIT_STAGES:
            foreign = self.content != (release.status.saved or {}).get("content")
            seen = replace(seen, drift="the route was rewritten" if foreign else None)
        if signals.stage(release, seen) in questions.judged_stages(release.plan) and not signals.is_urgent(
            release, seen
        ):
            return replace(seen, judgement=self._judgement(release))
        return seen

    def _others(self, release: Release) -> tuple[Base | None, str | None]:
        before = [item for item in self.releases if item.name != release.name and not item.is_ended]
        if release.status.base:
            before = [item for item in self.releases if item.name == release.status.base]
        elif release.status.phase is not Phase.PENDING:
            return None, None
        if not before:
            return None, None
        base = before[-1]
        stage = (
            Stage.ROLLING if base.is_ended else signals.stage(base, Seen(self.now, self.workload(), self.revisions()))
        )
        if stage is not Stage.ROLLING:
            return None, base.name
        saved = base.status.saved or {}
        return Base(base.name, base.spec.revision, not base.is_ended, 1, saved, self.canary(base.name)), None

    def _judgement(self, release: Release) -> Judgement | None:
        status = release.status
        if status.since is None:
            return None
        plan = release.plan
        question = judge.Question(
            namespace="shop",
            canary=release.name,
            stable="web",
            since=status.since,
            warm_until=(status.ready_at or status.since) + WARM_UP,
            now=self.now,
            thresholds=Thresholds(
                interval=plan.stay(release.step), success_rate=plan.success_rate, max_failures=plan.max_failures
            ),
            bad_looks=status.bad_looks,
            last_bad=status.last_bad,
        )
        return judge.judge(question, lambda promql, at: self._answer(release.name, promql))

    def _answer(self, canary: str, promql: str) -> outcome.Answer:
        """What Prometheus has counted in the query's window."""
        if not self.prometheus:
            return outcome.Broken(errors.Fault.UNREACHABLE, "Prometheus does not answer")
        window = re.search(r"\[(\d+)ms\]", promql)
        assert window is not None
        rows: list[outcome.Row] = []
        for name in (canary, "web"):
            count, failed = self._counted(name, int(window[1]) / 1000)
            labels = {queries.ISTIO.workload: name}
            if count:
                rows.append(outcome.Row({**labels, queries.COUNTED: queries.REQUESTS}, count))
                rows.append(outcome.Row({**labels, queries.COUNTED: queries.FAILURES}, failed))
        return outcome.Table(tuple(rows))

    # What the controller does.

    def decide(self) -> Decision:
        release = self.release
        if release is None:
            return self.mind.at_rest(self._idle()) if self.exists else Decision()
        seen = self.seen(release)
        decision = self.mind.in_flight(release, seen, PACE)
        stands = MOVES[signals.name(release, seen)] is Course.STAND and not decision.acts
        if stands and idle.calls_for_successor(self.workload()):
            return self.mind.successor(self._idle(), release)
        return decision

    def _idle(self) -> Idle:
        work = self.workload()
        assert work is not None
        ended = tuple(item for item in self.releases if item.is_ended)
        return Idle(
            work,
            self.revisions(),
            ended,
            self.plan(),
            shown=self.split is not None and self.release is None,
            legs=bool(self.legs) and self.release is None,
            orphans=bool(self.canaries or self.preview) and self.release is None,
        )

    def look(self) -> float:
        """One look: decide and act. Returns seconds until the next."""
        decision = self.decide()
        for act in decision.acts:
            if self.acts == self.kill_before:
                self.kill_before = -1
                self.route_changed = max(self.route_changed, self.clock)
                raise Killed
            self.acts += 1
            self.perform(act)
            self.check(act)
        self.told.extend(decision.told)
        return 5.0 if decision.look_again is None else decision.look_again

    def perform(self, act: Act) -> None:
        release = self.release
        match act:
            case Record(status):
                self._keep(release, status=status)
                self.recorded |= {shares.aside(item.pin, item.step) for item in self.releases}
            case Replan(plan):
                assert release is not None
                self._keep(release, spec=release.spec.model_copy(update={"plan": plan.texts()}))
            case Define(pins):
                self.legs, self.route_changed = pins, self.clock
            case Steer(split):
                self.split, self.route_changed = split, self.clock
            case Restore():
                self.split, self.route_changed = None, self.clock
            case Disown():
                pass
            case RaiseBase(name, replicas):
                self._size(self.canaries[name], replicas)
            case Sweep():
                self.canaries.clear()
                self.preview = None
            case Preview():
                assert release is not None
                self.preview = release.name
            case Unpreview():
                self.preview = None
            case Raise(replicas):
                self._raise(release, replicas)
            case Remove(both):
                self._remove(release, both)
            case Begin(digest, attempt, plan):
                self._begin(digest, attempt, plan)
            case EndBase(name, phase):
                base = next(item for item in self.releases if item.name == name)
                self._keep(base, status=base.status.model_copy(update={"phase": phase, "ended": self.now}))
            case Unpause(digest, held):
                assert digest == self.digest
                self._unpause(held)
            case RevertTemplate(hash_, held):
                self.digest = hash_
                self._unpause(held)
                self.paused = held is Held.REST
            case Mark(digest):
                self.annotations[names.FAILED] = digest
            case HandOver(name, saved):
                base = next(item for item in self.releases if item.name == name)
                self._keep(base, status=base.status.model_copy(update={"saved": dict(saved)}))
            case Hold():
                self.annotations[names.HELD] = Held.HELD
                self.paused = True
            case Rest():
                self._unpause(Held.REST)
                self.paused = True
            case Unhold():
                self._forget(names.HELD, names.FAILED)
            case Leave():
                self.annotations[names.HELD] = Held.LEFT
            case ClearWish():
                self._forget(names.DO)

    def _keep(self, release: Release | None, **changes: object) -> None:
        assert release is not None
        place = self.releases.index(release)
        self.releases[place] = release.model_copy(update=changes)

    def _raise(self, release: Release | None, replicas: int) -> None:
        assert release is not None
        pods = self.canaries.setdefault(release.name, Pods(release.spec.revision, 0))
        self._size(pods, replicas)

    def _size(self, pods: Pods, replicas: int) -> None:
        if pods.replicas != replicas:
            pods.replicas, pods.born = replicas, self.clock

    def _remove(self, release: Release | None, base: bool) -> None:
        assert release is not None
        for name in (release.name, *([release.status.base] if base else [])):
            if name in self.canaries:
                self.canaries[name].deleting = True

    def _begin(self, digest: str, attempt: int, plan: Plan) -> None:
        spec = Spec(deployment="web", deployment_uid="web-uid", revision=digest, attempt=attempt, plan=plan.texts())
        name = release_name("web", digest, attempt)
        created = f"{self.clock:09.1f}"
        about = {"name": name, "namespace": "shop", "uid": name, "resource_version": "1", "created": created}
        self.releases.append(Release.model_validate({**about, "spec": spec, "status": Status()}))

    def _unpause(self, held: Held | None) -> None:
        self.paused = False
        self._forget(names.HELD, names.DO, names.FAILED)
        if held is not None:
            self.annotations[names.HELD] = held

    def _forget(self, *keys: str) -> None:
        for key in keys:
            self.annotations.pop(key, None)

    # The laws that hold after every act.

    def check(self, act: Act) -> None:
        for holds in LAWS if not self.lenient else ():
            if not holds(self):
                raise LawBroken(f"{holds.__doc__} After {act} at {self.clock:.1f} s: {self.split}, {self.canaries}")


def ready_behind(world: World, pin: Pin) -> int:
    if pin.label == names.RELEASE:
        pods = world.canaries.get(pin.value)
        return 0 if pods is None or pods.deleting else pods.ready
    found = world.sets.get(pin.value)
    return found.ready if found else 0


def legs_with_weight_have_pods(world: World) -> bool:
    """Every leg with weight leads to ready pods, and to a leg that is defined."""
    if world.split is None or not world.exists:
        return True
    pins = [pin for pin, parts in world.split.shares if parts > 0]
    if isinstance(world.split.aside, traffic.Only):
        pins.append(world.split.aside.pin)
    return all(pin in world.legs and ready_behind(world, pin) > 0 for pin in pins)


def canary_pods_wait_for_the_pin(world: World) -> bool:
    """Canary pods are there only while the route is pinned, so that clients of the root do not meet them (law 8)."""
    return world.split is not None or all(pods.deleting for pods in world.canaries.values())


def preview_has_its_leg(world: World) -> bool:
    """The preview is there only between the leg's coming and its going (laws 8 and 9)."""
    return world.preview is None or traffic.canary(world.preview) in world.legs


def weight_is_never_ahead_of_its_record(world: World) -> bool:
    """The canary's share, and what it gets beside it, is never more than what is recorded (the order law)."""
    release = world.release
    if release is None or world.split is None or release.status.phase in (Phase.ROLLING_BACK, Phase.FINISHING):
        return True
    aside = world.split.aside
    beside = aside is None or aside.pin != release.pin or aside in world.recorded
    return beside and Decimal(world.split.share(release.pin)) / 100 <= release.status.weight


def shares_by_number_are_recorded(world: World) -> bool:
    """Where pods are the share, there are never more of them than the recorded weight asks for (the order law)."""
    release = world.release
    if release is None or world.split is None or not numbers.apply(release):
        return True
    is_mixed = all(parts > 0 for _, parts in world.split.shares)
    allowed = numbers.nearest(world.replicas, release.status.weight)
    return not is_mixed or ready_behind(world, release.pin) <= allowed


def nobody_is_on_pods_that_roll(world: World) -> bool:
    """While old and new pods replace each other, all traffic is on a canary (promise 2)."""
    if world.paused or world.split is None or not world.exists:
        return True
    rolling = any(pods.replicas > 0 and pods.digest != world.digest for pods in world.sets.values())
    on_sets = any(parts > 0 for pin, parts in world.split.shares if pin.label == names.POD_TEMPLATE_HASH)
    return not (rolling and on_sets)


def only_judged_templates_roll(world: World) -> bool:
    """An un-paused Deployment with a release in flight rolls to the judged template, or back (laws 10 and 11)."""
    release = world.release
    if release is None or world.paused or not world.exists:
        return True
    return world.digest in (release.spec.revision, *release.status.stable_digests)


LAWS: tuple[Callable[[World], bool], ...] = (
    legs_with_weight_have_pods,
    canary_pods_wait_for_the_pin,
    preview_has_its_leg,
    weight_is_never_ahead_of_its_record,
    shares_by_number_are_recorded,
    nobody_is_on_pods_that_roll,
    only_judged_templates_roll,
)

Happening = tuple[float, Callable[[World], None]]


def play(world: World, happenings: Iterable[Happening], until: float = 400.0) -> list[str]:
    """Live through a story; one line for each change. A kill is survived by looking again."""
    waiting = sorted(happenings, key=lambda item: item[0])
    lines: list[str] = []
    before = ""
    stuck = 0
    while world.clock < until:
        while waiting and waiting[0][0] <= world.clock:
            waiting.pop(0)[1](world)
        try:
            again = world.look()
        except Killed:
            again = 0.0
        lines.extend(f"{world.clock:6.1f}  {each.level.value[0]} {each.reason}: {each.message}" for each in world.told)
        shown = picture(world)
        if shown != before:
            lines.append(f"{world.clock:6.1f}  {shown}")
            before = shown
        world.told.clear()
        stuck = stuck + 1 if again == 0 else 0
        if stuck > 50:
            raise AssertionError(f"the looks do not come to rest at {world.clock} s: {lines[-5:]}")
        if again > 0:
            world.tick(min(again, 5.0))
    return lines


def picture(world: World) -> str:
    """The world in one line."""
    legs = world.split.shares if world.split else ()
    split = " ".join(f"{pin.name}={parts / 100:g}" for pin, parts in legs) or "root"
    match world.split.aside if world.split else None:
        case traffic.Only() as only:
            split += f" {only}→{only.pin.name}"
        case traffic.Mirror(pin, copied):
            split += f" mirror:{copied / 100:g}→{pin.name}"
    canaries = [f"{name}:{pods.ready}/{pods.replicas}" for name, pods in world.canaries.items() if not pods.deleting]
    sets = [f"{pods.digest}:{pods.replicas}" for pods in world.sets.values() if pods.replicas]
    notes = sorted((key, value) for key, value in world.annotations.items() if key != names.STRATEGY)
    marks = [*(["paused"] if world.paused else []), *(f"{key.split('/')[1]}={value}" for key, value in notes)]
    phases = [f"{item.name}={item.status.phase.value}" for item in world.releases if not item.is_ended]
    parts = (
        f"[{','.join(phases) or '-'}] route {split}",
        f"legs {len(world.legs)}",
        f"pods {','.join(sets) or '-'}",
        f"canary {','.join(canaries) or '-'}",
        f"preview {world.preview}" if world.preview else "",
        " ".join(marks),
    )
    return " | ".join(part for part in parts if part)
