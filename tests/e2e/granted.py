"""The chart's roles for a ServiceAccount of their own, on the real API server, and one right taken away for a while."""

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from kubernetes import client

from deploy import cluster, errors, kinds
from deploy.cluster import Cluster
from deploy.kinds import Kind
from deploy.traffic import Json
from sandbox import chart
from sandbox import cluster as sandbox_cluster
from tests.rights import ground as grounds
from tests.rights import needs
from tests.rights.ground import Call, Door, Ground
from tests.rights.needs import Right

RBAC = "rbac.authorization.k8s.io"
ROLES = {
    "ClusterRole": Kind(RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False),
    "Role": Kind(RBAC, "v1", "roles", "Role"),
}
GRANTED = {
    "ServiceAccount": Kind("", "v1", "serviceaccounts", "ServiceAccount"),
    **ROLES,
    "ClusterRoleBinding": Kind(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    "RoleBinding": Kind(RBAC, "v1", "rolebindings", "RoleBinding"),
}
"""What gives rights, in the order in which it is made."""


@dataclass(frozen=True)
class Place:
    """One right where the chart gives it: in a role."""

    role: Json = field(repr=False)
    right: Right

    @property
    def namespace(self) -> str | None:
        """Where it holds; None: everywhere."""
        found: str | None = self.role["metadata"].get("namespace")
        return found

    @property
    def words(self) -> str:
        """As a message names the right: `list releases.rampart.dev`."""
        group, resource, verb = self.right
        return f"{verb} {resource}.{group}".rstrip(".")

    def __str__(self) -> str:
        return f"{self.words} of {self.role['kind']} {self.role['metadata']['name']}"

    def is_asked_by(self, call: Call) -> bool:
        _, resource, verb = self.right
        return (call.verb, call.plural) == (verb, resource.partition("/")[0])

    def without(self) -> list[Json]:
        """The rules of the role, one for each right, but for this one."""
        kept = [right for right in needs.given_by(self.role["rules"]) if right != self.right]
        return [{"apiGroups": [group], "resources": [resource], "verbs": [verb]} for group, resource, verb in kept]


@dataclass(frozen=True)
class Account:
    """A ServiceAccount with all that the chart gives, by its own token. watched: see Ground."""

    admin: Cluster
    namespace: str
    roles: tuple[Json, ...]
    api: client.ApiClient
    watched: tuple[str, ...]

    def places(self) -> list[Place]:
        """Every right, in each role that gives it."""
        return [Place(role, right) for role in self.roles for right in needs.given_by(role["rules"])]

    def door(self) -> Door:
        return Door(self.api)

    def ground(self) -> Ground:
        return Ground(self.admin, self.namespace, self.watched)

    @contextlib.contextmanager
    def lacking(self, place: Place) -> Iterator[None]:
        """Without one right of one role, as soon as the server knows; at the end it is given back."""
        self._give(place, place.without())
        try:
            grounds.wait(f"it lacks the right to {place}", lambda: not self._has(place))
            yield
        finally:
            self._give(place, place.role["rules"])
            grounds.wait(f"it has the right to {place} again", lambda: self._has(place))

    def _give(self, place: Place, rules: list[Json]) -> None:
        about = place.role["metadata"]
        self.admin.patch(ROLES[place.role["kind"]], about["name"], place.namespace, {"rules": rules})

    def _has(self, place: Place) -> bool:
        """By the server's own answer to a SelfSubjectAccessReview."""
        group, resource, verb = place.right
        plural, _, sub = resource.partition("/")
        return self.door().cluster.may(verb, needs.KINDS[group, plural], place.namespace, sub)


@contextlib.contextmanager
def opened(is_limited: bool) -> Iterator[Account]:
    """An installation's rights in a namespace of its own; limited: to that namespace, else everywhere."""
    admin = Cluster(cluster.from_kubeconfig(str(sandbox_cluster.current().kubeconfig)))
    namespace = f"e2e-{uuid.uuid4().hex[:8]}"
    admin.create(kinds.NAMESPACE, {"metadata": {"name": namespace}})
    watched = (namespace,) if is_limited else ()
    rendered = chart.objects({"namespaces": [*watched]}, f"rampart-{namespace}", namespace)
    made = [item for kind in GRANTED for item in rendered if item["kind"] == kind]
    for item in made:
        admin.create(GRANTED[item["kind"]], item)
    accounts = [item["metadata"]["name"] for item in made if item["kind"] == "ServiceAccount"]
    roles = tuple(item for item in made if item["kind"] in ROLES)
    try:
        api = cluster.from_kubeconfig(str(sandbox_cluster.kubeconfig_for(namespace, accounts[0])))
        yield Account(admin, namespace, roles, api, watched)
        Cluster(api).close()
    finally:
        for item in reversed(made):
            admin.delete(GRANTED[item["kind"]], item["metadata"]["name"], item["metadata"].get("namespace"))
        free(admin, namespace)
        admin.delete(kinds.NAMESPACE, namespace)
        admin.close()


def free(admin: Cluster, namespace: str) -> None:
    """No Release holds up the end of the namespace."""
    for item in admin.list(kinds.RELEASE, namespace).items:
        with contextlib.suppress(errors.Missing):
            admin.patch(kinds.RELEASE, item["metadata"]["name"], namespace, {"metadata": {"finalizers": None}})
