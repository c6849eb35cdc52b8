"""A decision's envelope, its signature, its name, and who wishes for it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from rollout import notice, reasons
from rollout.notice import Notice, Subject
from rollout.seen import Level, Told
from rollout.status import Decision, Phase, Release
from tests.rollout.building import START, a_release, after

WEB = Subject("shop", "web", "web-uid")
STEP = Told("Stepping", "5 % to the canary")
LINE = Decision(at=START, reason="Stepping", message="5 % to the canary")


def a_notice(told: Told = STEP, release: Release | None = None, **at: Any) -> Notice:
    return notice.of(WEB, release, told, at.get("now", after(60)))


def test_the_envelope_is_a_cloud_event() -> None:
    """The required attributes, two extensions to filter by, and where the release stands."""
    release = a_release(Phase.STEPPING, decisions=(LINE,), success="99.50 %", step_text="1/4")
    found = a_notice(release=release)
    assert json.loads(notice.body(found)) == {
        "specversion": "1.0",
        "id": found.id,
        "source": "/apis/apps/v1/namespaces/shop/deployments/web",
        "type": "dev.rampart.decision.v1",
        "subject": "web-v2",
        "time": "2026-01-01T00:00:00.000000Z",
        "datacontenttype": "application/json",
        "reason": "Stepping",
        "level": "Normal",
        "data": {
            "namespace": "shop",
            "deployment": "web",
            "reason": "Stepping",
            "level": "Normal",
            "message": "5 % to the canary",
            "release": "web-v2",
            "revision": "v2",
            "attempt": 1,
            "phase": "Stepping",
            "step": "1/4",
            "weight": 5.0,
            "success": "99.50 %",
            "latency": "",
            "holding": "",
        },
    }


def test_a_deployment_at_rest_has_no_subject() -> None:
    """CloudEvents allows no empty one."""
    found = json.loads(notice.body(a_notice(Told("HoldMissing", "no policy", Level.WARNING))))
    assert "subject" not in found
    assert found["data"] == {
        "namespace": "shop",
        "deployment": "web",
        "reason": "HoldMissing",
        "level": "Warning",
        "message": "no policy",
    }


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example that its reference libraries are tested with."""
    secret = notice.read_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = notice.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_secret_signs() -> None:
    """An old and a new secret overlap; time and name are part of what is signed."""
    found = a_notice()
    both = notice.headers(found, b"{}", notice.read_secrets("new\n\n old \n"), 1700000000)
    assert both["webhook-id"] == found.id
    assert both["webhook-timestamp"] == "1700000000"
    assert both["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    new, old = both["webhook-signature"].split(" ")
    assert new == notice.sign(b"new", found.id, 1700000000, b"{}")
    assert old == notice.sign(b"old", found.id, 1700000000, b"{}")
    assert new != notice.sign(b"new", found.id, 1700000001, b"{}")
    assert new != notice.sign(b"new", "another", 1700000000, b"{}")
    assert new != notice.sign(b"new", found.id, 1700000000, b"{ }")


def test_the_same_decision_has_the_same_name() -> None:
    """Told again after a restart: later, and cut to what the status keeps."""
    line = Decision(at=START, reason="RolledBack", message="v2 ended: success rate")
    release = a_release(Phase.ROLLED_BACK, decisions=(LINE, line))
    first = a_notice(Told("RolledBack", "v2 ended: success rate 90 %", Level.WARNING), release)
    again = a_notice(Told("RolledBack", "v2 ended: success rate", Level.WARNING), release, now=after(900))
    assert first.id == again.id
    assert first.at == again.at == START


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(a_notice(release=a_release(decisions=(LINE.model_copy(update={"at": after(1)}),))), id="later"),
        pytest.param(a_notice(Told("Baking", LINE.message), a_release(decisions=(LINE,))), id="another reason"),
        pytest.param(a_notice(release=a_release(decisions=(LINE,)).model_copy(update={"uid": "x"})), id="release"),
        pytest.param(
            notice.of(Subject("shop", "web", "x"), a_release(decisions=(LINE,)), Told("Stepping", LINE.message), START),
            id="another Deployment of the same name",
        ),
        pytest.param(a_notice(), id="no release"),
    ],
)
def test_another_decision_has_another_name(other: Notice) -> None:
    assert other.id != a_notice(release=a_release(decisions=(LINE,))).id


def test_what_no_release_records_is_told_once_a_day() -> None:
    """A fault that stands is not sent again by each restart, and is not silent for ever."""
    fault = Told("HoldMissing", "no policy", Level.WARNING)
    first = a_notice(fault)
    assert a_notice(fault, now=after(7200)).id == first.id
    assert a_notice(fault, now=START + timedelta(days=1)).id != first.id
    assert a_notice(Told("HoldMissing", "no binding", Level.WARNING)).id != first.id


WARNED = Told("JudgedBadHeld", "bad", Level.WARNING)


@pytest.mark.parametrize(
    ("told", "phase", "groups"),
    [
        pytest.param(Told("Preparing", "begins"), Phase.PREPARING, ("all", "starts"), id="begins"),
        pytest.param(Told("Stepping", "5 %"), Phase.STEPPING, ("all",), id="goes on"),
        pytest.param(Told("RouteDrift", "x", Level.WARNING), Phase.STEPPING, ("all", "warnings"), id="a warning"),
        pytest.param(WARNED, Phase.STEPPING, ("all", "failures", "warnings"), id="bad, and left to a person"),
        pytest.param(
            Told("SuccessRateLow", "x", Level.WARNING), Phase.ROLLING_BACK, ("all", "failures", "warnings"), id="falls"
        ),
        pytest.param(
            Told("RolledBack", "x", Level.WARNING),
            Phase.ROLLED_BACK,
            ("all", "ends", "failures", "warnings"),
            id="has failed",
        ),
        pytest.param(Told("Superseded", "x"), Phase.ROLLING_BACK, ("all",), id="gives way"),
        pytest.param(Told("Promoted", "x"), Phase.PROMOTED, ("all", "ends"), id="is promoted"),
        pytest.param(Told("HoldMissing", "x", Level.WARNING), None, ("all", "warnings"), id="at rest"),
    ],
)
def test_groups(told: Told, phase: Phase | None, groups: tuple[str, ...]) -> None:
    """What each group covers; a reason by name covers itself."""
    found = a_notice(told, a_release(phase) if phase is not None else None)
    assert notice.groups(found) == groups
    assert notice.is_wished(found, (told.reason,))
    assert notice.is_wished(found, ("starts", groups[-1]))
    assert not notice.is_wished(found, ("Reverted",))


def test_every_group_and_every_reason_can_be_wished_for() -> None:
    notice.check_events((*notice.GROUPS, *reasons.SAID))
