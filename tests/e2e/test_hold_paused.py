"""A cluster that can not hold a write (a real API server that behaves as Kubernetes 1.35): kept paused at rest instead.

Helm's own question to the cluster chooses it.
"""

import json
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
import yaml

from deploy import names
from sandbox import chart, cluster, errors
from sandbox.cluster import Box
from tests.e2e import installed, stage
from tests.e2e.installed import App, Installation

Json = dict[str, object]
OLD = "1.35"


@pytest.fixture(scope="module")
def older() -> Iterator[Box]:
    """An older cluster with a mesh, and nothing of the project."""
    with (
        installed.one_at_a_time(),
        cluster.running(scrape_interval=timedelta(seconds=2), without=("manifests",), kubernetes=OLD) as box,
    ):
        yield box


def held(app: App) -> tuple[bool, str]:
    """Whether the Deployment is paused, and its mark."""
    web = app.get("deployment", "web")
    return web["spec"].get("paused", False), web["metadata"].get("annotations", {}).get(names.HELD, "")


def wait_rest(app: App) -> None:
    stage.wait("it rests paused", lambda: held(app) == (True, "rest"))


def refused(app: App, *words: str, text: str = "") -> str:
    """What the API server says to a write that it refuses."""
    with pytest.raises(errors.SandboxError) as said:
        app.kubectl(*words, text=text)
    return str(said.value)


def told(app: App, reason: str) -> list[str]:
    """What was said for that reason, waited for: what is done is told after it."""
    stage.wait(f"{reason} is told", lambda: said_now(app, reason))
    return said_now(app, reason)


def said_now(app: App, reason: str) -> list[str]:
    found = json.loads(app.kubectl("get", "events", "-o", "json"))["items"]
    return [item["message"] for item in found if item["reason"] == reason]


def test_releases_restarts_and_reverts_where_nothing_can_hold_a_write(older: Box) -> None:
    """A good release, a bad one, a restart, the way back, and the end of the installation; no request fails."""
    app = App(older)
    with installed.opened(app, stage.PLAN) as house:
        wait_rest(app)
        assert len(told(app, "KeptPaused")) == 1, "it is said, and once"
        app.set_image("v2")
        app.wait_promoted("v2")
        wait_rest(app)

        app.set_image("v3-errors60")
        stage.wait("it is taken back", lambda: app.status().get("phase") == "RolledBack")
        assert held(app) == (True, "true")
        app.kubectl("annotate", "deployment", "web", "rampart.dev/do=revert")
        wait_rest(app)
        assert image(app) == "web:v2"

        check_restarted(app)

        older.run([sys.executable, "-m", "rollout", "revert", "-n", app.namespace, "web"])
        app.wait_promoted("v1")
        wait_rest(app)
        assert any("is put back, and released like any other change" in text for text in told(app, "Reverted"))

        house.helm("uninstall", chart.RELEASE)
        assert held(app) == (False, ""), "nothing is left at rest"
        assert app.get("virtualservice", "web")["spec"] == app.route
        app.check_none_failed(but="v3")


def image(app: App) -> str:
    found: str = app.get("deployment", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def check_restarted(app: App) -> None:
    """`rampart restart` replaces every pod, without a release, and the Deployment rests paused again."""
    before = pods(app)
    releases = len(json.loads(app.kubectl("get", "releases", "-o", "json"))["items"])
    done = app.box.run([sys.executable, "-m", "rollout", "restart", "-n", app.namespace, "web"], capture_output=True)
    assert "the controller, which keeps it paused, restarts its pods" in done.stdout, done.stderr
    stage.wait("all pods are new", lambda: pods(app).isdisjoint(before) and len(pods(app)) == 3)
    wait_rest(app)
    assert len(json.loads(app.kubectl("get", "releases", "-o", "json"))["items"]) == releases
    assert len(told(app, "Restarting")) == 1


def pods(app: App) -> set[str]:
    found = json.loads(app.kubectl("get", "pods", "-l", "app=web", "-o", "json"))["items"]
    return {item["metadata"]["name"] for item in found if "deletionTimestamp" not in item["metadata"]}


def test_nobody_else_un_pauses_or_slips_a_template_past(older: Box) -> None:
    """Each refused write says what to do instead, and changes nothing."""
    app = App(older)
    with installed.opened(app, installed.SLOW) as house:
        wait_rest(app)
        before = stage.content(app.get("deployment", "web"))
        web = yaml.safe_load(app.kubectl("get", "deployment", "web", "-o", "yaml"))
        for key in ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"):
            web["metadata"].pop(key, None)
        web.pop("status")
        web["spec"]["paused"] = False
        assert "leave spec.paused out" in refused(app, "replace", "-f", "-", text=json.dumps(web))
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "web:v2"
        said = refused(app, "replace", "-f", "-", text=json.dumps(web))
        assert "set spec.paused: true in the same write" in said
        assert "opt out: kubectl annotate" in refused(app, "rollout", "resume", "deployment/web")
        assert "rampart's own mark" in refused(app, "annotate", "deployment", "web", f"{names.HELD}-")
        assert "must rise" in refused(app, "annotate", "deployment", "web", "--overwrite", "rampart.dev/steps=50,5")
        assert stage.content(app.get("deployment", "web")) == before

        app.set_image("v2")
        stage.wait("it is held", lambda: held(app) == (True, "true"))
        assert "until its new version is judged" in refused(app, "rollout", "resume", "deployment/web")
        app.reach("v2", "20")
        app.set_image("v1")
        stage.wait("it is reverted", lambda: app.status().get("phase") == "Reverted")
        wait_rest(app)

        app.kubectl("annotate", "deployment", "web", "rampart.dev/strategy-")
        stage.wait("opted out it is as its owner wrote it", lambda: held(app) == (False, ""))
        changed = {
            "metadata": {"annotations": {"rampart.dev/strategy": "canary"}},
            "spec": {"template": template("v2")},
        }
        said = refused(app, "patch", "deployment", "web", "--patch", json.dumps(changed))
        assert "in by a write of its own" in said
        check_answers(older, house, app)
        app.check_none_failed()


def template(tag: str) -> Json:
    return {"spec": {"containers": [{"name": "web", "image": f"web:{tag}"}]}}


def check_answers(box: Box, house: Installation, app: App) -> None:
    """`rampart check` knows how it is installed, and proves it; an opted-in one has to be there for that."""
    app.kubectl("annotate", "deployment", "web", "rampart.dev/strategy=canary")
    wait_rest(app)
    done = box.run([sys.executable, "-m", "rollout", "check", "-n", app.namespace], capture_output=True)
    assert "web is kept paused, and nobody else may un-pause it" in done.stdout, done.stdout + done.stderr
    assert "nothing is wrong" in done.stdout, done.stdout
    assert {key for key in house.calls() if key[2] == "403"} == set()
