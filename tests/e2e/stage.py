"""The stage of an end-to-end test: a namespace of its own, a Deployment behind a route, real load, and a controller."""

import asyncio
import contextlib
import copy
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from deploy import errors, kinds, names
from deploy.cluster import Cluster, from_kubeconfig
from deploy.kinds import Kind
from deploy.traffic import Json
from rollout.status import ENDED
from sandbox import cluster as sandbox_cluster
from sandbox import errors as sandbox_errors
from sandbox import load, ports, tally, tools, traffic
from sandbox.cluster import Box
from tests.e2e import promises

PATIENCE = 300.0
"""Seconds until a wait gives up. One that succeeds costs nothing, and a busy machine may be ten times slower."""

COMMAND = 360.0
"""The same for a command, which may itself wait as long as kubectl is told to."""

WAITS = f"--timeout={PATIENCE:.0f}s"
"""Said to kubectl where it waits."""

LOAD_SECONDS = 3000.0
"""Longer than any test."""

RATE = 40.0

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}]
"""

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 10
      containers:
      - name: web
        image: web:v1
        ports: [{containerPort: 8080}]
        lifecycle: {preStop: {sleep: {seconds: 2}}}
"""

VIRTUAL_SERVICE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - retries: {attempts: 0}
    route: [{destination: {host: web}}]
"""

PLAN = {"strategy": "canary", "judge": "threshold", "steps": "20,50", "interval": "6s", "bake": "5s"}
FLAGS = {"warm-up": "3s", "look": "2", "min-requests": "10", "workers": "2"}


def wait(what: str, holds: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait on a condition of the real cluster."""
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience:.0f} s: {what}")
        time.sleep(0.1)


def content(item: Json) -> Json:
    """What its owner wrote of an object: all but status and what the server keeps."""
    bare = copy.deepcopy({key: value for key, value in item.items() if key != "status"})
    for key in ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"):
        bare["metadata"].pop(key, None)
    notes = bare["metadata"].get("annotations") or {}
    notes.pop("deployment.kubernetes.io/revision", None)
    return bare


@dataclass
class Controller:
    """One `rampart run`, as its own ServiceAccount, for one namespace."""

    namespace: str
    kubeconfig: Path
    flags: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    port: int = field(default_factory=lambda: free_port())

    def start(self) -> None:
        listen = f"127.0.0.1:{self.port}"
        fixed = {"namespaces": self.namespace, "kubeconfig": str(self.kubeconfig), "listen": listen}
        flags = {"prometheus-url": ports.url(ports.PROMETHEUS), **FLAGS, **self.flags, **fixed}
        words = [word for key, value in flags.items() for word in (f"--{key}", value)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "rollout", "run", *words], stdout=log, stderr=log)

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it by a signal and wait; by SIGTERM it must end in order."""
        if self.process is None:
            return
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.process = None
        assert number != signal.SIGTERM or code == 0, f"the controller ended with {code}: {self.words()}"

    def words(self) -> str:
        return self.log.read_text()

    def ask(self, path: str) -> tuple[int, str]:
        """What it says itself at /readyz, /healthz or /metrics: status and text; 0 where it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()
        except OSError:
            return 0, ""


CHOICE = range(21000, 31000)
"""Ports that the kernel gives to nobody by itself: one of its own choice could be taken again before it is used."""


def free_port() -> int:
    """A port of the loopback that nobody listens at now."""
    while True:
        port = random.choice(CHOICE)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@dataclass
class Stage:
    """What a test acts on and looks at."""

    box: Box
    cluster: Cluster
    namespace: str
    controller: Controller
    originals: dict[tuple[str, str], Json] = field(default_factory=dict)
    traffic: load.Load | None = None
    loads: list[load.Load] = field(default_factory=list)
    """The same, and those beside it."""

    # Acting as a user.

    def kubectl(self, *words: str, given: str | None = None) -> str:
        command = [str(tools.kubectl()), "-n", self.namespace, *words]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=COMMAND)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout

    def rolled_out(self, name: str = "web") -> None:
        """Wait for a Deployment's native roll-out."""
        self.kubectl("rollout", "status", f"deployment/{name}", WAITS)

    def apply(self, *texts: str) -> None:
        self.kubectl("apply", "-f", "-", given="\n---\n".join(texts))

    def set_image(self, tag: str) -> None:
        """Begin a release as people do."""
        self.kubectl("set", "image", "deployment/web", f"web=web:{tag}")

    def wish(self, what: str) -> None:
        self.kubectl("annotate", "deployment", "web", "--overwrite", f"{names.DO}={what}")

    def resume(self) -> None:
        """Go on where the plan pauses: the step before it has passed."""
        wait("the plan pauses", lambda: self.status().get("holding") == "Paused")
        self.wish("resume")

    def send(self, rate: float = RATE, url: str = ports.url(ports.CLIENT_PROXY), host: str = "") -> None:
        """Real requests from now on; they must succeed before the test goes on."""
        self.traffic = self._load(rate, url, host)
        wait("requests are served", lambda: self.served("v1") > 20)

    @contextlib.contextmanager
    def sending(
        self, rate: float = RATE, url: str = ports.url(ports.CLIENT_PROXY), host: str = ""
    ) -> Iterator[load.Load]:
        """Real requests beside the others, as long as the block lasts."""
        beside = self._load(rate, url, host)
        try:
            yield beside
        finally:
            beside.stop()

    def _load(self, rate: float, url: str, host: str) -> load.Load:
        """Not before the proxy knows the host: until then requests fail by right."""
        host = host or f"web.{self.namespace}.svc.cluster.local"
        if url.startswith("http:"):
            wait(f"{host} is known", lambda: is_answered(url, host))
        begun = load.Load(url, host, rate, seconds=LOAD_SECONDS, box=self.box).start()
        self.loads.append(begun)
        return begun

    # Looking.

    def get(self, kind: Kind, name: str = "web") -> Json:
        return self.cluster.get(kind, name, self.namespace)

    def served(self, version: str) -> int:
        """Requests that a version has answered until now."""
        return sum(number for (_, seen, _), number in self.counts().counts.items() if seen == version)

    def counts(self) -> tally.Tally:
        assert self.traffic is not None
        return self.traffic.counts()

    def finish_load(self) -> tally.Tally:
        assert self.traffic is not None
        return self.traffic.stop()

    def deployments(self) -> list[Json]:
        return self.cluster.list(kinds.DEPLOYMENT, self.namespace).items

    def releases(self) -> list[Json]:
        found = self.cluster.list(kinds.RELEASE, self.namespace).items
        return sorted(found, key=lambda item: (item["metadata"]["creationTimestamp"], item["spec"].get("attempt", 1)))

    def status(self) -> Json:
        """The status of the newest release; empty while there is none."""
        found = self.releases()
        return (found[-1].get("status") or {}) if found else {}

    def wait_phase(self, *phases: str, patience: float = PATIENCE) -> Json:
        """The status in one of these phases; of an ended release when its finalizer is gone, which goes last."""
        deadline = time.monotonic() + patience
        while True:
            release = (self.releases() or [{"metadata": {}}])[-1]
            status: Json = release.get("status") or {}
            if status.get("phase") in phases and not (is_ended(status) and release["metadata"].get("finalizers")):
                return status
            assert time.monotonic() < deadline, f"not within {patience:.0f} s: phase {phases}, is {status}"
            time.sleep(0.1)

    def wait_weight(self, weight: str) -> None:
        wait(f"weight {weight}", lambda: self.status().get("weight") == weight)

    def events(self, reason: str = "") -> list[Json]:
        found = self.cluster.list(kinds.EVENT, self.namespace).items
        ours = [item for item in found if item.get("reportingComponent") == "rampart"]
        about = [item for item in ours if item["involvedObject"]["kind"] == "Deployment"]
        return [item for item in about if not reason or item["reason"] == reason]

    def told(self, reason: str, words: str = "") -> Json:
        """The first Event of that reason that says these words: a decision is recorded first, and then told."""

        def found() -> list[Json]:
            return [item for item in self.events(reason) if words in item["message"]]

        wait(f"{reason} is told: {words}", found)
        return found()[0]

    # The end of every test.

    def check_rest(self, version: str, paused: bool = False) -> None:
        """Nothing of ours is left; route, Service and Deployment are as they were (promise 7).

        A wish is cleared after the end is recorded, so that is waited for.
        """
        wait("no wish is left", lambda: not any(names.DO in notes_of(item) for item in self.deployments()))
        left = self.cluster.list(kinds.DEPLOYMENT, self.namespace, labels=names.RELEASE).items
        assert left == [], "a canary is left"
        for of in BY_NAME.values():
            found = [item["metadata"]["name"] for item in self.cluster.list(of, self.namespace).items]
            expected = [name for one, name in self.originals if one == of.kind]
            assert of is kinds.DEPLOYMENT or found == expected, f"{of.plural} at rest"
        for (kind, name), before in self.originals.items():
            after = content(self.get(BY_NAME[kind], name))
            if kind == "Deployment":
                self._check_deployment(before, after, version, paused)
            else:
                assert after == before, f"{kind} {name} is not as its owner wrote it"

    def _check_deployment(self, before: Json, after: Json, version: str, paused: bool) -> None:
        image = after["spec"]["template"]["spec"]["containers"][0].pop("image")
        before = copy.deepcopy(before)
        before["spec"]["template"]["spec"]["containers"][0].pop("image")
        notes = after["metadata"]["annotations"]
        marks = {key: notes.pop(key) for key in (names.HELD, names.FAILED) if key in notes}
        assert after["spec"].pop("paused", False) is paused
        assert bool(marks) is paused, f"marks at rest: {marks}"
        assert image == f"web:{version}"
        assert without_applied(after) == without_applied(before)

    def check_none_failed(self) -> tally.Tally:
        """No request failed in the whole test (promise 5)."""
        return promises.none_failed(self.finish_load())

    def check_only_failed(self, version: str) -> tally.Tally:
        """Only requests failed that this version answered."""
        return promises.only_failed(self.finish_load(), version)

    def check_unmet(self, version: str) -> None:
        """No user's request was answered by this version (promise 1)."""
        promises.keep(self.served(version) == 0, f"{self.served(version)} requests met {version}")

    def lost(self, steady: str) -> list[dict[tuple[str, str], int]]:
        """Of each load what must never fail (promises.lost); all of them are over now."""
        for one in self.loads:
            with contextlib.suppress(sandbox_errors.SandboxError):
                one.stop()
        return [found for one in self.loads if (found := promises.lost(one.counts(), steady))]


def is_answered(url: str, host: str) -> bool:
    """Whether some version answers one request of its own."""
    one = traffic.Traffic(replace(traffic.plan(url, host, rate=10, seconds=1), most=1))
    asyncio.run(one.run())
    return set(one.tally.versions) != {tally.NOBODY}


def is_ended(status: Json) -> bool:
    return status.get("phase") in {str(phase) for phase in ENDED}


def notes_of(item: Json) -> Json:
    return item["metadata"].get("annotations") or {}


def without_applied(item: Json) -> Json:
    notes = item["metadata"].get("annotations") or {}
    passing = ("kubectl.kubernetes.io/", names.STRATEGY)
    kept = {key: value for key, value in notes.items() if not key.startswith(passing)}
    return {**item, "metadata": {**item["metadata"], "annotations": kept}}


BY_NAME = {
    kind.kind: kind
    for kind in (
        kinds.SERVICE,
        kinds.DEPLOYMENT,
        kinds.VIRTUAL_SERVICE,
        kinds.DESTINATION_RULE,
        kinds.HTTP_ROUTE,
        kinds.GRPC_ROUTE,
    )
}


@dataclass(frozen=True)
class Scenery:
    """What a stage is made of."""

    service: str = SERVICE
    deployment: str = DEPLOYMENT
    virtual_service: str = VIRTUAL_SERVICE


USUAL = Scenery()


def manifests(image: str, plan: dict[str, str], *extra: str, scenery: Scenery = USUAL) -> list[str]:
    """A Deployment of `image` with the plan's annotations (without the empty ones), its Service, and its route."""
    deployment = yaml.safe_load(scenery.deployment)
    deployment["metadata"]["annotations"] = {f"{names.GROUP}/{key}": value for key, value in plan.items() if value}
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = f"web:{image}"
    return [text for text in (scenery.service, yaml.safe_dump(deployment), scenery.virtual_service, *extra) if text]


@contextlib.contextmanager
def opened(
    *extra: str,
    image: str = "v1",
    plan: dict[str, str] | None = None,
    flags: dict[str, str] | None = None,
    virtual_service: str = VIRTUAL_SERVICE,
    service: str = SERVICE,
    deployment: str = DEPLOYMENT,
    kubeconfig: Path | None = None,
) -> Iterator[Stage]:
    """A stage with everything running: the Deployment rolled out and the controller started.

    The controller speaks as its own ServiceAccount, unless another kubeconfig is given.
    """
    scenery = Scenery(service, deployment, virtual_service)
    box = sandbox_cluster.current()
    admin = Cluster(from_kubeconfig(str(box.kubeconfig)))
    namespace = f"e2e-{uuid.uuid4().hex[:8]}"
    admin.create(kinds.NAMESPACE, {"metadata": {"name": namespace}})
    with tempfile.TemporaryDirectory() as directory:
        speaks_as = kubeconfig or box.kubeconfig_for("rampart-system", "rampart")
        controller = Controller(namespace, speaks_as, flags or {}, Path(directory) / "controller.log")
        stage = Stage(box, admin, namespace, controller)
        try:
            stage.apply(*manifests(image, {**PLAN, **(plan or {})}, *extra, scenery=scenery))
            stage.rolled_out()
            remember(stage)
            controller.start()
            wait("the controller watches", lambda: '"event":"started"' in controller.words())
            yield stage
            controller.end()
        except BaseException as error:
            sys.stderr.write(f"--- the controller's log\n{controller.words()}\n--- status\n{stage.releases()}\n")
            if not isinstance(error, promises.Broken | KeyboardInterrupt) and (lost := stage.lost(image)):
                raise promises.Broken(f"the test failed, and requests with it: {lost}") from error
            raise
        finally:
            close(stage)


def close(stage: Stage) -> None:
    if stage.controller.process is not None:
        stage.controller.end(signal.SIGKILL)
    for one in stage.loads:
        one.stop()
    for release in stage.releases():
        name, free = release["metadata"]["name"], {"metadata": {"finalizers": None}}
        stage.cluster.patch(kinds.RELEASE, name, stage.namespace, free)
    with contextlib.suppress(errors.Missing):  # the test itself may have deleted it
        stage.cluster.delete(kinds.NAMESPACE, stage.namespace)
    stage.cluster.close()


def remember(stage: Stage) -> None:
    """Keep the user's objects as they are before anything happens."""
    for name, kind in BY_NAME.items():
        for item in stage.cluster.list(kind, stage.namespace).items:
            stage.originals[name, item["metadata"]["name"]] = content(item)


def is_inside() -> bool:
    """Whether this process runs in the sandbox's network, where its parts are reachable."""
    return "KUBECONFIG" in os.environ and "RAMPART_SANDBOX" in os.environ
