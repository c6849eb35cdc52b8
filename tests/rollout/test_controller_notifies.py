"""The controller's own small thoughts: of which Deployment it tells, and where notifications go."""

from dataclasses import replace
from pathlib import Path

from rollout import controller, settings
from rollout.notice import Subject
from rollout.notifier import Receiver
from rollout.observer import View
from rollout.settings import Settings
from tests.rollout.building import a_release, a_workload

REST = View("shop", "web", None, a_workload(), (), (), (), ())


def test_a_release_tells_of_its_own_deployment() -> None:
    """Also when that is gone, or another of its name stands there: the same decision keeps its id."""
    release = a_release()
    for view in (REST, replace(REST, work=None), replace(REST, work=a_workload(uid="another"))):
        assert controller.subject_of(view, release) == Subject("shop", "web", "web-uid")
    assert controller.subject_of(replace(REST, work=a_workload(uid="another")), None).uid == "another"
    assert controller.subject_of(replace(REST, work=None), None).uid == ""


def test_notifications_go_where_the_settings_say(tmp_path: Path) -> None:
    """Nowhere, unless there is an address and a secret."""
    (tmp_path / "url").write_text("https://hooks.example.com/a")
    (tmp_path / "secret").write_text("secret")
    bare = {"prometheus_url": "http://p:9090"}
    given = {"webhook_url_file": str(tmp_path / "url"), "webhook_secret_file": str(tmp_path / "secret")}
    silent, loud = settings.load(bare, {}), settings.load({**bare, **given, "webhook_events": "ends"}, {})
    assert isinstance(silent, Settings)
    assert isinstance(loud, Settings)
    assert controller.receiver_of(silent) is None
    assert controller.receiver_of(loud) == Receiver(tmp_path / "url", tmp_path / "secret", ("ends",))
