"""What people and programs see: status, list and history."""

import argparse
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
import yaml
from rich.console import Console

from analysis import meshes, outcome
from deploy import errors, kinds
from deploy.cluster import Cluster, Listing
from deploy.kinds import Kind
from rollout import words
from rollout.cli import absent, card, listing, measuring, output, reading
from rollout.cli import status as status_command
from rollout.cli.card import Both, Measured
from rollout.status import Phase
from tests.rollout.a_shop import Shop, a_shop, at_rest
from tests.rollout.building import START
from tests.rollout.small_cluster import SmallCluster


def given(**changes: Any) -> argparse.Namespace:
    values = {"namespace": "shop", "name": "web", "all_namespaces": False, "watch": False, "output": "table"}
    return argparse.Namespace(**{**values, "prometheus_url": None, "mesh": None, "every": 0.0, **changes})


def call(shop: Shop, command: Callable[[Cluster, argparse.Namespace], int], **changes: Any) -> int:
    return command(cast(Cluster, shop.cluster), given(**changes))


def stepping() -> Shop:
    shop = a_shop()
    shop.change("v2")
    shop.live(lambda shop: bool(shop.phases) and shop.phases[-1] == Phase.STEPPING)
    return shop


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAMPART_PROMETHEUS_URL", "RAMPART_MESH"):
        monkeypatch.delenv(name, raising=False)


def test_a_card_shows_steps_weight_numbers_and_what_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    """One release, for people; without colour where nobody has a terminal."""
    shop = stepping()
    shop.look()
    assert call(shop, status_command.run) == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert f"shop/web  {shop.releases[0].name}  Stepping" in text
    assert "● 5 ── ◉ 25 ── ○ 50 ── ○ 100 %" in text
    assert "wished 25 %" in text
    assert "asked for: at least 99 %" in text
    assert "waits for" in text


def test_both_versions_are_shown_where_prometheus_is_asked() -> None:
    """The canary beside stable; a silent Prometheus is said."""
    sight = reading.sight(cast(Cluster, stepping().cluster), "shop", "web")
    both = Both(Measured("99.00 %", "12 ms", "100 requests"), Measured("99.50 %", "11 ms", "900 requests"))
    text = drawn(sight, both)
    assert "canary    99.00 %, 12 ms, 100 requests (asked for" in text
    assert "stable    99.50 %, 11 ms, 900 requests" in text
    assert "stable    Prometheus is away" in drawn(sight, Both(fault="Prometheus is away"))


def drawn(sight: reading.Sight, both: Both | None) -> str:
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(card.card(sight, both, START))
    return capture.get()


def test_a_failed_release_says_what_a_person_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Retry, or revert."""
    shop = stepping()
    shop.annotate(do="abort")
    shop.live(at_rest)
    shop.look()
    call(shop, status_command.run)
    assert "it stays down: rampart retry -n shop web, or rampart revert -n shop web" in capsys.readouterr().out
    call(shop, listing.list_all)
    assert "StaysDown" in capsys.readouterr().out


def test_a_card_names_commands_where_the_controller_names_annotations(capsys: pytest.CaptureFixture[str]) -> None:
    """A person before the command line has these at hand."""
    shop = stepping()
    shop.annotate(do="pause")
    shop.look()
    for name in ("web", None):
        call(shop, status_command.run, name=name)
        assert "to go on: rampart resume" in capsys.readouterr().out.replace("\n", " ")
    assert reading.spoken("do=retry, do=something, undo=abort") == "rampart retry, do=something, undo=abort"


def test_a_deployment_without_releases_says_how_to_opt_in(capsys: pytest.CaptureFixture[str]) -> None:
    """If it is not."""
    shop = a_shop()
    call(shop, status_command.run)
    assert capsys.readouterr().out.endswith("release   none yet\n")
    shop.annotate(strategy=None)
    call(shop, status_command.run)
    assert "none: not opted in: kubectl -n shop annotate deployment web rampart.dev/strategy=canary" in (
        capsys.readouterr().out
    )


def test_programs_get_the_whole_status(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON and YAML say the same; what only the controller reads is left out."""
    shop = stepping()
    for name in ("web", None):
        call(shop, status_command.run, name=name, output="json")
        from_json = json.loads(capsys.readouterr().out)
        call(shop, status_command.run, name=name, output="yaml")
        assert yaml.safe_load(capsys.readouterr().out) == from_json
    assert from_json[0]["phase"] == "Stepping"
    assert from_json[0]["plan"]["steps"] == "5,25,50"
    assert "saved" not in from_json[0]


def test_the_overview_lists_what_is_in_flight(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each."""
    call(stepping(), status_command.run, name=None)
    head, line = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["NAMESPACE", "DEPLOYMENT", "RELEASE", "PHASE"]
    assert line.split()[:2] == ["shop", "web"]
    call(a_shop(), status_command.run, name=None)
    assert "no release is in flight in namespace shop" in capsys.readouterr().out


def test_history_is_newest_first(capsys: pytest.CaptureFixture[str]) -> None:
    """With its ends."""
    shop = stepping()
    shop.live(at_rest)
    shop.change("v3")
    shop.live(lambda shop: len(shop.phases) == 2)
    call(shop, listing.history)
    _, newest, oldest = capsys.readouterr().out.splitlines()
    assert "Promoted" in oldest
    assert "Promoted" not in newest
    call(shop, listing.history, output="json")
    assert [item["deployment"] for item in json.loads(capsys.readouterr().out)] == ["web", "web"]


def past(shop: Shop, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of the history, the newest first."""
    call(shop, listing.history)
    return capsys.readouterr().out.splitlines()[1:]


def test_history_says_what_to_do_only_where_that_makes_sense(capsys: pytest.CaptureFixture[str]) -> None:
    """While the template stays down; not once it changed, or was tried again."""
    shop = stepping()
    shop.annotate(do="abort")
    shop.live(at_rest)
    shop.look()
    hint = "; it stays down: rampart retry -n shop web, or rampart revert -n shop web"
    (first,) = past(shop, capsys)
    assert first.endswith(hint)
    call(shop, listing.list_all)
    assert capsys.readouterr().out.rstrip().endswith(hint)
    shop.annotate(do="retry")
    shop.live(lambda shop: len(shop.releases) == 2 and shop.phases[-1] == Phase.STEPPING)
    assert not any("rampart retry" in line or "do=retry" in line for line in past(shop, capsys))
    shop.annotate(do="abort")
    shop.live(at_rest)
    shop.look()
    assert [line.endswith(hint) for line in past(shop, capsys)] == [True, False]
    shop.change("v3")
    assert not any("retry" in line for line in past(shop, capsys))


class Veiled(SmallCluster):
    """Deployments may not be listed."""

    def list(self, kind: Kind, namespace: str | None = None, labels: str = "") -> Listing:
        if kind is kinds.DEPLOYMENT:
            raise errors.Forbidden("may not")
        return super().list(kind, namespace, labels)


def test_history_needs_no_right_to_list_deployments(capsys: pytest.CaptureFixture[str]) -> None:
    """Its advice does."""
    shop = stepping()
    shop.annotate(do="abort")
    shop.live(at_rest)
    shop.look()
    shop.cluster = Veiled(objects=shop.cluster.objects)
    (line,) = past(shop, capsys)
    assert "a person asked to abort" in line
    assert "retry" not in line


def test_a_line_for_a_pipe_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """However long it is; and it has no spaces behind it."""
    output.show(output.table(("NAME", "MESSAGE"), [("web", "word " * 200 + "end"), ("api", "short")]))
    head, first, second = capsys.readouterr().out.splitlines()
    assert (head, second) == ("NAME   MESSAGE", "api    short")
    assert first.endswith("word end")


def test_only_the_beginning_of_the_way_on_is_cut_as_well() -> None:
    """A status keeps 240 characters of a message."""
    shop = stepping()
    for kept in ("; the", words.WAYS_ON[:40], words.WAYS_ON):
        told = shop.releases[0].status.model_copy(update={"message": f"it was bad{kept}"})
        assert reading.cause(shop.releases[0].model_copy(update={"status": told})) == "it was bad"


def test_nothing_to_list_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """With what can be done; what is not there is no empty list."""
    shop = a_shop()
    call(shop, listing.history)
    assert capsys.readouterr().out == "no release of web is kept in namespace shop\n"
    for command in (listing.history, status_command.run):
        with pytest.raises(absent.Absent, match="there is no namespace nosuch"):
            call(shop, command, name=None, namespace="nosuch")
    with pytest.raises(absent.Absent, match="there is no Deployment wbe in namespace shop; the nearest is web"):
        call(shop, listing.history, name="wbe")
    shop.annotate(strategy=None)
    call(shop, listing.list_all)
    assert "no Deployment in namespace shop is opted in; to opt one in: kubectl annotate" in capsys.readouterr().out


def test_the_list_says_how_each_deployment_is(capsys: pytest.CaptureFixture[str]) -> None:
    """At rest, held, in flight, left paused."""
    shop = a_shop()

    def state() -> str:
        call(shop, listing.list_all, output="json")
        found: str = json.loads(capsys.readouterr().out)[0]["state"]
        return found

    assert state() == "AtRest"
    shop.change("v2")
    assert state() == "Held"
    shop.live(lambda shop: bool(shop.phases) and shop.phases[-1] == Phase.STEPPING)
    assert state() == "Stepping"
    shop.annotate(strategy=None)
    shop.live(at_rest)
    assert state() == "LeftPaused"


def test_numbers_of_both_legs_come_from_one_question() -> None:
    """What Prometheus answers, in words; without traffic there are none."""
    shop = stepping()
    shop.look()
    release = shop.releases[0]
    canary = f"web-canary-{release.spec.revision}"

    def ask(promql: str, at: object) -> outcome.Answer:
        def row(workload: str, counted: str, value: float) -> outcome.Row:
            return outcome.Row({"destination_workload": workload, "counted": counted}, value)

        return outcome.Table((row(canary, "requests", 200), row(canary, "failures", 1), row("web", "requests", 0)))

    found = measuring.both(release, ask, meshes.ISTIO, shop.clock)
    assert found == Both(Measured("99.50 %", "", "200 requests"), Measured())
    broken = outcome.Broken("Unreachable", "Prometheus is away")  # type: ignore[arg-type]
    silent = measuring.both(release, lambda promql, at: broken, meshes.ISTIO, shop.clock)
    assert silent == Both(fault="Prometheus is away")


def test_colour_needs_a_terminal_and_no_objection(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is honoured."""
    assert output.console().is_terminal is False
    monkeypatch.setenv("NO_COLOR", "1")
    assert Console(force_terminal=True).no_color
