"""The queue: waiting once, in hand once, and again if touched meanwhile."""

import threading
from collections import Counter

import pytest

from rollout.workqueue import HUMBLE, Haste, Queue


def a_queue(*names: str) -> Queue[str]:
    queue: Queue[str] = Queue()
    for name in names:
        queue.add(name)
    return queue


def test_a_name_waits_once() -> None:
    """However often it is touched."""
    queue = a_queue("a", "a", "b", "a")
    assert len(queue) == 2
    assert [queue.take(), queue.take()] == ["a", "b"]
    assert (len(queue), queue.in_hand) == (0, 2)


def test_a_name_in_hand_is_not_handed_out_again_until_it_is_done() -> None:
    """Touched meanwhile, it comes again, once."""
    queue = a_queue("a")
    assert queue.take() == "a"
    queue.add("a")
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert (len(queue), queue.in_hand) == (1, 0)
    assert queue.take() == "a"
    queue.done("a")
    assert (len(queue), queue.in_hand) == (0, 0)


def test_an_urgent_name_goes_first() -> None:
    """Releases in flight before what rests."""
    queue = a_queue("a", "b")
    queue.add("c", Haste.URGENT)
    assert [queue.take() for _ in range(3)] == ["c", "a", "b"]


def test_a_waiting_name_that_becomes_urgent_goes_first() -> None:
    """It waits once, and is not urgent any less by a later touch."""
    queue = a_queue("a", "b", "c")
    queue.add("c", Haste.URGENT)
    queue.add("c")
    assert [queue.take() for _ in range(3)] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("touches", "order"),
    [
        pytest.param((Haste.URGENT,), ["a", "b"], id="urgently"),
        pytest.param((Haste.URGENT, Haste.DUE), ["a", "b"], id="urgently, then not"),
        pytest.param((Haste.REST, Haste.URGENT), ["a", "b"], id="urgently at last"),
        pytest.param((Haste.DUE,), ["b", "a"], id="not urgently"),
    ],
)
def test_a_name_that_was_touched_in_hand_keeps_its_urgency(touches: tuple[Haste, ...], order: list[str]) -> None:
    """An abort that arrives in the midst of a look is not put behind what rests."""
    queue = a_queue("a")
    assert queue.take() == "a"
    queue.add("b")
    for haste in touches:
        queue.add("a", haste)
    queue.done("a")
    assert [queue.take(), queue.take()] == order


def test_urgency_ends_with_the_look() -> None:
    """The next touch counts for itself."""
    queue = a_queue("b")
    queue.add("a", Haste.URGENT)
    assert queue.take() == "a"
    queue.add("a", Haste.URGENT)
    queue.done("a")
    assert queue.take() == "a"
    queue.add("a")
    queue.done("a")
    assert [queue.take(), queue.take()] == ["b", "a"]


def test_a_closed_queue_hands_out_nothing() -> None:
    """What waits, what is added and what was touched in hand stay where they are."""
    queue = a_queue("a", "b")
    assert queue.take() == "a"
    queue.add("a")
    queue.close()
    queue.done("a")
    queue.add("c")
    assert queue.take() is None
    assert len(queue) == 1


def test_closing_lets_waiting_workers_go() -> None:
    """They sleep without a clock, and wake."""
    queue = a_queue()
    found: list[str | None] = []
    workers = [threading.Thread(target=lambda: found.append(queue.take())) for _ in range(3)]
    for worker in workers:
        worker.start()
    queue.close()
    for worker in workers:
        worker.join(60)
    assert found == [None, None, None]


def test_many_threads_never_hold_one_name_together() -> None:
    """Every name is looked at, and never twice at the same time."""
    queue = a_queue()
    guard = threading.Lock()
    holding: set[str] = set()
    clashes: list[str] = []
    looks: Counter[str] = Counter()

    def work() -> None:
        while (name := queue.take()) is not None:
            with guard:
                clashes.extend([name] if name in holding else [])
                holding.add(name)
                looks[name] += 1
            with guard:
                holding.remove(name)
            queue.done(name)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    names = [f"n{number}" for number in range(10)]
    for _ in range(50):
        for name in names:
            queue.add(name, Haste.URGENT if name == "n0" else Haste.DUE)
    last_looks = threading.Event()
    while len(queue) or queue.in_hand:
        last_looks.wait(0.001)
    queue.close()
    for worker in workers:
        worker.join(60)
    assert clashes == []
    assert set(looks) == set(names)


def test_among_equals_who_waits_longest_goes_first() -> None:
    """A later touch takes nobody's place, and a lesser one changes nothing."""
    queue: Queue[str] = Queue()
    for name in ("a", "b"):
        queue.add(name, Haste.URGENT)
    queue.add("a", Haste.URGENT)
    queue.add("a", Haste.REST)
    assert [queue.take(), queue.take(), len(queue)] == ["a", "b", 0]


def test_what_rests_waits_for_what_is_due() -> None:
    """First looks at thousands of Deployments after a start delay no new template."""
    queue: Queue[str] = Queue()
    queue.add("rests", Haste.REST)
    queue.add("due")
    assert [queue.take(), queue.take()] == ["due", "rests"]


def test_under_too_much_work_nothing_waits_for_ever() -> None:
    """Some turns are of those that wait behind the urgent ones."""
    queue: Queue[str] = Queue()
    queue.add("rests", Haste.REST)
    queue.add("due")
    for number in range(HUMBLE**2):
        queue.add(f"urgent {number}", Haste.URGENT)
    taken = [queue.take() for _ in range(HUMBLE**2)]
    assert (taken[HUMBLE - 1], taken[HUMBLE**2 - 1]) == ("due", "rests")
    assert [name for name in taken if name not in ("due", "rests")] == [f"urgent {n}" for n in range(HUMBLE**2 - 2)]
