"""The image: rules that are checked without a builder."""

import importlib.metadata
import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rollout import cli
from tests.chart import renders

ROOT = Path(__file__).parents[2]
LINES = [line for line in (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines() if line.strip()]


def steps(word: str) -> list[str]:
    """What stands behind each instruction of that name."""
    return [line.removeprefix(word).strip() for line in LINES if line.startswith(f"{word} ")]


def last_stage() -> list[str]:
    """The instructions of the stage that becomes the image."""
    last = max(number for number, line in enumerate(LINES) if line.startswith("FROM "))
    return LINES[last:]


def project() -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def constraints() -> dict[str, str]:
    """Library to version."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    return {canonicalize_name(line.partition("==")[0]): line.partition("==")[2] for line in lines}


def test_every_base_is_pinned_by_a_version_and_names_no_registry() -> None:
    """By tag; the digest can be given when it is built."""
    bases = [line.partition("=")[2] for line in steps("ARG") if line.startswith("BASE=")]
    assert len(bases) == 1
    assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?-[a-z]+", bases[0])
    assert {base.partition(" ")[0] for base in steps("FROM")} == {"${BASE}"}


def test_it_runs_as_the_user_of_the_chart_who_is_not_root() -> None:
    """By number, since the kubelet can not prove a name to be nobody's root."""
    user = renders.pods()[0]["securityContext"]
    users = [line.removeprefix("USER ") for line in last_stage() if line.startswith("USER ")]
    assert users == [f"{user['runAsUser']}:{user['runAsGroup']}"]
    assert user["runAsUser"] > 0


def test_nothing_is_compiled_or_fetched_beside_the_pins() -> None:
    """Byte code holds times, and a resolver's answer changes from day to day."""
    installs = [step for step in steps("RUN") if "pip install" in step]
    assert installs
    for step in installs:
        assert "--no-compile" in step
        assert "--no-deps" in step
    assert steps("ADD") == []
    assert not [step for step in steps("RUN") if re.search(r"\b(curl|wget|apt|apt-get|apk|git)\b", step)]


def test_the_image_holds_what_was_installed_and_nothing_else() -> None:
    """Sources and tools stay in the build stage."""
    copies = [line for line in last_stage() if line.startswith("COPY ")]
    assert copies == ["COPY --from=build /install /usr/local"]
    assert not [line for line in last_stage() if line.startswith("RUN ")]


def test_what_is_copied_is_there_and_sent_to_the_builder() -> None:
    """.dockerignore lets through exactly what the Dockerfile uses."""
    words = [step.split() for step in steps("COPY") if not step.startswith("--from")]
    sources = {source for step in words for source in step[:-1]}
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == sources
    assert all((ROOT / source).exists() for source in sources)


def test_it_starts_the_controller_as_the_first_process() -> None:
    """In exec form, so that SIGTERM reaches it and the Lease is let go."""
    program, command = json.loads(steps("ENTRYPOINT")[0])[0], json.loads(steps("CMD")[0])
    scripts = project()["scripts"]
    assert isinstance(scripts, dict)
    assert program in scripts
    for pod in renders.pods():
        assert "command" not in pod["containers"][0]
    with pytest.raises(SystemExit) as said:
        cli.main([*command, "--help"])
    assert said.value.code == 0


def test_every_library_is_pinned_as_in_the_project() -> None:
    """A new dependency belongs into constraints.txt, with what it needs itself."""
    pins = constraints()
    assert all(pins.values())
    needed = project()["dependencies"]
    assert isinstance(needed, list)
    for text in needed:
        requirement = Requirement(text)
        assert f"=={pins.get(canonicalize_name(requirement.name))}" == str(requirement.specifier), text


@pytest.mark.parametrize("name", constraints())
def test_what_a_library_needs_is_pinned_too(name: str) -> None:
    """Since they are installed without their dependencies."""
    for text in importlib.metadata.requires(name) or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            assert canonicalize_name(requirement.name) in constraints(), f"{name} needs {text}"
