"""Which host string means which Service."""

import pytest

from deploy.istio import hostnames
from tests.deploy.istio_world import HOST, TARGET


@pytest.mark.parametrize(
    ("host", "namespace", "ours"),
    [
        pytest.param("web", "shop", True, id="short, in its own namespace"),
        pytest.param("web", "bank", False, id="short, in another namespace"),
        pytest.param("web.shop", "bank", True, id="with its namespace"),
        pytest.param("web.bank", "shop", False, id="with another namespace"),
        pytest.param("web.shop.svc", "bank", True, id="with svc"),
        pytest.param(HOST, "bank", True, id="in full"),
        pytest.param("WEB.shop.svc.CLUSTER.local", "bank", True, id="capitals"),
        pytest.param("web.shop.svc.other.local", "shop", False, id="another cluster domain"),
        pytest.param("web.shop.example.com", "shop", False, id="a host of the world outside"),
        pytest.param("webshop", "shop", False, id="a longer name"),
        pytest.param("*", "shop", False, id="any host"),
        pytest.param("", "shop", False, id="no host"),
    ],
)
def test_destination_means_the_service(host: str, namespace: str, ours: bool) -> None:
    """A destination is the target's Service or it is not, whatever its spelling."""
    assert hostnames.means(host, namespace, TARGET) is ours


@pytest.mark.parametrize(
    ("patterns", "taken"),
    [
        pytest.param(["*", "*.local", HOST], HOST, id="the host itself"),
        pytest.param(
            ["*", "*.local", "*.shop.svc.cluster.local"], "*.shop.svc.cluster.local", id="the longest wildcard"
        ),
        pytest.param(["*.bank.svc.cluster.local", "cart.shop.svc.cluster.local"], None, id="none"),
        pytest.param(["*" + "x" * 60 + HOST, "*.local"], "*.local", id="a wildcard longer than the host"),
    ],
)
def test_most_specific_host_is_taken(patterns: list[str], taken: str | None) -> None:
    """As istiod does: exact before wildcard, long before short."""
    assert hostnames.most_specific(patterns, HOST) == taken


@pytest.mark.parametrize(
    ("export_to", "seen_in"),
    [
        pytest.param(None, {"*"}, id="absent is everywhere"),
        pytest.param([], {"*"}, id="empty is everywhere"),
        pytest.param(["."], {"shop"}, id="a dot is the own namespace"),
        pytest.param([".", "bank"], {"shop", "bank"}, id="named"),
        pytest.param([".", "*"], {"*"}, id="a star takes all"),
    ],
)
def test_reach_of_export_to(export_to: list[str] | None, seen_in: set[str]) -> None:
    """The namespaces whose proxies see an object."""
    assert hostnames.reach(export_to, "shop") == seen_in
