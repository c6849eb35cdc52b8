"""`rampart record`: from a Release or from flags to a file that can be replayed, and what it refuses."""

import contextlib
import http.server
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from analysis import outcome, recording
from analysis.recording import Recording
from rollout import cli, views
from rollout import plan as plans
from rollout import status as statuses
from rollout.plan import Plan
from rollout.settings import Settings
from rollout.status import Phase, Spec, Status
from tests.analysis import loopback, recorded
from tests.analysis.scrapes import Cluster, Pod, constant
from tests.analysis.traffic import START, at
from tests.deploy import api_server
from tests.deploy.api_server import Asked, Reply

REVISION = "f044a064a4"
CANARY = f"web-canary-{REVISION}"
FLAGS = ["--namespace", "shop", "--canary", "web-canary", "--stable", "web"]
SPAN = ["--from", "2026-11-03T10:00:00Z", "--to", "2026-11-03T10:05:00Z"]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine is read, and lines are wide."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RAMPART_{name.upper()}", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


@contextlib.contextmanager
def prometheus(known: Cluster) -> Iterator[str]:
    """A Prometheus that knows these pods; yields its address."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        asked = parse_qs(urlsplit(request.path).query)
        found = known.read(asked["query"][0], START + timedelta(seconds=float(asked["time"][0]) - START.timestamp()))
        if isinstance(found, outcome.Broken):
            loopback.failure(503, "unavailable", found.text)(request)
            return
        rows = [
            {"metric": dict(one.labels), "values": [[t, f"{v:g}"] for t, v in zip(one.times, one.values, strict=True)]}
            for one in found.series
        ]
        loopback.success(rows, "matrix")(request)

    with loopback.serving(answer) as server:
        yield loopback.address(server)


def test_flags_name_two_workloads_and_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file holds the plan and the weights that the traffic shows; no cluster is asked."""
    out = tmp_path / "web.json"
    with prometheus(recorded.cluster(0.02)) as url:
        argv = ["record", "--prometheus-url", url, *FLAGS, *SPAN, "--plan", "steps=5,25,50;interval=60s"]
        assert cli.main([*argv, "--out", str(out)]) == 0
    assert capsys.readouterr().out == ""
    known = recording.parse(out.read_bytes())
    assert isinstance(known, Recording)
    assert [float(shift.weight) for shift in known.weights] == [5, 25, 50, 100, 0]
    assert known.plan["interval"] == "1m"
    assert known.samples == recorded.release(0.02).samples
    assert cli.main(["replay", str(out)]) == 0


def test_without_a_file_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """For a pipe."""
    with prometheus(recorded.cluster(0.02)) as url:
        assert cli.main(["record", "--prometheus-url", url, *FLAGS, *SPAN]) == 0
    assert isinstance(recording.parse(capsys.readouterr().out), Recording)


def release(**more: Any) -> dict[str, Any]:
    """A Release object with a limit for latency that ended as promoted."""
    plan = plans.resolve(
        {f"{plans.PREFIX}strategy": "canary", f"{plans.PREFIX}interval": "60s", f"{plans.PREFIX}latency": "p99<500ms"},
        {},
    )
    assert isinstance(plan, Plan)
    spec = Spec(deployment="web", deployment_uid="u", revision=REVISION, plan=plan.texts())
    status = Status(**{"phase": Phase.PROMOTED, "started": at(-5), "ready_at": at(0), "ended": at(300), **more})
    made = statuses.build(spec, "shop", f"web-{REVISION}")
    about = {"uid": "r", "resourceVersion": "7", "creationTimestamp": "2026-11-03T09:59:50Z"}
    return {**made, "metadata": {**made["metadata"], **about}, "status": status.model_dump(mode="json", by_alias=True)}


@contextlib.contextmanager
def kubeconfig(folder: Path, *found: dict[str, Any]) -> Iterator[str]:
    """A kubeconfig of an API server that has these Releases; yields its path."""
    known = {item["metadata"]["name"]: item for item in found}

    def answer(asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2]
        return Reply(body=known[name]) if name in known else api_server.status(404, f"{name} not found")

    with api_server.serving(answer) as url:
        path = folder / "kubeconfig"
        body = {
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path.write_text(json.dumps(body))
        yield str(path)


def test_a_release_that_is_not_there_is_said_with_where_to_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1."""
    with kubeconfig(tmp_path) as config:
        argv = ["record", "--prometheus-url", "http://127.0.0.1:9", "-n", "shop", "--release", "web-1"]
        assert cli.main([*argv, "--kubeconfig", config]) == 1
    text = "there is no Release web-1 in namespace shop; see: rampart history -n shop"
    assert text in capsys.readouterr().err


def named(canary: str, stable: str) -> Cluster:
    """The pods of the recorded release under other names, with latencies."""
    plain = recorded.cluster(0.001, slow=0.001)
    names = {"web-canary": canary, "web": stable}
    return Cluster(
        tuple(
            Pod(
                names[pod.workload],
                pod.name.replace(pod.workload, names[pod.workload], 1),
                pod.rate,
                pod.failing,
                pod.born,
                phase=pod.phase,
                slow=constant(0.001),
            )
            for pod in plain.pods
        )
    )


def test_a_release_says_its_times_its_plan_and_its_workloads(tmp_path: Path) -> None:
    """Ended ones too: the plan stands in the Release, the weights in the traffic."""
    out = tmp_path / "web.json"
    with prometheus(named(CANARY, "web")) as url, kubeconfig(tmp_path, release()) as config:
        argv = ["record", "--prometheus-url", url, "-n", "shop", "--release", f"web-{REVISION}"]
        assert cli.main([*argv, "--kubeconfig", config, "--context", "y", "--out", str(out)]) == 1
        assert cli.main([*argv, "--kubeconfig", config, "--context", "x", "--out", str(out)]) == 0
    known = recording.parse(out.read_bytes())
    assert isinstance(known, Recording)
    assert (known.release, known.canary, known.stable) == (f"web-{REVISION}", CANARY, "web")
    assert known.ended == at(300)
    assert known.plan["latency"] == "p99<500ms"
    assert any("le" in line.labels for line in known.samples)
    assert [float(shift.weight) for shift in known.weights] == [5, 25, 50, 100, 0]


def test_a_release_on_anothers_canary_is_compared_with_that_one(tmp_path: Path) -> None:
    """What was stable then was no Deployment's own pods."""
    base = release()
    base["metadata"]["name"] = "web-before"
    base["spec"]["revision"] = "before"
    stable = views.canary_name(statuses.parse(base))
    out = tmp_path / "web.json"
    with (
        prometheus(named(CANARY, stable)) as url,
        kubeconfig(tmp_path, release(base="web-before"), base) as config,
    ):
        argv = ["record", "--prometheus-url", url, "--namespace", "shop", "--release", f"web-{REVISION}"]
        assert cli.main([*argv, "--kubeconfig", config, "--out", str(out)]) == 0
    known = recording.parse(out.read_bytes())
    assert isinstance(known, Recording)
    assert known.stable == stable


@pytest.mark.parametrize(
    ("argv", "faults"),
    [
        pytest.param(
            ["--namespace", "shop"],
            [
                "--canary must be given, or --release",
                "--stable must be given, or --release",
                "--from must be given, or --release",
            ],
            id="nothing named",
        ),
        pytest.param(
            ["--namespace", "shop", "--release", "web-1", "--canary", "web-canary", "--plan", "steps=5"],
            [
                "--canary must not be given with --release, which says it already",
                "--plan must not be given with --release, which says it already",
            ],
            id="named twice",
        ),
        pytest.param(
            ["--namespace", "shop", "--canary", "web", "--stable", "web", *SPAN],
            ["--canary and --stable must be two workloads, got web for both"],
            id="one workload",
        ),
        pytest.param(
            [*FLAGS, *SPAN, "--plan", "steps"],
            ["--plan must be key=value pairs separated by semicolons, got steps"],
            id="no pairs",
        ),
        pytest.param(
            [*FLAGS, *SPAN, "--plan", "interval=now"],
            ["--plan: interval must be a duration such as 30s, 5m or 1h30m, got now"],
            id="bad plan",
        ),
        pytest.param(
            [*FLAGS, "--from", "2026-11-03T10:00:00Z", "--to", "2026-11-03T09:00:00Z"],
            ["--to must be after the beginning, 2026-11-03T10:00:00+00:00, got 2026-11-03T09:00:00+00:00"],
            id="ends before it begins",
        ),
        pytest.param(
            [*FLAGS, "--from", "2026-11-03T10:00:00Z", "--to", "2026-11-04T10:00:00Z"],
            ["--to must be at most 6h after the beginning, 2026-11-03T10:00:00+00:00, got 2026-11-04T10:00:00+00:00"],
            id="too long",
        ),
    ],
)
def test_flags_that_do_not_fit_are_all_said(
    argv: list[str], faults: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and nobody is asked."""
    assert cli.main(["record", "--prometheus-url", "http://127.0.0.1:9", *argv]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.splitlines() == ["rampart record: nothing is recorded:", *(f"  {fault}" for fault in faults)]


def test_a_time_needs_its_zone(capsys: pytest.CaptureFixture[str]) -> None:
    """Else it is anybody's guess."""
    with pytest.raises(SystemExit) as left:
        cli.main(["record", *FLAGS, "--from", "2026-11-03 10:00"])
    assert left.value.code == 2
    assert "--from: must be a time with its zone such as 2026-11-03T10:00:00Z, got '2026-11-03 10:00'" in (
        capsys.readouterr().err
    )


def test_prometheus_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    """By flag or variable."""
    assert cli.main(["record", *FLAGS, *SPAN]) == 2
    assert "RAMPART_PROMETHEUS_URL (--prometheus-url) is not set" in capsys.readouterr().err


def test_a_release_without_traffic_yet_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to record before it steps."""
    waiting = release(phase=Phase.PENDING, started=None, ready_at=None, ended=None)
    with kubeconfig(tmp_path, waiting) as config:
        argv = ["record", "--prometheus-url", "http://127.0.0.1:9", "--namespace", "shop", "--kubeconfig", config]
        assert cli.main([*argv, "--release", f"web-{REVISION}"]) == 2
        assert f"release shop/web-{REVISION} has had no traffic yet" in capsys.readouterr().err
        assert cli.main([*argv, "--release", "web-other"]) == 1
        assert "web-other" in capsys.readouterr().err


def test_a_prometheus_that_does_not_answer_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is wrong with the flags."""
    away = recorded.cluster(0.02)
    away.away = ((0, 1000),)
    with prometheus(away) as url:
        assert cli.main(["record", "--prometheus-url", url, *FLAGS, *SPAN]) == 1
    assert "Prometheus is away" in capsys.readouterr().err


def test_a_file_that_can_not_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the system's words."""
    with prometheus(recorded.cluster(0.02)) as url:
        argv = ["record", "--prometheus-url", url, *FLAGS, *SPAN, "--out", f"{tmp_path}/no/web.json"]
        assert cli.main(argv) == 2
    assert f"--out {tmp_path}/no/web.json can not be written: No such file or directory" in capsys.readouterr().err


def test_help_names_each_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of Prometheus as `run` has them."""
    with pytest.raises(SystemExit) as left:
        cli.main(["record", "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    for flag in ("--release", "--canary", "--stable", "--from", "--to", "--plan", "--out", "--kubeconfig"):
        assert f"{flag} " in text
    assert "where Prometheus answers" in text
