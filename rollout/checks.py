"""Is everything there that releases need? Asked one by one, each answer with what to do about it.

The hold is proven, not read: by the dry run that the controller itself trusts. Rights are those of who asks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from deploy import errors, hold, kinds, lease, names
from deploy.cluster import Cluster
from deploy.hold import Mode
from deploy.kinds import Kind
from deploy.leases import Leases
from deploy.traffic import Json
from deploy.workload import Held, Workload
from rollout import status

LEAST_VERSIONS = {Mode.POLICIES: (1, 36), Mode.PAUSE: (1, 30)}
"""Where mutating admission policies are served, and where validating ones are."""
APPLY = "upgrade the chart, or: kubectl apply --server-side -f charts/rampart/definitions"

WATCHED = ("list", "watch")
OURS = ("get", "create", "update", "delete")
"""What is done with objects that are all Rampart's own; routes of users, too, are patched to give them back."""

ROUTED = ("get", "create", "update", "patch", "delete")
RULES: tuple[tuple[Kind, str, tuple[str, ...]], ...] = (
    (kinds.DEPLOYMENT, "", ("get", *WATCHED, "create", "patch", "delete")),
    (kinds.REPLICA_SET, "", ("list",)),
    (kinds.POD, "", ("list",)),
    (kinds.SERVICE, "", ("get", "list", "create", "update", "patch", "delete")),
    (kinds.ENDPOINT_SLICE, "", ("list",)),
    (kinds.EVENT, "", ("create",)),
    (kinds.HPA, "", ("list",)),
    (kinds.PDB, "", ("list",)),
    (kinds.CLAIM, "", ("get",)),
    (kinds.TRAFFIC_SPLIT, "", ROUTED),
    (kinds.RELEASE, "", ("get", *WATCHED, "create", "patch", "delete")),
    (kinds.RELEASE, "status", ("patch",)),
    (kinds.RELEASE_POLICY, "", WATCHED),
    (kinds.VIRTUAL_SERVICE, "", ROUTED),
    (kinds.DESTINATION_RULE, "", OURS),
    (kinds.HTTP_ROUTE, "", ROUTED),
    (kinds.GRPC_ROUTE, "", ("get", "update", "patch")),
    (kinds.BACKEND_TLS_POLICY, "", OURS),
)
"""What the controller does with each kind in the namespaces that it watches; a test holds it against the chart."""

CLUSTER_RULES: tuple[tuple[Kind, str, tuple[str, ...]], ...] = tuple(
    (kind, "", WATCHED)
    for kind in (
        kinds.VIRTUAL_SERVICE,
        kinds.DESTINATION_RULE,
        kinds.HTTP_ROUTE,
        kinds.GRPC_ROUTE,
        kinds.BACKEND_TLS_POLICY,
        kinds.REFERENCE_GRANT,
        kinds.SERVICE_PROFILE,
        kinds.TRAFFIC_SPLIT,
    )
)
"""What it reads of the whole cluster, whichever namespaces it watches."""

HOLD_RULES: tuple[tuple[Kind, str, tuple[str, ...]], ...] = tuple(
    (kind, "", WATCHED)
    for kind in (
        kinds.MUTATING_POLICY,
        kinds.MUTATING_BINDING,
        kinds.VALIDATING_POLICY,
        kinds.VALIDATING_BINDING,
    )
)
"""The same, where policies hold a changed template."""

LEASE_RULES: tuple[tuple[Kind, str, tuple[str, ...]], ...] = ((kinds.LEASE, "", ("get", "create", "update")),)
"""What it does in its own namespace."""


class State(StrEnum):
    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"
    """It could not be asked, or there is nothing to ask about; no fault."""


@dataclass(frozen=True)
class Check:
    """One answer; `do` says what to do where it is bad."""

    about: str
    state: State
    text: str
    do: str = ""


def good(about: str, text: str) -> Check:
    return Check(about, State.GOOD, text)


def bad(about: str, text: str, do: str) -> Check:
    return Check(about, State.BAD, text, do)


def unknown(about: str, text: str, do: str = "") -> Check:
    return Check(about, State.UNKNOWN, text, do)


def api(cluster: Cluster, mode: Mode = Mode.POLICIES) -> Iterator[Check]:
    """The server's version. Raises ClusterError where there is no server: then nothing else can be asked."""
    version = cluster.server_version()
    text = f"Kubernetes {version[0]}.{version[1]}"
    major, minor = LEAST_VERSIONS[mode]
    if version >= (major, minor):
        yield good("API server", text)
    elif mode is Mode.POLICIES:
        do = f"upgrade to {major}.{minor} or later, or keep opted-in Deployments paused: hold.mode=pause"
        yield bad("API server", f"{text}: the hold needs mutating admission policies", do)
    else:
        text = f"{text}: nothing refuses a write that un-pauses a Deployment"
        yield bad("API server", text, f"upgrade to {major}.{minor} or later")


def definitions(cluster: Cluster) -> Iterator[Check]:
    """The CRDs: present, served at our version, and with every field that this version writes."""
    wished: tuple[tuple[Kind, tuple[tuple[str, type[BaseModel]], ...]], ...] = (
        (kinds.RELEASE, (("spec", status.Spec), ("status", status.Status))),
        (kinds.RELEASE_POLICY, ()),
    )
    for kind, parts in wished:
        name = f"{kind.plural}.{kind.group}"
        found = cluster.find(kinds.CRD, name)
        if found is None:
            yield bad("definitions", f"{name} is not installed", APPLY)
            continue
        lacking = lacks(found, kind, parts)
        if lacking:
            yield bad("definitions", f"{name} is older than this program: it lacks {', '.join(lacking)}", APPLY)
        else:
            yield good("definitions", f"{name} {kind.version}")


def lacks(definition: Json, kind: Kind, parts: tuple[tuple[str, type[BaseModel]], ...]) -> list[str]:
    """Versions or fields that are written and that the definition does not keep."""
    versions = [each for each in definition["spec"]["versions"] if each["name"] == kind.version and each.get("served")]
    if not versions:
        return [f"version {kind.version}"]
    schema: Json = (versions[0].get("schema") or {}).get("openAPIV3Schema") or {}
    return [f"{part}.{field}" for part, model in parts for field in fields(model) if not keeps(schema, part, field)]


def fields(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def keeps(schema: Json, part: str, field: str) -> bool:
    """Whether a structural schema keeps the field, listed or not."""
    found: dict[str, Any] = (schema.get("properties") or {}).get(part) or {}
    return bool(found.get("x-kubernetes-preserve-unknown-fields")) or field in (found.get("properties") or {})


def mesh(cluster: Cluster) -> Iterator[Check]:
    """What routes traffic."""
    missing = [kind.kind for kind in (kinds.VIRTUAL_SERVICE, kinds.DESTINATION_RULE) if not cluster.serves(kind)]
    if missing:
        yield bad("mesh", f"the server does not know {' and '.join(missing)}", "install Istio, whose routes are moved")
    else:
        versions = ", ".join(cluster.versions(kinds.VIRTUAL_SERVICE.group))
        yield good("mesh", f"Istio ({kinds.VIRTUAL_SERVICE.group}: {versions})")


def rights(cluster: Cluster, namespaces: tuple[str | None, ...], mode: Mode = Mode.POLICIES) -> Iterator[Check]:
    """Each rule that the controller needs, as whom we are; None: in all namespaces."""
    user = cluster.user()
    beside = (*CLUSTER_RULES, *(HOLD_RULES if mode is Mode.POLICIES else ()))
    lacking = [
        f"{verb} {kind.plural}{f'/{sub}' if sub else ''}{f' in {space}' if space else ''}"
        for rules, spaces in ((RULES, namespaces), (beside, (None,)))
        for kind, sub, verbs in rules
        for space in spaces
        for verb in verbs
        if not cluster.may(verb, kind, space, sub)
    ]
    if lacking:
        do = "grant them as charts/rampart does, or ask as the controller: --as system:serviceaccount:NAMESPACE:NAME"
        yield bad("rights", f"{user} may not: {', '.join(lacking)}", do)
    else:
        yield good("rights", f"{user} may do all that the controller does")


def leader(door: Leases, moment: datetime) -> Iterator[Check]:
    """Who holds the Lease, and whether it still speaks."""
    where = f"Lease {door.namespace}/{door.name}"
    do = "see whether the controller runs: kubectl -n " + door.namespace + " get pods"
    try:
        found = door.read()
    except errors.Forbidden as error:
        yield unknown("leader", str(error))
        return
    if found is None or not found.holder:
        text = f"nobody holds {where} (a controller that runs with a kubeconfig takes none)"
        yield bad("leader", text, do)
        return
    since = moment - datetime.fromisoformat(found.renewed) if found.renewed else timedelta.max
    if since > timedelta(seconds=min(found.seconds, lease.LONGEST_SECONDS)):
        yield bad("leader", f"{found.holder} holds {where} and has been silent since {found.renewed}", do)
    else:
        yield good("leader", f"{found.holder} holds {where}, renewed {max(0, since.seconds)} s ago")


def held(cluster: Cluster, deployments: tuple[Json, ...], mode: Mode = Mode.POLICIES) -> Iterator[Check]:
    """The hold, proven in each namespace on one opted-in Deployment that has replicas."""
    prove = proof if mode is Mode.POLICIES else proof_of_pause
    known: set[str] = set()
    for item in deployments:
        about = item["metadata"]
        opted_in = names.STRATEGY in (about.get("annotations") or {})
        if about["namespace"] in known or not opted_in or item["spec"].get("replicas") == 0:
            continue
        known.add(about["namespace"])
        yield prove(cluster, item)
    if not known:
        yield unknown("hold", "no Deployment with replicas is opted in, so there is nothing to prove it on")


def proof(cluster: Cluster, deployment: Json) -> Check:
    about = deployment["metadata"]
    try:
        missing = hold.prove(cluster, deployment)
    except errors.Forbidden as error:
        return unknown("hold", f"in {about['namespace']}: it can not be asked: {error}")
    if missing is None:
        return good("hold", f"in {about['namespace']}: a changed template of {about['name']} would be held")
    return bad("hold", f"in {about['namespace']}: {missing}", "compare the policies and bindings with the chart's")


def proof_of_pause(cluster: Cluster, deployment: Json) -> Check:
    """Whether it is kept paused, and a write that un-pauses it beside a changed template would be refused."""
    about = deployment["metadata"]
    where = f"in {about['namespace']}: "
    if not deployment["spec"].get("paused") and (about.get("annotations") or {}).get(names.HELD) != Held.ROLLING:
        text = f"{about['name']} is opted in and not paused, so that a changed template would roll out"
        return bad("hold", f"{where}{text}", "see that the controller runs, and that no other writer un-pauses it")
    try:
        refused = hold.refuses(cluster, deployment)
    except errors.Forbidden as error:
        return unknown("hold", f"{where}it can not be asked: {error}")
    if refused:
        return good("hold", f"{where}{about['name']} is kept paused, and nobody else may un-pause it")
    text = f"{about['name']} is kept paused, and nothing refuses a write that un-paused it (kubectl replace)"
    return unknown("hold", f"{where}{text}: see the policy rampart-hold-paused of the chart")


ADVICE = {
    "PlanInvalid": "mend the annotation or the ReleasePolicy",
    "Refused": "mend what is named; rampart plan shows the route's edits",
    "TelemetryMissing": "see that the mesh's metrics are scraped, and that --mesh and --metric-names name them",
    "HoldMissing": "compare the policies and bindings with the chart's",
}


def each(works: tuple[Workload, ...], faults: Callable[[Workload], tuple[tuple[str, str], ...]]) -> Iterator[Check]:
    """Service, route, plan and telemetry of each Deployment; `faults` says reasons and texts."""
    for work in works:
        about = f"{work.namespace}/{work.name}"
        try:
            found = faults(work)
        except errors.ClusterError as error:
            yield unknown(about, f"it can not be asked: {error}")
            continue
        for reason, text in found:
            yield bad(about, f"{reason}: {text}", ADVICE.get(reason, f"see docs/reasons/{reason}.md"))
        if not found:
            yield good(about, "Service, route and plan are fit for a release")
