"""The faults of the benchmarks: bad releases of every kind, and healthy ones in bad circumstances."""

from analysis.world import Scenario

BASE = 0.001
QUIET = 0.00002


def constant(share: float, base: float = BASE) -> Scenario:
    return Scenario(f"{100 * share:g} %", lambda _, __: share, lambda _, __: base)


def _incident(time: float, _: int) -> float:
    return 0.05 if 90 <= time < 150 else BASE


HEALTHY = Scenario("healthy 0.1 %", lambda _, __: BASE, lambda _, __: BASE)
NEAR = Scenario("healthy 0.8 %", lambda _, __: 0.008, lambda _, __: 0.008)
SHARED = Scenario("shared incident 5 % x 60 s", _incident, _incident, (90, 150))
BURSTS = Scenario("bursts of pods", lambda _, __: QUIET, lambda _, __: QUIET, bursts=1 / 3000)
COLD = Scenario("cold start 5 % x 20 s", lambda t, _: 0.05 if t < 20 else BASE, lambda _, __: BASE, (20,))
SLOW_BURN = Scenario(
    "slow burn 0.1 to 5 % in 300 s",
    lambda t, _: BASE + 0.049 * min(1.0, t / 300),
    lambda _, __: BASE,
    tuple(range(5, 305, 5)),
)
LATE = Scenario("5 % from 100 s on", lambda t, _: 0.05 if t >= 100 else BASE, lambda _, __: BASE, (100,), onset=100)
ONE_POD = Scenario("one of three pods 20 %", lambda _, pod: 0.2 if pod == 0 else BASE, lambda _, __: BASE)
