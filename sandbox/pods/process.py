"""Runs one container as a real process: one that has a `command`, or whose image is a program of this project.

The process finds what a pod finds: its environment, and below /run (one of its own) its ServiceAccount's token, the
cluster's authority, its namespace, and the Secrets and ConfigMaps that are mounted there. There are no images:
programs are those of this machine, this Python first; and no network of its own: a listener on all addresses is one
per sandbox, so replicas that listen have to bind their pod address (`status.podIP` by fieldRef).
"""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import api, home, inside, ports, supervisor
from sandbox.pods import probing, runtime, volumes

Json = dict[str, Any]

PROGRAMS = {"rampart": (sys.executable, "-m", "rollout")}
"""What an image of that name has as its entry point."""

_ENTER = 'mount -t tmpfs tmpfs /run && cp -r "$0"/. /run/ && echo "$HOSTNAME" > /proc/sys/kernel/hostname && exec "$@"'
"""A /run of its own, with the projected files in it, and the pod's name as host name; then the command."""

Unsupported = volumes.Unsupported


@dataclass(frozen=True)
class Setting:
    """What a process needs of the sandbox."""

    client: api.Api
    place: home.Home


def is_process(spec: Json) -> bool:
    """Whether the container is a process and no server that behaves as its image's tag says."""
    return bool(spec.get("command")) or _program(spec["image"]) in PROGRAMS


def command(spec: Json) -> list[str]:
    """The container's command, else its image's entry point; then its arguments."""
    return [*(spec.get("command") or PROGRAMS[_program(spec["image"])]), *(spec.get("args") or ())]


def _program(image: str) -> str:
    """An image's name without registry, tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


class ProcessContainer:
    """One run of a container."""

    def __init__(self, setting: Setting, pod: Json, spec: Json, address: str) -> None:
        self._setting = setting
        self._pod = pod
        self._spec = spec
        self._address = address
        self._environment = environment(pod, spec, address)
        list(volumes.mounted(pod, spec))  # what is not supported is said before it is started
        self._process: asyncio.subprocess.Process | None = None

    async def run(self, ready: Callable[[bool], None]) -> int:
        """Until the process ends, by itself or because its livenessProbe failed."""
        files = await self._files()
        with self._log().open("ab") as log:
            process = self._process = await asyncio.create_subprocess_exec(
                *("unshare", "--mount", "--uts", "sh", "-c", _ENTER, str(files), *command(self._spec)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=inside.ROOT,
                preexec_fn=supervisor.die_with_parent,
            )
        probes = [asyncio.create_task(each) for each in self._probes(ready)]
        try:
            code = await process.wait()
        finally:
            for probe in probes:
                probe.cancel()
        return code if code >= 0 else 128 - code

    def drain(self) -> None:
        if not self.is_idle and self._process is not None:
            self._process.terminate()

    def crash(self) -> None:
        if not self.is_idle and self._process is not None:
            self._process.kill()

    @property
    def is_idle(self) -> bool:
        return self._process is None or self._process.returncode is not None

    def _log(self) -> Path:
        metadata = self._pod["metadata"]
        name = f"pod.{metadata['namespace']}.{metadata['name']}.{self._spec['name']}"
        return self._setting.place.log(name)

    async def _files(self) -> Path:
        """Wait, as a kubelet does, until the volumes can be filled."""
        while True:
            try:
                return await volumes.project(self._setting.client, self._setting.place, self._pod, self._spec)
            except api.FAILURES as error:
                print(f"no volumes yet for {self._pod['metadata']['name']}: {error!r}", flush=True)
            await asyncio.sleep(api.RETRY_SECONDS)

    def _probes(self, ready: Callable[[bool], None]) -> list[Coroutine[Any, Any, None]]:
        """What asks, beside the process; a container without a readinessProbe is ready at once."""
        found: list[Coroutine[Any, Any, None]] = []
        if "livenessProbe" in self._spec:
            found.append(self._end_when_dead(self._spec["livenessProbe"]))
        if "readinessProbe" in self._spec:
            found.append(probing.readiness(self._spec["readinessProbe"], self._answers, ready))
        else:
            ready(True)
        return found

    async def _end_when_dead(self, probe: Json) -> None:
        """As the kubelet: SIGTERM, and SIGKILL after the grace period; the pod's restartPolicy does the rest."""
        await probing.liveness(probe, self._answers)
        print(f"livenessProbe of {self._pod['metadata']['name']} failed", flush=True)
        self.drain()
        await asyncio.sleep(self._pod["spec"].get("terminationGracePeriodSeconds", 30))
        with contextlib.suppress(ProcessLookupError):
            self.crash()

    async def _answers(self, probe: Json) -> bool:
        number = probing.port(self._spec, probe["httpGet"]["port"])
        return await asyncio.to_thread(probing.answers, self._address, number, probe)


def environment(pod: Json, spec: Json, address: str) -> dict[str, str]:
    """The container's variables, and those by which a client finds the API server from inside of a pod.

    Raises Unsupported for a source other than a value or a field of the pod.
    """
    if spec.get("envFrom"):
        raise Unsupported(f"container {spec['name']}: envFrom is not done here; give each variable by `env`")
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    own: dict[str, str] = {}
    for each in spec.get("env", ()):
        own[each["name"]] = expanded(_value(pod, spec, each, address), own)
    return {
        "PATH": path,
        "HOME": "/",
        "HOSTNAME": pod["metadata"]["name"],
        "KUBERNETES_SERVICE_HOST": ports.LOOPBACK,
        "KUBERNETES_SERVICE_PORT": str(ports.API_SERVER),
        **own,
    }


def expanded(text: str, known: dict[str, str]) -> str:
    """The text with each `$(NAME)` of a variable that stands before it; others stay as they are."""
    return re.sub(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)", lambda found: known.get(found[1], found[0]), text)


def _value(pod: Json, spec: Json, variable: Json, address: str) -> str:
    source = variable.get("valueFrom")
    if source is None:
        return str(variable.get("value", ""))
    fields = {
        "metadata.name": pod["metadata"]["name"],
        "metadata.namespace": pod["metadata"]["namespace"],
        "metadata.uid": pod["metadata"]["uid"],
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
        "status.podIP": address,
    }
    field = source.get("fieldRef", {}).get("fieldPath")
    if field not in fields:
        whose = f"container {spec['name']}: variable {variable['name']}"
        raise Unsupported(f"{whose} is neither a value nor one of {', '.join(fields)}")
    return str(fields[field])


def maker(setting: Setting) -> Callable[[Json, Json, str], runtime.Runtime]:
    """Makes the run of a container of a pod, which has that address."""
    return lambda pod, spec, address: ProcessContainer(setting, pod, spec, address)
