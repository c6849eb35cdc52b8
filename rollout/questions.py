"""What the judge is asked about a release in flight: when, about which legs, and with which measures."""

from analysis import evidence, judge, metric
from analysis.threshold import Latency, Thresholds
from rollout import plan as plans
from rollout import shares
from rollout.plan import Plan
from rollout.seen import Seen
from rollout.settings import Settings
from rollout.signals import Stage
from rollout.status import Phase, Release

JUDGED = frozenset({Stage.STEPPING, Stage.BAKING, Stage.PROMOTING})


def judged_stages(plan: Plan) -> frozenset[Stage]:
    """Stages in which the canary may have traffic; in Preparing only that of a preview."""
    return JUDGED | {Stage.PREPARING} if plan.is_previewed else JUDGED


def is_by_threshold(release: Release) -> bool:
    """Whether thresholds alone can judge: the plan says so, or the legs serve different users."""
    return is_preview(release) or release.plan.judge is plans.Judge.THRESHOLD or bool(release.step.only)


def is_preview(release: Release) -> bool:
    """Whether the canary has only a preview's traffic."""
    return release.status.phase is Phase.PREPARING


def of(release: Release, seen: Seen, workloads: tuple[str, str], settings: Settings) -> judge.Question:
    """The question about the canary and stable, as telemetry names these workloads."""
    status = release.status
    canary, stable = workloads
    since = status.since or seen.now
    return judge.Question(
        namespace=release.namespace,
        canary=canary,
        stable=stable,
        since=since,
        warm_until=(status.ready_at or since) + settings.warm_up,
        now=seen.now,
        thresholds=thresholds(release, settings),
        bad_looks=status.bad_looks,
        last_bad=status.last_bad,
        metrics=compared(release, is_preview(release)),
        service=status.service,
        alone=status.phase in (Phase.BAKING, Phase.PROMOTING),
        services=shares.leg_services(release),
    )


def thresholds(release: Release, settings: Settings) -> Thresholds:
    """The plan's bounds for the step on which the release stands."""
    plan, limit = release.plan, release.plan.latency
    return Thresholds(
        interval=plan.stay(release.step),
        success_rate=plan.success_rate or None,
        latency=Latency(limit.quantile, limit.limit) if limit else None,
        max_failures=plan.max_failures,
        min_requests=settings.min_requests,
    )


def weighed(asked: judge.Question, release: Release, seen: Seen, settings: Settings) -> evidence.EvidenceQuestion:
    """The same question to the judge of evidence, with the shares that the canary has now and has next."""
    status, plan = release.status, release.plan
    following = plan.load(plan.after(release.step)) if status.phase is Phase.STEPPING else None
    return evidence.EvidenceQuestion(
        asked=asked,
        began=status.alike_since or status.ready_at or asked.since,
        weight=shares.given(release, seen, plan.load(release.step)),
        next_weight=shares.given(release, seen, following) if following else None,
        shortest=plan.least_stay(release.step),
        least=settings.min_duration,
        checkpoint=status.checkpoint or None,
    )


def compared(release: Release, is_preview: bool) -> tuple[metric.Metric, ...]:
    """The plan's custom metrics; where the legs meet different users none that compares them."""
    known, differ = release.plan.metrics, is_preview or bool(release.step.only)
    return tuple(one.asked for one in known if not (differ and one.or_stable))
