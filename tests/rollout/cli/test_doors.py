"""How commands say what went wrong: one line each, and the exit code that the documentation names."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import errors
from rollout import cli
from rollout.cli import doors
from rollout.settings import Settings
from tests.deploy import api_server
from tests.deploy.api_server import Asked, Reply


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROMETHEUS_URL", "MESH", "METRIC_NAMES", "DEFAULTS", "CLUSTER_DOMAIN", "NAMESPACES"):
        monkeypatch.delenv(f"RAMPART_{name}", raising=False)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(
            errors.NotGranted("may not list pods: grant it to …", right="list pods", said='User "jane" cannot'),
            'you may not list pods (User "jane" cannot)',
            id="a right",
        ),
        pytest.param(
            errors.Unknown("list pods: 401 Unauthorized"),
            "the API server does not accept the credentials of this context (list pods: 401 Unauthorized);"
            " --context names another",
            id="credentials",
        ),
        pytest.param(
            errors.Unreachable("list pods: Connection\nrefused"),
            "no API server answers (list pods: Connection refused); --kubeconfig and --context name another",
            id="no server",
        ),
        pytest.param(errors.Unconfigured("no way is known"), "no way is known", id="no kubeconfig"),
        pytest.param(errors.Invalid("patch: 422 no"), "patch: 422 no", id="anything else"),
    ],
)
def test_a_failure_is_one_line_for_who_typed_the_command(error: errors.ClusterError, said: str) -> None:
    """What the controller's operator would have to grant is not what a person's account lacks."""
    assert doors.said(error) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, "there is no file {file}; name one by --kubeconfig, or by KUBECONFIG", id="absent"),
        pytest.param("", "file is empty", id="empty"),
        pytest.param("a: [", "{file} is no kubeconfig: while parsing", id="no YAML"),
        pytest.param("- a\n- b\n", "{file} is no kubeconfig", id="a list"),
        pytest.param("kind: Config\n", "Invalid kube-config", id="nothing in it"),
    ],
)
@pytest.mark.parametrize("flags", [["-n", "shop"], []], ids=["a namespace", "none"])
def test_a_file_that_is_no_kubeconfig_is_said_in_one_line(
    text: str | None, said: str, flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, no trace of the program's inside."""
    file = tmp_path / "kube"
    if text is not None:
        file.write_text(text)
    assert cli.main(["list", "--kubeconfig", str(file), *flags]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("rampart: no way to an API server is configured: ")
    assert said.format(file=file) in line


def reaching(url: str, tmp_path: Path) -> list[str]:
    """The flags that lead to a server."""
    context = {"name": "here", "context": {"cluster": "c", "user": "u"}}
    known = {"clusters": [{"name": "c", "cluster": {"server": url}}], "users": [{"name": "u", "user": {"token": "t"}}]}
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "here", "contexts": [context], **known}
    (tmp_path / "kube").write_text(json.dumps(config))
    return ["--kubeconfig", str(tmp_path / "kube"), "-n", "shop"]


NO_RIGHT = 'deployments.apps is forbidden: User "jane" cannot list resource "deployments"'


@pytest.mark.parametrize(
    ("answer", "words", "code", "said"),
    [
        pytest.param(
            lambda asked: api_server.status(404, "not found"),
            ["status", "web"],
            8,
            "there is no namespace shop",
            id="no namespace",
        ),
        pytest.param(lambda asked: api_server.status(401, "Unauthorized"), ["list"], 1, "credentials", id="unknown"),
        pytest.param(
            lambda asked: api_server.status(403, NO_RIGHT),
            ["list"],
            1,
            "rampart: you may not list releases.rampart.dev in shop (deployments.apps is forbidden",
            id="no right",
        ),
        pytest.param(
            lambda asked: api_server.status(404, "page not found"),
            ["history"],
            1,
            "the definition of Releases is not installed",
            id="no definition",
        ),
    ],
)
def test_commands_end_by_the_documented_code(
    answer: Callable[[Asked], Reply],
    words: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """8 for what is not there, 1 for what the cluster refused."""
    with api_server.serving(answer) as url:
        assert cli.main([*words, *reaching(url, tmp_path)]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_no_server_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody listens there."""
    assert cli.main(["list", *reaching("http://127.0.0.1:9", tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("rampart: no API server answers (list releases in shop: ")


def test_a_bad_setting_is_not_told_with_the_lack_of_a_prometheus() -> None:
    """Which such a command does not need."""
    found = doors.settings({"mesh": "isto"})
    assert isinstance(found, tuple)
    assert [fault.split()[0] for fault in found] == ["RAMPART_MESH"]
    assert isinstance(doors.settings({"mesh": "istio"}), Settings)
