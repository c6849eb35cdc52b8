"""Canary by numbers: without a mesh a share of the traffic is a share of the pods, and only whole pods are possible.

Stable is never made smaller than the whole load (promise 2), so a canary of n beside s stable pods has n / (s + n) of
the traffic: at most half of it, when it is as large as stable.
"""

from decimal import Decimal

from rollout import steps, words
from rollout.plan import PREFIX, Plan, RouterName
from rollout.status import Release


def apply(release: Release) -> bool:
    """Whether the steps of a release that has begun are told by numbers of pods."""
    return release.status.router == RouterName.SERVICE and bool(exact(release.plan))


def exact(plan: Plan) -> tuple[Decimal, ...]:
    """The shares that the plan asks for, but for the whole."""
    return tuple(weight for weight in plan.weights if weight < steps.WHOLE)


def nearest(size: int, weight: Decimal) -> int:
    """Canary pods, from one to `size`, whose share beside `size` stable ones is nearest to `weight` percent."""
    return min(range(1, max(size, 1) + 1), key=lambda pods: (abs(share(size, pods) - weight), pods))


def share(size: int, pods: int) -> Decimal:
    """Percent of the traffic that so many canary pods have beside `size` stable ones."""
    return Decimal(100 * pods) / (max(size, 1) + pods)


def said(size: int, weight: Decimal) -> str:
    """What was asked and what whole pods give, for people."""
    pods = nearest(size, weight)
    given = round(share(size, pods), 1)
    return f"{words.percent(weight)} asked, {pods} of {size + pods} pods give {words.percent(given)}"


def forecast(plan: Plan, size: int) -> str:
    """What the plan's steps will be, said before the first of them; empty where there is none."""
    asked = exact(plan)
    return f"; by numbers of pods: {', '.join(said(size, weight) for weight in asked)}" if asked else ""


def unfit(plan: Plan) -> str:
    """Why a plan can not be followed by numbers of pods; empty where it can."""
    if not (plan.is_previewed and exact(plan)):
        return ""
    text = "must not be given for blue-green with router service: whole green beside whole blue is 50 %"
    return f"{PREFIX}steps {text}, got {steps.join(plan.steps)}"
