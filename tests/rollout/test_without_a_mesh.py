"""Whole releases by a Service's own selector, with every write of theirs refused or its answer lost (promise 6)."""

from typing import Any

import pytest

from analysis.verdict import Verdict
from deploy import kinds
from deploy.traffic import Json
from tests.rollout import interrupted
from tests.rollout.a_shop import Shop, a_shop
from tests.rollout.building import a_judgement

CANARY = {"steps": "25,50"}
BLUE_GREEN = {"strategy": "blue-green"}
BAD = a_judgement(Verdict.FAIL)


def released(annotations: dict[str, str], judgement: Any) -> Shop:
    shop = a_shop()
    del shop.cluster.objects["VirtualService", "web"]
    shop.annotate(router="service", **annotations)
    shop.judge.says = judgement or shop.judge.says
    shop.change("v2")
    return shop


def services_of(shop: Shop) -> dict[str, Json]:
    """Every Service, as its owner sees it."""
    found = shop.cluster.list(kinds.SERVICE).items
    return {item["metadata"]["name"]: {**item["spec"], **(item["metadata"].get("annotations") or {})} for item in found}


def at_rest(shop: Shop) -> bool:
    return bool(shop.phases) and shop.phases[-1] in ("Promoted", "RolledBack")


STORIES = [
    pytest.param(annotations, judgement, end, place, id=f"{name} {place}")
    for name, annotations, judgement, end in (
        ("canary", CANARY, None, "Promoted"),
        ("bad canary", CANARY, BAD, "RolledBack"),
        ("blue-green", BLUE_GREEN, None, "Promoted"),
        ("bad blue-green", BLUE_GREEN, BAD, "RolledBack"),
    )
    for place in range(interrupted.count_writes(released(annotations, judgement), at_rest))
]


@pytest.mark.parametrize("done", interrupted.HOW)
@pytest.mark.parametrize(("annotations", "judgement", "end", "place"), STORIES)
def test_a_write_that_fails_leaves_the_next_look_to_finish(
    annotations: dict[str, str], judgement: Any, end: str, place: int, done: bool
) -> None:
    """Whichever write it is: the same end, and every Service as it was, with no preview left."""
    shop = released(annotations, judgement)
    before = services_of(shop)
    interrupted.live_through(shop, place, done, at_rest)
    assert (shop.phases, services_of(shop)) == ([end], before)
    assert shop.cluster.list(kinds.DEPLOYMENT).items == [shop.deployment]
