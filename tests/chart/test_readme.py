"""The table of values in the chart's README is written from the schema and values.yaml, and up to date."""

import json
import os
from collections.abc import Iterator
from typing import Any

import helm_python

from sandbox import chart

Json = dict[str, Any]

README = chart.PATH / "README.md"
BEGIN, END = "<!-- values: written by CHART=write pytest tests/chart -->\n", "<!-- end of values -->\n"


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


def test_the_table_of_values_is_up_to_date() -> None:
    """Key, default and description."""
    before, _, rest = README.read_text().partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("CHART") == "write":
        shown = table()
        README.write_text(f"{before}{BEGIN}{shown}{END}{after}")
    assert shown == table()
