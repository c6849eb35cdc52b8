"""The preview Service of a blue-green release: it leads to the new version before any user does.

It has the ports of the user's Service under the name `<service>-rampart-canary`, and its selector with the canary's
pin. A router whose legs are Services of these names has made it already; then it is that router's to remove.
"""

from deploy import backends, names, traffic
from deploy.services import PINS, selector_of
from deploy.traffic import Json

COPIED = ("sessionAffinity", "sessionAffinityConfig", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")


def name(service: str) -> str:
    """The preview's name, a DNS label."""
    return names.fit(service, "rampart-canary")


def build(service: Json, release: str, owner: tuple[str, str]) -> Json:
    """The preview of a Service for a release. owner: name and uid of the Deployment, with which it goes at the latest.

    Labels and annotations by which a mesh knows how the Service is reached are copied, the user's others are not.
    What belongs to an outside address (node ports, load balancers, external names and addresses) is not copied.
    """
    metadata, spec = service["metadata"], service["spec"]
    deployment, uid = owner
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment, "uid": uid}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name(metadata["name"]),
            "namespace": metadata["namespace"],
            "labels": {
                **backends.of_meshes(metadata.get("labels")),
                names.MANAGED: names.FIELD_MANAGER,
                names.PREVIEW: release,
            },
            "annotations": backends.of_meshes(metadata.get("annotations")),
            "ownerReferences": [{**reference, "controller": False, "blockOwnerDeletion": False}],
        },
        "spec": {
            "type": "ClusterIP",
            "selector": selector(service, release),
            "ports": [without_node_port(port) for port in spec.get("ports") or ()],
            **{key: spec[key] for key in COPIED if key in spec},
        },
    }


def without_node_port(port: Json) -> Json:
    return {key: value for key, value in port.items() if key != "nodePort"}


def selector(service: Json, release: str) -> dict[str, str]:
    """The user's selector with the canary's pin; a pin that a router has put there for now is left out."""
    pin = traffic.canary(release)
    users = {key: value for key, value in selector_of(service).items() if key not in PINS}
    return {**users, pin.label: pin.value}


def leads_to(found: Json | None, release: str) -> bool:
    """Whether the Service found under the preview's name selects the release's canary."""
    pin = traffic.canary(release)
    return found is not None and selector_of(found).get(pin.label) == pin.value


def is_of(found: Json | None, release: str) -> bool:
    """Whether it is the preview of that release, and so to be removed with it."""
    return is_ours(found) and found is not None and found["metadata"]["labels"][names.PREVIEW] == release


def is_ours(found: Json | None) -> bool:
    """Whether it is any release's preview."""
    return found is not None and names.PREVIEW in (found["metadata"].get("labels") or {})
