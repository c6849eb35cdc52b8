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
from rollout import durations, plan, shares
from rollout.plan import Plan
from rollout.status import Phase
from rollout.steps import Step
from tests.rollout import building
from tests.rollout.building import a_plan

LIST = "must be rising percentages such as 5,25,50, or 5@2m,25@5m,50, or 5,pause,50"
PAIR = (
    "must name a header (in small letters) or a cookie and its whole value, of letters, digits and ._~-,"
    " such as header:x-canary=1 or cookie:beta=yes"
)
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
        pytest.param("-5,10", LIST, id="negative"),
        pytest.param("101", "must be percentages above 0 and at most 100, such as 5,25,50", id="more than the whole"),
        pytest.param("", LIST, id="empty"),
        pytest.param("NaN", LIST, id="not a number"),
        pytest.param("Infinity", LIST, id="infinite"),
        pytest.param("5,,10", LIST, id="a gap"),
        pytest.param("5%", LIST, id="with a percent sign"),
        pytest.param("0.125", "must have at most two decimals", id="too fine for a route"),
        pytest.param("1e1", LIST, id="an exponent"),
        pytest.param(" 5,25", LIST, id="a space"),
        pytest.param("٥", LIST, id="digits of another script"),
        pytest.param("5" * 5000, LIST, id="a very long number"),
        pytest.param("@2m", LIST, id="no percentage before its interval"),
        pytest.param("5;10@1m", LIST, id="no list"),
        pytest.param("5@", "must have a duration behind @, such as 5@2m,25@1h30m,50", id="no interval"),
        pytest.param("5@2,10", "must have a duration behind @, such as 5@2m,25@1h30m,50", id="no unit"),
        pytest.param("5@1m@1m", "must have a duration behind @, such as 5@2m,25@1h30m,50", id="two intervals"),
        pytest.param("5@0s,10", "must have intervals of at least 1s, such as 5@2m,25@5m,50", id="no stay"),
        pytest.param(
            "5,100@5m", "must have no interval at 100, the stay at which is the plan's bake", id="interval of the bake"
        ),
        pytest.param("25@1m,5@1m", "must rise to at most 100, such as 5,25,50", id="falls with intervals"),
        pytest.param("25,pause,5", "must rise to at most 100, such as 5,25,50", id="falls over a pause"),
        pytest.param(
            "5,pause@10m,50", "must have no duration behind pause, which ends with do=resume", id="a timed pause"
        ),
        pytest.param(
            "pause", "must not begin with a pause, which follows a step, such as 5,pause,50", id="a pause alone"
        ),
        pytest.param(
            "5,pause,pause,50",
            "must have a step between two pauses, such as 5,pause,25,pause,50",
            id="two pauses",
        ),
        pytest.param("5,Pause,50", LIST, id="a word that is none"),
        pytest.param("header:X-Canary=1,5", PAIR, id="a header in capitals"),
        pytest.param("header:x-canary,5", PAIR, id="a header without a value"),
        pytest.param("header:x-canary=,5", PAIR, id="a header with an empty value"),
        pytest.param("cookie:beta=a b,5", PAIR, id="a cookie with a space"),
        pytest.param("cookie:=1", PAIR, id="a cookie without a name"),
        pytest.param("mirror:0,5", "must mirror a percentage above 0 and at most 100, such as mirror:10", id="none"),
        pytest.param("mirror:101", "must mirror a percentage above 0 and at most 100, such as mirror:10", id="more"),
        pytest.param("mirror:0.125,5", "must have at most two decimals", id="a mirror too fine for a route"),
        pytest.param(
            "query:a=1,5",
            "must have header:, cookie: or mirror: before a colon, such as header:x-canary=1,5,25",
            id="something else than these",
        ),
        pytest.param(
            "5,pause,header:x-canary=1,25",
            "must have header, cookie and mirror steps before any percentage, such as mirror:10,5,25",
            id="a header behind a percentage",
        ),
        pytest.param(
            "mirror:10,mirror:10,5", "must name each header, cookie and mirror step once", id="the same one twice"
        ),
    ],
)
def test_bad_steps_are_refused_with_the_reason(text: str, words: str) -> None:
    """Case 48: the sentence names the key, what is right, and what was found."""
    assert faults(steps=text) == (f"rampart.dev/steps {words}, got {text}",)


@pytest.mark.parametrize(
    ("key", "value", "field", "read"),
    [
        pytest.param("strategy", "blue-green", "steps", (), id="blue-green has no steps by itself"),
        pytest.param("steps", "0.5,10", "steps", (Step(Decimal("0.5")), Step(Decimal(10))), id="half percent"),
        pytest.param("steps", "10,100", "steps", (Step(Decimal(10)),), id="the whole is the bake and no step"),
        pytest.param(
            "steps",
            "5@2m,25@1h,50",
            "steps",
            (Step(Decimal(5), timedelta(minutes=2)), Step(Decimal(25), timedelta(hours=1)), Step(Decimal(50))),
            id="intervals of their own",
        ),
        pytest.param("steps", "5,pause,50", "steps", (Step(Decimal(5), pauses=True), Step(Decimal(50))), id="a pause"),
        pytest.param(
            "steps",
            "mirror:10@2m,header:x-canary=1,pause,cookie:beta=yes,5",
            "steps",
            (
                Step(Decimal(0), timedelta(minutes=2), mirror=Decimal(10)),
                Step(Decimal(0), pauses=True, only="header:x-canary=1"),
                Step(Decimal(0), only="cookie:beta=yes"),
                Step(Decimal(5)),
            ),
            id="before any percentage",
        ),
        pytest.param(
            "steps",
            "5,100,pause",
            "steps",
            (Step(Decimal(5)), Step(Decimal(100), pauses=True)),
            id="a pause before the promotion",
        ),
        pytest.param("interval", "1h1m1s", "interval", timedelta(seconds=3661), id="interval"),
        pytest.param("interval", "10s", "bake", None, id="no bake where none is given"),
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
    ],
)
def test_an_unknown_key_names_the_nearest(key: str, sentence: str) -> None:
    """A misspelt key would otherwise be silently without effect."""
    assert faults(**{key: "1"}) == (f"rampart.dev/{key} {sentence}",)


@pytest.mark.parametrize("mark", plan.MARKS)
def test_a_mark_of_ours_is_never_what_is_meant(mark: str) -> None:
    """Nobody but the controller and the hold writes it."""
    (sentence,) = faults(**{f"{mark}x": "1"})
    assert sentence.rpartition("/")[2] in plan.WRITABLE


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
    assert (found.steps, found.interval, found.bake) == ((Step(Decimal(7)),), timedelta(seconds=5), None)


@pytest.mark.parametrize(
    ("annotations", "defaults", "weight", "longest", "least"),
    [
        pytest.param({}, {}, 5, 60, 0, id="a step"),
        pytest.param({}, {}, 100, 60, 0, id="no bake was given: an interval at most"),
        pytest.param({"interval": "10s"}, {}, 100, 10, 0, id="an interval of this plan"),
        pytest.param({"bake": "5m"}, {}, 100, 300, 300, id="a bake is kept in full"),
        pytest.param({"bake": "5m"}, {}, 50, 60, 0, id="a bake is no step's"),
        pytest.param({}, {"bake": "2m"}, 100, 120, 120, id="the installation's bake too"),
    ],
)
def test_a_bake_that_was_given_is_kept_in_full(
    annotations: dict[str, str], defaults: dict[str, str], weight: int, longest: int, least: int
) -> None:
    """What a person wrote is not cut short by proof; a Release writes a bake only where one was given."""
    ours = {f"rampart.dev/{key}": value for key, value in annotations.items()}
    found = plan.resolve({**OPTED_IN, **ours}, defaults)
    assert isinstance(found, Plan)
    step = found.at(Decimal(weight))
    stays = (found.stay(step), found.least_stay(step))
    assert stays == (timedelta(seconds=longest), timedelta(seconds=least))
    assert ("bake" in found.texts()) == ("bake" in {**annotations, **defaults})


@pytest.mark.parametrize(
    ("annotations", "deadline"),
    [
        pytest.param({}, timedelta(minutes=30), id="at least half an hour"),
        pytest.param({"interval": "10m"}, timedelta(minutes=120), id="three times the plan's length"),
        pytest.param({"steps": "5@20m,25@1h,50"}, timedelta(minutes=246), id="with intervals of their own"),
        pytest.param({"interval": "10m", "steps": "5,pause,50"}, timedelta(minutes=90), id="a pause does not count"),
    ],
)
def test_the_deadline_follows_the_length_of_the_plan(annotations: dict[str, str], deadline: timedelta) -> None:
    """Three times the plan's own length, at least 30 minutes."""
    assert a_plan(**annotations).deadline == deadline


def test_a_plan_that_was_read_is_read_as_it_is() -> None:
    """What is typed already needs no parsing."""
    given: dict[str, Any] = {"strategy": "canary", "steps": (Step(Decimal(7)),), "interval": timedelta(seconds=9)}
    found = Plan.model_validate({**given, "latency": plan.Latency(Decimal("0.9"), timedelta(seconds=1))})
    assert (found.steps, found.interval, str(found.latency)) == (
        (Step(Decimal(7)),),
        timedelta(seconds=9),
        "p90<1000ms",
    )
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
    assert durations.write(span) == text
    assert durations.parse(text) == span


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
@pytest.mark.parametrize("steps", ["5,25,50", "5@2m,25,pause,50@1h", "5,25,50,100,pause"])
def test_the_next_weight_is_the_next_step_above(steps: str, weight: int, following: int, step: int) -> None:
    """Case 47: an edited plan never jumps over a step that lies above the present weight."""
    found = a_plan(steps=steps)
    here = found.at(Decimal(weight))
    assert (found.after(here).weight, found.step_of(here)) == (Decimal(following), step)
    assert len(found.stays) == 4, "pauses are no stays"


LEADING = "mirror:10,header:x-canary=1,5,25"


@pytest.mark.parametrize(
    ("steps", "lead", "following", "number", "load"),
    [
        pytest.param(LEADING, "mirror:10", "header:x-canary=1", 1, 10, id="the first"),
        pytest.param(LEADING, "header:x-canary=1", "5", 2, 5, id="the last before weight: as many pods as for it"),
        pytest.param("header:x-canary=1", "header:x-canary=1", "100", 1, 100, id="nothing but it"),
        pytest.param("5,25", "header:x-canary=1", "5", 0, 5, id="edited away: the first weight follows"),
        pytest.param("mirror:10,5,25", "header:x-canary=1", "5", 1, 5, id="edited away beside another"),
    ],
)
def test_steps_before_any_weight_come_in_their_order(
    steps: str, lead: str, following: str, number: int, load: int
) -> None:
    """And an edit never leads back to one that lies behind (case 47)."""
    found = a_plan(steps=steps)
    here = found.at(Decimal(0), lead)
    assert here.lead == lead
    assert (found.after(here).name, found.step_of(here), found.load(here)) == (following, number, Decimal(load))


@pytest.mark.parametrize(
    ("weight", "seconds", "pauses"),
    [
        pytest.param("5", 120, True, id="an interval of its own, and a pause"),
        pytest.param("25", 60, False, id="the plan's interval"),
        pytest.param("30", 60, False, id="a weight that was edited away"),
        pytest.param("100", 300, True, id="the bake"),
    ],
)
def test_each_stay_has_its_own_interval_and_pause(weight: str, seconds: int, pauses: bool) -> None:
    """The longest stay at a weight is that of its step; the plan's interval is for the others."""
    found = a_plan(steps="5@2m,pause,25,100,pause", bake="5m")
    assert (found.stay(found.at(Decimal(weight))), found.at(Decimal(weight)).pauses) == (
        timedelta(seconds=seconds),
        pauses,
    )


SECONDS = st.integers(1, 5000).map(lambda count: f"{count}s")
EXTRAS = st.tuples(st.one_of(st.just(""), SECONDS.map(lambda span: f"@{span}")), st.sampled_from(("", ",pause")))


def listed(found: dict[int, tuple[str, str]]) -> str:
    """Weights in hundredths of a percent, each with its interval and its pause, as an annotation."""
    ordered = ((weight, *found[weight]) for weight in sorted(found))
    words = ((Decimal(weight) / 100, own if weight < 10_000 else "", pause) for weight, own, pause in ordered)
    return ",".join(f"{weight:f}{own}{pause}" for weight, own, pause in words)


LEADS = st.lists(st.sampled_from(("header:x-canary=1", "cookie:a.b=~", "mirror:0.5", "mirror:10")), unique=True)
WEIGHTS = st.dictionaries(st.integers(1, 10_000), EXTRAS, min_size=1, max_size=12).map(listed)
STEPS = st.builds(lambda leads, weights: ",".join([*leads, weights]), LEADS, WEIGHTS)
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
        pytest.param({"steps": "5.00@120s,pause,100,pause"}, "5@2m,pause,100,pause", id="in one form"),
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
    assert found.deadline == 3 * found.length == 12 * durations.parse(text)


@given(annotations=PLANS, strategy=st.sampled_from(list(plan.Strategy)))
def test_a_plan_is_the_same_after_it_was_written_down(annotations: dict[str, str], strategy: str) -> None:
    """The texts that a Release keeps resolve to the same plan, by both doors."""
    found = resolved(**{**annotations, "strategy": strategy})
    assert isinstance(found, Plan)
    assert Plan.model_validate(found.texts()) == found
    assert resolved(**found.texts()) == found


@given(text=st.one_of(STEPS, st.text("0123456789.,-%eN @mspau", max_size=12)), size=st.integers(1, 9))
def test_no_plan_produces_weights_out_of_range_or_steps_that_do_not_rise(text: str, size: int) -> None:
    """Case 10: whatever is written, weights rise from above 0 to exactly 100, and splits are whole."""
    found = resolved(steps=text)
    if not isinstance(found, Plan):
        return
    steps = [found.stays[0]]
    while steps[-1].weight < 100:
        steps.append(found.after(steps[-1]))
    assert tuple(steps) == found.stays
    weights = [Decimal(0), *(step.weight for step in steps if not step.lead)]
    assert all(earlier < later for earlier, later in pairwise(weights))
    assert weights[-1] == 100
    stable: Any = tuple(building.a_share(traffic.replica_set(f"r{n}"), n + 1) for n in range(size))
    release = building.a_release(Phase.STEPPING, found, stable=stable)
    for weight in weights:
        legs = shares.split_at(release, weight).shares
        assert sum(parts for _, parts in legs) == WHOLE
        assert legs[-1] == (release.pin, int(weight * 100))
