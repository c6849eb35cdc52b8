"""Binds new pods to nodes, in turn: a node that is schedulable and bears the labels of the pod's nodeSelector."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from sandbox import api
from sandbox.pods import status

Json = dict[str, Any]


class Scheduler:
    """Pods without a node, the nodes, and the turn."""

    def __init__(self, client: api.Api) -> None:
        self._client = client
        self._nodes: dict[str, Json] = {}
        self._pending: dict[str, Json] = {}
        self._turn = 0

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_nodes())
            group.create_task(self._follow_pods())

    async def _follow_nodes(self) -> None:
        async for kind, node in self._client.follow("/api/v1/nodes"):
            name = node["metadata"]["name"]
            if kind == "DELETED":
                self._nodes.pop(name, None)
            else:
                self._nodes[name] = node
            for pod in list(self._pending.values()):
                await self._place(pod)

    async def _follow_pods(self) -> None:
        async for kind, pod in self._client.follow("/api/v1/pods", fieldSelector="spec.nodeName="):
            uid = pod["metadata"]["uid"]
            if kind == "DELETED" or "deletionTimestamp" in pod["metadata"] or pod["spec"].get("nodeName"):
                self._pending.pop(uid, None)
            elif uid not in self._pending:
                self._pending[uid] = pod
                await self._place(pod)

    async def _place(self, pod: Json) -> None:
        fitting = [name for name, node in sorted(self._nodes.items()) if fits(pod, node)]
        try:
            if fitting:
                self._turn += 1
                await self._bind(pod, fitting[self._turn % len(fitting)])
            else:
                await self._report_unschedulable(pod)
        except api.FAILURES as error:
            print(f"{pod['metadata']['namespace']}/{pod['metadata']['name']} not placed: {error!r}", flush=True)
            if not (isinstance(error, api.Refused) and error.status in {404, 409}):
                asyncio.get_running_loop().call_later(1, self._try_again, pod)

    def _try_again(self, pod: Json) -> None:
        if pod["metadata"]["uid"] in self._pending:
            self._retry = asyncio.create_task(self._place(pod))

    async def _bind(self, pod: Json, node: str) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod["metadata"]["name"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        await self._client.post(f"{path(pod)}/binding", binding)
        self._pending.pop(pod["metadata"]["uid"], None)

    async def _report_unschedulable(self, pod: Json) -> None:
        message = f"0/{len(self._nodes)} nodes are available: all are cordoned, dead or not chosen by nodeSelector"
        found = {"PodScheduled": ("False", "Unschedulable", message)}
        rendered = status.Transitions().render(found, datetime.now(UTC))
        await self._client.patch(f"{path(pod)}/status", {"status": {"conditions": rendered}})


def fits(pod: Json, node: Json) -> bool:
    """The node takes pods, and has every label that the pod's nodeSelector asks for."""
    labels = node["metadata"].get("labels", {})
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", ()))
    wanted = pod["spec"].get("nodeSelector") or {}
    return ready and not node["spec"].get("unschedulable") and wanted.items() <= labels.items()


def path(pod: Json) -> str:
    """Where a pod lies in the API."""
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
