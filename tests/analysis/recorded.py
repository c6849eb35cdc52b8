"""A made-up release of four minutes, and its recording: 5, 25, 50 and 100 % for a minute each, 50 requests a second."""

from datetime import timedelta
from decimal import Decimal

from analysis import recorder, recording, samples
from analysis.recorder import Wanted
from analysis.recording import Line, Recording, Shift
from tests.analysis.scrapes import Cluster, Pod, constant
from tests.analysis.traffic import at

RPS = 50.0
PLAN = {"steps": "5,25,50", "interval": "60s"}
STEPS = (Decimal(5), Decimal(25), Decimal(50), Decimal(100))


def weight(second: float) -> float:
    """The canary's part of all traffic."""
    if not 0 <= second < 240:
        return 0.0
    return (0.05, 0.25, 0.5, 1.0)[int(second // 60)]


def cluster(failing: float, slow: float | None = None) -> Cluster:
    """Three canary pods that fail, and are slow, so often, beside six good stable ones."""
    lazy = None if slow is None else constant(slow)
    canary = (
        Pod(
            "web-canary",
            f"web-canary-{k}",
            lambda t: RPS * weight(t) / 3,
            constant(failing),
            born=0,
            phase=3 * k,
            slow=lazy,
        )
        for k in range(3)
    )
    usual = None if slow is None else constant(0.002)
    stable = (Pod("web", f"web-{k}", lambda t: RPS * (1 - weight(t)) / 6, phase=2 * k, slow=usual) for k in range(6))
    return Cluster((*canary, *stable))


def wanted(**changes: object) -> Wanted:
    """What is recorded of it."""
    known: dict[str, object] = {
        "namespace": "shop",
        "canary": "web-canary",
        "stable": "web",
        "began": at(0),
        "ended": at(300),
        "warm_up": timedelta(seconds=30),
        "steps": STEPS,
        "plan": PLAN,
    }
    return Wanted(**{**known, **changes})  # type: ignore[arg-type]


def release(failing: float, slow: float | None = None) -> Recording:
    """Its recording; where it is slow, with a limit for latency."""
    timed: dict[str, object] = {"is_timed": True, "plan": {**PLAN, "latency": "p99<500ms"}} if slow is not None else {}
    found = recorder.record(wanted(**timed), cluster(failing, slow).read)
    assert isinstance(found, Recording), found
    return found


def of(*series: samples.Series, **changes: object) -> Recording:
    """A recording of these series, at 5 % from its beginning to its end a minute later."""
    known: dict[str, object] = {
        "namespace": "shop",
        "canary": "web-canary",
        "stable": "web",
        "plan": PLAN,
        "began": at(0),
        "warm_until": at(0),
        "ended": at(60),
        "weights": (Shift(at=at(0), weight=Decimal(5)),),
        "samples": tuple(Line(labels=dict(one.labels), times=one.times, values=one.values) for one in series),
    }
    return recording.Recording(**{**known, **changes})  # type: ignore[arg-type]
