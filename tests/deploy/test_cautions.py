"""What is said at opt-in about the objects beside a Deployment."""

from typing import Any

import pytest

from deploy import cautions, workload
from deploy.cautions import Beside
from deploy.traffic import Json

LABELS = {"app": "web", "tier": "front"}


def a_work(**pod_spec: Any) -> workload.Workload:
    template = {"metadata": {"labels": LABELS}, "spec": pod_spec}
    metadata = {"namespace": "shop", "name": "web", "uid": "u", "resourceVersion": "1"}
    return workload.read({"metadata": metadata, "spec": {"template": template}})


def a_thing(**spec: Any) -> Json:
    return {"metadata": {"namespace": "shop", "name": "x"}, "spec": spec}


def a_scaler(kind: str, target: str, name: str = "web") -> Json:
    metric = {"type": kind, kind.lower(): {"target": {"type": target, "value": "10"}}}
    return a_thing(scaleTargetRef={"kind": "Deployment", "name": name}, metrics=[metric])


def a_budget(selector: Json | None, **more: Any) -> Json:
    return a_thing(selector=selector, **more)


MINE = {"matchLabels": {"app": "web"}}


@pytest.mark.parametrize(
    ("beside", "sentence"),
    [
        pytest.param(
            Beside(claims=[a_thing(accessModes=["ReadWriteOnce"])]),
            "PersistentVolumeClaim shop/x is ReadWriteOnce: canary pods on another node wait",
            id="volume of one node",
        ),
        pytest.param(
            Beside(autoscalers=[a_scaler("External", "Value")]),
            "HorizontalPodAutoscaler shop/x scales by External metrics with a target of type Value",
            id="external value",
        ),
        pytest.param(Beside(autoscalers=[a_scaler("Object", "Value")]), "scales by Object metrics", id="object value"),
        pytest.param(
            Beside(budgets=[a_budget(MINE, minAvailable=2)]),
            "PodDisruptionBudget shop/x has minAvailable: 2, which canary pods meet too",
            id="integer budget",
        ),
    ],
)
def test_what_behaves_otherwise_in_a_release_is_said(beside: Beside, sentence: str) -> None:
    """One sentence with the object's name and what would be better."""
    found = cautions.find(a_work(), beside)
    assert len(found) == 1
    assert sentence in found[0]


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param(Beside(), id="nothing"),
        pytest.param(Beside(claims=[a_thing(accessModes=["ReadWriteOnce", "ReadWriteMany"])]), id="shared volume"),
        pytest.param(Beside(claims=[{"metadata": {"namespace": "shop", "name": "x"}}]), id="claim without modes"),
        pytest.param(Beside(autoscalers=[a_scaler("External", "AverageValue")]), id="average"),
        pytest.param(Beside(autoscalers=[a_scaler("Resource", "Utilization")]), id="usage of the pods"),
        pytest.param(Beside(autoscalers=[a_scaler("External", "Value", "other")]), id="another's autoscaler"),
        pytest.param(Beside(budgets=[a_budget(MINE, minAvailable="50%")]), id="percent"),
        pytest.param(Beside(budgets=[a_budget(MINE, maxUnavailable=1)]), id="max unavailable"),
        pytest.param(Beside(budgets=[a_budget(None, minAvailable=1)]), id="no selector"),
        pytest.param(Beside(budgets=[a_budget({"matchLabels": {"app": "x"}}, minAvailable=1)]), id="another's budget"),
    ],
)
def test_what_goes_well_is_not_said(beside: Beside) -> None:
    """Silence where nothing needs attention."""
    assert cautions.find(a_work(), beside) == ()


@pytest.mark.parametrize(
    ("rule", "taken"),
    [
        ({"operator": "In", "key": "app", "values": ["web", "x"]}, True),
        ({"operator": "In", "key": "app", "values": ["x"]}, False),
        ({"operator": "NotIn", "key": "app", "values": ["x"]}, True),
        ({"operator": "NotIn", "key": "app", "values": ["web"]}, False),
        ({"operator": "Exists", "key": "tier"}, True),
        ({"operator": "Exists", "key": "other"}, False),
        ({"operator": "DoesNotExist", "key": "other"}, True),
        ({"operator": "DoesNotExist", "key": "tier"}, False),
    ],
)
def test_selector_is_read_as_the_api_server_does(rule: Json, taken: bool) -> None:
    """All four operators."""
    assert cautions.selects({"matchExpressions": [rule]}, LABELS) is taken


def test_claims_of_the_template_are_known_by_name() -> None:
    """Volumes of other kinds are not shared by the pods."""
    claim = {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}}
    assert cautions.claimed(a_work(volumes=[claim, {"name": "tmp", "emptyDir": {}}])) == ("web-data",)
    assert cautions.claimed(a_work()) == ()
