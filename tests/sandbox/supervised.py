"""A supervisor over small parts, for the tests: a program of its own, as the real one is."""

import os
import sys
from pathlib import Path

from sandbox import home, parts, supervisor


def sleeper(place: home.Home, name: str, *after: str) -> parts.Part:
    """Ready as soon as it has written its file."""
    mark = place.root / f"{name}.mark"
    script = f"echo up > {mark}; exec sleep 600"
    return parts.Part(name, ("sh", "-c", script), mark.exists, after=after)


def cast(place: home.Home, story: str) -> tuple[parts.Part, ...]:
    """The parts that a test asks for."""
    first, second = sleeper(place, "first"), sleeper(place, "second", "task")
    task = parts.Part("task", ("sh", "-c", "test -e first.mark"), None, after=("first",))
    match story:
        case "sound":
            return (first, task, second)
        case "broken":
            broken = parts.Part("broken", ("sh", "-c", "echo no such luck; exit 3"), None, after=("first",))
            return (first, broken)
        case _:
            raise ValueError(story)


if __name__ == "__main__":
    where = home.Home(Path(sys.argv[1]))
    os.chdir(where.root)
    sys.exit(supervisor.Supervisor(where, cast(where, sys.argv[2])).run())
