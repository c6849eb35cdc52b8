"""The queue's clock: APScheduler calls a name back after a delay, and never anything more.

Settings of the scheduler that lose wake-ups are turned off: a late job still runs, and the job itself takes
microseconds, so that none overlaps itself.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

LOST = EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_ERROR


class Clock:
    """Calls `ring(name)` when a name is due; a name has at most one time, the last one set, or the sooner of two."""

    def __init__(self, ring: Callable[[str], None], lost: Callable[[str], None]) -> None:
        self._ring = ring
        self._lost = lost
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(self._on_lost, LOST)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """No name rings any more. Waits for nothing: a job that touches the scheduler would wait for itself."""
        self._scheduler.pause()
        self._scheduler.shutdown(wait=False)

    def after(self, seconds: float, name: str) -> None:
        """Ring `name` once, `seconds` from now."""
        moment = datetime.now(UTC) + timedelta(seconds=max(0.0, seconds))
        self._scheduler.add_job(self._ring, "date", run_date=moment, args=(name,), id=name, replace_existing=True)

    def every(self, seconds: float, what: Callable[[], None], name: str) -> None:
        """Call `what` again and again: the net under every lost wake-up."""
        self._scheduler.add_job(what, "interval", seconds=seconds, id=name, replace_existing=True)

    def _on_lost(self, event: JobEvent) -> None:
        self._lost(event.job_id)
