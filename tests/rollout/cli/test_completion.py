"""Completion: a script for each shell, and the names of opted-in Deployments."""

import argparse
from typing import Any, cast

import pytest

from deploy import kinds
from deploy.cluster import Cluster, Listing
from deploy.kinds import Kind
from rollout import cli
from rollout.cli import completion
from tests.rollout.a_shop import a_shop
from tests.rollout.small_cluster import SmallCluster


class Listed(SmallCluster):
    def list(self, kind: Kind, namespace: str | None = None, labels: str = "", **_: Any) -> Listing:
        return super().list(kind, namespace, labels)


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_each_shell_has_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It asks the program itself."""
    assert cli.main(["completion", shell]) == 0
    assert "rampart" in capsys.readouterr().out


def test_opted_in_deployments_are_offered() -> None:
    """Those that begin so."""
    cluster = Listed(objects=a_shop().cluster.objects)
    cluster.seed(kinds.DEPLOYMENT, "worker", spec={"replicas": 1})
    door = cast(Cluster, cluster)
    assert completion.matching(door, "shop", "") == ["web"]
    assert completion.matching(door, "shop", "wo") == []


def test_no_server_offers_nothing(tmp_path: object) -> None:
    """A key press is no place for an error."""
    given = argparse.Namespace(kubeconfig=f"{tmp_path}/none", context=None, namespace=None)
    assert completion.offered("", given) == []
