"""Which of two rules of one route a request meets: the one whose match is more specific, and not the one before.

By path, method, the number of headers and the number of query parameters, in this order; what is equal in all of them
is decided by who stands first (Gateway API, HTTPRouteRule; GRPCRouteRule has its method where that has a path).
"""

import itertools

from deploy.traffic import Json

REGEX = "RegularExpression"
ROOT = "/"


def would_lose(other: Json, mine: Json, *, stands_first: bool) -> bool:
    """Whether `other` wins requests from `mine` today, and would lose them if each match of `mine` had a header more.

    stands_first: whether `other` stands before `mine`, and so before a copy of it.
    """
    first = int(stands_first)
    for theirs, ours in itertools.product(other.get("matches") or [{}], mine.get("matches") or [{}]):
        headers, queries = _counts(ours)
        counts = (*_counts(theirs), first)
        wins_today = counts > (headers, queries, 1 - first)
        if _same_place(theirs) == _same_place(ours) and wins_today and counts < (headers + 1, queries, 1 - first):
            return True
    return False


def _counts(match: Json) -> tuple[int, int]:
    return len(match.get("headers") or []), len(match.get("queryParams") or [])


def _same_place(match: Json) -> tuple[str, str, str]:
    """Equal for matches that path and method do not decide between; any two regular expressions may meet."""
    path = match.get("path") or {}
    kind = str(path.get("type", "PathPrefix"))
    value = str(path.get("value", ROOT))
    value = value.rstrip(ROOT) if kind == "PathPrefix" else value
    return kind, "" if kind == REGEX else value, str(match.get("method"))
