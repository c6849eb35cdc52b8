"""A shop with two Deployments of the user's that take turns, and a whole head over it, but for its threads."""

from datetime import timedelta
from typing import Any

from deploy import kinds, names, workload
from deploy.traffic import Json
from tests.rollout.a_shop import Shop
from tests.rollout.small_cluster import SHOP
from tests.rollout.test_restoring import Ticking

ROUTE: Json = {
    "hosts": ["web"],
    "http": [
        {
            "route": [
                {"destination": {"host": "web", "subset": "v1"}, "weight": 100},
                {"destination": {"host": "web", "subset": "v2"}, "weight": 0},
            ]
        }
    ],
}


class PairShop(Shop):
    """Looks at the annotated one, web-v2."""

    def look(self) -> float | None:
        """One look, and ten seconds. Nothing rolls: both run already."""
        try:
            return self.reconciler.reconcile(SHOP, "web-v2")
        finally:
            self.clock += timedelta(seconds=10)

    @property
    def parts(self) -> list[int]:
        """The weights of web-v1 and web-v2."""
        return [entry["weight"] for entry in self.route["http"][0]["route"]]

    def side(self, name: str) -> Json:
        return self.cluster.get(kinds.DEPLOYMENT, name)


def a_pair_shop(**plan: str) -> PairShop:
    """`web-v1` has the traffic; `web-v2` is annotated and whole, so that it is released at the first looks."""
    shop = PairShop(cluster=Ticking())
    given = {"strategy": "canary", "canary-of": "web-v1", "steps": "20,50", **plan}
    add_side(shop, "v1", {})
    add_side(shop, "v2", {f"{names.GROUP}/{key.replace('_', '-')}": value for key, value in given.items()})
    shop.cluster.seed(kinds.SERVICE, "web", spec={"selector": {"app": "web"}})
    subsets = [{"name": name, "labels": {"version": name}} for name in ("v1", "v2")]
    shop.cluster.seed(kinds.DESTINATION_RULE, "web", spec={"host": "web", "subsets": subsets})
    shop.cluster.seed(kinds.VIRTUAL_SERVICE, "web", spec=ROUTE)
    return shop


def add_side(shop: Shop, version: str, notes: dict[str, Any]) -> None:
    """A Deployment that has rolled out, four pods of it ready."""
    labels = {"app": "web", "version": version}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": f"web:{version}"}]}}
    spec = {"replicas": 4, "selector": {"matchLabels": labels}, "template": template}
    made = shop.cluster.seed(kinds.DEPLOYMENT, f"web-{version}", metadata={"annotations": notes}, spec=spec)
    counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), 4)
    shop.cluster.objects["Deployment", f"web-{version}"]["status"] = {"observedGeneration": 9, **counts}
    mark = workload.digest(template)
    owner = {"uid": made["metadata"]["uid"], "controller": True}
    about = {"labels": {**labels, names.POD_TEMPLATE_HASH: mark}, "ownerReferences": [owner]}
    shop.cluster.seed(
        kinds.REPLICA_SET, f"web-{version}-{mark}", metadata=about, spec={"replicas": 4, "template": template}
    )
