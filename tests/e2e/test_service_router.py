"""No mesh: the Service's own selector is the route; real connections follow its EndpointSlices."""

import contextlib
from collections.abc import Iterator

from deploy import kinds, names, preview, watch
from deploy.traffic import Json
from sandbox import load, tally
from tests.e2e import promises, stage

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
    """Every selector that the Service had, in their order: watched, so that none is missed."""

    def __init__(self, play: stage.Stage) -> None:
        self.seen: list[dict[str, str]] = []
        self._reflector = watch.Reflector(
            play.cluster, kinds.SERVICE, on_change=self._see, tell=print, namespaces=[play.namespace]
        )

    def _see(self, namespace: str, name: str, old: Json | None, new: Json | None) -> None:
        if name == "web" and new is not None and self.seen[-1:] != [new["spec"]["selector"]]:
            self.seen.append(new["spec"]["selector"])

    def __enter__(self) -> "Selectors":
        self._reflector.start()
        assert self._reflector.wait_until_synced(stage.PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._reflector.stop()

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
    play.told("Previewing")
    name = preview.name("web")
    with play.sending(20, to_service(play, name), name) as traffic:
        yield traffic


def test_blue_green_by_the_selector_fails_no_request() -> None:
    """Preview before any user, one write to switch, promoted, the Service as it was (promises 1, 5, 7)."""
    with stage.opened(plan=BLUE_GREEN, flags=FLAGS, virtual_service="") as play, Selectors(play) as selectors:
        play.send(url=to_service(play))
        play.set_image("v2")
        with previewing(play) as tests:
            stage.wait("testers meet the new version", lambda: tests.counts().share("v2") == 1)
            promises.keep(play.served("v2") == 0 or play.status()["phase"] != "Preparing", "users met the preview")
            play.wait_phase("Baking")
        promises.none_failed(tests.stop())
        play.told("Baking", "the preview passed")
        play.kubectl("label", "service", "web", "team=shop")
        play.wait_phase("Promoted")
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
        play.wait_phase("RolledBack")
        total = play.finish_load()
        promises.only_failed(total, "v2")
        play.check_rest("v2-errors50", paused=True)
    assert selectors.pins == ["root", "stable", "canary", "stable", "root"]


def test_a_canary_has_the_share_that_whole_pods_give() -> None:
    """Said before it starts, met by real connections, zero at once (promise 1)."""
    plan = {**SERVICE, "steps": "25,pause"}
    with stage.opened(plan=plan, flags=FLAGS, virtual_service="") as play, Selectors(play) as selectors:
        play.send(url=to_service(play), rate=60)
        play.set_image("v2")
        play.wait_weight("25")
        play.told("Preparing", "25 % asked, 1 of 4 pods give 25 %")
        stage.wait("users meet it", lambda: play.served("v2") > 5)
        before = play.counts()
        stage.wait("requests are sent", lambda: play.counts().requests - before.requests > 400)
        share = during(play, before)
        assert 0.15 < share < 0.35, f"one of four pods had {share:.0%}"
        play.resume()
        play.wait_phase("Baking")
        play.wait_phase("Promoted")
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
        play.told("RouteDrift")
        play.wish("abort")
        stage.wait("pinned", lambda: names.POD_TEMPLATE_HASH in selector(play) or play.status()["phase"] == "Cancelled")
        play.wait_phase("Cancelled")
        play.check_none_failed()
        assert selector(play) == ROOT
        assert names.HELD in play.get(kinds.DEPLOYMENT)["metadata"]["annotations"]
