"""The words of a judgement: percentages, spans and counts as a person reads them."""

import math
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

from analysis import histogram, leg


def percent(share: Fraction, threshold: Decimal | None) -> str:
    """A percentage cut (never rounded up) to the threshold's decimals, at least one: 98.996 is not 99 for 99."""
    exponent = (threshold or Decimal(1)).normalize().as_tuple().exponent
    places = max(1, -int(exponent))
    value = Decimal(share.numerator) / Decimal(share.denominator)
    return f"{plain(value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN))} %"


def plain(value: Decimal) -> str:
    """A decimal without trailing zeros and without exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def span(length: timedelta) -> str:
    """A span in the largest unit that keeps two digits of it: 90 s, 6 min, 3 h."""
    seconds = length.total_seconds()
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def requests(counted: float) -> str:
    """So many requests."""
    return f"{counted:,.0f} request" if round(counted) == 1 else f"{counted:,.0f} requests"


def success(measured: leg.Tally, threshold: Decimal | None) -> str:
    """A success rate and what it is of."""
    return f"success rate {percent(measured.success, threshold)} of {requests(measured.requests)}"


def milliseconds(value: float) -> str:
    """A latency; whole from 10 ms on."""
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.3g} ms"


def quantile_name(share: Decimal) -> str:
    """p99 for 0.99, p99.9 for 0.999."""
    return f"p{plain(share * 100)}"


def between(found: histogram.Quantile) -> str:
    """What is certain about a quantile."""
    if math.isinf(found.high):
        return f"above {milliseconds(found.low)}"
    return f"between {milliseconds(found.low)} and {milliseconds(found.high)}"


def patience(counted: float, needed: int, window: timedelta) -> str:
    """What would help against too few requests."""
    missing = (needed - counted) / counted * window
    return f"about {span(missing)} more at this traffic"
