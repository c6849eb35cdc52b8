"""The desk: a look takes an answer that is there, goes on without a late one, and finds it at the next look."""

import threading
from collections.abc import Callable, Iterator

import pytest

from rollout.desk import Desk


class Slow:
    """Work that answers when it is let go."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.go = threading.Event()
        self.begun = 0

    def __call__(self) -> str:
        self.begun += 1
        self.go.wait(60)
        return self.answer


class Touched:
    """The names that were touched."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.any = threading.Event()

    def __call__(self, name: str) -> None:
        self.names.append(name)
        self.any.set()


@pytest.fixture
def touched() -> Touched:
    return Touched()


@pytest.fixture
def desk(touched: Touched) -> Iterator[Desk]:
    found = Desk(touched, patience=0.5, clerks=4)
    yield found
    found.close()


def answering(text: str) -> Callable[[], str]:
    return lambda: text


def test_an_answer_that_is_there_is_taken(desk: Desk, touched: Touched) -> None:
    """And nobody is called again; the next question is a new one."""
    assert desk.ask("shop/web", "judge", 1, answering("a")) == "a"
    assert desk.ask("shop/web", "judge", 1, answering("b")) == "b"
    assert touched.names == []


def test_a_late_answer_is_taken_up_by_the_next_look(desk: Desk, touched: Touched) -> None:
    """The name is touched when it comes; it is not asked twice."""
    slow = Slow("late")
    assert desk.ask("shop/web", "judge", 1, slow) is None
    slow.go.set()
    assert touched.any.wait(60)
    assert touched.names == ["shop/web"]
    assert desk.ask("shop/web", "judge", 1, answering("another")) == "late"
    assert slow.begun == 1
    assert desk.ask("shop/web", "judge", 1, answering("new")) == "new"


def test_while_it_is_open_it_is_not_asked_again(desk: Desk) -> None:
    """A Prometheus that hangs gets one question of each kind for a name."""
    slow = Slow("late")
    assert [desk.ask("shop/web", "judge", 1, slow) for _ in range(3)] == [None] * 3
    assert slow.begun == 1
    slow.go.set()


def test_an_answer_about_something_else_is_let_go(desk: Desk) -> None:
    """The step has changed meanwhile: the old word does not count."""
    slow = Slow("about step 1")
    assert desk.ask("shop/web", "judge", 1, slow) is None
    assert desk.ask("shop/web", "judge", 2, answering("about step 2")) == "about step 2"
    slow.go.set()
    assert desk.ask("shop/web", "judge", 1, answering("again about step 1")) == "again about step 1"


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        pytest.param("shop/api", "judge", id="another Deployment"),
        pytest.param("shop/web", "preflight", id="another topic"),
    ],
)
def test_a_slow_answer_keeps_no_other_waiting(desk: Desk, name: str, topic: str) -> None:
    """One question hangs; the others are answered."""
    slow = Slow("late")
    assert desk.ask("shop/web", "judge", 1, slow) is None
    assert desk.ask(name, topic, 1, answering("at once")) == "at once"
    slow.go.set()


def test_a_question_that_breaks_is_asked_anew(desk: Desk) -> None:
    """Its error is the asker's; nothing of it stays."""

    def broken() -> str:
        raise OSError("no socket")

    with pytest.raises(OSError, match="no socket"):
        desk.ask("shop/web", "judge", 1, broken)
    assert desk.ask("shop/web", "judge", 1, answering("well")) == "well"
