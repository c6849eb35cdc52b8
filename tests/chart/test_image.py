"""What the image installs is enough: the program starts from the pinned libraries and nothing beside them.

They are taken from this environment, since the image itself needs a builder: `make image`.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chart.test_dockerfile import ROOT, constraints

PRODUCT = ("analysis", "deploy", "rollout")
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from rollout.__main__ import main; sys.exit(main())"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of modules as the image has it: the libraries of constraints.txt, and the product."""
    site = tmp_path_factory.mktemp("image")
    for library in constraints():
        copy(importlib.metadata.distribution(library), site)
    for name in PRODUCT:
        shutil.copytree(ROOT / name, site / name, ignore=shutil.ignore_patterns("__pycache__"))
    own = importlib.metadata.distribution("rampart")
    about = site / f"rampart-{own.version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(own.read_text("METADATA") or "")
    return site


def copy(library: importlib.metadata.Distribution, site: Path) -> None:
    """Its modules and its metadata, without its commands."""
    for file in library.files or ():
        if ".." in file.parts or "__pycache__" in file.parts:
            continue
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(file.locate()), site / file)


def run(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The program, with nothing beside the standard library and what was installed; it may write no byte code."""
    command = [sys.executable, "-I", "-S", "-B", "-c", START, str(site), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env={"PATH": os.environ["PATH"]})


@pytest.mark.parametrize("words", ["--help", "run --help", "restore --help", "simulate --help", "check --help"])
def test_the_program_starts_from_what_is_installed(installed: Path, words: str) -> None:
    """Every library that it imports is pinned: in the image none may bring others along."""
    done = run(installed, *words.split())
    assert done.returncode == 0, done.stderr
    assert "usage: rampart" in done.stdout


def test_it_says_what_it_lacks(installed: Path) -> None:
    """Started as in the image, without any setting."""
    done = run(installed, "run")
    assert done.returncode == 2
    assert "RAMPART_PROMETHEUS_URL" in done.stderr + done.stdout


def test_a_library_that_is_not_pinned_would_be_missed(installed: Path) -> None:
    """Nothing of this environment shines through."""
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); import pytest"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code, str(installed)], capture_output=True, text=True
    )
    assert "No module named 'pytest'" in done.stderr
