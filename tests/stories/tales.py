"""The stories: what happens to a Deployment, and when (seconds)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from deploy import names
from deploy.hold import Mode
from rollout.status import Phase
from tests.stories.world import Happening, Version, World


def template(digest: str) -> Callable[[World], None]:
    return lambda world: world.write_template(digest)


def wish(what: str) -> Callable[[World], None]:
    return lambda world: world.wish(what)


def annotate(key: str, value: str) -> Callable[[World], None]:
    return lambda world: world.annotations.update({f"{names.GROUP}/{key}": value})


def opt_out(world: World) -> None:
    world.annotations.pop(names.STRATEGY)


def resize(replicas: int) -> Callable[[World], None]:
    def act(world: World) -> None:
        world.replicas = replicas

    return act


def prometheus(up: bool) -> Callable[[World], None]:
    def act(world: World) -> None:
        world.prometheus = up

    return act


def requests(rate: float) -> Callable[[World], None]:
    def act(world: World) -> None:
        world.requests_a_second = rate

    return act


def tests(rate: float) -> Callable[[World], None]:
    """Somebody sends requests to the preview."""

    def act(world: World) -> None:
        world.tests_a_second = rate

    return act


def delete_deployment(world: World) -> None:
    world.exists = False
    world.sets.clear()
    world.lenient = True


def delete_release(world: World) -> None:
    release = world.release
    assert release is not None
    world.releases[world.releases.index(release)] = release.model_copy(update={"deleting": True})


def rewrite(content: str) -> Callable[[World], None]:
    return lambda world: world.rewrite_route(content)


def escape(world: World) -> None:
    world.paused = False
    world.annotations.pop(names.HELD)


def lose_canary_pods(world: World) -> None:
    """A node goes away with all of the canary's pods; new ones are ready after a while."""
    for pods in world.canaries.values():
        pods.ready, pods.born, pods.changed = 0, world.clock + 10, world.clock
    world.lenient = True


def delete_canary(world: World) -> None:
    world.canaries.clear()
    world.lenient = True


def mend(version: str) -> Callable[[World], None]:
    def act(world: World) -> None:
        world.versions[version] = Version()

    return act


def spoil(version: str) -> Callable[[World], None]:
    """What worked fails from now on."""

    def act(world: World) -> None:
        world.versions[version] = Version(errors=0.3)

    return act


@dataclass(frozen=True)
class Tale:
    """A story; `ends` are the phases of its releases when it is over, the oldest first."""

    happens: tuple[Happening, ...]
    ends: tuple[Phase, ...]
    versions: dict[str, Version] = field(default_factory=dict, hash=False)
    until: float = 450.0
    lenient: bool = False
    paused: bool | None = None
    """Whether the Deployment is paused when it is over; None where the story does not say."""
    running: str = "v2"
    """The version whose pods serve when it is over."""

    def world(self, mode: Mode = Mode.POLICIES) -> World:
        return World(versions=dict(self.versions), lenient=self.lenient, mode=mode)


RELEASE = (1.0, template("v2"))
BLUE_GREEN = (0.0, annotate("strategy", "blue-green"))
NO_MESH = (0.0, annotate("router", "service"))
TESTED = (0.0, tests(5.0))
BAD = {"v2": Version(errors=0.2)}

TALES: dict[str, Tale] = {
    "good": Tale((RELEASE,), (Phase.PROMOTED,)),
    "blue-green": Tale((BLUE_GREEN, RELEASE), (Phase.PROMOTED,)),
    "blue-green with a tested preview": Tale((BLUE_GREEN, TESTED, RELEASE), (Phase.PROMOTED,)),
    "blue-green bad in the preview": Tale((BLUE_GREEN, TESTED, RELEASE), (Phase.ROLLED_BACK,), BAD, running="v1"),
    "blue-green bad in the bake": Tale((BLUE_GREEN, RELEASE), (Phase.ROLLED_BACK,), BAD, running="v1"),
    "blue-green aborted in the preview": Tale(
        (BLUE_GREEN, RELEASE, (30.0, wish("abort"))), (Phase.CANCELLED,), running="v1"
    ),
    "blue-green aborted in the bake": Tale(
        (BLUE_GREEN, RELEASE, (100.0, wish("abort"))), (Phase.CANCELLED,), running="v1"
    ),
    "blue-green and blue is doubled in the preview": Tale(
        (BLUE_GREEN, TESTED, RELEASE, (30.0, resize(8))), (Phase.PROMOTED,)
    ),
    "blue-green and blue is doubled in the bake": Tale(
        (BLUE_GREEN, TESTED, RELEASE, (100.0, resize(8))), (Phase.PROMOTED,)
    ),
    "blue-green without requests to the preview and no data holds": Tale(
        (BLUE_GREEN, (0.0, annotate("on-no-data", "hold")), RELEASE, (200.0, wish("promote"))), (Phase.PROMOTED,)
    ),
    "blue-green without requests to the preview and no data cancels": Tale(
        (BLUE_GREEN, (0.0, annotate("on-no-data", "cancel")), RELEASE), (Phase.CANCELLED,), running="v1"
    ),
    "blue-green and the one request to the preview fails": Tale(
        (BLUE_GREEN, (0.0, tests(0.1)), RELEASE, (150.0, wish("abort"))),
        (Phase.CANCELLED,),
        {"v2": Version(errors=1)},
        running="v1",
    ),
    "blue-green paused for a look at the preview": Tale(
        (BLUE_GREEN, TESTED, RELEASE, (20.0, wish("pause")), (300.0, wish("promote"))), (Phase.PROMOTED,), until=500
    ),
    "blue-green and Prometheus is away in the preview": Tale(
        (BLUE_GREEN, TESTED, RELEASE, (5.0, prometheus(False)), (200.0, prometheus(True))), (Phase.PROMOTED,), until=500
    ),
    "blue-green by steps": Tale((BLUE_GREEN, (0.0, annotate("steps", "10,50")), RELEASE), (Phase.PROMOTED,)),
    "blue-green and the plan pauses in the bake": Tale(
        (BLUE_GREEN, (0.0, annotate("steps", "100,pause")), RELEASE, (300.0, wish("resume"))),
        (Phase.PROMOTED,),
        until=500,
    ),
    "blue-green and a newer template in the native roll-out": Tale(
        (BLUE_GREEN, RELEASE, (156.0, template("v3"))), (Phase.SUPERSEDED, Phase.PROMOTED), running="v3", until=600
    ),
    "blue-green and a newer and bad template in the native roll-out": Tale(
        (BLUE_GREEN, TESTED, RELEASE, (156.0, template("v3")), (400.0, template("v2"))),
        (Phase.PROMOTED, Phase.ROLLED_BACK),
        {"v3": Version(errors=0.3)},
        until=700,
    ),
    "blue-green release deleted in the preview": Tale(
        (BLUE_GREEN, RELEASE, (30.0, delete_release)), (Phase.CANCELLED,), running="v1"
    ),
    "blue-green edited to canary in the preview": Tale(
        (BLUE_GREEN, RELEASE, (30.0, annotate("strategy", "canary"))), (Phase.PROMOTED,)
    ),
    "by numbers of pods": Tale((NO_MESH, RELEASE), (Phase.PROMOTED,), until=500),
    "by numbers of pods and bad": Tale((NO_MESH, RELEASE), (Phase.ROLLED_BACK,), BAD, running="v1"),
    "by numbers of pods and blue is doubled": Tale(
        (NO_MESH, RELEASE, (100.0, resize(8))), (Phase.PROMOTED,), until=500
    ),
    "by numbers of pods and blue is halved": Tale(
        (NO_MESH, RELEASE, (160.0, resize(2))), (Phase.PROMOTED,), until=500, lenient=True
    ),
    "by numbers of pods and the selector is rewritten": Tale(
        (NO_MESH, RELEASE, (100.0, rewrite("with another label"))), (Phase.PROMOTED,), lenient=True, until=500
    ),
    "by numbers of pods and a newer template in the native roll-out": Tale(
        (NO_MESH, RELEASE, (268.0, template("v3"))), (Phase.SUPERSEDED, Phase.PROMOTED), running="v3", until=900
    ),
    "blue-green by the selector": Tale((NO_MESH, BLUE_GREEN, TESTED, RELEASE), (Phase.PROMOTED,)),
    "bad": Tale((RELEASE,), (Phase.ROLLED_BACK,), BAD, running="v1"),
    "bad and tried again when mended": Tale(
        (RELEASE, (150.0, mend("v2")), (151.0, wish("retry"))), (Phase.ROLLED_BACK, Phase.PROMOTED), BAD, until=600
    ),
    "bad, then a good one": Tale(
        (RELEASE, (150.0, template("v3"))), (Phase.ROLLED_BACK, Phase.PROMOTED), BAD, running="v3", until=600
    ),
    "bad, reverted, and the same bad one again": Tale(
        (RELEASE, (150.0, wish("revert")), (200.0, template("v2"))), (Phase.ROLLED_BACK,), BAD, running="v1"
    ),
    "never ready": Tale((RELEASE,), (Phase.CANCELLED,), {"v2": Version(ready_after=10**9)}, until=2200, running="v1"),
    "crash loop": Tale(
        (RELEASE,),
        (Phase.ROLLED_BACK,),
        {"v2": Version(dead="pod web-1, container web: CrashLoopBackOff: back-off 10s")},
        running="v1",
    ),
    "revert in mid-step": Tale((RELEASE, (60.0, template("v1"))), (Phase.REVERTED,), running="v1"),
    "revert by wish": Tale((RELEASE, (60.0, wish("revert"))), (Phase.REVERTED,), running="v1"),
    "newer template in mid-step": Tale(
        (RELEASE, (100.0, template("v3"))), (Phase.SUPERSEDED, Phase.PROMOTED), running="v3", until=600
    ),
    "newer template while baking": Tale(
        (RELEASE, (225.0, template("v3"))), (Phase.SUPERSEDED, Phase.PROMOTED), running="v3", until=700
    ),
    "newer template in the native roll-out": Tale(
        (RELEASE, (270.0, template("v3"))), (Phase.SUPERSEDED, Phase.PROMOTED), running="v3", until=800
    ),
    "newer and bad template in the native roll-out": Tale(
        (RELEASE, (270.0, template("v3")), (450.0, template("v2"))),
        (Phase.PROMOTED, Phase.ROLLED_BACK),
        {"v3": Version(errors=0.3)},
        until=800,
    ),
    "revert in the native roll-out": Tale((RELEASE, (270.0, template("v1"))), (Phase.REVERTED,), running="v1"),
    "revert by wish in the native roll-out": Tale((RELEASE, (270.0, wish("revert"))), (Phase.REVERTED,), running="v1"),
    "abort": Tale((RELEASE, (60.0, wish("abort"))), (Phase.CANCELLED,), running="v1"),
    "abort before anything began": Tale((RELEASE, (1.0, wish("abort"))), (Phase.CANCELLED,), running="v1"),
    "abort in the native roll-out is too late": Tale((RELEASE, (270.0, wish("abort"))), (Phase.PROMOTED,)),
    "abort with nothing in progress": Tale(((5.0, wish("abort")),), (), running="v1", until=60),
    "pause and resume": Tale((RELEASE, (60.0, wish("pause")), (300.0, wish("resume"))), (Phase.PROMOTED,), until=700),
    "abort while paused": Tale(
        (RELEASE, (60.0, wish("pause")), (90.0, wish("abort"))), (Phase.CANCELLED,), running="v1"
    ),
    "bad while paused": Tale(
        (RELEASE, (5.0, wish("pause")), (200.0, wish("abort"))), (Phase.ROLLED_BACK,), BAD, running="v1"
    ),
    "promoted by a person": Tale((RELEASE, (30.0, wish("promote"))), (Phase.PROMOTED,), until=200),
    "a wish in the write that changes the template is not obeyed": Tale(
        ((1.0, wish("promote")), RELEASE), (Phase.PROMOTED,)
    ),
    "opt-out in mid-step": Tale((RELEASE, (60.0, opt_out)), (Phase.CANCELLED,), running="v1"),
    "opt-out in the native roll-out": Tale((RELEASE, (270.0, opt_out)), (Phase.PROMOTED,)),
    "release deleted in mid-step": Tale((RELEASE, (60.0, delete_release)), (Phase.CANCELLED,), running="v1"),
    "deployment deleted in mid-step": Tale((RELEASE, (60.0, delete_deployment)), (Phase.CANCELLED,), running=""),
    "route rewritten once": Tale((RELEASE, (60.0, rewrite("with a new timeout"))), (Phase.PROMOTED,), lenient=True),
    "route rewritten again and again": Tale(
        (RELEASE, *((60.0 + 10 * n, rewrite(f"rewrite {n}")) for n in range(6))),
        (Phase.CANCELLED,),
        lenient=True,
        running="v1",
    ),
    "prometheus away for a while": Tale(
        (RELEASE, (60.0, prometheus(False)), (200.0, prometheus(True))), (Phase.PROMOTED,), until=700
    ),
    "no traffic at all": Tale((RELEASE, (0.0, requests(0))), (Phase.CANCELLED,), until=2400, running="v1"),
    "no traffic and the plan says promote": Tale(
        ((0.0, annotate("on-no-data", "promote")), RELEASE, (0.0, requests(0))), (Phase.PROMOTED,)
    ),
    "no traffic and the plan says cancel": Tale(
        ((0.0, annotate("on-no-data", "cancel")), RELEASE, (0.0, requests(0))), (Phase.CANCELLED,), running="v1"
    ),
    "uneven steps with intervals of their own": Tale(
        ((0.0, annotate("steps", "0.1,1@20s,50@2m")), (0.0, requests(5000)), RELEASE), (Phase.PROMOTED,)
    ),
    "a pause in the plan": Tale(
        ((0.0, annotate("steps", "5,pause,50,100,pause")), RELEASE, (400.0, wish("resume")), (900.0, wish("resume"))),
        (Phase.PROMOTED,),
        until=1100,
    ),
    "bad while the plan pauses": Tale(
        ((0.0, annotate("steps", "5,pause,50")), RELEASE, (200.0, spoil("v2"))),
        (Phase.ROLLED_BACK,),
        running="v1",
    ),
    "abort while the plan pauses": Tale(
        ((0.0, annotate("steps", "5,pause,50")), RELEASE, (200.0, wish("abort"))), (Phase.CANCELLED,), running="v1"
    ),
    "promoted by a person while the plan pauses": Tale(
        ((0.0, annotate("steps", "5,pause,50")), RELEASE, (200.0, wish("promote"))), (Phase.PROMOTED,)
    ),
    "a pause is taken out of the plan while it lasts": Tale(
        ((0.0, annotate("steps", "5,pause,50")), RELEASE, (200.0, annotate("steps", "5,20,60"))),
        (Phase.PROMOTED,),
        until=600,
    ),
    "a person's pause in the plan's outlasts an edit": Tale(
        (
            (0.0, annotate("steps", "5,pause,50")),
            RELEASE,
            (200.0, wish("pause")),
            (300.0, annotate("steps", "5,50")),
            (400.0, wish("resume")),
        ),
        (Phase.PROMOTED,),
        until=800,
    ),
    "a pause is longer than the deadline": Tale(
        ((0.0, annotate("steps", "5,pause,50")), RELEASE, (4000.0, wish("resume"))), (Phase.PROMOTED,), until=4300
    ),
    "only requests with a header first": Tale(
        ((0.0, annotate("steps", "header:x-canary=1,pause,5,50")), RELEASE, (200.0, wish("resume"))),
        (Phase.PROMOTED,),
        until=600,
    ),
    "nobody has the header while the plan pauses": Tale(
        (
            (0.0, annotate("steps", "header:x-canary=1,pause,5,50")),
            (0.0, annotate("on-no-data", "cancel")),
            RELEASE,
            (120.0, requests(0)),
            (4000.0, wish("resume")),
            (4010.0, requests(50)),
        ),
        (Phase.PROMOTED,),
        until=4500,
    ),
    "bad for those with the header": Tale(
        ((0.0, annotate("steps", "header:x-canary=1,5,50")), RELEASE), (Phase.ROLLED_BACK,), BAD, running="v1"
    ),
    "revert while a header leads to the canary": Tale(
        ((0.0, annotate("steps", "header:x-canary=1,5,50")), RELEASE, (30.0, template("v1"))),
        (Phase.REVERTED,),
        running="v1",
    ),
    "the canary of a header step is lost and comes back": Tale(
        ((0.0, annotate("steps", "header:x-canary=1,50")), RELEASE, (30.0, lose_canary_pods)),
        (Phase.PROMOTED,),
        lenient=True,
    ),
    "a header step is taken out of the plan at it": Tale(
        ((0.0, annotate("steps", "header:x-canary=1,5,50")), RELEASE, (30.0, annotate("steps", "mirror:10,20,50"))),
        (Phase.PROMOTED,),
    ),
    "bad in the mirror": Tale(
        ((0.0, annotate("steps", "mirror:20,5,50")), RELEASE), (Phase.ROLLED_BACK,), BAD, running="v1"
    ),
    "a mirror, a cookie, and then by weight": Tale(
        ((0.0, annotate("steps", "mirror:20,cookie:beta=yes,50")), RELEASE), (Phase.PROMOTED,)
    ),
    "plan edited in mid-step": Tale((RELEASE, (60.0, annotate("steps", "5,10,60"))), (Phase.PROMOTED,)),
    "bad and the plan says hold": Tale(
        ((0.0, annotate("on-failure", "hold")), RELEASE, (200.0, wish("abort"))), (Phase.CANCELLED,), BAD, running="v1"
    ),
    "the template escapes the hold": Tale((RELEASE, (60.0, escape)), (Phase.CANCELLED,), lenient=True),
    "scaled to zero in mid-step": Tale(
        (RELEASE, (60.0, resize(0))), (Phase.CANCELLED, Phase.PENDING), lenient=True, running="", until=200
    ),
    "the autoscaler doubles the size": Tale((RELEASE, (100.0, resize(8))), (Phase.PROMOTED,)),
    "all pods of the canary are lost and come back": Tale((RELEASE, (100.0, lose_canary_pods)), (Phase.PROMOTED,)),
    "somebody deletes the canary": Tale((RELEASE, (100.0, delete_canary)), (Phase.ROLLED_BACK,), running="v1"),
    "opt-out and a newer template in the native roll-out": Tale(
        (RELEASE, (270.0, opt_out), (270.0, template("v3")), (400.0, template("v2"))), (Phase.PROMOTED,)
    ),
    "release deleted and a newer template in the native roll-out": Tale(
        (RELEASE, (270.0, delete_release), (270.0, template("v3"))),
        (Phase.SUPERSEDED, Phase.PROMOTED),
        running="v3",
        until=800,
    ),
    "nothing is promoted while a person holds": Tale(
        (
            (0.0, annotate("on-no-data", "promote")),
            RELEASE,
            (0.0, requests(0)),
            (10.0, wish("pause")),
            (300.0, wish("abort")),
        ),
        (Phase.CANCELLED,),
        running="v1",
    ),
    "opted out with a newer template in the native roll-out, and let go by its owner": Tale(
        (RELEASE, (270.0, template("v3")), (270.0, opt_out), (300.0, escape)),
        (Phase.SUPERSEDED,),
        running="v3",
        lenient=True,
    ),
    "a newer template escapes while it steps on an interrupted one's canary": Tale(
        (RELEASE, (270.0, template("v3")), (350.0, escape)),
        (Phase.SUPERSEDED, Phase.CANCELLED),
        running="v3",
        lenient=True,
    ),
    "reverted and opted out in one write": Tale(
        (RELEASE, (60.0, template("v1")), (60.0, opt_out)), (Phase.CANCELLED,), running="v1", paused=False
    ),
    "the autoscaler doubles the size while a newer template stands on the canary": Tale(
        (RELEASE, (270.0, template("v3")), (350.0, resize(8))),
        (Phase.SUPERSEDED, Phase.PROMOTED),
        running="v3",
        until=900,
    ),
    "scaled to zero in the native roll-out": Tale(
        (RELEASE, (270.0, resize(0))), (Phase.PROMOTED,), running="", lenient=True
    ),
    "route rewritten again and again from the first split on": Tale(
        (RELEASE, *((4.0 + 3 * n, rewrite("as the user wrote it")) for n in range(60))),
        (Phase.CANCELLED,),
        lenient=True,
        running="v1",
    ),
    "opted in again after opting out": Tale(
        (RELEASE, (60.0, opt_out), (150.0, annotate("strategy", "canary"))),
        (Phase.CANCELLED, Phase.PROMOTED),
        until=600,
    ),
    "the native roll-out stalls": Tale(
        (RELEASE, (400.0, mend("v2"))),
        (Phase.PROMOTED,),
        {"v2": Version(never_rolls="FailedCreate: exceeded quota")},
        until=600,
    ),
}
