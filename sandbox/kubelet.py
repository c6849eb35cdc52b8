"""The stand-in kubelet: runs the pods that are bound to the sandbox's nodes and says how they are."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from sandbox import api, control, home, nodes, scheduler
from sandbox.pods import life, process, status, telemetry

Json = dict[str, Any]

RETRY_SECONDS = 0.5
DEFAULT_GRACE_SECONDS = 30


class Kubelet:
    """The pods of both nodes, by uid."""

    def __init__(self, client: api.Api, place: home.Home) -> None:
        self.lives: dict[str, life.Life] = {}
        self.dead_nodes: set[str] = set()
        self._client = client
        self._processes = process.maker(process.Setting(client, place))
        self._services: dict[str, Json] = {}
        self._pool = nodes.AddressPool()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_services())
            group.create_task(self._follow_pods())

    async def kill_node(self, name: str) -> None:
        """All of the node's pods are cut off, and deletions there are no longer confirmed."""
        self.dead_nodes.add(name)
        for each in self._on(name):
            each.lose_node()
        await nodes.report(self._client, name, is_ready=False)

    async def revive_node(self, name: str) -> None:
        """The node is back: its pods start again, and those whose deletion waited go now."""
        self.dead_nodes.discard(name)
        for each in self._on(name):
            each.regain_node()
            if "deletionTimestamp" in each.pod["metadata"]:
                self._end(each)
        await nodes.report(self._client, name, is_ready=True)

    def _on(self, node: str) -> list[life.Life]:
        return [each for each in self.lives.values() if each.pod["spec"]["nodeName"] == node]

    async def _follow_services(self) -> None:
        async for kind, service in self._client.follow("/api/v1/services"):
            uid = service["metadata"]["uid"]
            if kind == "DELETED":
                self._services.pop(uid, None)
            else:
                self._services[uid] = service

    async def _follow_pods(self) -> None:
        async for kind, pod in self._client.follow("/api/v1/pods"):
            uid = pod["metadata"]["uid"]
            known = self.lives.get(uid)
            if kind == "DELETED":
                self._forget(uid)
            elif known is None and pod["spec"].get("nodeName") in nodes.ADDRESSES:
                self._adopt(uid, pod)
            elif known is not None:
                known.pod = pod
                self._notice_deletion(known)

    def _adopt(self, uid: str, pod: Json) -> None:
        if pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
            return
        address = self._pool.take(pod.get("status", {}).get("podIP", ""))
        addresses = status.Addresses(address, nodes.ADDRESSES[pod["spec"]["nodeName"]])
        self.lives[uid] = life.Life(pod, addresses, self._labels, self._processes)
        self.lives[uid].start()
        self._spawn(self._report(self.lives[uid]))
        self._notice_deletion(self.lives[uid])

    def _forget(self, uid: str) -> None:
        """The object is gone; so is the pod, at once if it still ran (a forced deletion)."""
        if (known := self.lives.pop(uid, None)) is not None:
            known.is_ending = True
            known.cut()
            known.changed.set()
            self._pool.give_back(known.address)

    def _notice_deletion(self, each: life.Life) -> None:
        if "deletionTimestamp" not in each.pod["metadata"] or each.is_ending:
            return
        if each.pod["spec"]["nodeName"] not in self.dead_nodes:
            self._end(each)

    def _end(self, each: life.Life) -> None:
        each.is_ending = True
        self._spawn(self._terminate(each))

    async def _terminate(self, each: life.Life) -> None:
        """End the pod within its grace period, then confirm by deleting the object for good."""
        metadata = each.pod["metadata"]
        await each.end(metadata.get("deletionGracePeriodSeconds", DEFAULT_GRACE_SECONDS))
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}}
        while metadata["uid"] in self.lives:
            try:
                await self._client.delete(scheduler.path(each.pod), body)
                return
            except api.FAILURES as error:
                if isinstance(error, api.Refused) and error.status in {404, 409}:
                    return
                print(f"{each.name} is over, not yet deleted: {error!r}", flush=True)
            await asyncio.sleep(RETRY_SECONDS)

    async def _report(self, each: life.Life) -> None:
        """Write the pod's newest status whenever it changed, until the pod is gone."""
        uid = each.pod["metadata"]["uid"]
        while True:
            await each.changed.wait()
            each.changed.clear()
            if uid not in self.lives:
                return
            try:
                await self._client.patch(f"{scheduler.path(each.pod)}/status", self._patch(uid, each))
            except api.FAILURES as error:
                if isinstance(error, api.Refused) and error.status in {404, 409}:
                    continue
                print(f"status of {each.name} not written: {error!r}", flush=True)
                await asyncio.sleep(RETRY_SECONDS)
                each.changed.set()

    def _patch(self, uid: str, each: life.Life) -> Json:
        """The uid makes the server refuse the patch for a namesake."""
        return {"metadata": {"uid": uid}, "status": each.report()}

    def _labels(self, pod: Json) -> dict[str, str]:
        return telemetry.labels(pod, leading_service(pod, self._services.values()))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def leading_service(pod: Json, services: Any) -> str:
    """The oldest Service whose selector matches the pod, as a sidecar that has several; "" for none."""
    marks = (pod["metadata"].get("labels") or {}).items()
    fitting = [
        (service["metadata"]["creationTimestamp"], service["metadata"]["name"])
        for service in services
        if service["metadata"]["namespace"] == pod["metadata"]["namespace"]
        and service["spec"].get("selector")
        and service["spec"]["selector"].items() <= marks
    ]
    return str(min(fitting)[1]) if fitting else ""


async def serve(place: home.Home) -> None:
    """Register the nodes, then run pods, scheduler and control endpoint until killed."""
    async with api.Api(place) as client:
        await nodes.register(client)
        kubelet = Kubelet(client, place)
        async with asyncio.TaskGroup() as group:
            group.create_task(kubelet.run())
            group.create_task(scheduler.Scheduler(client).run())
            group.create_task(control.serve(kubelet))


def main() -> None:
    place = home.Home(Path(sys.argv[1]))
    os.chdir(place.root)
    asyncio.run(serve(place))


if __name__ == "__main__":
    main()
