"""Both versions' numbers of a release in flight, asked of Prometheus now."""

from datetime import datetime

from analysis import histogram, judge, leg, outcome, threshold
from analysis.mesh import Mesh
from rollout import views
from rollout.cli.card import Both, Measured
from rollout.status import Release


def both(release: Release, ask: judge.Ask, mesh: Mesh, moment: datetime) -> Both | None:
    """The two legs over the last interval; None where the release has no traffic to measure."""
    status, plan = release.status, release.plan
    if release.is_ended or status.since is None or status.base:
        return None
    canary_name, stable_name = legs(release)
    limit = plan.latency
    thresholds = threshold.Thresholds(
        interval=plan.interval,
        success_rate=plan.success_rate or None,
        latency=threshold.Latency(limit.quantile, limit.limit) if limit else None,
        min_requests=1,
    )
    question = judge.Question(
        namespace=release.namespace,
        canary=canary_name,
        stable=stable_name,
        since=min(status.since, moment),
        warm_until=min(status.since, moment),
        now=moment,
        thresholds=thresholds,
    )
    canary, stable = judge.measure(question, ask, mesh)
    for found in (canary.requests, stable.requests):
        if isinstance(found, outcome.Broken):
            return Both(fault=found.text)
    return Both(words(canary), words(stable))


def legs(release: Release) -> tuple[str, str]:
    """The new version's Deployment and the old one's; of a pair both are the user's own."""
    if release.spec.pair:
        return release.spec.deployment, next((share.value for share in release.status.stable), release.spec.pair)
    return views.canary_name(release), release.spec.deployment


def words(found: leg.Leg) -> Measured:
    """A leg's numbers for people."""
    counted = leg.tally(found)
    if not isinstance(counted, leg.Tally) or not counted.requests:
        return Measured()
    latency = f"{found.latency.estimate:.0f} ms" if isinstance(found.latency, histogram.Quantile) else ""
    return Measured(f"{float(counted.success):.2f} %", latency, f"{counted.requests:.0f} requests")
