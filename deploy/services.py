"""Which Service leads to a Deployment's pods, and to nobody else's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deploy import names
from deploy.traffic import Json
from deploy.workload import Workload

CHOICE = f"{names.GROUP}/service"
"""The annotation that names the Service."""

PINS = frozenset({names.RELEASE, names.POD_TEMPLATE_HASH, names.MANAGED})
"""Labels by which Rampart tells pods apart; no user's selector names one of them."""


@dataclass(frozen=True)
class Surroundings:
    """What else is in the Deployment's namespace."""

    services: Sequence[Json] = field(hash=False)
    deployments: Sequence[Json] = field(hash=False)


def choose(work: Workload, running: Mapping[str, str], around: Surroundings) -> Json | tuple[str, ...]:
    """The one Service that a release moves, or sentences that say why there is none.

    running: the labels of the pods that run now.
    """
    matching = [item for item in around.services if matches(users_selector(item), running)]
    wanted = work.annotations.get(CHOICE)
    where = f"Deployment {work.namespace}/{work.name}"
    named = next((item for item in around.services if item["metadata"]["name"] == wanted), None)
    if named is not None and (unfit := unmovable(work, named)):
        return unfit
    if wanted is not None:
        matching = [item for item in matching if item["metadata"]["name"] == wanted]
        if not matching:
            return (f"{CHOICE} on {where} must name a Service that selects its pods, got {wanted}",)
    if not matching:
        return (f"{where}: no Service in the namespace selects its pods {written(running)}",)
    if len(matching) > 1:
        found = ", ".join(item["metadata"]["name"] for item in matching)
        return (f"{where}: {found} select its pods; name one with {CHOICE}",)
    return faults(work, matching[0], around) or matching[0]


def faults(work: Workload, service: Json, around: Surroundings) -> tuple[str, ...]:
    """Why this Service can not be moved: it must lead to this Deployment's pods only, with the held template too."""
    chosen = users_selector(service)
    where = f"Service {work.namespace}/{service['metadata']['name']}"
    if not matches(chosen, work.labels):
        return (
            f"{where}: its selector {written(chosen)} does not take the held template's labels {written(work.labels)}",
        )
    if unfit := unmovable(work, service):
        return unfit
    others = [item["metadata"]["name"] for item in around.deployments if is_neighbour(item, work, chosen)]
    if others:
        return (f"{where} also selects the pods of Deployment {', '.join(others)}; a release needs one to itself",)
    return ()


def unmovable(work: Workload, service: Json) -> tuple[str, ...]:
    """Why no share of the traffic of a Service of this kind can be moved."""
    where, spec = f"Service {work.namespace}/{service['metadata']['name']}", service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return (f"{where} is of type ExternalName: it leads to a name outside and has no pods to share traffic among",)
    if spec.get("clusterIP") == "None":
        text = "its clients choose among the pods by themselves, so no share can be kept"
        return (f"{where} is headless (clusterIP: None): {text}; name one with an address of its own by {CHOICE}",)
    return ()


def is_neighbour(deployment: Json, work: Workload, chosen: Mapping[str, str]) -> bool:
    """Whether it is another Deployment, and no canary, whose pods the selector takes."""
    metadata = deployment["metadata"]
    if metadata["name"] == work.name or names.RELEASE in (metadata.get("labels") or {}):
        return False
    return matches(chosen, (deployment["spec"]["template"].get("metadata") or {}).get("labels") or {})


def selector_of(service: Json) -> Mapping[str, str]:
    found: Mapping[str, str] = (service.get("spec") or {}).get("selector") or {}
    return found


def users_selector(service: Json) -> Mapping[str, str]:
    """The user's own part of a selector that the Service router may have pinned for now."""
    is_moved = names.SELECTOR in (service["metadata"].get("annotations") or {})
    return {key: value for key, value in selector_of(service).items() if not (is_moved and key in PINS)}


def matches(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a Service's selector takes pods of these labels; a Service without selector takes none."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def written(labels: Mapping[str, str]) -> str:
    """Labels as kubectl writes them."""
    return ",".join(f"{key}={value}" for key, value in labels.items())


def selector(spec: Json) -> str:
    """A Deployment's selector as the API takes it."""
    chosen = spec["selector"]
    parts = [f"{key}={value}" for key, value in (chosen.get("matchLabels") or {}).items()]
    for rule in chosen.get("matchExpressions") or ():
        values = ",".join(rule.get("values") or ())
        match rule["operator"]:
            case "In" | "NotIn":
                parts.append(f"{rule['key']} {rule['operator'].lower()} ({values})")
            case "Exists":
                parts.append(rule["key"])
            case "DoesNotExist":
                parts.append(f"!{rule['key']}")
    return ",".join(parts)
