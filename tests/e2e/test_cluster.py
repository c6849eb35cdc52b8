"""The door and the reflector against a real API server: what the loopback tests take for granted."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy import cluster, errors, kinds, names, watch
from deploy.cluster import Cluster
from deploy.traffic import Json
from tests.e2e.hold_fixtures import Shop, controller, eventually, image, in_force, installed, shop, user

__all__ = ["controller", "in_force", "installed", "shop", "user"]

pytestmark = pytest.mark.e2e


def test_a_stale_merge_patch_is_a_conflict(shop: Shop) -> None:
    """By metadata.resourceVersion in the patch."""
    shop.create()
    with pytest.raises(errors.Conflict):
        shop.patch({"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}})


def test_a_json_patch_whose_test_fails_is_a_conflict(shop: Shop) -> None:
    """The server itself answers 422 without a reason."""
    shop.create()
    stale = {"op": "test", "path": "/metadata/resourceVersion", "value": "1"}
    with pytest.raises(errors.Conflict):
        shop.patch([stale, {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}])


def test_a_release_status_is_written_at_the_version_that_was_read(shop: Shop) -> None:
    """By a JSON patch with a test, as the controller does; of two writers one meets a conflict."""
    body: Json = {
        "metadata": {"name": "web-1", "namespace": shop.namespace},
        "spec": {"deployment": "web", "deploymentUid": "u", "revision": "abc", "plan": {}},
    }
    made = shop.controller.create(kinds.RELEASE, body)
    patch: list[Json] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": made["metadata"]["resourceVersion"]},
        {"op": "add", "path": "/status", "value": {"phase": "Pending"}},
    ]
    wrote = shop.controller.patch(kinds.RELEASE, "web-1", shop.namespace, patch, subresource="status")
    assert wrote["status"] == {"phase": "Pending"}
    with pytest.raises(errors.Conflict):
        shop.controller.patch(kinds.RELEASE, "web-1", shop.namespace, patch, subresource="status")


def test_what_exists_can_not_be_created(shop: Shop) -> None:
    """Conflict, as for a stale write."""
    made = shop.create()
    del made["metadata"]["resourceVersion"]
    with pytest.raises(errors.Conflict):
        shop.user.create(kinds.DEPLOYMENT, made)


def test_a_delete_spares_another_object_of_the_same_name(shop: Shop) -> None:
    """By its uid."""
    shop.create()
    with pytest.raises(errors.Conflict):
        shop.user.delete(kinds.DEPLOYMENT, "web", shop.namespace, uid="another")
    assert shop.user.find(kinds.DEPLOYMENT, "web", shop.namespace) is not None


def test_a_dry_run_writes_nothing(shop: Shop) -> None:
    """The answer shows the change, the object does not."""
    shop.create()
    assert shop.patch({"metadata": {"labels": {"a": "b"}}}, dry_run=True)["metadata"]["labels"] == {"a": "b"}
    assert "labels" not in shop.read()["metadata"]


def test_our_writes_are_ours_in_managed_fields(shop: Shop) -> None:
    """The field manager is named for all to see."""
    shop.create()
    assert {entry["manager"] for entry in shop.read()["metadata"]["managedFields"]} >= {names.FIELD_MANAGER}


def test_a_right_that_lacks_is_forbidden(shop: Shop) -> None:
    """With the server's sentence about it."""
    secrets = kinds.Kind("", "v1", "secrets", "Secret")
    with pytest.raises(errors.Forbidden, match="cannot list resource"):
        shop.controller.list(secrets, shop.namespace)


def test_a_kind_that_is_not_there_is_missing(user: Cluster) -> None:
    """Discovery and the call itself agree."""
    absent = kinds.Kind("absent.example.com", "v1", "things", "Thing")
    assert not user.serves(absent)
    assert user.serves(kinds.DEPLOYMENT)
    with pytest.raises(errors.Missing):
        user.list(absent)


def test_lists_longer_than_a_page_are_whole(shop: Shop) -> None:
    """One object more than a page holds."""
    config_maps = kinds.Kind("", "v1", "configmaps", "ConfigMap")
    wanted = {f"map-{number}" for number in range(cluster.PAGE + 1)}
    with ThreadPoolExecutor(8) as pool:
        bodies = [{"metadata": {"name": name, "namespace": shop.namespace}} for name in wanted]
        assert len([*pool.map(lambda body: shop.user.create(config_maps, body), bodies)]) == len(wanted)
    assert next(len(page.items) for page in shop.user.pages(config_maps, shop.namespace)) == cluster.PAGE
    assert {item["metadata"]["name"] for item in shop.user.list(config_maps, shop.namespace).items} >= wanted


@pytest.fixture
def seen(shop: Shop) -> Iterator[list[tuple[str, str | None, str | None]]]:
    """What a reflector of the shop's Deployments said: name, mark before, mark after."""
    said: list[tuple[str, str | None, str | None]] = []
    troubles: list[str] = []

    def mark(found: Json | None) -> str | None:
        return str(found["metadata"].get("annotations", {}).get(names.HELD, "none")) if found else None

    def change(_: str, name: str, old: Json | None, new: Json | None) -> None:
        if mark(old) != mark(new):
            said.append((name, mark(old), mark(new)))

    reflector = watch.Reflector(
        shop.controller,
        kinds.DEPLOYMENT,
        on_change=change,
        tell=troubles.append,
        namespaces=[shop.namespace],
        metadata_only=True,
    )
    reflector.start()
    assert reflector.wait_until_synced(60)
    yield said
    reflector.stop()
    assert troubles == []


def test_a_reflector_sees_a_release_come_and_go(shop: Shop, seen: list[tuple[str, str | None, str | None]]) -> None:
    """Created, held, let roll, deleted; from metadata alone."""
    shop.create()
    shop.patch(image("web:v2"))
    shop.let_roll()
    shop.user.delete(kinds.DEPLOYMENT, "web", shop.namespace)
    expected = [("web", None, "none"), ("web", "none", "true"), ("web", "true", "rolling"), ("web", "rolling", None)]
    eventually("all of it seen", lambda: seen == expected)
