"""What Prometheus answers today, in a few words."""

import pytest
from rich.console import Console

from analysis import meshes, outcome
from analysis.errors import Fault
from rollout.cli import questions
from rollout.cli.questions import Asked
from rollout.foresight import Question
from tests.rollout.building import a_plan


def row(value: float, **labels: str) -> outcome.Row:
    return outcome.Row({key.removesuffix("_"): text for key, text in labels.items()}, value)


def of(workload: str, counted: str, value: float) -> outcome.Row:
    return row(value, destination_workload=workload, counted=counted)


def edge(workload: str, le: str, value: float) -> outcome.Row:
    return row(value, destination_workload=workload, le=le)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(outcome.Table((of("web", "requests", 80),)), "web: 80 requests, 0 failed", id="no failures"),
        pytest.param(
            outcome.Table((of("web", "failures", 2), of("web", "requests", 80), of("api", "requests", 7))),
            "api: 7 requests, 0 failed; web: 80 requests, 2 failed",
            id="two versions",
        ),
        pytest.param(
            outcome.Table((of("web", "requests", 80), of("web", "dark", 3))),
            "web: 80 requests, 0 failed, scraped no more",
            id="gone dark",
        ),
        pytest.param(
            outcome.Table((edge("web", "10", 90), edge("web", "100", 100), edge("web", "+Inf", 100))),
            "web: p99 91 ms",
            id="latency",
        ),
        pytest.param(
            outcome.Table((edge("web", "10", 0), edge("web", "+Inf", 0))), "web: no requests", id="no latency"
        ),
        pytest.param(outcome.Table((row(3.5),)), "value: 3.5", id="somebody's own"),
        pytest.param(outcome.Table(()), questions.NO_SERIES, id="nothing"),
        pytest.param(outcome.Broken(Fault.UNREACHABLE, "it is away"), "it is away", id="broken"),
    ],
)
def test_an_answer_is_told_in_a_few_words(found: outcome.Answer, said: str) -> None:
    """As the field counts: requests, failures, a quantile."""
    assert questions.brief(found, meshes.ISTIO, a_plan(latency="p99<500ms")) == said


def drawn(asked: Asked, whole: bool) -> list[str]:
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        questions.show(console, (asked,), whole)
    return capture.get().splitlines()


LONG = Asked(Question("requests", "sum(x) or " * 400, "what x counted " * 12), "web: 1", "web: 1 request")
OWN = Asked(Question("metric queue", "depth{app='web'} [[ ]] " * 60), "value: 1", "value: 1")


@pytest.mark.parametrize("asked", [LONG, OWN], ids=["ours", "somebody's own"])
def test_a_question_is_readable_and_whole_on_demand(asked: Asked) -> None:
    """A few short lines; with --queries one line to be copied, as it is sent."""
    head, name, *lines = drawn(asked, False)
    assert head.endswith("as PromQL: --queries")
    assert name == f"  {asked.question.name}"
    assert len(lines) <= 6
    assert max(map(len, lines)) <= 104
    assert lines[-1] == f"    today: {asked.brief}"
    assert f"    {asked.question.promql}".rstrip() in [line.rstrip() for line in drawn(asked, True)]


def test_without_questions_nothing_is_said() -> None:
    """As of a plan that is not fit."""
    console = Console(width=200)
    with console.capture() as capture:
        questions.show(console, (), False)
    assert capture.get() == ""
