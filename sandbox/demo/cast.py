"""Who plays in the demo: a Deployment with its Service and route, the controller, and the load."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import errors, load, ports, tally
from sandbox.cluster import Box

NAMESPACE = "shop"
HOST = f"web.{NAMESPACE}.svc.cluster.local"
RATE = 50.0
READY_SECONDS = 30.0
LONGEST = 1800.0

MANIFEST = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {NAMESPACE}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: {NAMESPACE}}}
spec:
  selector: {{app: web}}
  ports: [{{name: http, port: 80, targetPort: 8080}}]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: {NAMESPACE}
  annotations:
    rampart.dev/strategy: canary
    rampart.dev/steps: "5,25,50"
    rampart.dev/interval: 20s
    rampart.dev/bake: 15s
spec:
  replicas: 4
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 10
      containers:
      - name: web
        image: web:v1
        ports: [{{containerPort: 8080}}]
        lifecycle: {{preStop: {{sleep: {{seconds: 2}}}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: web, namespace: {NAMESPACE}}}
spec:
  hosts: [web]
  http:
  - retries: {{attempts: 0}}
    route: [{{destination: {{host: web}}}}]
"""


@dataclass
class Cast:
    """Everything that runs besides the sandbox."""

    box: Box
    controller: subprocess.Popen[bytes]
    traffic: load.Load
    log: Path

    def set_image(self, tag: str) -> None:
        self.box.kubectl("-n", NAMESPACE, "set", "image", "deployment/web", f"web=web:{tag}")

    def releases(self) -> list[dict[str, Any]]:
        """The Releases, the oldest first."""
        found = json.loads(self.box.kubectl("-n", NAMESPACE, "get", "releases", "-o", "json"))["items"]
        return sorted(found, key=lambda item: str(item["metadata"]["creationTimestamp"]))

    def events(self) -> list[dict[str, Any]]:
        """Rampart's Events on the Deployment, the oldest first."""
        chosen = "reportingComponent=rampart,involvedObject.kind=Deployment"
        found = json.loads(self.box.kubectl("-n", NAMESPACE, "get", "events", "--field-selector", chosen, "-o", "json"))
        return sorted(found["items"], key=lambda item: str(item["eventTime"]))

    def counts(self) -> tally.Tally:
        return self.traffic.counts()

    def check(self) -> None:
        """Raises SandboxError when the controller has ended."""
        if self.controller.poll() is not None:
            raise errors.SandboxError(f"the controller ended:\n{self.log.read_text()[-2000:]}")

    def is_watching(self) -> bool:
        self.check()
        return '"started"' in self.log.read_text()

    def leave(self) -> tally.Tally:
        """End load and controller; the whole count."""
        total = self.traffic.stop()
        if self.controller.poll() is None:
            self.controller.terminate()
            self.controller.wait(30)
        return total


def enter(box: Box) -> Cast:
    """Deploy version 1, send requests until they succeed and are measured, and start the controller."""
    box.kubectl("apply", "-f", "-", text=MANIFEST)
    box.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/web", "--timeout=60s")
    log = box.home.root / "logs" / "rampart.log"
    traffic = load.Load(ports.url(ports.CLIENT_PROXY), HOST, RATE, seconds=LONGEST, box=box).start()
    wait("requests are served", log, lambda: traffic.counts().requests >= 2 * RATE)
    wait("requests are measured", log, lambda: is_measured(box))
    cast = Cast(box, start_controller(box, log), traffic, log)
    wait("the controller watches", log, cast.is_watching)
    return cast


def start_controller(box: Box, log: Path) -> subprocess.Popen[bytes]:
    """Under its own ServiceAccount."""
    command = [sys.executable, "-m", "rollout", "run"]
    flags = {
        "namespaces": NAMESPACE,
        "kubeconfig": str(box.kubeconfig_for("rampart-system", "rampart")),
        "prometheus-url": ports.url(ports.PROMETHEUS),
        "warm-up": "5s",
        "look": "2",
    }
    words = [word for key, value in flags.items() for word in (f"--{key}", value)]
    with log.open("wb") as out:
        return box.popen([*command, *words], stdout=out, stderr=out)


def is_measured(box: Box) -> bool:
    """A controller that starts now has nothing to say about the telemetry."""
    command = [sys.executable, "-m", "sandbox.demo.measured", NAMESPACE, "web"]
    return box.run(command, capture_output=True).returncode == 0


def wait(what: str, log: Path, holds: Callable[[], bool]) -> None:
    """Raises SandboxError if it takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise errors.SandboxError(f"not within {READY_SECONDS:.0f} s: {what}; see {log}")
        time.sleep(0.2)
