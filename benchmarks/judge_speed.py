"""How long one judgement of 60 windows of 6 pods with 20 series each takes, from the samples on: at most 5 ms."""

import random
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from analysis import evidence, judge, queries, samples, threshold
from analysis.evidence import EvidenceQuestion

WINDOWS, PODS, SERIES, SCRAPE = 60, 6, 20, 15.0
BEGAN = datetime(2026, 11, 3, 10, tzinfo=UTC)
GOAL = 5.0
"""Milliseconds."""


def matrix() -> samples.Matrix:
    """Every series counts in every window; two of a pod's count failures."""
    dice = random.Random(1)
    found = []
    for pod in range(PODS):
        workload = "web-canary" if pod < PODS // 2 else "web"
        for number in range(SERIES):
            labels = {
                samples.NAME: queries.ISTIO.requests,
                queries.ISTIO.workload: workload,
                "pod": f"{workload}-{pod}",
                "source_workload": f"client-{number}",
                "request_protocol": "http",
                "response_code": "503" if number < 2 else "200",
            }
            value, times, values = 0, [], []
            for window in range(WINDOWS):
                value += dice.randint(1, 5) if number >= 2 else dice.random() < 0.02
                times.append(BEGAN.timestamp() + SCRAPE * (window + 0.5) + pod)
                values.append(float(value))
            found.append(samples.Series(labels, tuple(times), tuple(values)))
    return samples.Matrix(tuple(found))


def main(runs: int) -> None:
    now = BEGAN + timedelta(seconds=SCRAPE * (WINDOWS + 1))
    limits = threshold.Thresholds(interval=timedelta(hours=1))
    asked = judge.Question("shop", "web-canary", "web", BEGAN, BEGAN, now, limits)
    question = EvidenceQuestion(asked, BEGAN, Decimal(50), Decimal(100))
    answer, took = matrix(), []
    for _ in range(runs):
        begin = time.perf_counter()
        said = evidence.weigh(question, answer)
        took.append(1000 * (time.perf_counter() - begin))
    median = statistics.median(took)
    print(
        f"{said.text}\nmedian {median:.2f} ms, least {min(took):.2f} ms: {median / GOAL:.2f} of the goal of {GOAL:g} ms"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
