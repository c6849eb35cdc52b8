"""A stand-in for metrics.k8s.io, so that the real autoscaler sees the pods' load: CPU by each pod's own request rate.

`with serving(box):` registers it and takes it away again. It is not there at other times, because a cluster whose
aggregated APIs do not answer deletes no namespace. A request costs MILLICORES_PER_RATE of a second's CPU.
"""

import asyncio
import contextlib
import json
import signal
import ssl
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from sandbox import api, box, errors, home, ports

Json = dict[str, Any]

ADDRESS = "10.0.255.1"
"""A cluster IP at which something listens: the API server calls an aggregated API by that."""
PORT = 443
GROUP, VERSION = "metrics.k8s.io", "v1beta1"
PATH = f"/apis/{GROUP}/{VERSION}"
MILLICORES_PER_RATE = 10.0
"""Of one request per second."""
WINDOW_SECONDS = 4.0
SAMPLE_SECONDS = 0.5
PATIENCE_SECONDS = 120.0


class Rates:
    """Requests per second of each pod, by `namespace/name`, from the kubelet's own counts."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, dict[str, int]]] = deque()

    def add(self, now: float, counts: dict[str, int]) -> None:
        """Keep one sample; forget what is older than the window, but for the last before it."""
        self._samples.append((now, counts))
        while len(self._samples) > 2 and self._samples[1][0] <= now - WINDOW_SECONDS:
            self._samples.popleft()

    def rate(self, pod: str) -> float:
        """0 for a pod that was seen once, or never."""
        seen = [(at, counts[pod]) for at, counts in self._samples if pod in counts]
        if len(seen) < 2 or seen[-1][1] < seen[0][1]:
            return 0.0
        return (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])


def pod_metrics(pod: Json, rate: float, now: datetime) -> Json:
    """What metrics-server would say of a pod: all of its load is its first container's."""
    cores = max(1, round(rate * MILLICORES_PER_RATE))
    first, *others = [container["name"] for container in pod["spec"]["containers"]]
    usage = [(first, cores), *((name, 1) for name in others)]
    return {
        "metadata": {key: pod["metadata"].get(key) for key in ("name", "namespace", "labels")},
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "window": f"{WINDOW_SECONDS:.0f}s",
        "containers": [{"name": name, "usage": {"cpu": f"{milli}m", "memory": "16Mi"}} for name, milli in usage],
    }


class Server:
    """Answers what the autoscaler and discovery ask."""

    def __init__(self, client: api.Api) -> None:
        self._client = client
        self._rates = Rates()

    async def sample(self) -> None:
        """For ever."""
        async with aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(*api.FAILURES):
                    async with session.get(f"{ports.url(ports.KUBELET_CONTROL)}/pods") as response:
                        rows = (await response.json())["pods"]
                    self._rates.add(
                        time.monotonic(), {f"{row['namespace']}/{row['name']}": row["requests"] for row in rows}
                    )
                await asyncio.sleep(SAMPLE_SECONDS)

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [web.get(PATH, self._resources), web.get(f"{PATH}/namespaces/{{namespace}}/pods", self._pods)]
        )
        return application

    async def _resources(self, _request: web.Request) -> web.Response:
        pods = {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}
        body = {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{GROUP}/{VERSION}",
            "resources": [pods],
        }
        return web.json_response(body)

    async def _pods(self, request: web.Request) -> web.Response:
        namespace, chosen = request.match_info["namespace"], request.query.get("labelSelector", "")
        listed = await self._client.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector=chosen)
        now = datetime.now(UTC)
        items = [
            pod_metrics(pod, self._rates.rate(f"{namespace}/{pod['metadata']['name']}"), now)
            for pod in listed["items"]
            if pod["status"].get("phase") == "Running"
        ]
        return web.json_response(
            {"kind": "PodMetricsList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}, "items": items}
        )


async def _serve(place: home.Home) -> None:
    certificate, key = _certificate(place)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with api.Api(place) as client:
        server = Server(client)
        runner = web.AppRunner(server.application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, ADDRESS, PORT, ssl_context=context).start()
        await server.sample()


def _certificate(place: home.Home) -> tuple[Path, Path]:
    """Nobody verifies it; the API server only insists on TLS."""
    certificate, key = place.data / "metrics-api.crt", place.data / "metrics-api.key"
    subject = ["-subj", "/CN=metrics-api", "-days", "1", "-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise errors.SandboxError(f"`openssl` made no certificate: {done.stderr.strip()}")
    return certificate, key


def manifests() -> list[Json]:
    """The Service with its address, the endpoint behind it, and the registration."""
    where = {"name": "metrics-api", "namespace": "kube-system"}
    port = {"name": "https", "port": PORT}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": where,
            "spec": {"clusterIP": ADDRESS, "ports": [{**port, "targetPort": PORT}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**where, "labels": {"kubernetes.io/service-name": "metrics-api"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
            "ports": [{**port, "protocol": "TCP"}],
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{VERSION}.{GROUP}"},
            "spec": {
                "group": GROUP,
                "version": VERSION,
                "service": {"name": "metrics-api", "namespace": "kube-system", "port": PORT},
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
            },
        },
    ]


@contextlib.contextmanager
def serving(around: box.Box) -> Iterator[None]:
    """Usage of pods can be asked for; gone again at the end."""
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests()})
    around.run(["ip", "route", "replace", "local", f"{ADDRESS}/32", "dev", "lo"], check=True)
    with around.home.log("metrics-api").open("ab") as log:
        command = [sys.executable, "-m", "sandbox.metrics_api", str(around.home.root)]
        process = around.popen(command, stdout=log, stderr=log)
    try:
        around.kubectl("apply", "--server-side", "--validate=false", "-f", "-", text=objects)
        _await_answer(around, process)
        yield
    finally:
        around.kubectl("delete", "--ignore-not-found", "-f", "-", text=objects)
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _await_answer(around: box.Box, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            around.kubectl("get", "--raw", f"{PATH}/namespaces/default/pods")
            return
        except errors.SandboxError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


if __name__ == "__main__":
    asyncio.run(_serve(home.Home(Path(sys.argv[1]))))
