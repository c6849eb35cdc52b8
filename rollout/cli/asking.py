"""What `plan` and `check` see with: the controller's own observer, over Prometheus where one is named."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from analysis import custom, evidence, judge, preflight
from analysis.mesh import Mesh, Naming
from analysis.prometheus import Prometheus
from analysis.threshold import Latency
from analysis.verdict import Judgement
from deploy import errors, kinds
from deploy.cluster import Cluster
from deploy.traffic import Json
from rollout import addresses, leftovers
from rollout import settings as settings_
from rollout.cli import doors
from rollout.cli.clock import now
from rollout.observer import Observer
from rollout.pair.observer import PairObserver
from rollout.routes import Routes
from rollout.settings import Settings

SETTINGS = ("prometheus_url", "mesh", "metric_names", "defaults", "cluster_domain", "hold")
"""The settings of `rampart run` that are flags here, too; else they are those of the installed controller."""

TAKEN = (*SETTINGS, "namespaces")


def flags(parser: argparse.ArgumentParser) -> None:
    """The settings that decide what would happen."""
    for name in SETTINGS:
        described = Settings.model_fields[name].description
        text = f"{described} (default: as the installed controller's); also RAMPART_{name.upper()}"
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE", help=text)


@dataclass(frozen=True)
class Asked:
    """The judge that answers at once; without Prometheus it knows nothing."""

    prometheus: Prometheus | None
    mesh: Mesh

    def judge(self, name: str, question: judge.Question) -> Judgement | None:
        return None

    def weigh(self, name: str, question: evidence.EvidenceQuestion) -> Judgement | None:
        return None

    def faults(self, name: str, now: datetime, latency: Latency | None, service: str) -> tuple[str, ...]:
        if self.prometheus is None:
            return ()
        namespace, _, workload = name.partition("/")
        workload = service if self.mesh.naming is Naming.SERVICE else workload
        return preflight.faults(namespace, workload, self.prometheus.ask, now, latency=latency, mesh=self.mesh)

    def tried(self, name: str, now: datetime, trial: custom.Trial) -> tuple[str, ...]:
        if self.prometheus is None:
            return ()
        namespace, _, workload = name.partition("/")
        return custom.faults((namespace, workload), trial, self.prometheus.ask, now)


@dataclass(frozen=True)
class Eyes:
    """Everything to see with."""

    settings: Settings
    observer: Observer
    routes: Routes
    prometheus: Prometheus | None
    pairs: PairObserver


@contextmanager
def eyes(door: Cluster, settings: Settings) -> Iterator[Eyes]:
    """Open them, and close what they opened."""
    named = settings.prometheus_url != doors.NO_PROMETHEUS
    prometheus = Prometheus(addresses.access_of(settings)) if named else None
    routes = Routes(door, leftovers.Lists(door, settings.namespaces).watched)
    asked = Asked(prometheus, settings.telemetry)
    try:
        observer = Observer(door, routes, asked, settings, now)
        yield Eyes(settings, observer, routes, prometheus, PairObserver(door, routes, observer, now))
    finally:
        if prometheus is not None:
            prometheus.close()


def settings(door: Cluster, arguments: argparse.Namespace) -> Settings | tuple[str, ...]:
    """Flags over the environment over what the installed controller's pod says."""
    given = {name: getattr(arguments, name) for name in SETTINGS}
    known = installed(door)
    unsaid = {name: text for name, text in known.items() if given.get(name) is None and not _in_environment(name)}
    return doors.settings({**given, **unsaid})


def _in_environment(name: str) -> bool:
    return f"{settings_.PREFIX}{name.upper()}" in os.environ


def installed(door: Cluster) -> dict[str, str]:
    """The settings in the environment or the flags of the controller's Deployment, as far as they can be read."""
    account = doors.writer(door)
    namespace = account.split(":")[2] if account else "rampart-system"
    try:
        items = door.list(kinds.DEPLOYMENT, namespace).items
    except errors.ClusterError:
        return {}
    found: dict[str, str] = {}
    for item in items:
        for container in item["spec"]["template"]["spec"].get("containers") or ():
            found |= _of_container(container)
    return found


def _of_container(container: Json) -> dict[str, str]:
    texts = {each["name"]: each.get("value") for each in container.get("env") or ()}
    found = {name: texts[key] for name in TAKEN if texts.get(key := f"{settings_.PREFIX}{name.upper()}") is not None}
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    if "run" not in words:
        return {name: str(text) for name, text in found.items()}
    for name in TAKEN:
        flag = f"--{name.replace('_', '-')}"
        for place, word in enumerate(words):
            if word == flag and place + 1 < len(words):
                found[name] = words[place + 1]
            elif str(word).startswith(f"{flag}="):
                found[name] = str(word).partition("=")[2]
    return {name: str(text) for name, text in found.items()}
