"""`rampart status --watch` through a pipe: a line for each thing that happens, up to the end."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, cast

import pytest

from deploy import errors
from deploy.cluster import Cluster
from rollout.cli import follow, reading
from rollout.cli import status as status_command
from rollout.cli.follow import Heard
from rollout.cli.reading import Sight
from rollout.status import Phase
from tests.rollout.a_shop import Shop, a_shop, at_rest

LINE = re.compile(r"\d\d:\d\d:\d\d shop/web web-[0-9a-f]{10} (\w+): (.+)")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAMPART_PROMETHEUS_URL", "RAMPART_MESH"):
        monkeypatch.delenv(name, raising=False)


def given(**changes: Any) -> argparse.Namespace:
    values = {"namespace": "shop", "name": "web", "all_namespaces": False, "watch": True, "output": "table"}
    return argparse.Namespace(**{**values, "prometheus_url": None, "mesh": None, "every": 0.0, **changes})


def sight_of(shop: Shop) -> Sight:
    return reading.sight(cast(Cluster, shop.cluster), "shop", "web")


def watching(shop: Shop) -> Iterator[Sight]:
    """What a look after each look of the controller sees, up to the end."""
    while not at_rest(shop):
        shop.look()
        yield sight_of(shop)


def test_each_thing_that_happens_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """From the release's beginning to its end, in order, without a repeat and without a control code."""
    shop = a_shop()
    shop.change("v2")
    seen = watching(shop)

    def look() -> tuple[tuple[Sight, ...], bool]:
        sight = next(seen)
        return (sight,), status_command.is_over(sight)

    assert follow.follow(look, 0, "") == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    lines = printed.splitlines()
    assert len(set(lines)) == len(lines)
    reasons = [match[1] for line in lines if (match := LINE.fullmatch(line))]
    assert len(reasons) == len(lines)
    assert reasons[:2] == ["Pending", "Preparing"]
    assert reasons.count("Stepping") == 3
    assert reasons[-1] == "Promoted"
    assert reasons.count("Promoted") == 1


def test_the_end_is_whole_and_says_what_is_next(capsys: pytest.CaptureFixture[str]) -> None:
    """A release that is over is told at once, and the watch ends."""
    shop = a_shop()
    shop.change("v2")
    shop.live(lambda shop: bool(shop.phases) and shop.phases[-1] == Phase.STEPPING)
    shop.annotate(do="abort")
    shop.live(at_rest)
    shop.look()
    assert status_command.run(cast(Cluster, shop.cluster), given()) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert " Cancelled: Aborted: " in last
    assert last.endswith("it stays down: rampart retry -n shop web, or rampart revert -n shop web")


def test_a_held_template_is_a_line_until_its_release_begins() -> None:
    """And a change that no decision told is one, too."""
    shop = a_shop()
    shop.change("v2")
    lines, heard = follow.news(sight_of(shop), Heard())
    assert lines == ("shop/web release none yet; the template is held until its release begins",)
    assert follow.news(sight_of(shop), heard)[0] == ()
    shop.look()
    sight = sight_of(shop)
    lines, heard = follow.news(sight, heard)
    assert [line.partition(" shop/web ")[2] for line in lines] == [
        f"{shop.releases[0].name} Pending: until the controller's next look"
    ]
    assert follow.news(sight, heard)[0] == ()
    status = sight.releases[0].status.model_copy(update={"holding": "NoRequests", "message": "no\nrequests"})
    held = sight.releases[0].model_copy(update={"status": status})
    lines, _ = follow.news(Sight(sight.work, (held,)), heard)
    assert [line.partition(" shop/web ")[2] for line in lines] == [f"{held.name} {status.phase}: no requests"]


def test_a_server_that_is_away_is_said_once_and_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error; at the first look it is a failure."""
    shop = a_shop()
    answers: list[Any] = [((), False), errors.Unreachable("away"), errors.Busy("later"), ((sight_of(shop),), True)]

    def look() -> tuple[tuple[Sight, ...], bool]:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return cast(tuple[tuple[Sight, ...], bool], found)

    assert follow.follow(look, 0, "no release is in flight") == 0
    found = capsys.readouterr()
    assert found.out == "no release is in flight\nshop/web release none yet\n"
    assert found.err.count("looking again") == 1
    answers = [errors.Unreachable("away")]
    with pytest.raises(errors.Unreachable):
        follow.follow(look, 0, "")


def test_the_overview_follows_each_that_was_in_flight_to_its_end() -> None:
    """And has none of its own: a person ends it."""
    shop = a_shop()
    look = status_command.flights(cast(Cluster, shop.cluster), "shop")
    assert look() == ((), False)
    shop.change("v2")
    shop.live(lambda shop: bool(shop.releases))
    assert len([*look()[0]]) == 1
    shop.live(at_rest)
    (sight,), ended = look()
    assert (sight.in_flight, ended) == (None, False)


def test_programs_are_sent_to_other_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2."""
    assert status_command.run(cast(Cluster, a_shop().cluster), given(output="json")) == 2
    assert "rampart wait" in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    """As `head` does."""
    command = [sys.executable, "-m", "rollout", "simulate", "--errors", "5", "--rps", "50", "--runs", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(60) == 141
