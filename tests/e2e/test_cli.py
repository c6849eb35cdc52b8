"""The command line on real parts: a person follows, asks and waits; preflight on a healthy and on a broken cluster."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from deploy import hold, kinds, names
from sandbox import ports, tools
from tests.e2e import stage
from tests.e2e.test_restore import in_mid_step, rampart

SLOW_PLAN = {"interval": "60s", "bake": "20s"}
PROMETHEUS = ("--prometheus-url", ports.url(ports.PROMETHEUS))


def begun(play: stage.Stage, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "rollout", *words, "-n", play.namespace]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ})


def test_a_release_is_followed_and_waited_for() -> None:
    """`set image` then `wait`: exit code 0 at the promotion; status shows both versions meanwhile."""
    with stage.opened(plan={"steps": "20@6s,50", "interval": "300s"}) as play:
        play.send()
        play.set_image("v2")
        waiting = begun(play, "wait", "web", "--timeout", "5m")
        watching = begun(play, "status", "web", "--watch")
        play.wait_weight("50")
        stage.wait("both are measured", lambda: "requests (asked for" in shown(play))
        card = shown(play)
        assert re.search(r"● 20\S* ── ◉ 50 ── ○ 100 %", card), card
        stable = next(line for line in card.splitlines() if line.strip().startswith("stable"))
        assert "100.00 %" in stable
        play.wish("promote")
        said, _ = waiting.communicate(timeout=stage.COMMAND)
        assert waiting.returncode == 0, said
        play.wait_phase("Promoted")
        again = rampart(play, "wait", "web", "--timeout", "60s")
        assert again.returncode == 0, again.stderr
        listed = json.loads(rampart(play, "history", "web", "-o", "json").stdout)
        assert [item["phase"] for item in listed] == ["Promoted"]
        card = shown(play)
        assert "traffic   all on the new version" in card
        assert re.search(r"● 20\S* ── ● 50 ── ● 100 %", card), card
        assert "seen" not in card
        lines, _ = watching.communicate(timeout=stage.COMMAND)
        assert watching.returncode == 0, lines
        check_lines(lines, play)


def check_lines(printed: str, play: stage.Stage) -> None:
    """Of a watch through a pipe: plain lines, each thing once, the end last."""
    assert "\x1b" not in printed
    form = re.compile(rf"\d\d:\d\d:\d\d {play.namespace}/web web-[0-9a-f]+ (\w+): .+")
    found = [form.fullmatch(line) for line in printed.splitlines() if " release none yet" not in line]
    reasons = [match[1] if match else f"not a line: {printed}" for match in found]
    assert [reason for reason in reasons if reason in ("Stepping", "Baking", "Promoted")] == [
        "Stepping",
        "Stepping",
        "Baking",
        "Promoted",
    ]
    assert reasons[-1] == "Promoted"
    assert len(set(printed.splitlines())) == len(printed.splitlines())


def test_an_abort_is_asked_and_ends_the_wait_with_its_code() -> None:
    """Then what makes no sense is refused, and the running template is put back."""
    with stage.opened(plan=SLOW_PLAN) as play:
        in_mid_step(play)
        refused = rampart(play, "retry", "web")
        assert refused.returncode == 1
        assert "does not fit a release in phase Stepping" in refused.stderr
        waiting = begun(play, "wait", "web")
        asked = rampart(play, "abort", "web")
        assert asked.returncode == 0, asked.stderr
        said, _ = waiting.communicate(timeout=stage.COMMAND)
        assert waiting.returncode == 4, said
        assert "rampart retry web" in said
        card = rampart(play, "status", "web").stdout
        assert ", none on the new version" in card
        assert "✘ 20 ── ○ 50 ── ○ 100 %" in card
        assert "why       Aborted: " in card
        assert "it stays down: rampart retry" in rampart(play, "history", "web").stdout
        play.check_none_failed()
        play.check_rest("v2", paused=True)
        assert rampart(play, "promote", "web").returncode == 1
        assert rampart(play, "restart", "web").returncode == 0
        assert rampart(play, "revert", "web").returncode == 0
        stage.wait("the running template is back", lambda: "AtRest" in rampart(play, "list").stdout)
        assert rampart(play, "wait", "web", "--timeout", "60s").returncode == 0
        assert "retry" not in rampart(play, "history", "web").stdout
        play.check_rest("v1")


def shown(play: stage.Stage) -> str:
    return rampart(play, "status", "web", *PROMETHEUS).stdout


def test_plan_foretells_the_edits_that_are_made() -> None:
    """The weights of the diff are those that the route then shows; the query answers."""
    with stage.opened(plan=SLOW_PLAN) as play:
        play.send()
        stage.wait("it is scraped", lambda: ": " in today(play))
        found = rampart(play, "plan", "web", *PROMETHEUS)
        assert found.returncode == 0, found.stdout
        assert re.search(r"^steps +20,50 +annotation", found.stdout, re.MULTILINE)
        assert "subset: rampart-stable-" in found.stdout
        assert re.search(r"today: web: [1-9]\d* requests, 0 failed", found.stdout)
        assert max(map(len, found.stdout.splitlines())) < 200
        assert "label_replace(" in rampart(play, "plan", "web", "--queries", *PROMETHEUS).stdout
        play.set_image("v2")
        play.wait_weight("20")
        stage.wait("the route shows it", lambda: weights(play) == [80, 20])
        assert all(f"weight: {weight}" in found.stdout for weight in weights(play))


def today(play: stage.Stage) -> str:
    said = json.loads(rampart(play, "plan", "web", "-o", "json", *PROMETHEUS).stdout)
    answer: str = said["questions"][0]["today"]
    return answer


def weights(play: stage.Stage) -> list[int]:
    route = play.get(kinds.VIRTUAL_SERVICE)["spec"]["http"][0]["route"]
    return [leg.get("weight", 100) for leg in route]


def test_what_is_not_there_or_not_allowed_is_one_line_with_its_code() -> None:
    """A name, a namespace, a right, a server: what may be meant, and no trace of the program's inside."""
    with stage.opened() as play:
        for command in ("status", "plan", "history", "wait", "abort", "restart"):
            done = rampart(play, command, "wbe")
            text = f"rampart: there is no Deployment wbe in namespace {play.namespace}; the nearest is web"
            assert (done.returncode, done.stderr.splitlines()) == (8, [f"{text}; opted in there: web"])
        elsewhere = [sys.executable, "-m", "rollout", "list", "-n", "no-such-namespace"]
        done = subprocess.run(elsewhere, capture_output=True, text=True, timeout=stage.COMMAND)
        assert (done.returncode, done.stderr) == (8, "rampart: there is no namespace no-such-namespace\n")
        play.kubectl("create", "serviceaccount", "nobody")
        nobody = ("--kubeconfig", str(play.box.kubeconfig_for(play.namespace, "nobody")))
        for asked in ("list", "status web", "abort web", "restart web"):
            done = rampart(play, *asked.split(), *nobody)
            (line,) = done.stderr.splitlines()
            assert (done.returncode, line.partition(" (")[0][:20]) == (1, "rampart: you may not")
            assert f'User "system:serviceaccount:{play.namespace}:nobody"' in line
        checked = rampart(play, "check", *nobody)
        assert checked.returncode == 1
        assert "- Deployments: they can not be asked: you may not list deployments.apps" in checked.stdout
        away = Path(play.controller.log).with_name("away")
        away.write_text(re.sub(r"https://127\.0\.0\.1:\d+", "https://127.0.0.1:9", play.box.kubeconfig.read_text()))
        done = rampart(play, "list", "--kubeconfig", str(away))
        assert done.returncode == 1
        assert done.stderr.startswith("rampart: no API server answers (")


def checks(play: stage.Stage, *words: str) -> dict[str, str]:
    """Each check's text by what it is about, bad ones with a leading cross."""
    done = rampart(play, "check", "-o", "json", *PROMETHEUS, *words)
    found = json.loads(done.stdout)
    wrong = any(item["state"] == "bad" for item in found)
    assert done.returncode == (1 if wrong else 0)
    return {item["about"]: ("✘ " if item["state"] == "bad" else "") + item["text"] for item in found}


def test_check_is_content_with_a_healthy_cluster_and_finds_what_is_broken() -> None:
    """The hold's binding, a definition's field, the Service: each is a cross that says so, and heals."""
    election = {"leader-elect": "true", "lease-namespace": "rampart-system", "lease-name": f"check-{os.getpid()}"}
    lease = ("--lease-namespace", "rampart-system", "--lease-name", election["lease-name"])
    with stage.opened(flags=election) as play:
        play.send()
        found = healthy(play, lease)
        assert "would be held" in found["hold"]
        assert "renewed" in found["leader"]
        assert found["mesh"].startswith("Istio")
        account = "system:serviceaccount:rampart-system:rampart"
        assert checks(play, *lease, "--as", account)["rights"] == f"{account} may do all that the controller does"
        play.kubectl("delete", "service", "web")
        assert "no Service in the namespace selects its pods" in checks(play, *lease)[f"{play.namespace}/web"]
        play.kubectl("apply", "-f", "-", given=stage.SERVICE)
        without_the_hold(play, lease)
        healthy(play, lease)
        silent = checks(play, "--lease-namespace", "rampart-system", "--lease-name", "nobody")
        assert silent["leader"].startswith("✘ nobody holds Lease rampart-system/nobody")


def healthy(play: stage.Stage, lease: tuple[str, ...]) -> dict[str, str]:
    """The first checks without a cross: the app is to be scraped first, and what was broken heals in its own time."""
    found: list[dict[str, str]] = []

    def are_all_good() -> bool:
        found.append(checks(play, *lease))
        return "✘" not in str(found[-1])

    stage.wait("nothing is wrong", are_all_good)
    return found[-1]


def without_the_hold(play: stage.Stage, lease: tuple[str, ...]) -> None:
    """Let the binding leave out this namespace (others' tests run beside), see the cross, and put it back."""
    (binding,) = play.cluster.list(kinds.MUTATING_BINDING).items
    name, before = binding["metadata"]["name"], binding["spec"].get("matchResources")
    others = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [play.namespace]}
    left_out = {"namespaceSelector": {"matchExpressions": [others]}}
    try:
        play.cluster.patch(kinds.MUTATING_BINDING, name, None, {"spec": {"matchResources": left_out}})
        stage.wait("the cross", lambda: checks(play, *lease)["hold"].startswith("✘"))
        assert "the hold does not act on deployment" in checks(play, *lease)["hold"]
    finally:
        put_back = [{"op": "add" if before else "remove", "path": "/spec/matchResources", "value": before}]
        play.cluster.patch(kinds.MUTATING_BINDING, name, None, put_back)
    stage.wait("it holds again", lambda: hold.prove(play.cluster, play.get(kinds.DEPLOYMENT)) is None)


def test_restore_takes_the_lease_from_a_controller_that_runs() -> None:
    """Without it restore refuses; with it the controller stops, and does not take the template up again."""
    election = {"leader-elect": "true", "lease-namespace": "rampart-system", "lease-name": f"restore-{os.getpid()}"}
    lease = ("--lease-namespace", "rampart-system", "--lease-name", election["lease-name"])
    with stage.opened(plan=SLOW_PLAN, flags={**election, "lease-seconds": "5"}) as play:
        in_mid_step(play)
        refused = rampart(play, "restore", "--all", *lease)
        assert refused.returncode == 1
        assert "--take-lease" in refused.stderr
        done = rampart(play, "restore", "--all", "--take-lease", "--fence", "120s", *lease)
        assert done.returncode == 0, done.stderr + done.stdout
        assert play.controller.process is not None
        assert play.controller.process.poll() is None
        time.sleep(8)  # longer than the lease that was taken: a controller that came back would be seen
        assert play.get(kinds.DEPLOYMENT)["metadata"]["annotations"][names.HELD] == "left"
        assert play.status()["phase"] == "Cancelled"
        play.check_rest("v2", paused=True)
        play.check_none_failed()


def test_the_plugin_is_found_by_kubectl(tmp_path: Path) -> None:
    """`kubectl rampart` is the same program, told where kubectl looks by kubectl's own flags."""
    with stage.opened() as play:
        plugin = tmp_path / "kubectl-rampart"
        plugin.write_text(f'#!/bin/sh\nexec {sys.executable} -m rollout "$@"\n')
        plugin.chmod(0o755)
        with_plugin = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        command = [str(tools.kubectl()), "rampart", "list", "-n", play.namespace]
        done = subprocess.run(command, capture_output=True, text=True, timeout=stage.COMMAND, env=with_plugin)
        assert "AtRest" in done.stdout, done.stderr
