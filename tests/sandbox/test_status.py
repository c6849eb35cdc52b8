"""A pod's phase and conditions, from its containers."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.pods import status

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

RUNNING = status.Container("a", "a:v1", state=status.started(NOW), ready=True)
NEW = status.Container("a", "a:v1")
UNPULLED = status.Container("a", "a:v1", state=status.waiting("ErrImagePull"))
DONE = status.Container("a", "a:v1", state=status.ended(0, NOW, NOW))
FAILED = status.Container("a", "a:v1", state=status.ended(1, NOW, NOW))
LOOPING = status.Container(
    "a", "a:v1", state=status.waiting("CrashLoopBackOff"), last_state=status.ended(1, NOW, NOW), restarts=3
)


@pytest.mark.parametrize(
    ("containers", "phase"),
    [
        pytest.param([NEW], "Pending", id="being made"),
        pytest.param([UNPULLED], "Pending", id="image missing"),
        pytest.param([RUNNING], "Running", id="runs"),
        pytest.param([RUNNING, NEW], "Pending", id="one has never run"),
        pytest.param([LOOPING], "Running", id="crash loop"),
        pytest.param([RUNNING, FAILED], "Running", id="one is over"),
        pytest.param([DONE, DONE], "Succeeded", id="all over, well"),
        pytest.param([DONE, FAILED], "Failed", id="all over, one badly"),
    ],
)
def test_the_phase_follows_the_containers(containers: list[status.Container], phase: str) -> None:
    """The kubelet's rule."""
    assert status.phase(containers) == phase


def test_readiness_names_the_unready() -> None:
    """One unready container makes the pod unready, and is named."""
    found = status.conditions([RUNNING, LOOPING])
    assert found["Ready"] == ("False", "ContainersNotReady", "containers with unready status: [a]")
    assert status.conditions([RUNNING])["Ready"] == ("True", "", "")


def test_a_transition_time_moves_only_with_the_status() -> None:
    """A new reason alone is no transition."""
    transitions = status.Transitions()
    later = NOW + timedelta(seconds=9)
    first = transitions.render({"Ready": ("False", "ContainersNotReady", "")}, NOW)
    second = transitions.render({"Ready": ("False", "NodeNotReady", "")}, later)
    third = transitions.render({"Ready": ("True", "", "")}, later)
    times = [condition["lastTransitionTime"] for condition in (*first, *second, *third)]
    assert times == ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:14Z"]
