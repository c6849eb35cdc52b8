"""How often a healthy release is taken back, and how soon it is through: at most 0.3 % and 0.6 of the planned time.

A second argument is the first seed, so that many runs can be made in parts.
"""

import statistics
import sys

from benchmarks import policies, world


def main(runs: int, first: int) -> None:
    planned = policies.INTERVAL * len(policies.STEPS)
    for scenario in (world.HEALTHY, world.NEAR):
        found = [policies.ours(scenario, seed) for seed in range(first, first + runs)]
        wrong = sum(one.failed for one in found)
        seconds = [one.second for one in found if one.promoted]
        median = statistics.median(seconds) if seconds else float("nan")
        print(
            f"{scenario.name}: {wrong} of {runs} taken back ({100 * wrong / runs:.2f} %), {len(seconds)} promoted,"
            f" median {median:.0f} s of {planned:.0f} s planned ({median / planned:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
