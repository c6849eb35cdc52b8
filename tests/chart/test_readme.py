"""The tables of values and rights in the chart's README are written from the chart, and up to date."""

import json
import os
from collections.abc import Iterator
from typing import Any

import helm_python

from sandbox import chart
from tests.chart import renders

Json = dict[str, Any]

README = chart.PATH / "README.md"
BEGIN, END = "<!-- values: written by CHART=write pytest tests/chart -->\n", "<!-- end of values -->\n"
RIGHTS = "<!-- rights: written by CHART=write pytest tests/chart -->\n", "<!-- end of rights -->\n"


def rows(schema: Json, values: Json, path: str = "") -> Iterator[str]:
    """One line for each value, in the schema's order; what Helm passes by itself is left out."""
    for key, inner in schema["properties"].items():
        if key == "global":
            continue
        if "properties" in inner and inner["properties"].keys() == values[key].keys():
            yield from rows(inner, values[key], f"{path}{key}.")
            continue
        choices = f" (one of {', '.join(inner['enum'])})" if "enum" in inner else ""
        text = f"{inner['description']}{choices}".replace("|", "\\|")
        yield f"| `{path}{key}` | `{json.dumps(values[key])}` | {text} |\n"


def table() -> str:
    with helm_python.Chart.load(chart.PATH) as loaded:
        schema, values = loaded.schema, loaded.values
    assert schema is not None
    return "".join(["| value | default | |\n|---|---|---|\n", *rows(schema, values)])


def check(marks: tuple[str, str], wished: str) -> None:
    """What stands between two marks; written anew if that is asked for."""
    before, _, rest = README.read_text().partition(marks[0])
    shown, _, after = rest.partition(marks[1])
    if os.environ.get("CHART") == "write":
        shown = wished
        README.write_text(f"{before}{marks[0]}{shown}{marks[1]}{after}")
    assert shown == wished


def test_the_table_of_values_is_up_to_date() -> None:
    """Key, default and description."""
    check((BEGIN, END), table())


WHERE = {"shop": "watched namespaces", None: "everywhere", chart.NAMESPACE: "its own namespace"}
"""By the namespace of a role, where only `shop` and `cart` are watched."""


def rights() -> Iterator[str]:
    """One line for each rule."""
    yield "| where | resources | verbs |\n|---|---|---|\n"
    roles = [item for item in chart.objects(renders.NAMED) if item["kind"] in ("ClusterRole", "Role")]
    found = {item["metadata"].get("namespace"): item["rules"] for item in roles}
    for namespace, where in WHERE.items():
        for rule in found[namespace]:
            group = rule["apiGroups"][0]
            resources = ", ".join(f"{name}.{group}".rstrip(".") for name in rule["resources"])
            yield f"| {where} | {resources} | {', '.join(rule['verbs'])} |\n"


def test_the_table_of_rights_is_up_to_date() -> None:
    """Rule by rule, and where each holds."""
    check(RIGHTS, "".join(rights()))
