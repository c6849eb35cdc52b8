"""Whole releases over TrafficSplits, in a small cluster: what stands there after its looks."""

from typing import Any

import pytest

from analysis.verdict import Verdict
from deploy import backends, kinds
from deploy.traffic import Json
from tests.rollout import interrupted
from tests.rollout.a_shop import Shop, a_shop, at_rest
from tests.rollout.building import a_judgement

BAD = a_judgement(Verdict.FAIL, text="success rate 80 %")
LEFT = {"Deployment", "ReplicaSet", "Service", "TrafficSplit", "Release"}
SPLIT: Json = {"service": "web", "backends": [{"service": "web", "weight": 80}, {"service": "old", "weight": 20}]}


def released(judgement: Any = None, split: Json | None = SPLIT) -> Shop:
    """A shop with Linkerd's kinds alone, in which v2 was written."""
    shop = a_shop()
    del shop.cluster.objects["VirtualService", "web"]
    shop.cluster.served = frozenset({"TrafficSplit", "ServiceProfile"})
    shop.cluster.edit(kinds.SERVICE, "web", {"spec": {"ports": [{"port": 80}]}})
    if split is not None:
        shop.cluster.seed(kinds.TRAFFIC_SPLIT, "web", spec=split)
    shop.change("v2")
    shop.judge.says = judgement or shop.judge.says
    return shop


def weights(shop: Shop, name: str = "web") -> list[tuple[str, int]]:
    entries = shop.cluster.get(kinds.TRAFFIC_SPLIT, name)["spec"]["backends"]
    return [(role(entry["service"]), entry["weight"]) for entry in entries]


def role(name: str) -> str:
    return name.split("-")[2] if "-rampart-" in name else name


def test_a_good_template_is_promoted_and_nothing_of_ours_is_left() -> None:
    """The user's backend is split by steps, the other one stays, and all is put back."""
    shop, seen = released(), list[list[tuple[str, int]]]()
    while not at_rest(shop):
        shop.look()
        if not seen or seen[-1] != weights(shop):
            seen.append(weights(shop))
    old = ("old", 20)
    assert seen[0] == seen[-1] == [("web", 80), old]
    steps = [found for found in seen if [name for name, _ in found] == ["stable", "canary", "old"]]
    assert [dict(found)["canary"] for found in steps] == [0, 4, 20, 40, 80]
    assert all(found[-1] == old for found in steps)
    assert (shop.phases, shop.releases[0].status.router) == (["Promoted"], "smi")
    assert shop.cluster.get(kinds.TRAFFIC_SPLIT, "web")["spec"] == SPLIT
    assert {kind for kind, _ in shop.cluster.objects} == LEFT
    assert [name for kind, name in shop.cluster.objects if kind == "Service"] == ["web"]


def test_the_judge_is_told_the_services_of_the_legs() -> None:
    """By which some meshes count."""
    shop = released()
    shop.live(lambda found: bool(found.judge.asked or found.judge.weighed))
    asked = shop.judge.asked[0]
    release = shop.releases[0]
    stable = release.status.stable[0].pin
    assert asked.services == (backends.name("web", release.pin), backends.name("web", stable))


def test_without_a_split_a_temporary_one_comes_and_goes() -> None:
    """Zero is written before any pod of the new version is made."""
    shop = released(split=None)
    shop.live(lambda found: ("TrafficSplit", "web-rampart") in found.cluster.objects)
    assert weights(shop, "web-rampart") == [("stable", 100), ("canary", 0)]
    assert [kind for kind, _ in shop.cluster.objects if kind == "Pod"] == []
    shop.live(at_rest)
    assert shop.phases == ["Promoted"]
    assert {kind for kind, _ in shop.cluster.objects} == LEFT - {"TrafficSplit"}


@pytest.mark.parametrize("done", interrupted.HOW)
@pytest.mark.parametrize(
    ("judgement", "place", "end"),
    [
        *(
            pytest.param(None, place, "Promoted", id=f"good {place}")
            for place in range(interrupted.count_writes(released()))
        ),
        *(
            pytest.param(BAD, place, "RolledBack", id=f"bad {place}")
            for place in range(interrupted.count_writes(released(BAD)))
        ),
    ],
)
def test_a_write_that_fails_leaves_the_next_look_to_finish(judgement: Any, place: int, end: str, done: bool) -> None:
    """Promise 6: whichever write it is, and whether or not it was done, the end is the same."""
    shop = released(judgement)
    interrupted.live_through(shop, place, done)
    assert (shop.phases, {kind for kind, _ in shop.cluster.objects}) == ([end], LEFT)
    assert shop.cluster.get(kinds.TRAFFIC_SPLIT, "web")["spec"] == SPLIT
    assert [name for kind, name in shop.cluster.objects if kind == "Service"] == ["web"]
