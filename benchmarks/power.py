"""What each judge does with a bad release: how many are taken back, when, and at what cost.

Prints % taken back before promotion, the median second, and the mean of failures beyond stable's share.
"""

import statistics
import sys
from collections.abc import Callable, Sequence

from analysis.world import Scenario
from benchmarks import policies, world
from benchmarks.policies import Outcome

FAULTS = (
    *(world.constant(share) for share in (0.005, 0.01, 0.02, 0.05, 0.2)),
    world.SLOW_BURN,
    world.LATE,
    world.ONE_POD,
)
GOOD = (world.HEALTHY, world.NEAR, world.SHARED, world.BURSTS, world.COLD)
JUDGES: dict[str, Callable[[Scenario, int], Outcome]] = {
    "evidence": policies.ours,
    "Flagger": policies.flagger,
    "Argo Rollouts": policies.argo,
}


def line(found: Sequence[Outcome], onset: float) -> str:
    """One cell of the table."""
    seconds = [one.second - onset for one in found if one.failed]
    share = 100 * len(seconds) / len(found)
    when = f"{statistics.median(seconds):4.0f} s" if seconds else "     -"
    return f"{share:5.1f} % {when} {statistics.fmean(one.excess for one in found):7.1f}"


def main(runs: int) -> None:
    print(f"{'':32}" + "".join(f"{name:>26}" for name in JUDGES))
    for scenario in (*FAULTS, *GOOD):
        cells = [line([judge(scenario, seed) for seed in range(runs)], scenario.onset) for judge in JUDGES.values()]
        print(f"{scenario.name:32}" + "".join(f"{cell:>26}" for cell in cells), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
