"""`python -m sandbox.demo.measured NAMESPACE WORKLOAD`, inside: is the workload measured yet? Exit code 0 if it is."""

import contextlib
import sys
from datetime import UTC, datetime

from analysis import preflight
from analysis.prometheus import Access, Prometheus
from sandbox import ports


def main(namespace: str, workload: str) -> int:
    """Says what the controller would say of a Deployment that it sees now."""
    with contextlib.closing(Prometheus(Access(ports.url(ports.PROMETHEUS)))) as prometheus:
        faults = preflight.faults(namespace, workload, prometheus.ask, datetime.now(UTC))
    print(*faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
