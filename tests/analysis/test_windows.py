"""From samples to windows: births, resets, pods gone, duplicates, gaps, steps and both legs in one grid."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import pods, queries, samples, windows
from analysis.windows import Count, Frame, Grid, Window
from tests.analysis.scrapes import series
from tests.analysis.traffic import START

ZERO = START.timestamp()
FRAME = Frame(queries.ISTIO, "web-canary", "web", ZERO, ZERO - 60)
OLD = {float(second): 1000.0 for second in range(-600, 600, 15)}
"""A counter that was there before and never moves."""


def cut(*found: samples.Series, now: float = 100, frame: Frame = FRAME) -> tuple[Window, ...]:
    """The windows of these series beside an old stable pod."""
    legs = windows.legs(samples.Matrix((*found, series("web", "old", OLD))), frame)
    lines = windows.grid(legs, frame.began) or Grid(ZERO + 1.5, 15)
    return windows.divide(legs, frame, lines, ZERO + now)


def counted(leg: str, *found: samples.Series, now: float = 100) -> list[tuple[float, int, int]]:
    """(second in which the window ends, requests, failures) of each pod and window of a leg."""
    return [
        (window.end - ZERO, count.requests, count.failures)
        for window in cut(*found, now=now)
        for count in getattr(window, leg)
    ]


CANARY = series("web-canary", "c", {15: 5, 30: 9, 45: 9, 60: 20})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param([CANARY], [(16.5, 5, 0), (31.5, 4, 0), (61.5, 11, 0)], id="from zero, whole differences"),
        pytest.param(
            [CANARY, series("web-canary", "c", {30: 2, 45: 2, 60: 3}, response_code="503")],
            [(16.5, 5, 0), (31.5, 6, 2), (61.5, 12, 1)],
            id="the first errors count",
        ),
        pytest.param(
            [series("web-canary", "c", {15: 50, 30: 3, 45: 10})],
            [(16.5, 50, 0), (31.5, 3, 0), (46.5, 7, 0)],
            id="reset",
        ),
        pytest.param([series("web-canary", "c", {15: 5, 30: 9})], [(16.5, 5, 0), (31.5, 4, 0)], id="a pod that went"),
        pytest.param(
            [series("web-canary", "c", {15: 5, 60: 26}), series("web-canary", "d", {15: 1, 30: 1, 45: 1, 60: 1})],
            [(16.5, 5, 0), (16.5, 1, 0), (61.5, 21, 0)],
            id="a gap is one wide difference",
        ),
        pytest.param(
            [CANARY, series("web-canary", "c", {17: 5, 32: 9, 47: 9, 62: 20}, job="sidecars", instance="c:15090")],
            [(16.5, 5, 0), (31.5, 4, 0), (61.5, 11, 0)],
            id="a pod that two jobs scrape is one",
        ),
        pytest.param(
            [series("web-canary", "c", {15: 5.0, 30: 9}), series("web-canary", "d", {20: 7, 35: 8})],
            [(16.5, 5, 0), (31.5, 4, 0), (31.5, 7, 0), (46.5, 1, 0)],
            id="each pod in the window of its scrape",
        ),
    ],
)
def test_the_canary_is_counted_from_its_first_request(
    found: list[samples.Series], expected: list[tuple[float, int, int]]
) -> None:
    """A canary's pods are younger than the release, so that nothing they counted is lost."""
    assert counted("canary", *found) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param([series("web", "s", {-600: 70, -15: 90, 0: 95, 15: 99})], [(1.5, 5, 0), (16.5, 4, 0)], id="old"),
        pytest.param(
            [series("web", "s", {-600: 90, 0: 90, 15: 90}), series("web", "s", {15: 3}, response_code="503")],
            [(16.5, 3, 3)],
            id="a first error of an old pod",
        ),
        pytest.param([series("web", "s", {0: 40, 15: 44})], [(1.5, 40, 0), (16.5, 4, 0)], id="a pod that scaled up"),
        pytest.param(
            [series("web", "s", {-600: 7, -585: 7, 0: 900}), series("web", "s", {0: 60}, response_code="503")],
            [(1.5, 893, 0)],
            id="a series that came while nobody looked",
        ),
    ],
)
def test_stable_counts_from_zero_only_what_was_seen_to_begin(
    found: list[samples.Series], expected: list[tuple[float, int, int]]
) -> None:
    """An old total is no increase; a series that was missing one scrape ago is."""
    began = [row for row in counted("stable", CANARY, *found) if row[0] > -10]
    assert began == expected


def test_a_prometheus_without_its_past_counts_no_past() -> None:
    """Where nothing at all was seen before, the first samples are where counting starts."""
    lost = series("web-canary", "c", {300: 900, 315: 905}), series("web", "s", {302: 5e6, 317: 5e6 + 70})
    legs = windows.legs(samples.Matrix(lost), FRAME)
    lines = Grid(ZERO + 1.5, 15)
    found = windows.divide(legs, FRAME, lines, ZERO + 340)
    assert [(window.canary, window.stable) for window in found] == [
        ((Count(5, 0),), ()),
        ((), (Count(70, 0),)),
    ]


def test_a_service_without_any_past_counts_the_canary_from_zero() -> None:
    """Soon after the release began, the canary may be the first that is ever seen."""
    legs = windows.legs(samples.Matrix((CANARY,)), FRAME)
    found = windows.divide(legs, FRAME, Grid(ZERO + 16.5, 15), ZERO + 60)
    assert found[0].canary == (Count(5, 0),)


def test_a_window_waits_until_it_is_over() -> None:
    """What a later look will still add to is not judged yet."""
    assert counted("canary", CANARY, now=31) == [(16.5, 5, 0)]
    assert counted("canary", CANARY, now=31.5) == [(16.5, 5, 0), (31.5, 4, 0)]


def test_pods_are_cold_for_as_long_as_the_first_ones_were() -> None:
    """A pod that comes at a later step warms up, too."""
    frame = Frame(queries.ISTIO, "web-canary", "web", ZERO, ZERO + 30)
    first = {float(second): float(second) for second in range(15, 195, 15)}
    later = {float(second): float(second) for second in range(107, 195, 15)}
    found = cut(series("web-canary", "c", first), series("web-canary", "d", later), frame=frame, now=200)
    cold = [(window.end - ZERO, count.requests) for window in found for count in window.cold]
    assert cold == [(16.5, 15), (31.5, 15), (121.5, 107)]
    assert next(window for window in found if window.end == ZERO + 136.5).canary == (Count(15), Count(15))


def test_slow_requests_are_those_above_an_edge() -> None:
    """Cumulative buckets become counts above each edge, of the same requests."""
    frame = Frame(queries.ISTIO, "web-canary", "web", ZERO, ZERO, edges=(250.0, 500.0))
    counts: dict[str, dict[float, float]] = {
        "250": {15: 6, 30: 12},
        "500": {15: 9, 30: 18},
        "1000": {15: 9, 30: 19},
        "+Inf": {15: 10, 30: 20},
    }
    buckets = [
        series("web-canary", "c", points, le=edge, **{samples.NAME: queries.ISTIO.latency})
        for edge, points in counts.items()
    ]
    found = cut(series("web-canary", "c", {15: 10, 30: 20}), *buckets, frame=frame)
    assert [window.canary for window in found] == [(Count(10, 0, 10, (4, 1)),), (Count(10, 0, 10, (4, 1)),)]


def test_a_histogram_without_an_asked_edge_tells_nothing() -> None:
    """Other edges since the last look, or another unit: not everything is slow for that."""
    frame = Frame(queries.ISTIO, "web-canary", "web", ZERO, ZERO, edges=(250.0, 0.5))
    buckets = [
        series("web-canary", "c", {15: 10, 30: 20}, le=edge, **{samples.NAME: queries.ISTIO.latency})
        for edge in ("250", "500", "+Inf")
    ]
    found = cut(series("web-canary", "c", {15: 10, 30: 20}), *buckets, frame=frame)
    assert [window.canary for window in found] == [(Count(10, 0, 0, (0, 0)),), (Count(10, 0, 0, (0, 0)),)]


def test_legs_are_told_by_their_pods_names_where_the_mesh_knows_no_more() -> None:
    """Of application metrics."""
    names = ("web-5d4f8c7b9d-x2zkq", "web-canary-7c9bd5f64-kkkkk", "web-other-7c9bd5f64-kkkkk")
    found = windows.legs(
        samples.Matrix(tuple(samples.Series({"pod": name}, (ZERO,), (1.0,)) for name in names)),
        Frame(queries.MESHES["application-pods"], "web-canary", "web", ZERO, ZERO),
    )
    assert [pod.name for pod in found.canary] == [names[1]]
    assert [pod.name for pod in found.stable] == [names[0]]


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        pytest.param([[15, 15, 15]], 15, id="as configured"),
        pytest.param([[14.9, 15.2, 15]], 15, id="with jitter"),
        pytest.param([[5, 5], [15, 15]], 15, id="the slower leg"),
        pytest.param([[15, 15, 300]], 15, id="with a gap"),
        pytest.param([[], []], 15, id="not yet known"),
        pytest.param([[61]], 60, id="once a minute"),
    ],
)
def test_the_scrape_interval_is_measured(gaps: list[list[float]], expected: float) -> None:
    """The median of the gaps, taken for the nearest that people configure."""
    legs = []
    for leg in gaps:
        times = [sum(leg[:place]) for place in range(len(leg) + 1)]
        legs.append([pods.Pod("p", (), tuple(times))])
    assert pods.interval(legs) == expected


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5), st.booleans()), min_size=1, max_size=30),
    st.integers(0, 14),
)
def test_nothing_is_lost_and_nothing_counts_twice(steps: list[tuple[int, int, bool]], phase: int) -> None:
    """Whatever a canary's counters do, resets included, the windows sum up to what was counted."""
    good, bad, now, total = 0, 0, float(phase + 1), 0
    points: dict[float, float] = {}
    errors: dict[float, float] = {}
    for more, worse, restarted in steps:
        if restarted:
            good, bad = 0, 0
        good, bad, total = good + more, bad + worse, total + more + worse
        points[now], errors[now] = good, bad
        now += 15
    resets = [
        place
        for place, (_, _, restarted) in enumerate(steps)
        if restarted and place and (steps[place][0], steps[place][1]) != (0, 0)
    ]
    hidden = any(
        list(points.values())[place] >= list(points.values())[place - 1]
        or list(errors.values())[place] >= list(errors.values())[place - 1] > 0
        for place in resets
    )
    found = counted(
        "canary",
        series("web-canary", "c", points),
        series("web-canary", "c", errors, response_code="503"),
        now=now + 100,
    )
    known = sum(requests for _, requests, _ in found)
    assert known <= total
    if not hidden:
        assert known == total
    assert all(0 <= failures <= requests for _, requests, failures in found)


def test_an_index_and_its_end_agree() -> None:
    """The end of a window belongs to it."""
    lines = Grid(100.0, 15.0)
    assert [lines.index(time) for time in (85.0, 85.1, 100.0, 100.1, 115.0)] == [-1, 0, 0, 1, 1]
    assert lines.complete(114.9) == 0
    assert math.isclose(lines.end(3), 145.0)


def test_a_job_that_saw_a_pod_only_lately_does_not_speak_for_it() -> None:
    """Of two jobs the first by name is taken only if it saw the pod about as long."""
    old = series("web", "a", {15 * place: 10.0 * place for place in range(10)}, job="old")
    new = series("web", "a", {120: 80.0, 135: 90.0}, job="new")
    (pod,) = pods.of((new, old))
    assert pod.series == (old,)
    longer = series("web", "a", {15 * place: 10.0 * place for place in range(5, 10)}, job="new")
    (pod,) = pods.of((longer, old))
    assert pod.series == (old,)
    as_long = series("web", "a", {15 * place: 10.0 * place for place in range(4, 10)}, job="new")
    (pod,) = pods.of((as_long, old))
    assert pod.series == (as_long,)
