"""Spans of time as people write them: `90s`, `5m`, `1h30m`."""

import re
from datetime import timedelta

DURATION = re.compile(r"(?:([0-9]{1,5})h)?(?:([0-9]{1,7})m)?(?:([0-9]{1,8})s)?")


def parse(text: object) -> timedelta:
    """Read `90s`, `5m`, `1h30m`; ValueError for anything else."""
    if isinstance(text, timedelta):
        return text
    match = DURATION.fullmatch(str(text))
    if match is None or not any(match.groups()):
        raise ValueError("must be a duration such as 30s, 5m or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def write(span: timedelta) -> str:
    """Write a whole number of seconds as people do: `90s` is `1m30s`."""
    seconds = int(span.total_seconds())
    parts = [(seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s")]
    return "".join(f"{value}{unit}" for value, unit in parts if value) or "0s"
