"""`rampart restore` from the outside: its flags, and what it says about templates that stay paused."""

import argparse
import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from deploy import kinds
from deploy.cluster import Cluster
from deploy.leases import Leases
from rollout import cli, settings
from rollout.cli import restore
from rollout.leftovers import Scope
from rollout.settings import Settings
from rollout.status import Phase
from tests.rollout.a_shop import Shop, a_shop
from tests.rollout.small_cluster import SmallCluster
from tests.rollout.test_restoring import a_ticking_shop


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


def call(shop: Shop, **changes: Any) -> int:
    """The command over a cluster in memory."""
    values = {"namespace": "shop", "names": [], "all": True, "dry_run": False, "timeout": 5, "take_lease": False}
    lease = {"fence": 60, "lease_namespace": "shop", "lease_name": "rampart", "scope": Scope(), "as_user": ""}
    found = settings.load({"prometheus_url": "http://p", "settle": 0.01, "drain": 0.01}, {})
    assert isinstance(found, Settings)
    given = argparse.Namespace(**{**values, **lease, **changes})
    return restore.restore(cast(Cluster, shop.cluster), given, found)


def stepping() -> Shop:
    shop = a_ticking_shop()
    shop.change("v2")
    shop.live(lambda shop: bool(shop.phases) and shop.phases[-1] == Phase.STEPPING)
    return shop


def test_each_decision_and_the_ways_out_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    """What was done, to what, and what is left to its owner."""
    assert call(stepping(), scope=Scope((), ("web",))) == 0
    said = capsys.readouterr().out
    assert "shop/web  OptedOut: rampart restore takes Rampart out of the traffic" in said
    assert "1 Deployment looked after" in said
    assert "to roll it out, judged by nobody" in said


def test_a_dry_run_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It foretells what would be done, or that there is nothing to do."""
    shop = stepping()
    shop.cluster.writes.clear()
    assert call(shop, dry_run=True) == 0
    assert shop.cluster.writes == []
    said = capsys.readouterr().out
    assert "is Stepping at 5 %: traffic to stable" in said
    assert "the Service's route shows something of ours" in said
    assert call(a_ticking_shop(), dry_run=True) == 0
    assert "no release is in flight" in capsys.readouterr().out


def test_a_name_that_is_no_deployments_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Beside what is done for the others; what is left of one that was is looked for all the same."""
    assert call(stepping(), dry_run=True, namespace="shop", scope=Scope((), ("web", "wbe"))) == 0
    said = capsys.readouterr()
    assert "shop/web" in said.out
    text = "there is no Deployment wbe in namespace shop; the nearest is web; opted in there: web"
    assert said.err == f"rampart: {text}; what may be left of it is looked for\n"


def test_what_is_not_at_rest_in_time_is_named_with_what_it_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 7."""
    shop = a_ticking_shop()
    shop.cluster.rolls = False
    shop.change("v2")
    shop.live(lambda shop: bool(shop.phases) and shop.phases[-1] == Phase.PROMOTING)
    shop.look()
    assert call(shop, timeout=0.3) == 7
    assert "shop/web is not at rest yet:" in capsys.readouterr().err


def test_a_leader_is_not_crossed(capsys: pytest.CaptureFixture[str]) -> None:
    """Refused while one leads; with --take-lease it is stopped first."""
    shop = stepping()
    leases = Leases(cast(Cluster, shop.cluster), "shop", "rampart")
    leases.take(None, "rampart-0", 1, datetime.now(UTC))
    before = shop.weights
    assert call(shop) == 1
    assert "rampart-0 leads by Lease shop/rampart" in capsys.readouterr().err
    assert shop.weights == before
    assert call(shop, take_lease=True) == 0
    held = leases.read()
    assert held is not None
    assert held.holder.startswith("rampart-restore-")
    assert shop.phases == ["Cancelled"]


def test_a_person_writes_in_the_name_that_the_hold_lets_through() -> None:
    """Unless they are it, or say another."""
    cluster = SmallCluster()
    seen: list[str] = []

    def command(door: Cluster, given: argparse.Namespace) -> int:
        seen.append(str(given.as_user))
        return 0

    act = restore.in_the_writers_name(command)
    for given in ({"as_user": None, "dry_run": False}, {"as_user": "jane", "dry_run": False}):
        assert act(cast(Cluster, cluster), argparse.Namespace(**given)) == 0
    assert seen == ["None", "jane"]


@pytest.mark.parametrize(
    ("given", "scope"),
    [
        pytest.param({"all": True, "namespace": None, "names": []}, Scope(("a",)), id="as the controller watches"),
        pytest.param({"all": True, "namespace": "b,c", "names": []}, Scope(("b", "c")), id="of these namespaces"),
        pytest.param({"all": False, "namespace": "b", "names": ["web"]}, Scope(("b",), ("web",)), id="by name"),
        pytest.param({"all": False, "namespace": None, "names": ["web"]}, Scope((), ("web",)), id="of the context's"),
    ],
)
def test_the_scope_is_what_the_flags_say(given: dict[str, Any], scope: Scope) -> None:
    """Names in one namespace, or all in some."""
    found = settings.load({"prometheus_url": "http://p", "namespaces": ("a",)}, {})
    assert isinstance(found, Settings)
    assert restore.scope_of(argparse.Namespace(**given), found) == scope
