"""Real routes before, during and after a release."""

import copy

import pytest

from deploy.istio import router
from tests.deploy import istio_golden, istio_world
from tests.deploy.istio_golden import Case

CASES = [pytest.param(case, id=case.path.stem) for case in istio_golden.cases()]


@pytest.mark.parametrize("case", CASES)
def test_route_can_be_split(case: Case) -> None:
    """Nothing in a real route stands in the way of a release."""
    assert router.survey(case.target, case.before.objects).faults == ()


@pytest.mark.parametrize("case", CASES)
def test_route_at_five_percent_is_as_reviewed(case: Case) -> None:
    """Only destinations of the target change, and the legs' subsets appear."""
    now = istio_world.steered(case.before, istio_golden.SHOWN, case.target)
    assert istio_golden.changed(case.before, now) == case.during


@pytest.mark.parametrize("case", CASES)
def test_route_at_five_percent_reads_back(case: Case) -> None:
    """Every list shows the split, the legs are found, and a second look has nothing to write."""
    saved = router.survey(case.target, case.before.objects).saved
    now = istio_world.steered(case.before, istio_golden.SHOWN, case.target)
    found = router.survey(case.target, now.objects)
    assert (found.split, found.agreed, found.faults) == (istio_golden.SHOWN, True, ())
    assert found.legs == set(istio_golden.SHOWN.pins)
    assert router.steer(case.target, now.objects, istio_golden.SHOWN, saved) == ()
    assert router.define(case.target, now.objects, istio_golden.SHOWN.pins) == ()
    assert router.foreign(case.target, now.objects, saved, istio_golden.SHOWN.pins) is None


@pytest.mark.parametrize("case", CASES)
def test_route_after_the_release_is_as_the_user_wrote_it(case: Case) -> None:
    """Up through the steps, down again, restored: every object is equal to the one before."""
    saved = router.survey(case.target, case.before.objects).saved
    world = case.before
    for split in (*map(istio_world.a_split, (0, 5, 12.5, 50, 100)), istio_world.fallen()):
        world = istio_world.steered(world, split, case.target, saved)
        assert router.survey(case.target, world.objects).split == split
    assert istio_world.restored(world, saved, case.target).plain == case.before.plain


@pytest.mark.parametrize("case", CASES)
def test_router_leaves_its_input_alone(case: Case) -> None:
    """What the caller's cache holds is never written to."""
    for world in (case.before, istio_world.steered(case.before, istio_golden.SHOWN, case.target)):
        objects = world.objects
        given = copy.deepcopy(objects)
        saved = router.survey(case.target, objects).saved
        router.define(case.target, objects, istio_world.a_split(50).pins)
        router.steer(case.target, objects, istio_world.a_split(50), saved)
        router.restore(case.target, objects, saved)
        assert objects == given
