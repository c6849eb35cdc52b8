"""Shares of traffic: the names by which legs are known where each is a Service."""

import pytest

from deploy import backends, traffic
from rollout import shares
from tests.rollout.building import a_release, a_share

V0, V1 = traffic.replica_set("v0"), traffic.replica_set("v1")


@pytest.mark.parametrize("router", ["smi", "gateway"])
def test_legs_are_known_by_their_services(router: str) -> None:
    """The canary's, and of several stable ones the largest."""
    release = a_release(router=router, stable=(a_share(V0, 1), a_share(V1, 3)))
    assert shares.leg_services(release) == (backends.name("web", release.pin), backends.name("web", V1))


def test_subsets_are_no_services() -> None:
    """Of Istio's router."""
    assert shares.leg_services(a_release()) is None
