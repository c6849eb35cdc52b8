"""The card of a release that is over says what is true now, and what was."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import pytest
from rich.console import Console

from deploy import kinds, names
from deploy.cluster import Cluster
from rollout.cli import card, past, reading, rows
from rollout.cli.reading import Sight
from rollout.status import Phase, Release, Status
from tests.rollout.a_shop import Shop, a_shop, at_rest
from tests.rollout.building import START, a_plan, a_release, after
from tests.rollout.pair.a_pair_shop import a_pair_shop

PAIR = "web-v2"


def sight_of(shop: Shop, name: str = "web") -> Sight:
    return reading.sight(cast(Cluster, shop.cluster), "shop", name)


def drawn(shop: Shop, name: str = "web") -> dict[str, str]:
    """The card's rows by their labels, three hours after the shop opened; decisions by their reasons."""
    console = Console(width=400, color_system=None)
    with console.capture() as capture:
        console.print(card.card(sight_of(shop, name), None, after(3 * 3600)))
    head, *lines = capture.get().splitlines()
    return {"head": head} | {line[2:12].strip(): line[12:].strip() for line in lines}


def begun(shop: Shop) -> bool:
    """A second step has begun, and is judged."""
    return bool(shop.releases) and shop.releases[-1].status.step_text == "2/4"


def ended(shop: Shop, wish: str = "", enough: Callable[[Shop], bool] = begun) -> Shop:
    """A release of v2 that ran until it was enough, then was wished for, and has ended."""
    shop.change("v2")
    shop.live(enough)
    shop.look()
    if wish:
        shop.annotate(do=wish)
    shop.live(at_rest)
    shop.look()
    return shop


def test_a_release_that_was_taken_back_shows_where_and_that_traffic_is_on_stable() -> None:
    """Not the share that was last seen, nor a weight that is wished."""
    shop = ended(a_shop(), "abort")
    stable = next(item.digest for item in sight_of(shop).revisions if item.replicas)
    found = drawn(shop)
    assert found["head"] == f"shop/web  {shop.releases[0].name}  Cancelled"
    assert found["traffic"] == f"all on stable (template {stable}), none on the new version"
    assert found["steps"] == "● 5 ── ✘ 25 ── ○ 50 ── ○ 100 %"
    assert found["ended"].startswith("2026-01-01 00:")
    assert " UTC, 2h5" in found["ended"]
    assert found["why"].startswith("Aborted: ")
    assert "do=retry" not in found["why"]
    assert found["next"] == "it stays down: rampart retry -n shop web, or rampart revert -n shop web"
    assert not {"weight", "since", "waits for", "canary"} & found.keys()


def test_a_promoted_release_has_all_steps_behind_it_and_all_traffic() -> None:
    """Until the Deployment runs something else."""
    shop = ended(a_shop(), "promote")
    found = drawn(shop)
    assert found["traffic"] == "all on the new version"
    assert found["steps"] == "● 5 ── ● 25 ── ● 50 ── ● 100 %"
    assert "is promoted after" in found["why"]
    assert "next" not in found
    shop.change("v3")
    assert drawn(shop)["next"] == "another template is held until its release begins"
    shop.annotate(strategy=None, held=None)
    shop.cluster.edit(kinds.DEPLOYMENT, "web", {"spec": {"paused": False}})
    shop.cluster.tick()
    later = next(item.digest for item in sight_of(shop).revisions if item.replicas)
    assert drawn(shop)["traffic"] == f"all on template {later}, which the Deployment runs since; none on this version"


def test_a_template_that_rolled_out_natively_has_the_traffic() -> None:
    """Whatever became of its release; half way, by numbers of pods."""
    shop = ended(a_shop(), "abort")
    shop.cluster.rolls = False
    shop.annotate(strategy=None, held=None)
    shop.cluster.edit(kinds.DEPLOYMENT, "web", {"spec": {"paused": False}})
    shop.cluster.tick()
    assert drawn(shop)["traffic"].endswith("by their number: the Deployment rolls out natively")
    shop.cluster.rolls = True
    shop.cluster.tick()
    assert drawn(shop)["traffic"] == "all on the new version, which runs natively"
    for key in [key for key in shop.cluster.objects if key[0] == "ReplicaSet"]:
        shop.cluster.objects[key]["spec"]["replicas"] = 0
    assert drawn(shop)["traffic"] == "none: no pod runs"


def test_what_comes_next_goes_with_the_template() -> None:
    """Down, put back, or left paused to its owner."""
    shop = ended(a_shop(), "abort")
    shop.annotate(do="revert")
    shop.look()
    shop.look()
    assert "next" not in drawn(shop)
    left = ended(a_shop())
    left.change("v3")
    left.annotate(held="left", strategy=None)
    assert drawn(left)["next"] == "the template stays paused, to be resumed by its owner"
    other = ended(a_shop())
    other.change("v3")
    other.annotate(failed=sight_of(other).work.digest)
    assert drawn(other)["next"] == "the present template failed before and stays down; see: rampart history"


def test_a_pairs_card_names_the_side_with_the_traffic() -> None:
    """Of a promoted one the new side, of one that was taken back the old side."""
    shop = a_pair_shop()
    shop.live(lambda shop: bool(shop.releases) and shop.releases[-1].status.step_text == "2/3")
    shop.cluster.edit(kinds.DEPLOYMENT, PAIR, {"metadata": {"annotations": {names.DO: "abort"}}})
    shop.live(at_rest)
    found = drawn(shop, PAIR)
    assert found["traffic"] == "all on web-v1, none on web-v2"
    assert found["steps"] == "● 20 ── ✘ 50 ── ○ 100 %"
    assert found["next"] == "it stays down: rampart retry -n shop web-v2"
    promoted = a_pair_shop()
    promoted.live(at_rest)
    assert drawn(promoted, "web-v1")["traffic"] == "all on web-v2, none on web-v1"


def over(**status: Any) -> Release:
    return a_release(Phase.ROLLED_BACK, **{"weight": Decimal(0), **status})


@pytest.mark.parametrize(
    ("release", "text"),
    [
        pytest.param(over(reached="1/4"), "✘ 5 ── ○ 25 ── ○ 50 ── ○ 100 %", id="at the first"),
        pytest.param(over(reached="4/4"), "● 5 ── ● 25 ── ● 50 ── ✘ 100 %", id="in the bake"),
        pytest.param(over(since=None), "○ 5 ── ○ 25 ── ○ 50 ── ○ 100 %  (no step had begun)", id="before any"),
        pytest.param(
            over(), "○ 5 ── ○ 25 ── ○ 50 ── ○ 100 %  (how far it came was not recorded)", id="an older version's"
        ),
        pytest.param(
            over(reached="2/9"),
            "○ 5 ── ○ 25 ── ○ 50 ── ○ 100 %  (taken back at step 2 of 9, before the plan was changed)",
            id="an edited plan",
        ),
        pytest.param(a_release(Phase.ROLLING_BACK, reached="2/4"), "● 5 ── ✘ 25 ── ○ 50 ── ○ 100 %", id="falling"),
        pytest.param(a_release(Phase.REVERTED, weight=Decimal(100)), "● 5 ── ● 25 ── ● 50 ── ● 100 %", id="late"),
        pytest.param(a_release(Phase.PREPARING), "○ 5 ── ○ 25 ── ○ 50 ── ○ 100 %", id="preparing"),
        pytest.param(a_release(weight=Decimal(25)), "● 5 ── ◉ 25 ── ○ 50 ── ○ 100 %", id="in flight"),
        pytest.param(
            over(reached="2/3", plan=a_plan(steps="header:x-canary=1,50")),
            "● header:x-canary=1 ── ✘ 50 ── ○ 100 %",
            id="a header step",
        ),
    ],
)
def test_the_bar_marks_what_is_behind_and_where_it_fell(release: Release, text: str) -> None:
    """Where nobody noted it, the bar says so."""
    assert rows.bar(release).plain == text


def test_the_last_judgement_is_shown_as_such() -> None:
    """With its limits, and the evidence."""
    shop = ended(a_shop(), "abort")
    judged: Any = {
        "success": "98.20 %",
        "latency": "31 ms",
        "evidence": "12 of 100",
        "started": START,
        "ended": after(9),
    }
    release = shop.releases[0].model_copy(update={"status": Status(phase=Phase.ROLLED_BACK, **judged)})
    text = [line.plain for line in past.lines(sight_of(shop), release, after(10))]
    assert "  judged    98.20 %, 31 ms at the last look (asked for: at least 99 %)" in text
    assert "  evidence  12 of 100 against it (100 convicts)" in text
    assert "  ended     2026-01-01 00:00:09 UTC, 1s ago, after 9s" in text
