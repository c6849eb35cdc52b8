"""Observe: read all that one look needs into one frozen value."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from analysis import custom, evidence, judge
from analysis.mesh import Naming
from analysis.threshold import Latency
from analysis.verdict import Judgement
from deploy import cautions, errors, hold, kinds, names, preview, routers, services, traffic, workload
from deploy.cluster import Cluster
from deploy.traffic import Json, Split, Survey, Target
from deploy.workload import Canary, Revision, Workload
from rollout import numbers, policy, questions, salvage, shares, signals, views
from rollout import plan as plans
from rollout.idle import Idle
from rollout.once import Once
from rollout.plan import Plan
from rollout.routes import Routes, target_of
from rollout.seen import Base, Endpoints, Seen
from rollout.settings import Settings
from rollout.signals import Stage
from rollout.status import Phase, Release
from rollout.views import Near, View, Word


class Judge(Protocol):
    """What is asked about metrics of the Deployment `name` (namespace/name); an answer may come later."""

    def judge(self, name: str, question: judge.Question) -> Judgement | None: ...

    def weigh(self, name: str, question: evidence.EvidenceQuestion) -> Judgement | None: ...

    def faults(self, name: str, now: datetime, latency: Latency | None, service: str) -> tuple[str, ...]: ...

    def tried(self, name: str, now: datetime, trial: custom.Trial) -> tuple[str, ...]: ...


class Observer:
    """Reads the world; decides nothing and writes nothing."""

    def __init__(
        self,
        cluster: Cluster,
        routes: Routes,
        judge: Judge,
        settings: Settings,
        now: Callable[[], datetime],
        read: Callable[[Json], Workload] = workload.read,
    ) -> None:
        self._cluster = cluster
        self._routes = routes
        self._judge = judge
        self._settings = settings
        self._now = now
        self._read = read
        self._ready: dict[str, tuple[int, float]] = {}
        self._choices: Once[View, Target | tuple[str, ...]] = Once()
        self._policies: Once[Workload, Mapping[str, Json] | str] = Once()

    @property
    def mode(self) -> hold.Mode:
        """What keeps a changed template from rolling out."""
        return self._settings.hold

    @property
    def cluster_domain(self) -> str:
        return self._settings.cluster_domain

    def view(self, namespace: str, name: str) -> View:
        """The Deployment, its ReplicaSets and its Releases. Raises ClusterError."""
        found = self._cluster.list(kinds.RELEASE, namespace).items
        releases, malformed, leaving = views.read_releases(item for item in found if views.is_of(name, item))
        deployment = self._cluster.find(kinds.DEPLOYMENT, name, namespace)
        work = self._read(deployment) if deployment is not None else None
        revisions: tuple[Revision, ...] = ()
        if work is not None and (work.opted_in or work.held is not None or releases):
            sets = self._cluster.list(kinds.REPLICA_SET, namespace, labels=services.selector(work.spec)).items
            revisions = workload.revisions(sets, work.uid)
        view = View(namespace, name, deployment, work, revisions, releases, malformed, leaving)
        if (work is not None and work.canary_of and work.opted_in) or views.is_one_of_a_pair(name, found):
            return replace(view, is_paired=True)
        view = replace(view, is_side=any(views.is_side(name, item) for item in found))
        concerned = bool(revisions) or work is None
        return replace(view, orphans=self._orphans(view)) if concerned and view.release is None else view

    def _orphans(self, view: View) -> tuple[Json, ...]:
        canaries = self._cluster.list(kinds.DEPLOYMENT, view.namespace, labels=names.RELEASE).items
        previews = self._cluster.list(kinds.SERVICE, view.namespace, labels=names.PREVIEW).items
        return tuple(item for item in (*canaries, *previews) if views.owner_name(item) == view.name)

    def idle(self, view: View, hold_missing: str | None) -> Idle:
        """A Deployment without a release in flight."""
        if view.work is None:
            raise ValueError(f"Deployment {view.namespace}/{view.name} is gone")
        refusals = self.refusals(view)
        target = self.target(view, None)
        survey, age = self._routes.survey(target, None) if target else (Survey(), 0.0)
        plan = self.plan(view.work)
        wanted = shares.asides(traffic.canary(view.name), plan) if isinstance(plan, Plan) else ()
        unfit = self._routes.unfit(target, wanted) if target else ()
        resting = view.work.opted_in and view.work.rests
        telemetry = self.telemetry(view.work, plan, target.service if target else "") if resting else ()
        down, pinned = self._fallen(view, survey, age)
        return Idle(
            workload=view.work,
            revisions=view.revisions,
            ended=view.ended,
            plan=plan,
            refusals=refusals or (*survey.faults, *unfit),
            hold_missing=hold_missing,
            malformed=view.malformed,
            shown=bool(survey.shown) and view.release is None,
            down=down,
            pinned=pinned,
            legs=bool(survey.legs) and view.release is None,
            orphans=bool(view.orphans),
            telemetry=telemetry,
            cautions=self._cautions(view.work) if resting else (),
        )

    def _fallen(self, view: View, survey: Survey, age: float) -> tuple[Split | None, float | None]:
        """`down` and `pinned` of an Idle: how far what a vanished release left in the route has fallen."""
        if view.release is not None or not survey.shown:
            return None, None
        if {pin.label for pin in survey.shown} == {names.POD_TEMPLATE_HASH}:
            return None, max(0.0, self._settings.settle - age, self._settings.drain - age)
        return salvage.stable_split(salvage.Left(view.work, view.revisions, survey)), None

    def _cautions(self, work: Workload) -> tuple[str, ...]:
        """What stands beside a Deployment at rest; a claim that is not there is no matter of ours."""
        named = (self._cluster.find(kinds.CLAIM, name, work.namespace) for name in cautions.claimed(work))
        beside = cautions.Beside(
            autoscalers=self._cluster.list(kinds.HPA, work.namespace).items,
            budgets=self._cluster.list(kinds.PDB, work.namespace).items,
            claims=[claim for claim in named if claim is not None],
        )
        return cautions.find(work, beside)

    def telemetry(self, work: Workload, plan: Plan | tuple[str, ...], service: str) -> tuple[str, ...]:
        """What the judge would miss, asked about the version that runs (cases 21 and 30)."""
        if not isinstance(plan, Plan) or work.replicas == 0:
            return ()
        limit = Latency(plan.latency.quantile, plan.latency.limit) if plan.latency else None
        name, now = f"{work.namespace}/{work.name}", self._now()
        found = self._judge.faults(name, now, limit, service)
        if not plan.metrics:
            return found
        trial = custom.Trial(tuple(one.asked for one in plan.metrics), service, plan.interval)
        return (*found, *(text for text in self._judge.tried(name, now, trial) if text not in found))

    def plan(self, work: Workload) -> Plan | tuple[str, ...]:
        return self._resolved(work, self._policies.of(work, lambda: self.policies(work.namespace)))

    def _resolved(self, work: Workload, policies: Mapping[str, Json] | str) -> Plan | tuple[str, ...]:
        """The plan by annotations, policy and defaults; who names no policy needs no right to read them."""
        defaults = self._settings.defaults
        if not isinstance(policies, str):
            return plans.resolve(work.annotations, defaults, policies)
        named = plans.policy_named(work.annotations, defaults)
        if named is not None:
            return (f"ReleasePolicy {named} can not be read: {policies}",)
        return plans.resolve(work.annotations, defaults, {})

    def policies(self, namespace: str) -> Mapping[str, Json] | str:
        """The ReleasePolicies of a namespace by name, none where the cluster does not know the kind; or why we may not
        read them."""
        try:
            found = self._cluster.list(kinds.RELEASE_POLICY, namespace).items
        except errors.Missing:
            return {}
        except errors.NotGranted as error:
            return str(error)
        return {item["metadata"]["name"]: item for item in found}

    def planned(self, work: Workload | None, release: Release) -> tuple[Plan | tuple[str, ...], str]:
        """The plan that is asked for; where the policy of a release in flight is gone, the recorded one, and that."""
        if work is None:
            return (), ""
        known = self._policies.of(work, lambda: self.policies(work.namespace))
        if release.status.phase is not Phase.PENDING:
            recorded = release.plan
            named = plans.policy_named(work.annotations, self._settings.defaults)
            if isinstance(known, str):
                missing = f"{known}: the weight stays" if named or recorded.policy else ""
            else:
                missing = policy.lacking(named, recorded.policy, known)
            if missing:
                return recorded, missing
        return self._resolved(work, known), ""

    def proof(self, view: View) -> str | None:
        """Whether the hold's policies act on the Deployment, by a dry run; a pause is its own proof."""
        if view.deployment is None or self._settings.hold is hold.Mode.PAUSE:
            return None
        return hold.prove(self._cluster, view.deployment)

    def refusals(self, view: View) -> tuple[str, ...]:
        """What makes a release impossible whatever the route is."""
        if view.work is None:
            return ()
        found = workload.refusals(view.work)
        chosen = self._choice(view)
        return (*found, *(chosen if isinstance(chosen, tuple) else self._uncounted(chosen)))

    def _uncounted(self, target: Target) -> tuple[str, ...]:
        """Why the chosen mesh's telemetry can not tell the legs apart."""
        setting, naming = self._settings.mesh, self._settings.telemetry.naming
        if naming is Naming.SERVICE and target.router not in routers.BY_SERVICES:
            return (f"mesh {setting} counts by the Service of each leg, and router {target.router} has none for a leg",)
        if setting == "linkerd-route" and target.router == "smi":
            return ("mesh linkerd-route counts nothing where a TrafficSplit overrides the routes: choose linkerd",)
        return ()

    def _choice(self, view: View) -> Target | tuple[str, ...]:
        """The Service that a release would move and whose objects route it, or why there is none; one for each view."""
        return self._choices.of(view, lambda: self._chosen(view))

    def _chosen(self, view: View) -> Target | tuple[str, ...]:
        found = self._service(view)
        if isinstance(found, tuple) or view.work is None:
            return found if isinstance(found, tuple) else ()
        target = self._aim(view, found["metadata"]["name"], views.running_labels(view))
        plan = self.plan(view.work)
        wanted = plan.router if isinstance(plan, Plan) else None
        if names.SELECTOR in (found["metadata"].get("annotations") or {}):  # it is moved already, whoever is gone
            wanted = plans.RouterName.SERVICE
        return self._routes.choose(target, wanted.value if wanted else None)

    def _service(self, view: View) -> Json | tuple[str, ...]:
        """The one Service in front of the Deployment, or why it is not one."""
        if view.work is None:
            return ()
        around = services.Surroundings(
            services=self._cluster.list(kinds.SERVICE, view.namespace).items,
            deployments=self._cluster.list(kinds.DEPLOYMENT, view.namespace).items,
        )
        return services.choose(view.work, views.running_labels(view), around)

    def target(self, view: View, release: Release | None) -> Target | None:
        """What the release moves; from its record once it has begun, so that it can end without its Service."""
        if release is None or not release.status.service:
            found = self._choice(view)
            return None if isinstance(found, tuple) else found
        status = release.status
        aim = self._aim(view, status.service, status.pod_labels or views.running_labels(view))
        return replace(aim, router=status.router)

    def _aim(self, view: View, service: str, running: Mapping[str, str]) -> Target:
        new = view.work.labels if view.work is not None else running
        return target_of(view.namespace, service, running, new, self._settings.cluster_domain)

    def near(self, view: View, release: Release) -> Near:
        """What of the API server's words is the same for many looks at a step."""
        return Near(self.canary(release), *self.planned(view.work, release))

    def seen(self, view: View, release: Release, near: Near | None = None, word: Word | None = None) -> Seen:
        """All that the look at `release` needs; the judge is asked last, and only if nothing more urgent is seen.

        word: what the judge said just now; where that is of this very release, it is not asked again.
        """
        base, predecessor = self._others(view, release)
        pending = release.status.phase is Phase.PENDING
        refusals = self.refusals(view) if pending else ()
        target = None if refusals else self.target(view, release)
        survey, age = self._routes.survey(target, release.status.saved) if target else (Survey(), 0.0)
        near = near or self.near(view, release)
        shown = self._preview(release)
        seen = Seen(
            now=self._now(),
            workload=view.work,
            revisions=view.revisions,
            canary=near.canary,
            canary_age=self._age(release, near.canary),
            endpoints=self._endpoints(release),
            previewed=preview.leads_to(shown, release.name),
            preview_left=preview.is_of(shown, release.name),
            leavers=self._leavers(view, release, base),
            base=base,
            predecessor=predecessor,
            service=target.service if target else "",
            router=target.router if target else "",
            pod_labels=target.pod_labels if target else {},
            route=survey,
            route_age=age,
            plan=near.plan,
            policy_missing=near.policy_missing,
            refusals=refusals,
            unfit=self._routes.unfit(target, shares.asides_of(release)) if target else (),
            release_deleting=release.deleting,
        )
        return self._judged(release, self._with_drift(release, seen, target), word)

    def _with_drift(self, release: Release, seen: Seen, target: Target | None) -> Seen:
        if target is None or signals.stage(release, seen) not in signals.SPLIT_STAGES:
            return seen
        pins = frozenset(seen.route.split.pins) if seen.route.split else frozenset({release.pin})
        return replace(seen, drift=self._routes.drift(target, release.status.saved, pins))

    def _judged(self, release: Release, seen: Seen, word: Word | None) -> Seen:
        status = release.status
        if (
            signals.stage(release, seen) not in questions.judged_stages(release.plan)
            or signals.is_urgent(release, seen)
            or status.since is None
        ):
            return seen
        if word is not None and (said := word.of(release)) is not None:
            return replace(seen, judgement=said)
        base = seen.base
        stable = views.base_canary_name(release, base) if base else release.spec.deployment
        return self.judged(release, seen, (views.canary_name(release), stable))

    def judged(self, release: Release, seen: Seen, workloads: tuple[str, str]) -> Seen:
        """With the judge's word on the canary beside stable, as telemetry names these workloads."""
        asked = questions.of(release, seen, workloads, self._settings)
        if questions.is_by_threshold(release):
            return replace(seen, judgement=self._judge.judge(release.key, asked))
        return replace(
            seen, judgement=self._judge.weigh(release.key, questions.weighed(asked, release, seen, self._settings))
        )

    def canary(self, release: Release) -> Canary | None:
        """The canary Deployment of a release, and its pods' own words."""
        namespace = release.namespace
        found = self._cluster.find(kinds.DEPLOYMENT, views.canary_name(release), namespace)
        if found is None or found["metadata"].get("labels", {}).get(names.RELEASE) != release.name:
            return None
        pods = self._cluster.list(kinds.POD, namespace, labels=f"{names.RELEASE}={release.name}").items
        return workload.read_canary(found, [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]])

    def _endpoints(self, release: Release) -> Endpoints | None:
        """Who is behind the Service now, where that is what a share is."""
        if not numbers.apply(release) or release.status.phase is not Phase.STEPPING:
            return None
        chosen = f"{names.SERVICE_NAME}={release.status.service}"
        slices = self._cluster.list(kinds.ENDPOINT_SLICE, release.namespace, labels=chosen).items
        every = [item for found in slices for item in found.get("endpoints") or () if is_ready(item)]
        head = f"{views.canary_name(release)}-"
        # A pod with addresses of two families stands in two slices.
        pods = {(item.get("targetRef") or {}).get("name") or str(item.get("addresses")) for item in every}
        return Endpoints(sum(pod.startswith(head) for pod in pods), len(pods))

    def _preview(self, release: Release) -> Json | None:
        """The Service under the preview's name; asked for only where it matters."""
        phase = release.status.phase
        ending = phase in (Phase.FINISHING, Phase.ROLLING_BACK)
        if phase is Phase.PENDING or not (release.plan.is_previewed or ending):
            return None
        return self._cluster.find(kinds.SERVICE, preview.name(release.status.service), release.namespace)

    def _age(self, release: Release, canary: Canary | None) -> float:
        """For how long, as far as this process saw, the canary has had as many ready pods."""
        ready = canary.ready if canary is not None else 0
        known = self._ready.get(release.uid)
        if known is None or known[0] != ready:
            self._ready[release.uid] = known = (ready, time.monotonic())
        return time.monotonic() - known[1]

    def forget(self, release: Release) -> None:
        """Nothing of an ended release is kept in memory."""
        self._ready.pop(release.uid, None)

    def _others(self, view: View, release: Release) -> tuple[Base | None, str | None]:
        """The release on whose canary this one stands or will stand, or the one that it must wait for."""
        earlier = [item for item in view.releases if item.name != release.name]
        if release.status.base:
            found = next((item for item in earlier if item.name == release.status.base), None)
            return (self._base(view, found) if found else None), None
        if release.status.phase is not Phase.PENDING:
            return None, None
        standing = [item for item in earlier if not item.is_ended]
        if not standing:
            return None, None
        before = standing[-1]
        interrupted = signals.stage(before, Seen(self._now(), view.work, view.revisions)) is Stage.ROLLING
        return (self._base(view, before), None) if interrupted else (None, before.name)

    def _base(self, view: View, before: Release) -> Base:
        return Base(
            name=before.name,
            revision=before.spec.revision,
            in_flight=not before.is_ended,
            saved=before.status.saved or {},
            attempt=before.spec.attempt,
            canary=self.canary(before),
        )

    def _leavers(self, view: View, release: Release, base: Base | None) -> int:
        """Addresses that still serve and belong to pods of canaries that are to go."""
        if release.status.phase not in (Phase.FINISHING, Phase.ROLLING_BACK):
            return 0
        gone = {release.name: views.canary_name(release)}
        if base is not None and release.status.phase is Phase.FINISHING:
            gone[base.name] = views.base_canary_name(release, base)
        chosen = f"{names.RELEASE} in ({','.join(sorted(gone))})"
        pods = self._cluster.list(kinds.POD, view.namespace, labels=chosen).items
        slices = self._cluster.list(kinds.ENDPOINT_SLICE, view.namespace).items
        return sum(addresses_of(item, [*gone.values()]) for item in slices) or unready_leavers(pods)


def is_ready(endpoint: Json) -> bool:
    """Whether it takes new connections; a missing condition means so."""
    return (endpoint.get("conditions") or {}).get("ready", True) is not False


def unready_leavers(pods: Sequence[Json]) -> int:
    """Pods that nobody has told to go yet."""
    return sum("deletionTimestamp" not in pod["metadata"] for pod in pods)


def addresses_of(endpoint_slice: Json, prefixes: Sequence[str]) -> int:
    """How many endpoints of the slice lead to pods of these Deployments and still serve, though the pods be gone."""
    endpoints = endpoint_slice.get("endpoints") or ()
    heads = tuple(f"{prefix}-" for prefix in prefixes)
    ours = [item for item in endpoints if (item.get("targetRef") or {}).get("name", "").startswith(heads)]
    return sum((item.get("conditions") or {}).get("serving", True) for item in ours)
