"""What is not there is said with what is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest

from deploy import errors, kinds, names
from deploy.cluster import Cluster, Listing
from deploy.kinds import Kind
from rollout.cli import absent


@dataclass(frozen=True)
class Server:
    """Deployments by namespace, opted in where the name does not begin with `plain`; what may not be asked raises."""

    deployments: Mapping[str, tuple[str, ...]]
    forbidden: frozenset[str] = frozenset()

    def list(self, kind: Kind, namespace: str | None = None) -> Listing:
        assert kind is kinds.DEPLOYMENT
        if (namespace or "everywhere") in self.forbidden:
            raise errors.Forbidden("may not")
        found: list[dict[str, Any]] = [
            {"metadata": {"name": name, "namespace": home, "annotations": notes(name)}}
            for home, all_names in self.deployments.items()
            for name in all_names
            if namespace in (None, home)
        ]
        return Listing(found, "1")

    def find(self, kind: Kind, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        assert kind is kinds.NAMESPACE
        if "namespaces" in self.forbidden:
            raise errors.Forbidden("may not")
        return {"metadata": {"name": name}} if name in self.deployments else None


def notes(name: str) -> dict[str, str]:
    return {} if name.startswith("plain") else {names.STRATEGY: "canary"}


SHOPS = {"shop": ("web", "api", "plain"), "cart": ("cart",), "empty": ()}


@pytest.mark.parametrize(
    ("server", "namespace", "name", "said"),
    [
        pytest.param(
            Server(SHOPS),
            "shop",
            "wbe",
            "there is no Deployment wbe in namespace shop; the nearest is web; opted in there: api, web",
            id="a slip of the hand",
        ),
        pytest.param(
            Server(SHOPS),
            "shop",
            "web-f044a064a4",
            "there is no Deployment web-f044a064a4 in namespace shop; opted in there: api, web",
            id="a Release's name",
        ),
        pytest.param(
            Server(SHOPS),
            "shop",
            "cart",
            "there is no Deployment cart in namespace shop; there is one in cart: -n cart; opted in there: api, web",
            id="another namespace's",
        ),
        pytest.param(
            Server(SHOPS),
            "empty",
            "api",
            "there is no Deployment api in namespace empty; there is one in shop: -n shop",
            id="nothing there",
        ),
        pytest.param(
            Server(SHOPS),
            "empty",
            "x",
            "there is no Deployment x in namespace empty; none is opted in there: rampart list -A",
            id="nothing anywhere",
        ),
        pytest.param(
            Server(SHOPS),
            "shpo",
            "api",
            "there is no namespace shpo; there is one in shop: -n shop",
            id="no such namespace",
        ),
        pytest.param(
            Server(SHOPS, frozenset({"everywhere", "namespaces"})),
            "shop",
            "cart",
            "there is no Deployment cart in namespace shop; opted in there: api, web",
            id="only the namespace may be seen",
        ),
        pytest.param(
            Server(SHOPS, frozenset({"everywhere", "namespaces", "shop"})),
            "shop",
            "cart",
            "there is no Deployment cart in namespace shop; none is opted in there: rampart list -A",
            id="nothing may be seen",
        ),
        pytest.param(
            Server({"shop": tuple("abcdefg")}),
            "shop",
            "web",
            "there is no Deployment web in namespace shop; opted in there: a, b, c, d, e and 2 more",
            id="many",
        ),
    ],
)
def test_an_absent_deployment_is_said_with_what_there_is(server: Server, namespace: str, name: str, said: str) -> None:
    """Where it is, which one may be meant, and a few that are opted in."""
    assert str(absent.deployment(cast(Cluster, server), namespace, name)) == said


def test_an_absent_namespace_is_no_empty_one() -> None:
    """Who may not know takes it for granted."""
    absent.check_namespace(cast(Cluster, Server(SHOPS)), "empty")
    absent.check_namespace(cast(Cluster, Server(SHOPS)), None)
    absent.check_namespace(cast(Cluster, Server(SHOPS, frozenset({"namespaces"}))), "shpo")
    with pytest.raises(absent.Absent, match="there is no namespace shpo"):
        absent.check_namespace(cast(Cluster, Server(SHOPS)), "shpo")
