"""Steps as people need them: a tenth of a percent, a person who is waited for, only some users, none but a mirror."""

import contextlib
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from deploy import kinds, names
from deploy.traffic import Json
from rollout.status import parse_time
from sandbox import ports
from tests.e2e import stage

PLAN = {"steps": "0.1,pause,1@20s,50", "on-no-data": "promote"}
RATE = 150


def weights(play: stage.Stage) -> list[int]:
    """As they stand in the user's route."""
    route = play.get(kinds.VIRTUAL_SERVICE)["spec"]["http"][0]["route"]
    return [entry["weight"] for entry in route]


def test_tenth_of_a_percent_is_written_and_served_and_the_plan_waits_for_a_person() -> None:
    """Few requests meet the version until somebody resumes; then each step has its own interval."""
    with stage.opened(plan=PLAN) as play:
        play.send(RATE)
        play.set_image("v2")
        play.wait_weight("0.1")
        stage.wait("ten of ten thousand", lambda: weights(play) == [9990, 10])
        stage.wait("the plan pauses", lambda: play.status().get("holding") == "Paused")
        stage.wait("one of a thousand is served", lambda: play.served("v2") > 0)
        time.sleep(8)
        total = play.counts()
        assert play.served("v2") / sum(total.counts.values()) < 0.01
        assert (play.status()["weight"], play.status()["stepText"]) == ("0.1", "1/4")
        told = play.told("Paused")
        assert "the plan pauses here; to go on: do=resume" in told["message"]
        play.wish("resume")
        play.wait_weight("1")
        stage.wait("one of a hundred", lambda: weights(play) == [99, 1])
        play.wait_weight("50")
        play.told("Stepping", "50 % to the canary")
        steps = sorted(parse_time(item["eventTime"]) for item in play.events("Stepping"))
        assert len(steps) == 3
        assert steps[2] - steps[1] >= timedelta(seconds=20), "its own interval, not the plan's six seconds"
        play.wait_phase("Promoted")
        assert len(play.events("Paused")) == 1
        play.check_none_failed()
        play.check_rest("v2")


def test_pause_that_leaves_the_plan_holds_nobody() -> None:
    """Edited in mid-pause the release goes on by the new plan, from the weight where it stands (case 47)."""
    with stage.opened(plan={"steps": "20,pause,50"}) as play:
        play.send()
        play.set_image("v2")
        stage.wait("the plan pauses", lambda: play.status().get("holding") == "Paused")
        play.kubectl("annotate", "deployment", "web", "--overwrite", "rampart.dev/steps=20,60@5s")
        play.wait_weight("60")
        play.wait_phase("Promoted")
        assert "steps 20,pause,50 → 20,60@5s" in play.told("PlanChanged")["message"]
        play.check_none_failed()


TWO_RULES = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - name: probes
    match: [{uri: {prefix: /probe}}]
    directResponse: {status: 204}
  - name: main
    match: [{uri: {prefix: /}}, {headers: {x-user: {exact: me}}}]
    retries: {attempts: 0}
    route: [{destination: {host: web}}]
"""
OWN_MIRROR = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - retries: {attempts: 0}
    mirror: {host: web}
    mirrorPercentage: {value: 1}
    route: [{destination: {host: web}}]
"""


def ask(play: stage.Stage, **headers: str) -> str:
    """The version that answers one request with these headers (`x_canary` is `x-canary`)."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    host = {"Host": f"web.{play.namespace}.svc.cluster.local"}
    request = urllib.request.Request(ports.url(ports.CLIENT_PROXY), headers={**host, **sent})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.headers["x-version"])
    except urllib.error.HTTPError as error:
        return str(error.headers["x-version"])


@contextlib.contextmanager
def asking(play: stage.Stage, **headers: str) -> Iterator[Counter[str]]:
    """Requests with these headers go on beside the load, twenty a second; counts the versions that answer."""
    met: Counter[str] = Counter()
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.05):
            met[ask(play, **headers)] += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield met
    finally:
        over.set()
        thread.join()


def rules(play: stage.Stage) -> list[Json]:
    found: list[Json] = play.get(kinds.VIRTUAL_SERVICE)["spec"]["http"]
    return found


@pytest.mark.parametrize(
    ("step", "headers", "others"),
    [
        pytest.param("header:x-canary=yes", {"x_canary": "yes"}, {"x_canary": "yess"}, id="header"),
        pytest.param("cookie:beta=1", {"cookie": "a=2; beta=1; c=3"}, {"cookie": "a=2; beta=12"}, id="cookie"),
    ],
)
def test_only_requests_that_match_meet_the_new_version(
    step: str, headers: dict[str, str], others: dict[str, str]
) -> None:
    """All that match, and none that does not; then by weight, and the route is as it was (promises 1 and 7)."""
    plan = {"steps": f"{step},pause,50", "judge": "evidence", "bake": "5s"}
    with stage.opened(plan=plan, virtual_service=TWO_RULES) as play:
        play.send()
        play.set_image("v2")
        stage.wait("the step", lambda: play.status().get("lead") == step)
        stage.wait("the copy stands", lambda: len(rules(play)) == 3)
        assert [rule["name"] for rule in rules(play)] == ["probes", f"rampart-only {step} main", "main"]
        stage.wait("it is followed", lambda: {ask(play, **headers) for _ in range(5)} == {"v2"})
        with asking(play, **headers) as met:
            stage.wait("the plan pauses", lambda: play.status().get("holding") == "Paused")
            stage.wait("they are answered", lambda: sum(met.values()) > 5)
        assert (set(met), play.status()["weight"]) == ({"v2"}, "0")
        play.check_unmet("v2")
        assert {ask(play, **others) for _ in range(20)} == {"v1"}
        told = play.told("Stepping")
        assert len(play.events("Stepping")) == 1
        assert f"only requests with {step.replace(':', ' ')} to the canary" in told["message"]
        assert "judged by its thresholds alone" in told["message"]
        with asking(play, **headers):
            play.wish("resume")
            play.wait_weight("50")
            stage.wait("the copy is gone, since a rise is recorded first", lambda: len(rules(play)) == 2)
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def test_version_that_is_bad_for_those_who_match_is_taken_back_from_them() -> None:
    """Nobody else has met it; the fall takes the rule out."""
    with stage.opened(plan={"steps": "header:x-canary=1,50"}, virtual_service=TWO_RULES) as play:
        play.send()
        play.set_image("v2-errors50")
        stage.wait("the copy stands", lambda: len(rules(play)) == 3)
        with asking(play, x_canary="1") as met:
            stage.wait("it has fallen", lambda: len(rules(play)) == 2)
        status = play.wait_phase("RolledBack")
        assert (status["reason"], met["v2"] > 5) == ("SuccessRateLow", True)
        play.check_unmet("v2")
        play.check_none_failed()
        play.check_rest("v2-errors50", paused=True)


def counted(play: stage.Stage) -> Counter[str]:
    """Requests that `stable` and `canary` have received until now, as their pods count them, mirrored ones too."""
    found: Counter[str] = Counter()
    for row in play.box.kubelet("GET", "/pods")["pods"]:
        if row["namespace"] == play.namespace:
            found["canary" if row["name"].startswith("web-canary-") else "stable"] += row["requests"]
    return found


def check_mirrored(play: stage.Stage, requests: int = 1500) -> None:
    """The canary receives about a fifth of so many further requests."""
    before = counted(play)
    stage.wait("they are sent", lambda: (counted(play) - before)["stable"] >= requests)
    grown = counted(play) - before
    assert 0.15 < grown["canary"] / grown["stable"] < 0.25, grown


def test_mirror_gives_the_canary_a_copy_and_users_stables_answers() -> None:
    """The canary sees about the share; it is judged by what it would have answered; nobody met it."""
    with stage.opened(plan={"steps": "mirror:20,pause,50"}) as play:
        play.send(80)
        play.set_image("v2")
        stage.wait("the mirror stands", lambda: "mirrors" in rules(play)[0])
        stage.wait("the plan pauses", lambda: play.status().get("holding") == "Paused")
        check_mirrored(play)
        play.check_unmet("v2")
        told = play.told("Stepping")
        assert "a copy of 20 % of the requests to the canary, whose answers nobody gets" in told["message"]
        assert "success rate 100 % of" in play.told("Paused")["message"]
        play.wish("resume")
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def test_bad_version_in_the_mirror_is_taken_back_and_nobody_met_it() -> None:
    """Half of what it answers are errors, and no user has seen one."""
    with stage.opened(plan={"steps": "mirror:50,50"}) as play:
        play.send()
        play.set_image("v2-errors50")
        assert play.wait_phase("RolledBack")["reason"] == "SuccessRateLow"
        play.check_unmet("v2")
        play.check_none_failed()
        play.check_rest("v2-errors50", paused=True)


def test_what_the_route_can_not_express_is_refused_before_anything_is_sent() -> None:
    """The user's own mirror stays; another plan is taken at once (case 6)."""
    with stage.opened(plan={"steps": "mirror:10,50"}, virtual_service=OWN_MIRROR) as play:
        play.send()
        play.set_image("v2")
        stage.wait("it is refused", lambda: play.status().get("holding") == "Refused")
        words = f"VirtualService {play.namespace}/web http[0] has a mirror of its own"
        play.told("Refused", words)
        told = play.events("Refused")
        assert 1 <= len(told) <= 2, "at opt-in, and for the release"
        assert all(words in item["message"] for item in told)
        assert play.cluster.list(kinds.DEPLOYMENT, play.namespace, labels=names.RELEASE).items == []
        assert play.status()["phase"] == "Pending"
        play.kubectl("annotate", "deployment", "web", "--overwrite", "rampart.dev/steps=header:x-canary=1,50")
        stage.wait("the copy stands", lambda: len(rules(play)) == 2)
        play.wish("promote")
        play.wait_phase("Promoted")
        play.check_none_failed()
