"""Our annotations, judged by the cluster at write time."""

import re
from typing import Any

import pytest

from deploy import errors, kinds, names
from rollout import plan
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
    *(
        bad(steps=value)
        for value in ("5@", "5@2", "5@0s", "5@x,10", "100@5m", "5,100.0@5m", "@2m", "5@2m@2m", "5,10@1h,7@1h")
    ),
    *(
        bad(steps=value)
        for value in ("pause", "pause,5", "5,pause,pause,50", "5,pause@10m,50", "5,Pause", "5,pauses", "5,pause,4")
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


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        pytest.param("5,pause@10m,50", "have no duration behind pause, which ends with do=resume", id="a timed pause"),
        pytest.param("pause,5", "not begin with a pause, which follows a step, such as 5,pause,50", id="a pause first"),
        pytest.param("5,pause,pause,9", "have a step between two pauses", id="two pauses"),
        pytest.param("5@2,10", "have a duration behind @, such as 5@2m,25@1h30m,50", id="no unit"),
        pytest.param("5@0m,10", "have intervals of at least 1s", id="no stay at all"),
        pytest.param("5,100@5m", "have no interval at 100, the stay at which is rampart.dev/bake", id="the whole"),
        pytest.param(
            "header:X-Canary=1,5", "name a header (in small letters) or a cookie and its whole", id="capitals"
        ),
        pytest.param(
            "cookie:beta,5", "name a header (in small letters) or a cookie and its whole value", id="no value"
        ),
        pytest.param("mirror:x,5", "mirror a percentage above 0 and at most 100, such as mirror:10", id="no mirror"),
        pytest.param("mirror:0@1m,5", "mirror a percentage above 0 and at most 100", id="a mirror of nothing"),
        pytest.param("mirror:101", "mirror a percentage above 0 and at most 100", id="a mirror of more than all"),
        pytest.param("query:a=1,5", "have header:, cookie: or mirror: before a colon", id="something else"),
        pytest.param(
            "5,pause,header:a=1", "have header, cookie and mirror steps before any percentage", id="a header behind"
        ),
        pytest.param(
            "mirror:5,header:a=1@1m,mirror:5@2m,9", "name each header, cookie and mirror step once", id="twice"
        ),
        pytest.param("header:a=1@x,5", "have a duration behind @, such as 5@2m,25@1h30m,50", id="a header's interval"),
        pytest.param("5;10", "be rising percentages such as 5,25,50 (at most two decimals), or 5@2m", id="no list"),
        pytest.param("20,40@1m,40", "rise, such as 5,25,50", id="does not rise"),
        pytest.param("5,101@1m", "be above 0 and at most 100", id="more than the whole"),
    ],
)
def test_bad_steps_are_refused_with_what_would_be_right(window: Shop, steps: str, words: str) -> None:
    """The sentence is about the mistake that was made (case 48)."""
    body = a_deployment(window.namespace)
    body["metadata"]["annotations"][f"{names.GROUP}/steps"] = steps
    with pytest.raises(errors.Invalid) as refused:
        window.user.create(kinds.DEPLOYMENT, body, dry_run=True)
    assert f"rampart.dev/steps must {words}" in str(refused.value)
    assert f"got {steps}" in str(refused.value)


ACCEPTED = {
    "strategy": ("canary", "blue-green"),
    "steps": (
        "5,25,50",
        "0.5",
        "0.01,1,99.99",
        "100",
        "5,100",
        "0.1,1,10,50",
        "5@2m,25@1h30m,50",
        "5,pause,50",
        "5@30s,pause,50,100,pause",
        "header:x-canary=1,5,25",
        "mirror:0.5@1m,cookie:a_b=c~d,pause,5",
        "mirror:10",
    ),
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
        pytest.param("xyz", f"known after rampart.dev/ are {', '.join(plan.WRITABLE)}", id="nothing near"),
        pytest.param(
            "hel", f"known after rampart.dev/ are {', '.join(plan.WRITABLE)}", id="near a mark of the controller's"
        ),
        pytest.param("releases", f"known after rampart.dev/ are {', '.join(plan.WRITABLE)}", id="nearer still"),
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
        assert re.search(rf"rampart.dev/{key} is not a known key; {re.escape(words)}(?![\w,-])", str(refused.value))


def test_only_keys_that_a_write_changes_are_judged(shop: Shop) -> None:
    """A value that was written under older rules locks nobody out."""
    shop.create()
    shop.controls({"metadata": {"annotations": {f"{names.GROUP}/steps": "5%", f"{names.GROUP}/ancient": "1"}}})
    assert held(shop.patch({"spec": {"replicas": 3}})) == FREE
    with pytest.raises(errors.Invalid, match="steps must"):
        shop.annotate(steps="6%")
