"""What a crowded cluster can not have on one machine: pods with their controller, and a Prometheus that knows them.

The native controller rolls at once. Prometheus counts as if each pod were scraped every 15 seconds and failed one
request in a thousand; canaries get as much as others, so that the judge has work at each look.
"""

import asyncio
import json
import re
import sys
import time
from typing import Any

from aiohttp import web

from benchmarks import crowd, populating
from deploy import names, workload
from sandbox import api, ports

Json = dict[str, Any]

SCRAPE = 15.0
RATE = 0.5
"""Requests a second to each pod: too few for a proof before its interval is over."""
READY_SECONDS = 1.0
WORKLOADS = re.compile(r'destination_workload(?:=~|=)"([^"]*)"')
SPAN = re.compile(r"\[(\d+)ms\]$")


class Counters:
    """Answers PromQL of the preflight and of the evidence judge."""

    def __init__(self) -> None:
        self.born: dict[str, float] = {}
        self.asked = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        asked = request.query if request.method == "GET" else await request.post()
        promql, at = str(asked["query"]), float(str(asked.get("time", time.time())))
        span = SPAN.search(promql)
        if span is None:
            result: Json = {"resultType": "vector", "result": [{"metric": {}, "value": [at, "4"]}]}
        else:
            found = WORKLOADS.search(promql)
            workloads = found[1].replace("\\\\", "").split("|") if found else []
            begin = at - int(span[1]) / 1000
            result = {
                "resultType": "matrix",
                "result": [row for name in workloads for row in self.rows(name, begin, at)],
            }
        body = json.dumps({"status": "success", "data": result}).encode()
        return web.Response(body=body, content_type="application/json")

    def rows(self, name: str, begin: float, at: float) -> list[Json]:
        is_canary = "-canary-" in name
        born = self.born.setdefault(name, at) if is_canary else 0.0
        found = []
        for pod in range(1 if is_canary else crowd.REPLICAS):
            first = max(begin, born)
            scrapes = [tick * SCRAPE + pod for tick in range(int(first // SCRAPE) + 1, int((at - pod) // SCRAPE) + 1)]
            if not scrapes:
                continue
            for code, share in (("200", 0.999), ("503", 0.001)):
                metric = {
                    "__name__": "istio_requests_total",
                    "destination_workload": name,
                    "pod": f"{name}-{pod}",
                    "response_code": code,
                    "reporter": "destination",
                }
                values = [[when, str(int((when - born) * RATE * share))] for when in scrapes]
                found.append({"metric": metric, "values": values})
        return found


class Natives:
    """The Deployment controller: canaries become ready, and what is un-paused rolls at once."""

    def __init__(self, client: populating.Client) -> None:
        self._client = client
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        async for kind, item in self._client.follow("/apis/apps/v1/deployments"):
            if kind != "DELETED" and self._is_due(item):
                task = asyncio.create_task(self._tend(item))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _is_due(self, item: Json) -> bool:
        """Whether the Deployment was changed since its status was written."""
        return bool((item.get("status") or {}).get("observedGeneration", 0) < item["metadata"]["generation"])

    async def _tend(self, item: Json) -> None:
        metadata = item["metadata"]
        path = f"/apis/apps/v1/namespaces/{metadata['namespace']}"
        try:
            if names.RELEASE in (metadata.get("labels") or {}):
                await asyncio.sleep(READY_SECONDS)
            elif item["spec"].get("paused"):
                return
            else:
                await self._roll(item, path)
            await self._client.patch(
                f"{path}/deployments/{metadata['name']}/status", crowd.deployment_status(item), api.MERGE
            )
        except api.FAILURES as error:
            if not isinstance(error, api.Refused) or error.status != 404:
                print(f"stand-in controller: {metadata['name']}: {error!r}", file=sys.stderr, flush=True)

    async def _roll(self, item: Json, path: str) -> None:
        mark = workload.digest(item["spec"]["template"])
        chosen = f"app={item['metadata']['name']}"
        known = (await self._client.get(f"{path}/replicasets", labelSelector=chosen))["items"]
        ours = [each for each in known if workload.controller(each) == item["metadata"]["uid"]]
        if mark not in {each["metadata"]["labels"][names.POD_TEMPLATE_HASH] for each in ours}:
            made = await self._client.post(f"{path}/replicasets", crowd.replica_set(item, item["spec"]["replicas"]))
            await self._size(path, made, item["spec"]["replicas"])
        for each in ours:
            new = each["metadata"]["labels"][names.POD_TEMPLATE_HASH] == mark
            await self._size(path, each, item["spec"]["replicas"] if new else 0)

    async def _size(self, path: str, found: Json, replicas: int) -> None:
        where = f"{path}/replicasets/{found['metadata']['name']}"
        if found["spec"]["replicas"] != replicas:
            await self._client.patch(where, {"spec": {"replicas": replicas}}, api.MERGE)
        await self._client.patch(f"{where}/status", crowd.set_status(replicas), api.MERGE)


async def serve(counters: Counters, port: int) -> web.AppRunner:
    """Answer on the loopback as Prometheus."""
    application = web.Application()
    application.add_routes([web.route("*", "/api/v1/query", counters.answer)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, ports.LOOPBACK, port).start()
    return runner
