"""SMI's TrafficSplits on the real API server, in both definitions, followed by real requests through the stand-in."""

import contextlib
import json
from collections.abc import Iterator

import pytest

from deploy import kinds
from deploy.traffic import Json
from sandbox.smi.definitions import Flavour
from tests.e2e import promises, smi_stage, stage

SMI = {"router": "smi"}
"""It has to be said here: the stand-in's VirtualServices look like routes of Istio's."""
OTHER = (
    stage.DEPLOYMENT.replace("name: web", "name: legacy", 1)
    .replace("app: web", "app: legacy")
    .replace("web:v1", "web:legacy")
)
VERSIONS = [
    pytest.param(Flavour.UPSTREAM, "v1alpha4", (8, 2), id="upstream v1alpha4"),
    pytest.param(Flavour.LINKERD, "v1alpha1", ("800m", "0.2"), id="Linkerd v1alpha1"),
]


def split_of(play: stage.Stage, name: str = "web") -> Json:
    return stage.content(play.get(kinds.TRAFFIC_SPLIT, name))


@contextlib.contextmanager
def opened(flavour: Flavour, *extra: str, mesh: str = "istio", **more: str) -> Iterator[stage.Stage]:
    """A stage without Istio's routes, on one of the definitions of TrafficSplit; `more` is of the plan."""
    plan, flags = {**SMI, **more}, {"mesh": mesh}
    with smi_stage.defined(flavour), stage.opened(*extra, plan=plan, flags=flags, virtual_service="") as play:
        yield play


def check_rest(play: stage.Stage, version: str, before: Json | None = None, paused: bool = False) -> None:
    """No leg, no temporary split; the user's as it was, with its own spelling of weights."""
    play.check_rest(version, paused=paused)
    services = {item["metadata"]["name"] for item in play.cluster.list(kinds.SERVICE, play.namespace).items}
    assert services == {name for kind, name in play.originals if kind == "Service"}
    left = [stage.content(item) for item in play.cluster.list(kinds.TRAFFIC_SPLIT, play.namespace).items]
    assert left == ([before] if before else [])


def share(play: stage.Stage, version: str, requests: int = 600) -> float:
    """The part of the next requests that a version answers."""
    begun = play.counts().requests, play.served(version)
    stage.wait(f"{requests} more requests", lambda: play.counts().requests >= begun[0] + requests)
    return (play.served(version) - begun[1]) / (play.counts().requests - begun[0])


@pytest.mark.parametrize(("flavour", "version", "weights"), VERSIONS)
def test_weights_are_kept_and_followed(flavour: Flavour, version: str, weights: tuple[object, object]) -> None:
    """Both definitions keep weights as they were written, zero too, and requests follow them."""
    with opened(flavour, OTHER, smi_stage.a_service("legacy", app="legacy")) as play:
        play.rolled_out("legacy")
        play.apply(smi_stage.a_split(("web", weights[0]), ("legacy", 0), version=version))
        play.send(100)
        found = play.get(kinds.TRAFFIC_SPLIT.at(version))
        assert [entry["weight"] for entry in found["spec"]["backends"]] == [weights[0], 0]
        assert play.served("legacy") == 0
        play.apply(smi_stage.a_split(("web", weights[0]), ("legacy", weights[1]), version=version))
        stage.wait("the other one is met", lambda: play.served("legacy") > 0)
        assert 0.14 < share(play, "legacy") < 0.26
        play.apply(smi_stage.a_split(("web", 0), ("legacy", 0), version=version))
        play.check_none_failed()


@pytest.mark.parametrize(("flavour", "version", "weights"), VERSIONS)
def test_good_release_moves_its_backend_alone(flavour: Flavour, version: str, weights: tuple[object, object]) -> None:
    """Promoted without a failed request; the other backend keeps its fifth; the split is as it was, byte for byte."""
    unknown: Json = {"later": {"unknown": [1]}} if flavour is Flavour.UPSTREAM else {}
    split = smi_stage.a_split(("web", weights[0]), ("legacy", weights[1]), version=version, **unknown)
    with opened(flavour, OTHER, smi_stage.a_service("legacy", app="legacy"), split, steps="20,50,pause") as play:
        play.rolled_out("legacy")
        del play.originals["Deployment", "legacy"]
        before = split_of(play)
        play.send(80)
        play.set_image("v2")
        play.wait_weight("50")
        stage.wait("the weight is followed", lambda: share(play, "v2", 80) > 0.25)
        assert 0.32 < share(play, "v2") < 0.48
        during = {entry["service"]: entry["weight"] for entry in split_of(play)["spec"]["backends"]}
        assert during["legacy"] == weights[1]
        assert len(during) == 3
        play.resume()
        play.wait_phase("Promoted")
        total = play.check_none_failed()
        legacy = sum(number for (_, seen, _), number in total.counts.items() if seen == "legacy")
        assert 0.16 < legacy / total.requests < 0.24
        check_rest(play, "v2", before)


def test_bad_version_is_taken_back() -> None:
    """Weight to zero in the look that finds it; the split is the user's again."""
    split = smi_stage.a_split(("web", 1), version="v1alpha4")
    with opened(Flavour.UPSTREAM, split) as play:
        before = split_of(play)
        play.send()
        play.set_image("v2-errors20")
        assert play.wait_phase("RolledBack")["reason"] == "SuccessRateLow"
        play.check_only_failed("v2")
        check_rest(play, "v2-errors20", before, paused=True)


def test_linkerds_own_metrics_tell_the_legs_apart() -> None:
    """Pods with Linkerd's proxy: the canary is its own `deployment`, and is judged by `response_total`."""
    with opened(Flavour.LINKERD, mesh="linkerd") as play:
        play.kubectl("annotate", "deployment", "web", "rampart.dev/strategy-")
        template = {"metadata": {"annotations": {"linkerd.io/inject": "enabled"}}}
        play.kubectl("patch", "deployment", "web", "-p", json.dumps({"spec": {"template": template}}))
        play.rolled_out()
        stage.remember(play)
        play.send()
        play.kubectl("annotate", "deployment", "web", "rampart.dev/strategy=canary")
        play.set_image("v2-errors20")
        status = play.wait_phase("RolledBack")
        assert status["reason"] == "SuccessRateLow"
        play.check_only_failed("v2")
        check_rest(play, "v2-errors20", paused=True)


@pytest.mark.parametrize("flavour", [*Flavour])
def test_service_without_a_split_gets_a_temporary_one(flavour: Flavour) -> None:
    """Made before the canary comes up, gone at the end; zero is written as zero."""
    with opened(flavour) as play:
        play.send()
        play.set_image("v2-start3")
        stage.wait("it is there", lambda: play.cluster.find(kinds.TRAFFIC_SPLIT, "web-rampart", play.namespace))
        weights = [entry["weight"] for entry in split_of(play, "web-rampart")["spec"]["backends"]]
        assert weights == [100, 0]
        play.wait_phase("Promoted")
        play.check_none_failed()
        check_rest(play, "v2-start3")


PROFILE = {
    "apiVersion": "linkerd.io/v1alpha2",
    "kind": "ServiceProfile",
    "spec": {"routes": [{"name": "all", "condition": {"pathRegex": ".*"}, "isRetryable": True, "timeout": "5s"}]},
}


def test_retries_of_a_service_profile_hold_and_hide_no_bad_version() -> None:
    """Clients see next to nothing of a version that fails in a fifth of its answers, and it is taken back."""
    with opened(Flavour.LINKERD) as play:
        name = f"web.{play.namespace}.svc.cluster.local"
        play.apply(json.dumps({**PROFILE, "metadata": {"name": name}}))
        play.send()
        play.set_image("v2-errors20")
        assert play.wait_phase("RolledBack")["reason"] == "SuccessRateLow"
        total = play.finish_load()
        assert play.served("v2") > 30
        promises.keep(total.failed <= 3, f"users saw {total.failures}")
        stage.wait("no weight is left in it", lambda: stage.content(profile_of(play, name))["spec"] == PROFILE["spec"])
        check_rest(play, "v2-errors20", paused=True)


def profile_of(play: stage.Stage, name: str) -> Json:
    return play.get(kinds.SERVICE_PROFILE, name)


def test_profile_with_overrides_of_its_own_is_refused() -> None:
    """A split would replace them: named at opt-in, and nothing is released."""
    with opened(Flavour.LINKERD) as play:
        name = f"web.{play.namespace}.svc.cluster.local"
        other = f"other.{play.namespace}.svc.cluster.local"
        spec = {"dstOverrides": [{"authority": name, "weight": "1"}, {"authority": other, "weight": "0"}]}
        play.apply(json.dumps({**PROFILE, "metadata": {"name": name}, "spec": spec}))
        play.send()
        play.set_image("v2")
        stage.wait("it is said", lambda: "dstOverrides of its own" in str(play.status().get("message")))
        assert play.status()["phase"] == "Pending"
        play.check_unmet("v2")
        play.check_none_failed()
