"""The demo's picture: on a small terminal too the newest Events are seen, and each act begins with none."""

import io

import pytest
from rich.console import Console
from rich.live import Live

from sandbox.demo import screen
from sandbox.demo.scene import Moment, Share

SHARES = (Share("v1", 95, 100), Share("v2", 5, 100))
LONG = "Normal  Stepping: 5 % passed: success rate 100 % of 150 requests in 60 s, at least 99 %; 25 % to the canary"


def a_moment(*news: str, shares: tuple[Share, ...] = SHARES) -> Moment:
    return Moment(12.0, "Stepping", "2/4", "25", shares, news)


def a_console(width: int = 80, height: int = 24) -> Console:
    return Console(width=width, height=height, file=io.StringIO(), record=True, force_terminal=True)


@pytest.mark.parametrize(
    ("width", "height", "least"),
    [
        pytest.param(80, 24, 7, id="a terminal's usual size"),
        pytest.param(200, 50, 8, id="a large one: the last eight"),
        pytest.param(40, 12, 1, id="a tiny one: the last"),
    ],
)
def test_the_newest_events_are_seen(width: int, height: int, least: int) -> None:
    """Nothing is cut at the bottom, where the newest stand."""
    console = a_console(width, height)
    events = [f"  {number} s  {LONG} {number}" for number in range(12)][-screen.SHOWN_EVENTS :]
    console.print(screen.drawn(a_moment(), "A good version", events, console))
    lines = console.export_text().splitlines()
    assert len(lines) < height or height < 15
    shown = [number for number in range(12) if any(f" {number} s  Normal" in line for line in lines)]
    assert shown[-1] == 11
    assert shown == list(range(shown[0], 12))
    assert len(shown) >= least


def test_a_new_act_begins_without_the_last_ones_events() -> None:
    console = a_console(120, 40)
    with Live(console=console, auto_refresh=False) as live:
        picture = screen.Picture(live)
        picture.say("A good version")
        picture.show(a_moment("Normal  Promoted: v2"))
        assert "Promoted: v2" in text_of(live)
        picture.say("A bad version")
        picture.show(a_moment())
        assert "Promoted: v2" not in text_of(live)
        assert "no Events yet" in text_of(live)


def text_of(live: Live) -> str:
    console = a_console(120, 40)
    console.print(live.renderable)
    return console.export_text()
