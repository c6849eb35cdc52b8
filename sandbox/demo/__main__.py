"""`python -m sandbox.demo`: sets everything up, releases a good version and a bad one, and adds up."""

import argparse
import sys
import time
from pathlib import Path

from sandbox import cluster, errors, home, standing
from sandbox.demo import cast, scene, screen

TICK = 1.0
PATIENCE = 600.0
ENDED = frozenset({"Promoted", "RolledBack", "Superseded", "Reverted", "Cancelled"})

ACTS = (
    ("A good version", "v2", "Promoted"),
    ("A bad version (a fifth of its answers fail)", "v3-errors20", "RolledBack"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the cluster running, and say how to look around")
    keep = parser.parse_args().keep
    try:
        return run(keep)
    except errors.SandboxError as error:
        print(f"the demo can not go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ended", file=sys.stderr)
        return 130


def run(keep: bool) -> int:
    """Play on a sandbox of its own, or on the default one that is kept."""
    if not keep:
        with cluster.running(tell=told()) as box:
            return play(box)
    place = home.Home(home.default())
    leash = cluster.start(place, tell=told())
    try:
        code = play(leash.box, leave=False)
    except BaseException:
        leash.pull()
        raise
    leash.let_go()
    python = home.PROGRAM.split()[0]
    print("\nThe cluster and the controller go on; the load does not.")
    print(f"Look around:     {home.PROGRAM} shell        (then: kubectl -n shop get releases)")
    print(f"How it stands:   {home.PROGRAM} exec -- {Path(python).with_name('rampart')} status web -n shop --watch")
    print(f"Send requests:   {home.PROGRAM} exec -- {python} -m sandbox.load --host {cast.HOST} --seconds 600")
    print("Release again:   kubectl -n shop set image deployment/web web=web:v4")
    print(f"Controller log:  {place.root / 'logs' / 'rampart.log'}")
    print(f"End it:          {home.PROGRAM} down")
    return code


def told() -> cluster.Tell:
    """Print each part of the sandbox once, when it is ready."""
    shown: set[str] = set()

    def tell(state: standing.State) -> None:
        for part, record in state.records.items():
            if record.standing in (standing.Standing.READY, standing.Standing.DONE) and part not in shown:
                shown.add(part)
                print(f"  {part} is ready", flush=True)

    print("Starting a real cluster: etcd, API server, controllers, istiod, Envoy, Prometheus", flush=True)
    return tell


def play(box: cluster.Box, leave: bool = True) -> int:
    players = cast.enter(box)
    acts = []
    try:
        with screen.opened() as shown:
            for title, image, wanted in ACTS:
                acts.append(release(players, shown, title, image))
                if acts[-1].phase != wanted:
                    break
    finally:
        total = players.leave() if leave else players.counts()
    print("\nSummary")
    for act in acts:
        print(f"  {act.line}")
    by_v3 = sum(number for (version, _), number in total.failures.items() if version == "v3")
    print(f"  in all: {total.failed} of {total.requests} requests failed, {by_v3} of them served by the bad version")
    return check(acts, total.failures)


def check(acts: list[scene.Act], failures: dict[tuple[str, str], int]) -> int:
    """The demo proves what it says, or fails."""
    phases = [act.phase for act in acts]
    strangers = {key: number for key, number in failures.items() if key[0] != "v3"}
    if phases == [wanted for *_, wanted in ACTS] and not strangers:
        return 0
    print(f"  NOT as it should be: phases {phases}, failed requests of other versions: {strangers}", file=sys.stderr)
    return 1


def release(players: cast.Cast, shown: screen.Screen, title: str, image: str) -> scene.Act:
    """Set the image and watch until the release has ended."""
    watcher = scene.Watcher({item["metadata"]["uid"] for item in players.events()})
    before, known = players.counts(), {item["metadata"]["name"] for item in players.releases()}
    shown.say(f"\n{title}: kubectl set image deployment/web web=web:{image}")
    began = time.monotonic()
    players.set_image(image)
    while (seconds := time.monotonic() - began) < PATIENCE:
        players.check()
        fresh = [item for item in players.releases() if item["metadata"]["name"] not in known]
        current = fresh[-1] if fresh else None
        moment = watcher.moment(seconds, current, players.events(), scene.recent(players.counts()))
        shown.show(moment)
        if moment.phase in ENDED:
            return scene.added_up(title, image, moment.phase, seconds, before, players.counts())
        time.sleep(TICK)
    raise errors.SandboxError(f"the release of {image} did not end within {PATIENCE:.0f} s; see {players.log}")


if __name__ == "__main__":
    sys.exit(main())
