"""What the Dockerfile installs is enough, and not a file more: its steps are done in a directory, where none can build.

`make image` builds the image itself, where a builder runs.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chart.test_dockerfile import ROOT, steps

COPIED = ("analysis", "deploy", "rollout", "pyproject.toml", "README.md", "LICENSE", "constraints.txt")
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from rollout.__main__ import main; sys.exit(main())"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The libraries and the program as the image has them: what its `pip install` steps leave in /install."""
    work = tmp_path_factory.mktemp("image")
    source, builder, target = work / "src", work / "builder", work / "install"
    source.mkdir()
    for name in COPIED:
        command = ["cp", "-R", str(ROOT / name), str(source / name)]
        subprocess.run(command, check=True)
    subprocess.run([sys.executable, "-m", "venv", str(builder)], check=True)
    for step in (each for each in steps("RUN") if each.startswith("pip install")):
        words = shlex.split(step.replace("--prefix=/install", f"--prefix={target}"))
        command = [str(builder / "bin" / "python"), "-m", *words, "--quiet", "--disable-pip-version-check"]
        done = subprocess.run(command, cwd=source, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    (found,) = target.glob("lib/python*/site-packages")
    return found


def run(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The program, with nothing beside the standard library and what was installed; it may write no byte code."""
    command = [sys.executable, "-I", "-S", "-B", "-c", START, str(site), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={"PATH": os.environ["PATH"]})


def test_the_program_starts_from_what_is_installed(installed: Path) -> None:
    """Every library that it imports is there, though none was allowed to bring others along."""
    for words in (("--help",), ("run", "--help"), ("restore", "--help"), ("simulate", "--help")):
        done = run(installed, *words)
        assert done.returncode == 0, done.stderr
    missing = run(installed, "run")
    assert "RAMPART_PROMETHEUS_URL" in missing.stderr + missing.stdout


def test_only_the_product_is_installed(installed: Path) -> None:
    """No tests, no sandbox, no tools of developers."""
    names = {path.name for path in installed.iterdir()}
    assert {"analysis", "deploy", "rollout"} <= names
    assert names.isdisjoint({"tests", "sandbox", "benchmarks", "pytest", "mypy", "ruff", "setuptools", "pip"})
    assert not list(installed.rglob("*.pyc"))
