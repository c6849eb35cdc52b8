"""The chart, installed by Helm into a cluster that knows nothing of the project yet; and an app under load."""

import contextlib
import copy
import fcntl
import json
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from deploy import names
from sandbox import chart, cluster, errors, load, ports, tally
from sandbox.cluster import Box
from tests.e2e import promises, stage

Json = dict[str, Any]

VALUES: Json = {
    "prometheus": {"url": ports.url(ports.PROMETHEUS)},
    "controller": {"look": 2, "warmUp": "3s", "minRequests": 10, "keep": 1},
    "leaderElection": {"leaseSeconds": 6},
    "probes": {
        "liveness": {"periodSeconds": 2, "failureThreshold": 15},
        "readiness": {"periodSeconds": 1, "failureThreshold": 2},
    },
}
SLOW = {**stage.PLAN, "interval": "20s"}
"""A plan that leaves time to do something in the middle."""


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Only one worker has a second cluster: the machine is small."""
    with (cluster.current().home.root / "bare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass
class Installation:
    """One release of the chart in `rampart-system`."""

    box: Box

    def helm(self, *words: str) -> str:
        """What Helm said; it must succeed."""
        command = [sys.executable, "-m", "sandbox.helm", "--timeout", f"{stage.PATIENCE:.0f}", *words]
        done = self.box.run(command, capture_output=True)
        assert done.returncode == 0, f"helm {' '.join(words)}: {done.stderr}\n{self.words()}"
        return done.stdout

    def install(self, **values: Any) -> str:
        return self.helm("install", chart.RELEASE, "--values", json.dumps({**VALUES, **values}))

    def upgrade(self, **values: Any) -> str:
        return self.helm("upgrade", chart.RELEASE, "--values", json.dumps({**VALUES, **values}))

    def get(self, *words: str) -> list[Json]:
        """Objects in the chart's namespace."""
        found = self.box.kubectl("get", *words, "-n", chart.NAMESPACE, "-o", "json")
        items: list[Json] = json.loads(found)["items"]
        return items

    def pods(self) -> list[Json]:
        found = self.get("pods", "-l", "app.kubernetes.io/name=rampart")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def leader(self) -> str:
        """The pod that holds the Lease; empty while none does."""
        holders = [lease["spec"].get("holderIdentity") or "" for lease in self.get("leases")]
        pods = [pod["metadata"]["name"] for pod in self.pods()]
        return next((name for name in pods for holder in holders if holder.startswith(name)), "")

    def page(self, path: str) -> str:
        """A page of all controllers, one after the other."""
        urls = [f"http://{pod['status']['podIP']}:8081{path}" for pod in self.pods()]
        return self.box.run(["curl", "--silent", "--max-time", "60", *urls], capture_output=True).stdout

    def calls(self) -> dict[tuple[str, str, str], float]:
        """(verb, kind, code) to number, of all controllers that run."""
        pattern = r'rampart_api_requests_total\{code="(\d+)",kind="([^"]+)",verb="([^"]+)"\} (\S+)'
        found: dict[tuple[str, str, str], float] = {}
        for code, kind, verb, number in re.findall(pattern, self.page("/metrics")):
            found[verb, kind, code] = found.get((verb, kind, code), 0) + float(number)
        return found

    def words(self, what: str = "") -> str:
        """The logs of all pods of the chart whose name holds that word."""
        found = self.box.home.logs.glob(f"pod.{chart.NAMESPACE}.*.log")
        paths = sorted(path for path in found if what in path.name)
        return "".join(f"--- {path.name}\n{path.read_text(errors='replace')}" for path in paths)


@dataclass
class App:
    """A Deployment behind a route, opted in, in a namespace of its own, with real requests."""

    box: Box
    namespace: str = field(default_factory=lambda: f"shop-{uuid.uuid4().hex[:6]}")
    traffic: load.Load | None = None
    route: Json = field(default_factory=dict)

    def kubectl(self, *words: str, text: str = "") -> str:
        return self.box.kubectl("-n", self.namespace, *words, text=text)

    def open(self, plan: dict[str, str]) -> None:
        """Version 1 runs and serves."""
        self.kubectl("apply", "-f", "-", text="\n---\n".join(stage.manifests("v1", plan)))
        self.kubectl("rollout", "status", "deployment/web", stage.WAITS)
        self.route = self.get("virtualservice", "web")["spec"]
        host = f"web.{self.namespace}.svc.cluster.local"
        url = ports.url(ports.CLIENT_PROXY)
        stage.wait("requests are answered", lambda: self.is_answered(url, host))
        self.traffic = load.Load(url, host, stage.RATE, seconds=stage.LOAD_SECONDS, box=self.box).start()
        stage.wait("requests are served", lambda: self.counts().requests > 20)

    def is_answered(self, url: str, host: str) -> bool:
        """By one request of its own, sent from inside this cluster."""
        with load.Load(url, host, rate=10, seconds=0.1, box=self.box) as one:
            stage.wait("it is counted", lambda: one.counts().requests)
            return set(one.counts().versions) != {tally.NOBODY}

    def counts(self) -> tally.Tally:
        assert self.traffic is not None
        return self.traffic.counts()

    def get(self, kind: str, name: str) -> Json:
        found: Json = json.loads(self.kubectl("get", kind, name, "-o", "json"))
        return found

    def set_image(self, tag: str) -> None:
        self.kubectl("set", "image", "deployment/web", f"web=web:{tag}")

    def status(self) -> Json:
        """The newest release's status."""
        found = json.loads(self.kubectl("get", "releases", "-o", "json"))["items"]
        found.sort(key=lambda item: item["metadata"]["creationTimestamp"])
        return (found[-1].get("status") or {}) if found else {}

    def reach(self, tag: str, weight: str) -> None:
        """Begin a release and wait until it has that weight, which its route shows."""
        self.set_image(tag)
        stage.wait(f"{tag} has weight {weight}", lambda: self.status().get("weight") == weight)
        stage.wait("its route shows it", lambda: int(weight) in self.weights())

    def weights(self) -> list[int]:
        rules = self.get("virtualservice", "web")["spec"]["http"][0]["route"]
        return [leg.get("weight", 100) for leg in rules]

    def wait_promoted(self, tag: str) -> None:
        def promoted() -> bool:
            image = self.get("deployment", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
            return image == f"web:{tag}" and self.status().get("phase") == "Promoted"

        stage.wait(f"{tag} is promoted", promoted)

    def check_restored(self, tag: str) -> None:
        """All traffic is stable's, nothing of ours is left, and the template stays paused with its mark."""
        deployments = json.loads(self.kubectl("get", "deployments", "-o", "json"))["items"]
        assert [item["metadata"]["name"] for item in deployments] == ["web"], "a canary is left"
        assert self.get("virtualservice", "web")["spec"] == self.route
        assert json.loads(self.kubectl("get", "destinationrules", "-o", "json"))["items"] == []
        web = copy.deepcopy(deployments[0])
        assert web["spec"]["template"]["spec"]["containers"][0]["image"] == f"web:{tag}"
        assert web["spec"]["paused"] is True
        assert names.HELD in web["metadata"]["annotations"]
        releases = json.loads(self.kubectl("get", "releases", "-o", "json"))["items"]
        assert [item for item in releases if item["metadata"].get("finalizers")] == []

    def check_none_failed(self, but: str = "") -> None:
        """No request failed, but for those that a version answers with its own errors."""
        assert self.traffic is not None
        total = self.traffic.stop()
        promises.keep({version for version, _ in total.failures} <= {but}, f"{total}, {promises.when(total)}")


@contextlib.contextmanager
def opened(app: App, plan: dict[str, str], **values: Any) -> Iterator[Installation]:
    """Installed, and the app runs; at the end nothing of both is left, not even the Lease that keeps others out."""
    box, house = app.box, Installation(app.box)
    box.kubectl("create", "namespace", app.namespace)
    try:
        house.install(**values)
        app.open(plan)
        yield house
    except BaseException as error:
        sys.stderr.write(
            f"{house.words()}\n--- status\n{app.kubectl('get', 'releases,deployments,events', '-o', 'wide')}\n"
        )
        if not isinstance(error, promises.Broken | KeyboardInterrupt) and app.traffic is not None:
            found = promises.lost(app.traffic.stop(), "v1")
            if found:
                raise promises.Broken(f"the test failed, and requests with it: {found}") from error
        raise
    finally:
        if app.traffic is not None:
            app.traffic.stop()
        with contextlib.suppress(errors.SandboxError):
            box.kubectl("get", "deployment", "rampart", "-n", chart.NAMESPACE)
            house.helm("uninstall", chart.RELEASE)
        box.kubectl("delete", "namespace", app.namespace, "--ignore-not-found", stage.WAITS)
        box.kubectl("delete", "leases", "--all", "-n", chart.NAMESPACE)
