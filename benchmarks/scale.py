"""A controller on one core over a crowded cluster: its start, its memory, how late its looks begin, what they cost.

`python -m benchmarks.scale [deployments] [releases] [seconds]`. It brings a sandbox of its own: a real API server
and etcd, with stand-ins for pods and Prometheus. With 0 releases it measures how the controller rests. With `memory`
before the numbers the API server is a stand-in too (benchmarks/store.py), which leaves the machine to the controller.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks import front, gauges, populating, standins, store
from benchmarks.crowd import Resident
from benchmarks.gauges import Gauges
from benchmarks.populating import Client
from sandbox import api, cluster, home, ports

ABSENT = (
    "kube-controller-manager",
    "kubelet",
    "istiod",
    "split-follower",
    "envoy-client",
    "envoy-gateway",
    "prometheus",
)
"""Parts of the sandbox that are left out; what they would do is done by stand-ins."""
PATIENCE = 300.0
LATENESS = "rampart_look_lateness_seconds"
LISTEN, PROMETHEUS, API = "127.0.0.1:18081", 19090, 16443
INSIDE = "BENCHMARK_INSIDE"


@dataclass
class Census:
    """Where each release in flight stands, and how many steps were taken, as a watch of Releases tells."""

    standing: dict[str, tuple[str, str]] = field(default_factory=dict)
    steps: int = 0

    async def follow(self, client: Client) -> None:
        async for kind, item in client.follow("/apis/rampart.dev/v1alpha1/releases"):
            status = item.get("status") or {}
            if kind != "DELETED" and "started" in status and not status["started"].startswith("2026-01-0"):
                self._see(item["metadata"]["name"], status)

    def _see(self, name: str, status: dict[str, Any]) -> None:
        now = status.get("phase", ""), status.get("stepText", "")
        before = self.standing.get(name)
        self.standing[name] = now
        if before is not None and now != before and now[0] == "Stepping":
            self.steps += 1

    def phases(self) -> Counter[str]:
        return Counter(phase for phase, _ in self.standing.values())


@dataclass
class Subject:
    """The controller under test, a process on one core."""

    process: subprocess.Popen[bytes]
    session: aiohttp.ClientSession

    async def ask(self, path: str) -> str:
        """What it answers; empty where it does not. A controller that ended is not waited for."""
        if self.process.poll() is not None:
            raise SystemExit(f"the controller ended with {self.process.returncode}")
        try:
            async with self.session.get(f"http://{LISTEN}{path}", timeout=aiohttp.ClientTimeout(30)) as answer:
                return await answer.text() if answer.status == 200 else ""
        except (TimeoutError, aiohttp.ClientError, OSError):
            return ""

    async def gauges(self) -> Gauges:
        return gauges.read(await self.ask("/metrics"), self.process.pid)


def start(kubeconfig: Path, log: Path) -> subprocess.Popen[bytes]:
    core = str(max(os.sched_getaffinity(0)))
    flags = {"kubeconfig": str(kubeconfig), "prometheus-url": ports.url(PROMETHEUS), "listen": LISTEN}
    words = [word for key, value in flags.items() for word in (f"--{key}", value)]
    command = ["taskset", "--cpu-list", core, sys.executable, "-m", "rollout", "run", *words]
    with log.open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=out)


async def until(what: str, holds: Callable[[], Coroutine[Any, Any, bool]], patience: float = PATIENCE) -> float:
    """Wait until it holds; returns how many seconds that took."""
    began = time.monotonic()
    while not await holds():
        if time.monotonic() - began > patience:
            raise SystemExit(f"not within {patience:.0f} s: {what}")
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def on_the_real_one(count: int, flying: int, seconds: float) -> None:
    """Inside a sandbox."""
    async with api.Api(home.Home(home.default())) as client:
        await measure(client, lambda: cluster.kubeconfig_for("rampart-system", "rampart"), Size(count, flying, seconds))


async def in_memory(count: int, flying: int, seconds: float) -> None:
    """Without any sandbox."""
    kept = store.Store()
    runner = await front.serve(kept, ports.LOOPBACK, API)
    try:
        await measure(
            front.Inside(kept), lambda: front.kubeconfig(f"http://{ports.LOOPBACK}:{API}"), Size(count, flying, seconds)
        )
    finally:
        await runner.cleanup()


@dataclass(frozen=True)
class Size:
    """How many Deployments there are, how many releases begin at once, and how long is measured."""

    deployments: int
    releases: int
    seconds: float


async def measure(client: Client, kubeconfig: Callable[[], Path], size: Size) -> None:
    residents = [Resident(number) for number in range(size.deployments)]
    log = Path(tempfile.mkdtemp()) / "controller.log"
    began = time.monotonic()
    await populating.populate(client, residents)
    ended, took = populating.ENDED_RELEASES * size.deployments, time.monotonic() - began
    say(f"{size.deployments} Deployments, {ended} Releases that ended, made in {took:.0f} s")
    runner, census = await standins.serve(standins.Counters(), PROMETHEUS), Census()
    followers = [asyncio.create_task(work) for work in (standins.Natives(client).run(), census.follow(client))]
    await asyncio.sleep(3 + size.deployments / 500)
    async with aiohttp.ClientSession() as session:
        subject = Subject(start(kubeconfig(), log), session)
        try:
            await start_up(subject)
            if size.releases:
                chosen = residents[:: max(1, size.deployments // size.releases)][: size.releases]
                await fly(subject, client, census, chosen, size.seconds)
            else:
                await rest(subject, size.deployments, size.seconds)
            now, most = gauges.memory(subject.process.pid)
            say(f"memory: {now:.0f} MB, at most {most:.0f} MB (goal: 300 MB)")
        finally:
            subject.process.terminate()
            subject.process.wait(30)
            for follower in followers:
                follower.cancel()
            await runner.cleanup()
            trouble(log)


async def start_up(subject: Subject) -> None:
    async def is_ready() -> bool:
        return (await subject.ask("/readyz")).startswith("ok\nleader")

    took = await until("the controller is ready and leads", is_ready)
    now, most = gauges.memory(subject.process.pid)
    used = gauges.processor_seconds(subject.process.pid)
    say(f"start: {took:.1f} s (goal: 10 s), {used:.1f} s of the core; memory {now:.0f} MB, at most {most:.0f} MB")


async def fly(subject: Subject, client: Client, census: Census, chosen: list[Resident], seconds: float) -> None:
    """Begin releases of all that are chosen at once, and measure while all of them are stepping."""
    before, began = await subject.gauges(), time.monotonic()
    await populating.in_turn(change(client, resident) for resident in chosen)
    say(f"{len(chosen)} templates changed in {time.monotonic() - began:.0f} s")

    async def all_step() -> bool:
        return census.phases()["Stepping"] == len(chosen)

    took = await until("all releases are stepping", all_step)
    report(
        f"until all are stepping ({took:.0f} s)", (await subject.gauges()).since(before), time.monotonic() - began, 0
    )
    before, began, steps = await subject.gauges(), time.monotonic(), census.steps
    await asyncio.sleep(seconds)
    added = (await subject.gauges()).since(before)
    say(f"phases: {dict(census.phases())}")
    report("while all are stepping", added, time.monotonic() - began, census.steps - steps)


async def change(client: Client, resident: Resident) -> None:
    body = {"spec": {"template": resident.template("v2")}}
    await client.patch(resident.path("apps/v1", "deployments", resident.name), body, api.MERGE)


async def rest(subject: Subject, count: int, seconds: float) -> None:
    """After the first looks nothing is asked any more."""

    async def is_done() -> bool:
        return (await subject.gauges()).looks >= count

    took = await until("all first looks are over", is_done)
    report(f"first looks ({took:.0f} s)", await subject.gauges(), took, 0)
    await asyncio.sleep(5)
    before, began = await subject.gauges(), time.monotonic()
    await asyncio.sleep(seconds)
    added, lasted = (await subject.gauges()).since(before), time.monotonic() - began
    report("at rest", added, lasted, 0)
    hourly = 3600 / lasted / count
    asked = sum(added.requests().values())
    say(f"  in an hour of one Deployment: {added.writes() * hourly:.2f} writes, {asked * hourly:.2f} requests")


def report(title: str, added: Gauges, lasted: float, steps: int) -> None:
    looks = added.looks
    core = 100 * added.seconds / lasted
    say(f"{title}: {looks:.0f} looks in {lasted:.0f} s, {looks / lasted:.1f} a second; {core:.0f} % of the core")
    if not looks:
        say(f"  requests: {sum(added.requests().values()):.0f}")
        return
    say(
        f"  lateness: median {1000 * added.quantile(LATENESS, 0.5):.0f} ms, p99 {added.quantile(LATENESS, 0.99):.2f} s"
        f" (goal: 1 s), {added.share_within(LATENESS, 1.0):.2f} % within 1 s"
    )
    mean = added.total("rampart_look_seconds_sum") / looks
    say(f"  a look: {1000 * added.seconds / looks:.1f} ms of the core, {1000 * mean:.0f} ms long")
    requests = sorted(added.requests().items(), key=lambda item: -item[1])
    listed = ", ".join(
        f"{verb} {kind} {count / looks:.2f}" for (verb, kind), count in requests if count / looks >= 0.01
    )
    say(f"  requests a look: {sum(added.requests().values()) / looks:.2f}: {listed}")
    if steps:
        say(f"  steps: {steps}; writes a step: {added.writes() / steps:.2f} (goal: 3)")


def trouble(log: Path) -> None:
    """Warnings that the controller wrote, each kind once."""
    lines = [
        line for line in log.read_text().splitlines() if '"level": "warning"' in line or '"level": "error"' in line
    ]
    say(f"warnings and errors in its log: {len(lines)}")
    for line in lines[:3]:
        say(f"  {line[:300]}")


def say(text: str) -> None:
    print(text, flush=True)


def main(words: list[str]) -> int:
    numbers = [word for word in words if word != "memory"]
    count, flying = int(numbers[0]) if numbers else 5_000, int(numbers[1]) if numbers[1:] else 500
    seconds = float(numbers[2]) if numbers[2:] else 60.0
    if "memory" in words:
        asyncio.run(in_memory(count, flying, seconds))
        return 0
    if os.environ.get(INSIDE):
        asyncio.run(on_the_real_one(count, flying, seconds))
        return 0
    with cluster.running(without=ABSENT) as box:
        command = [sys.executable, "-m", "benchmarks.scale", *words]
        code: int = box.popen(command, env={INSIDE: "1"}).wait()
        return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
