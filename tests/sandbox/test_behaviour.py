"""The image tag's grammar: each word, and what is no word."""

import random
from pathlib import Path

import pytest

from sandbox.pods import behaviour
from sandbox.pods.behaviour import Behaviour


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param("web:v1", Behaviour("v1"), id="version alone"),
        pytest.param("web", Behaviour("latest"), id="no tag"),
        pytest.param("registry:5000/shop/web:v1", Behaviour("v1"), id="registry with a port"),
        pytest.param("registry:5000/shop/web", Behaviour("latest"), id="registry with a port, no tag"),
        pytest.param("web:v1@sha256:abc", Behaviour("v1"), id="digest is ignored"),
        pytest.param("web:v2-errors20", Behaviour("v2", error_percent=20), id="errors"),
        pytest.param("web:v2-errors0.5", Behaviour("v2", error_percent=0.5), id="decimal point"),
        pytest.param("web:v3-slow800", Behaviour("v3", slow_milliseconds=800), id="all requests slow"),
        pytest.param("web:v3-slow800p5", Behaviour("v3", slow_milliseconds=800, slow_percent=5), id="some slow"),
        pytest.param("web:v4-neverready", Behaviour("v4", never_ready=True), id="never ready"),
        pytest.param("web:v5-crashloop", Behaviour("v5", exits_after=0.3), id="crashes before it is ready"),
        pytest.param("web:v6-pullfail", Behaviour("v6", pull_fails=True), id="image cannot be pulled"),
        pytest.param("web:v7-start5", Behaviour("v7", ready_after=5), id="slow start"),
        pytest.param("web:v8-cold20e5", Behaviour("v8", cold_until=20, cold_error_percent=5), id="cold start errors"),
        pytest.param("web:v9-grpc", Behaviour("v9", speaks_grpc=True), id="grpc"),
        pytest.param(
            "web:v9-grpcfail20",
            Behaviour("v9", speaks_grpc=True, grpc_failure_percent=20, grpc_failure=14),
            id="grpc unavailable",
        ),
        pytest.param(
            "web:v9-grpcerror20",
            Behaviour("v9", speaks_grpc=True, grpc_failure_percent=20, grpc_failure=13),
            id="grpc internal",
        ),
        pytest.param("web:v10-exit30", Behaviour("v10", exits_after=30), id="exits after a while"),
        pytest.param(
            "web:v2-errors20-slow800p5",
            Behaviour("v2", error_percent=20, slow_milliseconds=800, slow_percent=5),
            id="two words",
        ),
    ],
)
def test_a_tag_says_how_the_container_behaves(image: str, expected: Behaviour) -> None:
    """Each word of the tag sets its part of the behaviour and nothing else."""
    assert behaviour.parse(image) == expected


@pytest.mark.parametrize(
    ("image", "word"),
    [
        pytest.param("web:v1-error20", "error20", id="misspelt"),
        pytest.param("web:v1-errors", "errors", id="number missing"),
        pytest.param("web:v1-errors20%", "errors20%", id="something after the number"),
        pytest.param("web:v1--errors20", "", id="empty word"),
    ],
)
def test_an_unknown_word_is_named(image: str, word: str) -> None:
    """A misspelt word never passes for a healthy pod."""
    with pytest.raises(behaviour.UnknownWord, match=f"image {image}: the tag's word {word!r} is unknown") as raised:
        behaviour.parse(image)
    assert raised.value.word == word


def _answers(image: str, age: float, number: int = 4000) -> list[behaviour.Answer]:
    dice = random.Random(7)
    acts = behaviour.parse(image)
    return [behaviour.answer(acts, age, dice) for _ in range(number)]


@pytest.mark.parametrize(
    ("image", "age", "share"),
    [
        pytest.param("web:v1", 1, 0.0, id="healthy"),
        pytest.param("web:v1-errors20", 1, 0.2, id="a fifth fails"),
        pytest.param("web:v1-errors100", 1, 1.0, id="all fail"),
        pytest.param("web:v1-cold20e50", 19, 0.5, id="cold"),
        pytest.param("web:v1-cold20e50", 20, 0.0, id="warm"),
    ],
)
def test_the_share_of_errors_is_the_tags(image: str, age: float, share: float) -> None:
    """Errors come at the share that the tag names, for as long as it says."""
    failed = sum(answer.status == 500 for answer in _answers(image, age)) / 4000
    assert failed == pytest.approx(share, abs=0.03)


def test_slow_replies_are_delayed_by_milliseconds() -> None:
    """A slow reply takes the tag's milliseconds longer, the others take none."""
    delays = [answer.delay for answer in _answers("web:v3-slow800p5", 1)]
    assert set(delays) == {0.0, 0.8}
    assert delays.count(0.8) / len(delays) == pytest.approx(0.05, abs=0.015)


def test_grpc_failures_are_http_successes() -> None:
    """A gRPC failure is told by grpc-status alone; the HTTP status stays 200."""
    answers = _answers("web:v9-grpcfail20", 1)
    assert {answer.status for answer in answers} == {200}
    assert sum(answer.grpc_status == 14 for answer in answers) / 4000 == pytest.approx(0.2, abs=0.03)


def test_http_errors_of_a_grpc_server_become_grpc_failures() -> None:
    """`errors` on a gRPC server fails the call with INTERNAL."""
    assert set(_answers("web:v9-grpc-errors100", 1, 5)) == {behaviour.Answer(200, 0.0, 13)}


@pytest.mark.parametrize("word", [pytest.param(word, id=word) for word in behaviour.GRAMMAR])
def test_every_word_is_documented(word: str) -> None:
    """docs/sandbox.md lists the whole grammar."""
    page = Path(__file__).parents[2] / "docs" / "sandbox.md"
    assert f"| `{word}` |" in page.read_text()
