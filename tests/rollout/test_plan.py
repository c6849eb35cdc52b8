"""Plans: every key, every refusal with its sentence, and what no plan can produce."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import traffic
from deploy.traffic import WHOLE
from rollout import plan, shares
from rollout.plan import Plan
from rollout.status import Phase
from tests.rollout import building
from tests.rollout.building import a_plan

OPTED_IN = {"rampart.dev/strategy": "canary"}


def resolved(**annotations: str) -> Plan | tuple[str, ...]:
    ours = {f"rampart.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return plan.resolve({**OPTED_IN, **ours}, {})


def faults(**annotations: str) -> tuple[str, ...]:
    found = resolved(**annotations)
    assert not isinstance(found, Plan)
    return found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("20,40,40", "must rise to at most 100, such as 5,25,50", id="does not rise"),
        pytest.param("50,40", "must rise to at most 100, such as 5,25,50", id="falls"),
        pytest.param("100,50", "must rise to at most 100, such as 5,25,50", id="falls from the whole"),
        pytest.param("0", "must be percentages above 0 and at most 100, such as 5,25,50", id="zero"),
        pytest.param("-5,10", "must be rising percentages such as 5,25,50", id="negative"),
        pytest.param("101", "must be percentages above 0 and at most 100, such as 5,25,50", id="more than the whole"),
        pytest.param("", "must be rising percentages such as 5,25,50", id="empty"),
        pytest.param("NaN", "must be rising percentages such as 5,25,50", id="not a number"),
        pytest.param("Infinity", "must be rising percentages such as 5,25,50", id="infinite"),
        pytest.param("5,,10", "must be rising percentages such as 5,25,50", id="a gap"),
        pytest.param("5%", "must be rising percentages such as 5,25,50", id="with a percent sign"),
        pytest.param("0.125", "must have at most two decimals", id="too fine for a route"),
        pytest.param("1e1", "must be rising percentages such as 5,25,50", id="an exponent"),
        pytest.param(" 5,25", "must be rising percentages such as 5,25,50", id="a space"),
        pytest.param("٥", "must be rising percentages such as 5,25,50", id="digits of another script"),
        pytest.param("5" * 5000, "must be rising percentages such as 5,25,50", id="a very long number"),
    ],
)
def test_bad_steps_are_refused_with_the_reason(text: str, words: str) -> None:
    """Case 48: the sentence names the key, what is right, and what was found."""
    assert faults(steps=text) == (f"rampart.dev/steps {words}, got {text}",)


@pytest.mark.parametrize(
    ("key", "value", "field", "read"),
    [
        pytest.param("strategy", "blue-green", "steps", (), id="blue-green has no steps by itself"),
        pytest.param("steps", "0.5,10", "steps", (Decimal("0.5"), Decimal(10)), id="half percent"),
        pytest.param("steps", "10,100", "steps", (Decimal(10),), id="the whole is the bake and no step"),
        pytest.param("interval", "1h1m1s", "interval", timedelta(seconds=3661), id="interval"),
        pytest.param("interval", "10s", "bake", timedelta(seconds=10), id="bake is one interval"),
        pytest.param("bake", "5m", "bake", timedelta(minutes=5), id="bake"),
        pytest.param("success-rate", "99.5", "success_rate", Decimal("99.5"), id="success rate"),
        pytest.param(
            "latency",
            "p99.9<500ms",
            "latency",
            plan.Latency(Decimal("0.999"), timedelta(milliseconds=500)),
            id="latency",
        ),
        pytest.param(
            "latency", "p50<2s", "latency", plan.Latency(Decimal("0.5"), timedelta(seconds=2)), id="latency in seconds"
        ),
        pytest.param("judge", "threshold", "judge", plan.Judge.THRESHOLD, id="judge"),
        pytest.param("max-failures", "7", "max_failures", 7, id="max failures"),
        pytest.param("on-failure", "hold", "on_failure", plan.OnFailure.HOLD, id="on failure"),
        pytest.param("on-no-data", "promote", "on_no_data", plan.OnNoData.PROMOTE, id="on no data"),
        pytest.param("deadline", "45m", "deadline", timedelta(minutes=45), id="deadline"),
        pytest.param("service", "api", "service", "api", id="service"),
        pytest.param("router", "istio", "router", plan.RouterName.ISTIO, id="router"),
    ],
)
def test_every_key_is_read(key: str, value: str, field: str, read: object) -> None:
    """Each annotation changes its own field."""
    found = resolved(**{key: value})
    assert isinstance(found, Plan)
    assert getattr(found, field) == read


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        pytest.param("strategy", "rolling", "must be 'canary' or 'blue-green', got rolling", id="strategy"),
        pytest.param("interval", "60", "must be a duration such as 30s, 5m or 1h30m, got 60", id="no unit"),
        pytest.param("interval", "", "must be a duration such as 30s, 5m or 1h30m, got ", id="empty"),
        pytest.param("interval", "0s", "must be at least 1s", id="no stay at all"),
        pytest.param("bake", "soon", "must be a duration such as 30s, 5m or 1h30m, got soon", id="bake"),
        pytest.param("bake", "0s", "must be at least 1s", id="no bake at all"),
        pytest.param(
            "interval",
            "999999999999h",
            "must be a duration such as 30s, 5m or 1h30m, got 999999999999h",
            id="longer than a clock can tell",
        ),
        pytest.param(
            "deadline", f"{10**30}s", f"must be a duration such as 30s, 5m or 1h30m, got {10**30}s", id="endless"
        ),
        pytest.param(
            "latency",
            f"p99<{10**20}s",
            f"must be a quantile and a limit such as p99<500ms, got p99<{10**20}s",
            id="an endless limit",
        ),
        pytest.param(
            "success-rate", "1e2", "must be a percentage from 0 to 100, such as 99 or 99.5, got 1e2", id="an exponent"
        ),
        pytest.param(
            "success-rate", "NaN", "must be a percentage from 0 to 100, such as 99 or 99.5, got NaN", id="no number"
        ),
        pytest.param(
            "success-rate", "101", "must be a percentage from 0 to 100, such as 99 or 99.5, got 101", id="too much"
        ),
        pytest.param(
            "success-rate", "high", "must be a percentage from 0 to 100, such as 99 or 99.5, got high", id="a word"
        ),
        pytest.param("latency", "500ms", "must be a quantile and a limit such as p99<500ms, got 500ms", id="latency"),
        pytest.param("latency", "p0<5ms", "must be a quantile and a limit such as p99<500ms, got p0<5ms", id="p0"),
        pytest.param("latency", "p9<0s", "must be a quantile and a limit such as p99<500ms, got p9<0s", id="no time"),
        pytest.param("judge", "oracle", "must be 'evidence' or 'threshold', got oracle", id="judge"),
        pytest.param("max-failures", "0", "must be greater than or equal to 1, got 0", id="max failures"),
        pytest.param("on-failure", "ignore", "must be 'rollback' or 'hold', got ignore", id="on failure"),
        pytest.param("on-no-data", "wait", "must be 'hold', 'cancel' or 'promote', got wait", id="on no data"),
        pytest.param("router", "nginx", "must be 'istio', 'gateway', 'smi' or 'service', got nginx", id="router"),
        pytest.param(
            "deadline", "1m", "must be at least the plan's own length, 4m, got 1m", id="shorter than the plan"
        ),
    ],
)
def test_bad_values_are_refused_with_the_reason(key: str, value: str, sentence: str) -> None:
    """Each sentence names the key and what would be right; no fault is made up beside it."""
    assert faults(**{key: value}) == (f"rampart.dev/{key} {sentence}",)


def test_all_faults_are_said_at_once() -> None:
    """Whoever mends a plan mends it once."""
    assert faults(steps="0", interval="x", latancy="p99<1s") == (
        "rampart.dev/latancy is not a known key; the nearest is rampart.dev/latency",
        "rampart.dev/steps must be percentages above 0 and at most 100, such as 5,25,50, got 0",
        "rampart.dev/interval must be a duration such as 30s, 5m or 1h30m, got x",
    )


def test_a_plan_needs_its_strategy() -> None:
    """Without the annotation nothing is opted in, and nothing is guessed."""
    assert plan.resolve({}, {}) == ("rampart.dev/strategy is missing",)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        pytest.param("step", "is not a known key; the nearest is rampart.dev/steps", id="singular"),
        pytest.param("sucess-rate", "is not a known key; the nearest is rampart.dev/success-rate", id="a letter lost"),
        pytest.param("maxFailures", "is not a known key; the nearest is rampart.dev/max-failures", id="camel case"),
        pytest.param("canary-of", "is not supported by this version", id="pair mode comes later"),
    ],
)
def test_an_unknown_key_names_the_nearest(key: str, sentence: str) -> None:
    """A misspelt key would otherwise be silently without effect."""
    assert faults(**{key: "1"}) == (f"rampart.dev/{key} {sentence}",)


@pytest.mark.parametrize("key", plan.STATE_KEYS)
def test_our_own_marks_are_no_faults(key: str) -> None:
    """Wishes and marks stand beside the plan."""
    assert resolved(**{key: "x"}) == resolved()


def test_other_prefixes_are_not_ours() -> None:
    """Only keys under our prefix are read."""
    assert plan.resolve({**OPTED_IN, "rampart.develop/steps": "x", "steps": "x"}, {}) == resolved()


def test_annotations_go_before_the_defaults_of_the_installation() -> None:
    """Precedence: the annotation over the Helm value over the built-in default."""
    found = plan.resolve({**OPTED_IN, "rampart.dev/steps": "7"}, {"steps": "1,2", "interval": "5s"})
    assert isinstance(found, Plan)
    assert (found.steps, found.interval, found.bake) == ((Decimal(7),), timedelta(seconds=5), timedelta(seconds=5))


@pytest.mark.parametrize(
    ("annotations", "deadline"),
    [
        pytest.param({}, timedelta(minutes=30), id="at least half an hour"),
        pytest.param({"interval": "10m"}, timedelta(minutes=120), id="three times the plan's length"),
    ],
)
def test_the_deadline_follows_the_length_of_the_plan(annotations: dict[str, str], deadline: timedelta) -> None:
    """Three times the plan's own length, at least 30 minutes."""
    assert a_plan(**annotations).deadline == deadline


def test_a_plan_that_was_read_is_read_as_it_is() -> None:
    """What is typed already needs no parsing."""
    given: dict[str, Any] = {"strategy": "canary", "steps": (Decimal(7),), "interval": timedelta(seconds=9)}
    found = Plan.model_validate({**given, "latency": plan.Latency(Decimal("0.9"), timedelta(seconds=1))})
    assert (found.steps, found.interval, str(found.latency)) == ((Decimal(7),), timedelta(seconds=9), "p90<1000ms")
    assert Plan.model_validate({"strategy": "canary", "latency": None}).latency is None


@pytest.mark.parametrize(
    ("span", "text"),
    [
        pytest.param(timedelta(0), "0s", id="nothing"),
        pytest.param(timedelta(seconds=90), "1m30s", id="a minute and a half"),
        pytest.param(timedelta(hours=2), "2h", id="hours"),
    ],
)
def test_durations_are_written_as_people_do(span: timedelta, text: str) -> None:
    """And read back as the same."""
    assert plan.format_duration(span) == text
    assert plan.parse_duration(text) == span


@pytest.mark.parametrize(
    ("weight", "following", "step"),
    [
        pytest.param(0, 5, 0, id="before the first"),
        pytest.param(5, 25, 1, id="at a step"),
        pytest.param(30, 50, 2, id="between two steps, after an edit"),
        pytest.param(50, 100, 3, id="after the last"),
        pytest.param(100, 100, 4, id="at the bake"),
    ],
)
def test_the_next_weight_is_the_next_step_above(weight: int, following: int, step: int) -> None:
    """Case 47: an edited plan never jumps over a step that lies above the present weight."""
    assert a_plan().after(Decimal(weight)) == following
    assert a_plan().step_of(Decimal(weight)) == step


STEPS = st.lists(st.integers(1, 10_000), min_size=1, max_size=12, unique=True).map(
    lambda found: ",".join(f"{Decimal(hundredths) / 100:f}" for hundredths in sorted(found))
)
SECONDS = st.integers(1, 5000).map(lambda count: f"{count}s")
PLANS = st.fixed_dictionaries(
    {},
    optional={
        "steps": STEPS,
        "interval": SECONDS,
        "bake": SECONDS,
        "success-rate": st.integers(0, 10_000).map(lambda hundredths: f"{Decimal(hundredths) / 100}"),
        "latency": st.integers(1, 900).map(lambda ms: f"p99<{ms}ms"),
        "max-failures": st.integers(1, 100).map(str),
        "on-failure": st.sampled_from(list(plan.OnFailure)),
        "on-no-data": st.sampled_from(list(plan.OnNoData)),
        "deadline": st.just("99h"),
        "service": st.just("api"),
    },
)


@pytest.mark.parametrize(
    ("annotations", "steps"),
    [
        pytest.param({"steps": "100"}, "100", id="no step but the whole"),
        pytest.param({"steps": "10,100"}, "10", id="the whole is the bake"),
        pytest.param({"strategy": "blue-green"}, None, id="blue-green has no steps to write"),
    ],
)
def test_a_plan_without_steps_is_written_so_that_it_is_read_back(
    annotations: dict[str, str], steps: str | None
) -> None:
    """A Release that forgot `steps: 100` would take the default steps."""
    found = a_plan(**annotations)
    assert found.texts().get("steps") == steps
    assert Plan.model_validate(found.texts()) == found


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("p99<500ms", "p99<500ms", id="as written"),
        pytest.param("p99.9<1s", "p99.9<1000ms", id="seconds"),
        pytest.param("p90.0<7ms", "p90<7ms", id="no idle zeros"),
        pytest.param("p99<16010ms", "p99<16010ms", id="a number that no binary fraction of a second meets"),
        pytest.param("p50<3600s", "p50<3600000ms", id="an hour"),
    ],
)
def test_a_latency_is_written_to_the_millisecond(text: str, written: str) -> None:
    """And read back as the same."""
    found = plan.parse_latency(text)
    assert str(found) == written
    assert plan.parse_latency(written) == found


@pytest.mark.parametrize("text", ["99999h", "9999999m", "99999999s"])
def test_the_longest_durations_overflow_nothing(text: str) -> None:
    """Sums and multiples of them stay within what the clock can tell."""
    found = a_plan(interval=text, steps="1,2,3")
    assert found.deadline == 3 * found.length == 12 * plan.parse_duration(text)


@given(annotations=PLANS, strategy=st.sampled_from(list(plan.Strategy)))
def test_a_plan_is_the_same_after_it_was_written_down(annotations: dict[str, str], strategy: str) -> None:
    """The texts that a Release keeps resolve to the same plan, by both doors."""
    found = resolved(**{**annotations, "strategy": strategy})
    assert isinstance(found, Plan)
    assert Plan.model_validate(found.texts()) == found
    assert resolved(**found.texts()) == found


@given(text=st.one_of(STEPS, st.text("0123456789.,-%eN ", max_size=12)), size=st.integers(1, 9))
def test_no_plan_produces_weights_out_of_range_or_steps_that_do_not_rise(text: str, size: int) -> None:
    """Case 10: whatever is written, weights rise from above 0 to exactly 100, and splits are whole."""
    found = resolved(steps=text)
    if not isinstance(found, Plan):
        return
    weights = [Decimal(0)]
    while weights[-1] < 100:
        weights.append(found.after(weights[-1]))
    assert all(earlier < later for earlier, later in pairwise(weights))
    assert weights[-1] == 100
    stable: Any = tuple(building.a_share(traffic.replica_set(f"r{n}"), n + 1) for n in range(size))
    release = building.a_release(Phase.STEPPING, found, stable=stable)
    for weight in weights:
        legs = shares.split_at(release, weight).shares
        assert sum(parts for _, parts in legs) == WHOLE
        assert legs[-1] == (release.pin, int(weight * 100))
