"""No mesh: the Service's own selector is the route; real connections follow its EndpointSlices."""

import contextlib
import threading
import time
from collections.abc import Iterator

from deploy import kinds, names, preview
from sandbox import load, tally
from tests.e2e import stage

SERVICE = {"router": "service"}
BLUE_GREEN = {**SERVICE, "strategy": "blue-green", "steps": "", "interval": "6s", "bake": "6s"}
FLAGS = {"mesh": "application-pods"}
ROOT = {"app": "web"}


def to_service(play: stage.Stage, name: str = "web") -> str:
    return f"kube-proxy://{name}.{play.namespace}:80"


def selector(play: stage.Stage) -> dict[str, str]:
    found: dict[str, str] = play.get(kinds.SERVICE)["spec"]["selector"]
    return found


class Selectors:
    """Every selector that the Service had, in the order in which they were seen."""

    def __init__(self, play: stage.Stage) -> None:
        self.seen: list[dict[str, str]] = []
        self._play, self._over = play, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._over.is_set():
            found = selector(self._play)
            if not self.seen or self.seen[-1] != found:
                self.seen.append(found)
            time.sleep(0.05)

    def __enter__(self) -> "Selectors":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def pins(self) -> list[str]:
        """What narrowed each of them: `stable`, `canary`, or `root`."""
        found = []
        for one in self.seen:
            stable, canary = names.POD_TEMPLATE_HASH in one, names.RELEASE in one
            found.append("stable" if stable else "canary" if canary else "root")
        return found


@contextlib.contextmanager
def previewing(play: stage.Stage) -> Iterator[load.Load]:
    stage.wait("the preview is there", lambda: play.events("Previewing"))
    name = preview.name("web")
    with load.Load(to_service(play, name), name, 20, seconds=300, box=play.box) as traffic:
        yield traffic


def told(play: stage.Stage, reason: str) -> str:
    return " ".join(item["message"] for item in play.events(reason))


def test_blue_green_by_the_selector_fails_no_request() -> None:
    """Preview before any user, one write to switch, promoted, the Service as it was (promises 1, 5, 7)."""
    with stage.opened(plan=BLUE_GREEN, flags=FLAGS, virtual_service="") as play, Selectors(play) as selectors:
        play.send(url=to_service(play))
        play.set_image("v2")
        with previewing(play) as tests:
            stage.wait("testers meet the new version", lambda: tests.counts().share("v2") == 1)
            assert play.served("v2") == 0
            play.wait_phase("Baking")
        assert tests.stop().failed == 0
        assert "the preview passed" in told(play, "Baking")
        play.kubectl("label", "service", "web", "team=shop")
        play.wait_phase("Promoted", patience=120)
        play.check_none_failed()
        assert play.get(kinds.SERVICE)["metadata"].pop("labels") == {"team": "shop"}
        play.originals["Service", "web"]["metadata"]["labels"] = {"team": "shop"}
        play.check_rest("v2")
    assert selectors.pins == ["root", "stable", "canary", "stable", "root"]


def test_going_back_is_one_write() -> None:
    """A bad green is taken back by the selector, and no request fails by it (promise 3)."""
    plan = {**BLUE_GREEN, "bake": "60s"}
    with stage.opened(plan=plan, flags=FLAGS, virtual_service="") as play, Selectors(play) as selectors:
        play.send(url=to_service(play))
        play.set_image("v2-errors50")
        play.wait_phase("RolledBack", patience=120)
        total = play.finish_load()
        assert total.failed > 0
        assert {outcome for _, _, outcome in total.counts} <= {"200", "500"}, "only the bad version's own answers fail"
        play.check_rest("v2-errors50", paused=True)
    assert selectors.pins == ["root", "stable", "canary", "stable", "root"]


def test_a_canary_has_the_share_that_whole_pods_give() -> None:
    """Said before it starts, met by real connections, zero at once (promise 1)."""
    plan = {**SERVICE, "steps": "25", "interval": "10s"}
    with stage.opened(plan=plan, flags=FLAGS, virtual_service="") as play, Selectors(play) as selectors:
        play.send(url=to_service(play), rate=60)
        play.set_image("v2")
        play.wait_weight("25")
        assert "25 % asked, 1 of 4 pods give 25 %" in told(play, "Preparing")
        stage.wait("users meet it", lambda: play.served("v2") > 5)
        before = play.counts()
        time.sleep(5)
        share = during(play, before)
        assert 0.15 < share < 0.35, f"one of four pods had {share:.0%}"
        play.wait_phase("Baking")
        play.wait_phase("Promoted", patience=120)
        play.check_none_failed()
        play.check_rest("v2")
    assert selectors.pins == ["root", "stable", "root", "canary", "stable", "root"]


def during(play: stage.Stage, before: tally.Tally) -> float:
    """The new version's share of the requests since then."""
    since = tally.Tally(play.counts().counts - before.counts)
    return since.share("v2")


def test_an_abort_takes_the_canary_s_pods_out_of_the_service() -> None:
    """And a GitOps tool that puts the selector back in mid-step is answered (case 12)."""
    plan = {**SERVICE, "steps": "50", "interval": "60s"}
    with stage.opened(plan=plan, flags=FLAGS, virtual_service="") as play:
        play.send(url=to_service(play))
        play.set_image("v2")
        play.wait_weight("50")
        stage.wait("users meet it", lambda: play.served("v2") > 5)
        play.kubectl("replace", "-f", "-", given=stage.SERVICE)
        stage.wait("it is said", lambda: play.events("RouteDrift"))
        play.wish("abort")
        stage.wait("pinned", lambda: names.POD_TEMPLATE_HASH in selector(play) or play.status()["phase"] == "Cancelled")
        play.wait_phase("Cancelled")
        play.check_none_failed()
        assert selector(play) == ROOT
        assert names.HELD in play.get(kinds.DEPLOYMENT)["metadata"]["annotations"]
