"""`rampart restore` from the outside: its flags, and what it says about templates that stay paused."""

import json

import pytest

from deploy import kinds
from rollout import cli
from rollout.cli import restore
from tests.rollout.a_shop import a_shop


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        pytest.param([], "needs the names of Deployments, or --all", id="nothing named"),
        pytest.param(["web", "--all"], "needs the names of Deployments, or --all", id="both"),
        pytest.param(["--all", "--settle", "never"], "RAMPART_SETTLE", id="a bad setting"),
    ],
)
def test_flags_that_do_not_fit_are_refused(argv: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and what would be right."""
    assert cli.main(["restore", *argv]) == 2
    assert named in capsys.readouterr().err


def test_no_cluster_is_one_line_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No trace of the program's inside."""
    assert cli.main(["restore", "--all", "--kubeconfig", f"{tmp_path}/none"]) == 1
    assert capsys.readouterr().err.startswith("rampart: no way to an API server is configured")


def test_a_context_that_is_not_there_is_said_with_those_that_are(
    capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    """As kubectl does."""
    file = f"{tmp_path}/config"
    cluster = {"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}
    context = {"name": "here", "context": {"cluster": "c", "user": "u"}}
    config = {"clusters": [cluster], "contexts": [context], "users": [{"name": "u", "user": {}}]}
    with open(file, "w") as out:
        json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "here", **config}, out)
    assert cli.main(["restore", "web", "--kubeconfig", file, "--context", "there"]) == 1
    assert "--context must be one of here, got there" in capsys.readouterr().err


def test_a_template_that_stays_paused_is_listed_with_both_ways_out() -> None:
    """Commands that can be pasted; images are only named where nothing else differs."""
    shop = a_shop()
    template = {"spec": {"containers": [{"name": "web", "image": "web:v2"}, {"name": "side", "image": "side:v1"}]}}
    old = {"spec": {"containers": [{"name": "web", "image": "web:v1"}, {"name": "side", "image": "side:v1"}]}}
    assert restore.edits(template, old) == "web=web:v1"
    assert restore.edits(template, {"spec": {**old["spec"], "hostNetwork": True}}) == ""
    assert restore.edits(template, {"spec": {"containers": [{"name": "web", "image": "web:v1"}]}}) == ""
    found = restore.ways_out(shop.cluster.get(kinds.DEPLOYMENT, "web"), None)
    assert found == [
        "  shop/web",
        "    to roll it out, judged by nobody: kubectl -n shop annotate deployment/web rampart.dev/strategy-;"
        " kubectl -n shop rollout resume deployment/web",
    ]
