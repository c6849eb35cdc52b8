"""A typing error in the values is an error that names the key."""

from collections.abc import Iterator
from typing import Any

import helm_python
import pytest

from analysis import meshes
from rollout import plan
from sandbox import chart

Json = dict[str, Any]


def schema() -> Json:
    with helm_python.Chart.load(chart.PATH) as loaded:
        found = loaded.schema
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("values", "key"),
    [
        pytest.param({"replica": 3}, "replica", id="unknown key"),
        pytest.param({"prometheus": {"ulr": "http://x"}}, "ulr", id="unknown key inside"),
        pytest.param({"replicas": "two"}, "/replicas", id="type"),
        pytest.param({"logLevel": "loud"}, "/logLevel", id="no choice"),
        pytest.param({"defaults": {"interwal": "30s"}}, "interwal", id="unknown annotation"),
        pytest.param({"prometheus": {"url": "prometheus:9090"}}, "/prometheus/url", id="no scheme"),
        pytest.param({"prometheus": {"tokenFile": {"secret": "s"}}}, "/prometheus/tokenFile", id="no key"),
        pytest.param(
            {"prometheus": {"tokenFile": {"secret": "s", "configMap": "c", "key": "k"}}},
            "/prometheus/tokenFile",
            id="both sources",
        ),
        pytest.param({"namespaces": ["Shop"]}, "/namespaces/0", id="no namespace's name"),
        pytest.param({"controller": {"workers": 0}}, "/controller/workers", id="out of range"),
        pytest.param({"image": {"digest": "latest"}}, "/image/digest", id="no digest"),
    ],
)
def test_a_typing_error_names_the_key(values: Json, key: str) -> None:
    """By Helm itself, before anything is rendered."""
    with helm_python.Chart.load(chart.PATH) as loaded, pytest.raises(helm_python.HelmValuesError) as error:
        loaded.validate_schema({**chart.STANDARD, **values})
    assert key in str(error.value)


def objects(node: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every part of the schema that has properties."""
    if "properties" in node:
        yield path, node
        for key, inner in node["properties"].items():
            yield from objects(inner, f"{path}.{key}")


def test_every_object_is_closed_and_every_value_described() -> None:
    """Else a typing error would pass in silence."""
    for path, node in objects(schema()):
        assert node["additionalProperties"] is False, path
        if path == ".defaults" or path.endswith("File"):
            continue
        for key, inner in node["properties"].items():
            assert inner.get("description"), f"{path}.{key} has no description"


def test_the_schema_knows_exactly_the_values_that_have_a_default() -> None:
    """values.yaml and the schema list the same keys."""
    with helm_python.Chart.load(chart.PATH) as loaded:
        values = loaded.values
    assert keys(values) == set(schema()["properties"]) - {"global"}
    for key, inner in schema()["properties"].items():
        if "properties" in inner and key != "defaults" and not key.endswith("File"):
            assert set(values[key]) == set(inner["properties"]), key


def keys(values: Json) -> set[str]:
    return set(values) - {"global"}


def test_every_annotation_may_have_a_default() -> None:
    """The plan's own words, whichever are added."""
    known = {name.replace("_", "-") for name in plan.Plan.model_fields} - {"strategy", "do", "canary-of", "service"}
    assert known <= set(schema()["properties"]["defaults"]["properties"]) | {"metrics"}


def test_the_default_mesh_is_one_that_is_known() -> None:
    """The controller checks the others."""
    with helm_python.Chart.load(chart.PATH) as loaded:
        assert loaded.values["mesh"] in meshes.MESHES
