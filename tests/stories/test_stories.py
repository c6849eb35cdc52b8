"""Whole releases through the real `decide`: each story's transcript is reviewed as prose, and survives every kill."""

import os
from pathlib import Path

import pytest

from deploy import names
from deploy.hold import Mode
from rollout.status import Phase
from tests.stories.tales import TALES, Tale
from tests.stories.world import World, play

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(TALES)


def golden(name: str) -> Path:
    return GOLDEN / f"{name.replace(',', '').replace(' ', '-')}.txt"


def ends(world: World) -> tuple[Phase, ...]:
    return tuple(item.status.phase for item in world.releases)


def check_rest(world: World, tale: Tale) -> None:
    """Nothing of ours is left, and the right version serves (promise 7)."""
    assert ends(world) == tale.ends
    assert world.split is None
    assert world.legs == frozenset()
    assert world.canaries == {}
    assert world.preview is None
    serving = {pods.digest for pods in world.sets.values() if pods.replicas}
    assert serving == ({tale.running} if tale.running else set())
    rests_paused = world.mode is Mode.PAUSE and names.STRATEGY in world.annotations
    assert tale.paused in (None, world.paused or not world.exists) or rests_paused
    assert world.paused or not rests_paused or not world.exists
    assert names.DO not in world.annotations or not world.exists


@pytest.mark.parametrize("name", NAMES)
def test_story_reads_as_it_did(name: str) -> None:
    """The transcript of the story is the reviewed one; `make stories` writes it anew."""
    tale = TALES[name]
    world = tale.world()
    text = "\n".join(play(world, tale.happens, tale.until)) + "\n"
    if os.environ.get("STORIES") == "write":
        golden(name).write_text(text)
    assert text == golden(name).read_text()
    check_rest(world, tale)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("name", NAMES)
def test_story_ends_alike_when_killed_before_any_act(name: str, mode: Mode) -> None:
    """Killed before each of its acts in turn, the controller comes to the same end (promise 6)."""
    tale = TALES[name]
    whole = tale.world(mode)
    play(whole, tale.happens, tale.until)
    check_rest(whole, tale)
    for moment in range(whole.acts):
        world = tale.world(mode)
        world.kill_before = moment
        play(world, tale.happens, tale.until + 60)
        check_rest(world, tale)


def test_every_golden_transcript_has_its_story() -> None:
    """A transcript without a story would be read and never checked."""
    assert {path.name for path in GOLDEN.glob("*.txt")} == {golden(name).name for name in NAMES}
