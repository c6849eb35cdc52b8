"""Building once: the cache, the lock and the progress line, with a stand-in for the compiler."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import building, tools

GO = """#!/bin/sh
case "$1" in
env) echo go1.99.0 ;;
install) sleep 0.5; echo "$PWD" >> "$JOURNAL"; [ -z "$BROKEN" ] || { echo "$BROKEN" >&2; exit 1; } ;;
mod) echo "{\\"Dir\\": \\"$MODULES\\"}" ;;
esac
"""

DEFINITION = "kind: CustomResourceDefinition\n"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An empty cache and a `go` that writes down what it is asked to build."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(GO)
    go.chmod(0o755)
    istio = tmp_path / "modules/manifests/charts/base/files/crd-all.gen.yaml"
    gateway = tmp_path / "modules/config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"
    policy = gateway.with_name("gateway.networking.k8s.io_vap_safeupgrades.yaml")
    split = tmp_path / "modules/crds/split.yaml"
    definitions = ((istio, DEFINITION), (gateway, DEFINITION), (split, DEFINITION))
    for path, text in (*definitions, (policy, "kind: ValidatingAdmissionPolicy\n")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {
        **os.environ,
        "PATH": f"{go.parent}:{os.environ['PATH']}",
        "RAMPART_CACHE": str(tmp_path / "cache"),
        "JOURNAL": str(tmp_path / "journal"),
        "MODULES": str(tmp_path / "modules"),
    }


def start(environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sandbox", "build"]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def build(environment: dict[str, str]) -> tuple[int, str]:
    """Exit code and what was said."""
    process = start(environment)
    _, said = process.communicate(timeout=300)
    return process.returncode, said


def journal(environment: dict[str, str]) -> list[str]:
    return [Path(line).name for line in Path(environment["JOURNAL"]).read_text().splitlines()]


def cached(environment: dict[str, str]) -> list[str]:
    found = (Path(environment["RAMPART_CACHE"]) / "tools").iterdir()
    return sorted(path.name.rpartition("-")[0] for path in found if not path.name.startswith("."))


def test_a_build_says_what_is_left_and_is_done_once(environment: dict[str, str]) -> None:
    """Three builds, each announced; the second time nothing is built or said."""
    code, said = build(environment)
    assert code == 0, said
    assert "building kubernetes (1 of 3, 2 left after it): 0s so far" in said
    assert "building prometheus (3 of 3, 0 left after it): took" in said
    assert cached(environment) == ["definitions", "istio", "kubernetes", "prometheus", "traffic-split"]
    assert build({**environment, "PATH": "/usr/bin:/bin"}) == (0, "")
    assert journal(environment) == ["kubernetes", "istio", "prometheus"]


def test_two_starters_build_once(environment: dict[str, str]) -> None:
    """The second waits for the first, says so, and finds the work done."""
    first, second = start(environment), start(environment)
    said = first.communicate(timeout=300)[1] + second.communicate(timeout=300)[1]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert "another process is building the sandbox's tools; waiting for it" in said
    assert sorted(journal(environment)) == ["istio", "kubernetes", "prometheus"]


def test_a_failed_build_shows_the_compilers_words_and_leaves_nothing_half_done(environment: dict[str, str]) -> None:
    """Exit code 1, the reason, and no directory that looks whole."""
    code, said = build({**environment, "BROKEN": "no space left on device"})
    assert code == 1
    assert "building kubernetes failed" in said
    assert "no space left on device" in said
    assert not (Path(environment["RAMPART_CACHE"]) / "tools" / tools.KUBERNETES.directory.name).exists()


def test_only_definitions_are_taken_from_the_modules(environment: dict[str, str]) -> None:
    """Policies that lie beside the definitions would judge the sandbox's own writes."""
    assert build(environment)[0] == 0
    directory = next((Path(environment["RAMPART_CACHE"]) / "tools").glob("definitions-*"))
    assert sorted(path.name for path in directory.iterdir()) == [
        "gateway.networking.k8s.io_httproutes.yaml",
        "istio.yaml",
    ]


@pytest.mark.parametrize(
    ("go", "sentence"),
    [
        pytest.param(None, "`go` is not on PATH", id="no go"),
        pytest.param("go1.21.3", "kubernetes needs Go 1.26.0 or newer to be built; `go` on PATH is go1.21.3", id="old"),
    ],
)
def test_a_missing_or_old_go_is_told_in_one_sentence(
    environment: dict[str, str], tmp_path: Path, go: str | None, sentence: str
) -> None:
    """It says which program is missing, or which version is needed and which was found."""
    script = tmp_path / "bin" / "go"
    if go is None:
        environment["PATH"] = "/usr/bin:/bin"
    else:
        script.write_text(GO.replace("go1.99.0", go))
    code, said = build(environment)
    assert code == 1
    assert said.startswith("sandbox: ")
    assert sentence in said


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_line_is_rewritten() -> None:
    """One line in place, and one at the end."""
    terminal = _Terminal()
    progress = building.Progress(terminal, "istio", 2, 3)
    progress.show()
    progress.show()
    progress.finish()
    assert terminal.getvalue().count("\n") == 1
    assert terminal.getvalue().count("\r") == 3


def test_elsewhere_lines_are_rare() -> None:
    """Half a minute apart: two looks in a row print one line."""
    stream = io.StringIO()
    progress = building.Progress(stream, "istio", 2, 3)
    progress.show()
    progress.show()
    assert stream.getvalue() == "building istio (2 of 3, 1 left after it): 0s so far\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [pytest.param(7.9, "7s", id="seconds"), pytest.param(125, "2m 05s", id="minutes")],
)
def test_a_span_is_spoken(seconds: float, text: str) -> None:
    """As a person would read it."""
    assert building.spoken(seconds) == text
