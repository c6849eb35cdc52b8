"""Watching: what is kept of an object, and which change touches which name."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from deploy import errors, kinds, names
from deploy.cluster import Cluster
from deploy.kinds import Kind
from deploy.traffic import Json
from deploy.watch import Reflector
from rollout import watching
from rollout.status import ENDED, Phase
from rollout.watching import Watches
from tests.deploy.api_server import Asked, Reply, Stream, door, page, status, thing


def a_deployment(held: str | None = None, opted_in: bool = True, **metadata: Any) -> Json:
    notes = {"team": "shop", **({names.STRATEGY: "canary"} if opted_in else {}), **({names.HELD: held} if held else {})}
    return {"metadata": {"namespace": "shop", "name": "web", "generation": 1, "annotations": notes, **metadata}}


def a_release(phase: Phase = Phase.STEPPING, deployment: str = "web", pair: str = "", **metadata: Any) -> Json:
    return {
        "metadata": {"namespace": "shop", "name": "web-1", **metadata},
        "spec": {"deployment": deployment, "pair": pair},
        "status": {"phase": phase, "service": "web"},
    }


def test_of_a_deployment_only_our_notes_are_kept() -> None:
    """Case 56: memory does not grow with what others write."""
    assert watching.trim_metadata(a_deployment()) == {
        "key": "shop/web",
        "generation": 1,
        "annotations": {names.STRATEGY: "canary"},
        "canary_of": None,
    }
    canary = a_deployment(labels={names.RELEASE: "web-1"}, ownerReferences=[{"name": "web"}], annotations=None)
    assert watching.trim_metadata(canary)["canary_of"] == "web"
    assert watching.trim_metadata(a_deployment(annotations=None, ownerReferences=[]))["canary_of"] is None


def test_of_a_release_its_phase_is_kept() -> None:
    """A new one without a status is Pending; an absurd one concerns nobody (promise 10)."""
    assert watching.trim_release(a_release()) == {
        "namespace": "shop",
        "deployment": "web",
        "service": "web",
        "phase": "Stepping",
        "deleting": False,
        "bound": False,
        "side": "web",
    }
    assert watching.trim_release(a_release(finalizers=[names.FINALIZER]))["bound"]
    assert watching.trim_release(a_release(pair="shop"))["service"] == ""
    bare = watching.trim_release({"metadata": {"namespace": "shop", "name": "x", "deletionTimestamp": "now"}})
    assert (bare["deployment"], bare["phase"], bare["deleting"]) == (None, Phase.PENDING, True)


@pytest.mark.parametrize(
    ("item", "concerned"),
    [
        pytest.param(a_deployment(), True, id="opted in"),
        pytest.param(a_deployment(opted_in=False), False, id="not ours"),
        pytest.param(a_deployment("left", opted_in=False), True, id="carries our mark"),
        pytest.param(None, False, id="not there"),
    ],
)
def test_what_concerns_us_carries_our_notes(item: Json | None, concerned: bool) -> None:
    """An opted-out one with a mark of ours too."""
    assert watching.concerns(watching.trim_metadata(item) if item else None) is concerned


class Calls:
    """What was asked for."""

    def __init__(self) -> None:
        self.touched: list[tuple[str, bool]] = []
        self.spread: list[str] = []
        self.policies = 0

    def policies_changed(self) -> None:
        self.policies += 1


def watches(cluster: Cluster, calls: Calls, in_flight: bool) -> Watches:
    found = Watches(
        cluster,
        (),
        lambda name, urgent: calls.touched.append((name, urgent)),
        calls.spread.append,
        lambda text: None,
        calls.policies_changed,
    )
    if in_flight:
        found.release_changed("shop", "web-1", None, watching.trim_release(a_release()))
        calls.touched.clear()
    return found


def full(cluster: Cluster, kind: Kind, trimmed: list[Json]) -> Reflector:
    """A reflector that was never started and has these objects."""

    class Full(Reflector):
        def items(self) -> list[Json]:
            return trimmed

    return Full(cluster, kind, on_change=lambda *change: None, tell=lambda text: None)


TRIMMED = watching.trim_metadata(a_deployment())
CHANGED = {**TRIMMED, "generation": 2}
OTHER = watching.trim_metadata(a_deployment(opted_in=False))
HELD = watching.trim_metadata(a_deployment("true"))
CANARY = watching.trim_metadata(a_deployment(labels={names.RELEASE: "web-1"}, ownerReferences=[{"name": "web"}]))


@pytest.mark.parametrize(
    ("old", "new", "in_flight", "touched", "spread"),
    [
        pytest.param(None, TRIMMED, False, [], ["shop/web"], id="case 58: seen first at rest, some time soon"),
        pytest.param(None, HELD, False, [("shop/web", False)], [], id="seen first and held: now"),
        pytest.param(TRIMMED, CHANGED, False, [("shop/web", False)], [], id="changed"),
        pytest.param(TRIMMED, TRIMMED, False, [], [], id="only its status"),
        pytest.param(TRIMMED, TRIMMED, True, [("shop/web", True)], [], id="its status, in flight"),
        pytest.param(TRIMMED, OTHER, False, [("shop/web", False)], [], id="case 46: opted out"),
        pytest.param(TRIMMED, None, False, [("shop/web", False)], [], id="deleted"),
        pytest.param(OTHER, OTHER, False, [], [], id="not ours"),
        pytest.param(None, OTHER, False, [], [], id="not ours and new"),
        pytest.param(CANARY, CANARY, False, [("shop/web", True)], [], id="a canary's change is its owner's"),
        pytest.param(CANARY, None, False, [("shop/web", True)], [], id="a canary that goes too"),
    ],
)
def test_a_change_of_a_deployment_touches_its_name(
    old: Json | None, new: Json | None, in_flight: bool, touched: list[Any], spread: list[str]
) -> None:
    """Urgent where traffic is under way, spread where nothing is."""
    calls = Calls()
    with door(lambda asked: page("1")) as cluster:
        watches(cluster, calls, in_flight).deployment_changed("shop", "web", old, new)
    assert (calls.touched, calls.spread) == (touched, spread)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_change_of_a_release_touches_its_deployment(phase: Phase) -> None:
    """Urgent while it is in flight; one that names no Deployment touches none."""
    calls = Calls()
    with door(lambda asked: page("1")) as cluster:
        found = watches(cluster, calls, False)
        found.release_changed("shop", "web-1", None, watching.trim_release(a_release(phase)))
        found.release_changed("shop", "web-1", watching.trim_release(a_release(phase)), None)
        found.release_changed("shop", "web-1", None, None)
        found.release_changed("shop", "x", None, {"namespace": "shop", "deployment": None, "phase": phase})
    assert calls.touched == [("shop/web", phase not in ENDED)] * 2


def a_route(host: str, timeout: str = "1s") -> Json:
    return {"kind": "VirtualService", "metadata": {}, "spec": {"hosts": [host], "timeout": timeout}}


@pytest.mark.parametrize(
    ("old", "new", "touched"),
    [
        pytest.param(None, a_route("web"), True, id="made"),
        pytest.param(a_route("web.shop"), None, True, id="deleted"),
        pytest.param(a_route("web"), a_route("web", "2s"), True, id="rewritten"),
        pytest.param(a_route("web"), {**a_route("web"), "status": {}}, False, id="its status only"),
        pytest.param(a_route("web"), a_route("x"), True, id="led to it before"),
        pytest.param(None, a_route("x"), False, id="of another Service"),
        pytest.param(None, a_route("*.local"), True, id="of any Service"),
        pytest.param(None, {"kind": "ReferenceGrant", "spec": {}}, True, id="of a kind that names no Service"),
    ],
)
def test_a_change_of_a_route_touches_the_releases_of_its_services(old: Any, new: Any, touched: bool) -> None:
    """In whatever namespace it is: hosts are resolved by the router alone."""
    calls = Calls()
    with door(lambda asked: page("1")) as cluster:
        watches(cluster, calls, True).route_changed("mesh", "vs", old, new)
    assert calls.touched == ([("shop/web", True)] if touched else [])


@pytest.mark.parametrize(
    "release",
    [
        pytest.param({**a_release(), "status": {}}, id="it has no Service yet"),
        pytest.param(a_release(pair="shop"), id="of a pair"),
    ],
)
def test_any_route_may_concern_a_release_whose_service_is_not_known(release: Json) -> None:
    """A look too many is no harm."""
    calls = Calls()
    with door(lambda asked: page("1")) as cluster:
        found = watches(cluster, calls, False)
        found.release_changed("shop", "web-1", None, watching.trim_release(release))
        calls.touched.clear()
        found.route_changed("mesh", "vs", None, a_route("x"))
    assert len(calls.touched) == 1


@pytest.mark.parametrize(
    ("namespace", "old", "new", "touched", "spread"),
    [
        pytest.param("shop", None, {"generation": 1}, [("shop/web", True)], ["shop/api"], id="made"),
        pytest.param("shop", {"generation": 1}, {"generation": 2}, [("shop/web", True)], ["shop/api"], id="edited"),
        pytest.param("shop", {"generation": 1}, None, [("shop/web", True)], ["shop/api"], id="deleted"),
        pytest.param("shop", {"generation": 1}, {"generation": 1}, [], [], id="its labels only"),
        pytest.param("bank", None, {"generation": 1}, [], [], id="in another namespace"),
    ],
)
def test_a_release_policy_concerns_its_namespace(
    namespace: str, old: Any, new: Any, touched: list[Any], spread: list[str]
) -> None:
    """At once what is in flight; what rests some time soon, for its queries are tried anew."""
    calls = Calls()
    with door(lambda asked: page("1")) as cluster:
        items = [TRIMMED, {**TRIMMED, "key": "shop/api"}, {**OTHER, "key": "shop/x"}]
        found = watches(cluster, calls, True)
        found.reflectors = {**found.reflectors, "Deployment": full(cluster, kinds.DEPLOYMENT, items)}
        found.release_policy_changed(namespace, "strict", old, new)
    assert (calls.touched, calls.spread) == (touched, spread)


def a_policy() -> Json:
    return {"metadata": {"namespace": "shop", "name": "strict", "generation": 3}, "spec": {"plan": {}}}


def test_of_a_release_policy_its_generation_is_kept() -> None:
    """Its content is read when a look needs it."""
    assert watching.trim_policy(a_policy()) == {"namespace": "shop", "generation": 3}


def test_a_change_of_a_policy_asks_for_the_proof_anew() -> None:
    """Whatever changed in it."""
    calls = Calls()
    with door(lambda asked: page("1")) as cluster:
        watches(cluster, calls, False).policy_changed("", "hold", None, {})
    assert calls.policies == 1


def test_the_net_looks_at_releases_in_flight_and_held_templates() -> None:
    """And at nothing that rests (promise 9)."""
    with door(lambda asked: page("1")) as cluster:
        items = [{**HELD, "key": "shop/api"}, {**TRIMMED, "key": "shop/x"}]
        found = watches(cluster, Calls(), True)
        found.reflectors = {
            **found.reflectors,
            "Deployment": full(cluster, kinds.DEPLOYMENT, items),
        }
        assert found.in_flight() == frozenset({"shop/web"})
        assert found.open_names() == frozenset({"shop/web", "shop/api"})
        assert "the watch of VirtualServices is not established" in watches(cluster, Calls(), False).unsynced()


def test_routes_that_are_not_all_known_are_not_decided_on() -> None:
    """A split that is not seen is no split that is not there."""
    with door(lambda asked: page("1")) as cluster:
        found = watches(cluster, Calls(), False)
        with pytest.raises(errors.Unreachable, match="VirtualServices are not all known"):
            found.routes("VirtualService")


def without_right(found: Watches, *kinds_: Kind, synced: bool = False) -> Watches:
    """The same watches, of which these lack a right."""

    class Lacking(Reflector):
        not_granted = "may not list it: grant it"
        is_synced = synced

    made = {
        kind.kind: Lacking(found.cluster, kind, on_change=lambda *change: None, tell=lambda text: None)
        for kind in kinds_
    }
    found.reflectors = {**found.reflectors, **made}
    return found


def test_a_missing_right_for_a_kind_that_few_need_is_a_note() -> None:
    """It hinders looks that need it, and no others; a right that all need makes unready."""
    with door(lambda asked: page("1")) as cluster:
        found = without_right(watches(cluster, Calls(), False), kinds.VIRTUAL_SERVICE, kinds.DEPLOYMENT)
        assert found.notes() == ("may not list it: grant it",)
        unsynced = found.unsynced()
        assert "may not list it: grant it" in unsynced
        assert not any("VirtualService" in text for text in unsynced)
        with pytest.raises(errors.NotGranted, match="may not list it"):
            found.routes("VirtualService")


def test_a_right_that_was_taken_away_later_is_a_note() -> None:
    """What is known of the kind is there, and gets old."""
    with door(lambda asked: page("1")) as cluster:
        found = without_right(watches(cluster, Calls(), False), kinds.RELEASE, kinds.DESTINATION_RULE, synced=True)
        assert len(found.notes()) == 2
        assert not any("may not" in text for text in found.unsynced())


def test_whoever_comes_to_lead_looks_at_everything() -> None:
    """What is in flight first; then what is to be let go and what is held; what rests, once each, some time soon."""
    calls = Calls()
    with door(lambda asked: page("1")) as cluster:
        found = watches(cluster, calls, True)
        bound = watching.trim_release(a_release(Phase.PROMOTED, "old", finalizers=[names.FINALIZER]))
        ended = [watching.trim_release(a_release(Phase.PROMOTED, name)) for name in ("rests", "gone", "gone", "web")]
        found.reflectors = {
            **found.reflectors,
            "Release": full(cluster, kinds.RELEASE, [bound, *ended, watching.trim_release(a_release())]),
            "Deployment": full(
                cluster,
                kinds.DEPLOYMENT,
                [
                    TRIMMED,
                    CANARY,
                    {**HELD, "key": "shop/api"},
                    {**TRIMMED, "key": "shop/rests"},
                    {**OTHER, "key": "shop/x"},
                ],
            ),
        }
        found.recall()
    assert calls.touched == [
        ("shop/web", True),
        ("shop/old", False),
        ("shop/web", True),
        ("shop/web", True),
        ("shop/api", False),
    ]
    assert calls.spread == ["shop/rests", "shop/gone"]


def test_what_is_opted_in_is_known_by_name() -> None:
    """For the proof of the hold, when a policy changes."""
    with door(lambda asked: page("1")) as cluster:
        items = [TRIMMED, {**HELD, "key": "shop/api"}, {**OTHER, "key": "shop/x"}]
        found = watches(cluster, Calls(), False)
        found.reflectors = {**found.reflectors, "Deployment": full(cluster, kinds.DEPLOYMENT, items)}
        assert found.opted_in() == ["shop/web", "shop/api"]


@pytest.mark.parametrize(
    ("seconds", "stops"),
    [
        pytest.param(0.2, False, id="for a while"),
        pytest.param(600, True, id="and not at all when it is to stop"),
    ],
)
def test_a_server_that_answers_nothing_is_waited_for(seconds: float, stops: bool) -> None:
    """The kinds that are not full are named; the controller starts nevertheless."""
    stopping = threading.Event()
    if stops:
        stopping.set()
    with door(lambda asked: status(503, "later")) as cluster:
        found = watches(cluster, Calls(), False)
        unsynced = found.start(seconds, stopping)
        found.stop()
    assert "the watch of Deployments is not established" in unsynced
    assert len(unsynced) == len(found.reflectors)


def release_thing(version: str, name: str = "web-1", **spec: str) -> Json:
    return thing(name, version, spec=spec or {"deployment": "web"}, status={"phase": "Stepping"})


def canary_thing(version: str, owner: str = "web") -> Json:
    metadata = {"labels": {names.RELEASE: "web-1"}, "ownerReferences": [{"name": owner}]}
    found = thing(f"{owner}-canary", version)
    return {**found, "metadata": {**found["metadata"], **metadata}}


DEPLOYMENTS = [thing("web", "1"), thing("api", "2"), canary_thing("3"), canary_thing("4", "api")]
RELEASES = [
    release_thing("5"),
    release_thing("6", "side", deployment="old", pair="web"),
    release_thing("7", "api-1", deployment="api"),
]
RELEASE_POLICIES = [thing("strict", "8"), thing("strict", "9", "bank")]


def signs_of(deployments: list[Json], releases: list[Json], policies: list[Json]) -> Any:
    """What the watches tell of shop/web once they stand over such a cluster; None before."""
    ending = threading.Event()
    listed = {"deployments": deployments, "releases": releases, "releasepolicies": policies}

    def silence() -> Iterator[bytes]:
        ending.wait(30)
        yield b""

    def answer(asked: Asked) -> Reply | Stream:
        return Stream(silence()) if "watch" in asked.query else page("9", *listed[asked.path.rpartition("/")[2]])

    with door(answer) as cluster:
        found = watches(cluster, Calls(), False)
        assert found.signs("shop", "web") is None
        watched = [found.reflectors[kind] for kind in ("Deployment", "Release", "ReleasePolicy")]
        for reflector in watched:
            reflector.start()
        try:
            deadline = time.monotonic() + 10
            while (signs := found.signs("shop", "web")) is None:
                assert time.monotonic() < deadline, "the watches do not stand"
                time.sleep(0.005)
            return signs
        finally:
            ending.set()
            for reflector in watched:
                reflector.stop()


@pytest.mark.parametrize(
    ("cluster", "same"),
    [
        pytest.param((DEPLOYMENTS, RELEASES, RELEASE_POLICIES), True, id="nothing"),
        pytest.param(([thing("web", "11"), *DEPLOYMENTS[1:]], RELEASES, RELEASE_POLICIES), False, id="the Deployment"),
        pytest.param(
            ([*DEPLOYMENTS[:2], canary_thing("11"), DEPLOYMENTS[3]], RELEASES, RELEASE_POLICIES), False, id="its canary"
        ),
        pytest.param((DEPLOYMENTS, [release_thing("11"), *RELEASES[1:]], RELEASE_POLICIES), False, id="its Release"),
        pytest.param((DEPLOYMENTS, [RELEASES[0], RELEASES[2]], RELEASE_POLICIES), False, id="a Release of its pair"),
        pytest.param(
            (DEPLOYMENTS, RELEASES, [thing("strict", "11"), RELEASE_POLICIES[1]]), False, id="a policy near it"
        ),
        pytest.param(
            (
                [DEPLOYMENTS[0], thing("api", "11"), DEPLOYMENTS[2], canary_thing("12", "api")],
                [*RELEASES[:2], release_thing("13", "api-1", deployment="api")],
                [RELEASE_POLICIES[0], thing("strict", "14", "bank")],
            ),
            True,
            id="what concerns others",
        ),
    ],
)
def test_signs_change_with_what_a_look_reads(cluster: tuple[list[Json], ...], same: bool) -> None:
    """And with nothing else; none are given before every watch stands."""
    assert (signs_of(*cluster) == signs_of(DEPLOYMENTS, RELEASES, RELEASE_POLICIES)) is same
