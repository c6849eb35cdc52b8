"""The chart with the value sets that matter."""

from typing import Any

from sandbox import chart

Json = dict[str, Any]

NAMED = {"namespaces": ["shop", "cart"]}
FILES = {
    "prometheus": {
        "url": "https://prometheus.example:9090",
        "timeout": 5,
        "headers": {"X-Scope-OrgID": "shop"},
        "tokenFile": {"secret": "prometheus", "key": "token"},
        "caFile": {"configMap": "authority", "key": "ca.crt"},
    },
    "defaults": {"interval": "30s", "steps": "10,50"},
    "controller": {"workers": 8, "warmUp": "1m", "settle": 0.5},
}
MONITORED = {
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "podMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboard": {"enabled": True},
    "networkPolicy": {"enabled": True, "from": [{"namespaceSelector": {}}], "egress": [{}]},
}
LONE = {
    "replicas": 1,
    "leaderElection": {"enabled": False},
    "restore": {"onUninstall": False},
    "crds": {"install": False},
    "image": {"repository": "here.example/rampart", "digest": f"sha256:{'0' * 64}"},
    "imagePullSecrets": [{"name": "here"}],
    "serviceAccount": {"name": "controller", "annotations": {"role": "controller"}},
    "podAnnotations": {"note": "x"},
    "podLabels": {"team": "platform"},
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {"pool": "system"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [{"maxSkew": 2}],
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
}
PAUSED = {"hold": {"mode": "pause"}}
CASES: dict[str, Json] = {
    "default": {},
    "named-namespaces": NAMED,
    "settings-and-files": FILES,
    "monitored": MONITORED,
    "lone": LONE,
    "paused": PAUSED,
}


def pick(kind: str, values: Json | None = None, name: str = "") -> Json:
    """The one object of that kind (and name)."""
    found = [item for item in chart.objects(values) if item["kind"] == kind and name in ("", item["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} objects {kind} {name}"
    return found[0]


def pods(values: Json | None = None) -> list[Json]:
    """The pod specs of the controller and of the job that restores."""
    return [pick(kind, values)["spec"]["template"]["spec"] for kind in ("Deployment", "Job")]


def environment(values: Json | None = None) -> dict[str, str]:
    """The controller's variables that have a value."""
    container = pick("Deployment", values)["spec"]["template"]["spec"]["containers"][0]
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}
