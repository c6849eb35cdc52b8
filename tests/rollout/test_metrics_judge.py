"""The judge at its desk: which late answers are still answers to what is asked now."""

import threading
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from analysis import judge, outcome, samples, threshold
from analysis.evidence import EvidenceQuestion
from analysis.prometheus import Prometheus
from rollout.desk import Desk
from rollout.metrics import Metrics
from rollout.metrics_judge import MetricsJudge
from tests.analysis.traffic import at


class Slow:
    """A Prometheus that knows no series, and says so only once the gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def read(self, promql: str, when: datetime) -> samples.Answer:
        self.gate.wait(60)
        return samples.Matrix()

    def ask(self, promql: str, when: datetime) -> outcome.Answer:
        return outcome.Table()


def question(interval: int) -> EvidenceQuestion:
    """A minute after the step began."""
    limits = threshold.Thresholds(interval=timedelta(seconds=interval))
    asked = judge.Question("shop", "web-canary", "web", at(0), at(0), at(60), limits)
    return EvidenceQuestion(asked, at(0), Decimal(5), Decimal(25))


def test_an_answer_by_limits_that_were_edited_meanwhile_is_let_go() -> None:
    """It came late, and the plan is another one by now."""
    slow, came = Slow(), threading.Event()
    with closing(Desk(lambda _: came.set(), patience=1)) as desk:
        about = MetricsJudge(cast("Prometheus", slow), desk, Metrics())
        assert about.weigh("shop/web", question(600)) is None
        slow.gate.set()
        assert came.wait(60)
        said = about.weigh("shop/web", question(30))
        assert said is not None
        assert said.verdict == "NoData"
