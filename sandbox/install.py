"""What is put into the new cluster: namespaces, the meshes' definitions, and the project's own manifests."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from sandbox import chart, errors, home, tools

Json = dict[str, Any]

NAMESPACES = ("istio-system", "rampart-system")
ESTABLISHED_SECONDS = 30.0
NOT_HERE = ("Deployment", "Job", "PodDisruptionBudget")
"""Of the chart's objects: tests run a controller of their own, as the chart's ServiceAccount."""


def main() -> int:
    place, subject = home.Home(Path(sys.argv[1])), sys.argv[2]
    match subject:
        case "definitions":
            install_definitions(place)
        case "manifests":
            install_manifests(place)
        case _:
            raise errors.SandboxError(f"there is nothing to install that is called {subject!r}")
    return 0


def install_definitions(place: home.Home) -> None:
    """Namespaces, and every kind of object that istiod knows; ready to be used on return."""
    _apply_text(place, json.dumps(_namespaces()))
    # Creating takes half the time of applying, and a new cluster holds none of them.
    _kubectl(place, "create", "--validate=false", "--filename", str(tools.definitions()))
    _await_established(place)


def install_manifests(place: home.Home) -> None:
    """The project's kinds, policies, rights and account, as its chart renders them."""
    _apply_text(place, json.dumps(manifests()))
    _await_established(place)


def manifests() -> Json:
    """All of the chart but what runs."""
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [each for each in chart.objects() if each["kind"] not in NOT_HERE],
    }


def _namespaces() -> Json:
    items = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in NAMESPACES]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _apply_text(place: home.Home, text: str) -> None:
    _kubectl(place, "apply", "--server-side", "--validate=false", "--filename", "-", text=text)


def _await_established(place: home.Home) -> None:
    """One question for all of them: `kubectl wait` asks for each by itself, which takes seconds."""
    deadline = time.monotonic() + ESTABLISHED_SECONDS
    while missing := _not_established(json.loads(_kubectl(place, "get", "crd", "-o", "json"))):
        if time.monotonic() > deadline:
            raise errors.SandboxError(f"not established after {ESTABLISHED_SECONDS:.0f} s: {', '.join(missing)}")
        time.sleep(0.1)


def _not_established(listed: Json) -> list[str]:
    """Names of the definitions whose kinds are not served yet."""
    return [
        definition["metadata"]["name"]
        for definition in listed["items"]
        if not any(
            condition["type"] == "Established" and condition["status"] == "True"
            for condition in (definition.get("status") or {}).get("conditions") or ()
        )
    ]


def _kubectl(place: home.Home, *arguments: str, text: str = "") -> str:
    """What kubectl printed; its complaints go to the log."""
    environment = {**os.environ, "KUBECONFIG": str(place.admin_kubeconfig)}
    command = [str(tools.kubectl()), *arguments]
    return subprocess.run(command, input=text, text=True, env=environment, check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    sys.exit(main())
