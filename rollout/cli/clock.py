"""The time as commands see it."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    return datetime.now(UTC)


def age(since: datetime | None, until: datetime) -> str:
    """A span as kubectl writes it: `42s`, `3m5s`, `2h`, `4d`; empty where there is no beginning."""
    if since is None:
        return ""
    seconds = max(0, int((until - since) / timedelta(seconds=1)))
    days, hours, minutes = seconds // 86400, seconds // 3600, seconds // 60
    if days:
        return f"{days}d"
    if hours:
        return f"{hours}h{minutes % 60}m"
    return f"{minutes}m{seconds % 60}s" if minutes else f"{seconds}s"
