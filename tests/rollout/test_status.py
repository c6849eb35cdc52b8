"""The Release: what is written is what is read, and nothing of it grows."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy import names
from deploy.traffic import canary as pin_of
from rollout import status
from rollout.plan import Plan
from rollout.status import ENDED, Decision, Phase, Release, Share, Spec, Status
from tests.rollout.building import START, a_plan, after

FULL = Status(
    phase=Phase.FINISHING,
    weight=Decimal("0.5"),
    step_text="2/4",
    reached="3/4",
    reason="Finishing",
    message="goes on",
    holding="Paused",
    success="99.00 %",
    latency="12 ms",
    seen_weight="5.1 %",
    started=START,
    since=after(1.5),
    ready_at=after(2),
    paused_at=after(3),
    paused_seconds=12.5,
    bad_looks=2,
    last_bad=after(4),
    service="web",
    pod_labels={"app": "web"},
    stable=(Share(label=names.POD_TEMPLATE_HASH, value="abc", parts=3),),
    stable_digests=("d1", "d2"),
    saved={"VirtualService": [{"weight": 80}]},
    drifts=(after(5), after(6)),
    base="web-v1",
    outcome=Phase.PROMOTED,
    new_stable=Share(label=names.POD_TEMPLATE_HASH, value="def", parts=1),
    ended=after(7),
    decisions=(Decision(at=after(8), reason="Finishing", message="goes on", level="Warning"),),
)


def an_object(**changes: Any) -> dict[str, Any]:
    spec = Spec(deployment="web", deployment_uid="u", revision="v2", attempt=2, plan=a_plan().texts())
    item = status.build(spec, "shop", "web-v2-2")
    item["metadata"] |= {"uid": "r", "resourceVersion": "5", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {**item, **changes}


def test_what_is_written_is_what_is_read() -> None:
    """A restart loses nothing."""
    written = json.loads(json.dumps(status.dump(FULL, {}, START)))
    assert status.parse(an_object(status=written)).status == FULL


def test_a_new_release_is_owned_and_held_by_its_finalizer() -> None:
    """Deleting the Deployment deletes it, and deleting it brings traffic back first."""
    item = an_object()
    owner = item["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["uid"], owner["blockOwnerDeletion"]) == (
        "Deployment",
        "web",
        "u",
        False,
    )
    found = status.parse(item)
    assert (found.status, found.finalizers, found.deleting) == (Status(), (names.FINALIZER,), False)
    assert (found.spec.attempt, found.plan, found.pin) == (2, a_plan(), pin_of("web-v2-2"))


def test_a_deletion_is_read() -> None:
    """And finalizers that are not there are none."""
    item = an_object()
    item["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": None}
    assert (status.parse(item).deleting, status.parse(item).finalizers) == (True, ())


def test_fields_of_a_newer_version_are_passed_over() -> None:
    """A controller can be rolled back."""
    assert status.parse(an_object(status={"phase": "Stepping", "weight": "5", "novelty": {}})).status.weight == 5


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"spec": {}}, id="no spec"),
        pytest.param({"status": {"phase": "Dancing"}}, id="an unknown phase"),
        pytest.param({"status": {"started": "yesterday"}}, id="a time that is none"),
    ],
)
def test_what_is_no_release_is_refused(changes: dict[str, Any]) -> None:
    """Promise 10: the caller says it and goes on with the others."""
    with pytest.raises(ValidationError):
        status.parse(an_object(**changes))


@pytest.mark.parametrize("phase", list(Phase))
def test_the_end_is_one_of_five(phase: Phase) -> None:
    """Ended phases, and the conditions that people wait for."""
    release = status.parse(an_object(status={"phase": phase, "weight": "0", "holding": "Paused"}))
    conditions = {item["type"]: item["status"] for item in status.dump(release.status, {}, START)["conditions"]}
    assert release.is_ended is (phase in ENDED)
    assert conditions == {
        "Complete": str(phase in ENDED),
        "Promoted": str(phase is Phase.PROMOTED),
        "Holding": str(phase not in ENDED),
    }


def test_a_transition_time_moves_only_with_its_state() -> None:
    """Conditions as Kubernetes means them."""
    first = status.dump(Status(phase=Phase.STEPPING, reason="Stepping"), {}, START)
    held = status.dump(Status(phase=Phase.STEPPING, reason="BadLook", holding="BadLook"), first, after(60))
    again = status.dump(Status(phase=Phase.STEPPING, reason="Other", holding="Other"), held, after(120))
    times = [{item["type"]: item["lastTransitionTime"] for item in body["conditions"]} for body in (first, held, again)]
    assert [found["Complete"] for found in times] == ["2026-01-01T00:00:00Z"] * 3
    assert [found["Holding"] for found in times] == [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:01:00Z",
        "2026-01-01T00:01:00Z",
    ]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        pytest.param(Status(), "Waiting", id="nothing said yet"),
        pytest.param(Status(reason="Preparing"), "Preparing", id="the last decision"),
        pytest.param(Status(reason="Resumed", holding="NoRequests"), "NoRequests", id="what holds"),
    ],
)
def test_the_holding_condition_says_why(found: Status, reason: str) -> None:
    """A condition needs a reason, and the one that holds is the one to read."""
    conditions = {item["type"]: item for item in status.dump(found, {}, START)["conditions"]}
    assert conditions["Holding"]["reason"] == reason


def test_an_ended_release_forgets_what_only_a_live_one_needs() -> None:
    """Case 56: the saved route and the past drifts go; the last two decisions stay."""
    lines = tuple(Decision(at=after(n), reason=f"R{n}", message="m") for n in range(9))
    body = status.dump(FULL.model_copy(update={"phase": Phase.PROMOTED, "decisions": lines}), {}, START)
    assert (body["saved"], body["drifts"], body["podLabels"]) == (None, [], {})
    assert [line["reason"] for line in body["decisions"]] == ["R7", "R8"]


@pytest.mark.parametrize("phase", sorted(ENDED))
def test_an_ended_release_is_at_most_two_kilobytes(phase: Phase) -> None:
    """With usual messages, whatever its route was."""
    ended = FULL.model_copy(
        update={
            "phase": phase,
            "message": "v2 ended after 300 s: success rate 80.1 % of 1024 requests in 60 s, at least 99 % wished",
            "saved": {"VirtualService": [{"spec": "x" * 100_000}]},
        }
    )
    assert len(json.dumps(status.dump(ended, {}, START), separators=(",", ":"))) <= 2048


@given(
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)),
    hours=st.integers(-12, 12),
)
def test_times_are_written_in_utc_and_read_back(moment: datetime, hours: int) -> None:
    """RFC 3339 with microseconds, whatever the zone was."""
    aware = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    text = status.format_time(aware)
    assert text.endswith("Z")
    assert status.parse_time(text) == aware
    assert status.parse_time(aware) is aware
    assert status.parse_time(text).tzinfo == UTC


@pytest.mark.parametrize("length", [1, 40, 52, 53, 63, 253])
@pytest.mark.parametrize("attempt", [1, 2, 100])
def test_names_fit_a_label_and_stay_apart(length: int, attempt: int) -> None:
    """Case 60: near 63 and 253 characters, still valid and still unique."""
    names_ = {
        status.release_name(stem + "x" * (length - 1), revision, attempt)
        for stem in "ab"
        for revision in ("0123456789", "abcdefabcd")
    }
    assert len(names_) == 4
    assert all(len(name) <= 63 for name in names_)


@pytest.mark.parametrize(
    "deployment",
    [
        pytest.param("web", id="short"),
        pytest.param("x" * 253, id="as long as a name can be"),
        pytest.param("web.v1.shop", id="with dots"),
        pytest.param(".".join("x" * 60 for _ in range(4)), id="long and with dots"),
        pytest.param("x" * 34 + "." + "y" * 20, id="cut at a dot"),
    ],
)
@pytest.mark.parametrize("attempt", [1, 2, 100])
def test_the_leg_of_a_release_is_a_dns_label(deployment: str, attempt: int) -> None:
    """Case 60: a subset's name in a route is one (RFC 1123), whatever the Deployment is called."""
    legs = {pin_of(status.release_name(deployment, revision, attempt)).name for revision in ("a" * 10, "b" * 10)}
    assert len(legs) == 2
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", leg) for leg in legs)


@pytest.mark.parametrize(
    ("recorded", "plan"),
    [
        pytest.param({"steps": "7"}, a_plan(steps="7"), id="as written"),
        pytest.param({"steps": "7", "novelty": "x"}, a_plan(steps="7"), id="a key of a newer version"),
        pytest.param(
            {"steps": "7", "judge": "evidence", "strategy": "pair"}, a_plan(steps="7"), id="values of a newer version"
        ),
        pytest.param({"steps": "7", "deadline": "1s"}, a_plan(), id="a plan that contradicts itself"),
        pytest.param({}, a_plan(), id="nothing"),
    ],
)
def test_what_can_not_be_read_of_a_recorded_plan_is_the_default(recorded: dict[str, str], plan: Plan) -> None:
    """Promise 10: a controller that was rolled back still ends what a newer one began."""
    spec = {"deployment": "web", "deploymentUid": "u", "revision": "v2", "plan": recorded}
    assert status.parse(an_object(spec=spec)).plan == plan


def test_attempts_of_one_revision_have_names_of_their_own() -> None:
    """A retry is another Release."""
    assert status.release_name("web", "abc", 1) == "web-abc"
    assert status.release_name("web", "abc", 2) == "web-abc-2"


def test_a_release_is_a_value() -> None:
    """What was read is not changed behind a decision's back."""
    release: Release = status.parse(an_object())
    with pytest.raises(ValidationError):
        release.name = "other"


def test_longest_ended_status_is_at_most_2_kb() -> None:
    """Names and sentences as long as they may be, after a plan with a step of one header and pauses."""
    now = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
    line = status.Decision(at=now, reason="SuccessRateBroken", message="x" * 400, level="Warning")
    times = ("started", "since", "ready_at", "paused_at", "last_bad", "alike_since", "checkpoint_at", "ended")
    ended = status.Status(
        phase=Phase.PROMOTED,
        outcome=Phase.PROMOTED,
        weight=Decimal(100),
        step_text="12/14",
        reached="12/14",
        reason="Promoted",
        message="x" * 400,
        success="99.12 %",
        latency="p99.9 12345 ms",
        evidence="100.00",
        seen_weight="100.00",
        halted=f"header:x-canary={'a' * 63}",
        service="s" * 63,
        base="b" * 63,
        checkpoint="c" * 900,
        decisions=(line,) * 10,
        **dict.fromkeys(times, now),  # type: ignore[arg-type]
    )
    assert len(json.dumps(status.dump(ended, {}, now), separators=(",", ":"))) <= 2048


def test_an_ended_release_still_says_since_when_it_was_compared() -> None:
    """`rampart record` begins there."""
    ended = FULL.model_copy(update={"phase": Phase.PROMOTED, "ready_at": after(40)})
    assert status.dump(ended, {}, START)["readyAt"] == status.format_time(after(40))
