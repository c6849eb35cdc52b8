"""The names of legs, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import names, traffic
from deploy.istio import leg_names
from deploy.istio.leg_names import Leg

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
pins = st.builds(traffic.canary, labels) | st.builds(traffic.replica_set, labels)


@given(pins, st.none() | labels)
def test_name_is_a_label_that_tells_a_leg(pin: traffic.Pin, subset: str | None) -> None:
    """Whatever the release and the subset are called, Istio takes the name and we know it again."""
    name = leg_names.encode(pin, subset)
    assert leg_names.is_leg(name)
    assert len(name) <= names.LABEL_LIMIT
    assert name.strip("-.") == name


@given(pins, st.none() | labels, st.lists(labels, max_size=3))
def test_subset_is_read_back(pin: traffic.Pin, subset: str | None, others: list[str]) -> None:
    """With the pin known, and the user's subsets, the name tells the subset."""
    known = [*others, *([subset] if subset else [])]
    assert leg_names.decode(leg_names.encode(pin, subset), pin, known) == subset


@given(pins, labels.filter(lambda subset: len(subset) <= leg_names.SUBSET_ROOM))
def test_subset_that_is_gone_is_read_from_the_name(pin: traffic.Pin, subset: str) -> None:
    """A subset that the user deleted in mid-release stands whole in the leg's name."""
    assert leg_names.decode(leg_names.encode(pin, subset), pin, []) == subset


@pytest.mark.parametrize(
    ("name", "leg"),
    [
        pytest.param("rampart-stable-5d4f8c7b9d", Leg(traffic.replica_set("5d4f8c7b9d"), None), id="stable"),
        pytest.param("rampart-stable-5d4f8c7b9d-a-b", Leg(traffic.replica_set("5d4f8c7b9d"), "a-b"), id="with subset"),
        pytest.param("rampart-canary-web-7c9f", Leg(traffic.canary("web-7c9f"), None), id="canary"),
        pytest.param("rampart-canary-web-7c9f-b", Leg(traffic.canary("web-7c9f"), "b"), id="known subset"),
        pytest.param("rampart-canary-web-7c9f-a-b", Leg(traffic.canary("web-7c9f"), "a-b"), id="the longer one"),
        pytest.param("rampart-canary-web-7c9f-x", Leg(traffic.canary("web-7c9f-x"), None), id="unknown subset"),
    ],
)
def test_name_alone_is_read_as_well_as_can_be(name: str, leg: Leg) -> None:
    """Without the rule that defined it, a name still tells the pods and mostly the subset."""
    assert leg_names.guess(name, ["b", "a-b"]) == leg


@pytest.mark.parametrize(
    ("labels_of_subset", "pin"),
    [
        pytest.param({"version": "v1", names.POD_TEMPLATE_HASH: "5d4f"}, traffic.replica_set("5d4f"), id="stable"),
        pytest.param({"version": "v1", names.RELEASE: "web-7c9f"}, traffic.canary("web-7c9f"), id="canary"),
        pytest.param({"version": "v1"}, None, id="somebody took the pin out"),
    ],
)
def test_pin_is_read_from_a_subsets_labels(labels_of_subset: dict[str, str], pin: traffic.Pin | None) -> None:
    """The labels of the temporary rule's subset, and not its name, tell which pods a leg reaches."""
    assert leg_names.pin_of(labels_of_subset) == pin
