"""The DestinationRules of a Service: which of the user's hold today, and what makes legs impossible beside them.

Read from istiod (pilot/pkg/model/push_context.go destinationRule, destination_rule.go mergeDestinationRule): a proxy
takes the rules of its own namespace, else those of the Service's, else those of the root namespace, and in each the
most specific host alone. Rules of one namespace for the same host and the same exportTo are merged: the first one's
policy, everybody's subsets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy import plain, traffic
from deploy.istio import hostnames, manifests
from deploy.traffic import Json

ROOT_NAMESPACE = "istio-system"


@dataclass(frozen=True)
class Rules:
    """What the DestinationRules say about one Service.

    own: the temporary rule, if it stands.
    base: the user's rules that hold today, in the order in which istiod merges them.
    hidden: whether a rule of ours takes the place of `base` instead of being merged with it.
    concerned: every rule that can change any of this.
    """

    target: traffic.Target
    own: Json | None
    base: tuple[Json, ...]
    hidden: bool
    concerned: tuple[Json, ...]
    faults: tuple[str, ...]

    @property
    def subsets(self) -> Mapping[str, Json]:
        """The user's subsets by name; the first of a name counts."""
        found: dict[str, Json] = {}
        for rule in self.base:
            for subset in plain.spec_of(rule).get("subsets") or []:
                found.setdefault(subset.get("name", ""), subset)
        return found

    @property
    def export_to(self) -> list[str] | None:
        """The exportTo that a rule of ours needs to be merged with the user's, or to be seen where theirs is."""
        if not self.base or plain.namespace_of(self.base[0]) != self.target.namespace:
            return None
        return plain.spec_of(self.base[0]).get("exportTo")

    @property
    def reach(self) -> frozenset[str]:
        """The namespaces whose proxies know the legs."""
        return hostnames.reach(self.export_to, self.target.namespace)

    def selects(self, subset: str | None) -> bool:
        """Whether the Deployment's running pods are in the user's subset; None is the whole Service."""
        if subset is None:
            return True
        return subset in self.subsets and contained(self.subsets[subset], self.target.pod_labels)


def find(target: traffic.Target, bodies: Sequence[Json]) -> Rules:
    """Sort out all DestinationRules of the cluster for one Service."""
    host = hostnames.fqdn(target)
    own = manifests.find_own(bodies, target)
    users = sorted(
        (body for body in bodies if body is not own and hostnames.matches(_host(body, target), host)), key=_age
    )
    home = _most_specific(users, target.namespace, target)
    base = home or _most_specific(users, ROOT_NAMESPACE, target)
    merged = bool(home) and _host(home[0], target) == host
    faults = (
        *manifests.name_faults(bodies, manifests.DESTINATION_RULE, target),
        *_selector_faults(users, host),
        *_shadow_faults(users, target),
        *_export_faults(base, target),
    )
    concerned = (*users, own) if own is not None else tuple(users)
    return Rules(target, own, base, bool(base) and not merged, concerned, faults)


def hosts(body: Json) -> list[str]:
    """The host of a DestinationRule, as it is written."""
    return [host] if (host := plain.spec_of(body).get("host")) else []


def contained(subset: Json, labels: Mapping[str, str]) -> bool:
    """Whether pods with `labels` are in a subset."""
    return (subset.get("labels") or {}).items() <= labels.items()


def _age(rule: Json) -> tuple[str, str, str]:
    """The order in which istiod merges."""
    meta = plain.metadata_of(rule)
    return meta.get("creationTimestamp") or "", meta.get("name", ""), meta.get("namespace", "")


def _host(rule: Json, target: traffic.Target) -> str:
    host = plain.spec_of(rule).get("host") or ""
    return hostnames.resolve(host, plain.namespace_of(rule), target.cluster_domain)


def _reach(rule: Json) -> frozenset[str]:
    return hostnames.reach(plain.spec_of(rule).get("exportTo"), plain.namespace_of(rule))


def _most_specific(rules: Sequence[Json], namespace: str, target: traffic.Target) -> tuple[Json, ...]:
    """The rules of a namespace that istiod takes for the Service."""
    inside = [rule for rule in rules if plain.namespace_of(rule) == namespace]
    pattern = hostnames.most_specific((_host(rule, target) for rule in inside), hostnames.fqdn(target))
    return tuple(rule for rule in inside if _host(rule, target) == pattern)


def _selector_faults(users: Sequence[Json], host: str) -> list[str]:
    return [
        f"DestinationRule {manifests.ident(rule)} for {host} has a workloadSelector:"
        " the proxies that it selects would not know the legs"
        for rule in users
        if plain.spec_of(rule).get("workloadSelector")
    ]


def _shadow_faults(users: Sequence[Json], target: traffic.Target) -> list[str]:
    """Rules that proxies of another namespace take before any of the Service's namespace."""
    return [
        f"DestinationRule {manifests.ident(rule)} (host {plain.spec_of(rule).get('host')}) hides every"
        f" other rule for {hostnames.fqdn(target)} from clients in {plain.namespace_of(rule)}:"
        f" they would not know the legs; move it to {target.namespace}"
        for rule in users
        if _shadows(rule, target)
    ]


def _shadows(rule: Json, target: traffic.Target) -> bool:
    namespace, reach = plain.namespace_of(rule), _reach(rule)
    if namespace == target.namespace:
        return False
    if namespace == ROOT_NAMESPACE:
        return reach == {namespace}
    return not reach.isdisjoint({hostnames.EVERYWHERE, namespace})


def _export_faults(base: Sequence[Json], target: traffic.Target) -> list[str]:
    exports = {tuple(sorted(plain.spec_of(rule).get("exportTo") or [])) for rule in base}
    if len(exports) > 1:
        listed = " and ".join(manifests.ident(rule) for rule in base)
        return [f"DestinationRules {listed} differ in exportTo, so Istio does not merge them: make them equal"]
    limited = [rule for rule in base if hostnames.EVERYWHERE not in _reach(rule)]
    return [
        f"DestinationRule {manifests.ident(rule)} for {hostnames.fqdn(target)} reaches some namespaces only,"
        f" {sorted(_reach(rule))}: export it to all, or move it to {target.namespace}"
        for rule in limited
        if plain.namespace_of(rule) != target.namespace and not _shadows(rule, target)
    ]
