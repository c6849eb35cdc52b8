"""ReleasePolicies on the real API server and a real Prometheus: shared plans, custom metrics, and what is refused."""

import re
import subprocess
import time

import pytest
import yaml

from deploy import kinds, names
from deploy.traffic import Json
from sandbox import tools
from tests.e2e import stage

SLOW_SHARE = (
    'sum(last_over_time(istio_request_duration_milliseconds_bucket{destination_workload="{{canary}}",'
    'destination_workload_namespace="{{namespace}}",le=~"500(\\\\.0)?"}[{{window}}]))'
    ' / sum(last_over_time(istio_request_duration_milliseconds_count{destination_workload="{{canary}}",'
    'destination_workload_namespace="{{namespace}}"}[{{window}}]))'
)
QUICK = {"name": "quick", "query": SLOW_SHARE, "min": 0.9, "reason": "too many requests take longer than half a second"}


def a_policy(name: str, **spec: object) -> str:
    kind = {"apiVersion": kinds.RELEASE_POLICY.api_version, "kind": "ReleasePolicy", "metadata": {"name": name}}
    return yaml.safe_dump({**kind, "spec": spec})


def message_of(play: stage.Stage, reason: str, words: str) -> str:
    """The Event that says these words, waited for."""
    return str(play.told(reason, words)["message"])


@pytest.mark.parametrize("judge", ["threshold", "evidence"])
def test_custom_metric_takes_a_bad_canary_back_by_its_name(judge: str) -> None:
    """Every request succeeds and the judge has no latency limit: only the policy's metric sees the slow version."""
    policy = a_policy("strict", metrics=[QUICK])
    with stage.opened(policy, plan={"policy": "strict", "judge": judge}) as play:
        play.send()
        play.set_image("v2-slow800p30")
        status = play.wait_phase("RolledBack")
        assert status["reason"] == "MetricOutOfBounds"
        told = play.told("MetricOutOfBounds")["message"]
        assert "metric quick is 0." in told
        assert "below 0.9: too many requests take longer than half a second (bad look 3 of 3)" in told
        release: Json = play.releases()[-1]
        assert release["spec"]["plan"]["policy"] == "strict"
        assert "metrics" not in release["spec"], "an ended release is short"
        play.check_none_failed()
        play.check_rest("v2-slow800p30", paused=True)


def test_default_policy_sets_the_steps_and_holds_while_it_is_gone() -> None:
    """Nobody names it; deleted in mid-release the weight stays, and back it goes on to the end."""
    spec = {"plan": {"steps": "30,60", "interval": "6s", "bake": "5s"}, "metrics": [QUICK]}
    with stage.opened(a_policy("default", **spec)) as play:
        shared = [f"{names.GROUP}/{key}-" for key in ("steps", "interval", "bake")]
        play.kubectl("annotate", "deployment", "web", *shared)
        stage.remember(play)
        play.send()
        play.set_image("v2")
        play.wait_weight("30")
        assert play.releases()[-1]["spec"]["metrics"] == [QUICK]
        play.kubectl("delete", "rp", "default")
        stage.wait("it holds", lambda: play.status()["holding"] == "PolicyMissing")
        play.told("PolicyMissing")
        time.sleep(10)
        assert (play.status()["weight"], len(play.events("PolicyMissing"))) == ("30", 1)
        play.apply(a_policy("default", **spec))
        play.wait_weight("60")
        play.wait_phase("Promoted")
        assert re.search(r"metric quick is (1|0\.9\d*), at least 0\.9", play.told("Promoting")["message"])
        play.check_none_failed()
        play.check_rest("v2")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        pytest.param("sum(up{", "parse error", id="syntax, in Prometheus' own words"),
        pytest.param('sum(no_such_metric{app="{{canary}}"})', "finds no series of web", id="empty selector"),
        pytest.param("up", "series answered where one was asked for", id="more than one series"),
    ],
)
def test_typo_in_a_query_is_said_at_opt_in(query: str, words: str) -> None:
    """Tried on the version that runs, before a release depends on it."""
    with stage.opened(a_policy("default", metrics=[{"name": "queue", "query": query, "max": 1}])) as play:
        play.send()
        told = message_of(play, "TelemetryMissing", words)
        assert "metric queue: " in told
        assert play.releases() == []


def test_unknown_word_and_unknown_policy_are_said_with_what_is_known() -> None:
    """A plan that can not be resolved starts no release; mended, it is said no more."""
    policy = a_policy("default", metrics=[{"name": "queue", "query": 'x{app="{{canry}}"}', "max": 1}])
    with stage.opened(policy) as play:
        message_of(play, "PlanInvalid", "{{canry}} is not a known word; the nearest is {{canary}}")
        play.kubectl("annotate", "deployment", "web", f"{names.GROUP}/policy=strikt")
        message_of(play, "PlanInvalid", "there are default, got strikt")


def test_steps_with_intervals_and_pauses_are_a_policy_too() -> None:
    """Every form that an annotation may have."""
    command = [str(tools.kubectl()), "-n", "default", "apply", "--dry-run=server", "-f", "-"]
    policy = a_policy(
        "slow", plan={"steps": "mirror:10@2m,header:x-canary=1,pause,0.1,5@30m,pause,25@1h30m,50,100,pause"}
    )
    done = subprocess.run(command, input=policy, capture_output=True, text=True, timeout=stage.COMMAND)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param({"metrics": [QUICK, QUICK]}, 'Duplicate value: {"name":"quick"}', id="two metrics of one name"),
        pytest.param(
            {"metrics": [{"name": "a", "query": "up"}]}, "metric a needs a bound: min, max, or orStable", id="no bound"
        ),
        pytest.param(
            {"metrics": [{"name": "a", "query": "{{canary}}", "max": 1, "orStable": {"ratio": 1}}]},
            "metric a has two kinds of bounds",
            id="two kinds of bounds",
        ),
        pytest.param(
            {"metrics": [{"name": "a", "query": "{{canary}}", "orStable": {"ratio": 1, "difference": 1}}]},
            "orStable needs either ratio or difference",
            id="two comparisons",
        ),
        pytest.param(
            {"metrics": [{"name": "a", "query": "up", "orStable": {"ratio": 1}}]},
            "its query must name {{canary}}",
            id="compared with itself",
        ),
        pytest.param(
            {"metrics": [{"name": "a", "query": "up", "min": 2, "max": 1}]}, "min must be at most max", id="empty"
        ),
        pytest.param(
            {"plan": {"judge": "nobody"}}, 'supported values: "evidence", "threshold"', id="a word of the plan"
        ),
        pytest.param(
            {"plan": {"steps": "fast"}},
            'spec.plan.steps: Invalid value: "fast": must be rising percentages such as 5,25,50, or 5@2m',
            id="steps",
        ),
        pytest.param({"plan": {"steps": "5,pause@10m,50"}}, "or 5,pause,50", id="a timed pause"),
        pytest.param({"plan": {"step": "5"}}, 'unknown field "spec.plan.step"', id="an unknown key"),
    ],
)
def test_what_a_schema_can_say_is_refused_when_it_is_written(spec: dict[str, object], words: str) -> None:
    """By the API server itself, without the controller."""
    command = [str(tools.kubectl()), "-n", "default", "apply", "--dry-run=server", "-f", "-"]
    done = subprocess.run(
        command, input=a_policy("strict", **spec), capture_output=True, text=True, timeout=stage.COMMAND
    )
    assert done.returncode != 0
    assert words in done.stderr
