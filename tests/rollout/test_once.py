"""One question about one object is asked once."""

import itertools
import threading

import pytest

from deploy import errors
from rollout.once import Once


def test_of_the_same_object_it_is_asked_once() -> None:
    """An equal one is another; so is the first when it comes again."""
    numbers = itertools.count()
    once: Once[list[str], int] = Once()
    one, other = ["web"], ["web"]
    asked = [once.of(subject, lambda: next(numbers)) for subject in (one, one, other, other, one)]
    assert asked == [0, 0, 1, 1, 2]


def test_another_thread_asks_for_itself() -> None:
    """Two looks at once know nothing of each other."""
    once: Once[str, str] = Once()
    subject, found = "web", list[str]()
    assert once.of(subject, lambda: "ours") == "ours"
    thread = threading.Thread(target=lambda: found.append(once.of(subject, lambda: "theirs")))
    thread.start()
    thread.join()
    assert (found, once.of(subject, lambda: "new")) == (["theirs"], "ours")


def test_an_error_is_no_answer() -> None:
    """The next question is asked again."""
    once: Once[str, str] = Once()

    def refuse() -> str:
        raise errors.Busy("later")

    with pytest.raises(errors.Busy):
        once.of("web", refuse)
    assert once.of("web", lambda: "now") == "now"
