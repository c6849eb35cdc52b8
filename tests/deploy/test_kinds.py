"""Where objects are kept, and how messages name them."""

import pytest

from deploy import kinds


@pytest.mark.parametrize(
    ("kind", "place", "path"),
    [
        pytest.param(kinds.POD, ("shop", "web-1"), "/api/v1/namespaces/shop/pods/web-1", id="core group"),
        pytest.param(
            kinds.DEPLOYMENT, ("shop", "web"), "/apis/apps/v1/namespaces/shop/deployments/web", id="named group"
        ),
        pytest.param(kinds.DEPLOYMENT, (None, ""), "/apis/apps/v1/deployments", id="all namespaces"),
        pytest.param(kinds.NAMESPACE, ("shop", "shop"), "/api/v1/namespaces/shop", id="kind without namespaces"),
        pytest.param(
            kinds.RELEASE,
            ("shop", "web-1", "status"),
            "/apis/rampart.dev/v1alpha1/namespaces/shop/releases/web-1/status",
            id="subresource",
        ),
        pytest.param(
            kinds.POD, ("shop", "a/../b"), "/api/v1/namespaces/shop/pods/a%2F..%2Fb", id="no way out by a name"
        ),
    ],
)
def test_paths_follow_the_api_conventions(kind: kinds.Kind, place: tuple[str, ...], path: str) -> None:
    """Group, version, namespace, plural, name, subresource; each part quoted."""
    assert kind.path(*place) == path


def test_a_kind_at_a_version_falls_back_no_further() -> None:
    """Once a version is chosen it is the only one."""
    old = kinds.VIRTUAL_SERVICE.at("v1beta1")
    assert (old.api_version, old.older) == ("networking.istio.io/v1beta1", ())


@pytest.mark.parametrize(
    ("kind", "place", "words"),
    [
        pytest.param(kinds.DEPLOYMENT, ("shop", "web"), "deployment shop/web", id="object"),
        pytest.param(kinds.NAMESPACE, (None, "shop"), "namespace shop", id="object without namespace"),
        pytest.param(kinds.DEPLOYMENT, ("shop",), "deployments in shop", id="collection of a namespace"),
        pytest.param(kinds.DEPLOYMENT, (), "deployments", id="collection"),
    ],
)
def test_messages_name_objects_as_people_do(kind: kinds.Kind, place: tuple[str, ...], words: str) -> None:
    """Kind, namespace and name."""
    assert kind.called(*place) == words
