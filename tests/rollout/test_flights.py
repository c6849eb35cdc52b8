"""Releases in flight are known by their Deployments, and by the Services that they move."""

from deploy.traffic import Json
from rollout.flights import Flights
from rollout.status import Phase


def a_release(phase: Phase = Phase.STEPPING, deployment: str | None = "web", service: str = "web") -> Json:
    return {"deployment": deployment, "service": service, "phase": phase}


def test_a_deployment_flies_until_its_last_release_has_ended() -> None:
    """Two may be in flight: the one that stands, and its successor."""
    flights = Flights()
    for name in ("web-1", "web-2"):
        flights.take(("shop", name), a_release())
    assert flights.names() == {"shop/web"}
    flights.take(("shop", "web-1"), a_release(Phase.PROMOTED))
    assert flights.names() == {"shop/web"}
    flights.take(("shop", "web-2"), None)
    assert flights.names() == frozenset()
    flights.take(("shop", "web-2"), None)
    flights.take(("shop", "odd"), a_release(deployment=None))
    assert flights.names() == frozenset()


def test_who_moves_a_service_is_known_by_its_name() -> None:
    """One whose Service is not recorded yet may move any."""
    flights = Flights()
    flights.take(("shop", "web-1"), a_release())
    flights.take(("bank", "api-1"), a_release(deployment="api", service="api"))
    flights.take(("bank", "new-1"), a_release(deployment="new", service=""))
    assert flights.moving({"web", "x"}) == {"shop/web", "bank/new"}
    assert flights.moving(()) == {"bank/new"}
