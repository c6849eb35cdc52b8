"""Loopback addresses of a test's own: no two tests share one, whichever of pytest's processes run them."""

import itertools
import os

_NUMBERS = itertools.count(1)


def fresh() -> str:
    """Processes that run tests side by side were started together: their numbers differ by less than 256."""
    return f"127.77.{os.getpid() % 256}.{next(_NUMBERS)}"
