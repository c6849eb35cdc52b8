"""The kinds of objects that Rampart touches, and where the API server keeps them."""

from dataclasses import dataclass, replace
from urllib.parse import quote

from deploy import names


@dataclass(frozen=True)
class Kind:
    """One kind at one version; `older` are versions to fall back to, best first, where `version` is not served."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    older: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """What stands in an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def at(self, version: str) -> "Kind":
        """The same kind at one of its versions."""
        return replace(self, version=version, older=())

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """URL path of the collection, the object, or its subresource; no namespace means all of them."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [self.plural, name, subresource]
        return "/" + "/".join(quote(part, safe="") for part in parts if part)

    def called(self, namespace: str | None = None, name: str = "") -> str:
        """How a message names the object: `deployment shop/web`."""
        where = namespace if self.namespaced else None
        if not name:
            return f"{self.plural} in {where}" if where else self.plural
        return f"{self.kind.lower()} {where}/{name}" if where else f"{self.kind.lower()} {name}"


_ADMISSION = "admissionregistration.k8s.io"
_ISTIO = "networking.istio.io"
_GATEWAY = "gateway.networking.k8s.io"

DEPLOYMENT = Kind("apps", "v1", "deployments", "Deployment")
REPLICA_SET = Kind("apps", "v1", "replicasets", "ReplicaSet")
POD = Kind("", "v1", "pods", "Pod")
SERVICE = Kind("", "v1", "services", "Service")
ENDPOINT_SLICE = Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
EVENT = Kind("", "v1", "events", "Event")
LEASE = Kind("coordination.k8s.io", "v1", "leases", "Lease")
NAMESPACE = Kind("", "v1", "namespaces", "Namespace", namespaced=False)
CRD = Kind("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
RELEASE = Kind(names.GROUP, names.VERSION, "releases", "Release")
RELEASE_POLICY = Kind(names.GROUP, names.VERSION, "releasepolicies", "ReleasePolicy")
VIRTUAL_SERVICE = Kind(_ISTIO, "v1", "virtualservices", "VirtualService", older=("v1beta1",))
DESTINATION_RULE = Kind(_ISTIO, "v1", "destinationrules", "DestinationRule", older=("v1beta1",))
HTTP_ROUTE = Kind(_GATEWAY, "v1", "httproutes", "HTTPRoute", older=("v1beta1",))
GRPC_ROUTE = Kind(_GATEWAY, "v1", "grpcroutes", "GRPCRoute")
REFERENCE_GRANT = Kind(_GATEWAY, "v1beta1", "referencegrants", "ReferenceGrant", older=("v1",))
BACKEND_TLS_POLICY = Kind(_GATEWAY, "v1", "backendtlspolicies", "BackendTLSPolicy")
SERVICE_PROFILE = Kind("linkerd.io", "v1alpha2", "serviceprofiles", "ServiceProfile")
HPA = Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
PDB = Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
MUTATING_POLICY = Kind(_ADMISSION, "v1", "mutatingadmissionpolicies", "MutatingAdmissionPolicy", namespaced=False)
MUTATING_BINDING = Kind(
    _ADMISSION, "v1", "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", namespaced=False
)
VALIDATING_POLICY = Kind(_ADMISSION, "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", namespaced=False)
VALIDATING_BINDING = Kind(
    _ADMISSION, "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", namespaced=False
)
ACCESS_REVIEW = Kind("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False)
