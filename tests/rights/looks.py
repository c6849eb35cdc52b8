"""Acts of a look and of leadership: each runs one function of Rampart with the rights of a door.

Whatever is there beforehand is made by the administrator. An act passes, or raises NotGranted.
"""

from datetime import timedelta

from deploy import errors, events, hold, kinds
from deploy.leases import Leases
from rollout.seen import Preview, Raise, Remove, Unpreview
from rollout.watching import Watches
from tests.rights import ground as grounds
from tests.rights.ground import Door, Ground


def view(ground: Ground, door: Door) -> None:
    ground.deployment()
    found = ground.observer(door.cluster).view(ground.namespace, ground.name)
    assert found.work is not None


def refusals(ground: Ground, door: Door) -> None:
    """Which Service is in front of the Deployment."""
    ground.service()
    ground.deployment()
    assert ground.observer(door.cluster).refusals(ground.view()) == ()


def idle(ground: Ground, door: Door) -> None:
    """What is said at opt-in."""
    ground.deployment()
    assert ground.observer(door.cluster).idle(ground.view(), None).cautions == ()


def canary(ground: Ground, door: Door) -> None:
    """How the canary's pods are."""
    hand = ground.begun()
    ground.actor(ground.admin).perform(Raise(0), hand)
    assert ground.observer(door.cluster).canary(grounds.of(hand)) is not None


def prove(ground: Ground, door: Door) -> None:
    """The hold's dry run."""
    assert hold.prove(door.cluster, ground.deployment()) is None


def raise_canary(ground: Ground, door: Door) -> None:
    ground.actor(door.cluster).perform(Raise(0), ground.begun())


def remove_canary(ground: Ground, door: Door) -> None:
    hand = ground.begun()
    ground.actor(ground.admin).perform(Raise(0), hand)
    ground.actor(door.cluster).perform(Remove(), hand)


def begin(ground: Ground, door: Door) -> None:
    ground.deployment()
    found = ground.view()
    ground.actor(door.cluster).begin(found, ground.spec(found))


def record(ground: Ground, door: Door) -> None:
    release = grounds.of(ground.begun())
    ground.actor(door.cluster).record(release, release.status)


def let_go(ground: Ground, door: Door) -> None:
    """The finalizer of an ended release goes."""
    assert ground.actor(door.cluster).let_go(grounds.of(ground.begun())).finalizers == ()


def forget(ground: Ground, door: Door) -> None:
    """Ended releases are kept for a while."""
    release = ground.actor(ground.admin).let_go(grounds.of(ground.begun()))
    ground.actor(door.cluster).forget([release])
    assert ground.admin.find(kinds.RELEASE, release.name, ground.namespace) is None


def preview(ground: Ground, door: Door) -> None:
    ground.service()
    ground.actor(door.cluster).perform(Preview(), ground.begun())


def take_preview(ground: Ground, door: Door) -> None:
    """The preview of an earlier release leads to this one's canary from now on."""
    ground.service()
    ground.actor(ground.admin).perform(Preview(), ground.begun())
    ground.actor(door.cluster).perform(Preview(), ground.begun(attempt=2))


def unpreview(ground: Ground, door: Door) -> None:
    ground.service()
    hand = ground.begun()
    ground.actor(ground.admin).perform(Preview(), hand)
    ground.actor(door.cluster).perform(Unpreview(), hand)


def say(ground: Ground, door: Door) -> None:
    """An Event: what can not be said raises nothing, and is told."""
    told: list[str] = []
    herald = events.Herald(door.cluster, told.append)
    if not herald.say(ground.deployment(), events.Words("Promoted", "a word"), grounds.now()):
        raise errors.NotGranted(told[0])


def read_lease(ground: Ground, door: Door) -> None:
    assert Leases(door.cluster, ground.namespace, ground.name).read() is None


def take_lease(ground: Ground, door: Door) -> None:
    Leases(door.cluster, ground.namespace, ground.name).take(None, "me", 15, grounds.now())


def renew_lease(ground: Ground, door: Door) -> None:
    before = Leases(ground.admin, ground.namespace, ground.name).take(None, "me", 15, grounds.now())
    Leases(door.cluster, ground.namespace, ground.name).renew(before, 15, grounds.now() + timedelta(seconds=1))


def follow(kind: kinds.Kind, ground: Ground, door: Door) -> None:
    """One of the controller's watches is established; a missing right stands in the text of /readyz."""
    watches = Watches(
        door.cluster,
        ground.watched,
        touch=lambda name, urgent: None,
        spread=lambda name: None,
        tell=lambda text: None,
        policies_changed=lambda: None,
    )
    reflector = watches.reflectors[kind.kind]
    reflector.start()
    try:
        grounds.wait(f"{kind.plural}", lambda: reflector.not_granted or door.answered("watch", kind.plural))
        if words := reflector.not_granted:
            assert words in (*watches.unsynced(), *watches.notes())
            raise errors.NotGranted(words)
        assert reflector.is_synced
    finally:
        reflector.stop()
