"""One pod's life on its node: start, restarts with growing back-off, and a graceful end."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sandbox import ports
from sandbox.pods import behaviour, linkerd, process, runtime, server, status, telemetry

Json = dict[str, Any]
Labels = Callable[[Json], dict[str, str]]
Processes = Callable[[Json, Json, str], runtime.Runtime]
"""Makes the run of a container that is a process, from pod, container and address."""

BACK_OFF = (0, 10, 20, 40, 80, 160, 300)
"""Seconds before the next start, as the kubelet's: at once, then doubling up to five minutes."""
FORGIVEN_AFTER = 600
"""Seconds of running after which the back-off begins anew."""
PULL_SECONDS = 0.3
DRAIN_POLL = 0.02


class Life:
    """Runs one pod. `changed` is set whenever `report()` says something new."""

    def __init__(self, pod: Json, addresses: status.Addresses, labels: Labels, processes: Processes) -> None:
        self.pod = pod
        self.changed = asyncio.Event()
        self.counters = telemetry.Telemetry(linkerd.EDGES if linkerd.is_meshed(pod) else telemetry.EDGES)
        self.is_ending = False
        self.is_held_unready = False
        self._addresses = addresses
        self._labels = labels
        self._processes = processes
        self._born = datetime.now(UTC)
        self._transitions = status.Transitions()
        self._unready_reason = "ContainersNotReady"
        self._containers = {spec["name"]: _container(pod, spec) for spec in pod["spec"]["containers"]}
        self._running: dict[str, runtime.Runtime] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._exporter = server.Server(self._export, lambda _: None)

    @property
    def name(self) -> str:
        return f"{self.pod['metadata']['namespace']}/{self.pod['metadata']['name']}"

    @property
    def address(self) -> str:
        return self._addresses.pod

    @property
    def is_ready(self) -> bool:
        return all(container.ready for container in self._seen())

    def report(self) -> Json:
        """The body of the pod's status, as things stand."""
        found = status.conditions(self._seen(), self._unready_reason)
        rendered = self._transitions.render(found, datetime.now(UTC))
        return status.whole(self._addresses, self._born, self._seen(), rendered)

    def start(self) -> None:
        """Begin to run all containers."""
        self._unready_reason = "ContainersNotReady"
        specs = self.pod["spec"]["containers"]
        default = (ports.POD_DEFAULT,)
        self._tasks = [asyncio.create_task(self._serve_telemetry())]
        for number, spec in enumerate(specs):
            served = tuple(port["containerPort"] for port in spec.get("ports", ())) or (default if number == 0 else ())
            self._tasks.append(asyncio.create_task(self._keep(spec, served)))
        self.changed.set()

    async def end(self, grace_seconds: float) -> None:
        """The preStop sleep, then what SIGTERM means to each container, at the latest SIGKILL; then nothing is left."""
        self.is_ending = True
        deadline = time.monotonic() + grace_seconds
        await asyncio.sleep(min(pre_stop_seconds(self.pod), grace_seconds))
        for each in self._running.values():
            each.drain()
        while time.monotonic() < deadline and not all(each.is_idle for each in self._running.values()):
            await asyncio.sleep(DRAIN_POLL)
        self.cut()

    def cut(self) -> None:
        """All of it is gone at once, as when the node dies."""
        for task in self._tasks:
            task.cancel()
        for each in self._running.values():
            each.crash()
        self._exporter.abort()
        self._running.clear()

    def lose_node(self) -> None:
        """The node has died; its pods are unready, as a node controller would say."""
        self.cut()
        self._unready_reason = "NodeNotReady"
        for name in self._containers:
            self._set(name, ready=False)

    def regain_node(self) -> None:
        """The node is back: all containers start anew."""
        self._exporter = server.Server(self._export, lambda _: None)
        for name, container in self._containers.items():
            self._set(name, restarts=container.restarts + 1)
        self.start()

    def crash(self) -> None:
        """All containers die as by SIGKILL; they are restarted by the usual rules."""
        for each in list(self._running.values()):
            each.crash()

    def hold_unready(self, held: bool) -> None:
        """Readiness fails, or no longer does, while the servers go on."""
        self.is_held_unready = held
        self.changed.set()

    def _seen(self) -> list[status.Container]:
        if not self.is_held_unready:
            return list(self._containers.values())
        return [replace(container, ready=False) for container in self._containers.values()]

    def _set(self, name: str, **changes: Any) -> None:
        self._containers[name] = replace(self._containers[name], **changes)
        self.changed.set()

    async def _serve_telemetry(self) -> None:
        try:
            await self._exporter.listen(self.address, ports.POD_TELEMETRY)
        except OSError as error:
            print(f"{self.name} cannot export telemetry: {error}", flush=True)

    async def _export(self, _request: server.Request) -> server.Reply:
        meshed = linkerd.is_meshed(self.pod)
        text = linkerd.render(self.counters, self.pod) if meshed else self.counters.render(self._labels(self.pod))
        return server.Reply(200, {"content-type": "text/plain; version=0.0.4"}, text.encode())

    async def _keep(self, spec: Json, served: tuple[int, ...]) -> None:
        """Run a container again and again, as the pod's restartPolicy asks."""
        name = spec["name"]
        failures = 0
        while True:
            try:
                container = await self._container(spec, served)
            except behaviour.UnknownWord as error:
                self._set(name, state=status.waiting("InvalidImageName", str(error)))
                return
            except process.Unsupported as error:
                self._set(name, state=status.waiting("CreateContainerConfigError", str(error)))
                return
            lasted, code = await self._run_once(name, container)
            if not self._starts_again(code):
                return
            failures = 0 if lasted > FORGIVEN_AFTER else failures
            await self._back_off(name, BACK_OFF[min(failures, len(BACK_OFF) - 1)])
            failures += 1

    async def _container(self, spec: Json, served: tuple[int, ...]) -> runtime.Runtime:
        """What runs: a process, else a server that behaves as the image's tag says."""
        if process.is_process(spec):
            return self._processes(self.pod, spec, self.address)
        acts = behaviour.parse(spec["image"])
        if acts.pull_fails:
            await self._fail_to_pull(spec["name"], spec["image"])
        place = runtime.Place(self.pod["metadata"]["name"], self.address, served)
        return runtime.HttpContainer(place, acts, self.counters)

    async def _run_once(self, name: str, container: runtime.Runtime) -> tuple[float, int]:
        """One run; returns how many seconds it lasted, and the exit code."""
        began = datetime.now(UTC)
        self._running[name] = container
        self._set(name, state=status.started(began), ready=False)
        code = await container.run(lambda ready: self._set(name, ready=ready))
        finished = datetime.now(UTC)
        self._running.pop(name, None)
        self._set(name, state=status.ended(code, began, finished), ready=False)
        return (finished - began).total_seconds(), code

    def _starts_again(self, code: int) -> bool:
        policy = self.pod["spec"].get("restartPolicy", "Always")
        return not self.is_ending and (policy == "Always" or (policy == "OnFailure" and code != 0))

    async def _back_off(self, name: str, seconds: int) -> None:
        last = self._containers[name].state
        restarts = self._containers[name].restarts + 1
        if seconds:
            text = f"back-off {seconds}s restarting failed container={name} pod={self.name.replace('/', '_')}"
            self._set(name, state=status.waiting("CrashLoopBackOff", text), last_state=last)
            await asyncio.sleep(seconds)
        self._set(name, last_state=last, restarts=restarts)

    async def _fail_to_pull(self, name: str, image: str) -> None:
        """For ever: an attempt that fails, then a growing wait."""
        attempt = 1
        while True:
            await asyncio.sleep(PULL_SECONDS)
            text = f'failed to pull image "{image}": not found'
            self._set(name, state=status.waiting("ErrImagePull", text))
            await asyncio.sleep(PULL_SECONDS)
            text = f'Back-off pulling image "{image}"'
            self._set(name, state=status.waiting("ImagePullBackOff", text))
            await asyncio.sleep(BACK_OFF[min(attempt, len(BACK_OFF) - 1)])
            attempt += 1


def _container(pod: Json, spec: Json) -> status.Container:
    """A container that has not run under this kubelet; one that ran under its predecessor is being restarted."""
    reported = pod.get("status", {}).get("containerStatuses") or ()
    before = next((each["restartCount"] + 1 for each in reported if each["name"] == spec["name"]), 0)
    return status.Container(spec["name"], spec["image"], restarts=before)


def pre_stop_seconds(pod: Json) -> float:
    """The longest preStop sleep of the pod's containers: `sleep.seconds`, or an exec of `sleep N` (in a shell too)."""
    return max((_pre_stop(spec) for spec in pod["spec"]["containers"]), default=0.0)


def _pre_stop(spec: Json) -> float:
    hook = ((spec.get("lifecycle") or {}).get("preStop")) or {}
    if "sleep" in hook:
        return float(hook["sleep"]["seconds"])
    command = " ".join((hook.get("exec") or {}).get("command") or ())
    found = re.search(r"\bsleep (\d+(?:\.\d+)?)", command)
    return float(found[1]) if found else 0.0
