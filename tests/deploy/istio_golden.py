"""Golden cases of the Istio router: real routes as their owners wrote them, and as they stand at 95/5.

`python -m tests.deploy.istio_golden` writes the `during` part of every case anew; the diff is read as prose.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy import traffic
from deploy.traffic import Json
from tests.deploy import istio_world
from tests.deploy.istio_world import World

FOLDER = Path(__file__).parent / "golden"
SHOWN = istio_world.a_split(5)


@dataclass(frozen=True)
class Case:
    """One file: a claim, a target, the objects before, and all that differ from them during the release."""

    path: Path
    content: Json

    @property
    def target(self) -> traffic.Target:
        given = self.content["target"]
        return traffic.Target(given["namespace"], given["service"], given["labels"], given["labels"])

    @property
    def before(self) -> World:
        return istio_world.a_world(*self.content["before"])

    @property
    def during(self) -> list[Json]:
        listed: list[Json] = self.content["during"]
        return listed


def cases() -> list[Case]:
    paths = sorted(FOLDER.glob("istio-*.yaml"))
    return [Case(path, yaml.safe_load(path.read_text(encoding="utf-8"))) for path in paths]


def changed(before: World, now: World) -> list[Json]:
    """The objects of `now` that are new or not as before."""
    return [body for key, body in sorted(now.plain.items()) if before.plain.get(key) != body]


def rewrite() -> None:
    for case in cases():
        now = istio_world.steered(case.before, SHOWN, case.target)
        content = case.content | {"during": changed(case.before, now)}
        text = yaml.safe_dump(content, sort_keys=False, width=120, allow_unicode=True)
        case.path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    rewrite()
