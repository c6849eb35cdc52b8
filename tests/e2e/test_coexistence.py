"""What else acts on the same pods and routes: the user's faults, retries and mirrors, drains, autoscalers, quotas."""

import contextlib
import fcntl
import json
import threading
from collections.abc import Iterator

import pytest

from deploy import kinds, names
from deploy.traffic import Json
from sandbox import metrics_api
from tests.e2e import asking, stage

MANNERS = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - name: abort
    match: [{headers: {x-fault: {exact: abort}}}]
    fault: {abort: {percentage: {value: 50}, httpStatus: 418}}
    retries: {attempts: 0}
    route: [{destination: {host: web}}]
  - name: delay
    match: [{headers: {x-fault: {exact: delay}}}]
    fault: {delay: {percentage: {value: 100}, fixedDelay: 0.7s}}
    retries: {attempts: 0}
    route: [{destination: {host: web}}]
  - name: hurry
    match: [{headers: {x-hurry: {exact: "yes"}}}]
    timeout: 1s
    retries: {attempts: 0}
    route: [{destination: {host: web}}]
  - name: again
    match: [{headers: {x-again: {exact: "yes"}}}]
    retries: {attempts: 8, retryOn: 5xx}
    route: [{destination: {host: web}}]
  - name: mirrored
    match: [{headers: {x-mirror: {exact: "yes"}}}]
    mirrors: [{destination: {host: shadow}, percentage: {value: 100}}]
    retries: {attempts: 0}
    route: [{destination: {host: web}}]
  - name: plain
    retries: {attempts: 0}
    route: [{destination: {host: web}}]
"""

SHADOW = """
apiVersion: v1
kind: Service
metadata: {name: shadow}
spec: {selector: {app: shadow}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shadow}
spec:
  replicas: 1
  selector: {matchLabels: {app: shadow}}
  template:
    metadata: {labels: {app: shadow}}
    spec: {containers: [{name: web, image: "web:shadow", ports: [{containerPort: 8080}]}]}
"""

FAULTY = "errors20-slow4000p30"
BOTH = {"v1", "v2"}


def test_faults_timeouts_retries_and_mirrors_hold_on_both_legs() -> None:
    """At half and half, each rule of the user's VirtualService does to both versions what it did before."""
    plan = {"steps": "50", "success-rate": "10", "interval": "300s"}
    with stage.opened(SHADOW, image=f"v1-{FAULTY}", plan=plan, virtual_service=MANNERS) as play:
        play.rolled_out("shadow")
        del play.originals["Deployment", "shadow"]
        host = f"web.{play.namespace}.svc.cluster.local"
        play.set_image(f"v2-{FAULTY}")
        play.wait_weight("50")
        stage.wait("both are met", lambda: asking.versions(asking.ask(host, 20)) == BOTH)

        aborted = asking.ask(host, 100, x_fault="abort")
        assert 25 < sum(reply.status == 418 for reply in aborted) < 75
        assert asking.versions(aborted) == BOTH

        delayed = asking.ask(host, 40, x_fault="delay")
        assert asking.versions(delayed) == BOTH
        assert min(reply.seconds for reply in delayed) >= 0.7

        hurried = asking.ask(host, 100, x_hurry="yes")
        assert asking.versions(hurried) == BOTH
        assert sum(reply.status == 504 for reply in hurried) > 10
        answered = [reply for reply in hurried if reply.version]
        assert not [reply for reply in answered if reply.seconds >= 4], "an answer came after the time-out"

        again = asking.ask(host, 100, x_again="yes")
        assert asking.versions(again) == BOTH
        assert {reply.status for reply in again} == {200}
        assert 500 in {reply.status for reply in asking.ask(host, 60)}

        before = mirrored(play)
        asking.ask(host, 60, x_mirror="yes")
        stage.wait("the mirror has seen them", lambda: mirrored(play) - before >= 60)

        play.wish("abort")
        play.wait_phase("Cancelled")
        play.check_rest(f"v2-{FAULTY}", paused=True)


def mirrored(play: stage.Stage) -> int:
    """Requests that the shadow's pods have served."""
    rows = play.box.kubelet("GET", "/pods")["pods"]
    return sum(row["requests"] for row in rows if row["namespace"] == play.namespace and "shadow" in row["name"])


BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
"""


PATIENT = stage.DEPLOYMENT.replace("seconds: 2", "seconds: 8").replace("PeriodSeconds: 10", "PeriodSeconds: 30")
"""A drain takes pods that have users: only the pod's own wait covers the time until every proxy knows."""


@pytest.mark.parametrize("moment", ["Stepping", "Baking"])
def test_drain_of_a_node_in_mid_release_fails_no_request(moment: str) -> None:
    """The budget counts canary pods too: they go one by one, and the release goes on.

    Two of them: one alone can not go without leaving its leg empty, until the look that sees it.
    """
    plan = {"steps": "50", "interval": "12s", "bake": "12s"}
    with stage.opened(BUDGET, plan=plan, deployment=PATIENT) as play, alone(play, "drain"):
        node = "sandbox-node-2"
        play.send()
        play.set_image("v2")
        play.wait_phase(moment)
        try:
            play.kubectl("drain", node, "--force", "--pod-selector=app=web", stage.WAITS)
            assert not [pod for pod in web_pods(play) if pod["spec"].get("nodeName") == node]
        finally:
            play.kubectl("uncordon", node)
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


@contextlib.contextmanager
def alone(play: stage.Stage, name: str) -> Iterator[None]:
    """One test at a time, whichever workers run them: another one would make the node schedulable again."""
    with (play.box.home.root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def web_pods(play: stage.Stage) -> list[Json]:
    """Those that are not being deleted."""
    found = play.cluster.list(kinds.POD, play.namespace, labels="app=web").items
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


SCALER = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 8
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
"""


class Watch:
    """The smallest size that the Deployment was seen with."""

    def __init__(self, play: stage.Stage) -> None:
        self._play = play
        self._over = threading.Event()
        self.sizes: list[int] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.3):
            self.sizes.append(size(self._play))


def size(play: stage.Stage) -> int:
    return int(play.get(kinds.DEPLOYMENT)["spec"]["replicas"])


def test_autoscaler_keeps_stable_whole_while_the_canary_runs() -> None:
    """Case 2: it averages over both versions' pods, and so asks for what the whole load needs.

    80 requests a second cost 800 m; at half of the 400 m that each pod asks for, that makes four pods.
    """
    with stage.opened(plan={"interval": "8s"}) as play, metrics_api.serving(play.box):
        requests = {"containers": [{"name": "web", "resources": {"requests": {"cpu": "400m"}}}]}
        play.kubectl("annotate", "deployment", "web", "rampart.dev/strategy-")
        patch = json.dumps({"spec": {"template": {"spec": requests}}})
        play.kubectl("patch", "deployment", "web", "-p", patch)
        play.rolled_out()
        play.kubectl("annotate", "deployment", "web", "rampart.dev/strategy=canary")
        play.send(80)
        play.apply(SCALER)
        stage.wait("it has scaled to the load", lambda: size(play) >= 4)
        with Watch(play) as watch:
            play.set_image("v2")
            play.wait_phase("Promoted")
        assert min(watch.sizes) >= 4, f"stable shrank in mid-release: {watch.sizes}"
        play.check_none_failed()


def test_no_surge_is_no_hindrance() -> None:
    """`maxSurge: 0`: the roll-out takes old pods first, and nobody is on them."""
    strategy = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    with stage.opened() as play:
        play.kubectl("patch", "deployment", "web", "-p", json.dumps({"spec": {"strategy": strategy}}))
        stage.remember(play)
        play.send()
        play.set_image("v2")
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        pytest.param({"strategy": {"type": "Recreate", "rollingUpdate": None}}, "type is Recreate", id="Recreate"),
        pytest.param({"revisionHistoryLimit": 0}, "revisionHistoryLimit is 0", id="no history"),
    ],
)
def test_deployment_that_can_not_be_released_is_refused(patch: Json, words: str) -> None:
    """Said at opt-in and again when its template changes; no user meets the new version."""
    with stage.opened() as play:
        play.kubectl("patch", "deployment", "web", "-p", json.dumps({"spec": patch}))
        play.send()
        play.told("Refused", words)
        play.set_image("v2")
        stage.wait("the release waits", lambda: words in str(play.status().get("message")))
        assert play.status()["phase"] == "Pending"
        play.check_none_failed()
        play.check_unmet("v2")


QUOTA = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: small}
spec: {hard: {pods: "5"}}
"""


def test_quota_too_small_for_a_full_canary_is_said_in_its_own_words() -> None:
    """Three old pods and three new ones do not fit: the release holds with the reason, and goes on with more room."""
    with stage.opened(QUOTA, plan={"steps": "20"}) as play:
        play.send()
        play.set_image("v2")
        stage.wait("it is said", lambda: "exceeded quota: small" in str(play.status().get("message")))
        assert play.status()["holding"] == "CanaryNotReady"
        assert play.status()["weight"] in ("20", "100")
        play.kubectl("patch", "resourcequota", "small", "-p", json.dumps({"spec": {"hard": {"pods": "20"}}}))
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


BESIDE = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 3
  maxReplicas: 3
  metrics: [{type: External, external: {metric: {name: waiting}, target: {type: Value, value: "10"}}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


def test_what_behaves_otherwise_in_a_release_is_said_at_opt_in() -> None:
    """A budget by number, an autoscaler by a value, a volume of one node: named, once, and not refused."""
    with stage.opened(BESIDE) as play:
        message = play.told("Caution")["message"]
        assert f"PodDisruptionBudget {play.namespace}/web has minAvailable: 2" in message
        assert f"HorizontalPodAutoscaler {play.namespace}/web scales by External metrics" in message
        volumes = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
        play.kubectl("annotate", "deployment", "web", "rampart.dev/strategy-")
        play.kubectl("patch", "deployment", "web", "-p", json.dumps({"spec": {"template": {"spec": volumes}}}))
        play.rolled_out()
        play.kubectl("annotate", "deployment", "web", "rampart.dev/strategy=canary")
        claim = f"PersistentVolumeClaim {play.namespace}/data is ReadWriteOnce"
        play.told("Caution", claim)


SELECTING = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, rules: [{from: [{source: {namespaces: [shop]}}]}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}]}]}
"""
KINDS = {"authorizationpolicy": "selector", "peerauthentication": "selector", "networkpolicy": "podSelector"}


def test_policies_that_select_the_pods_select_the_canarys_too() -> None:
    """Who may call it and how is the same for both versions: their own selectors find the canary's pods.

    The sandbox's pods are no sidecars, so what a policy then does is not seen here.
    """
    with stage.opened(SELECTING, plan={"steps": "50", "interval": "60s"}) as play:
        play.send()
        play.set_image("v2")
        play.wait_weight("50")
        names_ = json.loads(play.kubectl("get", "pods", "-l", names.RELEASE, "-o", "json"))["items"]
        canaries = {item["metadata"]["name"] for item in names_}
        assert canaries
        for kind, field in KINDS.items():
            found = json.loads(play.kubectl("get", kind, "web", "-o", "json"))["spec"][field]["matchLabels"]
            labels = ",".join(f"{key}={value}" for key, value in found.items())
            selected = json.loads(play.kubectl("get", "pods", "-l", labels, "-o", "json"))["items"]
            assert canaries <= {item["metadata"]["name"] for item in selected}, kind
        play.wish("abort")
        play.wait_phase("Cancelled")
        play.check_none_failed()
        play.check_rest("v2", paused=True)
