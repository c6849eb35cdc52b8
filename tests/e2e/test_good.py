"""A good version is released without one failed request, and nothing of ours is left."""

from deploy import kinds
from tests.e2e import stage


def test_good_release_is_promoted_without_a_failed_request() -> None:
    """Steps, bake, native roll-out, clean-up: every request succeeds and weights are met (promises 1, 2, 5, 7)."""
    with stage.opened() as play:
        play.send()
        play.set_image("v2")
        play.kubectl("wait", "--for=create", "releases", "--all", stage.WAITS)
        play.kubectl("wait", "--for=condition=Complete", "releases", "--all", stage.WAITS)
        assert play.wait_phase("Promoted")["holding"] == ""
        assert play.get(kinds.RELEASE, play.releases()[0]["metadata"]["name"])["metadata"].get("finalizers") is None
        total = play.check_none_failed()
        assert total.requests > 500
        play.check_rest("v2")
        for reason in ("Preparing", "Stepping", "Baking", "Promoting", "Finishing", "Promoted"):
            play.told(reason)
