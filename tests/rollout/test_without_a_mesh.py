"""Whole releases by a Service's own selector, with every write of theirs refused or its answer lost (promise 6)."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from analysis.verdict import Verdict
from deploy import errors, kinds
from deploy.traffic import Json
from tests.rollout.a_shop import Shop, a_shop
from tests.rollout.building import a_judgement
from tests.rollout.small_cluster import Written

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


def writes_of(annotations: dict[str, str], judgement: Any) -> int:
    shop = released(annotations, judgement)
    shop.live(at_rest)
    return len(shop.cluster.writes)


def failing(place: int, failed: list[Written]) -> Callable[[Written], None]:
    """The write at this place, of all from now on, meets a server that does not answer."""
    count = iter(range(10_000))

    def fail(written: Written) -> None:
        if next(count) == place:
            failed.append(written)
            raise errors.Unreachable(f"{written} was not answered")

    return fail


STORIES = [
    pytest.param(annotations, judgement, end, place, id=f"{name} {place}")
    for name, annotations, judgement, end in (
        ("canary", CANARY, None, "Promoted"),
        ("bad canary", CANARY, BAD, "RolledBack"),
        ("blue-green", BLUE_GREEN, None, "Promoted"),
        ("bad blue-green", BLUE_GREEN, BAD, "RolledBack"),
    )
    for place in range(writes_of(annotations, judgement))
]


@pytest.mark.parametrize("done", [pytest.param(False, id="refused"), pytest.param(True, id="done, answer lost")])
@pytest.mark.parametrize(("annotations", "judgement", "end", "place"), STORIES)
def test_a_write_that_fails_leaves_the_next_look_to_finish(
    annotations: dict[str, str], judgement: Any, end: str, place: int, done: bool
) -> None:
    """Whichever write it is: the same end, and every Service as it was, with no preview left."""
    shop = released(annotations, judgement)
    failed: list[Written] = []
    before = services_of(shop)
    fail = failing(place, failed)
    shop.cluster.before, shop.cluster.after = (shop.cluster.before, fail) if done else (fail, shop.cluster.after)
    for _ in range(80):
        with contextlib.suppress(errors.Unreachable):
            shop.look()
        if failed and at_rest(shop):
            break
    for _ in range(3):
        shop.look()
    assert len(failed) == 1
    assert (shop.phases, services_of(shop)) == ([end], before)
    assert shop.cluster.list(kinds.DEPLOYMENT).items == [shop.deployment]
