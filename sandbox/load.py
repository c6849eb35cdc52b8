"""The load generator: real requests at a steady rate, counted by second, version and outcome.

In Python:

    with load.Load(ports.url(ports.CLIENT_PROXY), "web.default.svc.cluster.local", rate=100) as traffic:
        ...
        print(traffic.counts().share("v2"))
    print(traffic.stop())          # 0 failed of 6000 (v1 4200, v2 1800)

It sends from a process of its own inside the sandbox, which ends by itself when its time is over or its caller dies.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from sandbox import api, cluster, endpoints, errors, ports, tally, traffic

LINE_EVERY = 0.5
LONGEST_SECONDS = 3600.0
FAREWELL_SECONDS = 90.0


class Load:
    """A load that runs beside the caller; a context manager that stops it at the end."""

    def __init__(
        self, url: str, host: str, rate: float, *, seconds: float = 600.0, box: cluster.Box | None = None
    ) -> None:
        traffic.plan(url, host, rate, seconds)
        self._arguments = ["--url", url, "--host", host, "--rate", str(rate), "--seconds", str(seconds), "--json"]
        self._box = box
        self._tally = tally.Tally()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> "Load":
        """Send from now on; returns itself."""
        box = self._box or cluster.current()
        self._process = box.popen(
            [sys.executable, "-m", "sandbox.load", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        return self

    def counts(self) -> tally.Tally:
        """Everything counted until now (at most half a second old)."""
        with self._lock:
            return self._tally.copy()

    def stop(self) -> tally.Tally:
        """Send no more, await what is in flight, and return the whole count. Again: the same count."""
        if self._process is None or self._reader is None:
            raise errors.SandboxError("this load was never started")
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            code = self._process.wait(FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        if code != 0:
            raise errors.SandboxError(f"the load generator ended with code {code}; its count is not whole")
        return self.counts()

    def __enter__(self) -> "Load":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            fresh = tally.Tally.from_json(json.loads(line))
            with self._lock:
                self._tally.merge(fresh)


async def _send(plan: traffic.Plan, tell: Callable[[tally.Tally], None], stop_with_input: bool) -> None:
    """Run a plan, telling now and then what came of it."""
    async with contextlib.AsyncExitStack() as stack:
        await _run(traffic.Traffic(plan, await _picker(plan, stack)), tell, stop_with_input)


async def _picker(plan: traffic.Plan, stack: contextlib.AsyncExitStack) -> traffic.Pick | None:
    """Where the connections of a Service without a mesh go; None: to the plan's own address."""
    if not plan.service:
        return None
    namespace, _, name = plan.service.partition("/")
    client = await stack.enter_async_context(api.Api(cluster.current().home))
    followed = await stack.enter_async_context(endpoints.followed(client, namespace, name, plan.port))
    return followed.pick


async def _run(sender: traffic.Traffic, tell: Callable[[tally.Tally], None], stop_with_input: bool) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, sender.stop)
    if stop_with_input:
        threading.Thread(target=_await_end_of_input, args=(loop, sender.stop), daemon=True).start()
    running = asyncio.create_task(sender.run())
    while not running.done():
        await asyncio.wait({running}, timeout=LINE_EVERY)
        tell(sender.harvest())
    await running


def _await_end_of_input(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    sys.stdin.read()
    if not loop.is_closed():
        loop.call_soon_threadsafe(stop)


def _tell_json(fresh: tally.Tally) -> None:
    """To the caller; one that has gone is no reason to end with a complaint."""
    try:
        print(json.dumps(fresh.to_json()), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Table:
    """A line a second for a person, and the whole count."""

    def __init__(self) -> None:
        self.whole = tally.Tally()
        self._printed = 0

    def tell(self, fresh: tally.Tally) -> None:
        self.whole.merge(fresh)
        for second in self.whole.seconds:
            if self._printed < second < time.time() - 1:
                self._printed = second
                print(f"{time.strftime('%H:%M:%S', time.localtime(second))}  {self.whole.within([second])}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser("python -m sandbox.load", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--url",
        default=ports.url(ports.CLIENT_PROXY),
        help="where to send; kube-proxy://web.shop:80 is Service web in shop (default: %(default)s)",
    )
    parser.add_argument("--host", required=True, help="the Host header, such as web.default.svc.cluster.local")
    parser.add_argument("--rate", type=float, default=50, help="requests a second (default: 50)")
    parser.add_argument("--seconds", type=float, default=60, help="for how long (default: 60)")
    parser.add_argument("--json", action="store_true", help="lines of JSON; end of input stops it")
    arguments: Any = parser.parse_args()
    try:
        plan = traffic.plan(arguments.url, arguments.host, arguments.rate, min(arguments.seconds, LONGEST_SECONDS))
    except ValueError as error:
        parser.error(str(error))
    table = _Table()
    asyncio.run(_send(plan, _tell_json if arguments.json else table.tell, stop_with_input=arguments.json))
    if not arguments.json:
        print(table.whole)
    return 0 if arguments.json or table.whole.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
