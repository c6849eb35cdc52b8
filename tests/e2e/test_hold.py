"""The hold on a real API server: which writes begin a hold, which pass, and how it is proven."""

from dataclasses import replace

import pytest

from deploy import hold, kinds, names
from deploy.traffic import Json
from tests.e2e.hold_fixtures import (
    CHANGES,
    FREE,
    HELD,
    INNOCENT,
    Shop,
    a_deployment,
    controller,
    eventually,
    held,
    image,
    in_force,
    installed,
    shop,
    user,
    window,
)

__all__ = ["controller", "in_force", "installed", "shop", "user", "window"]

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_template_is_held(shop: Shop, change: Json) -> None:
    """Whatever part of the template changed, the same write comes back paused and marked."""
    shop.create()
    assert held(shop.patch(change)) == HELD


@pytest.mark.parametrize("change", INNOCENT)
def test_what_is_no_new_version_is_not_held(shop: Shop, change: Json) -> None:
    """Size, metadata, restarts and other spellings of the same template pass as if rampart were not there."""
    shop.create()
    assert held(shop.patch(change)) == FREE


@pytest.mark.parametrize("change", INNOCENT)
def test_a_held_deployment_stays_held_under_innocent_writes(shop: Shop, change: Json) -> None:
    """No other write frees a template that waits."""
    shop.create()
    shop.patch(image("web:v2"))
    assert held(shop.patch(change)) == HELD


def test_deployments_that_are_not_opted_in_are_left_alone(shop: Shop) -> None:
    """Without the strategy annotation nothing is held."""
    body = a_deployment(shop.namespace)
    del body["metadata"]["annotations"]
    shop.create(body)
    assert held(shop.patch(image("web:v2"))) == FREE


def test_opting_in_and_changing_in_one_write_is_held(shop: Shop) -> None:
    """Opted in after the write counts."""
    body = a_deployment(shop.namespace)
    del body["metadata"]["annotations"]
    shop.create(body)
    both = {"metadata": {"annotations": {names.STRATEGY: "canary"}}, **image("web:v2")}
    assert held(shop.patch(both)) == HELD


def test_opting_out_and_changing_in_one_write_is_held(shop: Shop) -> None:
    """Opted in before the write counts: a changed template does not slip out with the annotation."""
    shop.create()
    both = {"metadata": {"annotations": {names.STRATEGY: None}}, **image("web:v2")}
    assert held(shop.patch(both)) == HELD


def test_opting_out_alone_is_free(shop: Shop) -> None:
    """After opting out, the Deployment is as any other."""
    shop.create()
    shop.annotate(strategy=None)
    assert held(shop.patch(image("web:v2"))) == FREE


def test_a_held_deployment_stays_held_after_opting_out(shop: Shop) -> None:
    """The mark holds, not only the opt-in: un-pausing would roll out what nobody judged."""
    shop.create()
    shop.patch(image("web:v2"))
    shop.annotate(strategy=None)
    assert held(shop.patch({"spec": {"paused": False}})) == HELD


def test_a_held_deployment_keeps_and_scales_its_old_replica_set(shop: Shop) -> None:
    """Only the running version's ReplicaSet exists, and it follows the size."""
    shop.create()
    shop.patch(image("web:v2"))
    shop.patch({"spec": {"replicas": 4}})
    eventually("the old ReplicaSet scaled", lambda: [item["spec"]["replicas"] for item in shop.sets()] == [4])


def test_scaled_to_zero_and_back_while_held_brings_the_stable_version(shop: Shop) -> None:
    """The held version does not start by way of zero (case 67)."""
    shop.create()
    shop.patch(image("web:v2"))
    assert held(shop.patch({"spec": {"replicas": 0}})) == HELD
    eventually("no replicas", lambda: [item["spec"]["replicas"] for item in shop.sets()] == [0])
    assert held(shop.patch(image("web:v3"))) == HELD
    assert held(shop.patch({"spec": {"replicas": 3}})) == HELD
    eventually("the stable version again", lambda: [item["spec"]["replicas"] for item in shop.sets()] == [3])
    assert shop.sets()[0]["spec"]["template"]["spec"]["containers"][0]["image"] == "web:v1"


def test_behind_zero_replicas_nothing_is_held(shop: Shop) -> None:
    """A Deployment without pods has no users to protect."""
    body = a_deployment(shop.namespace)
    body["spec"]["replicas"] = 0
    shop.create(body)
    assert held(shop.patch(image("web:v2"))) == FREE


def test_holding_touches_nothing_else(shop: Shop) -> None:
    """Repeated variables and ports, which people do write, stay as they are; so does everything around them."""
    body = a_deployment(shop.namespace)
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    container["ports"] = [{"name": "a", "containerPort": 80}, {"name": "b", "containerPort": 80}]
    before = shop.create(body)
    after = shop.patch([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:v2"}])
    assert held(after) == HELD
    before["spec"]["template"]["spec"]["containers"][0]["image"] = "web:v2"
    assert after["spec"] == {**before["spec"], "paused": True}


def test_an_owners_own_pause_is_theirs_until_they_resume(shop: Shop) -> None:
    """Changes under an owner's pause are not ours; resuming them is the release."""
    shop.create()
    assert held(shop.patch({"spec": {"paused": True}})) == (True, None)
    assert held(shop.patch(image("web:v2"))) == (True, None)
    assert held(shop.patch({"spec": {"paused": False}})) == HELD


def test_a_pause_that_comes_with_the_change_is_the_owners(shop: Shop) -> None:
    """Paused by the same write that changes the template: not held until resumed."""
    shop.create()
    assert held(shop.patch({"spec": {"paused": True, **image("web:v2")["spec"]}})) == (True, None)
    assert held(shop.patch({"spec": {"paused": False}})) == HELD


def test_an_equal_write_while_held_changes_nothing(shop: Shop) -> None:
    """Applying the same manifest again leaves the generation as it is."""
    shop.create()
    first = shop.patch(image("web:v2"))
    again = shop.patch(image("web:v2"))
    assert again["metadata"]["generation"] == first["metadata"]["generation"]


def test_a_large_template_is_held_within_the_cost_limits(shop: Shop) -> None:
    """A pod template of 300 KB, with as many annotations around it, does not exhaust the policies' budget."""
    body = a_deployment(shop.namespace)
    variables = [{"name": f"VARIABLE_{number}", "value": "x" * 100} for number in range(200)]
    body["spec"]["template"]["spec"]["containers"] = [
        {"name": f"part-{number}", "image": "web:v1", "env": variables} for number in range(10)
    ]
    body["spec"]["template"]["metadata"]["annotations"] = {f"example.com/{number}": "y" * 500 for number in range(300)}
    body["metadata"]["annotations"].update({f"example.com/{number}": "z" * 200 for number in range(300)})
    body["spec"]["replicas"] = 1
    patient = replace(shop, user=shop.user.within(60))
    patient.create(body)
    last = "/spec/template/spec/containers/9/env/199/value"
    assert held(patient.patch([{"op": "replace", "path": last, "value": "new"}])) == HELD
    assert held(patient.patch({"spec": {"replicas": 2}})) == HELD


def test_a_dry_run_of_the_controller_is_not_exempt(shop: Shop) -> None:
    """So that the controller can prove the hold."""
    shop.create()
    answer = shop.controller.patch(kinds.DEPLOYMENT, "web", shop.namespace, image("web:v2"), dry_run=True)
    assert held(answer) == HELD
    assert held(shop.read()) == FREE


def test_the_proof_holds_whatever_state_the_deployment_is_in(shop: Shop) -> None:
    """Plain, owner-paused, held, rolling: a dry run shows the hold each time, and writes nothing."""
    shop.create()
    assert hold.prove(shop.controller, shop.read()) is None
    shop.patch({"spec": {"paused": True}})
    assert hold.prove(shop.controller, shop.read()) is None
    shop.patch({"spec": {"paused": False}})
    assert hold.prove(shop.controller, shop.read()) is None
    shop.let_roll()
    assert hold.prove(shop.controller, shop.read()) is None
    assert held(shop.read()) == (False, "rolling")


def test_the_proof_fails_where_the_hold_does_not_act(shop: Shop) -> None:
    """A Deployment that no policy matches stands for a cluster without the hold."""
    body = a_deployment(shop.namespace)
    del body["metadata"]["annotations"]
    shop.create(body)
    assert "paused false and rampart.dev/held missing" in str(hold.prove(shop.controller, shop.read()))
