"""Looks that ask the API server nothing: when one may go by what is remembered, and what ends that."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from analysis.errors import Fault
from analysis.verdict import Judgement, Verdict
from deploy import kinds, names
from deploy.cluster import JsonPatch, Listing
from deploy.kinds import Kind
from deploy.traffic import Json
from deploy.workload import Canary
from rollout import glances
from rollout.glances import Glances
from rollout.status import Phase
from rollout.views import Near, View
from tests.rollout.a_shop import Shop, a_shop
from tests.rollout.building import a_canary, a_judgement, a_plan, a_release, a_workload
from tests.rollout.small_cluster import SmallCluster

MEASURING = a_judgement(Verdict.HOLD, text="17 s of 60 s")
BAD = a_judgement(Verdict.FAIL, text="success rate 80 %")


@dataclass
class Counting(SmallCluster):
    """A cluster that counts what is asked."""

    asked: list[str] = field(default_factory=list)

    def find(self, kind: Kind, name: str, namespace: str | None = None) -> Json | None:
        self.asked.append(f"get {kind.kind}")
        return super().find(kind, name, namespace)

    def list(self, kind: Kind, namespace: str | None = None, labels: str = "") -> Listing:
        self.asked.append(f"list {kind.kind}")
        return super().list(kind, namespace, labels)

    def patch(
        self,
        kind: Kind,
        name: str,
        namespace: str | None,
        patch: Json | JsonPatch,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Json:
        self.asked.append(f"patch {kind.kind}")
        return super().patch(kind, name, namespace, patch, subresource, dry_run)


def stepping() -> Shop:
    """A release at a step, looked at until the next look may be a glance."""
    shop = a_shop(Counting())
    shop.change("v2")
    shop.judge.says = MEASURING
    shop.live(lambda it: it.phases[-1:] == ["Stepping"])
    shop.look()
    shop.look()
    asked(shop)
    return shop


def asked(shop: Shop) -> list[str]:
    """What was asked since this was asked last."""
    assert isinstance(shop.cluster, Counting)
    found, shop.cluster.asked = shop.cluster.asked, []
    return found


def test_a_look_at_a_step_that_decides_nothing_asks_nothing() -> None:
    """As long as nothing changes; the next look is planned as ever."""
    shop = stepping()
    assert [shop.look() for _ in range(3)] == [5.0] * 3
    assert asked(shop) == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda shop: shop.annotate(interval="90s"), id="the Deployment"),
        pytest.param(lambda shop: shop.share(plan={"interval": "90s"}), id="a policy of its namespace"),
        pytest.param(
            lambda shop: shop.cluster.edit(
                kinds.RELEASE, shop.releases[0].name, {"metadata": {"labels": {"seen": "true"}}}
            ),
            id="its Release",
        ),
        pytest.param(
            lambda shop: shop.cluster.edit(kinds.DEPLOYMENT, canary_of(shop), {"metadata": {"labels": {"a": "b"}}}),
            id="its canary",
        ),
    ],
)
def test_what_the_watches_bring_is_read(change: Any) -> None:
    """Whatever it is; then nothing is asked again."""
    shop = stepping()
    change(shop)
    shop.look()
    assert "get Deployment" in asked(shop)
    shop.look()
    shop.look()
    asked(shop)
    shop.look()
    assert asked(shop) == []


def canary_of(shop: Shop) -> str:
    found = [item for (kind, _), item in shop.cluster.objects.items() if kind == "Deployment"]
    return str(next(item["metadata"]["name"] for item in found if names.RELEASE in item["metadata"].get("labels", {})))


def test_an_act_is_decided_over_what_is_read_anew() -> None:
    """Promise 3: a verdict falls in the look that finds it, after everything was read once more."""
    shop = stepping()
    shop.judge.says = BAD
    shop.look()
    assert shop.weights == [("stable", 100)]
    assert {"list Release", "get Deployment", "list Pod"} <= set(asked(shop))


def test_what_a_memory_hides_is_not_written_over() -> None:
    """The step passes, and the memory does not know yet that a person said abort: the look that acts does."""
    shop = stepping()
    shop.late = shop.signs("shop", "web")
    shop.glances.forget("shop", "web")
    shop.look()
    assert shop.glances.recall("shop", "web") is not None
    shop.annotate(do="abort")
    shop.judge.says = a_judgement(Verdict.PASS)
    shop.look()
    assert shop.phases == ["RollingBack"]
    assert shop.weights == [("stable", 100)]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def a_view(phase: Phase = Phase.STEPPING, **changes: Any) -> View:
    release = a_release(phase, **changes)
    return View("shop", "web", {}, a_workload(), (), (release,))


def near(canary: Canary | None) -> Near:
    return Near(canary, a_plan(), "")


def test_a_glimpse_lasts_as_long_as_the_signs_and_half_a_minute() -> None:
    """The net under watches that lose something."""
    clock, signs = Clock(), {"web": 1}
    kept = Glances(lambda _, name: signs[name], clock)
    kept.keep(a_view(), near(a_canary()), 1)
    clock.now = 29.9
    assert kept.recall("shop", "web") is not None
    assert kept.recall("shop", "api") is None
    clock.now = 30.0
    assert kept.recall("shop", "web") is None
    kept.keep(a_view(), near(a_canary()), 1)
    signs["web"] = 2
    assert kept.recall("shop", "web") is None
    signs["web"] = 1
    assert kept.recall("shop", "web") is None
    kept.keep(a_view(), near(a_canary()), 1)
    kept.forget("shop", "web")
    assert kept.recall("shop", "web") is None


def test_without_signs_nothing_is_kept() -> None:
    """A watch that does not stand would bring nothing."""
    kept = Glances(lambda *_: None)
    kept.keep(a_view(), near(a_canary()), None)
    assert kept.recall("shop", "web") is None


@pytest.mark.parametrize(
    ("view", "canary", "steady"),
    [
        pytest.param(a_view(), a_canary(), True, id="at a step"),
        pytest.param(a_view(Phase.BAKING), a_canary(4), True, id="at full size"),
        pytest.param(a_view(Phase.PROMOTING), a_canary(4), False, id="the native roll-out is watched closely"),
        pytest.param(a_view(Phase.ROLLING_BACK), a_canary(), False, id="falling"),
        pytest.param(a_view(base="web-v1"), a_canary(), False, id="it stands on another's canary"),
        pytest.param(replace(a_view(), releases=()), a_canary(), False, id="at rest"),
        pytest.param(replace(a_view(), is_side=True), a_canary(), False, id="of a pair"),
        pytest.param(a_view(), None, False, id="no canary"),
        pytest.param(a_view(), a_canary(4, 3), False, id="a pod is not ready: it may say why"),
        pytest.param(a_view(), a_canary(0), False, id="it has no pods"),
        pytest.param(a_view(), a_canary(dead="crash"), False, id="dead"),
        pytest.param(a_view(), a_canary(waiting="pull"), False, id="waiting"),
        pytest.param(a_view(), a_canary(deleting=True), False, id="being deleted"),
    ],
)
def test_only_what_the_watches_tell_of_whole_is_kept(view: View, canary: Canary | None, steady: bool) -> None:
    """Pods are not watched: they have nothing to say only while all of them are ready."""
    assert glances.is_steady(view, near(canary)) is steady


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param(a_judgement(Verdict.FAIL), "SuccessRateLow", id="promise 3: a verdict"),
        pytest.param(a_judgement(Verdict.NO_DATA, Fault.UNREACHABLE), "PrometheusUnreachable", id="promise 4: no data"),
    ],
)
def test_a_late_answer_is_acted_on_by_the_look_that_got_it(said: Judgement, reason: str) -> None:
    """A judge that takes long answers once: the live look in a glance's stead goes by the same word."""
    shop = stepping()
    assert shop.glances.recall("shop", "web") is not None
    shop.judge.late = [said]
    shop.look()
    assert reason in shop.reasons
