"""Where notifications go by the settings; Prometheus's own are in test_settings."""

from pathlib import Path

from rollout import addresses, settings
from rollout.notifier import Receiver
from rollout.settings import Settings


def test_notifications_go_where_the_settings_say(tmp_path: Path) -> None:
    """Nowhere, unless there is an address and a secret."""
    (tmp_path / "url").write_text("https://hooks.example.com/a")
    (tmp_path / "secret").write_text("secret")
    bare = {"prometheus_url": "http://p:9090"}
    given = {"webhook_url_file": str(tmp_path / "url"), "webhook_secret_file": str(tmp_path / "secret")}
    silent, loud = settings.load(bare, {}), settings.load({**bare, **given, "webhook_events": "ends"}, {})
    assert isinstance(silent, Settings)
    assert isinstance(loud, Settings)
    assert addresses.receiver_of(silent) is None
    assert addresses.receiver_of(loud) == Receiver(tmp_path / "url", tmp_path / "secret", ("ends",))
