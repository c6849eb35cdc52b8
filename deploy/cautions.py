"""What beside a Deployment behaves otherwise while a canary runs: not refused, but said when it is opted in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deploy.traffic import Json
from deploy.workload import Workload

LONELY = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})
"""Access modes that bind a volume to one node, or to one pod."""
ABSOLUTE = frozenset({"Object", "External"})
"""Kinds of metrics that an HPA does not take from the pods."""


@dataclass(frozen=True)
class Beside:
    """The objects of the Deployment's namespace; claims are those that its template names."""

    autoscalers: Sequence[Json] = field(default=(), hash=False)
    budgets: Sequence[Json] = field(default=(), hash=False)
    claims: Sequence[Json] = field(default=(), hash=False)


def claimed(work: Workload) -> tuple[str, ...]:
    """The PersistentVolumeClaims that all pods of the template share."""
    volumes = (work.template.get("spec") or {}).get("volumes") or ()
    return tuple(item["persistentVolumeClaim"]["claimName"] for item in volumes if item.get("persistentVolumeClaim"))


def find(work: Workload, beside: Beside) -> tuple[str, ...]:
    """Sentences, each with the object, what happens in a release, and what would be better."""
    return (*_of_claims(beside), *_of_autoscalers(work, beside), *_of_budgets(work, beside))


def selects(selector: Json, labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes these labels (apimachinery, LabelSelectorAsSelector); an empty one takes all."""
    same = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return same and all(_holds(rule, labels) for rule in selector.get("matchExpressions") or ())


def _holds(rule: Json, labels: Mapping[str, str]) -> bool:
    key, values = rule["key"], rule.get("values") or ()
    match rule["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def _of_claims(beside: Beside) -> Iterator[str]:
    for claim in beside.claims:
        modes = set((claim.get("spec") or {}).get("accessModes") or ())
        if modes and modes <= LONELY:
            yield (
                f"PersistentVolumeClaim {_ident(claim)} is {', '.join(sorted(modes))}: canary pods on another node wait"
                " for the volume that the running pods hold"
            )


def _of_autoscalers(work: Workload, beside: Beside) -> Iterator[str]:
    for scaler in beside.autoscalers:
        about = (scaler.get("spec") or {}).get("scaleTargetRef") or {}
        if (about.get("kind"), about.get("name")) != ("Deployment", work.name):
            continue
        kinds = {str(metric.get("type")) for metric in scaler["spec"].get("metrics") or () if _is_absolute(metric)}
        if kinds:
            yield (
                f"HorizontalPodAutoscaler {_ident(scaler)} scales by {', '.join(sorted(kinds))} metrics with a target"
                " of type Value, which it multiplies by all pods, the canary's too: use AverageValue"
            )


def _is_absolute(metric: Json) -> bool:
    source = metric.get(str(metric.get("type", "")).lower()) or {}
    return metric.get("type") in ABSOLUTE and (source.get("target") or {}).get("type") == "Value"


def _of_budgets(work: Workload, beside: Beside) -> Iterator[str]:
    for budget in beside.budgets:
        spec = budget.get("spec") or {}
        least = spec.get("minAvailable")
        if isinstance(least, int) and spec.get("selector") is not None and selects(spec["selector"], work.labels):
            yield (
                f"PodDisruptionBudget {_ident(budget)} has minAvailable: {least}, which canary pods meet too, so a"
                " drain in mid-release may take that many more of the running ones: use maxUnavailable, or a percentage"
            )


def _ident(body: Json) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"
