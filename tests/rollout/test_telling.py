"""Of which Deployment is told."""

from dataclasses import replace

from rollout import telling
from rollout.notice import Subject
from rollout.views import View
from tests.rollout.building import a_release, a_workload

REST = View("shop", "web", None, a_workload(), (), (), (), ())


def test_a_release_tells_of_its_own_deployment() -> None:
    """Also when that is gone, or another of its name stands there: the same decision keeps its id."""
    release = a_release()
    for view in (REST, replace(REST, work=None), replace(REST, work=a_workload(uid="another"))):
        assert telling.subject_of(view, release) == Subject("shop", "web", "web-uid")
    assert telling.subject_of(replace(REST, work=a_workload(uid="another")), None).uid == "another"
    assert telling.subject_of(replace(REST, work=None), None).uid == ""
