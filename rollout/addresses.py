"""Whom the controller speaks to by its settings: Prometheus, and who is notified."""

from datetime import timedelta

from analysis.prometheus import Access
from rollout.notifier import Receiver
from rollout.settings import Settings


def access_of(settings: Settings) -> Access:
    """Where Prometheus answers, and with which credentials."""
    return Access(
        url=settings.prometheus_url,
        headers=settings.prometheus_headers,
        token_file=settings.prometheus_token_file,
        user=settings.prometheus_user,
        password_file=settings.prometheus_password_file,
        ca_file=settings.prometheus_ca_file,
        certificate_file=settings.prometheus_certificate_file,
        key_file=settings.prometheus_key_file,
        insecure=settings.prometheus_insecure,
        read=timedelta(seconds=settings.prometheus_timeout),
    )


def receiver_of(settings: Settings) -> Receiver | None:
    """Where notifications go, if anywhere."""
    if settings.webhook_url_file is None or settings.webhook_secret_file is None:
        return None
    return Receiver(settings.webhook_url_file, settings.webhook_secret_file, settings.webhook_events)
