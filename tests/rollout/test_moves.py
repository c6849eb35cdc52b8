"""The table of moves: total, listed pair by pair, and printed in the documentation as it stands."""

from pathlib import Path

import pytest

from rollout import moves
from rollout.moves import MARKED, MOVES, OUTCOMES, ROWS, Course
from rollout.signals import CHAIN, Signal, Stage
from rollout.status import ENDED, STAYS_DOWN

DOCUMENT = Path(__file__).parents[2] / "docs" / "moves.md"

BEFORE_PODS_ROLL = (Stage.PREPARING, Stage.STEPPING, Stage.BAKING, Stage.PROMOTING)
AFTER_PODS_ROLL = (Stage.ROLLING, Stage.FINISHING, Stage.ROLLING_BACK)
TAKES_AWAY = (
    Signal.RELEASE_DELETED,
    Signal.OPTED_OUT,
    Signal.REVERTED,
    Signal.SUPERSEDED,
    Signal.ABORTED,
    Signal.REVERT_WISHED,
    Signal.JUDGED_BAD,
    Signal.CANARY_DEAD,
    Signal.DEADLINE_PASSED,
    Signal.FALL_FOUND,
    Signal.SCALED_TO_ZERO,
)
LEAVES = (Course.FALL, Course.END, Course.LET_GO)


def test_every_pair_of_stage_and_signal_has_a_course() -> None:
    """The table is total: nothing that can happen is without an answer."""
    assert set(MOVES) == {(stage, signal) for stage in Stage for signal in Signal}
    assert set(MOVES.values()) <= set(Course)


def test_names_rows_and_chain_have_one_order() -> None:
    """Whoever reads the table from above meets the signals in the order in which they win."""
    chain = (*(signal for signal, _ in CHAIN), Signal.PROCEED)
    assert tuple(Signal) == chain
    assert tuple(ROWS) == chain


def test_every_course_is_used() -> None:
    """A course that nothing leads to would be dead."""
    assert set(MOVES.values()) == set(Course)


@pytest.mark.parametrize("signal", TAKES_AWAY)
@pytest.mark.parametrize("stage", BEFORE_PODS_ROLL)
def test_what_takes_a_version_away_falls_as_long_as_the_old_pods_are_whole(stage: Stage, signal: Signal) -> None:
    """Promise 3, in every stage that the canary can have a leg and the old pods are there."""
    assert MOVES[stage, signal] is Course.FALL


@pytest.mark.parametrize("signal", sorted(set(Signal) - {Signal.DEPLOYMENT_GONE}))
@pytest.mark.parametrize("stage", AFTER_PODS_ROLL)
def test_from_the_first_rolled_pod_on_nothing_falls(stage: Stage, signal: Signal) -> None:
    """Law 11: there are no whole old pods to fall to; only a Deployment that is gone takes everything with it."""
    assert MOVES[stage, signal] not in LEAVES


@pytest.mark.parametrize(
    ("stage", "signal", "course"),
    [
        pytest.param(Stage.ROLLING, Signal.REVERTED, Course.TURN, id="law 11: a revert rolls back natively"),
        pytest.param(Stage.ROLLING, Signal.REVERT_WISHED, Course.TURN, id="law 11: by wish too"),
        pytest.param(Stage.ROLLING, Signal.SUPERSEDED, Course.STAND, id="law 13: the canary is production"),
        pytest.param(Stage.BAKING, Signal.SUPERSEDED, Course.FALL, id="law 13: the old pods are whole"),
        pytest.param(Stage.FINISHING, Signal.SUPERSEDED, Course.GO_ON, id="law 12: it waits"),
        pytest.param(Stage.ROLLING, Signal.ABORTED, Course.KEEP, id="law 11: too late to abort"),
        pytest.param(Stage.PENDING, Signal.ABORTED, Course.END, id="law 16: aborted before it began"),
        pytest.param(Stage.ROLLING_BACK, Signal.ABORTED, Course.GO_ON, id="law 16: it falls already"),
        pytest.param(Stage.STEPPING, Signal.HOLD_ESCAPED, Course.LET_GO, id="design 3: to the root at once"),
        pytest.param(Stage.STEPPING, Signal.DEPLOYMENT_GONE, Course.LET_GO, id="its pods vanish: to the root at once"),
        pytest.param(Stage.ROLLING, Signal.DEPLOYMENT_GONE, Course.LET_GO, id="in the native roll-out too"),
        pytest.param(Stage.PREPARING, Signal.ROUTE_CONTESTED, Course.FALL, id="law 17: before the first pod too"),
        pytest.param(Stage.STEPPING, Signal.ROUTE_DRIFT, Course.RESPLIT, id="law 17: split anew"),
        pytest.param(Stage.STEPPING, Signal.ROUTE_CONTESTED, Course.FALL, id="law 17: three times"),
        pytest.param(Stage.PENDING, Signal.SCALED_TO_ZERO, Course.HOLD, id="case 51: nothing to release on"),
        pytest.param(Stage.STEPPING, Signal.PLAN_CHANGED, Course.REPLAN, id="case 47: from here on"),
    ],
)
def test_the_laws_stand_in_the_table(stage: Stage, signal: Signal, course: Course) -> None:
    """The pairs that a law or a case names."""
    assert MOVES[stage, signal] is course


@pytest.mark.parametrize(("pair", "course"), [pytest.param(*item, id=" ".join(item[0])) for item in MOVES.items()])
def test_what_leaves_has_an_end(pair: tuple[Stage, Signal], course: Course) -> None:
    """Each fall has the phase that it ends in; each mark is of an end that stays down."""
    signal = pair[1]
    assert (OUTCOMES.get(signal) in ENDED) == (signal in OUTCOMES)
    assert course not in LEAVES or signal in OUTCOMES
    assert signal not in MARKED or OUTCOMES[signal] in STAYS_DOWN


def test_the_table_has_a_row_for_each_signal() -> None:
    """One line for the head, one for the rule, one for each signal."""
    lines = moves.table().splitlines()
    assert lines[0] == f"| what happened | {' | '.join(Stage)} |"
    assert lines[1].count("---") == len(Stage) + 1
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == list(moves.ROWS)


def test_the_documentation_shows_the_table() -> None:
    """What people read is what rules."""
    assert moves.table() in DOCUMENT.read_text(encoding="utf-8")
