"""The evidence judge on real counters: what is bad is convicted early, what is good is let through sooner."""

from datetime import datetime, timedelta

from rollout.plan import Plan
from rollout.status import parse_time
from sandbox import tally
from tests.e2e import prometheus_of_own, promises, stage

PORT = 19191
EVIDENCE = {"judge": "evidence", "steps": "5,25,50", "interval": "120s", "bake": ""}
FLAGS = {"warm-up": "5s"}


def moment(play: stage.Stage, reason: str) -> datetime:
    """When the release first told it."""
    play.told(reason)
    return min(parse_time(item["eventTime"]) for item in play.events(reason))


def test_fifth_of_errors_is_convicted_on_its_first_step() -> None:
    """At 5 % of the traffic, with the numbers and the evidence told."""
    with stage.opened(plan=EVIDENCE, flags=FLAGS) as play:
        play.send(50)
        play.set_image("v2-errors20")
        status = play.wait_phase("RolledBack")
        play.check_only_failed("v2")
        assert status["reason"] in ("SuccessRateLow", "WorseThanStable")
        play.told(status["reason"], "evidence")
        assert len(play.events("Stepping")) == 1
        play.check_rest("v2-errors20", paused=True)


def test_fifth_of_errors_is_convicted_with_a_scrape_every_fifteen_seconds() -> None:
    """As many installations scrape; the evidence is the same, it comes with the scrapes."""
    flags = {**FLAGS, "prometheus-url": f"http://127.0.0.1:{PORT + 1}"}
    with (
        prometheus_of_own.opened(PORT + 1, scrape="15s"),
        stage.opened(plan=EVIDENCE, flags=flags) as play,
    ):
        play.send(50)
        play.set_image("v2-errors20")
        status = play.wait_phase("RolledBack")
        play.told(status["reason"], "evidence")
        assert len(play.events("Stepping")) == 1
        play.check_only_failed("v2")
        play.check_rest("v2-errors20", paused=True)


def test_two_of_a_hundred_errors_are_convicted_though_the_threshold_is_near() -> None:
    """Stable fails never: the comparison sees it long before the threshold does."""
    with stage.opened(plan={**EVIDENCE, "steps": "50"}, flags=FLAGS) as play:
        play.send(80)
        play.set_image("v2-errors2")
        status = play.wait_phase("RolledBack")
        assert status["reason"] in ("SuccessRateLow", "WorseThanStable")
        play.check_only_failed("v2")
        play.check_rest("v2-errors2", paused=True)


def test_healthy_release_is_promoted_by_proof_before_its_time() -> None:
    """The interval is the longest stay: with enough requests it takes less than half of the plan's length."""
    with stage.opened(plan=EVIDENCE, flags=FLAGS) as play:
        play.send(120)
        play.set_image("v2")
        status = play.wait_phase("Promoted", patience=900)
        taken = parse_time(status["ended"]) - parse_time(status["started"])
        plan = Plan.model_validate({"strategy": "canary", "steps": EVIDENCE["steps"], "interval": EVIDENCE["interval"]})
        assert taken < plan.length / 2, taken
        play.check_none_failed()
        play.check_rest("v2")


def test_bake_that_was_given_is_kept_though_the_version_is_proven() -> None:
    """The step before it ends by proof; the bake does not, and no release is shorter than the settings say."""
    plan = {**EVIDENCE, "steps": "50", "bake": "40s"}
    with stage.opened(plan=plan, flags={**FLAGS, "min-duration": "20s"}) as play:
        play.send(120)
        play.set_image("v2")
        play.wait_phase("Baking")
        assert moment(play, "Baking") - moment(play, "Stepping") < timedelta(seconds=120), "the step's interval"
        play.wait_phase("Promoted")
        assert moment(play, "Promoting") - moment(play, "Baking") >= timedelta(seconds=40)
        play.check_none_failed()
        play.check_rest("v2")


def test_proven_release_takes_as_long_as_the_settings_say() -> None:
    """Without a bake in the plan the proof ends the release as soon as its least duration is over."""
    with stage.opened(plan={**EVIDENCE, "steps": "50"}, flags={**FLAGS, "min-duration": "50s"}) as play:
        play.send(120)
        play.set_image("v2")
        play.wait_phase("Promoted")
        taken = moment(play, "Promoting") - moment(play, "Stepping")
        assert timedelta(seconds=50) <= taken < timedelta(seconds=240), "two intervals are 240 s"
        play.check_none_failed()
        play.check_rest("v2")


def test_slow_tail_is_convicted_by_the_counts_above_the_limit() -> None:
    """Five of a hundred requests take three seconds, and the limit lets one of a hundred be slower than one."""
    with stage.opened(plan={**EVIDENCE, "steps": "50", "latency": "p99<1s"}, flags=FLAGS) as play:
        play.send(60)
        play.set_image("v2-slow3000p5")
        status = play.wait_phase("RolledBack")
        assert status["reason"] == "LatencyHigh"
        play.check_none_failed()
        play.check_rest("v2-slow3000p5", paused=True)


def test_prometheus_without_its_storage_is_no_evidence() -> None:
    """Restarted empty in mid-step: the release goes on where it was, and nothing is held against it."""
    flags = {**FLAGS, "prometheus-url": f"http://127.0.0.1:{PORT}", "prometheus-timeout": "2"}
    plan = {**EVIDENCE, "steps": "20,50", "interval": "30s", "bake": "20s"}
    with prometheus_of_own.opened(PORT) as prometheus, stage.opened(plan=plan, flags=flags) as play:
        play.send(60)
        play.set_image("v2")
        play.wait_weight("20")
        stage.wait("v2 is measured", lambda: play.served("v2") > 100)
        prometheus.end()
        prometheus.forget()
        stage.wait("it is missed", lambda: play.status().get("holding", "").startswith("Prometheus"))
        prometheus.start()
        play.wait_phase("Promoted")
        play.check_none_failed()
        play.check_rest("v2")


def test_incident_that_both_versions_suffer_is_held_against_neither() -> None:
    """Stable fails as often as the canary: hold, and say so (case 27)."""
    with stage.opened(image="v1-errors20", plan={**EVIDENCE, "steps": "50"}, flags=FLAGS) as play:
        play.send(50)
        stage.wait("stable has a past of some scrapes", lambda: play.served("v1") > 600)
        play.set_image("v2-errors20")
        stage.wait("it holds", lambda: play.status().get("holding") == "EnvironmentIncident")
        play.wish("abort")
        play.wait_phase("Cancelled")
        promises.keep(tally.NOBODY not in play.finish_load().versions, "a request was answered by nobody")
        play.check_rest("v2-errors20", paused=True)
