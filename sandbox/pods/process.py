"""Runs one container as a real process: for a container with a `command`, such as the controller itself.

The process finds what a pod finds: its environment, and its ServiceAccount's token, the cluster's authority and its
namespace in /var/run/secrets/kubernetes.io/serviceaccount (on a /run of its own). There is no image: programs are
those of this machine, this Python first; and no network of its own: a listener on all addresses is one per sandbox,
so replicas that listen have to bind their pod address (`status.podIP` by fieldRef).
"""

import asyncio
import http.client
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import api, credentials, home, inside, ports, supervisor
from sandbox.pods import runtime

Json = dict[str, Any]

SECRETS = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_SECONDS = 24 * 3600

_ENTER = f'mount -t tmpfs tmpfs /run && mkdir -p {SECRETS} && cp "$0"/* {SECRETS}/ && exec "$@"'
"""A /run of its own, with the projected files in it; then the command."""


class Unsupported(ValueError):
    """The container asks for something that this kubelet does not do."""


@dataclass(frozen=True)
class Setting:
    """What a process needs of the sandbox."""

    client: api.Api
    place: home.Home


class ProcessContainer:
    """One run of a container that has a command."""

    def __init__(self, setting: Setting, pod: Json, spec: Json, address: str) -> None:
        self._setting = setting
        self._pod = pod
        self._spec = spec
        self._address = address
        self._environment = environment(pod, spec, address)
        self._process: asyncio.subprocess.Process | None = None

    async def run(self, ready: Callable[[], None]) -> int:
        """Until the process ends. A readinessProbe by httpGet is asked until it succeeds once."""
        secrets = await self._secrets()
        command = [*self._spec["command"], *self._spec.get("args", ())]
        with self._log().open("ab") as log:
            process = self._process = await asyncio.create_subprocess_exec(
                *("unshare", "--mount", "sh", "-c", _ENTER, str(secrets), *command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=inside.ROOT,
                preexec_fn=supervisor.die_with_parent,
            )
        asking = asyncio.create_task(self._await_readiness(ready))
        try:
            code = await process.wait()
        finally:
            asking.cancel()
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

    async def _secrets(self) -> Path:
        """Wait, as a kubelet does, until the volume can be filled."""
        while True:
            try:
                return await self._project()
            except api.FAILURES as error:
                print(f"no token yet for {self._pod['metadata']['name']}: {error!r}", flush=True)
            await asyncio.sleep(api.RETRY_SECONDS)

    async def _project(self) -> Path:
        """The files of the ServiceAccount's projected volume."""
        metadata = self._pod["metadata"]
        account = self._pod["spec"].get("serviceAccountName") or "default"
        path = f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token"
        answer = await self._setting.client.post(path, {"spec": {"expirationSeconds": TOKEN_SECONDS}})
        directory = self._setting.place.data / "pods" / str(metadata["uid"])
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "token").write_text(answer["status"]["token"])
        (directory / "ca.crt").write_text(credentials.authority(self._setting.place).read_text())
        (directory / "namespace").write_text(metadata["namespace"])
        return directory

    async def _await_readiness(self, ready: Callable[[], None]) -> None:
        probe = self._spec.get("readinessProbe", {})
        wanted = probe.get("httpGet")
        while wanted is not None and not await asyncio.to_thread(self._answers, wanted):
            await asyncio.sleep(probe.get("periodSeconds", 10))
        ready()

    def _answers(self, wanted: Json) -> bool:
        connection = http.client.HTTPConnection(self._address, port(self._spec, wanted["port"]), timeout=1)
        try:
            connection.request("GET", wanted.get("path", "/"))
            return connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def port(spec: Json, named: int | str) -> int:
    """A probe's port, which may be the name of one of the container's."""
    if isinstance(named, int):
        return named
    return next(int(each["containerPort"]) for each in spec.get("ports", ()) if each.get("name") == named)


def environment(pod: Json, spec: Json, address: str) -> dict[str, str]:
    """The container's variables, and those by which a client finds the API server from inside of a pod.

    Raises Unsupported for a source other than a value or a field of the pod.
    """
    if spec.get("envFrom"):
        raise Unsupported(f"container {spec['name']}: envFrom is not done here; give each variable by `env`")
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    own = {each["name"]: _value(pod, spec, each, address) for each in spec.get("env", ())}
    return {
        "PATH": path,
        "HOME": "/",
        "KUBERNETES_SERVICE_HOST": ports.LOOPBACK,
        "KUBERNETES_SERVICE_PORT": str(ports.API_SERVER),
        **own,
    }


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
