"""The least that works: each right of the chart is taken away on the real API server, and a function is refused."""

from collections.abc import Iterator

import pytest

from deploy import errors
from sandbox.smi.definitions import Flavour
from tests.e2e import granted, smi_stage
from tests.e2e.granted import Account, Place
from tests.rights import looks, needs
from tests.rights.needs import Need

LINKERDS = frozenset({"split.smi-spec.io", "linkerd.io"})
"""Groups whose definitions come for a while."""
GROUPS = sorted({group for group, *_ in needs.NEEDS})


@pytest.fixture(scope="module", params=[False, True], ids=["everywhere", "in one namespace"])
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    with granted.opened(is_limited=request.param) as found:
        yield found


@pytest.fixture
def served() -> Iterator[None]:
    """Every kind of which the chart gives rights."""
    with smi_stage.defined(Flavour.LINKERD):
        yield


@pytest.mark.parametrize("group", [group for group in GROUPS if group not in LINKERDS])
def test_each_right_is_needed(account: Account, group: str) -> None:
    """Without it a named function is refused, and the text says which right; with it, the function passes."""
    check(account, group)


@pytest.mark.parametrize("group", sorted(LINKERDS))
def test_each_right_of_a_mesh_without_istio_is_needed(account: Account, served: None, group: str) -> None:
    """The same, of kinds that come and go in this cluster."""
    check(account, group)


def check(account: Account, group: str) -> None:
    places = [place for place in account.places() if place.right[0] == group]
    assert places
    assert [text for place in places for text in faults(account, place, needs.NEEDS[place.right])] == []


def faults(account: Account, place: Place, need: Need) -> Iterator[str]:
    """What does not show that the function needs the right there."""
    with account.lacking(place):
        found = [*refusal(account, place, need)]
    yield from (f"{place}, {need.function}: {text}" for text in (*found, *passing(account, place, need)))


def refusal(account: Account, place: Place, need: Need) -> Iterator[str]:
    """The function is refused, by this right and no other, and says so."""
    wanted, door = f"may not {place.words}", account.door()
    try:
        need.act(account.ground(), door)
        yield "it passes without the right"
    except errors.NotGranted as error:
        if wanted not in str(error):
            yield f"{wanted} is not told but {error}"
    refused = [call for call in door.calls if call.is_refused]
    if others := [call for call in refused if not place.is_asked_by(call)]:
        yield f"refused were {others}"
    if not any(need.code in call.stack for call in refused):
        yield "it was not what was refused"


def passing(account: Account, place: Place, need: Need) -> Iterator[str]:
    """The function makes that call, and nothing is refused."""
    door = account.door()
    try:
        need.act(account.ground(), door)
    except errors.ClusterError as error:
        yield f"it fails with the right: {error}"
    if not any(need.code in call.stack for call in door.calls if call.is_granted and place.is_asked_by(call)):
        yield "it does not make that call"
    if refused := [call for call in door.calls if call.is_refused]:
        yield f"refused with all rights were {refused}"


def test_a_right_that_its_function_does_not_need_is_found(account: Account) -> None:
    """What is asked above can be answered with no."""
    place = next(place for place in account.places() if place.right == ("", "pods", "list"))
    found = [*faults(account, place, needs.Need("rollout.observer:Observer.view", looks.view))]
    passes, unrefused, uncalled = [text.partition("Observer.view: ")[2] for text in found]
    assert passes == "it passes without the right"
    assert unrefused == "it was not what was refused"
    assert uncalled == "it does not make that call"
