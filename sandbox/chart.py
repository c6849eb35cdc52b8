"""The project's own chart, rendered by Helm as its users' installations are."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml

from sandbox import ports

Json = dict[str, Any]

PATH = Path(__file__).parent.parent / "charts" / "rampart"
NAMESPACE = "rampart-system"
RELEASE = "rampart"
STANDARD: Json = {"prometheus": {"url": ports.url(ports.PROMETHEUS)}, "hold": {"mode": "policies"}}
"""What any rendering without a cluster needs."""


def templates(values: Mapping[str, Any] | None = None, release: str = RELEASE, namespace: str = NAMESPACE) -> Json:
    """Each template's text, by its file's name; raises helm_python.HelmError with Helm's own complaint."""
    with contextlib.closing(helm_python.Chart.load(PATH)) as chart:
        found = chart.render({**STANDARD, **(values or {})}, name=release, namespace=namespace)
    return {path.rpartition("/")[2]: text for path, text in found.items()}


def objects(values: Mapping[str, Any] | None = None, release: str = RELEASE, namespace: str = NAMESPACE) -> list[Json]:
    """All objects, hooks too, in the order of their files."""
    texts = templates(values, release, namespace)
    return [
        item for name in sorted(texts) if name.endswith(".yaml") for item in yaml.safe_load_all(texts[name]) if item
    ]
