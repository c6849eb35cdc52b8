"""Our annotations, judged by the cluster at write time."""

from typing import Any

import pytest

from deploy import errors, kinds, names
from tests.e2e.hold_fixtures import (
    FREE,
    Shop,
    a_deployment,
    controller,
    held,
    in_force,
    installed,
    shop,
    user,
    window,
)

__all__ = ["controller", "in_force", "installed", "shop", "user", "window"]

pytestmark = pytest.mark.e2e


def bad(**note: str) -> Any:
    ((key, value),) = note.items()
    return pytest.param(key.replace("_", "-"), value, id=f"{key} {value}".strip())


REFUSED = [
    *(bad(strategy=value) for value in ("", "Canary", "rolling")),
    *(
        bad(steps=value)
        for value in ("20,40,40", "0", "100,50", "5,,10", "5%", "101", "", "0,5", "5,", "1e1", "-5", "5.555")
    ),
    *(bad(interval=value) for value in ("60", "1d", "", "0s", "5 m", "1.5h")),
    *(bad(bake=value) for value in ("", "x", "0s")),
    *(bad(deadline=value) for value in ("0m", "forever")),
    *(bad(success_rate=value) for value in ("101", "-1", "99%", "", "NaN", "100.5")),
    *(bad(latency=value) for value in ("500ms", "p99", "p99<500", "p99<0ms", "p0<5ms", "p100<5ms", "p99>500ms")),
    *(bad(max_failures=value) for value in ("0", "101", "1.5", "")),
    *(bad(judge=value) for value in ("", "oracle")),
    *(bad(on_failure=value) for value in ("", "ignore")),
    *(bad(on_no_data=value) for value in ("", "fail")),
    *(bad(router=value) for value in ("", "nginx")),
    *(bad(do=value) for value in ("", "Promote", "explode")),
    *(bad(service=value) for value in ("", "Web", "web.shop", "w" * 64)),
    *(bad(canary_of=value) for value in ("", "web_v1")),
    *(bad(policy=value) for value in ("", "Strict!")),
]


@pytest.mark.parametrize(("key", "value"), REFUSED)
def test_a_bad_value_is_refused_with_key_and_value(window: Shop, key: str, value: str) -> None:
    """The cluster says at write time which key is wrong, what was found and what is right (case 48)."""
    body = a_deployment(window.namespace)
    body["metadata"]["annotations"][f"{names.GROUP}/{key}"] = value
    with pytest.raises(errors.Invalid) as refused:
        window.user.create(kinds.DEPLOYMENT, body, dry_run=True)
    assert f"rampart.dev/{key} must" in str(refused.value)
    assert f"got {value}".strip() in str(refused.value)


ACCEPTED = {
    "strategy": ("canary", "blue-green"),
    "steps": ("5,25,50", "0.5", "0.01,1,99.99", "100", "5,100"),
    "interval": ("30s", "5m", "1h30m"),
    "bake": ("1s", "10m"),
    "deadline": ("2h",),
    "success-rate": ("0", "99", "99.95", "100", "100.0"),
    "latency": ("p99<500ms", "p99.9<2s", "p50<10ms", "p0.5<10ms"),
    "max-failures": ("1", "100"),
    "judge": ("evidence", "threshold"),
    "on-failure": ("rollback", "hold"),
    "on-no-data": ("hold", "cancel", "promote"),
    "router": ("istio", "gateway", "smi", "service"),
    "do": ("promote", "abort", "pause", "resume", "retry", "revert"),
    "service": ("web", "w" * 63),
    "canary-of": ("web-v1",),
    "policy": ("strict",),
}


@pytest.mark.parametrize("key", ACCEPTED)
def test_good_values_are_accepted(window: Shop, key: str) -> None:
    """Every form that the documentation names."""
    for value in ACCEPTED[key]:
        body = a_deployment(window.namespace)
        body["metadata"]["annotations"][f"{names.GROUP}/{key}"] = value
        window.user.create(kinds.DEPLOYMENT, body, dry_run=True)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        pytest.param("step", "the nearest is rampart.dev/steps", id="missing letter"),
        pytest.param("latncy", "the nearest is rampart.dev/latency", id="misspelt"),
        pytest.param("xyz", "known after rampart.dev/ are strategy, steps", id="nothing near"),
        pytest.param("", "known after rampart.dev/ are strategy, steps", id="empty"),
    ],
)
def test_an_unknown_key_is_refused_and_the_known_ones_named(window: Shop, key: str, words: str) -> None:
    """Also on a Deployment that is not opted in: the misspelt key may have been to opt in."""
    body = a_deployment(window.namespace)
    body["metadata"]["annotations"] = {f"{names.GROUP}/{key}": "1"}
    with pytest.raises(errors.Invalid) as refused:
        window.user.create(kinds.DEPLOYMENT, body, dry_run=True)
    if key:
        assert f"rampart.dev/{key} is not a known key; {words}" in str(refused.value)


def test_only_keys_that_a_write_changes_are_judged(shop: Shop) -> None:
    """A value that was written under older rules locks nobody out."""
    shop.create()
    shop.controls({"metadata": {"annotations": {f"{names.GROUP}/steps": "5%", f"{names.GROUP}/ancient": "1"}}})
    assert held(shop.patch({"spec": {"replicas": 3}})) == FREE
    with pytest.raises(errors.Invalid, match="steps must"):
        shop.annotate(steps="6%")
